/* Platform accounts: what operators do to a wallet of any dialect: open, look, limit, deposit, put
 * liens on it. */
#include "core/identity/user.h"
#include "core/wallet/account.h"
#include "core/wallet/funds.h"
#include "core/wallet/own_wallet.h"
#include "dialect/platform/platform.h"
#include "generated/platform.h"
#include "ledger/ledger.h"

static int find(struct call *c, struct str account_id, struct wallet *ret_wallet)
{
    id_t64 id;

    TRY(platform_read_id(c, ID_ACCOUNT, account_id, "account_id", &id));
    return wallet_get(c, id, "account_id", ret_wallet);
}

/* In a write the transaction's own postings count, in a read the snapshot's. */
static int read_ledger(struct call *c, const struct wallet *wallet, struct ledger_account *ret)
{
    return c->ledger ? ledger_get_account(c->ledger, wallet->tenant_id, wallet->id, ret)
                     : ledger_read_account(c->sql, wallet->tenant_id, wallet->id, ret);
}

static int show(struct call *c, const struct wallet *wallet, struct platform_account **ret_data)
{
    const struct asset *asset = wallet_asset(wallet);
    struct ledger_account account;

    TRY(read_ledger(c, wallet, &account));
    *ret_data = ARENA_NEW(c->arena, struct platform_account);
    **ret_data = (struct platform_account){
        .account_id = call_id(c, ID_ACCOUNT, wallet->id),
        .name = wallet->name,
        .account_number = wallet->account_number,
        .has_vaultspay_id = true,
        .vaultspay_id = wallet->id,
        .fincode_id = id_print_uuid(c->arena, ID_ACCOUNT, wallet->id),
        .ledger_account_id = call_id(c, ID_LEDGER_ACCOUNT, wallet->id),
        .organisation_id = platform_id_or_none(c, ID_ORGANISATION, wallet->organisation_id),
        .user_id = platform_id_or_none(c, ID_USER, wallet->user_id),
        .currency = str_from(asset->code),
        .status = wallet->status,
        .balance = money_to_decimal(ledger_balance(&account), asset),
        .available_balance = money_to_decimal(ledger_available(&account), asset),
        .lien_amount = money_to_decimal(account.lien_total, asset),
        .held_amount = money_to_decimal(account.debits_pending, asset),
        .overdraft_limit = money_to_decimal(account.overdraft_limit, asset),
        .minimum_balance = money_to_decimal(account.minimum_balance, asset),
        .created_at = call_time(c, wallet->created_at),
    };
    return OK;
}

int platform_get_account(struct call *c, const struct platform_get_account_in *in,
                         struct platform_get_account_out *out)
{
    struct wallet wallet;

    TRY(find(c, in->account_id, &wallet));
    return show(c, &wallet, &out->data);
}

static int read_limit(struct call *c, struct decimal limit, const struct asset *asset,
                      const char *field, money_t *ret_limit)
{
    int error = money_from_decimal(limit, asset, ret_limit);

    return error ? call_refuse(c, error, field) : OK;
}

int platform_create_account(struct call *c, const struct platform_create_account_in *in,
                            struct platform_create_account_out *out)
{
    const struct platform_create_account_request *body = in->body;
    const struct asset *asset = asset_find_any_case(body->currency);
    struct wallet_limits limits = {0};
    struct wallet wallet;
    struct user owner;
    id_t64 user_id;

    if (!asset)
        return call_refuse(c, ERR_UNKNOWN_CURRENCY, "currency");
    if (asset->kind != ASSET_FIAT)
        return call_refuse_text(c, ERR_NOT_ALLOWED, "currency",
                                "must be an ISO 4217 currency: tokens need a provider");
    TRY(platform_read_id(c, ID_USER, body->user_id, "user_id", &user_id));
    TRY(user_get(c, user_id, "user_id", &owner));
    if (body->has_overdraft_limit)
        TRY(read_limit(c, body->overdraft_limit, asset, "overdraft_limit",
                       &limits.overdraft_limit));
    if (body->has_minimum_balance)
        TRY(read_limit(c, body->minimum_balance, asset, "minimum_balance",
                       &limits.minimum_balance));
    TRY(wallet_open_own(c, &owner, asset, body->name, &wallet));
    if (limits.overdraft_limit || limits.minimum_balance)
        TRY(wallet_set_limits(c, &wallet, limits));
    return show(c, &wallet, &out->data);
}

int platform_update_account(struct call *c, const struct platform_update_account_in *in,
                            struct platform_update_account_out *out)
{
    const struct platform_update_account_request *body = in->body;
    struct ledger_account account;
    struct wallet_limits limits;
    struct wallet wallet;

    TRY(find(c, in->account_id, &wallet));
    const struct asset *asset = wallet_asset(&wallet);
    TRY(read_ledger(c, &wallet, &account));
    limits = (struct wallet_limits){account.overdraft_limit, account.minimum_balance};
    if (body->has_overdraft_limit)
        TRY(read_limit(c, body->overdraft_limit, asset, "overdraft_limit",
                       &limits.overdraft_limit));
    if (body->has_minimum_balance)
        TRY(read_limit(c, body->minimum_balance, asset, "minimum_balance",
                       &limits.minimum_balance));
    if (body->has_overdraft_limit || body->has_minimum_balance)
        TRY(wallet_set_limits(c, &wallet, limits));
    if (str_present(body->status))
        TRY(wallet_set_status(c, &wallet, body->status));
    return show(c, &wallet, &out->data);
}

