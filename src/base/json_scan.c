/* Reads JSON tokens. See json_scan.h for what holds. */
#include "base/json_scan.h"

#include <stdlib.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void skip_space(struct json_scan *scan)
{
    while (scan->at < scan->end && is_space(*scan->at))
        scan->at++;
}

static uint64_t load_word(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof(word));
    return word;
}

#define BYTES(byte) (UINT64_C(0x0101010101010101) * (byte))

/* High bits of the bytes of `word` that are zero (exact up to the first one). */
static uint64_t zero_bytes(uint64_t word)
{
    return (word - BYTES(1)) & ~word & BYTES(0x80);
}

/* Where a quote, backslash or control character stands; `end` if nowhere. */
static const char *special_character(const char *p, const char *end)
{
    for (; end - p >= 8; p += 8) {
        uint64_t word = load_word(p);
        uint64_t control = (word - BYTES(0x20)) & ~word & BYTES(0x80);
        uint64_t found = control | zero_bytes(word ^ BYTES('"')) | zero_bytes(word ^ BYTES('\\'));
        if (found)
            break;
    }
    while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
        p++;
    return p;
}

static bool is_ascii(struct str text)
{
    size_t i = 0;
    for (; text.len - i >= 8; i += 8)
        if (load_word(text.ptr + i) & BYTES(0x80))
            return false;
    for (; i < text.len; i++)
        if ((unsigned char)text.ptr[i] >= 0x80)
            return false;
    return true;
}

bool json_scan_begin(struct json_scan *scan, struct arena *arena, struct str text)
{
    static const char nothing[1] = "";
    const char *start = text.ptr ? text.ptr : nothing;
    *scan = (struct json_scan){.at = start, .end = start + text.len, .arena = arena};
    return text.len == 0 || is_ascii(text) || str_valid_utf8(text);
}

bool json_scan_finished(struct json_scan *scan)
{
    skip_space(scan);
    return scan->at == scan->end;
}

char json_scan_peek(struct json_scan *scan)
{
    skip_space(scan);
    return scan->at < scan->end ? *scan->at : '\0';
}

bool json_scan_take(struct json_scan *scan, char c)
{
    if (json_scan_peek(scan) != c || c == '\0')
        return false;
    scan->at++;
    return true;
}

bool json_scan_word(struct json_scan *scan, const char *word)
{
    size_t len = strlen(word);
    skip_space(scan);
    if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, word, len) != 0)
        return false;
    scan->at += len;
    return true;
}

/* -- strings
 * -------------------------------------------------------------------------------------- */

static int hex_value(const char *p)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i], lower = (char)(c | 0x20);
        if (c >= '0' && c <= '9')
            value = value * 16 + (c - '0');
        else if (lower >= 'a' && lower <= 'f')
            value = value * 16 + (lower - 'a' + 10);
        else
            return -1;
    }
    return value;
}

