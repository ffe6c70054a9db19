/*
 * Keys in runs, where one connection writes. Random keys in a B-tree cost a page each; here a commit
 * appends its keys to a log, what is in the log becomes a sorted run, and runs are merged eight at a
 * time into larger ones (key_merge.c), so that a key is written once per level, in company.
 *
 * Invariants: every key is in exactly one place: the log, or one part of one run. What the tables
 * say is all there is: memory holds the log's entries and the runs' filters, is read at first use
 * and is dropped when a transaction was rolled back. A part that is merged leaves its run in the
 * transaction that puts its entries into the other, so a crash anywhere loses nothing and a reader's
 * snapshot is whole.
 */
#include "ledger/keys.h"

#include <stdlib.h>

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

/* ---- Runs in memory ---- */

struct key_runs *key_runs_new(struct sql *sql, size_t spill_at)
{
    struct key_runs *runs = must(calloc(1, sizeof(*runs)));
    runs->sql = sql;
    runs->spill_at = spill_at;
    runs->scratch = arena_new(SIZE_MAX);
    return runs;
}

struct key_run *key_runs_open(struct key_runs *runs, const struct ledger_key_run_ *row)
{
    struct key_run *run = must(calloc(1, sizeof(*run)));
    run->row = *row;
    run->bits = key_level_bits(row->level);
    run->parts = must(calloc((size_t)1 << run->bits, sizeof(*run->parts)));
    if (runs->count == runs->capacity) {
        runs->capacity = runs->capacity ? runs->capacity * 2 : 16;
        runs->runs = must(realloc(runs->runs, runs->capacity * sizeof(struct key_run *)));
    }
    runs->runs[runs->count++] = run;
    return run;
}

void key_run_drop_part(struct key_run *run, size_t part)
{
    free(run->parts[part].filter);
    run->parts[part] = (struct key_part){0};
}

static void free_run(struct key_run *run)
{
    for (size_t i = 0; i < (size_t)1 << run->bits; i++)
        key_run_drop_part(run, i);
    free(run->parts);
    free(run);
}

void key_runs_close(struct key_runs *runs, struct key_run *run)
{
    size_t kept = 0;
    for (size_t i = 0; i < runs->count; i++)
        if (runs->runs[i] != run)
            runs->runs[kept++] = runs->runs[i];
    runs->count = kept;
    free_run(run);
}

void key_runs_forget(struct key_runs *runs)
{
    for (size_t i = 0; i < runs->count; i++)
        free_run(runs->runs[i]);
    free(runs->runs);
    free(runs->recent);
    *runs =
        (struct key_runs){.sql = runs->sql, .spill_at = runs->spill_at, .scratch = runs->scratch};
}

struct key_runs *key_runs_free(struct key_runs *runs)
{
    if (runs) {
        key_runs_forget(runs);
        arena_free(runs->scratch);
        free(runs);
    }
    return NULL;
}

/* ---- The log's entries ---- */

static size_t place_of(const struct key_runs *runs, id_t64 hash)
{
    return (size_t)hash & (runs->recent_capacity - 1);
}

static void put_recent(struct key_runs *runs, struct key_entry entry)
{
    size_t at = place_of(runs, entry.hash);
    while (runs->recent[at].value)
        at = (at + 1) & (runs->recent_capacity - 1);
    runs->recent[at] = entry;
}

static void add_recent(struct key_runs *runs, const struct key_entry *entries, size_t count)
{
    struct key_entry *old = runs->recent;
    size_t old_capacity = runs->recent_capacity, capacity = old_capacity ? old_capacity : 256;
    while (capacity < 2 * (runs->recent_count + count))
        capacity *= 2;
    if (capacity > old_capacity) {
        runs->recent = must(calloc(capacity, sizeof(*runs->recent)));
        runs->recent_capacity = capacity;
        for (size_t i = 0; i < old_capacity; i++)
            if (old[i].value)
                put_recent(runs, old[i]);
        free(old);
    }
    for (size_t i = 0; i < count; i++)
        put_recent(runs, entries[i]);
    runs->recent_count += count;
}

static void find_recent(const struct key_runs *runs, id_t64 hash, struct key_values *values)
{
    if (!runs->recent_count)
        return;
    for (size_t at = place_of(runs, hash); runs->recent[at].value;
         at = (at + 1) & (runs->recent_capacity - 1))
        if (runs->recent[at].hash == hash)
            key_values_add(values, runs->recent[at].value);
}

/* ---- Loading ---- */

static int load_run(void *context, const void *row, struct arena *row_arena)
{
    (void)row_arena;
    struct key_runs *runs = context;
    const struct ledger_key_run_ *stored = row;
    if (stored->level < 1 || stored->level > KEY_LEVELS)
        return ERR_STORE;
    key_runs_open(runs, stored);
    if (stored->id > runs->last_run)
        runs->last_run = stored->id;
    return OK;
}

