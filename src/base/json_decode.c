/*
 * JSON straight into described structs, in one pass, without a tree between. Syntax errors end the
 * work at once; everything else that is wrong becomes a problem with its path, and reading goes on.
 */
#include <assert.h>
#include <stdlib.h>
#include <utf8proc.h>

#include "base/json_scan.h"

#define MAX_PROBLEMS 50
#define MAX_FIELDS 256 /* of one struct; the generator sees to it */

/* Where we are, as a chain on the C stack; printed only when something is wrong. */
struct place {
    const struct place *up;
    const char *name; /* of a member, or */
    struct str other; /* an unknown member, or */
    size_t index;     /* an item */
};

struct decoder {
    struct json_scan scan;
    struct arena *arena;
    bool defaults;
    int first_error;
    size_t problem_count;
    struct json_problem **tail;
};

static bool decode_value(struct decoder *d, const struct type_value *value, void *destination,
                         const struct place *place, bool *ret_present);
static bool decode_object(struct decoder *d, const struct type *type, void *object,
                          const struct place *place);

/* -- problems
 * ------------------------------------------------------------------------------------- */

static struct str print_place(struct arena *arena, const struct place *place)
{
    if (!place)
        return STR("");
    struct str up = print_place(arena, place->up);
    if (!place->name && !place->other.ptr)
        return arena_printf(arena, "%.*s[%zu]", STR_FMT(up), place->index);
    struct str name = place->name ? str_from(place->name) : place->other;
    return arena_printf(arena, "%.*s%s%.*s", STR_FMT(up), up.len ? "." : "", STR_FMT(name));
}

static void add_problem(struct decoder *d, int error, const struct place *place, struct str detail)
{
    if (!d->first_error)
        d->first_error = error;
    if (d->problem_count++ >= MAX_PROBLEMS)
        return;
    struct json_problem *problem = ARENA_NEW(d->arena, struct json_problem);
    *problem = (struct json_problem){
        .error = error, .path = print_place(d->arena, place), .detail = detail};
    *d->tail = problem;
    d->tail = &problem->next;
}

/* Takes the value and reports it; false only when it is no JSON. */
static bool wrong_type(struct decoder *d, const struct place *place, struct str detail)
{
    struct str duplicate = STR_NONE;
    add_problem(d, ERR_WRONG_TYPE, place, detail);
    return json_scan_skip(&d->scan, &duplicate);
}

static void add_duplicate(struct decoder *d, const struct place *up, struct str name)
{
    struct place place = {.up = up, .other = name};
    add_problem(d, ERR_DUPLICATE_FIELD, &place, STR_NONE);
}

/* Takes any value, looking for members that an object in it has twice. */
static bool skip(struct decoder *d, const struct place *place, struct str *ret_text)
{
    struct str duplicate = STR_NONE;
    json_scan_peek(&d->scan);
    const char *start = d->scan.at;
    if (!json_scan_skip(&d->scan, &duplicate))
        return false;
    *ret_text = (struct str){start, (size_t)(d->scan.at - start)};
    if (str_present(duplicate))
        add_duplicate(d, place, duplicate);
    return true;
}

/* -- scalars
 * -------------------------------------------------------------------------------------- */

