/* Card data that clients send along with a payment. It is never stored: only what may be shown is. */
#ifndef CORE_PAYMENT_CARD_DETAILS_H
#define CORE_PAYMENT_CARD_DETAILS_H

#include "core/call.h"

/*
 * The members of `card_json` that may be kept (PCI DSS 3.3, 3.4): a card number becomes its last four digits,
 * security codes, PINs and track data are dropped, at every depth. Absent stays absent.
 */
struct str card_details_masked(struct call *c, struct str card_json);

#endif
