/*
 * The index of idempotency keys: from the hash of tenant and key to what the key stands for. It
 * knows no texts; whoever asks compares the key's own text with that of the journal or refusal it
 * was led to, so two keys may share a hash.
 *
 * There are two, with the same few functions:
 *  - runs (key_runs.c, key_merge.c), where one connection writes (SQLite): sorted runs that are
 *    appended and merged, with filters in memory that know most strangers without reading;
 *  - a table (key_table.c), where several processes write (PostgreSQL) and the rows are theirs in
 *    common.
 */
#ifndef LEDGER_KEYS_H
#define LEDGER_KEYS_H

#include "ledger/internal.h"

/* `value` is a journal, or less than 0 and the negative of a refusal's id. */
struct key_entry {
    id_t64 hash; /* first: ledger_compare_ids */
    id_t64 value;
};

/* What a hash led to: 0, rarely 1, as good as never more. */
struct key_values {
    struct arena *arena;
    id_t64 *items;
    size_t count;
};
void key_values_add(struct key_values *values, id_t64 value);

/* ---- key_runs.c, key_merge.c ---- */

/* `spill_at`: so many keys make a run. */
struct key_runs *key_runs_new(struct sql *sql, size_t spill_at);
struct key_runs *key_runs_free(struct key_runs *runs);
/* The transaction was rolled back: what is in memory is read again when it is next needed. */
void key_runs_forget(struct key_runs *runs);
int key_runs_find(struct key_runs *runs, id_t64 hash, struct key_values *values);
/* In the transaction that makes what the entries stand for. Not bounded by how many keys there are:
 * the work is proportional to `count`. */
int key_runs_add(struct key_runs *runs, const struct key_entry *entries, size_t count);
/* In a read snapshot, without anything in memory. */
int key_runs_read(struct sql *sql, id_t64 hash, struct key_values *values);

/* ---- key_table.c ---- */

int key_table_find(struct ledger *ledger, id_t64 hash, struct key_values *values);
int key_table_prefetch(struct ledger *ledger, const id_t64 *hashes, size_t count);
int key_table_add(struct ledger *ledger, const struct ledger_key_ *rows, size_t count);
int key_table_read(struct sql *sql, id_t64 hash, struct key_values *values);

/* ---- key_filter.c: the form of runs in the tables ---- */

/*
 * Hashes are uniform, so a run is cut by their leading bits into parts of about the same size: the
 * place of a hash follows from the hash alone. A level has eight times the parts of the one below.
 */
#define KEY_HASH_BITS 63
#define KEY_PART_SHIFT 24 /* a part's id is its run's shifted by this, and its number */
#define KEY_FAN_IN_BITS 3
#define KEY_FAN_IN (1 << KEY_FAN_IN_BITS)
#define KEY_LEVELS 8
#define KEY_ENTRY_SIZE 16

static inline unsigned key_level_bits(int64_t level)
{
    return 2 + KEY_FAN_IN_BITS * ((unsigned)level - 1);
}
static inline size_t key_part_of(id_t64 hash, unsigned bits)
{
    return (size_t)((uint64_t)hash >> (KEY_HASH_BITS - bits));
}
static inline id_t64 key_part_id(id_t64 run_id, size_t part)
{
    return run_id << KEY_PART_SHIFT | (id_t64)part;
}

/* A Bloom filter in blocks of one cache line: 16 bits an entry, about one in a thousand strangers
 * passes. */
size_t key_filter_size(size_t count);
void key_filter_add(uint8_t *filter, size_t size, id_t64 hash);
bool key_filter_has(const uint8_t *filter, size_t size, id_t64 hash);
const uint8_t *key_filter_block(const uint8_t *filter, size_t size, id_t64 hash);

/* Pairs of 64-bit integers, little endian, in order of hash. */
void key_entries_write(const struct key_entry *entries, size_t count, uint8_t *out);
struct key_entry key_entry_at(struct str bytes, size_t index);
static inline size_t key_entries_count(struct str bytes)
{
    return bytes.len / KEY_ENTRY_SIZE;
}
/* Adds those of this hash. */
void key_entries_search(struct str bytes, id_t64 hash, struct key_values *values);

#define KEY_LOG_ROW(F) \
    F(INTEGER, id)     \
    F(BYTES, entries)
ROW_STRUCT(ledger_key_log_, KEY_LOG_ROW);

#define KEY_RUN_ROW(F)  \
    F(INTEGER, id)      \
    F(INTEGER, level)   \
    F(INTEGER, entries) \
    F(INTEGER, target)  \
    F(INTEGER, next_part)
ROW_STRUCT(ledger_key_run_, KEY_RUN_ROW);

#define KEY_PART_ROW(F)    \
    F(INTEGER, id)         \
    F(INTEGER, entries_id) \
    F(BYTES, filter)
ROW_STRUCT(ledger_key_part_, KEY_PART_ROW);

#define KEY_ENTRIES_ROW(F) \
    F(INTEGER, id)         \
    F(BYTES, entries)
ROW_STRUCT(ledger_key_entries_, KEY_ENTRIES_ROW);

/* The bytes of one row of ledger_key_entries. */
int key_entries_read(struct sql *sql, struct arena *arena, id_t64 id, struct str *ret_bytes);

/* ---- What key_runs.c and key_merge.c share ---- */

struct key_part {
    id_t64 entries_id; /* 0: empty, or merged into another run already */
    uint8_t *filter;
    size_t filter_size;
};

struct key_run {
    struct ledger_key_run_ row;
    unsigned bits;
    struct key_part *parts; /* 1 << bits */
};

struct key_runs {
    struct sql *sql;
    size_t spill_at;
    bool loaded;
    struct arena *scratch;
    struct key_run **runs; /* by id, oldest first */
    size_t count, capacity;
    id_t64 last_run, last_entries, last_log;
    bool has_log;
    /* What is in the log: an open hash table, at most half full; value 0 is a free place. */
    struct key_entry *recent;
    size_t recent_count, recent_capacity;
    /* Entries that are still to be moved at each level for merges to keep up with what comes. */
    size_t debt[KEY_LEVELS + 1];
};

struct key_run *key_runs_open(struct key_runs *runs, const struct ledger_key_run_ *row);
void key_runs_close(struct key_runs *runs, struct key_run *run);
void key_run_drop_part(struct key_run *run, size_t part);
/* Entries in order, all of this part. */
int key_run_write_part(struct key_runs *runs, struct key_run *run, size_t part,
                       const struct key_entry *entries, size_t count);
/* After a run of `spilled` entries was made. */
int key_merge_begin(struct key_runs *runs, size_t spilled);
/* A bounded piece of what is owed; `inserted` keys were just added. */
int key_merge_some(struct key_runs *runs, size_t inserted);

/* ---- verify_keys.c ---- */

/* Sums over what the index should hold less what it holds, by the first bits of the hash, so that a
 * difference is found again among a few keys of many. */
#define KEY_SUM_BITS 12
struct key_tally {
    struct chain_hasher *hasher;
    uint64_t sums[1 << KEY_SUM_BITS];
};
void key_tally_expect(struct key_tally *tally, id_t64 tenant_id, struct str key, id_t64 journal_id);
/* After all journals: refusals, then the index itself. *problems rises with each call of `problem`. */
int key_verify(struct sql *sql, struct key_tally *tally, ledger_problem *problem, void *context,
               int64_t *problems);

#endif
