/*
 * What a payment moves. Invariant: every leg that payment_hold_money holds is posted or voided
 * exactly once, by one journal, together with the other legs.
 */
#include "core/payment/payment_money.h"

#include "core/payment/payout.h"
#include "core/reasons.h"
#include "core/wallet/wallet.h"
#include "ledger/ledger.h"

#define MAX_LEGS 4

/* Accounts that a payment touches besides the wallet. */
struct accounts {
    id_t64 fee_income;
    id_t64 source_position; /* 0 when nothing is converted */
    id_t64 target_position;
    id_t64 target_income;
    id_t64 settlement; /* our money at the provider, in the asset that is paid out */
};

static bool converts(const struct payment *payment)
{
    return str_present(payment->target_currency) &&
           !str_eq(payment->currency, payment->target_currency);
}

static int system_account(struct call *c, const struct asset *asset, enum ledger_account_code code,
                          struct str sub_name, id_t64 *ret_account)
{
    return ledger_system_account(c->ledger, c->principal.tenant_id, asset->id, code, sub_name,
                                 ret_account);
}

static int find_accounts(struct call *c, const struct payment *payment, struct accounts *ret)
{
    const struct asset *source = asset_find(payment->currency);
    const struct asset *target = converts(payment) ? asset_find(payment->target_currency) : source;
    struct str provider = payout_settlement_name(payment);

    *ret = (struct accounts){0};
    TRY(system_account(c, source, LEDGER_FEE_INCOME, STR_NONE, &ret->fee_income));
    TRY(system_account(c, target, LEDGER_SETTLEMENT, provider, &ret->settlement));
    if (!converts(payment))
        return OK;
    TRY(system_account(c, source, LEDGER_FX_POSITION, STR_NONE, &ret->source_position));
    TRY(system_account(c, target, LEDGER_FX_POSITION, STR_NONE, &ret->target_position));
    return system_account(c, target, LEDGER_FX_INCOME, STR_NONE, &ret->target_income);
}

static struct str reference_of(struct call *c, const struct payment *payment)
{
    return call_id(c, ID_PAYMENT, payment->id);
}

int payment_hold_money(struct call *c, struct payment *payment, id_t64 *ret_journal)
{
    struct accounts accounts;
    struct transfer legs[MAX_LEGS];
    size_t count = 0;

    TRY(find_accounts(c, payment, &accounts));
    legs[count++] = (struct transfer){.kind = TRANSFER_PENDING,
                                      .debit_account = payment->source_wallet_id,
                                      .credit_account = converts(payment) ? accounts.source_position
                                                                          : accounts.settlement,
                                      .amount = payment->amount,
                                      .reason = REASON_PAYMENT};
    size_t fee = count;
    if (payment->fee_amount > 0)
        legs[count++] = (struct transfer){.kind = TRANSFER_PENDING,
                                          .debit_account = payment->source_wallet_id,
                                          .credit_account = accounts.fee_income,
                                          .amount = payment->fee_amount,
                                          .reason = REASON_FEE};
    size_t payout = count;
    if (converts(payment))
        legs[count++] = (struct transfer){.kind = TRANSFER_PENDING,
                                          .debit_account = accounts.target_position,
                                          .credit_account = accounts.settlement,
                                          .amount = payment->target_amount,
                                          .reason = REASON_FX};
    size_t spread = count;
    if (converts(payment) && payment->spread_amount > 0)
        legs[count++] = (struct transfer){.kind = TRANSFER_PENDING,
                                          .debit_account = accounts.target_position,
                                          .credit_account = accounts.target_income,
                                          .amount = payment->spread_amount,
                                          .reason = REASON_FX_SPREAD};
    TRY(wallet_post(c, legs, count, STR("payment held"), reference_of(c, payment), "amount",
                    ret_journal));
    payment->hold_amount_id = legs[0].id;
    payment->hold_fee_id = payout > fee ? legs[fee].id : 0;
    payment->hold_payout_id = spread > payout ? legs[payout].id : 0;
    payment->hold_spread_id = count > spread ? legs[spread].id : 0;
    return OK;
}

static int end_holds(struct call *c, struct payment *payment, enum transfer_kind kind,
                     struct str description, id_t64 *ret_journal)
{
    const struct {
        id_t64 pending;
        enum reason reason;
    } holds[MAX_LEGS] = {{payment->hold_amount_id, REASON_PAYMENT},
                         {payment->hold_fee_id, REASON_FEE},
                         {payment->hold_payout_id, REASON_FX},
                         {payment->hold_spread_id, REASON_FX_SPREAD}};
    struct transfer legs[MAX_LEGS];
    size_t count = 0;

