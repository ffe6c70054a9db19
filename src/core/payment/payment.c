/*
 * Making payments, finding them and moving them through their states. The quote is fixed in
 * payment_create; the journals are in payment_money.c.
 */
#include "core/payment/payment.h"

#include "base/json_build.h"
#include "core/beneficiary/beneficiary.h"
#include "core/fee/fee.h"
#include "core/fx/fx.h"
#include "core/identity/organisation.h"
#include "core/life_cycle.h"
#include "core/outbox.h"
#include "core/payment/card_details.h"
#include "core/payment/payment_entry.h"
#include "core/payment/payment_money.h"
#include "core/payment/payout.h"
#include "core/payment/transaction.h"
#include "core/provider/providers.h"
#include "core/wallet/wallet.h"
#include "store/sql.h"

#define ROW_SELF struct payment
ROW_TYPE(payment, PAYMENT_ROW);
#undef ROW_SELF

/* What the paired transaction becomes. A refund leaves it completed; it is noted in the
 * metadata. */
static struct str transaction_status(struct str payment_status)
{
    if (str_is(payment_status, "initiated"))
        return STR("initiated");
    if (str_is(payment_status, "completed") || str_is(payment_status, "refunded"))
        return STR("completed");
    if (str_is(payment_status, "failed") || str_is(payment_status, "rejected") ||
        str_is(payment_status, "canceled"))
        return STR("failed");
    return STR("pending");
}

static bool has_ended(const struct payment *payment)
{
    struct str status = transaction_status(payment->status);

    return str_is(status, "completed") || str_is(status, "failed");
}

static bool is_outbound(const struct payment *payment)
{
    return str_is(payment->direction, "outbound");
}

/* ---- Creation ---- */

static int check_party(struct call *c, struct payment *payment, struct beneficiary *ret_payee)
{
    if (payment->organisation_id == 0)
        payment->organisation_id = c->principal.organisation_id;
    if (payment->organisation_id == 0)
        return call_refuse(c, ERR_REQUIRED, "org_id");
    if (!call_may_act_for_organisation(c, payment->organisation_id))
        return call_refuse(c, ERR_FORBIDDEN, "org_id");
    TRY(organisation_require_kyb(c, payment->organisation_id, "org_id"));
    return beneficiary_get(c, payment->beneficiary_id, ret_payee);
}

static int find_rate(struct call *c, const struct payment *payment, id_t64 rate_id,
                     struct exchange_rate *ret_rate)
{
    if (rate_id == 0)
        return fx_find_active_rate(c, payment->organisation_id, payment->currency,
                                   payment->target_currency, ret_rate);
    if (fx_get_rate(c, rate_id, ret_rate) != OK ||
        ret_rate->organisation_id != payment->organisation_id || !fx_is_in_effect(c, ret_rate) ||
        !str_eq(ret_rate->from_currency, payment->currency) ||
        !str_eq(ret_rate->to_currency, payment->target_currency)) {
        c->error = OK;
        c->problems = NULL;
        return call_refuse_text(
            c, ERR_INVALID, "org_rate_id",
            "is not an active rate of the organisation for this pair of currencies");
    }
    return OK;
}

