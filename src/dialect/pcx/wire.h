/* How PCX writes and reads what many of its groups share: amounts, optional ids, dates, page
 * cursors. */
#ifndef DIALECT_PCX_WIRE_H
#define DIALECT_PCX_WIRE_H

#include "core/call.h"

/* Sets an optional amount: PCX_AMOUNT(&out->has_amount, &out->amount, minor units, "NGN"). */
void pcx_write_amount(bool *ret_has, struct decimal *ret_amount, money_t amount,
                      struct str currency);
/* Optional ids in a body or query: 0 when absent, refused with 400 when not one of this kind. */
int pcx_read_optional_id(struct call *c, enum id_kind kind, struct str text, const char *field,
                         id_t64 *ret_id);
/* An id in a body that has to name something: unlike one in the path, a malformed one is 400. */
int pcx_read_id(struct call *c, enum id_kind kind, struct str text, const char *field,
                id_t64 *ret_id);
/* Calendar days (or instants) as [from, until): the last day is included. Absent: open. */
int pcx_read_date_range(struct call *c, struct str from, const char *from_field, struct str to,
                        const char *to_field, usec_t *ret_from, usec_t *ret_until);

#endif
