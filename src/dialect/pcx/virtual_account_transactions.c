/* Movements on a virtual account, and what Sarepay says about a naira transfer. */
#include "base/json_build.h"
#include "core/provider/providers.h"
#include "core/wallet/withdrawal.h"
#include "dialect/pcx/wallet_wire.h"

int pcx_get_virtual_account_transaction(struct call *c,
                                        const struct pcx_get_virtual_account_transaction_in *in,
                                        struct pcx_get_virtual_account_transaction_out *out)
{
    struct wallet_entry entry;
    id_t64 id;

    TRY(call_parse_id(c, ID_ACCOUNT_ENTRY, in->transaction_id, "transaction_id", &id));
    TRY(wallet_entry_get_for_caller(c, id, "transaction_id", &entry));
    out->data = pcx_entry(c, &entry);
    return 0;
}

int pcx_list_account_transactions(struct call *c, const struct pcx_list_account_transactions_in *in,
                                  struct pcx_list_account_transactions_out *out)
{
    struct str name = arena_printf(c->arena, "entries/%.*s/%.*s/%.*s/%.*s/%.*s",
                                   STR_FMT(in->account_id), STR_FMT(in->type), STR_FMT(in->status),
                                   STR_FMT(in->start_date), STR_FMT(in->end_date));
    struct wallet_entry_filter filter = {.type = in->type, .status = in->status};
    struct wallet wallet;
    struct str cursor;

    TRY(call_parse_id(c, ID_ACCOUNT, in->account_id, "account_id", &filter.wallet_id));
    TRY(wallet_get_for_caller(c, filter.wallet_id, "account_id", &wallet));
    TRY(pcx_read_date_range(c, in->start_date, "start_date", in->end_date, "end_date", &filter.from,
                            &filter.until));
    TRY(pcx_entry_page(c, &filter, PCX_PAGE(in, name), &out->data, &cursor));
    out->meta = ARENA_NEW(c->arena, struct pcx_list_account_transactions_out_meta);
    out->meta->has_count = true;
    out->meta->count = (int64_t)out->data.count;
    out->meta->last_evaluated_key = cursor;
    return 0;
}

/* ---- Sarepay ---- */

static int find_withdrawal(struct call *c, const struct pcx_get_sarepay_transaction_status_in *in,
                           struct withdrawal *withdrawal, struct wallet_entry *entry)
{
    const char *field = str_present(in->reference) ? "reference" : "transaction_id";
    id_t64 id;

    if (str_present(in->transaction_id) == str_present(in->reference))
        return call_refuse_text(c, ERR_INVALID, "transaction_id",
                                "is given, or reference is: one of the two");
    if (str_present(in->reference)) {
        TRY(withdrawal_get_by_reference(c, in->reference, field, withdrawal));
    } else {
        TRY(call_parse_id(c, ID_ACCOUNT_ENTRY, in->transaction_id, field, &id));
        TRY(withdrawal_get(c, id, field, withdrawal));
    }
    TRY(wallet_entry_get_for_caller(c, withdrawal->id, field, entry));
    if (!str_is(withdrawal->provider, "sarepay"))
        return call_refuse_text(c, ERR_NOT_FOUND, field,
                                "The transaction is not a transfer through Sarepay.");
    return 0;
}

/* In the provider's words where it answers; "unknown" is what we know when it does not. */
static struct str provider_status(struct call *c, const struct withdrawal *withdrawal)
{
    struct provider_outcome outcome = {0};
    struct provider_instruction instruction = {0};
    struct buf body = json_object(c->arena);

    int error = provider_find_instruction(c, "withdrawal_payout", withdrawal->id, &instruction);
    if (error && error != ERR_NOT_FOUND)
        return STR("unknown");
    if (error || str_is(instruction.status, "queued"))
        return STR("not_sent");
    json_put_unless_empty(&body, "provider_reference", instruction.provider_reference);
    if (provider_ask(c->app, c->arena, instruction.provider, "payout_status",
                     call_id(c, ID_PROVIDER_REQUEST, instruction.id), json_object_end(&body),
                     &outcome))
        return STR("unknown");
    switch (outcome.status) {
    case PROVIDER_SUCCEEDED:
        return STR("successful");
    case PROVIDER_FAILED:
        return STR("failed");
    case PROVIDER_PENDING:
        return outcome.unknown ? STR("unknown") : STR("pending");
    case PROVIDER_RETRY:
        return STR("unknown");
    }
    return STR("unknown");
}

int pcx_get_sarepay_transaction_status(struct call *c,
                                       const struct pcx_get_sarepay_transaction_status_in *in,
                                       struct pcx_get_sarepay_transaction_status_out *out)
{
    struct withdrawal withdrawal;
    struct wallet_entry entry;

    TRY(find_withdrawal(c, in, &withdrawal, &entry));
    out->data = ARENA_NEW(c->arena, struct pcx_sarepay_status);
    *out->data = (struct pcx_sarepay_status){
        .transaction_id = call_id(c, ID_ACCOUNT_ENTRY, entry.id),
        .reference = str_or(withdrawal.provider_reference, entry.reference),
        .status = withdrawal.status,
        .provider_status = provider_status(c, &withdrawal),
        .has_amount = true,
        .amount = money_to_decimal(entry.amount, asset_by_id((int)entry.asset)),
        .currency = STR("NGN"),
        .updated_at = call_time(c, withdrawal.updated_at),
    };
    return 0;
}