/* The code point of the \u escape at p, which may take a second escape; NULL when it is none. */
static const char *read_unicode(const char *p, const char *end, uint32_t *ret_code)
{
    int code = end - p >= 6 && p[1] == 'u' ? hex_value(p + 2) : -1;
    if (code < 0 || (code >= 0xDC00 && code <= 0xDFFF))
        return NULL;
    p += 6;
    *ret_code = (uint32_t)code;
    if (code >= 0xD800 && code <= 0xDBFF) {
        int low = end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? hex_value(p + 2) : -1;
        if (low < 0xDC00 || low > 0xDFFF)
            return NULL;
        *ret_code = 0x10000 + (((uint32_t)code - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
        p += 6;
    }
    return p;
}

/* Behind the escape at p, or NULL. */
static const char *check_escape(const char *p, const char *end)
{
    uint32_t code;
    if (end - p < 2)
        return NULL;
    switch (p[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return p + 2;
    case 'u':
        return read_unicode(p, end, &code);
    default:
        return NULL;
    }
}

bool json_scan_raw_string(struct json_scan *scan, struct str *ret_raw, bool *ret_escaped)
{
    if (!json_scan_take(scan, '"'))
        return false;
    const char *start = scan->at, *p = start;
    *ret_escaped = false;
    while (p) {
        p = special_character(p, scan->end);
        if (p == scan->end || (unsigned char)*p < 0x20)
            return false;
        if (*p == '"') {
            *ret_raw = (struct str){start, (size_t)(p - start)};
            scan->at = p + 1;
            return true;
        }
        *ret_escaped = true;
        p = check_escape(p, scan->end);
    }
    return false;
}

static char *put_utf8(char *out, uint32_t code)
{
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xC0 | (code >> 6));
        *out++ = (char)(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        *out++ = (char)(0xE0 | (code >> 12));
        *out++ = (char)(0x80 | ((code >> 6) & 0x3F));
        *out++ = (char)(0x80 | (code & 0x3F));
    } else {
        *out++ = (char)(0xF0 | (code >> 18));
        *out++ = (char)(0x80 | ((code >> 12) & 0x3F));
        *out++ = (char)(0x80 | ((code >> 6) & 0x3F));
        *out++ = (char)(0x80 | (code & 0x3F));
    }
    return out;
}

/* `raw` was checked; what an escape means is never longer than the escape. */
static struct str unescape(struct arena *arena, struct str raw)
{
    static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
    char *start = arena_alloc(arena, raw.len + 1), *out = start;
    const char *p = raw.ptr, *end = raw.ptr + raw.len;
    while (p < end) {
        if (*p != '\\') {
            *out++ = *p++;
        } else if (p[1] == 'u') {
            uint32_t code = 0;
            p = read_unicode(p, end, &code);
            out = put_utf8(out, code);
        } else {
            const char *letter = strchr(letters, p[1]);
            *out++ = letter ? meanings[letter - letters] : p[1];
            p += 2;
        }
    }
    return (struct str){start, (size_t)(out - start)};
}

bool json_scan_string(struct json_scan *scan, struct str *ret_string)
{
    bool escaped;
    if (!json_scan_raw_string(scan, ret_string, &escaped))
        return false;
    if (escaped)
        *ret_string = unescape(scan->arena, *ret_string);
    return true;
}

bool json_scan_name(struct json_scan *scan, struct str *ret_name)
{
    return json_scan_string(scan, ret_name) && json_scan_take(scan, ':');
}

/* -- numbers
 * -------------------------------------------------------------------------------------- */

static const char *digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

bool json_scan_number(struct json_scan *scan, struct str *ret_text)
{
    skip_space(scan);
    const char *p = scan->at, *end = scan->end;
    if (p < end && *p == '-')
        p++;
    const char *integer = p;
    p = digits(p, end);
    if (p == integer || (*integer == '0' && p - integer > 1))
        return false;
    if (p < end && *p == '.') {
        const char *fraction = ++p;
        p = digits(p, end);
        if (p == fraction)
            return false;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            p++;
        const char *exponent = p;
        p = digits(p, end);
        if (p == exponent)
            return false;
    }
    *ret_text = (struct str){scan->at, (size_t)(p - scan->at)};
    scan->at = p;
    return true;
}

/* -- objects and arrays
 * --------------------------------------------------------------------------- */

bool json_scan_open(struct json_scan *scan, char opening, bool *ret_empty)
{
    if (!json_scan_take(scan, opening) || ++scan->depth > JSON_MAX_DEPTH)
        return false;
    char closing = opening == '{' ? '}' : ']';
    *ret_empty = json_scan_take(scan, closing);
    if (*ret_empty)
        scan->depth--;
    return true;
}

bool json_scan_next(struct json_scan *scan, char closing, bool *ret_more)
{
    *ret_more = json_scan_take(scan, ',');
    if (*ret_more)
        return true;
    scan->depth--;
    return json_scan_take(scan, closing);
}

static bool skip_array(struct json_scan *scan, struct str *ret_duplicate)
{
    bool empty, more = true;
    if (!json_scan_open(scan, '[', &empty))
        return false;
    while (!empty && more)
        if (!json_scan_skip(scan, ret_duplicate) || !json_scan_next(scan, ']', &more))
            return false;
    return true;
}

static bool skip_object(struct json_scan *scan, struct str *ret_duplicate)
{
    struct json_names names = {0};
    bool empty, more = true;
    if (!json_scan_open(scan, '{', &empty))
        return false;
    while (!empty && more) {
        struct str name;
        if (!json_scan_name(scan, &name))
            return false;
        json_names_add(&names, scan->arena, name);
        if (!json_scan_skip(scan, ret_duplicate) || !json_scan_next(scan, '}', &more))
            return false;
    }
    struct str duplicate = json_names_duplicate(&names);
    if (str_present(duplicate))
        *ret_duplicate = duplicate;
    return true;
}

bool json_scan_skip(struct json_scan *scan, struct str *ret_duplicate)
{
    struct str ignored;
    bool escaped;
    switch (json_scan_peek(scan)) {
    case '{':
        return skip_object(scan, ret_duplicate);
    case '[':
        return skip_array(scan, ret_duplicate);
    case '"':
        return json_scan_raw_string(scan, &ignored, &escaped);
    case 't':
        return json_scan_word(scan, "true");
    case 'f':
        return json_scan_word(scan, "false");
    case 'n':
        return json_scan_word(scan, "null");
    default:
        return json_scan_number(scan, &ignored);
    }
}

void json_names_add(struct json_names *names, struct arena *arena, struct str name)
{
    if (names->count == names->capacity) {
        size_t capacity = names->capacity ? names->capacity * 2 : 8;
        struct str *grown = ARENA_ARRAY(arena, struct str, capacity);
        if (names->count > 0)
            memcpy(grown, names->items, names->count * sizeof(*grown));
        names->items = grown;
        names->capacity = capacity;
    }
    names->items[names->count++] = name;
}

static int compare_names(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

struct str json_names_duplicate(struct json_names *names)
{
    /* Few names are compared pair by pair; many are sorted, so that no body costs quadratic
     * time. */
    if (names->count > 16)
        qsort(names->items, names->count, sizeof(*names->items), compare_names);
    for (size_t i = 0; i < names->count; i++) {
        size_t last =
            names->count > 16 ? (i + 2 < names->count ? i + 2 : names->count) : names->count;
        for (size_t k = i + 1; k < last; k++)
            if (str_eq(names->items[i], names->items[k]))
                return names->items[i];
    }
    return STR_NONE;
}

/* Copies all but the white space between tokens to `out`, if there is one; returns the length. */
static size_t copy_without_space(char *out, struct str text)
{
    size_t kept = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!in_string && is_space(c))
            continue;
        if (out)
            out[kept] = c;
        kept++;
        if (c == '"') {
            in_string = !in_string;
        } else if (c == '\\') { /* only within strings; what it escapes ends none */
            i++;
            if (out)
                out[kept] = text.ptr[i];
            kept++;
        }
    }
    return kept;
}

struct str json_compact(struct arena *arena, struct str text)
{
    size_t len = copy_without_space(NULL, text);
    if (len == text.len)
        return text;
    char *out = arena_alloc(arena, len + 1);
    copy_without_space(out, text);
    return (struct str){out, len};
}
