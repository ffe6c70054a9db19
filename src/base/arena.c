/*
 * Bump allocation in a list of blocks. Invariant: `first` is never freed before the arena is, so a
 * reset arena serves small requests without calling malloc.
 */
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

#define FIRST_BLOCK_SIZE ((size_t)16 * 1024)
#define ALIGNMENT _Alignof(max_align_t)

struct block {
    struct block *next;
    size_t size;
    size_t used;
    _Alignas(max_align_t) char bytes[];
};

struct arena {
    struct block *first;
    struct block *current;
    size_t used;
    size_t cap;
};

static struct block *block_new(size_t size)
{
    struct block *block = malloc(sizeof(struct block) + size);
    if (!block)
        abort();
    block->next = NULL;
    block->size = size;
    block->used = 0;
    return block;
}

struct arena *arena_new(size_t cap_bytes)
{
    struct arena *arena = malloc(sizeof(struct arena));
    if (!arena)
        abort();
    arena->first = arena->current = block_new(FIRST_BLOCK_SIZE);
    arena->used = 0;
    arena->cap = cap_bytes;
    return arena;
}

void arena_reset(struct arena *arena)
{
    struct block *block = arena->first->next;
    while (block) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
    arena->first->next = NULL;
    arena->first->used = 0;
    arena->current = arena->first;
    arena->used = 0;
}

void arena_wipe(struct arena *arena)
{
    for (struct block *block = arena->first; block; block = block->next)
        explicit_bzero(block->bytes, block->used);
}

struct arena *arena_free(struct arena *arena)
{
    if (arena) {
        arena_reset(arena);
        free(arena->first);
        free(arena);
    }
    return NULL;
}

void arena_cleanup(struct arena **arena)
{
    *arena = arena_free(*arena);
}

void arena_set_cap(struct arena *arena, size_t cap_bytes)
{
    arena->cap = cap_bytes;
}

bool arena_exceeded(const struct arena *arena)
{
    return arena->used > arena->cap;
}

size_t arena_used(const struct arena *arena)
{
    return arena->used;
}

static void add_block(struct arena *arena, size_t size)
{
    struct block *block = block_new(size);
    arena->current->next = block;
    arena->current = block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t rounded = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    if (rounded < size)
        abort();
    arena->used += rounded;
#ifdef ARENA_MALLOC
    add_block(arena, rounded);
#else
    if (arena->current->size - arena->current->used < rounded) {
        size_t doubled = arena->current->size * 2;
        size_t limit = (size_t)1024 * 1024;
        size_t next = doubled < limit ? doubled : limit;
        add_block(arena, rounded > next ? rounded : next);
    }
#endif
    void *memory = arena->current->bytes + arena->current->used;
    arena->current->used += rounded;
    return memset(memory, 0, size);
}

void *arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        abort();
    return arena_alloc(arena, total);
}

struct str arena_copy(struct arena *arena, struct str s)
{
    if (!s.ptr)
        return STR_NONE;
    char *copy = arena_alloc(arena, s.len + 1);
    memcpy(copy, s.ptr, s.len);
    return (struct str){copy, s.len};
}

const char *arena_cstr(struct arena *arena, struct str s)
{
    return s.ptr ? arena_copy(arena, s).ptr : "";
}

struct str arena_vprintf(struct arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    if (length < 0)
        abort();
    char *text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return (struct str){text, (size_t)length};
}

struct str arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}
