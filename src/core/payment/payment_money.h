/* The journals of a payment; only payment.c uses this. */
#ifndef CORE_PAYMENT_PAYMENT_MONEY_H
#define CORE_PAYMENT_PAYMENT_MONEY_H

#include "core/payment/payment.h"

/* All that a state posts is one journal, whose id goes to *ret_journal; where nothing is posted it stays. */

/* Holds amount and fee on the source wallet, and target and spread on the position account. Sets hold_*. */
int payment_hold_money(struct call *c, struct payment *payment, id_t64 *ret_journal);
/* outbound: posts the holds. inbound: credits the wallet, less the fee. */
int payment_settle_money(struct call *c, struct payment *payment, id_t64 *ret_journal);
/* Releases the holds of an outbound payment. */
int payment_release_money(struct call *c, struct payment *payment, id_t64 *ret_journal);
/* After settlement: the opposite journal, fee included. */
int payment_refund_money(struct call *c, struct payment *payment, id_t64 *ret_journal);

#endif