static struct key_run *run_of(const struct key_runs *runs, id_t64 id)
{
    for (size_t i = 0; i < runs->count; i++)
        if (runs->runs[i]->row.id == id)
            return runs->runs[i];
    return NULL;
}

static int load_part(void *context, const void *row, struct arena *row_arena)
{
    (void)row_arena;
    struct key_runs *runs = context;
    const struct ledger_key_part_ *stored = row;
    struct key_run *run = run_of(runs, stored->id >> KEY_PART_SHIFT);
    size_t number = (size_t)stored->id & (((size_t)1 << KEY_PART_SHIFT) - 1);
    if (!run || number >= (size_t)1 << run->bits || stored->filter.len < key_filter_size(0) ||
        stored->filter.len % key_filter_size(0) != 0)
        return ERR_STORE;
    struct key_part *part = &run->parts[number];
    part->entries_id = stored->entries_id;
    part->filter_size = stored->filter.len;
    part->filter = must(aligned_alloc(key_filter_size(0), stored->filter.len));
    memcpy(part->filter, stored->filter.ptr, stored->filter.len);
    return OK;
}

static int load_log(void *context, const void *row, struct arena *row_arena)
{
    struct key_runs *runs = context;
    const struct ledger_key_log_ *stored = row;
    size_t count = key_entries_count(stored->entries);
    struct key_entry *entries = ARENA_ARRAY(row_arena, struct key_entry, count + 1);
    for (size_t i = 0; i < count; i++)
        entries[i] = key_entry_at(stored->entries, i);
    add_recent(runs, entries, count);
    runs->last_log = stored->id;
    runs->has_log = true;
    return OK;
}

static int load_all(struct key_runs *runs)
{
    TRY(sql_each(runs->sql, &ledger_key_run__row, load_run, runs,
                 "SELECT id, level, entries, target, next_part FROM ledger_key_runs ORDER BY id"));
    TRY(sql_each(runs->sql, &ledger_key_part__row, load_part, runs,
                 "SELECT id, entries_id, filter FROM ledger_key_parts ORDER BY id"));
    TRY(sql_each(runs->sql, &ledger_key_log__row, load_log, runs,
                 "SELECT id, entries FROM ledger_key_log ORDER BY id"));
    return sql_integer(runs->sql, &runs->last_entries, "SELECT MAX(id) FROM ledger_key_entries");
}

static int load(struct key_runs *runs)
{
    if (runs->loaded)
        return OK;
    int error = load_all(runs);
    if (error)
        key_runs_forget(runs);
    runs->loaded = !error;
    return error;
}

/* ---- Looking for a key ---- */

/* Far more runs than the processor waits for at once: all are asked for before the first is looked
 * at. */
static void fetch_filters(const struct key_runs *runs, id_t64 hash)
{
    for (size_t i = 0; i < runs->count; i++) {
        const struct key_run *run = runs->runs[i];
        const struct key_part *part = &run->parts[key_part_of(hash, run->bits)];
        if (part->filter)
            __builtin_prefetch(key_filter_block(part->filter, part->filter_size, hash));
    }
}

int key_runs_find(struct key_runs *runs, id_t64 hash, struct key_values *values)
{
    TRY(load(runs));
    fetch_filters(runs, hash);
    find_recent(runs, hash, values);
    for (size_t i = 0; i < runs->count; i++) {
        const struct key_run *run = runs->runs[i];
        const struct key_part *part = &run->parts[key_part_of(hash, run->bits)];
        if (!part->filter || !key_filter_has(part->filter, part->filter_size, hash))
            continue;
        struct str bytes;
        arena_reset(runs->scratch);
        int error = key_entries_read(runs->sql, runs->scratch, part->entries_id, &bytes);
        if (error) /* none there: rather no posting than the same one twice */
            return error == ERR_NOT_FOUND ? ERR_STORE : error;
        key_entries_search(bytes, hash, values);
    }
    return OK;
}

/* ---- Looking for a key in a snapshot ---- */

struct reading {
    id_t64 hash;
    struct key_values *values;
};

static int read_log(void *context, const void *row, struct arena *row_arena)
{
    (void)row_arena;
    const struct reading *reading = context;
    const struct ledger_key_log_ *stored = row;
    for (size_t i = 0; i < key_entries_count(stored->entries); i++) {
        struct key_entry entry = key_entry_at(stored->entries, i);
        if (entry.hash == reading->hash)
            key_values_add(reading->values, entry.value);
    }
    return OK;
}

