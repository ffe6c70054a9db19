/* SquadCo administration: naira accounts and movements, the wallet held there, and the queue of
 * withdrawals. */
#include "base/json_build.h"
#include "core/provider/providers.h"
#include "core/wallet/account.h"
#include "core/wallet/customer.h"
#include "core/wallet/withdrawal.h"
#include "dialect/pcx/wallet_wire.h"

#define NAIRA 566 /* ISO 4217 */

/* ---- Accounts ---- */

/* One account per customer. */
static int refuse_second(struct call *c, id_t64 customer_id)
{
    int64_t others;

    TRY(wallet_count_of_customer(c, customer_id, "squadco", &others));
    return others ? call_refuse_text(c, ERR_CONFLICT, "customer_id",
                                     "The customer has a SquadCo account already.")
                  : 0;
}

int pcx_create_squadco_account_prepare(struct call *c,
                                       const struct pcx_create_squadco_account_in *in)
{
    struct wallet_opening *opening = ARENA_NEW(c->arena, struct wallet_opening);
    struct provider_customer customer;

    TRY(pcx_read_id(c, ID_CUSTOMER, in->body->customer_id, "customer_id", &opening->customer_id));
    TRY(pcx_read_id(c, ID_ORGANISATION, in->body->org_id, "org_id", &opening->organisation_id));
    TRY(pcx_read_optional_id(c, ID_USER, in->body->user_id, "user_id", &opening->user_id));
    TRY(customer_get_for_caller(c, opening->customer_id, "customer_id", &customer));
    TRY(refuse_second(c, opening->customer_id));
    opening->kind = "currency";
    opening->currency = STR("NGN");
    opening->provider = STR("squadco");
    opening->email = customer.email;
    opening->first_name = customer.first_name;
    opening->last_name = customer.last_name;
    opening->phone = customer.phone;
    opening->customer_type = customer.customer_type;
    c->prepared = opening;
    return wallet_prepare_opening(c, opening);
}

int pcx_create_squadco_account(struct call *c, const struct pcx_create_squadco_account_in *in,
                               struct pcx_create_squadco_account_out *out)
{
    const struct wallet_opening *opening = c->prepared;
    struct wallet wallet;

    (void)in;
    TRY(refuse_second(c, opening->customer_id));
    TRY(wallet_open(c, opening, &wallet));
    out->message = STR("SquadCo account created");
    return pcx_wallet(c, &wallet, &out->data);
}

int pcx_list_squadco_accounts(struct call *c, const struct pcx_list_squadco_accounts_in *in,
                              struct pcx_list_squadco_accounts_out *out)
{
    const struct wallet_filter filter = {.provider = STR("squadco"), .asset = NAIRA};
    struct str cursor;

    TRY(pcx_wallet_page(c, &filter, PCX_PAGE(in, STR("squadco/accounts")), &out->data, &cursor));
    PCX_FINISH_LIST(c, out, out->data.count, cursor);
    return 0;
}

int pcx_get_squadco_account(struct call *c, const struct pcx_get_squadco_account_in *in,
                            struct pcx_get_squadco_account_out *out)
{
    struct wallet wallet;
    id_t64 id;

    TRY(call_parse_id(c, ID_ACCOUNT, in->account_id, "account_id", &id));
    TRY(wallet_get(c, id, "account_id", &wallet));
    if (!str_is(wallet.provider, "squadco"))
        return call_refuse_text(c, ERR_NOT_FOUND, "account_id",
                                "The account is not held at SquadCo.");
    return pcx_wallet(c, &wallet, &out->data);
}

int pcx_get_squadco_wallet_balance(struct call *c,
                                   const struct pcx_get_squadco_wallet_balance_in *in,
                                   struct pcx_get_squadco_wallet_balance_out *out)
{
    struct provider_outcome outcome = {0};
    struct buf body = json_object(c->arena);
    const struct json *data = NULL;

    (void)in;
    json_put(&body, "currency", STR("NGN"));
    TRY(provider_require(c, STR("squadco"), "wallet_balance", provider_new_reference(c->arena),
                         json_object_end(&body), NULL, &outcome));
    TRY(json_parse(c->arena, str_or(outcome.data_json, STR("{}")), &data));
    out->data = ARENA_NEW(c->arena, struct pcx_provider_wallet_balance);
    out->data->provider = STR("squadco");
    out->data->currency = STR("NGN");
    out->data->has_balance = json_decimal(json_get(data, "balance"), &out->data->balance);
    return 0;
}

/* ---- Movements ---- */

int pcx_list_squadco_transactions(struct call *c, const struct pcx_list_squadco_transactions_in *in,
                                  struct pcx_list_squadco_transactions_out *out)
{
    struct str name =
        arena_printf(c->arena, "squadco/%.*s/%.*s/%.*s/%.*s", STR_FMT(in->status),
                     STR_FMT(in->account_id), STR_FMT(in->start_date), STR_FMT(in->end_date));
    struct wallet_entry_filter filter = {.asset = NAIRA, .naira_rail = true, .status = in->status};
    struct str cursor;

    TRY(pcx_read_optional_id(c, ID_ACCOUNT, in->account_id, "account_id", &filter.wallet_id));
    TRY(pcx_read_date_range(c, in->start_date, "start_date", in->end_date, "end_date", &filter.from,
                            &filter.until));
    TRY(pcx_entry_page(c, &filter, PCX_PAGE(in, name), &out->data, &cursor));
    PCX_FINISH_LIST(c, out, out->data.count, cursor);
    return 0;
}

int pcx_list_pending_ngn_withdrawals(struct call *c,
                                     const struct pcx_list_pending_ngn_withdrawals_in *in,
                                     struct pcx_list_pending_ngn_withdrawals_out *out)
{
    const struct wallet_entry_filter filter = {
        .asset = NAIRA, .kind = STR("withdrawal"), .status = STR("pending")};
    struct str cursor;

    TRY(pcx_entry_page(c, &filter, PCX_PAGE(in, STR("squadco/pending")), &out->data, &cursor));
    PCX_FINISH_LIST(c, out, out->data.count, cursor);
    return 0;
}

int pcx_process_ngn_withdrawal(struct call *c, const struct pcx_process_ngn_withdrawal_in *in,
                               struct pcx_process_ngn_withdrawal_out *out)
{
    struct wallet_entry entry;
    id_t64 id;

    TRY(call_parse_id(c, ID_ACCOUNT_ENTRY, in->transaction_id, "transaction_id", &id));
    TRY(withdrawal_process(c, id, &entry));
    out->data = pcx_entry(c, &entry);
    return 0;
}
