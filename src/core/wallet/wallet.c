/*
 * Reading wallets: one, many, and what is in them. The rule of who may use a wallet lives here
 * (wallet_may_use) and is applied by every function that serves a client.
 *
 * Invariant: a wallet's ledger account has the wallet's id, so a balance is one look-up by key.
 */
#include "core/wallet/wallet.h"

#include "core/identity/organisation.h"
#include "core/identity/user.h"
#include "store/query.h"

#define ROW_SELF struct wallet
ROW_TYPE(wallet, WALLET_ROW);
#undef ROW_SELF
#define ROW_SELF struct wallet_chain
ROW_TYPE(wallet_chain, WALLET_CHAIN_ROW);
#undef ROW_SELF
#define ROW_SELF struct wallet_key
ROW_TYPE(wallet_key, WALLET_KEY_ROW);
#undef ROW_SELF

#define WALLET_BRIEF(F)         \
    F(INTEGER, id)              \
    F(INTEGER, tenant_id)       \
    F(INTEGER, organisation_id) \
    F(INTEGER, user_id)         \
    F(INTEGER, asset)           \
    F(TEXT, status)
#define WALLET_BRIEF_ROW(F) \
    WALLET_BRIEF(F)         \
    F(TEXT, organisation_status)
ROW_STRUCT(wallet_brief, WALLET_BRIEF_ROW);
#define ROW_SELF struct wallet_brief
ROW_TYPE(wallet_brief, WALLET_BRIEF_ROW);
#undef ROW_SELF
#define WALLET_BRIEF_SELECT                                                      \
    ROW_SELECT(WALLET_BRIEF)                                                     \
    ", (SELECT organisation.status FROM organisation WHERE organisation.id ="    \
    " wallet.organisation_id AND organisation.tenant_id = wallet.tenant_id) AS " \
    "organisation_status"                                                        \
    " FROM wallet WHERE tenant_id = ? AND id = ?"

#define ROW_SELF struct wallet_detail
ROW_TYPE(wallet_detail, WALLET_DETAIL_ROW);
#undef ROW_SELF

_Static_assert(offsetof(struct wallet_detail, organisation_name) == sizeof(struct wallet),
               "a wallet_detail begins with a wallet");

#define WALLET_SELECT ROW_SELECT(WALLET_ROW) " FROM wallet WHERE tenant_id = ?"
/* One statement: this is what the busiest read is made of. */
#define WALLET_DETAIL_SELECT                                                           \
    ROW_SELECT(WALLET_ROW)                                                             \
    ", (SELECT organisation.name FROM organisation WHERE organisation.id ="            \
    " wallet.organisation_id AND organisation.tenant_id = wallet.tenant_id)"           \
    " AS organisation_name, (SELECT user_account.email FROM user_account WHERE"        \
    " user_account.id = wallet.user_id AND user_account.tenant_id = wallet.tenant_id)" \
    " AS user_email, (SELECT wallet_chain.entry_count FROM wallet_chain WHERE"         \
    " wallet_chain.id = wallet.id AND wallet_chain.tenant_id = wallet.tenant_id)"      \
    " AS entry_count, (SELECT wallet_chain.last_entry_at FROM wallet_chain WHERE"      \
    " wallet_chain.id = wallet.id AND wallet_chain.tenant_id = wallet.tenant_id)"      \
    " AS last_entry_at FROM wallet WHERE tenant_id = ?"

/* ---- One wallet ---- */

int wallet_insert(struct sql *sql, const struct wallet *wallet)
{
    const struct wallet_chain chain = {.id = wallet->id, .tenant_id = wallet->tenant_id};

    TRY(sql_insert(sql, "wallet", &wallet_row, wallet));
    return sql_append(sql, "wallet_chain", &wallet_chain_row, &chain);
}

static int found(struct call *c, int error, struct str status, const char *field)
{
    if (error == ERR_NOT_FOUND || (!error && str_is(status, "deleted")))
        return call_refuse_text(c, ERR_NOT_FOUND, field, "The account was not found.");
    return error;
}

