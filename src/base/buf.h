/* A growing byte buffer in an arena: what is written piece by piece (JSON, URLs, SQL lists). */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/arena.h"

struct buf {
    struct arena *arena;
    char *ptr;
    size_t len;
    size_t capacity;
};

struct buf buf_new(struct arena *arena, size_t capacity);
void buf_add(struct buf *buf, const void *bytes, size_t len);
void buf_add_char(struct buf *buf, char c);
void buf_add_str(struct buf *buf, struct str s);
void buf_add_cstr(struct buf *buf, const char *text);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Room for `more` bytes behind what was written: fill it, then add to len. */
char *buf_reserve(struct buf *buf, size_t more);
/* What was written so far, and a NUL byte that len does not count; valid until the next write. */
struct str buf_str(const struct buf *buf);

#endif