/* Text is kept in normal form C, so that what looks the same compares the same. */
static struct str normalise(struct arena *arena, struct str s)
{
    size_t i = 0;
    while (i < s.len && (unsigned char)s.ptr[i] < 0x80)
        i++;
    if (i == s.len)
        return s;
    utf8proc_uint8_t *normal = NULL;
    utf8proc_ssize_t len = utf8proc_map((const utf8proc_uint8_t *)s.ptr, (utf8proc_ssize_t)s.len,
                                        &normal, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (len >= 0 && !((size_t)len == s.len && memcmp(normal, s.ptr, s.len) == 0))
        s = arena_copy(arena, (struct str){(const char *)normal, (size_t)len});
    free(normal);
    return s;
}

static bool store_string(struct decoder *d, const struct type_value *value, struct str s,
                         struct str *destination, const struct place *place)
{
    struct str detail = STR_NONE;
    s = normalise(d->arena, s);
    int error = type_check_string(d->arena, value, s, &detail);
    if (error)
        add_problem(d, error, place, detail);
    else
        *destination = s;
    return !error;
}

/* Integers of JSON Schema: 12 and 12.0 are the same. Digits without fraction are read without
 * detour. */
static int read_integer(struct str text, int64_t *ret_integer, struct str *ret_detail)
{
    struct decimal exact;
    if (memchr(text.ptr, 'e', text.len) || memchr(text.ptr, 'E', text.len)) {
        *ret_detail = STR("must be written without an exponent");
        return ERR_BAD_FORMAT;
    }
    if (text.len > DECIMAL_MAX_DIGITS && !memchr(text.ptr, '.', text.len)) {
        *ret_detail = STR("has too many digits");
        return ERR_OUT_OF_RANGE;
    }
    if (decimal_parse(text, &exact) && exact.scale == 0) {
        *ret_integer = exact.coefficient;
        return 0;
    }
    *ret_detail = STR("must be an integer");
    return ERR_WRONG_TYPE;
}

static int read_decimal(struct str text, struct decimal *ret_decimal, struct str *ret_detail)
{
    if (memchr(text.ptr, 'e', text.len) || memchr(text.ptr, 'E', text.len)) {
        *ret_detail = STR("must be written without an exponent");
        return ERR_BAD_FORMAT;
    }
    if (decimal_parse(text, ret_decimal))
        return 0;
    *ret_detail = STR("has too many digits");
    return ERR_OUT_OF_RANGE;
}

static bool store_number(struct decoder *d, const struct type_value *value, struct str text,
                         void *destination, const struct place *place)
{
    struct str detail = STR_NONE;
    struct decimal number = {0};
    int64_t integer = 0;
    int error = value->kind == TYPE_INTEGER ? read_integer(text, &integer, &detail)
                                            : read_decimal(text, &number, &detail);
    if (!error && value->kind == TYPE_INTEGER)
        number = (struct decimal){.coefficient = integer, .scale = 0};
    if (!error && !type_allows(value, text)) {
        error = ERR_NOT_ALLOWED;
        detail = type_allowed_text(d->arena, value);
    }
    if (!error)
        error = type_check_decimal(d->arena, value, number, &detail);
    if (error) {
        add_problem(d, error, place, detail);
        return false;
    }
    if (value->kind == TYPE_INTEGER)
        *(int64_t *)destination = integer;
    else
        *(struct decimal *)destination = number;
    return true;
}

static bool decode_boolean(struct decoder *d, const struct type_value *value, bool *destination,
                           const struct place *place, bool *ret_present)
{
    bool truth = json_scan_peek(&d->scan) == 't';
    if (!json_scan_word(&d->scan, truth ? "true" : "false"))
        return false;
    *ret_present = type_allows(value, truth ? STR("true") : STR("false"));
    if (*ret_present)
        *destination = truth;
    else
        add_problem(d, ERR_NOT_ALLOWED, place, type_allowed_text(d->arena, value));
    return true;
}

/* -- arrays
 * --------------------------------------------------------------------------------------- */

/* Items are read into a growing block; the pointer and the count come first in every array
 * struct. */
static bool decode_items(struct decoder *d, const struct type_value *value,
                         struct str_array *destination, const struct place *place)
{
    const struct type_value *items = value->items;
    size_t size = value->item_size, count = 0, capacity = 0;
    char *block = arena_alloc(d->arena, 1); /* an empty array is not an absent one */
    bool empty, more = true, ignored;
    if (!json_scan_open(&d->scan, '[', &empty))
        return false;
    for (; !empty && more; count++) {
        if (count == capacity) {
            char *grown = arena_alloc_array(d->arena, capacity ? capacity * 4 : 4, size);
            memcpy(grown, block, count * size);
            block = grown;
            capacity = capacity ? capacity * 4 : 4;
        }
        struct place here = {.up = place, .index = count};
        char *item = block + count * size;
        bool read = items->kind == TYPE_OBJECT && json_scan_peek(&d->scan) == '{'
                        ? decode_object(d, items->object, item, &here)
                    : items->kind == TYPE_OBJECT ? wrong_type(d, &here, STR("must be an object"))
                                                 : decode_value(d, items, item, &here, &ignored);
        if (!read || !json_scan_next(&d->scan, ']', &more))
            return false;
    }
    struct str detail = STR_NONE;
    int error = type_check_count(d->arena, value, count, &detail);
    if (error)
        add_problem(d, error, place, detail);
    *destination = (struct str_array){.items = (struct str *)(void *)block, .count = count};
    return true;
}

/* {"accountPostings": [...]} where the bare array is meant. */
static bool decode_wrapped(struct decoder *d, const struct type_value *value,
                           struct str_array *destination, const struct place *place)
{
    struct json_names names = {0};
    struct place here = {.up = place, .name = value->wrapped_in};
    bool empty, more = true, found = false;
    if (!json_scan_open(&d->scan, '{', &empty))
        return false;
    while (!empty && more) {
        struct str name, ignored;
        if (!json_scan_name(&d->scan, &name))
            return false;
        json_names_add(&names, d->arena, name);
        bool here_it_is = !found && str_is(name, value->wrapped_in);
        bool array = here_it_is && json_scan_peek(&d->scan) == '[';
        found = found || here_it_is;
        bool read = array        ? decode_items(d, value, destination, &here)
                    : here_it_is ? wrong_type(d, &here, STR("must be an array"))
                                 : skip(d, place, &ignored);
        if (!read || !json_scan_next(&d->scan, '}', &more))
            return false;
    }
    struct str duplicate = json_names_duplicate(&names);
    if (str_present(duplicate))
        add_duplicate(d, place, duplicate);
    if (!found)
        add_problem(d, ERR_REQUIRED, &here, STR_NONE);
    return true;
}

/* -- maps and free JSON
 * --------------------------------------------------------------------------- */

static void add_member(struct arena *arena, struct type_map *map, size_t *capacity, struct str name,
                       struct str json)
{
    if (map->count == *capacity) {
        size_t larger = *capacity ? *capacity * 2 : 8;
        struct type_member *grown = ARENA_ARRAY(arena, struct type_member, larger);
        if (map->count > 0)
            memcpy(grown, map->items, map->count * sizeof(*grown));
        map->items = grown;
        *capacity = larger;
    }
    map->items[map->count++] = (struct type_member){.name = name, .json = json};
}

static bool decode_map(struct decoder *d, const struct type_value *value, struct type_map *map,
                       const struct place *place)
{
    struct json_names names = {0};
    size_t capacity = 0;
    bool empty, more = true, present;
    if (!json_scan_open(&d->scan, '{', &empty))
        return false;
    *map = (struct type_map){.items = arena_alloc(d->arena, 1), .count = 0};
    while (!empty && more) {
        max_align_t room[4] = {0}; /* the value is checked here and kept as text */
        struct str name;
        if (!json_scan_name(&d->scan, &name))
            return false;
        json_names_add(&names, d->arena, name);
        struct place here = {.up = place, .other = name};
        json_scan_peek(&d->scan);
        const char *start = d->scan.at;
        if (!decode_value(d, value->items, room, &here, &present))
            return false;
        struct str text = {start, (size_t)(d->scan.at - start)};
        add_member(d->arena, map, &capacity, name, json_compact(d->arena, text));
        if (!json_scan_next(&d->scan, '}', &more))
            return false;
    }
    struct str duplicate = json_names_duplicate(&names);
    if (str_present(duplicate))
        add_duplicate(d, place, duplicate);
    return true;
}

static bool decode_json(struct decoder *d, struct str *destination, const struct place *place)
{
    struct str text;
    if (!skip(d, place, &text))
        return false;
    *destination = json_compact(d->arena, text);
    return true;
}

/* -- values
 * --------------------------------------------------------------------------------------- */

static struct str expected(enum type_kind kind)
{
    switch (kind) {
    case TYPE_STRING:
    case TYPE_BYTES:
        return STR("must be a string");
    case TYPE_INTEGER:
        return STR("must be an integer");
    case TYPE_DECIMAL:
        return STR("must be a number");
    case TYPE_BOOLEAN:
        return STR("must be true or false");
    case TYPE_ARRAY:
        return STR("must be an array");
    case TYPE_OBJECT:
    case TYPE_MAP:
    case TYPE_JSON:
        return STR("must be an object");
    }
    return STR_NONE;
}

static bool begins(const struct type_value *value, char c)
{
    switch (value->kind) {
    case TYPE_STRING:
    case TYPE_BYTES:
        return c == '"';
    case TYPE_INTEGER:
    case TYPE_DECIMAL:
        return c == '-' || (c >= '0' && c <= '9');
    case TYPE_BOOLEAN:
        return c == 't' || c == 'f';
    case TYPE_ARRAY:
        return c == '[' || (c == '{' && value->wrapped_in);
    case TYPE_OBJECT:
    case TYPE_MAP:
        return c == '{';
    case TYPE_JSON:
        return !value->object_only || c == '{';
    }
    return false;
}

/* *ret_present: the destination holds a value. False: the text is no JSON. */
static bool decode_value(struct decoder *d, const struct type_value *value, void *destination,
                         const struct place *place, bool *ret_present)
{
    struct str text;
    char c = json_scan_peek(&d->scan);
    *ret_present = false;
    if (c == 'n') {
        if (value->kind == TYPE_JSON && !value->nullable && !value->object_only)
            return decode_json(d, destination, place) && (*ret_present = true);
        if (!value->nullable)
            add_problem(d, ERR_WRONG_TYPE, place, STR("must not be null"));
        return json_scan_word(&d->scan, "null");
    }
    if (!begins(value, c))
        return wrong_type(d, place, expected(value->kind));
    *ret_present = true;
    switch (value->kind) {
    case TYPE_STRING:
    case TYPE_BYTES:
        if (!json_scan_string(&d->scan, &text))
            return false;
        *ret_present = store_string(d, value, text, destination, place);
        return true;
    case TYPE_INTEGER:
    case TYPE_DECIMAL:
        if (!json_scan_number(&d->scan, &text))
            return false;
        *ret_present = store_number(d, value, text, destination, place);
        return true;
    case TYPE_BOOLEAN:
        return decode_boolean(d, value, destination, place, ret_present);
    case TYPE_OBJECT: {
        void *object = arena_alloc(d->arena, value->object->size);
        *(void **)destination = object;
        return decode_object(d, value->object, object, place);
    }
    case TYPE_ARRAY:
        return c == '{' ? decode_wrapped(d, value, destination, place)
                        : decode_items(d, value, destination, place);
    case TYPE_MAP:
        return decode_map(d, value, destination, place);
    case TYPE_JSON:
        return decode_json(d, destination, place);
    }
    return false;
}

/* -- objects
 * -------------------------------------------------------------------------------------- */

struct members {
    uint64_t seen[MAX_FIELDS / 64];
    uint64_t present[MAX_FIELDS / 64]; /* seen, and not null */
    size_t expected;                   /* clients send members in the order of the contract */
    struct json_names unknown;
    size_t extra_capacity;
};

static bool bit(const uint64_t *bits, size_t i)
{
    return bits[i / 64] >> (i % 64) & 1;
}

static void set_bit(uint64_t *bits, size_t i)
{
    bits[i / 64] |= UINT64_C(1) << (i % 64);
}

static bool has_name(const struct type_field *field, struct str name)
{
    return field->name[0] == name.ptr[0] && strlen(field->name) == name.len &&
           memcmp(field->name, name.ptr, name.len) == 0;
}

static size_t find_member(const struct type *type, struct members *members, struct str name)
{
    size_t count = type->field_count, at = members->expected;
    if (name.len == 0)
        return count; /* no contract names a member so */
    for (size_t tried = 0; tried < count; tried++, at++) {
        if (at >= count)
            at = 0;
        if (has_name(&type->fields[at], name)) {
            members->expected = at + 1;
            return at;
        }
    }
    return count;
}

static void set_present(const struct type_field *field, void *object)
{
    if (field->has_offset >= 0)
        *((bool *)((char *)object + field->has_offset)) = true;
}

static bool decode_unknown(struct decoder *d, const struct type *type, void *object,
                           struct members *members, struct str name, const struct place *up)
{
    struct place place = {.up = up, .other = name};
    struct str text;
    json_names_add(&members->unknown, d->arena, name);
    if (!type->open)
        add_problem(d, ERR_UNKNOWN_FIELD, &place, STR_NONE);
    if (!skip(d, &place, &text))
        return false;
    if (type->extra_offset >= 0) {
        struct type_map *extra = (void *)((char *)object + type->extra_offset);
        add_member(d->arena, extra, &members->extra_capacity, name, json_compact(d->arena, text));
    }
    return true;
}

static bool decode_member(struct decoder *d, const struct type *type, void *object,
                          struct members *members, const struct place *up)
{
    struct str name, ignored;
    bool present = false;
    if (!json_scan_name(&d->scan, &name))
        return false;
    size_t index = find_member(type, members, name);
    if (index == type->field_count)
        return decode_unknown(d, type, object, members, name, up);
    const struct type_field *field = &type->fields[index];
    struct place place = {.up = up, .name = field->name};
    if (bit(members->seen, index)) {
        add_duplicate(d, up, name);
        return skip(d, &place, &ignored);
    }
    set_bit(members->seen, index);
    if (!decode_value(d, &field->value, type_at(object, field), &place, &present))
        return false;
    if (present) {
        set_bit(members->present, index);
        set_present(field, object);
    }
    return true;
}

static bool has_all(const struct type *type, const struct members *members,
                    const char *const *names)
{
    for (; *names; names++) {
        const struct type_field *field = type_find_field(type, str_from(*names));
        if (!field || !bit(members->present, (size_t)(field - type->fields)))
            return false;
    }
    return true;
}

/* One problem, at the first member that is missing; its detail lists what would do. */
static void check_alternatives(struct decoder *d, const struct type *type,
                               const struct members *members, const struct place *up)
{
    for (const char *const *const *list = type->any_required; *list; list++)
        if (has_all(type, members, *list))
            return;
    struct str detail = STR("needed is");
    for (const char *const *const *list = type->any_required; *list; list++) {
        const char *separator = list == type->any_required ? " " : ", or ";
        for (const char *const *name = *list; *name; name++) {
            detail = arena_printf(d->arena, "%.*s%s%s", STR_FMT(detail), separator, *name);
            separator = " and ";
        }
    }
    const char *const *first = type->any_required[0];
    while (first[1] &&
           bit(members->present, (size_t)(type_find_field(type, str_from(*first)) - type->fields)))
        first++;
    struct place place = {.up = up, .name = *first};
    add_problem(d, ERR_REQUIRED, &place, detail);
}

static void decode_default(struct decoder *d, const struct type_field *field, void *object)
{
    struct json_scan saved = d->scan;
    bool present = false;
    json_scan_begin(&d->scan, d->arena, str_from(field->default_text));
    if (decode_value(d, &field->value, type_at(object, field), NULL, &present) && present)
        set_present(field, object);
    d->scan = saved;
}

static void check_missing(struct decoder *d, const struct type *type, void *object,
                          struct members *members, const struct place *up)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct type_field *field = &type->fields[i];
        if (bit(members->seen, i))
            continue;
        if (field->default_text && d->defaults) {
            decode_default(d, field, object);
        } else if (field->required) {
            struct place place = {.up = up, .name = field->name};
            add_problem(d, ERR_REQUIRED, &place, STR_NONE);
        }
    }
    if (type->any_required)
        check_alternatives(d, type, members, up);
    struct str duplicate = json_names_duplicate(&members->unknown);
    if (str_present(duplicate))
        add_duplicate(d, up, duplicate);
}