int platform_create_deposit(struct call *c, const struct platform_create_deposit_in *in,
                            struct platform_create_deposit_out *out)
{
    struct wallet_deposit request = {.amount = in->body->amount,
                                     .currency = in->body->currency,
                                     .reference = in->body->reference,
                                     .description = in->body->description};
    struct ledger_account account;
    struct wallet_entry entry;
    struct wallet wallet;

    TRY(find(c, in->account_id, &wallet));
    TRY(wallet_book_deposit(c, &wallet, &request, &entry));
    TRY(read_ledger(c, &wallet, &account));
    const struct asset *asset = wallet_asset(&wallet);
    out->data = ARENA_NEW(c->arena, struct platform_deposit);
    *out->data = (struct platform_deposit){
        .journal_id = call_id(c, ID_JOURNAL, entry.journal_id),
        .transaction_id = call_id(c, ID_ACCOUNT_ENTRY, entry.id),
        .account_id = call_id(c, ID_ACCOUNT, wallet.id),
        .amount = money_to_decimal(entry.amount, asset),
        .currency = str_from(asset->code),
        .balance = money_to_decimal(ledger_balance(&account), asset),
        .available_balance = money_to_decimal(ledger_available(&account), asset),
        .reference = entry.reference,
        .created_at = call_time(c, entry.created_at),
    };
    return OK;
}

/* ---- Liens ---- */

static void show_lien(struct call *c, const struct ledger_lien *lien, const struct asset *asset,
                      struct platform_lien *out)
{
    *out = (struct platform_lien){
        .lien_id = call_id(c, ID_LIEN, lien->id),
        .account_id = call_id(c, ID_ACCOUNT, lien->account_id),
        .amount = money_to_decimal(lien->amount, asset),
        .currency = str_from(asset->code),
        .reason = lien->reason,
        .status = lien->released_at ? STR("released") : STR("active"),
        .created_at = call_time(c, lien->created_at),
        .released_at = call_time(c, lien->released_at),
    };
}

static int ledger_refusal(struct call *c, int error, const char *field)
{
    return error <= -40 && error > -200 ? call_refuse(c, error, field) : error;
}

int platform_create_lien(struct call *c, const struct platform_create_lien_in *in,
                         struct platform_create_lien_out *out)
{
    struct ledger_lien lien = {.reason = in->body->reason, .created_at = c->now};
    struct ledger_account account;
    struct wallet wallet;

    TRY(find(c, in->account_id, &wallet));
    TRY(wallet_amount(c, in->body->amount, wallet_asset(&wallet), "amount", &lien.amount));
    TRY(read_ledger(c, &wallet, &account));
    if (lien.amount > ledger_available(&account))
        return call_refuse(c, ERR_INSUFFICIENT_FUNDS, "amount");
    lien.account_id = wallet.id;
    TRY(ledger_refusal(c,
                       ledger_place_lien(c->ledger, wallet.tenant_id, wallet.id, lien.amount,
                                         lien.reason, &lien.id),
                       "account_id"));
    out->data = ARENA_NEW(c->arena, struct platform_lien);
    show_lien(c, &lien, wallet_asset(&wallet), out->data);
    return OK;
}

int platform_list_liens(struct call *c, const struct platform_list_liens_in *in,
                        struct platform_list_liens_out *out)
{
    struct ledger_lien *liens;
    struct wallet wallet;
    struct page page;
    size_t count;

    TRY(find(c, in->account_id, &wallet));
    struct str list = arena_printf(c->arena, "liens|%lld", (long long)wallet.id);
    TRY(call_page(c, list, in->cursor, "cursor", in->limit, &page));
    TRY(ledger_list_liens(c->sql, c->arena, wallet.tenant_id, wallet.id, &liens, &count));
    out->meta = ARENA_NEW(c->arena, struct platform_page_meta);
    out->data.items = ARENA_ARRAY(c->arena, struct platform_lien, (size_t)page.limit + 1);
    /* The ledger lists them oldest first; an account has few. */
    for (size_t i = count; i > 0; i--) {
        if (liens[i - 1].id >= page.before)
            continue;
        if (out->data.count == (size_t)page.limit) {
            out->meta->next_cursor = call_page_cursor(c, list, liens[i].id);
            break;
        }
        show_lien(c, &liens[i - 1], wallet_asset(&wallet), &out->data.items[out->data.count++]);
    }
    out->meta->count = (int64_t)out->data.count;
    return OK;
}

int platform_release_lien(struct call *c, const struct platform_release_lien_in *in,
                          struct platform_release_lien_out *out)
{
    struct ledger_lien *liens;
    struct wallet wallet;
    id_t64 lien_id;
    size_t count;

    TRY(find(c, in->account_id, &wallet));
    if (!id_parse(ID_LIEN, in->lien_id, &lien_id))
        return call_refuse(c, ERR_LEDGER_LIEN_NOT_FOUND, "lien_id");
    TRY(ledger_list_liens(c->sql, c->arena, wallet.tenant_id, wallet.id, &liens, &count));
    for (size_t i = 0; i < count; i++) {
        if (liens[i].id != lien_id)
            continue;
        TRY(ledger_refusal(c, ledger_release_lien(c->ledger, wallet.tenant_id, lien_id),
                           "lien_id"));
        liens[i].released_at = c->now;
        out->data = ARENA_NEW(c->arena, struct platform_lien);
        show_lien(c, &liens[i], wallet_asset(&wallet), out->data);
        return OK;
    }
    return call_refuse(c, ERR_LEDGER_LIEN_NOT_FOUND, "lien_id");
}
