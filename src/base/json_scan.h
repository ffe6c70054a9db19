/*
 * The reader beneath json_decode and json_parse, private to them: RFC 8259 token by token over a
 * text that is known to be UTF-8. Every function leaves the position behind what it took and
 * returns false on text that is no JSON; nothing else makes it fail. Strings and numbers are slices
 * of the text.
 */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include "base/json.h"

struct json_scan {
    const char *at;
    const char *end;
    struct arena *arena;
    unsigned depth; /* open objects and arrays */
};

/* Names seen in one object, to find duplicates. */
struct json_names {
    struct str *items;
    size_t count;
    size_t capacity;
};

/* False when the text is not UTF-8. */
bool json_scan_begin(struct json_scan *scan, struct arena *arena, struct str text);
/* Only white space is left. */
bool json_scan_finished(struct json_scan *scan);
/* The first character of the next token, '\0' at the end. */
char json_scan_peek(struct json_scan *scan);
/* Takes the character if it comes next. */
bool json_scan_take(struct json_scan *scan, char c);
bool json_scan_word(struct json_scan *scan, const char *word);
/* A string without its quotes, as it stands; *ret_escaped when it has to be unescaped. */
bool json_scan_raw_string(struct json_scan *scan, struct str *ret_raw, bool *ret_escaped);
/* A string as it is meant: a slice of the text, or unescaped in the arena. */
bool json_scan_string(struct json_scan *scan, struct str *ret_string);
bool json_scan_number(struct json_scan *scan, struct str *ret_text);
/* Name and colon of a member. */
bool json_scan_name(struct json_scan *scan, struct str *ret_name);

/* '{' or '['; false also when that is too deep. Sets *ret_empty when the closing character
 * follows. */
bool json_scan_open(struct json_scan *scan, char opening, bool *ret_empty);
/* After an item: ',' (*ret_more) or the closing character. */
bool json_scan_next(struct json_scan *scan, char closing, bool *ret_more);

/* Takes any value. A name that an object in it has twice goes to *ret_duplicate (absent if
 * none). */
bool json_scan_skip(struct json_scan *scan, struct str *ret_duplicate);
void json_names_add(struct json_names *names, struct arena *arena, struct str name);
/* A name that is in there twice, or absent. Reorders the names. */
struct str json_names_duplicate(struct json_names *names);

/* The same JSON without white space between tokens; the slice itself when there is none. */
struct str json_compact(struct arena *arena, struct str text);

#endif
