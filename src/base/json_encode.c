/* Described structs to JSON. What is absent is left out, or null where the contract requires the
 * member. */
#include "base/json.h"

struct encoder {
    struct buf *out;
    bool masked;
    /* Abridging: longer texts and arrays end with how much more there is. 0: no limit. */
    size_t text_limit, item_limit;
};

static void encode_value(struct encoder *e, const struct type_value *value, const void *source);
static void encode_object(struct encoder *e, const struct type *type, const void *object);

/* -- strings
 * -------------------------------------------------------------------------------------- */

static bool needs_escape(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

static char *put_escape(char *p, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";
    static const char short_forms[0x20] = {
        ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};
    *p++ = '\\';
    if (c >= 0x20) {
        *p++ = (char)c;
    } else if (short_forms[c]) {
        *p++ = short_forms[c];
    } else {
        memcpy(p, "u00", 3);
        p[3] = hex[c >> 4];
        p[4] = hex[c & 15];
        p += 5;
    }
    return p;
}

/* How many bytes come before the first that needs an escape; eight at a time. */
static size_t plain_prefix(const char *text, size_t len)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    size_t at = 0;
    for (; len - at >= 8; at += 8) {
        uint64_t bytes, below, quote, backslash;
        memcpy(&bytes, text + at, 8);
        quote = bytes ^ ones * '"';
        backslash = bytes ^ ones * '\\';
        below = bytes - ones * 0x20;
        if ((((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) | (below & ~bytes)) &
            tops)
            break;
    }
    while (at < len && !needs_escape((unsigned char)text[at]))
        at++;
    return at;
}

void json_add_string(struct buf *out, struct str s)
{
    size_t plain = plain_prefix(s.ptr, s.len), escapes = 0;
    for (size_t i = plain; i < s.len; i++)
        escapes += needs_escape((unsigned char)s.ptr[i]);
    char *start = buf_reserve(out, s.len + escapes * 5 + 2), *p = start;
    *p++ = '"';
    if (plain > 0)
        memcpy(p, s.ptr, plain);
    p += plain;
    for (size_t i = plain; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (needs_escape(c))
            p = put_escape(p, c);
        else
            *p++ = (char)c;
    }
    *p++ = '"';
    out->len += (size_t)(p - start);
}

/* -- numbers
 * -------------------------------------------------------------------------------------- */

static void add_integer(struct buf *out, int64_t value)
{
    char digits[20];
    size_t count = 0;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do {
        digits[count++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    char *p = buf_reserve(out, count + 1), *start = p;
    if (value < 0)
        *p++ = '-';
    while (count > 0)
        *p++ = digits[--count];
    out->len += (size_t)(p - start);
}

static void add_decimal(struct buf *out, struct decimal value, unsigned min_fraction)
{
    out->len +=
        decimal_write(buf_reserve(out, 48), value, decimal_is_zero(value) ? 0 : min_fraction);
}

/* -- what is too long for an abridged text
 * ------------------------------------------------------ */

static bool is_too_long(const struct encoder *e, struct str text)
{
    return e->text_limit && text.len > e->text_limit;
}

/* The beginning, whole characters, and how long it was. */
static void add_beginning(struct encoder *e, struct str text)
{
    struct str begin = {text.ptr, e->text_limit};
    while (begin.len && !str_valid_utf8(begin))
        begin.len--;
    json_add_string(e->out, begin);
    e->out->len--; /* the quote */
    buf_printf(e->out, "... (%zu bytes)\"", text.len);
}

static void add_size(struct encoder *e, struct str bytes)
{
    buf_printf(e->out, "\"(%zu bytes)\"", bytes.len);
}

/* True when the rest of a list is left out. */
static bool ends_early(struct encoder *e, size_t index, size_t count, const char *format)
{
    if (!e->item_limit || index < e->item_limit)
        return false;
    buf_printf(e->out, format, count - index);
    return true;
}

/* -- arrays and maps
 * ------------------------------------------------------------------------------ */

static void encode_array(struct encoder *e, const struct type_value *value, const void *source)
{
    const struct str_array *array = source; /* every array begins with the pointer and the count */
    const char *item = (const char *)array->items;
    buf_add_char(e->out, '[');
    for (size_t i = 0; i < array->count; i++, item += value->item_size) {
        if (i > 0)
            buf_add_char(e->out, ',');
        if (ends_early(e, i, array->count, "\"... (%zu more)\""))
            break;
        if (value->items->kind == TYPE_OBJECT)
            encode_object(e, value->items->object, item);
        else
            encode_value(e, value->items, item);
    }
    buf_add_char(e->out, ']');
}

static void encode_json(struct encoder *e, struct str json)
{
    if (is_too_long(e, json))
        add_size(e, json);
    else
        buf_add_str(e->out, json);
}

static void encode_members(struct encoder *e, const struct type_map *map, bool first)
{
    for (size_t i = 0; i < map->count; i++) {
        if (!first || i > 0)
            buf_add_char(e->out, ',');
        if (ends_early(e, i, map->count, "\"...\":\"(%zu more)\""))
            break;
        json_add_string(e->out, map->items[i].name);
        buf_add_char(e->out, ':');
        encode_json(e, map->items[i].json);
    }
}

static void encode_text(struct encoder *e, const struct type_value *value, struct str text)
{
    if (e->text_limit && value->format == FORMAT_BINARY)
        add_size(e, text); /* a file */
    else if (is_too_long(e, text))
        add_beginning(e, text);
    else
        json_add_string(e->out, text);
}

/* -- values and objects
 * --------------------------------------------------------------------------- */

static void encode_value(struct encoder *e, const struct type_value *value, const void *source)
{
    if (e->masked && value->sensitive) {
        buf_add(e->out, "\"***\"", 5);
        return;
    }
    switch (value->kind) {
    case TYPE_STRING:
    case TYPE_BYTES:
        encode_text(e, value, *(const struct str *)source);
        break;
    case TYPE_INTEGER:
        add_integer(e->out, *(const int64_t *)source);
        break;
    case TYPE_BOOLEAN:
        if (*(const bool *)source)
            buf_add(e->out, "true", 4);
        else
            buf_add(e->out, "false", 5);
        break;
    case TYPE_DECIMAL:
        add_decimal(e->out, *(const struct decimal *)source, value->min_fraction);
        break;
    case TYPE_OBJECT:
        encode_object(e, value->object, *(const void *const *)source);
        break;
    case TYPE_ARRAY:
        encode_array(e, value, source);
        break;
    case TYPE_MAP:
        buf_add_char(e->out, '{');
        encode_members(e, source, true);
        buf_add_char(e->out, '}');
        break;
    case TYPE_JSON:
        encode_json(e, *(const struct str *)source);
        break;
    }
}

static bool is_present(const struct type_field *field, const void *object)
{
    const void *source = type_at(object, field);
    if (field->has_offset >= 0)
        return *((const bool *)((const char *)object + field->has_offset));
    switch (field->value.kind) {
    case TYPE_INTEGER:
    case TYPE_BOOLEAN:
    case TYPE_DECIMAL:
        return true;
    case TYPE_STRING:
    case TYPE_BYTES:
    case TYPE_JSON:
    case TYPE_OBJECT:
    case TYPE_ARRAY:
    case TYPE_MAP:
        return *(const void *const *)source != NULL; /* all of them begin with a pointer */
    }
    return false;
}

static void encode_name(struct buf *out, const char *name, bool first)
{
    size_t len = strlen(name);
    char *p = buf_reserve(out, len + 4), *start = p;
    if (!first)
        *p++ = ',';
    *p++ = '"';
    memcpy(p, name, len);
    p += len;
    *p++ = '"';
    *p++ = ':';
    out->len += (size_t)(p - start);
}

static void encode_object(struct encoder *e, const struct type *type, const void *object)
{
    bool first = true;
    buf_add_char(e->out, '{');
    for (size_t i = 0; i < type->field_count; i++) {
        const struct type_field *field = &type->fields[i];
        bool present = is_present(field, object);
        if (!present && !(field->required && field->value.nullable))
            continue;
        encode_name(e->out, field->name, first);
        first = false;
        if (present)
            encode_value(e, &field->value, type_at(object, field));
        else
            buf_add(e->out, "null", 4);
    }
    if (type->extra_offset >= 0 && !e->masked)
        encode_members(e, (const void *)((const char *)object + type->extra_offset), first);
    buf_add_char(e->out, '}');
}

void json_encode(struct buf *out, const struct type_value *value, const void *source)
{
    struct encoder e = {.out = out};
    encode_value(&e, value, source);
}

void json_encode_object(struct buf *out, const struct type *type, const void *object)
{
    struct encoder e = {.out = out};
    encode_object(&e, type, object);
}

void json_encode_masked(struct buf *out, const struct type *type, const void *object)
{
    struct encoder e = {.out = out, .masked = true};
    encode_object(&e, type, object);
}

void json_encode_abridged(struct buf *out, const struct type *type, const void *object,
                          size_t text_limit, size_t item_limit)
{
    struct encoder e = {
        .out = out, .masked = true, .text_limit = text_limit, .item_limit = item_limit};
    encode_object(&e, type, object);
}
