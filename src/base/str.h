/*
 * Strings as pointer and length. A str does not own its bytes: they live in an arena, in static
 * storage or in the caller's buffer. ptr == NULL means "absent"; an empty string has a non-NULL ptr.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *ptr;
    size_t len;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_NONE ((struct str){NULL, 0})
/* For printf: printf("%.*s", STR_FMT(s)). Names `s` more than once: no calls that change something. */
#define STR_FMT(s) (int)(s).len, ((s).ptr ? (s).ptr : "")

static inline struct str str_from(const char *text)
{
    return (struct str){text, text ? strlen(text) : 0};
}

static inline bool str_present(struct str s)
{
    return s.ptr != NULL;
}

/* Absent or of length 0. */
static inline bool str_empty(struct str s)
{
    return s.len == 0;
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool str_is(struct str a, const char *text)
{
    return str_eq(a, str_from(text));
}

/* The string if it is present, otherwise `fallback`. */
static inline struct str str_or(struct str s, struct str fallback)
{
    return s.ptr ? s : fallback;
}

/* ASCII case is ignored: header names, hexadecimal, e-mail hosts. */
bool str_eq_nocase(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
/* Without leading and trailing ASCII white space. */
struct str str_trim(struct str s);
/* Splits at the first `separator`: returns what is before it, leaves the rest in *s (absent at the end). */
struct str str_cut(struct str *s, char separator);
/* Order by bytes: <0, 0, >0. */
int str_compare(struct str a, struct str b);
/* A base-10 integer that fills the whole string; false otherwise or on overflow. */
bool str_to_i64(struct str s, int64_t *ret_value);
/* Equal in a time that depends on the lengths only. */
bool str_eq_secret(struct str a, struct str b);
bool str_valid_utf8(struct str s);

#endif