int wallet_find(struct call *c, id_t64 wallet_id, struct wallet *ret_wallet)
{
    TRY(sql_one(c->sql, c->arena, &wallet_row, ret_wallet, WALLET_SELECT " AND id = ?",
                sql_int(c->principal.tenant_id), sql_int(wallet_id)));
    return str_is(ret_wallet->status, "deleted") ? ERR_NOT_FOUND : OK;
}

int wallet_get(struct call *c, id_t64 wallet_id, const char *field, struct wallet *ret_wallet)
{
    return found(c, wallet_find(c, wallet_id, ret_wallet), ret_wallet->status, field);
}

int wallet_get_brief(struct call *c, id_t64 wallet_id, const char *field, struct wallet *ret_wallet,
                     struct str *ret_organisation_status)
{
    struct wallet_brief brief = {0};
    int error = sql_one(c->sql, c->arena, &wallet_brief_row, &brief, WALLET_BRIEF_SELECT,
                        sql_int(c->principal.tenant_id), sql_int(wallet_id));

    TRY(found(c, error, brief.status, field));
    *ret_wallet = (struct wallet){.id = brief.id,
                                  .tenant_id = brief.tenant_id,
                                  .organisation_id = brief.organisation_id,
                                  .user_id = brief.user_id,
                                  .asset = brief.asset,
                                  .status = brief.status};
    *ret_organisation_status = brief.organisation_status;
    return OK;
}

int wallet_expect(struct call *c, id_t64 wallet_id)
{
    TRY(sql_expect(c->sql, WALLET_BRIEF_SELECT, sql_int(c->principal.tenant_id),
                   sql_int(wallet_id)));
    sql_expect_row(c->sql, "wallet_chain", &wallet_chain_row, wallet_id);
    ledger_expect_account(c->ledger, wallet_id);
    return OK;
}

struct wallet wallet_of_detail(const struct wallet_detail *detail)
{
    struct wallet wallet;

    memcpy(&wallet, detail, sizeof(wallet));
    return wallet;
}

int wallet_get_detail(struct call *c, id_t64 wallet_id, const char *field,
                      struct wallet_detail *ret_wallet)
{
    int error = sql_one(c->sql, c->arena, &wallet_detail_row, ret_wallet,
                        WALLET_DETAIL_SELECT " AND id = ?", sql_int(c->principal.tenant_id),
                        sql_int(wallet_id));

    return found(c, error, ret_wallet->status, field);
}

bool wallet_may_use(const struct call *c, const struct wallet *wallet)
{
    const struct principal *caller = &c->principal;

    if (caller->staff)
        return true;
    if (caller->user_id && caller->user_id == wallet->user_id)
        return true;
    if (!caller->organisation_id || caller->organisation_id != wallet->organisation_id)
        return false;
    return wallet->user_id == 0 || call_has_role(c, ROLE_ORG_ADMIN | ROLE_APP);
}

/* A person may belong to more organisations than the one the credential was made for. */
static int require_membership(struct call *c, const struct wallet *wallet, const char *field)
{
    if (!wallet->organisation_id || !c->principal.user_id)
        return call_refuse(c, ERR_FORBIDDEN, field);
    return organisation_require(c, wallet->organisation_id,
                                wallet->user_id ? ROLE_ORG_ADMIN : ROLE_ANY, field);
}

int wallet_require_use(struct call *c, const struct wallet *wallet, const char *field)
{
    return wallet_may_use(c, wallet) ? 0 : require_membership(c, wallet, field);
}

int wallet_get_for_caller(struct call *c, id_t64 wallet_id, const char *field,
                          struct wallet *ret_wallet)
{
    TRY(wallet_get(c, wallet_id, field, ret_wallet));
    return wallet_require_use(c, ret_wallet, field);
}

