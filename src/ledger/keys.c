/*
 * Idempotency keys. Invariant: a key of a tenant stands for one body and one outcome, for ever: a
 * journal (in the table or still queued) or a recorded refusal, never both.
 *
 * A key is found by its hash, among the keys of this batch and in the index (keys.h), and confirmed
 * by its own text, which its journal or refusal has.
 */
#include "ledger/keys.h"

#include <stdlib.h>

#define TAKEN_ROW(F)      \
    F(INTEGER, tenant_id) \
    F(TEXT, key)          \
    F(BYTES, body_hash)   \
    F(INTEGER, error)
ROW_STRUCT(ledger_taken_, TAKEN_ROW);
#define ROW_SELF struct ledger_taken_
ROW_TYPE(ledger_taken_, TAKEN_ROW);
#undef ROW_SELF

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

/* ---- Keys of this batch ---- */

static struct queued_key *queued_key(const struct ledger *ledger, size_t index)
{
    return queue_at(&ledger->keys, index);
}

static uint32_t *bucket_of(const struct ledger *ledger, id_t64 hash)
{
    return &ledger->key_buckets[(uint64_t)hash & (ledger->key_bucket_count - 1)];
}

static void grow_buckets(struct ledger *ledger)
{
    ledger->key_bucket_count = ledger->key_bucket_count ? ledger->key_bucket_count * 2 : 256;
    ledger->key_buckets =
        must(realloc(ledger->key_buckets, ledger->key_bucket_count * sizeof(uint32_t)));
    for (size_t i = 0; i < ledger->key_bucket_count; i++)
        ledger->key_buckets[i] = ID_MAP_NONE;
    for (size_t i = 0; i < ledger->keys.count; i++) {
        uint32_t *bucket = bucket_of(ledger, queued_key(ledger, i)->hash);
        queued_key(ledger, i)->next = *bucket;
        *bucket = (uint32_t)i;
    }
}

void ledger_queue_key(struct ledger *ledger, id_t64 hash, size_t index, size_t transfer_index)
{
    if (ledger->keys.count >= ledger->key_bucket_count)
        grow_buckets(ledger);
    uint32_t *bucket = bucket_of(ledger, hash);
    struct queued_key *key = queue_push(&ledger->keys);
    *key = (struct queued_key){.hash = hash,
                               .next = *bucket,
                               .index = (uint32_t)index,
                               .transfer_index = (uint32_t)transfer_index};
    *bucket = (uint32_t)(ledger->keys.count - 1);
}

/* Last in, first out: the bucket's first is always the one to take away. */
void ledger_unqueue_keys(struct ledger *ledger, size_t key_count)
{
    while (ledger->keys.count > key_count) {
        const struct queued_key *last = queued_key(ledger, ledger->keys.count - 1);
        uint32_t *bucket = bucket_of(ledger, last->hash);
        assert(*bucket == ledger->keys.count - 1);
        *bucket = last->next;
        ledger->keys.count--;
    }
}

static const struct ledger_journal_ *journal_of(const struct ledger *ledger,
                                                const struct queued_key *key)
{
    return queue_at(&ledger->journals, key->index);
}

static const struct ledger_refusal_ *refusal_of(const struct ledger *ledger,
                                                const struct queued_key *key)
{
    return queue_at(&ledger->refusals, key->index);
}

static bool is_refusal(const struct queued_key *key)
{
    return key->transfer_index == NO_TRANSFER;
}

static int add_to_runs(struct ledger *ledger)
{
    size_t count = ledger->keys.count;
    struct key_entry *entries = ARENA_ARRAY(ledger->scratch, struct key_entry, count);
    for (size_t i = 0; i < count; i++) {
        const struct queued_key *key = queued_key(ledger, i);
        entries[i].hash = key->hash;
        entries[i].value =
            is_refusal(key) ? -refusal_of(ledger, key)->id : journal_of(ledger, key)->id;
    }
    return key_runs_add(ledger->key_runs, entries, count);
}

static int add_to_table(struct ledger *ledger)
{
    size_t count = ledger->keys.count;
    struct ledger_key_ *rows = ARENA_ARRAY(ledger->scratch, struct ledger_key_, count);
    for (size_t i = 0; i < count; i++) {
        const struct queued_key *key = queued_key(ledger, i);
        rows[i].id = key->hash;
        if (is_refusal(key)) {
            rows[i].tenant_id = refusal_of(ledger, key)->tenant_id;
            rows[i].value = -refusal_of(ledger, key)->id;
        } else {
            rows[i].tenant_id = journal_of(ledger, key)->tenant_id;
            rows[i].value = journal_of(ledger, key)->id;
        }
    }
    /* Neighbours in the index are written together. */
    qsort(rows, count, sizeof(*rows), ledger_compare_ids);
    return key_table_add(ledger, rows, count);
}