/* Both amounts, rate and spread. Without a conversion the target equals the amount. */
static int fix_quote(struct call *c, const struct payment_request *request, struct payment *payment)
{
    const struct asset *source = asset_find(payment->currency);
    const struct asset *target;
    struct exchange_rate rate;
    struct fx_quote quote;
    money_t wanted;

    if (!source)
        return call_refuse(c, ERR_UNKNOWN_CURRENCY, "currency");
    TRY(wallet_amount(c, request->amount, source, "amount", &payment->amount));
    if (str_empty(payment->target_currency))
        payment->target_currency = payment->currency;
    target = asset_find(payment->target_currency);
    if (!target)
        return call_refuse(c, ERR_UNKNOWN_CURRENCY, "target_currency");
    payment->target_amount = payment->amount;
    if (source != target) {
        if (str_is(payment->direction, "inbound"))
            return call_refuse_text(c, ERR_CURRENCY_MISMATCH, "target_currency",
                                    "An inbound payment is not converted.");
        TRY(find_rate(c, payment, request->rate_id, &rate));
        TRY(fx_quote(c, &rate, payment->amount, &quote));
        payment->rate_id = rate.id;
        payment->rate = rate.rate;
        payment->spread = rate.spread;
        payment->target_amount = quote.target_amount;
        payment->spread_amount = quote.spread_amount;
    }
    if (!request->has_target_amount)
        return OK;
    TRY(wallet_amount(c, request->target_amount, target, "target_amount", &wanted));
    if (wanted != payment->target_amount)
        return call_refuse_text(
            c, ERR_INVALID, "target_amount", "is %.*s at the current rate",
            STR_FMT(decimal_print(c->arena, money_to_decimal(payment->target_amount, target), 0)));
    return OK;
}

static int fix_fee(struct call *c, struct payment *payment)
{
    struct fee_quote quote;
    struct buf ids = buf_new(c->arena, 64);

    /* Fee configurations know no payments: what leaves is charged as a withdrawal, what comes as a
     * deposit. */
    TRY(fee_quote(c, asset_find(payment->currency), is_outbound(payment) ? "withdrawal" : "deposit",
                  payment->amount, &quote));
    if (!is_outbound(payment) && quote.fee > payment->amount)
        return call_refuse_text(c, ERR_OUT_OF_RANGE, "amount", "does not cover the deposit fee");
    payment->fee_amount = quote.fee;
    json_open(&ids, NULL, '[');
    for (size_t i = 0; i < quote.part_count; i++)
        json_put_item(&ids, call_id(c, ID_FEE, quote.parts[i].fee_id));
    json_close(&ids, ']');
    payment->fee_ids = buf_str(&ids);
    return OK;
}

/* The wallet that pays or is paid: the one named, else the active one in the currency. */
static int find_wallet(struct call *c, id_t64 wallet_id, struct payment *payment)
{
    const struct asset *asset = asset_find(payment->currency);
    struct wallet wallet;

    if (wallet_id) {
        TRY(wallet_get_for_caller(c, wallet_id, "source_account_id", &wallet));
        if (wallet.organisation_id != payment->organisation_id)
            return call_refuse(c, ERR_FORBIDDEN, "source_account_id");
        if (wallet_asset(&wallet) != asset)
            return call_refuse(c, ERR_CURRENCY_MISMATCH, "source_account_id");
        TRY(wallet_require_active(c, &wallet, "source_account_id"));
    } else {
        TRY(wallet_find_active(c, payment->organisation_id, payment->user_id, asset->id, &wallet));
    }
    payment->source_wallet_id = wallet.id;
    return OK;
}

static int create_transaction(struct call *c, const struct payment *payment,
                              const struct beneficiary *payee)
{
    struct financial_transaction transaction = {
        .id = payment->transaction_id,
        .organisation_id = payment->organisation_id,
        .user_id = payment->user_id,
        .beneficiary_id = payment->beneficiary_id,
        .payment_id = payment->id,
        .type = is_outbound(payment) ? STR("outbound") : STR("inbound"),
        .status = STR("initiated"),
        .payment_method = payment->payment_method,
        .entity_type = STR("payment"),
        .country = payee->country,
        .amount = payment->amount,
        .currency = payment->currency,
        .target_amount = payment->target_amount,
        .target_currency = payment->target_currency,
        .metadata = payment->metadata,
        .beneficiary_details = payout_describe_payee(c, payee),
        .amount_paid = TRANSACTION_NOT_SET,
        .outstanding_balance = TRANSACTION_NOT_SET,
        .installments_completed = TRANSACTION_NOT_SET,
    };
    return transaction_create(c, &transaction);
}

