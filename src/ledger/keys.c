/*
 * Idempotency keys. Invariant: a key of a tenant stands for one body and one outcome, for ever: a
 * journal (in the table or still queued) or a recorded refusal, never both.
 *
 * A key's place in ledger_keys is an integer made from tenant and key. Whoever looks for a key
 * starts there and goes on from place to place until it finds the key's own text or a free place.
 * Places are never given up, so a free place ends the search for good.
 */
#include "ledger/internal.h"

#include <stdlib.h>

#define TAKEN_ROW(F)       \
    F(INTEGER, tenant_id)  \
    F(INTEGER, journal_id) \
    F(TEXT, key)           \
    F(BYTES, body_hash)    \
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

static uint32_t *bucket_of(const struct ledger *ledger, id_t64 id)
{
    return &ledger->key_buckets[(uint64_t)id & (ledger->key_bucket_count - 1)];
}

static void grow_buckets(struct ledger *ledger)
{
    ledger->key_bucket_count = ledger->key_bucket_count ? ledger->key_bucket_count * 2 : 256;
    ledger->key_buckets =
        must(realloc(ledger->key_buckets, ledger->key_bucket_count * sizeof(uint32_t)));
    for (size_t i = 0; i < ledger->key_bucket_count; i++)
        ledger->key_buckets[i] = ID_MAP_NONE;
    for (size_t i = 0; i < ledger->keys.count; i++) {
        uint32_t *bucket = bucket_of(ledger, queued_key(ledger, i)->id);
        queued_key(ledger, i)->next = *bucket;
        *bucket = (uint32_t)i;
    }
}

void ledger_queue_key(struct ledger *ledger, id_t64 id, size_t journal_index, size_t transfer_index)
{
    if (ledger->keys.count >= ledger->key_bucket_count)
        grow_buckets(ledger);
    uint32_t *bucket = bucket_of(ledger, id);
    struct queued_key *key = queue_push(&ledger->keys);
    *key = (struct queued_key){.id = id,
                               .next = *bucket,
                               .journal_index = (uint32_t)journal_index,
                               .transfer_index = (uint32_t)transfer_index};
    *bucket = (uint32_t)(ledger->keys.count - 1);
}

/* Last in, first out: the bucket's first is always the one to take away. */
void ledger_unqueue_keys(struct ledger *ledger, size_t journal_count)
{
    while (ledger->keys.count > 0) {
        const struct queued_key *last = queued_key(ledger, ledger->keys.count - 1);
        if (last->journal_index < journal_count)
            break;
        uint32_t *bucket = bucket_of(ledger, last->id);
        assert(*bucket == ledger->keys.count - 1);
        *bucket = last->next;
        ledger->keys.count--;
    }
}

static const struct queued_key *find_queued(const struct ledger *ledger, id_t64 id)
{
    if (ledger->keys.count == 0)
        return NULL;
    for (uint32_t i = *bucket_of(ledger, id); i != ID_MAP_NONE; i = queued_key(ledger, i)->next)
        if (queued_key(ledger, i)->id == id)
            return queued_key(ledger, i);
    return NULL;
}

/* In order of id, as they lie in the table. */
int ledger_flush_keys(struct ledger *ledger)
{
    size_t count = ledger->keys.count;
    if (count == 0)
        return OK;
    struct ledger_key_ *rows = ARENA_ARRAY(ledger->scratch, struct ledger_key_, count);
    for (size_t i = 0; i < count; i++) {
        const struct queued_key *key = queued_key(ledger, i);
        const struct ledger_journal_ *said = queue_at(&ledger->journals, key->journal_index);
        rows[i] = (struct ledger_key_){
            .id = key->id, .tenant_id = said->tenant_id, .journal_id = said->id};
    }
    qsort(rows, count, sizeof(*rows), ledger_compare_ids);
    return sql_insert_many(ledger->sql, "ledger_keys", &ledger_key__row, rows, count);
}

/* ---- The search ---- */

static void note_body(struct key_place *place, struct str body_hash)
{
    place->has_body_hash = body_hash.len == LEDGER_HASH_SIZE;
    if (place->has_body_hash)
        memcpy(place->body_hash, body_hash.ptr, LEDGER_HASH_SIZE);
}

static int read_taken(struct sql *sql, struct arena *arena, id_t64 id,
                      struct ledger_taken_ *ret_taken)
{
    return sql_one(sql, arena, &ledger_taken__row, ret_taken,
                   "SELECT k.tenant_id, k.journal_id, COALESCE(j.key, r.key) AS key, "
                   "COALESCE(j.body_hash, r.body_hash) AS body_hash, r.error "
                   "FROM ledger_keys k LEFT JOIN ledger_journals j ON j.id = k.journal_id "
                   "LEFT JOIN ledger_refusals r ON r.id = k.id AND k.journal_id = 0 "
                   "WHERE k.id = ?",
                   sql_int(id));
}

