/* What administrators of the platform see of all accounts, and their decisions on withdrawals. */
#include "base/json.h"
#include "core/wallet/withdrawal.h"
#include "dialect/pcx/wallet_wire.h"

/* ---- Accounts ---- */

int pcx_admin_account_registry(struct call *c, const struct pcx_admin_account_registry_in *in,
                               struct pcx_admin_account_registry_out *out)
{
    struct str name =
        arena_printf(c->arena, "registry/%.*s/%.*s/%.*s/%.*s/%.*s/%.*s", STR_FMT(in->org_id),
                     STR_FMT(in->user_id), STR_FMT(in->currency), STR_FMT(in->status),
                     STR_FMT(in->account_type), STR_FMT(in->provider));
    struct wallet_filter filter = {
        .status = in->status, .kind = in->account_type, .provider = in->provider};
    struct wallet_detail *wallets;
    struct page page;
    size_t count;

    TRY(pcx_read_optional_id(c, ID_ORGANISATION, in->org_id, "org_id", &filter.organisation_id));
    TRY(pcx_read_optional_id(c, ID_USER, in->user_id, "user_id", &filter.user_id));
    if (str_present(in->currency)) {
        const struct asset *asset = asset_find_any_case(in->currency);
        if (!asset)
            return call_refuse(c, ERR_UNKNOWN_CURRENCY, "currency");
        filter.asset = asset->id;
    }
    TRY(call_page(c, name, in->last_evaluated_key, "last_evaluated_key",
                  in->has_limit ? in->limit : PCX_PAGE_LIMIT, &page));
    TRY(wallet_list_details(c, &filter, &page, &wallets, &count));

    struct str cursor = call_page_end(c, name, &page, wallets, &count);
    TRY(pcx_wallet_details(c, wallets, count, &out->data));
    PCX_FINISH_LIST(c, out, count, cursor);
    return 0;
}

int pcx_admin_get_account(struct call *c, const struct pcx_admin_get_account_in *in,
                          struct pcx_admin_get_account_out *out)
{
    struct pcx_admin_virtual_account_array wire;
    struct wallet_detail wallet;
    id_t64 id;

    TRY(call_parse_id(c, ID_ACCOUNT, in->account_id, "account_id", &id));
    TRY(ledger_expect_read(c->sql, c->principal.tenant_id, id));
    TRY(wallet_get_detail(c, id, "account_id", &wallet));
    TRY(pcx_wallet_details(c, &wallet, 1, &wire));
    out->data = wire.items;
    return 0;
}

/* ---- Transactions ---- */

int pcx_admin_list_transactions(struct call *c, const struct pcx_admin_list_transactions_in *in,
                                struct pcx_admin_list_transactions_out *out)
{
    struct str name = arena_printf(c->arena, "admin-entries/%.*s/%.*s/%.*s/%.*s/%.*s/%.*s/%.*s",
                                   STR_FMT(in->org_id), STR_FMT(in->user_id),
                                   STR_FMT(in->account_id), STR_FMT(in->type), STR_FMT(in->status),
                                   STR_FMT(in->start_date), STR_FMT(in->end_date));
    struct wallet_entry_filter filter = {.type = in->type, .status = in->status};
    struct str cursor;

    TRY(pcx_read_optional_id(c, ID_ORGANISATION, in->org_id, "org_id", &filter.organisation_id));
    TRY(pcx_read_optional_id(c, ID_USER, in->user_id, "user_id", &filter.user_id));
    TRY(pcx_read_optional_id(c, ID_ACCOUNT, in->account_id, "account_id", &filter.wallet_id));
    TRY(pcx_read_date_range(c, in->start_date, "start_date", in->end_date, "end_date", &filter.from,
                            &filter.until));
    TRY(pcx_entry_page(c, &filter, PCX_PAGE(in, name), &out->data, &cursor));
    PCX_FINISH_LIST(c, out, out->data.count, cursor);
    return 0;
}

int pcx_admin_get_transaction(struct call *c, const struct pcx_admin_get_transaction_in *in,
                              struct pcx_admin_get_transaction_out *out)
{
    struct wallet_entry entry;
    id_t64 id;

    TRY(call_parse_id(c, ID_ACCOUNT_ENTRY, in->transaction_id, "transaction_id", &id));
    TRY(wallet_entry_get(c, id, "transaction_id", &entry));
    out->data = pcx_entry(c, &entry);
    return 0;
}

/* ---- Decisions ---- */

int pcx_admin_approve_withdrawal(struct call *c, const struct pcx_admin_approve_withdrawal_in *in,
                                 struct pcx_admin_approve_withdrawal_out *out)
{
    struct wallet_entry entry;
    id_t64 id;

    TRY(call_parse_id(c, ID_ACCOUNT_ENTRY, in->transaction_id, "transaction_id", &id));
    TRY(withdrawal_approve(c, id, &entry));
    out->message = STR("Withdrawal approved");
    out->data = STR("{}");
    return 0;
}

int pcx_admin_reject_withdrawal(struct call *c, const struct pcx_admin_reject_withdrawal_in *in,
                                struct pcx_admin_reject_withdrawal_out *out)
{
    struct wallet_entry entry;
    id_t64 id;

    TRY(call_parse_id(c, ID_ACCOUNT_ENTRY, in->transaction_id, "transaction_id", &id));
    TRY(withdrawal_reject(c, id, in->body ? in->body->reason : STR_NONE, &entry));
    out->message = STR("Withdrawal rejected");
    out->data = STR("{}");
    return 0;
}

int pcx_admin_trigger_cross_rail_payout(struct call *c,
                                        const struct pcx_admin_trigger_cross_rail_payout_in *in,
                                        struct pcx_admin_trigger_cross_rail_payout_out *out)
{
    struct withdrawal_destination to = {0};
    struct wallet_entry entry;
    id_t64 id;

    if (!in->body)
        return call_refuse_text(c, ERR_REQUIRED, "bank_code",
                                "is required, or another destination of the payout");
    to = (struct withdrawal_destination){.beneficiary_name = in->body->beneficiary_name,
                                         .bank_code = in->body->bank_code,
                                         .account_number = in->body->beneficiary_account_number,
                                         .to_address = in->body->to_address,
                                         .payment_rail = in->body->payment_rail,
                                         .currency = in->body->currency};
    TRY(pcx_read_optional_id(c, ID_EXTERNAL_ACCOUNT, in->body->external_account_id,
                             "external_account_id", &to.external_account_id));
    TRY(call_parse_id(c, ID_ACCOUNT_ENTRY, in->transaction_id, "transaction_id", &id));
    TRY(withdrawal_cross_rail(c, id, &to, &entry));
    out->data = pcx_entry(c, &entry);
    return 0;
}
