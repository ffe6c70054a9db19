/*
 * Verification of the index of keys, in both directions: every key of a journal or refusal leads
 * there, and nothing else is in the index. Both are sets of pairs (hash, what it stands for), so it
 * is enough that their sums agree; where they do not, the few keys concerned are looked at one by
 * one. The form of the runs is checked on the way: order, parts, filters, how far merges got.
 */
#include "ledger/keys.h"

#include <stdlib.h>

#define FOUND_KEY_ROW(F)  \
    F(INTEGER, id)        \
    F(INTEGER, tenant_id) \
    F(INTEGER, value)     \
    F(INTEGER, key_tenant)
ROW_STRUCT(ledger_found_key_, FOUND_KEY_ROW);
#define ROW_SELF struct ledger_found_key_
ROW_TYPE(ledger_found_key_, FOUND_KEY_ROW);
#undef ROW_SELF

#define KEYED_ROW(F)      \
    F(INTEGER, id)        \
    F(INTEGER, tenant_id) \
    F(TEXT, key)
ROW_STRUCT(ledger_keyed_, KEYED_ROW);
#define ROW_SELF struct ledger_keyed_
ROW_TYPE(ledger_keyed_, KEYED_ROW);
#undef ROW_SELF

#define FOUND_PART_ROW(F)  \
    F(INTEGER, id)         \
    F(INTEGER, entries_id) \
    F(BYTES, filter)       \
    F(BYTES, entries)
ROW_STRUCT(ledger_found_part_, FOUND_PART_ROW);
#define ROW_SELF struct ledger_found_part_
ROW_TYPE(ledger_found_part_, FOUND_PART_ROW);
#undef ROW_SELF

struct found_run {
    struct ledger_key_run_ row;
    int64_t entries; /* in its parts */
};

struct checking {
    struct sql *sql;
    struct key_tally *tally;
    ledger_problem *problem;
    void *context;
    int64_t *problems;
    struct arena *arena;
    struct queue runs; /* struct found_run, by id */
    int64_t parts;
    bool closer; /* the second time: keys whose sums disagree are looked at one by one */
};

__attribute__((format(printf, 2, 3))) static void wrong(struct checking *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    arena_reset(c->arena);
    struct str text = arena_vprintf(c->arena, format, args);
    va_end(args);
    ++*c->problems;
    c->problem(c->context, text.ptr);
}

#define ID "%lld"
#define L(x) ((long long)(x))

/* ---- Sums ---- */

static uint64_t mix(struct key_entry entry)
{
    uint64_t x = ((uint64_t)entry.hash ^ (uint64_t)entry.hash >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (uint64_t)entry.value) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 32) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static uint64_t *sum_of(const struct checking *c, id_t64 hash)
{
    return &c->tally->sums[key_part_of(hash & INT64_MAX, KEY_SUM_BITS)];
}

void key_tally_expect(struct key_tally *tally, id_t64 tenant_id, struct str key, id_t64 journal_id)
{
    struct key_entry entry = {ledger_key_hash(tally->hasher, tenant_id, key), journal_id};
    tally->sums[key_part_of(entry.hash, KEY_SUM_BITS)] += mix(entry);
}

/* ---- From the index to journals and refusals ---- */

static int look_up(struct checking *c, id_t64 value, struct ledger_keyed_ *ret_row)
{
    return value > 0 ? sql_one(c->sql, c->arena, &ledger_keyed__row, ret_row,
                               "SELECT id, tenant_id, key FROM ledger_journals "
                               "WHERE id = ? AND key IS NOT NULL",
                               sql_int(value))
                     : sql_one(c->sql, c->arena, &ledger_keyed__row, ret_row,
                               "SELECT id, tenant_id, key FROM ledger_refusals WHERE id = ?",
                               sql_int(-value));
}

static int check_entry(struct checking *c, struct key_entry entry)
{
    if (!c->closer) {
        *sum_of(c, entry.hash) -= mix(entry);
        return OK;
    }
    struct ledger_keyed_ row;
    if (*sum_of(c, entry.hash) == 0)
        return OK;
    arena_reset(c->arena);
    int error = look_up(c, entry.value, &row);
    if (error && error != ERR_NOT_FOUND)
        return error;
    if (error || ledger_key_hash(c->tally->hasher, row.tenant_id, row.key) != entry.hash)
        wrong(c, "key " ID " of the index leads to %s " ID ", which has no such key", L(entry.hash),
              entry.value > 0 ? "journal" : "refusal",
              L(entry.value > 0 ? entry.value : -entry.value));
    return OK;
}

static int check_entries(struct checking *c, struct str bytes)
{
    for (size_t i = 0; i < key_entries_count(bytes); i++)
        TRY(check_entry(c, key_entry_at(bytes, i)));
    return OK;
}

