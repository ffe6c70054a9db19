/* VaultsPay accounts: wallets of an app's users, and their ledger. Amounts are minor units on the
 * wire. */
#include <ctype.h>

#include "core/identity/user.h"
#include "core/reasons.h"
#include "core/wallet/app_wallet.h"
#include "core/wallet/own_wallet.h"
#include "core/wallet/wallet_history.h"
#include "generated/vaultspay.h"

/* ---- Currencies ---- */

static const struct vp_currency_id {
    int64_t id;
    const char *code, *name;
} currency_ids[] = {
#define VP_CURRENCY(id, code, name) {id, code, name},
#include "dialect/vaultspay/currencies.def"
#undef VP_CURRENCY
};
#define CURRENCY_ID_COUNT (sizeof(currency_ids) / sizeof(currency_ids[0]))

static const struct asset *currency_of_id(int64_t id)
{
    for (size_t i = 0; i < CURRENCY_ID_COUNT; i++)
        if (currency_ids[i].id == id)
            return asset_find(str_from(currency_ids[i].code));
    const struct asset *asset = id <= INT32_MAX ? asset_by_id((int)id) : NULL;
    return asset && asset->kind == ASSET_FIAT ? asset : NULL;
}

static struct vp_currency *show_currency(struct call *c, const struct asset *asset)
{
    struct vp_currency *out = ARENA_NEW(c->arena, struct vp_currency);

    *out = (struct vp_currency){
        .id = asset->id,
        .name = str_from(asset->name),
        .code = str_from(asset->code),
        .has_iso_code = asset->kind == ASSET_FIAT,
        .iso_code = asset->id,
        .has_decimal_point = true,
        .decimal_point = (int64_t)asset->scale,
        .type = asset->kind == ASSET_FIAT ? STR("FIAT") : STR("CRYPTO"),
        .has_status = true,
        .status = true,
    };
    for (size_t i = 0; i < CURRENCY_ID_COUNT; i++)
        if (strcmp(currency_ids[i].code, asset->code) == 0) {
            out->id = currency_ids[i].id;
            out->name = str_from(currency_ids[i].name);
        }
    return out;
}

/* ---- Accounts ---- */

static struct str status_of(const struct wallet *wallet)
{
    if (str_is(wallet->status, "active"))
        return STR("ACTIVE");
    return str_is(wallet->status, "inactive") ? STR("INACTIVE") : STR("BLOCK");
}

static void show_account(struct call *c, const struct wallet *wallet,
                         const struct ledger_account *account, bool primary, struct vp_account *out)
{
    const struct asset *asset = wallet_asset(wallet);

    *out = (struct vp_account){
        .id = wallet->id,
        .user_id = wallet->user_id,
        .account_type = STR("DIGITAL"),
        .currency_code = str_from(asset->code),
        .currency = show_currency(c, asset),
        .account_title = str_or(wallet->name, STR("")),
        .account_number = str_or(wallet->account_number, STR("")),
        .balance = decimal_from_i64(ledger_available(account)),
        .balance_on_hold = decimal_from_i64(account->debits_pending + account->lien_total),
        .status = status_of(wallet),
        .references.items = ARENA_NEW(c->arena, struct str),
        .is_primary = primary,
        .credit_limit = decimal_from_i64(account->overdraft_limit),
    };
}

static int require_digital(struct call *c, struct str account_type)
{
    return str_is(account_type, "DIGITAL")
               ? OK
               : call_refuse_text(c, ERR_NOT_ALLOWED, "accountType", "must be DIGITAL");
}

int vp_create_account(struct call *c, const struct vp_create_account_in *in,
                      struct vp_create_account_out *out)
{
    const struct vp_create_account_request *body = in->body;
    const struct asset *asset = currency_of_id(body->currency_id);
    struct ledger_account account;
    struct app_wallet kept;
    struct wallet wallet;
    struct user owner;

