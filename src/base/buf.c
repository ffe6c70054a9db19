/* Growing buffers: capacity doubles, the old bytes stay in the arena until it is reset. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

struct buf buf_new(struct arena *arena, size_t capacity)
{
    return (struct buf){
        .arena = arena, .ptr = arena_alloc(arena, capacity), .len = 0, .capacity = capacity};
}

static void reserve(struct buf *buf, size_t more)
{
    if (buf->capacity - buf->len >= more)
        return;
    size_t capacity = buf->capacity * 2;
    if (capacity < buf->len + more)
        capacity = buf->len + more;
    char *grown = arena_alloc(buf->arena, capacity);
    memcpy(grown, buf->ptr, buf->len);
    buf->ptr = grown;
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
    if (buf->len == buf->capacity)
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
    return (struct str){buf->ptr ? buf->ptr : "", buf->len};
}
