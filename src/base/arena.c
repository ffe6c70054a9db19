/*
 * Bump allocation in a list of blocks. Invariant: `first` is never freed before the arena is, so a
 * reset arena serves small requests without calling malloc.
 *
 * Large blocks are kept for the next arena, whosever it is: malloc would give them back to the
 * system, and the system would take longer to clear their pages again than the request takes to
 * fill them.
 */
#include "base/arena.h"

#include <pthread.h>
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

/* ---- Large blocks, kept ---- */

#define KEPT_LEAST ((size_t)128 * 1024)
#define KEPT_SIZES 6 /* 128 KiB, 256 KiB ... 4 MiB */
#define KEPT_MOST ((size_t)32 * 1024 * 1024)

static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;
static struct block *kept[KEPT_SIZES];
static size_t kept_bytes;

/* KEPT_SIZES: not one of the sizes that are kept. */
static size_t kept_index(size_t size)
{
    for (size_t i = 0; i < KEPT_SIZES; i++)
        if (size == KEPT_LEAST << i)
            return i;
    return KEPT_SIZES;
}

static struct block *take_kept(size_t size)
{
    size_t index = kept_index(size);
    if (index == KEPT_SIZES)
        return NULL;
    pthread_mutex_lock(&kept_lock);
    struct block *block = kept[index];
    if (block) {
        kept[index] = block->next;
        kept_bytes -= size;
    }
    pthread_mutex_unlock(&kept_lock);
    return block;
}

static void block_free(struct block *block)
{
    size_t index = kept_index(block->size);
    if (index < KEPT_SIZES) {
        pthread_mutex_lock(&kept_lock);
        bool keep = kept_bytes + block->size <= KEPT_MOST;
        if (keep) {
            kept_bytes += block->size;
            block->next = kept[index];
            kept[index] = block;
        }
        pthread_mutex_unlock(&kept_lock);
        if (keep)
            return;
    }
    free(block);
}

static struct block *block_new(size_t size)
{
    struct block *block = take_kept(size);
    if (!block)
        block = malloc(sizeof(struct block) + size);
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
        block_free(block);
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

/* Of a size that is kept, if it is large. */
static size_t block_size(size_t wanted, size_t last)
{
    size_t limit = (size_t)1024 * 1024, size = last * 2 < limit ? last * 2 : limit;
    if (wanted > KEPT_LEAST << (KEPT_SIZES - 1))
        return wanted;
    while (size < wanted)
        size *= 2;
    return size;
}

static void *take(struct arena *arena, size_t size)
{
    size_t rounded = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    if (rounded < size)
        abort();
    arena->used += rounded;
#ifdef ARENA_MALLOC
    add_block(arena, rounded);
#else
    if (arena->current->size - arena->current->used < rounded)
        add_block(arena, block_size(rounded, arena->current->size));
#endif
    void *memory = arena->current->bytes + arena->current->used;
    arena->current->used += rounded;
    return memory;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    return memset(take(arena, size), 0, size);
}

void *arena_grow(struct arena *arena, void *memory, size_t size, size_t larger)
{
    void *grown = take(arena, larger);
    if (size)
        memcpy(grown, memory, size);
    return grown;
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
