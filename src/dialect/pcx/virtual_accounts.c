/* Virtual accounts: opened, listed, renamed, stopped and closed. */
#include "core/wallet/account.h"
#include "dialect/pcx/wallet_wire.h"

/* ---- Opening ---- */

static int prepare(struct call *c, struct str org_id, struct str user_id, struct str customer_id,
                   struct wallet_opening opening)
{
    TRY(pcx_read_id(c, ID_ORGANISATION, org_id, "org_id", &opening.organisation_id));
    TRY(pcx_read_optional_id(c, ID_USER, user_id, "user_id", &opening.user_id));
    TRY(pcx_read_optional_id(c, ID_CUSTOMER, customer_id, "customer_id", &opening.customer_id));
    c->prepared = ARENA_NEW(c->arena, struct wallet_opening);
    *(struct wallet_opening *)c->prepared = opening;
    return wallet_prepare_opening(c, c->prepared);
}

static int open_prepared(struct call *c, struct pcx_virtual_account **ret_account)
{
    struct wallet wallet;

    TRY(wallet_open(c, c->prepared, &wallet));
    return pcx_wallet(c, &wallet, ret_account);
}

int pcx_create_currency_account_prepare(struct call *c,
                                        const struct pcx_create_currency_account_in *in)
{
    const struct pcx_create_currency_account_request *body = in->body;

    return prepare(c, body->org_id, body->user_id, STR_NONE,
                   (struct wallet_opening){
                       .kind = "currency",
                       .currency = body->currency,
                       .provider = body->provider,
                       .has_initial_balance = body->has_initial_balance,
                       .initial_balance = body->initial_balance,
                       .organisation_name = body->org_name,
                       .email = body->email,
                       .first_name = body->first_name,
                       .last_name = body->last_name,
                       .phone = body->phone,
                       .customer_type = body->customer_type,
                   });
}

int pcx_create_currency_account(struct call *c, const struct pcx_create_currency_account_in *in,
                                struct pcx_create_currency_account_out *out)
{
    (void)in;
    return open_prepared(c, &out->data);
}

int pcx_create_internal_bank_account_prepare(struct call *c,
                                             const struct pcx_create_internal_bank_account_in *in)
{
    const struct pcx_create_internal_bank_account_request *body = in->body;

    return prepare(c, body->org_id, body->user_id, body->customer_id,
                   (struct wallet_opening){
                       .kind = "internal_bank",
                       .currency = str_or(body->currency, STR("USD")),
                       .provider = body->provider,
                       .name = body->virtual_account_name,
                       .has_initial_balance = body->has_initial_balance,
                       .initial_balance = body->initial_balance,
                   });
}

int pcx_create_internal_bank_account(struct call *c,
                                     const struct pcx_create_internal_bank_account_in *in,
                                     struct pcx_create_internal_bank_account_out *out)
{
    (void)in;
    return open_prepared(c, &out->data);
}

int pcx_create_internal_crypto_account_prepare(
    struct call *c, const struct pcx_create_internal_crypto_account_in *in)
{
    const struct pcx_create_internal_crypto_account_request *body = in->body;

    return prepare(c, body->org_id, body->user_id, body->customer_id,
                   (struct wallet_opening){
                       .kind = "internal_crypto",
                       .currency = str_or(body->currency, STR("USDC")),
                       .provider = body->provider,
                       .payment_rail = str_or(body->payment_rail, STR("ethereum")),
                       .name = body->virtual_account_name,
                       .has_initial_balance = body->has_initial_balance,
                       .initial_balance = body->initial_balance,
                   });
}

int pcx_create_internal_crypto_account(struct call *c,
                                       const struct pcx_create_internal_crypto_account_in *in,
                                       struct pcx_create_internal_crypto_account_out *out)
{
    (void)in;
    return open_prepared(c, &out->data);
}

/* ---- Lists ---- */

int pcx_list_currency_accounts(struct call *c, const struct pcx_list_currency_accounts_in *in,
                               struct pcx_list_currency_accounts_out *out)
{
    const struct wallet_filter filter = {.kind = STR("currency")};
    struct str cursor;

    TRY(pcx_wallet_page(c, &filter, PCX_PAGE(in, STR("accounts/currency")), &out->data, &cursor));
    PCX_FINISH_LIST(c, out, out->data.count, cursor);
    return 0;
}