int wallet_find_active(struct call *c, id_t64 organisation_id, id_t64 user_id, int asset,
                       struct wallet *ret_wallet)
{
    /* Ids rise with time: the oldest wallet comes first, the user's own before the
     * organisation's. */
    int error = sql_one(c->sql, c->arena, &wallet_row, ret_wallet,
                        WALLET_SELECT " AND organisation_id = ? AND asset = ? AND kind = 'currency'"
                                      " AND status = 'active' AND (user_id = ? OR user_id = 0)"
                                      " ORDER BY user_id DESC, id LIMIT 1",
                        sql_int(c->principal.tenant_id), sql_int(organisation_id), sql_int(asset),
                        sql_int(user_id));

    /* Somebody else's is the default of administrators only: nobody else could name it either. */
    if (error == ERR_NOT_FOUND && call_has_role(c, ROLE_ORG_ADMIN | ROLE_APP))
        error = sql_one(c->sql, c->arena, &wallet_row, ret_wallet,
                        WALLET_SELECT " AND organisation_id = ? AND asset = ?"
                                      " AND kind = 'currency' AND status = 'active'"
                                      " ORDER BY id LIMIT 1",
                        sql_int(c->principal.tenant_id), sql_int(organisation_id), sql_int(asset));
    return error == ERR_NOT_FOUND ? call_refuse(c, ERR_ACCOUNT_MISSING, "currency") : error;
}

int wallet_require_active(struct call *c, const struct wallet *wallet, const char *field)
{
    if (str_is(wallet->status, "active"))
        return 0;
    if (str_is(wallet->status, "suspended"))
        return call_refuse_text(c, ERR_LEDGER_ACCOUNT_FROZEN, field, "The account is suspended.");
    return call_refuse_text(c, ERR_LEDGER_ACCOUNT_READ_ONLY, field, "The account is not active.");
}

struct str wallet_settlement_name(struct str provider)
{
    const struct provider *connector = str_empty(provider) ? NULL : provider_find(provider);

    return connector ? str_from(connector->name) : provider;
}

/* ---- Balances ---- */

static struct wallet_balances balances_of(const struct ledger_account *account)
{
    return (struct wallet_balances){
        .available = ledger_available(account),
        .ledger = ledger_balance(account) + account->credits_pending,
    };
}

int wallet_balances(struct call *c, id_t64 wallet_id, struct wallet_balances *ret_balances)
{
    struct ledger_account account;

    if (c->ledger)
        TRY(ledger_get_account(c->ledger, c->principal.tenant_id, wallet_id, &account));
    else
        TRY(ledger_read_account(c->sql, c->principal.tenant_id, wallet_id, &account));
    *ret_balances = balances_of(&account);
    return 0;
}

int wallet_balances_of(struct call *c, const struct wallet *wallets, size_t count,
                       struct wallet_balances **ret_balances)
{
    struct wallet_balances *balances = ARENA_ARRAY(c->arena, struct wallet_balances, count);

    *ret_balances = balances;
    if (c->ledger || count <= 1) {
        for (size_t i = 0; i < count; i++)
            TRY(wallet_balances(c, wallets[i].id, &balances[i]));
        return 0;
    }

    struct ledger_account *accounts = ARENA_ARRAY(c->arena, struct ledger_account, count);
    id_t64 *ids = ARENA_ARRAY(c->arena, id_t64, count);
    for (size_t i = 0; i < count; i++)
        ids[i] = wallets[i].id;
    TRY(ledger_read_accounts(c->sql, c->arena, c->principal.tenant_id, ids, count, accounts));
    for (size_t i = 0; i < count; i++)
        balances[i] = balances_of(&accounts[i]);
    return 0;
}

/* ---- Lists ---- */

