/* Which provider pays a payment out, and what it is told. Private to core/payment. */
#ifndef CORE_PAYMENT_PAYOUT_H
#define CORE_PAYMENT_PAYOUT_H

#include "core/beneficiary/beneficiary.h"
#include "core/payment/payment.h"

/* Sets payment->provider when the client left it open; refuses what is not connected, or a payee whose account
 * is not known well enough to be paid by that provider. */
int payout_choose_provider(struct call *c, struct payment *payment,
                           const struct beneficiary *payee);
/* Writes the instruction to the outbox, unless the provider is "manual". Sets payout_initiated. */
int payout_instruct(struct call *c, struct payment *payment, const struct beneficiary *payee);
/* Where our money for the payment is: the connector's settlement account, or "manual". */
struct str payout_settlement_name(const struct payment *payment);
/* JSON object for people: name, country, account details. */
struct str payout_describe_payee(struct call *c, const struct beneficiary *payee);

#endif
