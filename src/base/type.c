/*
 * What a value must look like, checked one value at a time: formats, lengths, bounds, patterns.
 * Patterns are compiled at their first use and kept for the life of the process; contracts hold a
 * few dozen of them.
 */
#include "base/type.h"

#include <assert.h>
#include <pthread.h>
#include <regex.h>
#include <stdlib.h>

#include "base/error.h"

const struct type_field *type_find_field(const struct type *type, struct str name)
{
    for (size_t i = 0; i < type->field_count; i++)
        if (str_is(name, type->fields[i].name))
            return &type->fields[i];
    return NULL;
}

/* -- formats
 * -------------------------------------------------------------------------------------- */

static bool all_digits(const char *p, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (p[i] < '0' || p[i] > '9')
            return false;
    return true;
}

static bool is_date(struct str s)
{
    usec_t instant;
    return s.len == 10 && all_digits(s.ptr, 4) && s.ptr[4] == '-' && s.ptr[7] == '-' &&
           time_parse(s, &instant);
}

static bool is_date_time(struct str s)
{
    usec_t instant;
    return s.len > 10 && time_parse(s, &instant);
}

/* One @, something before it, a host with a dot or none, no white space: enough to refuse slips of
 * the pen. */
static bool is_email(struct str s)
{
    const char *at = memchr(s.ptr, '@', s.len);
    if (!at || at == s.ptr || s.len > 254)
        return false;
    struct str host = {at + 1, s.len - (size_t)(at + 1 - s.ptr)};
    if (host.len == 0 || host.ptr[0] == '.' || host.ptr[host.len - 1] == '.')
        return false;
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] <= ' ' || s.ptr[i] == 0x7F)
            return false;
    return !memchr(host.ptr, '@', host.len);
}

static bool is_uuid(struct str s)
{
    if (s.len != 36)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i], lower = (char)(c | 0x20);
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? c != '-' : !((c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'f')))
            return false;
    }
    return true;
}

/* RFC 3986: a scheme, a colon, something, and no white space or controls. */
static bool is_uri(struct str s)
{
    const char *colon = memchr(s.ptr, ':', s.len);
    if (!colon || colon == s.ptr || (size_t)(colon - s.ptr) + 1 == s.len)
        return false;
    char first = (char)(s.ptr[0] | 0x20);
    if (first < 'a' || first > 'z')
        return false;
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] <= ' ' || s.ptr[i] == 0x7F)
            return false;
    return true;
}

static bool has_format(struct str s, enum type_format format, const char **ret_rule)
{
    switch (format) {
    case FORMAT_DATE_TIME:
        *ret_rule = "must be a date-time such as 2024-01-15T10:30:00Z";
        return is_date_time(s);
    case FORMAT_DATE:
        *ret_rule = "must be a date such as 2024-01-15";
        return is_date(s);
    case FORMAT_EMAIL:
        *ret_rule = "must be an e-mail address";
        return is_email(s);
    case FORMAT_UUID:
        *ret_rule = "must be a UUID";
        return is_uuid(s);
    case FORMAT_URI:
        *ret_rule = "must be a URI";
        return is_uri(s);
    case FORMAT_NONE:
    case FORMAT_BINARY:
        return true;
    }
    return true;
}

/* -- patterns
 * ------------------------------------------------------------------------------------- */

struct compiled_pattern {
    const char *pattern;
    regex_t regex;
    struct compiled_pattern *next;
};

static const regex_t *compile(const char *pattern)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct compiled_pattern *compiled;
    pthread_mutex_lock(&lock);
    struct compiled_pattern *entry = compiled;
    while (entry && entry->pattern != pattern)
        entry = entry->next;
    if (!entry) {
        entry = calloc(1, sizeof(*entry));
        if (!entry)
            abort();
        int error = regcomp(&entry->regex, pattern, REG_EXTENDED | REG_NOSUB);
        assert(error == 0 && "the generator lets no other patterns through");
        entry->pattern = pattern;
        entry->next = compiled;
        compiled = entry;
    }
    pthread_mutex_unlock(&lock);
    return &entry->regex;
}

static bool matches(struct arena *arena, struct str s, const char *pattern)
{
    return regexec(compile(pattern), arena_cstr(arena, s), 0, NULL, 0) == 0;
}

/* -- checks
 * --------------------------------------------------------------------------------------- */

static size_t count_characters(struct str s)
{
    size_t count = 0;
    for (size_t i = 0; i < s.len; i++)
        count += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
    return count;
}

bool type_allows(const struct type_value *value, struct str text)
{
    if (!value->values)
        return true;
    for (const char *const *allowed = value->values; *allowed; allowed++)
        if (str_is(text, *allowed))
            return true;
    return false;
}

