/*
 * The financial record behind a payment, loan or payout: what moved and how it ended. A payment's record is made
 * in the same database transaction as the payment and follows its states; there is no other way to make one.
 */
#ifndef CORE_PAYMENT_TRANSACTION_H
#define CORE_PAYMENT_TRANSACTION_H

#include "core/call.h"
#include "store/row.h"

#define FINANCIAL_TRANSACTION_ROW(F)   \
    F(INTEGER, id)                     \
    F(INTEGER, tenant_id)              \
    F(INTEGER, organisation_id)        \
    F(INTEGER, user_id)                \
    F(INTEGER, beneficiary_id)         \
    F(INTEGER, payment_id)             \
    F(TEXT, payout_id)                 \
    F(TEXT, type)                      \
    F(TEXT, status)                    \
    F(TEXT, payment_method)            \
    F(TEXT, entity_type)               \
    F(TEXT, country)                   \
    F(INTEGER, amount)                 \
    F(TEXT, currency)                  \
    F(INTEGER, target_amount)          \
    F(TEXT, target_currency)           \
    F(JSON, metadata)                  \
    F(JSON, beneficiary_details)       \
    F(INTEGER, compound_amount)        \
    F(TEXT, duration)                  \
    F(INTEGER, installment_amount)     \
    F(INTEGER, total_installments)     \
    F(INTEGER, installments_completed) \
    F(INTEGER, amount_paid)            \
    F(INTEGER, outstanding_balance)    \
    F(INTEGER, next_due_date)          \
    F(INTEGER, start_date)             \
    F(TEXT, frequency)                 \
    F(INTEGER, created_at)             \
    F(INTEGER, updated_at)
ROW_STRUCT(financial_transaction, FINANCIAL_TRANSACTION_ROW);

/* amount_paid, outstanding_balance, installments_completed: nobody has said. */
#define TRANSACTION_NOT_SET (-1)

int transaction_create(struct call *c, struct financial_transaction *transaction);
/* ERR_NOT_FOUND; ERR_FORBIDDEN unless the caller owns it, administers its organisation or is staff. */
int transaction_get(struct call *c, id_t64 transaction_id,
                    struct financial_transaction *ret_transaction);
/* The one made with the payment, whatever staff linked since. */
int transaction_get_by_payment(struct call *c, id_t64 payment_id,
                               struct financial_transaction *ret_transaction);
/* 0: to none. ERR_REFERENCE_UNKNOWN. */
int transaction_link_payment(struct call *c, struct financial_transaction *transaction,
                             id_t64 payment_id);
/* Moves to `status` by the table of states (same state: nothing happens); ERR_WRONG_STATE. */
int transaction_advance(struct call *c, struct financial_transaction *transaction,
                        struct str status);
/* Stores changed editable fields and tells the organisation's webhooks when the status changed. */
int transaction_update(struct call *c, struct financial_transaction *transaction,
                       struct str old_status);

/* Newest first. Zero, absent and 0 mean "any". */
struct transaction_filter {
    id_t64 user_id;
    id_t64 organisation_id;
    struct str status, currency, country, payment_method;
    struct str kind;    /* "loan", "payout", "loan_or_payout" */
    usec_t from, until; /* created_at in [from, until) */
};
int transaction_list(struct call *c, const struct transaction_filter *filter,
                     const struct page *page, struct financial_transaction **ret_rows,
                     size_t *ret_count);
int transaction_count(struct call *c, const struct transaction_filter *filter, int64_t *ret_count);

/* Aggregates over everything the filter selects. */
#define TRANSACTION_METRICS_ROW(F) \
    F(INTEGER, total_count)        \
    F(INTEGER, initiated_count)    \
    F(INTEGER, pending_count)      \
    F(INTEGER, completed_count)    \
    F(INTEGER, failed_count)       \
    F(INTEGER, overdue_count)
ROW_STRUCT(transaction_metrics, TRANSACTION_METRICS_ROW);
#define CURRENCY_TOTAL_ROW(F) \
    F(TEXT, currency)         \
    F(INTEGER, amount)        \
    F(INTEGER, amount_paid)   \
    F(INTEGER, outstanding_balance)
ROW_STRUCT(currency_total, CURRENCY_TOTAL_ROW);
int transaction_measure(struct call *c, const struct transaction_filter *filter,
                        struct transaction_metrics *ret_metrics, struct currency_total **ret_totals,
                        size_t *ret_count);

#endif
