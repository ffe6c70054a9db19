/*
 * Bodies of HTML forms: application/x-www-form-urlencoded (WHATWG URL, 5.1) and multipart/form-data
 * (RFC 7578), decoded into the same struct as the JSON body would be: a part fills the field of its
 * name.
 */
#ifndef SERVER_FORM_H
#define SERVER_FORM_H

#include "base/json.h"
#include "core/call.h"

bool form_is_form(struct str content_type);
/* `value` describes an object; destination as for json_decode. */
int form_decode(struct arena *arena, struct str content_type, struct str body,
                const struct type_value *value, void *destination,
                struct json_problem **ret_problems);
/* "%41" -> "A", and "+" -> " " if asked. Bytes that are no valid escape stay as they are. */
struct str form_percent_decode(struct arena *arena, struct str text, bool plus);
/* Splits and decodes "a=1&b=2". */
struct header *form_parse_query(struct arena *arena, struct str query, size_t *ret_count);

#endif