    for (size_t i = 0; i < MAX_LEGS; i++)
        if (holds[i].pending)
            legs[count++] = (struct transfer){
                .kind = kind, .pending_id = holds[i].pending, .reason = (int)holds[i].reason};
    return count == 0 ? OK
                      : wallet_post(c, legs, count, description, reference_of(c, payment), NULL,
                                    ret_journal);
}

int payment_release_money(struct call *c, struct payment *payment, id_t64 *ret_journal)
{
    return end_holds(c, payment, TRANSFER_VOID, STR("payment released"), ret_journal);
}

/* Cleared money came in at the provider: the wallet gets it, less the fee. */
static int credit_inbound(struct call *c, struct payment *payment, id_t64 *ret_journal)
{
    struct accounts accounts;
    struct transfer legs[2];
    size_t count = 0;

    TRY(find_accounts(c, payment, &accounts));
    legs[count++] = (struct transfer){.debit_account = accounts.settlement,
                                      .credit_account = payment->source_wallet_id,
                                      .amount = payment->amount,
                                      .reason = REASON_PAYMENT};
    if (payment->fee_amount > 0)
        legs[count++] = (struct transfer){.debit_account = payment->source_wallet_id,
                                          .credit_account = accounts.fee_income,
                                          .amount = payment->fee_amount,
                                          .reason = REASON_FEE};
    return wallet_post(c, legs, count, STR("payment received"), reference_of(c, payment), NULL,
                       ret_journal);
}

int payment_settle_money(struct call *c, struct payment *payment, id_t64 *ret_journal)
{
    if (str_is(payment->direction, "outbound"))
        return end_holds(c, payment, TRANSFER_POST, STR("payment completed"), ret_journal);
    if (str_is(payment->direction, "inbound"))
        return credit_inbound(c, payment, ret_journal);
    return OK;
}

static int refund_outbound(struct call *c, struct payment *payment, const struct accounts *accounts,
                           id_t64 *ret_journal)
{
    struct transfer legs[MAX_LEGS];
    size_t count = 0;

    legs[count++] = (struct transfer){.debit_account = converts(payment) ? accounts->source_position
                                                                         : accounts->settlement,
                                      .credit_account = payment->source_wallet_id,
                                      .amount = payment->amount,
                                      .reason = REASON_REFUND};
    if (payment->fee_amount > 0)
        legs[count++] = (struct transfer){.debit_account = accounts->fee_income,
                                          .credit_account = payment->source_wallet_id,
                                          .amount = payment->fee_amount,
                                          .reason = REASON_REFUND};
    if (converts(payment))
        legs[count++] = (struct transfer){.debit_account = accounts->settlement,
                                          .credit_account = accounts->target_position,
                                          .amount = payment->target_amount,
                                          .reason = REASON_REFUND};
    if (converts(payment) && payment->spread_amount > 0)
        legs[count++] = (struct transfer){.debit_account = accounts->target_income,
                                          .credit_account = accounts->target_position,
                                          .amount = payment->spread_amount,
                                          .reason = REASON_REFUND};
    return wallet_post(c, legs, count, STR("payment refunded"), reference_of(c, payment), NULL,
                       ret_journal);
}

/* Taking an inbound payment back is a debit like any other: the wallet has to cover it. */
static int refund_inbound(struct call *c, struct payment *payment, const struct accounts *accounts,
                          id_t64 *ret_journal)
{
    struct transfer legs[2];
    size_t count = 0;

    if (payment->fee_amount > 0)
        legs[count++] = (struct transfer){.debit_account = accounts->fee_income,
                                          .credit_account = payment->source_wallet_id,
                                          .amount = payment->fee_amount,
                                          .reason = REASON_REFUND};
    legs[count++] = (struct transfer){.debit_account = payment->source_wallet_id,
                                      .credit_account = accounts->settlement,
                                      .amount = payment->amount,
                                      .reason = REASON_REFUND};
    return wallet_post(c, legs, count, STR("payment refunded"), reference_of(c, payment), "status",
                       ret_journal);
}

int payment_refund_money(struct call *c, struct payment *payment, id_t64 *ret_journal)
{
    struct accounts accounts;

    TRY(find_accounts(c, payment, &accounts));
    if (str_is(payment->direction, "outbound"))
        return refund_outbound(c, payment, &accounts, ret_journal);
    if (str_is(payment->direction, "inbound"))
        return refund_inbound(c, payment, &accounts, ret_journal);
    return OK;
}
