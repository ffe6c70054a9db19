/*
 * Type descriptors: what a C struct looks like, as data. The generator makes one for every request
 * and schema of the contracts; rows of the store are described the same way by hand-kept tables.
 * One descriptor serves five uses: decode and validate (JSON, query, path), encode JSON, map a SQL
 * row to a struct by column name, emit OpenAPI, check replies.
 *
 * How a field's kind maps to C:
 *   TYPE_STRING    struct str        absent: ptr == NULL. Also enums, formats (date-time, uuid, ...)
 *   TYPE_INTEGER   int64_t
 *   TYPE_BOOLEAN   bool
 *   TYPE_DECIMAL   struct decimal    every JSON "number": exact, never a double
 *   TYPE_OBJECT    struct X *        absent: NULL
 *   TYPE_ARRAY     struct { T *items; size_t count; }  absent: items == NULL; empty: items non-NULL.
 *                                    Objects stand in it by value (T is struct X). The structs have
 *                                    names: str_array, int64_array, decimal_array, bool_array, X_array
 *   TYPE_MAP       struct type_map   free-form member names, absent like an array
 *   TYPE_JSON      struct str        any JSON value, kept as its (valid, compact) text
 *
 * An optional or nullable integer, boolean or decimal is preceded by a member bool has_<name>. What
 * is absent is not encoded, or encoded as null where it is required and nullable.
 */
#ifndef BASE_TYPE_H
#define BASE_TYPE_H

#include "base/decimal.h"
#include "base/id.h"

enum type_kind {
    TYPE_STRING,
    TYPE_INTEGER,
    TYPE_BOOLEAN,
    TYPE_DECIMAL,
    TYPE_OBJECT,
    TYPE_ARRAY,
    TYPE_MAP,
    TYPE_JSON,
    TYPE_BYTES, /* rows only: BLOB/BYTEA as struct str */
};

enum type_format {
    FORMAT_NONE,
    FORMAT_DATE_TIME, /* RFC 3339 */
    FORMAT_DATE,
    FORMAT_EMAIL,
    FORMAT_UUID,
    FORMAT_URI,
    FORMAT_BINARY, /* a multipart file */
};

struct type;

/* What a value may be; shared by struct fields and array items. */
struct type_value {
    enum type_kind kind;
    enum type_format format;
    bool nullable;
    bool sensitive;                 /* masked in logs, dumps and audit rows; wiped on release */
    const struct type *object;      /* TYPE_OBJECT */
    const struct type_value *items; /* TYPE_ARRAY, TYPE_MAP */
    size_t item_size;               /* TYPE_ARRAY: sizeof one item */
    const char *wrapped_in; /* TYPE_ARRAY: an object with the array under this name is taken too */
    bool object_only;       /* TYPE_JSON: any object, but nothing else */
    uint8_t min_fraction;   /* TYPE_DECIMAL: decimals a value other than 0 is printed with */
    const char *const *values; /* enum: NULL-terminated; NULL when any value goes */
    const char *pattern;       /* POSIX extended regular expression, or NULL */
    bool has_minimum, has_maximum, exclusive_minimum;
    struct decimal minimum, maximum;
    uint32_t min_length, max_length; /* characters or items; max 0 = the general cap */
};

struct type_field {
    const char *name;   /* on the wire, or the column */
    const char *member; /* C identifier */
    size_t offset;
    ptrdiff_t has_offset; /* of the bool has_<member>; -1 when there is none */
    bool required;
    struct type_value value;
    const char *default_text; /* JSON text of the default, or NULL */
};

struct type {
    const char *name; /* C name, e.g. "pcx_virtual_account" */
    size_t size;
    const struct type_field *fields;
    size_t field_count;
    bool open; /* unknown members are accepted (and dropped, unless extra_offset >= 0) */
    ptrdiff_t extra_offset; /* of the struct type_map that takes unknown members, or -1 */
    /* Alternatives, closed by NULL, of member names, closed by NULL: all of one must be present. */
    const char *const *const *any_required;
};

struct type_member {
    struct str name;
    struct str json; /* value as JSON text */
};

struct type_map {
    struct type_member *items;
    size_t count;
};

struct type_map_array {
    struct type_map *items;
    size_t count;
};

struct str_array {
    struct str *items;
    size_t count;
};

struct int64_array {
    int64_t *items;
    size_t count;
};

struct bool_array {
    bool *items;
    size_t count;
};

struct decimal_array {
    struct decimal *items;
    size_t count;
};

/* Strings without a maxLength of their own end here; contracts raise it where a field carries a
 * file. */
#define TYPE_MAX_CHARACTERS 65536

const struct type_field *type_find_field(const struct type *type, struct str name);

/* Is this one of the values of the enum? True when there is none. */
bool type_allows(const struct type_value *value, struct str text);
/* "must be one of a, b, c" */
struct str type_allowed_text(struct arena *arena, const struct type_value *value);
/* 0, or ERR_NOT_ALLOWED, ERR_TOO_SHORT, ERR_TOO_LONG, ERR_BAD_FORMAT, ERR_OUT_OF_RANGE and the rule
 * in words. */
int type_check_string(struct arena *arena, const struct type_value *value, struct str s,
                      struct str *ret_detail);
int type_check_count(struct arena *arena, const struct type_value *value, size_t count,
                     struct str *ret_detail);
int type_check_decimal(struct arena *arena, const struct type_value *value, struct decimal number,
                       struct str *ret_detail);

/*
 * Overwrites the sensitive strings of a decoded object, in place: they may be slices of the body,
 * which must be writable. For decoded requests only, never for structs that may point at literals.
 */
void type_wipe(const struct type *type, void *object);

/* Where a field's value lives in `object`. */
static inline void *type_at(const void *object, const struct type_field *field)
{
    return (char *)(uintptr_t)object + field->offset;
}

#endif
