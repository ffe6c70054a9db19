/*
 * Idempotency keys. Invariant: a key of a tenant stands for one body and one outcome, for ever: a
 * journal (ledger_journals.key, or still queued) or a recorded refusal (ledger_refusals), never
 * both.
 */
#include "ledger/internal.h"

#include <stdlib.h>

/* Where a key was found. */
struct key_found {
    bool found;
    id_t64 journal_id;
    uint8_t body_hash[LEDGER_HASH_SIZE];
    bool has_body_hash;
    int error;             /* of a refusal */
    size_t transfer_index; /* in the queue; SIZE_MAX: in the table */
};

#define KEY_ROW(F)         \
    F(INTEGER, journal_id) \
    F(BYTES, body_hash)    \
    F(INTEGER, error)
ROW_STRUCT(ledger_key_, KEY_ROW);
#define ROW_SELF struct ledger_key_
ROW_TYPE(ledger_key_, KEY_ROW);
#undef ROW_SELF

/* The same with the key, for many at once. */
#define KEYS_ROW(F)        \
    F(INTEGER, journal_id) \
    F(TEXT, key)           \
    F(BYTES, body_hash)    \
    F(INTEGER, error)
ROW_STRUCT(ledger_keys_, KEYS_ROW);
#define ROW_SELF struct ledger_keys_
ROW_TYPE(ledger_keys_, KEYS_ROW);
#undef ROW_SELF

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

/* FNV-1a; the bytes are compared as well, so a collision costs a comparison and nothing else. */
static uint64_t key_hash(id_t64 tenant_id, struct str key)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)tenant_id;
    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ (uint8_t)key.ptr[i]) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 29;
}

static struct queued_key *queued_key(const struct ledger *ledger, size_t index)
{
    return queue_at(&ledger->keys, index);
}

