/*
 * One arena per request: memory is handed out by bumping a pointer and freed all at once.
 *
 * Allocation never returns NULL. An arena counts what it gave out; past its cap it still serves (so no
 * caller needs an error path) and arena_exceeded() turns true, which the pipeline answers with 413
 * or 503. When the system itself has no memory left the process aborts. With -Darena_malloc=true each
 * allocation is one malloc, so that AddressSanitizer sees every overrun.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>

#include "base/str.h"

struct arena;

struct arena *arena_new(size_t cap_bytes);
/* Returns NULL; arena_free(NULL) is fine. Everything allocated from it is gone. */
struct arena *arena_free(struct arena *arena);
/* Forgets all allocations and keeps the first block, to serve the next request without malloc. */
void arena_reset(struct arena *arena);
/* Overwrites everything that was handed out: before a reset, when secrets were among it. */
void arena_wipe(struct arena *arena);
void arena_set_cap(struct arena *arena, size_t cap_bytes);
bool arena_exceeded(const struct arena *arena);
size_t arena_used(const struct arena *arena);

/* Zeroed, aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_alloc_array(struct arena *arena, size_t count, size_t size);
/* A larger place for the `size` bytes at `memory` (NULL: none yet); what is behind them is not
 * zeroed. The old place stays as it is. */
void *arena_grow(struct arena *arena, void *memory, size_t size, size_t larger);
#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_alloc_array((arena), (count), sizeof(type)))

/* Copies end with a NUL byte that len does not count. */
struct str arena_copy(struct arena *arena, struct str s);
const char *arena_cstr(struct arena *arena, struct str s);
struct str arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct str arena_vprintf(struct arena *arena, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

void arena_cleanup(struct arena **arena);
/* struct arena *a ARENA_SCOPED = arena_new(...); freed when the scope ends. */
#define ARENA_SCOPED __attribute__((cleanup(arena_cleanup)))

#endif