static int read_part(struct sql *sql, struct arena *arena, const struct ledger_key_run_ *run,
                     id_t64 hash, struct key_values *values)
{
    struct ledger_key_part_ part;
    struct str bytes;
    id_t64 id = key_part_id(run->id, key_part_of(hash, key_level_bits(run->level)));
    int error =
        sql_one(sql, arena, &ledger_key_part__row, &part,
                "SELECT id, entries_id, filter FROM ledger_key_parts WHERE id = ?", sql_int(id));
    if (error == ERR_NOT_FOUND)
        return OK;
    TRY(error);
    if (!key_filter_has((const uint8_t *)part.filter.ptr, part.filter.len, hash))
        return OK;
    error = key_entries_read(sql, arena, part.entries_id, &bytes);
    if (!error)
        key_entries_search(bytes, hash, values);
    return error == ERR_NOT_FOUND ? OK : error;
}

int key_runs_read(struct sql *sql, id_t64 hash, struct key_values *values)
{
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
    struct reading reading = {hash, values};
    struct ledger_key_run_ *runs;
    size_t count;
    TRY(sql_each(sql, &ledger_key_log__row, read_log, &reading,
                 "SELECT id, entries FROM ledger_key_log"));
    TRY(sql_all(sql, arena, &ledger_key_run__row, &runs, &count,
                "SELECT id, level, entries, target, next_part FROM ledger_key_runs"));
    for (size_t i = 0; i < count; i++)
        TRY(read_part(sql, arena, &runs[i], hash, values));
    return OK;
}

/* ---- Adding ---- */

int key_run_write_part(struct key_runs *runs, struct key_run *run, size_t number,
                       const struct key_entry *entries, size_t count)
{
    struct key_part *part = &run->parts[number];
    if (count == 0)
        return OK;
    uint8_t *bytes = arena_alloc(runs->scratch, count * KEY_ENTRY_SIZE);
    key_entries_write(entries, count, bytes);
    part->entries_id = ++runs->last_entries;
    part->filter_size = key_filter_size(count);
    part->filter = must(aligned_alloc(key_filter_size(0), part->filter_size));
    memset(part->filter, 0, part->filter_size);
    for (size_t i = 0; i < count; i++)
        key_filter_add(part->filter, part->filter_size, entries[i].hash);
    const struct ledger_key_entries_ entries_row = {
        .id = part->entries_id,
        .entries = {(const char *)bytes, count * KEY_ENTRY_SIZE},
    };
    const struct ledger_key_part_ part_row = {
        .id = key_part_id(run->row.id, number),
        .entries_id = part->entries_id,
        .filter = {(const char *)part->filter, part->filter_size},
    };
    TRY(sql_append(runs->sql, "ledger_key_entries", &ledger_key_entries__row, &entries_row));
    return sql_append(runs->sql, "ledger_key_parts", &ledger_key_part__row, &part_row);
}

static int append_log(struct key_runs *runs, const struct key_entry *entries, size_t count)
{
    uint8_t *bytes = arena_alloc(runs->scratch, count * KEY_ENTRY_SIZE);
    key_entries_write(entries, count, bytes);
    const struct ledger_key_log_ row = {
        .id = ++runs->last_log,
        .entries = {(const char *)bytes, count * KEY_ENTRY_SIZE},
    };
    runs->has_log = true;
    return sql_append(runs->sql, "ledger_key_log", &ledger_key_log__row, &row);
}

static struct key_entry *take_recent(struct key_runs *runs)
{
    struct key_entry *entries = ARENA_ARRAY(runs->scratch, struct key_entry, runs->recent_count);
    size_t count = 0;
    for (size_t i = 0; i < runs->recent_capacity; i++)
        if (runs->recent[i].value)
            entries[count++] = runs->recent[i];
    assert(count == runs->recent_count);
    memset(runs->recent, 0, runs->recent_capacity * sizeof(*runs->recent));
    runs->recent_count = 0;
    qsort(entries, count, sizeof(*entries), ledger_compare_ids);
    return entries;
}

/* The log becomes a run. */
static int spill(struct key_runs *runs)
{
    size_t count = runs->recent_count, from = 0;
    const struct key_entry *entries = take_recent(runs);
    const struct ledger_key_run_ row = {
        .id = ++runs->last_run, .level = 1, .entries = (int64_t)count, .next_part = -1};
    struct key_run *run = key_runs_open(runs, &row);
    TRY(sql_append(runs->sql, "ledger_key_runs", &ledger_key_run__row, &row));
    for (size_t part = 0; part < (size_t)1 << run->bits; part++) {
        size_t to = from;
        while (to < count && key_part_of(entries[to].hash, run->bits) == part)
            to++;
        TRY(key_run_write_part(runs, run, part, entries + from, to - from));
        from = to;
    }
    if (runs->has_log)
        TRY(sql_run(runs->sql, "DELETE FROM ledger_key_log"));
    runs->has_log = false;
    return key_merge_begin(runs, count);
}

int key_runs_add(struct key_runs *runs, const struct key_entry *entries, size_t count)
{
    TRY(load(runs));
    arena_reset(runs->scratch);
    add_recent(runs, entries, count);
    if (runs->recent_count >= runs->spill_at)
        TRY(spill(runs));
    else
        TRY(append_log(runs, entries, count));
    return key_merge_some(runs, count);
}