static bool decode_object(struct decoder *d, const struct type *type, void *object,
                          const struct place *place)
{
    struct members members = {0};
    bool empty, more = true;
    assert(type->field_count <= MAX_FIELDS);
    if (!json_scan_open(&d->scan, '{', &empty))
        return false;
    while (!empty && more)
        if (!decode_member(d, type, object, &members, place) ||
            !json_scan_next(&d->scan, '}', &more))
            return false;
    check_missing(d, type, object, &members, place);
    return true;
}

/* -- entry points
 * --------------------------------------------------------------------------------- */

static struct decoder begin(struct arena *arena, struct json_problem **ret_problems)
{
    while (*ret_problems)
        ret_problems = &(*ret_problems)->next;
    return (struct decoder){.arena = arena, .defaults = true, .tail = ret_problems};
}

/* Which rule of JSON the text breaks. Runs once a refusal, so it may look at the text again. */
static struct str malformed_reason(const struct decoder *d, struct str text)
{
    if (!str_valid_utf8(text))
        return STR("must be UTF-8");
    if (d->scan.depth > JSON_MAX_DEPTH)
        return arena_printf(d->arena, "must not be nested deeper than %d levels", JSON_MAX_DEPTH);
    return arena_printf(d->arena, "is not valid JSON near byte %zu",
                        text.len - (size_t)(d->scan.end - d->scan.at));
}