static bool is_free(const struct ledger *ledger, id_t64 id)
{
    return id_map_get(&ledger->free_keys, id) != ID_MAP_NONE;
}

/* Is the place taken, and by this very key? */
static int look_at(struct ledger *ledger, id_t64 tenant_id, struct str key, struct key_place *place,
                   bool *ret_taken)
{
    const struct queued_key *queued = find_queued(ledger, place->id);
    *ret_taken = true;
    if (queued) {
        const struct ledger_journal_ *said = queue_at(&ledger->journals, queued->journal_index);
        place->found = said->tenant_id == tenant_id && str_eq(said->key, key);
        place->journal_id = said->id;
        place->transfer_index = queued->transfer_index;
        note_body(place, said->body_hash);
        return OK;
    }
    *ret_taken = false;
    if (is_free(ledger, place->id))
        return OK;
    struct ledger_taken_ row;
    int error = read_taken(ledger->sql, ledger->scratch, place->id, &row);
    if (error == ERR_NOT_FOUND)
        return OK;
    TRY(error);
    *ret_taken = true;
    place->found = row.tenant_id == tenant_id && str_eq(row.key, key);
    place->journal_id = row.journal_id;
    place->error = (int)row.error;
    note_body(place, row.body_hash);
    return OK;
}

static int find_key(struct ledger *ledger, id_t64 tenant_id, struct str key,
                    struct key_place *ret_place)
{
    id_t64 id = ledger_key_id(tenant_id, key);
    for (;; id = ledger_next_key_id(id)) {
        bool taken;
        *ret_place = (struct key_place){.id = id, .transfer_index = SIZE_MAX};
        TRY(look_at(ledger, tenant_id, key, ret_place, &taken));
        if (!taken || ret_place->found)
            return OK;
    }
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
    id_t64 id = ledger_key_id(tenant_id, key);
    for (;; id = ledger_next_key_id(id)) {
        struct ledger_taken_ row;
        int error = read_taken(sql, arena, id, &row);
        *ret_journal = 0;
        if (error == ERR_NOT_FOUND)
            return OK;
        TRY(error);
        *ret_journal = row.journal_id;
        if (row.tenant_id == tenant_id && str_eq(row.key, key))
            return OK;
    }
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
    id_map_clear(&ledger->free_keys);
    const struct ledger_key_ row = {.id = place.id, .tenant_id = tenant_id};
    const struct ledger_refusal_ refusal = {
        .id = place.id,
        .tenant_id = tenant_id,
        .key = key,
        .body_hash = body_hash,
        .error = error,
        .created_at = ledger->now,
    };
    TRY(sql_insert(ledger->sql, "ledger_keys", &ledger_key__row, &row));
    return sql_insert(ledger->sql, "ledger_refusals", &ledger_refusal__row, &refusal);
}

/* ---- Many keys at once ---- */

int ledger_prefetch_keys(struct ledger *ledger, const struct journal *journals, size_t count)
{
    struct ledger_key_ *taken;
    struct id_map taken_ids = {0};
    size_t id_count = 0, taken_count;
    id_t64 *ids = ARENA_ARRAY(ledger->scratch, id_t64, count);
    for (size_t i = 0; i < count; i++)
        if (str_present(journals[i].key))
            ids[id_count++] = ledger_key_id(journals[i].tenant_id, journals[i].key);
    if (id_count == 0)
        return OK;
    TRY(sql_find_many(ledger->sql, ledger->scratch, "ledger_keys", &ledger_key__row, ids, id_count,
                      false, (void **)&taken, &taken_count));
    for (size_t i = 0; i < taken_count; i++)
        id_map_put(&taken_ids, taken[i].id, 0);
    for (size_t i = 0; i < id_count; i++)
        if (id_map_get(&taken_ids, ids[i]) == ID_MAP_NONE)
            id_map_put(&ledger->free_keys, ids[i], 0);
    id_map_free(&taken_ids);
    return OK;
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
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
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
    if (ret_place->transfer_index == SIZE_MAX)
        return return_stored(ledger, journal);
    const struct ledger_transfer_ *rows = queue_at(&ledger->transfers, ret_place->transfer_index);
    for (size_t i = 0; i < (size_t)rows[0].legs; i++)
        return_row(journal, &rows[i]);
    return OK;
}
