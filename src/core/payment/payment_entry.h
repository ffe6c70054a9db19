/* What the list of an account's movements says of a payment; only payment.c uses this. */
#ifndef CORE_PAYMENT_PAYMENT_ENTRY_H
#define CORE_PAYMENT_PAYMENT_ENTRY_H

#include "core/payment/payment.h"

/* Outbound, once the money is held by `journal_id`: a debit that is pending. Sets payment->entry_id. */
int payment_entry_add(struct call *c, struct payment *payment, id_t64 journal_id);
/* Outbound: the money is held anew, towards another provider. */
int payment_entry_hold_again(struct call *c, const struct payment *payment, id_t64 journal_id);
/*
 * After a change of state, `journal_id` being what it posted (0: nothing). An inbound payment appears
 * when it is completed; a refund is an entry of its own.
 */
int payment_entry_follow(struct call *c, struct payment *payment, id_t64 journal_id);

#endif