static int malformed(struct decoder *d, struct json_problem **head, struct str text)
{
    *head = NULL;
    d->tail = head;
    d->first_error = 0;
    d->problem_count = 0;
    add_problem(d, ERR_MALFORMED_JSON, NULL, malformed_reason(d, text));
    (*head)->path = STR("body");
    return ERR_MALFORMED_JSON;
}

int json_decode(struct arena *arena, struct str text, const struct type_value *value,
                void *destination, struct json_problem **ret_problems)
{
    struct decoder d = begin(arena, ret_problems);
    struct json_problem **head = d.tail;
    bool present;
    if (!json_scan_begin(&d.scan, arena, text) ||
        !decode_value(&d, value, destination, NULL, &present) || !json_scan_finished(&d.scan))
        return malformed(&d, head, text);
    return d.first_error;
}

int json_decode_object(struct arena *arena, struct str text, const struct type *type,
                       void *destination, struct json_problem **ret_problems)
{
    struct decoder d = begin(arena, ret_problems);
    struct json_problem **head = d.tail;
    if (!json_scan_begin(&d.scan, arena, text))
        return malformed(&d, head, text);
    bool read = json_scan_peek(&d.scan) == '{' ? decode_object(&d, type, destination, NULL)
                                               : wrong_type(&d, NULL, STR("must be an object"));
    if (!read || !json_scan_finished(&d.scan))
        return malformed(&d, head, text);
    return d.first_error;
}