static int emit_event(struct call *c, const struct payment *payment)
{
    struct buf data = json_object(c->arena);
    struct str type = arena_printf(c->arena, "payment.%.*s", STR_FMT(payment->status));

    json_put(&data, "payment_id", call_id(c, ID_PAYMENT, payment->id));
    json_put(&data, "transaction_id", call_id(c, ID_TRANSACTION, payment->transaction_id));
    json_put(&data, "org_id", call_id(c, ID_ORGANISATION, payment->organisation_id));
    json_put(&data, "status", payment->status);
    json_put_decimal(&data, "amount",
                     money_to_decimal(payment->amount, asset_find(payment->currency)));
    json_put(&data, "currency", payment->currency);
    if (!str_eq(payment->currency, payment->target_currency)) {
        json_put_decimal(
            &data, "target_amount",
            money_to_decimal(payment->target_amount, asset_find(payment->target_currency)));
        json_put(&data, "target_currency", payment->target_currency);
    }
    return outbox_event(c, payment->organisation_id, type.ptr, json_object_end(&data));
}

/* What the client calls the payment, so that payment_get_by_reference finds it. */
static struct str metadata_reference(struct call *c, struct str metadata)
{
    const struct json *json;
    if (!str_present(metadata) || json_parse(c->arena, metadata, &json) != OK)
        return STR_NONE;
    struct str reference = json_text(json_get(json, "reference"));
    return str_empty(reference) ? STR_NONE : reference;
}

int payment_create(struct call *c, const struct payment_request *request, struct payment *payment)
{
    struct beneficiary payee;
    id_t64 journal_id;

    payment->user_id = c->principal.user_id;
    payment->tenant_id = c->principal.tenant_id;
    TRY(check_party(c, payment, &payee));
    TRY(fix_quote(c, request, payment));
    if (str_is(payment->direction, "external")) {
        struct wallet named; /* moves nothing, but is no stranger's */
        if (request->source_wallet_id)
            TRY(wallet_get_for_caller(c, request->source_wallet_id, "source_account_id", &named));
        payment->fee_ids = STR("[]");
    } else {
        TRY(fix_fee(c, payment));
        TRY(find_wallet(c, request->source_wallet_id, payment));
    }
    if (is_outbound(payment))
        TRY(payout_choose_provider(c, payment, &payee));
    payment->card_details = card_details_masked(c, payment->card_details);
    payment->reference = metadata_reference(c, payment->metadata);
    payment->id = id_new();
    payment->transaction_id = id_new();
    payment->status = STR("initiated");
    payment->created_at = payment->updated_at = c->now;
    if (is_outbound(payment)) {
        TRY(payment_hold_money(c, payment, &journal_id));
        TRY(payment_entry_add(c, payment, journal_id));
    }
    TRY(create_transaction(c, payment, &payee));
    if (is_outbound(payment))
        TRY(payout_instruct(c, payment, &payee));
    TRY(sql_insert(c->sql, "payment", &payment_row, payment));
    return emit_event(c, payment);
}

/* ---- Look-ups ---- */

/* Others may use the same text for their payments: the caller's own come first. */
#define OWN_FIRST \
    " ORDER BY CASE WHEN user_id = ? OR organisation_id = ? THEN 0 ELSE 1 END, id DESC LIMIT 1"
#define OWN_FIRST_ARGS(c) sql_int((c)->principal.user_id), sql_int((c)->principal.organisation_id)

static int check_visible(struct call *c, const struct payment *payment)
{
    if (call_may_act_for_user(c, payment->user_id))
        return OK;
    return payment->organisation_id
               ? organisation_require(c, payment->organisation_id, ROLE_ANY, NULL)
               : call_refuse(c, ERR_FORBIDDEN, NULL);
}

static int load(struct call *c, id_t64 payment_id, struct payment *ret_payment)
{
    return sql_one(c->sql, c->arena, &payment_row, ret_payment,
                   "SELECT * FROM payment WHERE tenant_id = ? AND id = ?",
                   sql_int(c->principal.tenant_id), sql_int(payment_id));
}

static int found(struct call *c, int error, const char *field, const struct payment *payment)
{
    if (error == ERR_NOT_FOUND)
        return call_refuse(c, error, field);
    TRY(error);
    return check_visible(c, payment);
}