int ledger_flush_keys(struct ledger *ledger)
{
    if (ledger->keys.count == 0)
        return OK;
    return ledger->key_runs ? add_to_runs(ledger) : add_to_table(ledger);
}

/* ---- The search ---- */

static void note_body(struct key_place *place, struct str body_hash)
{
    place->has_body_hash = body_hash.len == LEDGER_HASH_SIZE;
    if (place->has_body_hash)
        memcpy(place->body_hash, body_hash.ptr, LEDGER_HASH_SIZE);
}

static bool is_queued(const struct ledger *ledger, const struct queued_key *queued,
                      id_t64 tenant_id, struct str key, struct key_place *place)
{
    if (is_refusal(queued)) {
        const struct ledger_refusal_ *refusal = refusal_of(ledger, queued);
        if (refusal->tenant_id != tenant_id || !str_eq(refusal->key, key))
            return false;
        place->error = (int)refusal->error;
        note_body(place, refusal->body_hash);
    } else {
        const struct ledger_journal_ *said = journal_of(ledger, queued);
        if (said->tenant_id != tenant_id || !str_eq(said->key, key))
            return false;
        place->journal_id = said->id;
        place->transfer_index = queued->transfer_index;
        note_body(place, said->body_hash);
    }
    return place->found = true;
}

static bool find_queued(const struct ledger *ledger, id_t64 tenant_id, struct str key,
                        struct key_place *place)
{
    if (ledger->keys.count == 0)
        return false;
    for (uint32_t i = *bucket_of(ledger, place->hash); i != ID_MAP_NONE;
         i = queued_key(ledger, i)->next)
        if (queued_key(ledger, i)->hash == place->hash &&
            is_queued(ledger, queued_key(ledger, i), tenant_id, key, place))
            return true;
    return false;
}

/* Of the journals and refusals that the hash led to, the key's own. */
static int confirm(struct sql *sql, const struct key_values *values, id_t64 tenant_id,
                   struct str key, struct key_place *place)
{
    for (size_t i = 0; i < values->count && !place->found; i++) {
        struct ledger_taken_ row;
        id_t64 value = values->items[i];
        int error = value > 0 ? sql_one(sql, values->arena, &ledger_taken__row, &row,
                                        "SELECT tenant_id, key, body_hash, 0 AS error "
                                        "FROM ledger_journals WHERE id = ?",
                                        sql_int(value))
                              : sql_one(sql, values->arena, &ledger_taken__row, &row,
                                        "SELECT tenant_id, key, body_hash, error "
                                        "FROM ledger_refusals WHERE id = ?",
                                        sql_int(-value));
        if (error == ERR_NOT_FOUND)
            continue; /* verify tells */
        TRY(error);
        if (row.tenant_id != tenant_id || !str_present(row.key) || !str_eq(row.key, key))
            continue;
        place->found = true;
        place->journal_id = value > 0 ? value : 0;
        place->error = (int)row.error;
        note_body(place, row.body_hash);
    }
    return OK;
}

static int find_key(struct ledger *ledger, id_t64 tenant_id, struct str key,
                    struct key_place *ret_place)
{
    struct key_values values = {.arena = ledger->scratch};
    *ret_place = (struct key_place){.hash = ledger_key_hash(&ledger->hasher, tenant_id, key),
                                    .transfer_index = NO_TRANSFER};
    if (find_queued(ledger, tenant_id, key, ret_place))
        return OK;
    if (ledger->key_runs)
        TRY(key_runs_find(ledger->key_runs, ret_place->hash, &values));
    else
        TRY(key_table_find(ledger, ret_place->hash, &values));
    return confirm(ledger->sql, &values, tenant_id, key, ret_place);
}

static bool same_body(const struct key_place *place, struct str body_hash)
{
    return !place->has_body_hash || !str_present(body_hash) ||
           str_eq(body_hash, (struct str){(const char *)place->body_hash, LEDGER_HASH_SIZE});
}

