/* Growing buffers: capacity doubles, that of long ones fourfold; the old bytes stay in the arena
 * until it is reset. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#define LONG ((size_t)64 * 1024)

struct buf buf_new(struct arena *arena, size_t capacity)
{
    return (struct buf){
        .arena = arena, .ptr = arena_grow(arena, NULL, 0, capacity), .capacity = capacity};
}

static void reserve(struct buf *buf, size_t more)
{
    if (buf->capacity - buf->len > more) /* and a byte for the end */
        return;
    size_t capacity = buf->capacity * (buf->capacity < LONG ? 2 : 4);
    if (capacity <= buf->len + more)
        capacity = buf->len + more + 1;
    buf->ptr = arena_grow(buf->arena, buf->ptr, buf->len, capacity);
    buf->capacity = capacity;
}

char *buf_reserve(struct buf *buf, size_t more)
{
    reserve(buf, more);
    return buf->ptr + buf->len;
}

void buf_add(struct buf *buf, const void *bytes, size_t len)
{
    if (len == 0)
        return;
    reserve(buf, len);
    memcpy(buf->ptr + buf->len, bytes, len);
    buf->len += len;
}

void buf_add_char(struct buf *buf, char c)
{
    reserve(buf, 1);
    buf->ptr[buf->len++] = c;
}

void buf_add_str(struct buf *buf, struct str s)
{
    buf_add(buf, s.ptr, s.len);
}

void buf_add_cstr(struct buf *buf, const char *text)
{
    buf_add(buf, text, strlen(text));
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0)
        abort();
    reserve(buf, (size_t)length + 1);
    vsnprintf(buf->ptr + buf->len, (size_t)length + 1, format, again);
    va_end(again);
    buf->len += (size_t)length;
}

struct str buf_str(const struct buf *buf)
{
    if (!buf->ptr)
        return STR("");
    if (buf->capacity > buf->len)
        buf->ptr[buf->len] = '\0';
    return (struct str){buf->ptr, buf->len};
}