    TRY(require_digital(c, body->account_type));
    if (!asset)
        return call_refuse(c, ERR_UNKNOWN_CURRENCY, "currencyId");
    TRY(user_get_for_caller(c, body->user_id, "userId", &owner));
    if (!user_may_sign_in(&owner))
        return call_refuse_text(c, ERR_WRONG_STATE, "userId", "The user is blocked.");
    TRY(wallet_open_own(c, &owner, asset, STR_NONE, &wallet));
    TRY(app_wallet_get(c, wallet.id, "id", &kept));
    TRY(ledger_get_account(c->ledger, wallet.tenant_id, wallet.id, &account));
    out->data = ARENA_NEW(c->arena, struct vp_account);
    show_account(c, &wallet, &account, kept.first_wallet_id == wallet.id, out->data);
    return OK;
}

int vp_get_account(struct call *c, const struct vp_get_account_in *in,
                   struct vp_get_account_out *out)
{
    const struct wallet_history_query newest = {.page = 1, .per_page = 1};
    struct ledger_account account;
    struct wallet_history history;
    struct app_wallet found;

    TRY(app_wallet_get(c, in->id, "id", &found));
    struct wallet wallet = wallet_of_app_wallet(&found);
    TRY(ledger_read_account(c->sql, wallet.tenant_id, wallet.id, &account));
    TRY(wallet_history_read(c, wallet.id, &newest, &history));
    out->data = ARENA_NEW(c->arena, struct vp_account);
    show_account(c, &wallet, &account, found.first_wallet_id == wallet.id, out->data);
    out->data->has_total_transactions = history.has_total;
    out->data->total_transactions = history.total;
    return OK;
}

static struct vp_pagination *show_pagination(struct call *c, int64_t page, int64_t per_page,
                                             int64_t total)
{
    struct vp_pagination *out = ARENA_NEW(c->arena, struct vp_pagination);

    *out = (struct vp_pagination){
        .current_page = page,
        .per_page = per_page,
        .total_pages = (total + per_page - 1) / per_page,
        .total_count = total,
        .sort = STR("id: DESC"),
    };
    return out;
}

/* Configurations of third parties that an account can be used with. */
static bool is_known_config(struct str slug)
{
    return str_is(slug, "pmt-mastercard-issuing") || str_is(slug, "vp-acq");
}

/* Narrows the filter; *ret_none: nothing can match. */
static int read_filter(struct call *c, const struct vp_list_accounts_in *in,
                       struct app_wallet_filter *filter, bool *ret_none)
{
    const struct asset *asset;
    struct user user;

    *ret_none = str_present(in->account_type) && !str_is(in->account_type, "DIGITAL");
    if (in->has_user_id) {
        TRY(user_get_for_caller(c, in->user_id, "userId", &user));
        filter->user_id = in->user_id;
    }
    if (in->has_shown_my_accounts && in->shown_my_accounts) {
        *ret_none |= filter->user_id && filter->user_id != c->principal.user_id;
        filter->user_id = c->principal.user_id;
    }
    if (str_present(in->currency_code)) {
        asset = asset_find_any_case(in->currency_code);
        if (!asset)
            return call_refuse(c, ERR_UNKNOWN_CURRENCY, "currencyCode");
        filter->asset = asset->id;
    }
    filter->active_only =
        str_present(in->third_party_config_slug) || str_present(in->transaction_type);
    *ret_none |=
        str_present(in->third_party_config_slug) && !is_known_config(in->third_party_config_slug);
    return OK;
}

int vp_list_accounts(struct call *c, const struct vp_list_accounts_in *in,
                     struct vp_list_accounts_out *out)
{
    struct app_wallet_filter filter = {.page = in->page, .per_page = in->per_page};
    struct ledger_account *accounts;
    struct app_wallet *wallets = NULL;
    size_t count = 0;
    int64_t total = 0;
    bool none;