int pcx_get_virtual_accounts_by_org(struct call *c,
                                    const struct pcx_get_virtual_accounts_by_org_in *in,
                                    struct pcx_get_virtual_accounts_by_org_out *out)
{
    struct str name = arena_printf(c->arena, "accounts/org/%.*s", STR_FMT(in->org_id));
    struct wallet_filter filter = {0};
    struct str cursor;
    id_t64 organisation_id;

    TRY(call_parse_id(c, ID_ORGANISATION, in->org_id, "org_id", &organisation_id));
    TRY(wallet_filter_organisation(c, organisation_id, &filter));
    TRY(pcx_wallet_page(c, &filter, PCX_PAGE(in, name), &out->data, &cursor));
    PCX_FINISH_LIST(c, out, out->data.count, cursor);
    return 0;
}

int pcx_get_virtual_accounts_by_user(struct call *c,
                                     const struct pcx_get_virtual_accounts_by_user_in *in,
                                     struct pcx_get_virtual_accounts_by_user_out *out)
{
    struct str name = arena_printf(c->arena, "accounts/user/%.*s", STR_FMT(in->user_id));
    struct wallet_filter filter = {0};
    struct str cursor;
    id_t64 user_id;

    TRY(call_parse_id(c, ID_USER, in->user_id, "user_id", &user_id));
    TRY(wallet_filter_user(c, user_id, &filter));
    TRY(pcx_wallet_page(c, &filter, PCX_PAGE(in, name), &out->data, &cursor));
    PCX_FINISH_LIST(c, out, out->data.count, cursor);
    return 0;
}

/* Not paged: a user has few. */
#define INTERNAL_ACCOUNTS_MAX 1000

int pcx_get_internal_accounts_by_user(struct call *c,
                                      const struct pcx_get_internal_accounts_by_user_in *in,
                                      struct pcx_get_internal_accounts_by_user_out *out)
{
    const struct page page = {.limit = INTERNAL_ACCOUNTS_MAX, .before = INT64_MAX};
    struct wallet_filter filter = {.internal_only = true};
    struct wallet *wallets;
    size_t count;
    id_t64 user_id;

    TRY(call_parse_id(c, ID_USER, in->user_id, "user_id", &user_id));
    TRY(wallet_filter_user(c, user_id, &filter));
    TRY(wallet_list(c, &filter, &page, &wallets, &count));
    TRY(pcx_wallets(c, wallets, count, &out->data));
    PCX_FINISH_LIST(c, out, count, STR_NONE);
    return 0;
}

/* ---- One account ---- */

static int get(struct call *c, struct str account_id, struct wallet *ret_wallet)
{
    id_t64 id;

    TRY(call_parse_id(c, ID_ACCOUNT, account_id, "account_id", &id));
    return wallet_get_for_caller(c, id, "account_id", ret_wallet);
}

int pcx_update_virtual_account(struct call *c, const struct pcx_update_virtual_account_in *in,
                               struct pcx_update_virtual_account_out *out)
{
    struct wallet wallet;

    TRY(get(c, in->account_id, &wallet));
    if (str_present(in->body->virtual_account_name))
        TRY(wallet_rename(c, &wallet, in->body->virtual_account_name));
    if (str_present(in->body->status))
        TRY(wallet_set_status(c, &wallet, in->body->status));
    return pcx_wallet(c, &wallet, &out->data);
}

int pcx_update_account_status(struct call *c, const struct pcx_update_account_status_in *in,
                              struct pcx_update_account_status_out *out)
{
    struct wallet wallet;

    TRY(get(c, in->account_id, &wallet));
    TRY(wallet_set_status(c, &wallet, in->body->status));
    out->data = STR("{}");
    return 0;
}

int pcx_delete_virtual_account(struct call *c, const struct pcx_delete_virtual_account_in *in,
                               struct pcx_delete_virtual_account_out *out)
{
    struct wallet wallet;

    TRY(get(c, in->account_id, &wallet));
    TRY(wallet_delete(c, &wallet));
    out->data = STR("{}");
    return 0;
}

int pcx_delete_all_accounts_for_org(struct call *c,
                                    const struct pcx_delete_all_accounts_for_org_in *in,
                                    struct pcx_delete_all_accounts_for_org_out *out)
{
    id_t64 organisation_id;

    TRY(call_parse_id(c, ID_ORGANISATION, in->org_id, "org_id", &organisation_id));
    TRY(wallet_delete_all(c, organisation_id));
    out->data = STR("{}");
    return 0;
}