/* -- parameters
 * ----------------------------------------------------------------------------------- */

static bool store_text(struct decoder *d, const struct type_value *value, struct str text, void *at,
                       const struct place *place)
{
    struct json_scan scan;
    struct str number;
    switch (value->kind) {
    case TYPE_INTEGER:
    case TYPE_DECIMAL:
        json_scan_begin(&scan, d->arena, text);
        if (text.len > 0 && json_scan_number(&scan, &number) && number.len == text.len)
            return store_number(d, value, text, at, place);
        break;
    case TYPE_BOOLEAN:
        if (str_is(text, "true") || str_is(text, "false")) {
            *(bool *)at = str_is(text, "true");
            return true;
        }
        break;
    case TYPE_STRING:
        if (str_valid_utf8(text))
            return store_string(d, value, text, at, place);
        add_problem(d, ERR_BAD_FORMAT, place, STR("must be UTF-8"));
        return false;
    case TYPE_OBJECT:
    case TYPE_ARRAY:
    case TYPE_MAP:
    case TYPE_JSON:
    case TYPE_BYTES:
        break;
    }
    add_problem(d, ERR_WRONG_TYPE, place, expected(value->kind));
    return false;
}

int json_decode_text(struct arena *arena, struct str text, const struct type_field *field,
                     void *object, struct json_problem **ret_problems)
{
    struct decoder d = begin(arena, ret_problems);
    struct place place = {.name = field->name};
    if (store_text(&d, &field->value, text, type_at(object, field), &place))
        set_present(field, object);
    return d.first_error;
}

int json_decode_absent(struct arena *arena, const struct type_field *field, void *object,
                       struct json_problem **ret_problems)
{
    struct decoder d = begin(arena, ret_problems);
    struct place place = {.name = field->name};
    if (field->default_text)
        decode_default(&d, field, object);
    else if (field->required)
        add_problem(&d, ERR_REQUIRED, &place, STR_NONE);
    return d.first_error;
}

const struct json_problem *json_check(struct arena *arena, struct str text,
                                      const struct type_value *value)
{
    max_align_t room[4] = {0};
    struct json_problem *problems = NULL;
    struct decoder d = begin(arena, &problems);
    bool present;
    d.defaults = false;
    if (!json_scan_begin(&d.scan, arena, text) || !decode_value(&d, value, room, NULL, &present) ||
        !json_scan_finished(&d.scan))
        malformed(&d, &problems, text);
    return problems;
}