    TRY(read_filter(c, in, &filter, &none));
    if (!none)
        TRY(app_wallet_list(c, &filter, &wallets, &count, &total));
    id_t64 *ids = ARENA_ARRAY(c->arena, id_t64, count + 1);
    accounts = ARENA_ARRAY(c->arena, struct ledger_account, count + 1);
    for (size_t i = 0; i < count; i++)
        ids[i] = wallets[i].id;
    TRY(ledger_read_accounts(c->sql, c->arena, c->principal.tenant_id, ids, count, accounts));
    out->data.items = ARENA_ARRAY(c->arena, struct vp_account, count + 1);
    out->data.count = count;
    for (size_t i = 0; i < count; i++) {
        struct wallet wallet = wallet_of_app_wallet(&wallets[i]);
        show_account(c, &wallet, &accounts[i], wallets[i].first_wallet_id == wallet.id,
                     &out->data.items[i]);
    }
    out->pagination = show_pagination(c, in->page, in->per_page, total);
    return OK;
}

/* ---- The ledger of an account ---- */

/* "DEPOSIT AMT 100.00 AED", after the pattern of the documented "REFUND AMT 100.00 AED". */
static struct str narration_of(struct call *c, const struct ledger_entry *entry,
                               const struct asset *asset)
{
    struct str amount =
        decimal_print(c->arena, money_to_decimal(entry->amount, asset), asset->scale);
    struct buf out = buf_new(c->arena, 48);

    if (!str_empty(entry->description))
        return entry->description;
    for (const char *p = reason_name(entry->reason); *p; p++)
        buf_add_char(&out, (char)toupper((unsigned char)*p));
    buf_printf(&out, " AMT %.*s %s", STR_FMT(amount), asset->code);
    return buf_str(&out);
}

static void show_row(struct call *c, const struct ledger_entry *entry, const struct asset *asset,
                     struct vp_ledger_row *out)
{
    struct decimal amount = decimal_from_i64(entry->amount), none = {0, 0};

    *out = (struct vp_ledger_row){
        .id = entry->transfer_id,
        .transaction_id = entry->journal_id,
        .debit = entry->is_debit ? amount : none,
        .credit = entry->is_debit ? none : amount,
        .balance = decimal_from_i64(entry->balance_after),
        .narration = narration_of(c, entry, asset),
        .date = time_print(c->arena, entry->posted_at, TIME_OFFSET_MILLIS),
    };
    out->has_transaction_ref_id =
        decimal_parse(str_or(entry->reference, STR("")), &out->transaction_ref_id);
}

/* Dates are shown in milliseconds: a bound that was copied from a row means all of its
 * millisecond. */
static usec_t last_of_millisecond(usec_t instant)
{
    return instant - instant % USEC_PER_MSEC + USEC_PER_MSEC - 1;
}

int vp_get_account_ledger(struct call *c, const struct vp_get_account_ledger_in *in,
                          struct vp_get_account_ledger_out *out)
{
    struct wallet_history_query query = {.page = in->page, .per_page = in->per_page};
    struct wallet_history history = {.has_total = true};
    struct app_wallet found;
    struct user user;
    bool none;

    TRY(app_wallet_get(c, in->id, "id", &found));
    if (in->has_user_id)
        TRY(user_get_for_caller(c, in->user_id, "userId", &user));
    if (str_present(in->start_date))
        time_parse(in->start_date, &query.from);
    if (str_present(in->end_date) && time_parse(in->end_date, &query.until))
        query.until = last_of_millisecond(query.until);
    query.journal_id = in->has_transaction_id ? in->transaction_id : 0;
    none = (in->has_user_id && in->user_id != found.user_id) ||
           (in->has_transaction_id && in->transaction_id <= 0);
    if (!none)
        TRY(wallet_history_read(c, found.id, &query, &history));
    out->data.items = ARENA_ARRAY(c->arena, struct vp_ledger_row, history.count + 1);
    out->data.count = history.count;
    for (size_t i = 0; i < history.count; i++)
        show_row(c, &history.entries[i], asset_by_id((int)found.asset), &out->data.items[i]);
    if (history.has_total)
        out->pagination = show_pagination(c, in->page, in->per_page, history.total);
    return OK;
}