struct str type_allowed_text(struct arena *arena, const struct type_value *value)
{
    struct str text = STR("must be one of");
    size_t listed = 0;
    for (const char *const *allowed = value->values; *allowed; allowed++, listed++) {
        if (listed == 20)
            return arena_printf(arena, "%.*s, ...", STR_FMT(text));
        text = arena_printf(arena, "%.*s%s %s", STR_FMT(text), listed ? "," : "", *allowed);
    }
    return listed == 1 ? arena_printf(arena, "must be %s", value->values[0]) : text;
}

static int check_length(struct arena *arena, const struct type_value *value, size_t length,
                        uint32_t general_cap, const char *unit, struct str *ret_detail)
{
    uint32_t cap = value->max_length ? value->max_length : general_cap;
    if (length < value->min_length) {
        *ret_detail = arena_printf(arena, "must have at least %u %s", value->min_length, unit);
        return ERR_TOO_SHORT;
    }
    if (cap && length > cap) {
        *ret_detail = arena_printf(arena, "must have at most %u %s", cap, unit);
        return ERR_TOO_LONG;
    }
    return 0;
}

int type_check_string(struct arena *arena, const struct type_value *value, struct str s,
                      struct str *ret_detail)
{
    const char *rule = NULL;
    if (memchr(s.ptr, '\0', s.len)) {
        *ret_detail = STR("must not hold a NUL character");
        return ERR_BAD_FORMAT;
    }
    if (!type_allows(value, s)) {
        *ret_detail = type_allowed_text(arena, value);
        return ERR_NOT_ALLOWED;
    }
    if (value->min_length || value->max_length || s.len > TYPE_MAX_CHARACTERS) {
        int error = check_length(arena, value, count_characters(s), TYPE_MAX_CHARACTERS,
                                 "characters", ret_detail);
        if (error)
            return error;
    }
    if (!has_format(s, value->format, &rule)) {
        *ret_detail = str_from(rule);
        return ERR_BAD_FORMAT;
    }
    if (value->pattern && !matches(arena, s, value->pattern)) {
        *ret_detail = arena_printf(arena, "must match %s", value->pattern);
        return ERR_BAD_FORMAT;
    }
    return 0;
}

int type_check_count(struct arena *arena, const struct type_value *value, size_t count,
                     struct str *ret_detail)
{
    return check_length(arena, value, count, 0, "items", ret_detail);
}

int type_check_decimal(struct arena *arena, const struct type_value *value, struct decimal number,
                       struct str *ret_detail)
{
    if (value->has_minimum) {
        int order = decimal_compare(number, value->minimum);
        if (order < 0 || (order == 0 && value->exclusive_minimum)) {
            struct str bound = decimal_print(arena, value->minimum, 0);
            *ret_detail = arena_printf(arena, "must be %s %.*s",
                                       value->exclusive_minimum ? "greater than" : "at least",
                                       STR_FMT(bound));
            return ERR_OUT_OF_RANGE;
        }
    }
    if (value->has_maximum && decimal_compare(number, value->maximum) > 0) {
        struct str bound = decimal_print(arena, value->maximum, 0);
        *ret_detail = arena_printf(arena, "must be at most %.*s", STR_FMT(bound));
        return ERR_OUT_OF_RANGE;
    }
    return 0;
}

/* -- wiping
 * --------------------------------------------------------------------------------------- */

static void wipe_string(struct str *s)
{
    if (s->ptr)
        explicit_bzero((char *)(uintptr_t)s->ptr, s->len);
    *s = STR_NONE;
}

static void wipe_value(const struct type_value *value, void *at)
{
    if (value->kind == TYPE_OBJECT) {
        void *object = *(void **)at;
        if (object)
            type_wipe(value->object, object);
    } else if (value->kind == TYPE_ARRAY) {
        struct str_array *array = at; /* every array begins with the pointer and the count */
        for (size_t i = 0; array->items && i < array->count; i++) {
            char *item = (char *)array->items + i * value->item_size;
            if (value->items->kind == TYPE_OBJECT)
                type_wipe(value->items->object, item);
            else
                wipe_value(value->items, item);
        }
    } else if (value->sensitive && (value->kind == TYPE_STRING || value->kind == TYPE_JSON ||
                                    value->kind == TYPE_BYTES)) {
        wipe_string(at);
    }
}

void type_wipe(const struct type *type, void *object)
{
    for (size_t i = 0; i < type->field_count; i++)
        wipe_value(&type->fields[i].value, type_at(object, &type->fields[i]));
}
