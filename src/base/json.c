/*
 * A document that no contract describes, as a tree. Absent is NULL: every accessor takes it, so
 * that a path into a provider's answer is followed without a check at each step.
 */
#include "base/json.h"

#include "base/json_scan.h"

enum json_kind { JSON_NULL, JSON_BOOLEAN, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_kind kind;
    struct str text;    /* of a string: what it means; of all others: as it stands */
    struct json *items; /* values of an array or object */
    struct str *names;  /* of an object's members */
    size_t count;
};

static bool parse_value(struct json_scan *scan, struct json *ret_json);

static void grow(struct json_scan *scan, struct json *json, size_t *capacity)
{
    if (json->count < *capacity)
        return;
    size_t larger = *capacity ? *capacity * 2 : 4;
    struct json *items = ARENA_ARRAY(scan->arena, struct json, larger);
    struct str *names = ARENA_ARRAY(scan->arena, struct str, larger);
    if (json->count > 0) {
        memcpy(items, json->items, json->count * sizeof(*items));
        memcpy(names, json->names, json->count * sizeof(*names));
    }
    json->items = items;
    json->names = names;
    *capacity = larger;
}

static bool parse_items(struct json_scan *scan, struct json *json)
{
    bool object = json->kind == JSON_OBJECT, empty, more = true;
    size_t capacity = 0;
    if (!json_scan_open(scan, object ? '{' : '[', &empty))
        return false;
    while (!empty && more) {
        grow(scan, json, &capacity);
        if (object && !json_scan_name(scan, &json->names[json->count]))
            return false;
        if (!parse_value(scan, &json->items[json->count++]) ||
            !json_scan_next(scan, object ? '}' : ']', &more))
            return false;
    }
    if (!object)
        return true;
    struct json_names names = {0};
    for (size_t i = 0; i < json->count; i++)
        json_names_add(&names, scan->arena, json->names[i]);
    return !str_present(json_names_duplicate(&names));
}

static bool parse_word(struct json_scan *scan, struct json *json, enum json_kind kind,
                       const char *word)
{
    json->kind = kind;
    json->text = str_from(word);
    return json_scan_word(scan, word);
}

static bool parse_value(struct json_scan *scan, struct json *ret_json)
{
    switch (json_scan_peek(scan)) {
    case '{':
        ret_json->kind = JSON_OBJECT;
        break;
    case '[':
        ret_json->kind = JSON_ARRAY;
        break;
    case '"':
        ret_json->kind = JSON_STRING;
        return json_scan_string(scan, &ret_json->text);
    case 't':
        return parse_word(scan, ret_json, JSON_BOOLEAN, "true");
    case 'f':
        return parse_word(scan, ret_json, JSON_BOOLEAN, "false");
    case 'n':
        return parse_word(scan, ret_json, JSON_NULL, "null");
    default:
        ret_json->kind = JSON_NUMBER;
        return json_scan_number(scan, &ret_json->text);
    }
    const char *start = scan->at;
    if (!parse_items(scan, ret_json))
        return false;
    ret_json->text = (struct str){start, (size_t)(scan->at - start)};
    return true;
}

int json_parse(struct arena *arena, struct str text, const struct json **ret_json)
{
    struct json_scan scan;
    struct json *json = ARENA_NEW(arena, struct json);
    *ret_json = NULL;
    if (!json_scan_begin(&scan, arena, text) || !parse_value(&scan, json) ||
        !json_scan_finished(&scan))
        return ERR_MALFORMED_JSON;
    *ret_json = json;
    return 0;
}

static const struct json *get_member(const struct json *json, struct str name)
{
    int64_t index;
    if (json->kind == JSON_ARRAY)
        return str_to_i64(name, &index) && index >= 0 ? json_at(json, (size_t)index) : NULL;
    if (json->kind != JSON_OBJECT)
        return NULL;
    for (size_t i = 0; i < json->count; i++)
        if (str_eq(json->names[i], name))
            return &json->items[i];
    return NULL;
}

const struct json *json_get(const struct json *json, const char *path)
{
    struct str rest = str_from(path);
    while (json && str_present(rest))
        json = get_member(json, str_cut(&rest, '.'));
    return json;
}

struct str json_string(const struct json *json)
{
    return json && json->kind == JSON_STRING ? json->text : STR_NONE;
}

struct str json_text(const struct json *json)
{
    if (!json || json->kind == JSON_NULL || json->kind == JSON_ARRAY || json->kind == JSON_OBJECT)
        return STR_NONE;
    return json->text;
}

bool json_decimal(const struct json *json, struct decimal *ret_value)
{
    return json && (json->kind == JSON_NUMBER || json->kind == JSON_STRING) &&
           decimal_parse(json->text, ret_value);
}

bool json_integer(const struct json *json, int64_t *ret_value)
{
    return json && (json->kind == JSON_NUMBER || json->kind == JSON_STRING) &&
           str_to_i64(json->text, ret_value);
}

bool json_boolean(const struct json *json, bool *ret_value)
{
    if (!json || json->kind != JSON_BOOLEAN)
        return false;
    *ret_value = str_is(json->text, "true");
    return true;
}

size_t json_count(const struct json *json)
{
    return json ? json->count : 0;
}

const struct json *json_at(const struct json *json, size_t index)
{
    return json && index < json->count ? &json->items[index] : NULL;
}

struct str json_key_at(const struct json *json, size_t index)
{
    return json && json->kind == JSON_OBJECT && index < json->count ? json->names[index] : STR_NONE;
}

struct str json_print(struct arena *arena, const struct json *json)
{
    if (!json)
        return STR_NONE;
    if (json->kind != JSON_STRING)
        return json_compact(arena, json->text);
    struct buf out = buf_new(arena, json->text.len + 2);
    json_add_string(&out, json->text);
    return buf_str(&out);
}