static struct query list_query(struct call *c, const char *select,
                               const struct wallet_filter *filter, const struct page *page)
{
    struct query query = query_new(c->arena, select);

    query_bind(&query, sql_int(c->principal.tenant_id));
    query_add(&query, " AND status <> 'deleted'");
    query_and_id(&query, "organisation_id = ?", filter->organisation_id);
    query_and_id(&query, "user_id = ?", filter->user_id);
    if (filter->visible_to_user)
        query_and(&query, "(user_id = 0 OR user_id = ?)", sql_int(filter->visible_to_user));
    query_and_id(&query, "asset = ?", filter->asset);
    query_and_text(&query, "kind = ?", filter->kind);
    if (filter->internal_only)
        query_add(&query, " AND kind IN ('internal_bank', 'internal_crypto')");
    query_and_text(&query, "status = ?", filter->status);
    query_and_text(&query, "provider = ?", filter->provider);
    query_and(&query, "id < ?", sql_int(page->before));
    query_add(&query, " ORDER BY id DESC LIMIT ?");
    query_bind(&query, sql_int(page->limit + 1));
    return query;
}

#define FIND_NUMBER                                                                   \
    "SELECT id, organisation_id, user_id, asset FROM wallet WHERE account_number = ?" \
    " AND tenant_id = ? AND status <> 'deleted' ORDER BY id DESC LIMIT 1"

int wallet_expect_number(struct call *c, struct str account_number)
{
    return sql_expect(c->sql, FIND_NUMBER, sql_text(account_number),
                      sql_int(c->principal.tenant_id));
}

int wallet_find_number(struct call *c, struct str account_number, struct wallet_key *ret_wallet)
{
    return sql_one(c->sql, c->arena, &wallet_key_row, ret_wallet, FIND_NUMBER,
                   sql_text(account_number), sql_int(c->principal.tenant_id));
}

int wallet_list(struct call *c, const struct wallet_filter *filter, const struct page *page,
                struct wallet **ret_wallets, size_t *ret_count)
{
    struct query query = list_query(c, WALLET_SELECT, filter, page);

    return sql_all_args(c->sql, c->arena, &wallet_row, (void **)ret_wallets, ret_count,
                        query_text(&query), query.args);
}

int wallet_list_details(struct call *c, const struct wallet_filter *filter, const struct page *page,
                        struct wallet_detail **ret_wallets, size_t *ret_count)
{
    struct query query = list_query(c, WALLET_DETAIL_SELECT, filter, page);

    return sql_all_args(c->sql, c->arena, &wallet_detail_row, (void **)ret_wallets, ret_count,
                        query_text(&query), query.args);
}

int wallet_count_of_customer(struct call *c, id_t64 customer_id, const char *provider,
                             int64_t *ret_count)
{
    return sql_integer(c->sql, ret_count,
                       "SELECT COUNT(*) FROM wallet WHERE tenant_id = ? AND customer_id = ?"
                       " AND provider = ? AND status <> 'deleted'",
                       sql_int(c->principal.tenant_id), sql_int(customer_id),
                       sql_text(str_from(provider)));
}

int wallet_filter_organisation(struct call *c, id_t64 organisation_id, struct wallet_filter *filter)
{
    TRY(organisation_require(c, organisation_id, ROLE_ANY, "org_id"));
    filter->organisation_id = organisation_id;
    if (!c->principal.staff && !call_has_role(c, ROLE_ORG_ADMIN | ROLE_APP))
        filter->visible_to_user = c->principal.user_id;
    return 0;
}

int wallet_filter_user(struct call *c, id_t64 user_id, struct wallet_filter *filter)
{
    struct user user;
    filter->user_id = user_id;
    if (user_id == c->principal.user_id)
        return 0;
    TRY(user_get_for_caller(c, user_id, "user_id", &user));
    if (call_may_act_for_user(c, user_id))
        return 0;
    if (!call_has_role(c, ROLE_ORG_ADMIN | ROLE_APP) || !c->principal.organisation_id)
        return call_refuse(c, ERR_FORBIDDEN, "user_id");
    /* Of somebody else's wallets an organisation's administrator sees those of the organisation. */
    filter->organisation_id = c->principal.organisation_id;
    return 0;
}
