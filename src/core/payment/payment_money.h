/* The journals of a payment; only payment.c uses this. */
#ifndef CORE_PAYMENT_PAYMENT_MONEY_H
#define CORE_PAYMENT_PAYMENT_MONEY_H

#include "core/payment/payment.h"

/* Holds amount and fee on the source wallet, and target and spread on the position account. Sets hold_*. */
int payment_hold_money(struct call *c, struct payment *payment);
/* outbound: posts the holds. inbound: credits the wallet, less the fee. */
int payment_settle_money(struct call *c, struct payment *payment);
/* Releases the holds of an outbound payment. */
int payment_release_money(struct call *c, struct payment *payment);
/* After settlement: the opposite journal, fee included. */
int payment_refund_money(struct call *c, struct payment *payment);

#endif