static int check_row(void *context, const void *item, struct arena *row_arena)
{
    (void)row_arena;
    struct checking *c = context;
    const struct ledger_found_key_ *row = item;
    if (row->key_tenant != row->tenant_id && !c->closer)
        wrong(c, "key " ID " of the index: tenant " ID " has no such key", L(row->id),
              L(row->tenant_id));
    return check_entry(c, (struct key_entry){row->id, row->value});
}

static int check_log(void *context, const void *item, struct arena *row_arena)
{
    (void)row_arena;
    struct checking *c = context;
    const struct ledger_key_log_ *row = item;
    if (row->entries.len % KEY_ENTRY_SIZE != 0 && !c->closer)
        wrong(c, "the keys of log entry " ID " are cut off", L(row->id));
    return check_entries(c, row->entries);
}

/* ---- Runs ---- */

static struct found_run *run_of(struct checking *c, id_t64 id)
{
    for (size_t i = 0; i < c->runs.count; i++) {
        struct found_run *run = queue_at(&c->runs, i);
        if (run->row.id == id)
            return run;
    }
    return NULL;
}

static int find_run(void *context, const void *item, struct arena *row_arena)
{
    (void)row_arena;
    struct checking *c = context;
    const struct ledger_key_run_ *row = item;
    if (row->level < 1 || row->level > KEY_LEVELS)
        wrong(c, "run " ID " of keys is of level " ID, L(row->id), L(row->level));
    else
        *(struct found_run *)queue_push(&c->runs) = (struct found_run){.row = *row};
    return OK;
}

static bool filter_is_of(struct arena *arena, struct str filter, struct str entries)
{
    size_t count = key_entries_count(entries);
    if (filter.len != key_filter_size(count))
        return false;
    uint8_t *expected = arena_alloc(arena, filter.len);
    memset(expected, 0, filter.len);
    for (size_t i = 0; i < count; i++)
        key_filter_add(expected, filter.len, key_entry_at(entries, i).hash);
    return memcmp(expected, filter.ptr, filter.len) == 0;
}

static bool in_order(struct str entries, size_t part, unsigned bits)
{
    id_t64 last = 0;
    for (size_t i = 0; i < key_entries_count(entries); i++) {
        id_t64 hash = key_entry_at(entries, i).hash;
        if (hash < last || key_part_of(hash, bits) != part)
            return false;
        last = hash;
    }
    return true;
}

/* Of a run that is being merged only what comes next is there, of one being made only what is done. */
static bool may_be_there(struct checking *c, const struct found_run *run, size_t part)
{
    const struct found_run *target = run->row.target ? run_of(c, run->row.target) : NULL;
    if (target && (int64_t)part < target->row.next_part)
        return false;
    return run->row.next_part < 0 || (int64_t)part < run->row.next_part * KEY_FAN_IN;
}

static int check_part(void *context, const void *item, struct arena *row_arena)
{
    struct checking *c = context;
    const struct ledger_found_part_ *row = item;
    struct found_run *run = run_of(c, row->id >> KEY_PART_SHIFT);
    size_t part = (size_t)row->id & (((size_t)1 << KEY_PART_SHIFT) - 1);
    if (c->closer)
        return check_entries(c, row->entries);
    c->parts++;
    if (!run || part >= (size_t)1 << key_level_bits(run->row.level)) {
        wrong(c, "part " ID " of keys belongs to no run", L(row->id));
        return check_entries(c, row->entries);
    }
    if (!row->entries.len || row->entries.len % KEY_ENTRY_SIZE != 0)
        wrong(c, "part %zu of run " ID " of keys has no entries, or they are cut off", part,
              L(run->row.id));
    else if (!in_order(row->entries, part, key_level_bits(run->row.level)))
        wrong(c, "part %zu of run " ID " of keys is not in order", part, L(run->row.id));
    else if (!filter_is_of(row_arena, row->filter, row->entries))
        wrong(c, "part %zu of run " ID " of keys: its filter is not that of its entries", part,
              L(run->row.id));
    if (!may_be_there(c, run, part))
        wrong(c, "part %zu of run " ID " of keys is there, and its merge says it is not", part,
              L(run->row.id));
    run->entries += (int64_t)key_entries_count(row->entries);
    return check_entries(c, row->entries);
}

/* A merge: eight sources that together have, with what is done, what the target will have. */
static void check_merge(struct checking *c, const struct found_run *target)
{
    int64_t there = target->entries, whole = 0, sources = 0;
    for (size_t i = 0; i < c->runs.count; i++) {
        const struct found_run *run = queue_at(&c->runs, i);
        if (run->row.target != target->row.id)
            continue;
        sources += run->row.level == target->row.level - 1;
        there += run->entries;
        whole += run->row.entries;
    }
    if (target->row.next_part >= INT64_C(1) << key_level_bits(target->row.level - 1) ||
        sources != KEY_FAN_IN || there != target->row.entries || whole != target->row.entries)
        wrong(c, "run " ID " of keys is not what is being made of its sources", L(target->row.id));
}