static uint32_t *bucket_of(const struct ledger *ledger, uint64_t hash)
{
    return &ledger->key_buckets[hash & (ledger->key_bucket_count - 1)];
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

void ledger_queue_key(struct ledger *ledger, size_t journal_index, size_t transfer_index)
{
    if (ledger->keys.count >= ledger->key_bucket_count)
        grow_buckets(ledger);
    const struct ledger_journal_ *said = queue_at(&ledger->journals, journal_index);
    struct queued_key *key = queue_push(&ledger->keys);
    key->hash = key_hash(said->tenant_id, said->key);
    key->journal_index = (uint32_t)journal_index;
    key->transfer_index = (uint32_t)transfer_index;
    uint32_t *bucket = bucket_of(ledger, key->hash);
    key->next = *bucket;
    *bucket = (uint32_t)(ledger->keys.count - 1);
}

/* Last in, first out: the bucket's first is always the one to take away. */
void ledger_unqueue_keys(struct ledger *ledger, size_t journal_count)
{
    while (ledger->keys.count > 0) {
        const struct queued_key *last = queued_key(ledger, ledger->keys.count - 1);
        if (last->journal_index < journal_count)
            break;
        uint32_t *bucket = bucket_of(ledger, last->hash);
        assert(*bucket == ledger->keys.count - 1);
        *bucket = last->next;
        ledger->keys.count--;
    }
}

static bool find_queued(const struct ledger *ledger, id_t64 tenant_id, struct str key,
                        struct key_found *ret_found)
{
    if (ledger->keys.count == 0)
        return false;
    uint64_t hash = key_hash(tenant_id, key);
    for (uint32_t i = *bucket_of(ledger, hash); i != ID_MAP_NONE; i = queued_key(ledger, i)->next) {
        const struct queued_key *candidate = queued_key(ledger, i);
        const struct ledger_journal_ *said = queue_at(&ledger->journals, candidate->journal_index);
        if (candidate->hash != hash || said->tenant_id != tenant_id || !str_eq(said->key, key))
            continue;
        ret_found->found = ret_found->has_body_hash = true;
        ret_found->journal_id = said->id;
        memcpy(ret_found->body_hash, said->body_hash.ptr, LEDGER_HASH_SIZE);
        ret_found->transfer_index = candidate->transfer_index;
        return true;
    }
    return false;
}

static void found_in_table(struct key_found *found, int64_t journal_id, struct str body_hash,
                           int64_t error)
{
    found->found = true;
    found->journal_id = journal_id;
    found->error = (int)error;
    found->has_body_hash = body_hash.len == LEDGER_HASH_SIZE;
    if (found->has_body_hash)
        memcpy(found->body_hash, body_hash.ptr, LEDGER_HASH_SIZE);
}

/* ---- Keys that were looked up together and are in no table ---- */

struct new_key {
    id_t64 tenant_id;
    struct str key;
};

static id_t64 new_key_cell(id_t64 tenant_id, struct str key)
{
    return (id_t64)(key_hash(tenant_id, key) >> 1 | 1);
}

static bool known_to_be_new(const struct ledger *ledger, id_t64 tenant_id, struct str key)
{
    if (ledger->new_keys.count == 0)
        return false;
    uint32_t index = id_map_get(&ledger->new_key_map, new_key_cell(tenant_id, key));
    if (index == ID_MAP_NONE)
        return false;
    const struct new_key *known = queue_at(&ledger->new_keys, index);
    return known->tenant_id == tenant_id && str_eq(known->key, key);
}

void ledger_init_new_keys(struct ledger *ledger)
{
    ledger->new_keys.item_size = sizeof(struct new_key);
}

void ledger_forget_new_keys(struct ledger *ledger)
{
    ledger->new_keys.count = 0;
    id_map_clear(&ledger->new_key_map);
}

/* Where two keys share a cell the later one has it; the other is looked up by itself. */
static void note_new_key(struct ledger *ledger, id_t64 tenant_id, struct str key)
{
    id_map_put(&ledger->new_key_map, new_key_cell(tenant_id, key),
               (uint32_t)ledger->new_keys.count);
    *(struct new_key *)queue_push(&ledger->new_keys) =
        (struct new_key){tenant_id, arena_copy(ledger->texts, key)};
}

/*
 * Many keys in one statement, each in a branch of its own: given a list, PostgreSQL plans for the
 * table as it is at first, empty, and goes on reading all of it when it is large.
 */
#define AT_ONCE 30
#define ONE_KEY                                                                 \
    "SELECT id AS journal_id, key, body_hash, 0 AS error FROM ledger_journals " \
    "WHERE tenant_id = ? AND key = ? UNION ALL "                                \
    "SELECT 0, key, body_hash, error FROM ledger_refusals WHERE tenant_id = ? AND key = ?"
#define AND_ANOTHER " UNION ALL " ONE_KEY
#define AND_FIVE AND_ANOTHER AND_ANOTHER AND_ANOTHER AND_ANOTHER AND_ANOTHER
#define THIRTY_KEYS                                                                             \
    ONE_KEY AND_ANOTHER AND_ANOTHER AND_ANOTHER AND_ANOTHER AND_FIVE AND_FIVE AND_FIVE AND_FIVE \
        AND_FIVE

/* `keys` has AT_ONCE places; the last ones may repeat. */
static int find_known(struct ledger *ledger, id_t64 tenant_id, const struct str *keys,
                      struct ledger_keys_ **ret_rows, size_t *ret_count)
{
    struct sql_value values[4 * AT_ONCE + 1];
    for (size_t i = 0; i < 2 * AT_ONCE; i++) {
        values[2 * i] = sql_int(tenant_id);
        values[2 * i + 1] = sql_text(keys[i / 2]);
    }
    values[4 * AT_ONCE] = (struct sql_value){.kind = SQL_END};
    return sql_all_args(ledger->sql, ledger->scratch, &ledger_keys__row, (void **)ret_rows,
                        ret_count, THIRTY_KEYS, values);
}

static int note_new_keys(struct ledger *ledger, id_t64 tenant_id, const struct str *keys,
                         size_t count)
{
    struct ledger_keys_ *rows;
    size_t row_count;
    struct str padded[AT_ONCE];
    for (size_t i = 0; i < AT_ONCE; i++)
        padded[i] = keys[i < count ? i : count - 1];
    TRY(find_known(ledger, tenant_id, padded, &rows, &row_count));
    for (size_t i = 0; i < count; i++) {
        bool old = false;
        for (size_t j = 0; j < row_count && !old; j++)
            old = str_eq(rows[j].key, keys[i]);
        if (!old)
            note_new_key(ledger, tenant_id, keys[i]);
    }
    return OK;
}

int ledger_prefetch_keys(struct ledger *ledger, const struct journal *journals, size_t count)
{
    struct str keys[AT_ONCE];
    size_t key_count = 0;
    for (size_t i = 0; i < count; i++) {
        bool last_of_tenant = i + 1 == count || journals[i + 1].tenant_id != journals[i].tenant_id;
        if (str_present(journals[i].key))
            keys[key_count++] = journals[i].key;
        if (key_count == AT_ONCE || (key_count > 0 && last_of_tenant)) {
            TRY(note_new_keys(ledger, journals[i].tenant_id, keys, key_count));
            key_count = 0;
        }
    }
    return OK;
}

static int find_key(struct ledger *ledger, id_t64 tenant_id, struct str key,
                    struct key_found *ret_found)
{
    *ret_found = (struct key_found){.transfer_index = SIZE_MAX};
    if (find_queued(ledger, tenant_id, key, ret_found) || known_to_be_new(ledger, tenant_id, key))
        return OK;
    struct ledger_key_ row;
    int error = sql_one(ledger->sql, ledger->scratch, &ledger_key__row, &row,
                        "SELECT id AS journal_id, body_hash, 0 AS error FROM ledger_journals "
                        "WHERE tenant_id = ? AND key = ? UNION ALL "
                        "SELECT 0, body_hash, error FROM ledger_refusals "
                        "WHERE tenant_id = ? AND key = ?",
                        sql_int(tenant_id), sql_text(key), sql_int(tenant_id), sql_text(key));
    if (error == ERR_NOT_FOUND)
        return OK;
    TRY(error);
    found_in_table(ret_found, row.journal_id, row.body_hash, row.error);
    return OK;
}

static bool same_body(const struct key_found *found, struct str body_hash)
{
    return !found->has_body_hash || !str_present(body_hash) ||
           str_eq(body_hash, (struct str){(const char *)found->body_hash, LEDGER_HASH_SIZE});
}

int ledger_find_key(struct ledger *ledger, id_t64 tenant_id, struct str key, struct str body_hash,
                    id_t64 *ret_journal)
{
    struct tenant *tenant;
    uint32_t tenant_index;
    struct key_found found;
    *ret_journal = 0;
    TRY(ledger_tenant(ledger, tenant_id, &tenant, &tenant_index));
    TRY(find_key(ledger, tenant_id, key, &found));
    if (!found.found)
        return OK;
    if (!same_body(&found, body_hash))
        return ERR_LEDGER_KEY_MISMATCH;
    *ret_journal = found.journal_id;
    return found.error;
}

int ledger_record_refusal(struct ledger *ledger, id_t64 tenant_id, struct str key,
                          struct str body_hash, int error)
{
    struct tenant *tenant;
    uint32_t tenant_index;
    struct key_found found;
    assert(error < 0 && str_present(key));
    TRY(ledger_tenant(ledger, tenant_id, &tenant, &tenant_index));
    TRY(find_key(ledger, tenant_id, key, &found));
    if (found.found)
        return OK;
    ledger_forget_new_keys(ledger);
    return sql_run(ledger->sql,
                   "INSERT INTO ledger_refusals (tenant_id, key, body_hash, error, created_at) "
                   "VALUES (?, ?, ?, ?, ?)",
                   sql_int(tenant_id), sql_text(key), sql_bytes(body_hash), sql_int(error),
                   sql_int(ledger->now));
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
                      const uint8_t body_hash[LEDGER_HASH_SIZE], bool *ret_replayed)
{
    struct key_found found;
    TRY(find_key(ledger, journal->tenant_id, journal->key, &found));
    *ret_replayed = found.found;
    if (!found.found)
        return OK;
    if (!same_body(&found, (struct str){(const char *)body_hash, LEDGER_HASH_SIZE}))
        return ERR_LEDGER_KEY_MISMATCH;
    if (found.error)
        return found.error;
    journal->id = found.journal_id;
    if (found.transfer_index == SIZE_MAX)
        return return_stored(ledger, journal);
    const struct ledger_transfer_ *rows = queue_at(&ledger->transfers, found.transfer_index);
    for (size_t i = 0; i < (size_t)rows[0].legs; i++)
        return_row(journal, &rows[i]);
    return OK;
}