int ledger_find_key(struct ledger *ledger, id_t64 tenant_id, struct str key, struct str body_hash,
                    id_t64 *ret_journal)
{
    struct tenant *tenant;
    uint32_t tenant_index;
    struct key_place place;
    *ret_journal = 0;
    TRY(ledger_tenant(ledger, tenant_id, &tenant, &tenant_index));
    TRY(find_key(ledger, tenant_id, key, &place));
    if (!place.found)
        return OK;
    if (!same_body(&place, body_hash))
        return ERR_LEDGER_KEY_MISMATCH;
    *ret_journal = place.journal_id;
    return place.error;
}

int ledger_journal_of_key(struct sql *sql, struct arena *arena, id_t64 tenant_id, struct str key,
                          id_t64 *ret_journal)
{
    struct key_values values = {.arena = arena};
    struct key_place place = {0};
    struct chain_hasher hasher;
    chain_hasher_init(&hasher);
    id_t64 hash = ledger_key_hash(&hasher, tenant_id, key);
    chain_hasher_clear(&hasher);
    if (sql_engine(sql) == STORE_SQLITE)
        TRY(key_runs_read(sql, hash, &values));
    else
        TRY(key_table_read(sql, hash, &values));
    TRY(confirm(sql, &values, tenant_id, key, &place));
    *ret_journal = place.journal_id;
    return OK;
}

int ledger_record_refusal(struct ledger *ledger, id_t64 tenant_id, struct str key,
                          struct str body_hash, int error)
{
    struct tenant *tenant;
    uint32_t tenant_index;
    struct key_place place;
    assert(error < 0 && str_present(key));
    TRY(ledger_tenant(ledger, tenant_id, &tenant, &tenant_index));
    TRY(find_key(ledger, tenant_id, key, &place));
    if (place.found)
        return OK;
    struct ledger_refusal_ *refusal = queue_push(&ledger->refusals);
    *refusal = (struct ledger_refusal_){
        .id = id_new(),
        .tenant_id = tenant_id,
        .key = arena_copy(ledger->texts, key),
        .body_hash = arena_copy(ledger->texts, body_hash),
        .error = error,
        .created_at = ledger->now,
    };
    ledger_queue_key(ledger, place.hash, ledger->refusals.count - 1, NO_TRANSFER);
    return OK;
}

/* ---- Many keys at once ---- */

int ledger_prefetch_keys(struct ledger *ledger, const struct journal *journals, size_t count)
{
    size_t hash_count = 0;
    id_t64 *hashes = ARENA_ARRAY(ledger->scratch, id_t64, count);
    for (size_t i = 0; i < count; i++)
        if (str_present(journals[i].key))
            hashes[hash_count++] =
                ledger_key_hash(&ledger->hasher, journals[i].tenant_id, journals[i].key);
    return key_table_prefetch(ledger, hashes, hash_count);
}

/* ---- Replay: what the journal returned the first time ---- */

static void return_row(struct journal *journal, const struct ledger_transfer_ *row)
{
    journal->posted_at = row->posted_at;
    if ((size_t)row->leg >= journal->transfer_count)
        return;
    struct transfer *transfer = &journal->transfers[row->leg];
    transfer->id = row->id;
    transfer->debit_account = row->debit_account;
    transfer->credit_account = row->credit_account;
    transfer->amount = row->amount;
    transfer->debit_balance_after = row->debit_balance;
    transfer->credit_balance_after = row->credit_balance;
}

static int return_stored(struct ledger *ledger, struct journal *journal)
{
    struct arena *arena ARENA_SCOPED = arena_new(NO_TRANSFER);
    struct ledger_transfer_ *rows;
    size_t count;
    TRY(ledger_journal_rows(ledger->sql, arena, journal->tenant_id, journal->id, &rows, &count));
    for (size_t i = 0; i < count; i++)
        return_row(journal, &rows[i]);
    return OK;
}

int ledger_replay_key(struct ledger *ledger, struct journal *journal,
                      const uint8_t body_hash[LEDGER_HASH_SIZE], struct key_place *ret_place)
{
    TRY(find_key(ledger, journal->tenant_id, journal->key, ret_place));
    if (!ret_place->found)
        return OK;
    if (!same_body(ret_place, (struct str){(const char *)body_hash, LEDGER_HASH_SIZE}))
        return ERR_LEDGER_KEY_MISMATCH;
    if (ret_place->error)
        return ret_place->error;
    journal->id = ret_place->journal_id;
    if (ret_place->transfer_index == NO_TRANSFER)
        return return_stored(ledger, journal);
    const struct ledger_transfer_ *rows = queue_at(&ledger->transfers, ret_place->transfer_index);
    for (size_t i = 0; i < (size_t)rows[0].legs; i++)
        return_row(journal, &rows[i]);
    return OK;
}