int payment_get(struct call *c, id_t64 payment_id, struct payment *ret_payment)
{
    return found(c, load(c, payment_id, ret_payment), "payment_id", ret_payment);
}

static int load_by_transaction(struct call *c, id_t64 transaction_id, struct payment *ret_payment)
{
    return sql_one(c->sql, c->arena, &payment_row, ret_payment,
                   "SELECT * FROM payment WHERE tenant_id = ? AND transaction_id = ?",
                   sql_int(c->principal.tenant_id), sql_int(transaction_id));
}

int payment_get_by_transaction(struct call *c, id_t64 transaction_id, struct payment *ret_payment)
{
    return found(c, load_by_transaction(c, transaction_id, ret_payment), "transaction_id",
                 ret_payment);
}

static int load_by_provider_id(struct call *c, struct str provider_payment_id,
                               struct payment *ret_payment)
{
    return sql_one(
        c->sql, c->arena, &payment_row, ret_payment,
        "SELECT * FROM payment WHERE tenant_id = ? AND provider_payment_id = ?" OWN_FIRST,
        sql_int(c->principal.tenant_id), sql_text(provider_payment_id), OWN_FIRST_ARGS(c));
}

int payment_get_by_provider_id(struct call *c, struct str provider_payment_id,
                               struct payment *ret_payment)
{
    return found(c, load_by_provider_id(c, provider_payment_id, ret_payment), "provider_payment_id",
                 ret_payment);
}

int payment_get_by_reference(struct call *c, struct str reference, struct payment *ret_payment)
{
    id_t64 id;
    int error = ERR_NOT_FOUND;

    if (id_parse(ID_PAYMENT, reference, &id))
        error = load(c, id, ret_payment);
    else if (id_parse(ID_TRANSACTION, reference, &id))
        error = load_by_transaction(c, id, ret_payment);
    if (error == ERR_NOT_FOUND)
        error = load_by_provider_id(c, reference, ret_payment);
    if (error == ERR_NOT_FOUND)
        error = sql_one(c->sql, c->arena, &payment_row, ret_payment,
                        "SELECT * FROM payment WHERE tenant_id = ? AND (payout_id = ?"
                        " OR reference = ?)" OWN_FIRST,
                        sql_int(c->principal.tenant_id), sql_text(reference), sql_text(reference),
                        OWN_FIRST_ARGS(c));
    return found(c, error, "reference", ret_payment);
}

#define FILTER_CONDITIONS                                                          \
    " tenant_id = ? AND (user_id = ? OR ? = 0) AND (organisation_id = ? OR ? = 0)" \
    " AND (status = ? OR ? = '') AND (? = 0 OR organisation_id > 0)"               \
    " AND (? = '' OR EXISTS (SELECT 1 FROM financial_transaction t WHERE"          \
    " t.tenant_id = payment.tenant_id AND t.payment_id = payment.id AND t.entity_type = ?))"
#define FILTER_ARGS(c, f)                                                               \
    sql_int((c)->principal.tenant_id), sql_int((f)->user_id), sql_int((f)->user_id),    \
        sql_int((f)->organisation_id), sql_int((f)->organisation_id),                   \
        sql_text(str_or((f)->status, STR(""))), sql_text(str_or((f)->status, STR(""))), \
        sql_int((f)->any_organisation), sql_text(str_or((f)->entity_type, STR(""))),    \
        sql_text(str_or((f)->entity_type, STR("")))

/* The common scopes repeat their condition bare, so that the planner sees an index range. */
int payment_list(struct call *c, const struct payment_filter *filter, const struct page *page,
                 struct payment **ret_rows, size_t *ret_count)
{
    id_t64 tenant = c->principal.tenant_id;

