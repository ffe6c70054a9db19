/* How PCX writes and reads what many of its groups share: amounts, optional ids, dates,
 * pages. */
#ifndef DIALECT_PCX_WIRE_H
#define DIALECT_PCX_WIRE_H

#include "core/call.h"
#include "generated/pcx.h"

/* Sets an optional amount: PCX_AMOUNT(&out->has_amount, &out->amount, minor units, "NGN"). */
void pcx_write_amount(bool *ret_has, struct decimal *ret_amount, money_t amount,
                      struct str currency);
/* An optional id: absent for 0. */
struct str pcx_write_optional_id(struct call *c, enum id_kind kind, id_t64 id);
/* Optional ids in a body or query: 0 when absent, refused with 400 when not one of this kind. */
int pcx_read_optional_id(struct call *c, enum id_kind kind, struct str text, const char *field,
                         id_t64 *ret_id);
/* An id in a body that has to name something: unlike one in the path, a malformed one is 400. */
int pcx_read_id(struct call *c, enum id_kind kind, struct str text, const char *field,
                id_t64 *ret_id);
/* In a partial update: was the member sent as null? Decoding takes that for "not sent". */
bool pcx_sent_null(struct call *c, const char *member);
/* The member after a partial update: null clears it, what is not sent stays. */
struct str pcx_change(struct call *c, const char *member, struct str sent, struct str stored);
/* Cursors of the transaction service are JSON text: {"key": "<cursor>"}. Absent stays absent. */
struct str pcx_write_token(struct call *c, struct str cursor);
int pcx_read_token(struct call *c, struct str token, const char *field, struct str *ret_cursor);
/* Calendar days (or instants) as [from, until): the last day is included. Absent: open. */
int pcx_read_date_range(struct call *c, struct str from, const char *from_field, struct str to,
                        const char *to_field, usec_t *ret_from, usec_t *ret_until);

/* count, and the cursor at the top level and in meta. */
struct pcx_page_meta *pcx_page_meta(struct call *c, size_t count, struct str cursor);

/* Rows one page of a list has by default. */
#define PCX_PAGE_LIMIT 20

/* The list envelopes all have these members. */
#define PCX_FINISH_LIST(c, out, rows_count, cursor)               \
    do {                                                          \
        (out)->has_count = true;                                  \
        (out)->count = (int64_t)(rows_count);                     \
        (out)->last_evaluated_key = (cursor);                     \
        (out)->meta = pcx_page_meta((c), (rows_count), (cursor)); \
    } while (0)

#endif
