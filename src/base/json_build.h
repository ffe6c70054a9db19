/*
 * JSON objects written member by member, where no contract describes them: requests to providers,
 * events, notes. Commas set themselves: a member goes without one after '{' or '['.
 *
 *     struct buf out = json_object(arena);
 *     json_put(&out, "currency", STR("usd"));
 *     json_open(&out, "account", '{');
 *     ...
 *     json_close(&out, '}');
 *     struct str text = json_object_end(&out);
 */
#ifndef BASE_JSON_BUILD_H
#define BASE_JSON_BUILD_H

#include "base/json.h"

struct buf json_object(struct arena *arena);
struct str json_object_end(struct buf *out);

/* A string member; nothing when `value` is absent. */
void json_put(struct buf *out, const char *name, struct str value);
/* The same; nothing when it is empty either. */
void json_put_unless_empty(struct buf *out, const char *name, struct str value);
void json_put_integer(struct buf *out, const char *name, int64_t value);
/* Shortest exact form. */
void json_put_decimal(struct buf *out, const char *name, struct decimal value);
void json_put_boolean(struct buf *out, const char *name, bool value);
/* `json` is the text of any value (a number's, an object's); null when absent. */
void json_put_json(struct buf *out, const char *name, struct str json);
/* A member that is an object or array: '{' or '['. `name` NULL: an item of an array, or the top. */
void json_open(struct buf *out, const char *name, char bracket);
void json_close(struct buf *out, char bracket);
/* A string item of an array. */
void json_put_item(struct buf *out, struct str value);

#endif
