/*
 * The ledger's small containers. They hold no money themselves; they are apart so that the files
 * that do are only about that.
 */
#include "ledger/internal.h"

#include <stdlib.h>

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

/* Fibonacci hashing: ids are dense or time-ordered, the multiplication spreads both. */
static size_t cell_of(const struct id_map *map, id_t64 id)
{
    return (size_t)((uint64_t)id * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (map->capacity - 1);
}

uint32_t id_map_get(const struct id_map *map, id_t64 id)
{
    if (!map->count)
        return ID_MAP_NONE;
    for (size_t at = cell_of(map, id);; at = (at + 1) & (map->capacity - 1)) {
        const struct id_map_cell *cell = &map->cells[at];
        if (cell->id == id)
            return cell->value;
        if (cell->id == 0)
            return ID_MAP_NONE;
    }
}

static void place(struct id_map *map, id_t64 id, uint32_t value)
{
    size_t at = cell_of(map, id);
    while (map->cells[at].id != 0 && map->cells[at].id != id)
        at = (at + 1) & (map->capacity - 1);
    if (map->cells[at].id == 0)
        map->count++;
    map->cells[at] = (struct id_map_cell){id, value};
}

void id_map_put(struct id_map *map, id_t64 id, uint32_t value)
{
    assert(id != 0);
    if (map->count * 2 >= map->capacity) {
        struct id_map old = *map;
        map->capacity = old.capacity ? old.capacity * 2 : 256;
        map->cells = must(calloc(map->capacity, sizeof(*map->cells)));
        map->count = 0;
        for (size_t i = 0; i < old.capacity; i++)
            if (old.cells[i].id != 0)
                place(map, old.cells[i].id, old.cells[i].value);
        free(old.cells);
    }
    place(map, id, value);
}

void id_map_clear(struct id_map *map)
{
    if (map->count)
        memset(map->cells, 0, map->capacity * sizeof(*map->cells));
    map->count = 0;
}

void id_map_free(struct id_map *map)
{
    free(map->cells);
    *map = (struct id_map){0};
}

void *queue_push(struct queue *queue)
{
    if (queue->count == queue->capacity) {
        queue->capacity = queue->capacity ? queue->capacity * 2 : 64;
        queue->items = must(realloc(queue->items, queue->capacity * queue->item_size));
    }
    void *item = queue_at(queue, queue->count++);
    return memset(item, 0, queue->item_size);
}

void queue_free(struct queue *queue)
{
    free(queue->items);
    *queue = (struct queue){.item_size = queue->item_size};
}

static void **chunk_slot(const struct chunks *chunks, size_t index)
{
    return &chunks->items[index / CHUNK];
}

void *chunks_at(const struct chunks *chunks, size_t index)
{
    assert(index < chunks->count);
    return (char *)*chunk_slot(chunks, index) + index % CHUNK * chunks->item_size;
}

void *chunks_add(struct chunks *chunks, uint32_t *ret_index)
{
    size_t index = chunks->count;
    if (index % CHUNK == 0) {
        size_t chunk_count = index / CHUNK + 1;
        chunks->items = must(realloc(chunks->items, chunk_count * sizeof(void *)));
        *chunk_slot(chunks, index) = must(calloc(CHUNK, chunks->item_size));
    }
    chunks->count++;
    *ret_index = (uint32_t)index;
    return chunks_at(chunks, index);
}

void chunks_free(struct chunks *chunks)
{
    for (size_t i = 0; i * CHUNK < chunks->count; i++)
        free(chunks->items[i]);
    free(chunks->items);
    *chunks = (struct chunks){.item_size = chunks->item_size};
}
