/*
 * Payments: one money movement from or to an organisation's wallet, its life cycle and its journals.
 *
 * outbound  paid from a wallet to a beneficiary. Fee, rate, spread and both amounts are fixed when the payment is
 *           made and never change. amount + fee are held then, posted at completion, released at failure,
 *           cancellation or rejection, credited back by a refund.
 * inbound   credits the wallet at completion, less the fee.
 * external  moves no money here: a record with its states.
 *
 * What a payment moves on the wallet is also an entry in the wallet's list of movements.
 *
 * A conversion goes through position accounts, so that each asset balances by itself:
 *
 *     wallet      --amount-->  FX position (source asset)
 *     wallet      --fee----->  fee income
 *     FX position --target-->  settlement of the provider (target asset)
 *     FX position --spread-->  FX income  (target asset)
 *
 * Once the instruction for a payout has left, only the provider's word calls the payment off: silence is not
 * failure. When it has ended, by whatever word, nothing is sent any more.
 */
#ifndef CORE_PAYMENT_PAYMENT_H
#define CORE_PAYMENT_PAYMENT_H

#include "core/call.h"
#include "store/row.h"

#define PAYMENT_ROW(F)            \
    F(INTEGER, id)                \
    F(INTEGER, tenant_id)         \
    F(INTEGER, organisation_id)   \
    F(INTEGER, user_id)           \
    F(INTEGER, transaction_id)    \
    F(INTEGER, beneficiary_id)    \
    F(INTEGER, source_wallet_id)  \
    F(TEXT, status)               \
    F(TEXT, direction)            \
    F(TEXT, payment_method)       \
    F(INTEGER, amount)            \
    F(TEXT, currency)             \
    F(INTEGER, fee_amount)        \
    F(INTEGER, target_amount)     \
    F(TEXT, target_currency)      \
    F(INTEGER, rate_id)           \
    F(DECIMAL, rate)              \
    F(DECIMAL, spread)            \
    F(INTEGER, spread_amount)     \
    F(TEXT, from_currency)        \
    F(TEXT, region_id)            \
    F(TEXT, payment_path_method)  \
    F(TEXT, provider)             \
    F(TEXT, provider_config_id)   \
    F(TEXT, provider_payment_id)  \
    F(TEXT, provider_status)      \
    F(JSON, provider_data)        \
    F(TEXT, failure_reason)       \
    F(BOOLEAN, payout_initiated)  \
    F(TEXT, payout_id)            \
    F(TEXT, reference)            \
    F(JSON, bank_account)         \
    F(JSON, card_details)         \
    F(JSON, mobile_money_details) \
    F(JSON, payer_details)        \
    F(JSON, recipient_info)       \
    F(JSON, metadata)             \
    F(JSON, user_metadata)        \
    F(JSON, webhook_metadata)     \
    F(JSON, fee_ids)              \
    F(TEXT, instructions)         \
    F(TEXT, comments)             \
    F(INTEGER, entry_id)          \
    F(INTEGER, hold_amount_id)    \
    F(INTEGER, hold_fee_id)       \
    F(INTEGER, hold_payout_id)    \
    F(INTEGER, hold_spread_id)    \
    F(INTEGER, created_at)        \
    F(INTEGER, updated_at)
ROW_STRUCT(payment, PAYMENT_ROW);

/* What the caller asks for; `payment` carries the fields that are only recorded. */
struct payment_request {
    struct decimal amount; /* major units of `payment->currency` */
    bool has_target_amount;
    struct decimal target_amount; /* checked against the quote when given */
    id_t64 rate_id;               /* 0: none named */
    id_t64 source_wallet_id;      /* 0: the organisation's active wallet in the currency */
};

/*
 * Checks everything, fixes the quote, holds the money and instructs the provider. `payment` comes with
 * organisation_id (0: the caller's), beneficiary_id, direction, payment_method, currency, target_currency,
 * provider and the recorded fields, and goes back as stored.
 */
int payment_create(struct call *c, const struct payment_request *request, struct payment *payment);

/* ERR_NOT_FOUND; ERR_FORBIDDEN unless the caller owns it, belongs to its organisation or is staff. */
int payment_get(struct call *c, id_t64 payment_id, struct payment *ret_payment);
int payment_get_by_transaction(struct call *c, id_t64 transaction_id, struct payment *ret_payment);
int payment_get_by_provider_id(struct call *c, struct str provider_payment_id,
                               struct payment *ret_payment);
/* By payment, transaction, provider or payout id, or metadata.reference: whichever the text is. */
int payment_get_by_reference(struct call *c, struct str reference, struct payment *ret_payment);

/* Newest first; 0 and absent mean "any". */
struct payment_filter {
    id_t64 user_id;
    id_t64 organisation_id;
    bool any_organisation; /* only payments that have one */
    struct str status;
    struct str entity_type;
};
int payment_list(struct call *c, const struct payment_filter *filter, const struct page *page,
                 struct payment **ret_rows, size_t *ret_count);
int payment_count(struct call *c, const struct payment_filter *filter, int64_t *ret_count);

/* Who says that the state changes. */
enum payment_actor {
    PAYMENT_BY_STAFF,    /* may not call off what a provider has been told to do */
    PAYMENT_BY_PROVIDER, /* a provider's answer or event, or staff relaying it */
};
/*
 * Moves to `status` by the table of states, moving the money and the paired transaction along, and tells the
 * webhooks. The same state again does nothing. Stores every other changed field too.
 */
int payment_advance(struct call *c, struct payment *payment, struct str status,
                    enum payment_actor actor);
/* Stores changed fields without a change of state. */
int payment_update(struct call *c, struct payment *payment);

/*
 * Another provider. The money of an outbound payment is held towards its settlement account instead, and it is
 * instructed; ERR_WRONG_STATE once one was instructed, or the payment has ended. Stored by the next payment_update.
 */
int payment_change_provider(struct call *c, struct payment *payment, struct str provider);

struct financial_transaction;
/* Staff changes a transaction, its status too: the payment it belongs to moves along, as if staff had moved that. */
int payment_change_transaction(struct call *c, struct financial_transaction *transaction,
                               struct str status);

struct provider_outcome;
/* Outcome of the instruction "payment_payout" (core/provider_operations.def). */
int payment_apply_payout(struct call *c, id_t64 payment_id, const struct provider_outcome *outcome);

#endif
