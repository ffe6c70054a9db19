/*
 * JSON (RFC 8259) to and from described structs. Numbers keep their exact decimal text. Duplicate
 * names, invalid UTF-8, nesting deeper than 32 and trailing text are refused.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"
#include "base/error.h"
#include "base/type.h"

#define JSON_MAX_DEPTH 32

/* One thing wrong with an input. Paths look like "bank_details.iban" and
 * "counterParties[0].amount". */
struct json_problem {
    int error; /* ERR_REQUIRED, ERR_WRONG_TYPE, ... */
    struct str path;
    struct str detail; /* "must be at least 1"; may be absent */
    struct json_problem *next;
};

/*
 * Decodes a value described by `value` into `destination` (zeroed memory of the right size), arena
 * memory for all it points to. Strings without escapes are slices of `text`, which has to live as
 * long. Problems are appended to the list (the first 50), in document order, those of missing
 * members at the end of their object; returns the first one's error, or 0. ERR_MALFORMED_JSON comes
 * alone. Absent members take their default; text is brought to normal form C; null is the same as
 * absent where it is allowed.
 */
int json_decode(struct arena *arena, struct str text, const struct type_value *value,
                void *destination, struct json_problem **ret_problems);
/* A struct as the top value. */
int json_decode_object(struct arena *arena, struct str text, const struct type *type,
                       void *destination, struct json_problem **ret_problems);
/* A scalar from a path, query or header parameter: "12", "true", "2024-01-15". */
int json_decode_text(struct arena *arena, struct str text, const struct type_field *field,
                     void *object, struct json_problem **ret_problems);
/* The parameter was not sent: takes the default, or reports ERR_REQUIRED where there is none. */
int json_decode_absent(struct arena *arena, const struct type_field *field, void *object,
                       struct json_problem **ret_problems);

void json_encode(struct buf *out, const struct type_value *value, const void *source);
void json_encode_object(struct buf *out, const struct type *type, const void *object);
/* The same with every sensitive field replaced by "***": for logs, dumps and audit rows. */
void json_encode_masked(struct buf *out, const struct type *type, const void *object);
/* Masked, and still JSON: of longer texts (bytes) and lists only the beginning, of files only the size. */
void json_encode_abridged(struct buf *out, const struct type *type, const void *object,
                          size_t text_limit, size_t item_limit);
/* Quoted and escaped. */
void json_add_string(struct buf *out, struct str s);

/*
 * Reads values out of a document nobody described: provider answers and callbacks. A json is a tree
 * in the arena. json_get follows "data.accounts.0.id"; what is not there is JSON_ABSENT, and every
 * accessor takes it. Strings are slices of `text` where they can be.
 */
struct json;
#define JSON_ABSENT ((const struct json *)NULL)
int json_parse(struct arena *arena, struct str text, const struct json **ret_json);
const struct json *json_get(const struct json *json, const char *path);
struct str json_string(const struct json *json); /* absent unless a string */
struct str json_text(const struct json *json);   /* string, or the text of a number or boolean */
bool json_decimal(const struct json *json,
                  struct decimal *ret_value); /* number or numeric string */
bool json_integer(const struct json *json, int64_t *ret_value);
bool json_boolean(const struct json *json, bool *ret_value);
size_t json_count(const struct json *json);
const struct json *json_at(const struct json *json, size_t index);
struct str json_key_at(const struct json *json, size_t index);       /* member name of an object */
struct str json_print(struct arena *arena, const struct json *json); /* compact text */

/* Debug and test builds: is this reply what the schema says? Returns the first problem or NULL. */
const struct json_problem *json_check(struct arena *arena, struct str text,
                                      const struct type_value *value);

#endif