    if (filter->user_id)
        return sql_all(c->sql, c->arena, &payment_row, ret_rows, ret_count,
                       "SELECT * FROM payment WHERE" FILTER_CONDITIONS
                       " AND tenant_id = ? AND user_id = ? AND id < ? ORDER BY id DESC LIMIT ?",
                       FILTER_ARGS(c, filter), sql_int(tenant), sql_int(filter->user_id),
                       sql_int(page->before), sql_int(page->limit + 1));
    if (filter->organisation_id)
        return sql_all(c->sql, c->arena, &payment_row, ret_rows, ret_count,
                       "SELECT * FROM payment WHERE" FILTER_CONDITIONS " AND tenant_id = ? AND"
                       " organisation_id = ? AND id < ? ORDER BY id DESC LIMIT ?",
                       FILTER_ARGS(c, filter), sql_int(tenant), sql_int(filter->organisation_id),
                       sql_int(page->before), sql_int(page->limit + 1));
    return sql_all(c->sql, c->arena, &payment_row, ret_rows, ret_count,
                   "SELECT * FROM payment WHERE" FILTER_CONDITIONS
                   " AND id < ? ORDER BY id DESC LIMIT ?",
                   FILTER_ARGS(c, filter), sql_int(page->before), sql_int(page->limit + 1));
}

int payment_count(struct call *c, const struct payment_filter *filter, int64_t *ret_count)
{
    return sql_integer(c->sql, ret_count, "SELECT COUNT(*) FROM payment WHERE" FILTER_CONDITIONS,
                       FILTER_ARGS(c, filter));
}

/* ---- States ---- */

/* The event of the table is the verb of the state that is asked for. */
static const char *event_towards(struct str status)
{
    for (size_t i = 0; i < payment_life_cycle.transition_count; i++)
        if (str_is(status, payment_life_cycle.transitions[i].to))
            return payment_life_cycle.transitions[i].event;
    return "initiate";
}

static int move_money(struct call *c, struct payment *payment, struct str status,
                      id_t64 *ret_journal)
{
    if (str_is(status, "completed"))
        return payment_settle_money(c, payment, ret_journal);
    if (str_is(status, "refunded"))
        return payment_refund_money(c, payment, ret_journal);
    if (is_outbound(payment) && str_is(transaction_status(status), "failed"))
        return payment_release_money(c, payment, ret_journal);
    return OK;
}

/* A transaction stays completed when its payment is refunded; only its metadata says so. */
static int note_refund(struct call *c, struct str *metadata)
{
    struct buf out = json_object(c->arena);
    const struct json *noted = NULL;

    if (str_present(*metadata))
        TRY(json_parse(c->arena, *metadata, &noted));
    for (size_t i = 0; i < json_count(noted); i++)
        if (!str_is(json_key_at(noted, i), "refunded"))
            json_put_json(&out, arena_cstr(c->arena, json_key_at(noted, i)),
                          json_print(c->arena, json_at(noted, i)));
    json_put_boolean(&out, "refunded", true);
    *metadata = json_object_end(&out);
    return OK;
}

static int advance_transaction(struct call *c, const struct payment *payment)
{
    struct financial_transaction transaction;
    struct str before;

    TRY(sql_one(c->sql, c->arena, &financial_transaction_row, &transaction,
                "SELECT * FROM financial_transaction WHERE tenant_id = ? AND id = ?",
                sql_int(c->principal.tenant_id), sql_int(payment->transaction_id)));
    before = transaction.status;
    if (str_is(payment->status, "refunded"))
        TRY(note_refund(c, &transaction.metadata));
    else if (str_is(before, "completed") || str_is(before, "failed"))
        return OK;
    TRY(transaction_advance(c, &transaction, transaction_status(payment->status)));
    transaction.payout_id = str_or(transaction.payout_id, payment->payout_id);
    return transaction_update(c, &transaction, before);
}

int payment_advance(struct call *c, struct payment *payment, struct str status,
                    enum payment_actor actor)
{
    id_t64 journal_id = 0;