static void check_runs(struct checking *c)
{
    for (size_t i = 0; i < c->runs.count; i++) {
        const struct found_run *run = queue_at(&c->runs, i);
        const struct found_run *target = run_of(c, run->row.target);
        if (run->row.next_part < -1 || (run->row.target && (!target || target->row.next_part < 0)))
            wrong(c, "run " ID " of keys is merged into none", L(run->row.id));
        else if (run->row.next_part >= 0 && run->row.level > 1)
            check_merge(c, run);
        else if (run->row.next_part >= 0 || (!target && run->entries != run->row.entries))
            wrong(c, "run " ID " of keys has " ID " entries, recorded are " ID, L(run->row.id),
                  L(run->entries), L(run->row.entries));
    }
}

static int check_index(struct checking *c)
{
    TRY(sql_each(c->sql, &ledger_found_key__row, check_row, c,
                 "SELECT k.id, k.tenant_id, k.value, COALESCE(j.tenant_id, r.tenant_id) "
                 "AS key_tenant FROM ledger_keys k "
                 "LEFT JOIN ledger_journals j ON j.id = k.value "
                 "LEFT JOIN ledger_refusals r ON r.id = -k.value"));
    TRY(sql_each(c->sql, &ledger_key_log__row, check_log, c,
                 "SELECT id, entries FROM ledger_key_log"));
    return sql_each(c->sql, &ledger_found_part__row, check_part, c,
                    "SELECT p.id, p.entries_id, p.filter, e.entries FROM ledger_key_parts p "
                    "LEFT JOIN ledger_key_entries e ON e.id = p.entries_id ORDER BY p.id");
}

/* ---- From journals and refusals to the index ---- */

static int expect_refusal(void *context, const void *item, struct arena *row_arena)
{
    (void)row_arena;
    const struct ledger_keyed_ *row = item;
    key_tally_expect(((struct checking *)context)->tally, row->tenant_id, row->key, -row->id);
    return OK;
}

static int seek(struct checking *c, const struct ledger_keyed_ *row, id_t64 value, const char *what)
{
    id_t64 hash = ledger_key_hash(c->tally->hasher, row->tenant_id, row->key);
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
    struct key_values values = {.arena = arena};
    if (*sum_of(c, hash) == 0)
        return OK;
    if (sql_engine(c->sql) == STORE_SQLITE)
        TRY(key_runs_read(c->sql, hash, &values));
    else
        TRY(key_table_read(c->sql, hash, &values));
    size_t found = 0;
    for (size_t i = 0; i < values.count; i++)
        found += values.items[i] == value;
    if (found != 1)
        wrong(c, "the key of %s " ID " is %zu times in the index", what, L(row->id), found);
    return OK;
}

static int seek_journal(void *context, const void *item, struct arena *row_arena)
{
    (void)row_arena;
    const struct ledger_keyed_ *row = item;
    return seek(context, row, row->id, "journal");
}

static int seek_refusal(void *context, const void *item, struct arena *row_arena)
{
    (void)row_arena;
    const struct ledger_keyed_ *row = item;
    return seek(context, row, -row->id, "refusal");
}

static int look_closer(struct checking *c)
{
    int64_t before = *c->problems;
    c->closer = true;
    TRY(check_index(c));
    TRY(sql_each(c->sql, &ledger_keyed__row, seek_journal, c,
                 "SELECT id, tenant_id, key FROM ledger_journals WHERE key IS NOT NULL"));
    TRY(sql_each(c->sql, &ledger_keyed__row, seek_refusal, c,
                 "SELECT id, tenant_id, key FROM ledger_refusals"));
    if (*c->problems == before)
        wrong(c, "the index of keys is not that of the journals and refusals");
    return OK;
}

static int check_all(struct checking *c)
{
    int64_t rows;
    TRY(sql_each(c->sql, &ledger_keyed__row, expect_refusal, c,
                 "SELECT id, tenant_id, key FROM ledger_refusals"));
    TRY(sql_each(c->sql, &ledger_key_run__row, find_run, c,
                 "SELECT id, level, entries, target, next_part FROM ledger_key_runs ORDER BY id"));
    TRY(check_index(c));
    check_runs(c);
    TRY(sql_integer(c->sql, &rows, "SELECT COUNT(*) FROM ledger_key_entries"));
    if (rows != c->parts)
        wrong(c, "there are " ID " parts of keys, and entries of " ID, L(c->parts), L(rows));
    for (size_t i = 0; i < (size_t)1 << KEY_SUM_BITS; i++)
        if (c->tally->sums[i] != 0)
            return look_closer(c);
    return OK;
}

int key_verify(struct sql *sql, struct key_tally *tally, ledger_problem *problem, void *context,
               int64_t *problems)
{
    struct checking c = {
        .sql = sql,
        .tally = tally,
        .problem = problem,
        .context = context,
        .problems = problems,
        .arena = arena_new(SIZE_MAX),
        .runs = {.item_size = sizeof(struct found_run)},
    };
    int error = check_all(&c);
    arena_free(c.arena);
    queue_free(&c.runs);
    return error;
}