    if (str_eq(payment->status, status))
        return payment_update(c, payment);
    if (actor == PAYMENT_BY_STAFF && payment->payout_initiated &&
        str_is(transaction_status(status), "failed"))
        return call_refuse_text(
            c, ERR_WRONG_STATE, "status",
            "The provider has been instructed: only its answer can end this payment.");
    TRY(life_cycle_step(c, &payment_life_cycle, payment->status, event_towards(status), "status",
                        &payment->status));
    TRY(move_money(c, payment, status, &journal_id));
    TRY(payment_entry_follow(c, payment, journal_id));
    if (payment->payout_initiated && has_ended(payment))
        TRY(provider_end_instruction(c, "payment_payout", payment->id,
                                     str_is(payment->status, "completed")));
    TRY(payment_update(c, payment));
    TRY(advance_transaction(c, payment));
    return emit_event(c, payment);
}

int payment_update(struct call *c, struct payment *payment)
{
    payment->reference = metadata_reference(c, payment->metadata);
    payment->updated_at = c->now;
    return sql_update(c->sql, "payment", &payment_row, payment);
}

int payment_change_provider(struct call *c, struct payment *payment, struct str provider)
{
    struct beneficiary payee;
    id_t64 journal_id;

    if (str_eq(provider, payment->provider))
        return OK;
    if (str_is(payment->direction, "external")) {
        payment->provider = provider;
        return OK;
    }
    if (payment->payout_initiated || has_ended(payment))
        return call_refuse_text(
            c, ERR_WRONG_STATE, "provider",
            payment->payout_initiated
                ? "The provider has been instructed: another one would pay again."
                : "The payment has ended.");
    if (!is_outbound(payment)) {
        payment->provider = provider;
        return OK;
    }
    TRY(beneficiary_load(c, payment->beneficiary_id, &payee));
    TRY(payment_release_money(c, payment, &journal_id));
    payment->provider = provider;
    TRY(payout_choose_provider(c, payment, &payee));
    TRY(payment_hold_money(c, payment, &journal_id));
    TRY(payment_entry_hold_again(c, payment, journal_id));
    return payout_instruct(c, payment, &payee);
}

int payment_change_transaction(struct call *c, struct financial_transaction *transaction,
                               struct str status)
{
    struct payment payment;
    struct str before = transaction->status;

    TRY(transaction_advance(c, transaction, status));
    TRY(transaction_update(c, transaction, before));
    if (str_eq(before, status))
        return OK;
    int error = load_by_transaction(c, transaction->id, &payment);
    if (error)
        return error == ERR_NOT_FOUND ? OK : error;
    return payment_advance(c, &payment, status, PAYMENT_BY_STAFF);
}

int payment_apply_payout(struct call *c, id_t64 payment_id, const struct provider_outcome *outcome)
{
    struct payment payment;

    TRY(load(c, payment_id, &payment));
    if (has_ended(&payment))
        return OK;
    if (str_present(outcome->provider_reference)) {
        payment.provider_payment_id = outcome->provider_reference;
        payment.payout_id = outcome->provider_reference;
    }
    if (str_present(outcome->data_json))
        payment.provider_data = outcome->data_json;
    payment.payment_path_method = STR("direct");
    /* A review under way does not stop a provider that has been told: its word comes after "processing". */
    if (str_is(payment.status, "reviewed") && outcome->status != PROVIDER_RETRY)
        TRY(payment_advance(c, &payment, STR("processing"), PAYMENT_BY_PROVIDER));
    switch (outcome->status) {
    case PROVIDER_SUCCEEDED:
        payment.provider_status = STR("succeeded");
        return payment_advance(c, &payment, STR("completed"), PAYMENT_BY_PROVIDER);
    case PROVIDER_FAILED:
        payment.provider_status = STR("failed");
        payment.failure_reason = outcome->reason;
        return payment_advance(c, &payment, STR("failed"), PAYMENT_BY_PROVIDER);
    case PROVIDER_PENDING:
        payment.provider_status = STR("pending");
        if (str_is(payment.status, "pending"))
            return payment_update(c, &payment);
        return payment_advance(c, &payment, STR("processing"), PAYMENT_BY_PROVIDER);
    case PROVIDER_RETRY:
        return OK;
    }
    __builtin_unreachable();
}
