/*
 * Invariant: a batch knows the last sequence and hash of the tenants it wrote to only while it is
 * the chains' sole writer (SQLite). With PostgreSQL other processes may write, so chain ends are
 * read again in every transaction, under the tenant's lock.
 */
#include "core/audit/audit.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "store/query.h"

#define HASH_SIZE 32
#define ARENA_CAP ((size_t)64 * 1024 * 1024)
#define MAX_CHAINS 8192 /* above batch_limit */

#define ROW_SELF struct audit
ROW_TYPE(audit, AUDIT_ROW);
#undef ROW_SELF

/* Where a tenant's chain ends. */
struct chain {
    id_t64 tenant_id;
    int64_t sequence;
    uint8_t hash[HASH_SIZE];
};

struct audit_batch {
    struct arena *arena; /* of the transaction */
    struct audit *entries;
    size_t count, capacity;
    struct chain chains[MAX_CHAINS];
    size_t chain_count;
    EVP_MD_CTX *digest;
};

struct audit_batch *audit_batch_new(void)
{
    struct audit_batch *batch = calloc(1, sizeof(*batch));
    if (!batch)
        abort();
    batch->arena = arena_new(ARENA_CAP);
    batch->digest = EVP_MD_CTX_new();
    if (!batch->digest)
        abort();
    return batch;
}

struct audit_batch *audit_batch_free(struct audit_batch *batch)
{
    if (batch) {
        EVP_MD_CTX_free(batch->digest);
        arena_free(batch->arena);
        free(batch->entries);
        free(batch);
    }
    return NULL;
}

void audit_begin(struct audit_batch *batch)
{
    arena_reset(batch->arena);
    batch->count = 0;
}

size_t audit_mark(const struct audit_batch *batch)
{
    return batch->count;
}

void audit_rewind(struct audit_batch *batch, size_t mark)
{
    batch->count = mark;
}

void audit_add(struct audit_batch *batch, const struct audit *entry)
{
    if (batch->count == batch->capacity) {
        batch->capacity = batch->capacity ? batch->capacity * 2 : 64;
        batch->entries = reallocarray(batch->entries, batch->capacity, sizeof(struct audit));
        if (!batch->entries)
            abort();
    }
    struct audit *copy = &batch->entries[batch->count++];
    *copy = *entry;
    copy->operation = arena_copy(batch->arena, entry->operation);
    copy->subject = arena_copy(batch->arena, entry->subject);
    copy->request_id = arena_copy(batch->arena, entry->request_id);
    copy->request = arena_copy(batch->arena, entry->request);
    copy->outcome = arena_copy(batch->arena, entry->outcome);
}

static void digest_integer(EVP_MD_CTX *digest, int64_t value)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)value >> (56 - 8 * i));
    EVP_DigestUpdate(digest, bytes, sizeof(bytes));
}

/* Length first (-1: absent), so that no two entries read the same. */
static void digest_text(EVP_MD_CTX *digest, struct str text)
{
    digest_integer(digest, str_present(text) ? (int64_t)text.len : -1);
    if (text.len)
        EVP_DigestUpdate(digest, text.ptr, text.len);
}

static void chain_hash(EVP_MD_CTX *digest, const uint8_t before[HASH_SIZE],
                       const struct audit *entry, uint8_t ret_hash[HASH_SIZE])
{
    EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
    EVP_DigestUpdate(digest, before, HASH_SIZE);
    digest_integer(digest, entry->tenant_id);
    digest_integer(digest, entry->sequence);
    digest_integer(digest, entry->at);
    digest_integer(digest, entry->user_id);
    digest_integer(digest, entry->credential_id);
    digest_text(digest, entry->operation);
    digest_text(digest, entry->subject);
    digest_text(digest, entry->request_id);
    digest_text(digest, entry->request);
    digest_text(digest, entry->outcome);
    unsigned size = HASH_SIZE;
    EVP_DigestFinal_ex(digest, ret_hash, &size);
}

#define CHAIN_END \
    ROW_SELECT(AUDIT_ROW) " FROM audit WHERE tenant_id = ? ORDER BY sequence DESC LIMIT 1"

int audit_expect(struct sql *sql, id_t64 tenant_id)
{
    return sql_expect(sql, CHAIN_END, sql_int(tenant_id));
}

static int load_chain(struct audit_batch *batch, struct sql *sql, struct chain *chain)
{
    struct audit last;
    int error = sql_one(sql, batch->arena, &audit_row, &last, CHAIN_END, sql_int(chain->tenant_id));
    if (error == ERR_NOT_FOUND)
        return OK;
    if (error)
        return error;
    chain->sequence = last.sequence;
    if (last.hash.len == HASH_SIZE)
        memcpy(chain->hash, last.hash.ptr, HASH_SIZE);
    return OK;
}

static int find_chain(struct audit_batch *batch, struct sql *sql, id_t64 tenant_id,
                      struct chain **ret_chain)
{
    for (size_t i = 0; i < batch->chain_count; i++) {
        if (batch->chains[i].tenant_id == tenant_id) {
            *ret_chain = &batch->chains[i];
            return OK;
        }
    }
    /* A batch has no more entries than this array has room: older chains are loaded again when
     * needed. */
    if (batch->chain_count == MAX_CHAINS)
        batch->chain_count = 0;
    struct chain *chain = &batch->chains[batch->chain_count];
    *chain = (struct chain){.tenant_id = tenant_id};
    TRY(load_chain(batch, sql, chain));
    batch->chain_count++;
    *ret_chain = chain;
    return OK;
}

int audit_flush(struct audit_batch *batch, struct sql *sql)
{
    if (!batch->count)
        return OK;
    assert(batch->count <= MAX_CHAINS);
    if (sql_engine(sql) != STORE_SQLITE || batch->chain_count + batch->count > MAX_CHAINS)
        batch->chain_count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct audit *entry = &batch->entries[i];
        struct chain *chain;
        TRY(find_chain(batch, sql, entry->tenant_id, &chain));
        entry->sequence = ++chain->sequence;
        chain_hash(batch->digest, chain->hash, entry, chain->hash);
        entry->hash = arena_copy(batch->arena, (struct str){(char *)chain->hash, HASH_SIZE});
    }
    int error = sql_insert_many(sql, "audit", &audit_row, batch->entries, batch->count);
    return error == ERR_STORE_UNIQUE ? ERR_STORE_RETRY : error;
}

void audit_end(struct audit_batch *batch, bool committed)
{
    if (!committed)
        batch->chain_count = 0;
    batch->count = 0;
}

struct verification {
    EVP_MD_CTX *digest;
    struct arena *arena;
    id_t64 tenant_id;
    int64_t sequence;
    uint8_t hash[HASH_SIZE];
    int64_t entries;
    struct str why;
};

static int verify_entry(void *context, const void *row, struct arena *row_arena)
{
    (void)row_arena;
    struct verification *v = context;
    const struct audit *entry = row;
    if (entry->tenant_id != v->tenant_id) {
        v->tenant_id = entry->tenant_id;
        v->sequence = 0;
        memset(v->hash, 0, sizeof(v->hash));
    }
    uint8_t expected[HASH_SIZE];
    chain_hash(v->digest, v->hash, entry, expected);
    bool in_order = entry->sequence == v->sequence + 1;
    bool same = entry->hash.len == HASH_SIZE && memcmp(entry->hash.ptr, expected, HASH_SIZE) == 0;
    if (!in_order || !same) {
        v->why = arena_printf(v->arena, "audit entry %lld of tenant %lld %s",
                              (long long)entry->sequence, (long long)entry->tenant_id,
                              in_order ? "does not match its hash" : "follows a gap");
        return ERR_INVALID;
    }
    v->sequence = entry->sequence;
    memcpy(v->hash, expected, HASH_SIZE);
    v->entries++;
    return OK;
}

int audit_verify(struct sql *sql, struct arena *arena, int64_t *ret_entries, struct str *ret_why)
{
    struct verification v = {.digest = EVP_MD_CTX_new(), .arena = arena};
    if (!v.digest)
        abort();
    int error = sql_each(sql, &audit_row, verify_entry, &v,
                         ROW_SELECT(AUDIT_ROW) " FROM audit ORDER BY tenant_id, sequence");
    EVP_MD_CTX_free(v.digest);
    *ret_entries = v.entries;
    *ret_why = v.why;
    return error;
}

/* "/<record>" at the end of the path or before a slash; what LIKE reads as a wildcard stands for
 * itself. */
static void and_record(struct query *query, struct arena *arena, struct str record)
{
    if (!str_present(record))
        return;
    struct buf pattern = buf_new(arena, record.len + 8);
    buf_add_cstr(&pattern, "%/");
    for (size_t i = 0; i < record.len; i++) {
        if (strchr("%_!", record.ptr[i]))
            buf_add_char(&pattern, '!');
        buf_add_char(&pattern, record.ptr[i]);
    }
    buf_add_cstr(&pattern, "/%");
    query_and(query, "subject || '/' LIKE ? ESCAPE '!'", sql_text(buf_str(&pattern)));
}

int audit_list(struct call *c, const struct audit_filter *filter, const struct page *page,
               struct audit **ret_entries, size_t *ret_count)
{
    struct query query =
        query_new(c->arena, ROW_SELECT(AUDIT_ROW) " FROM audit WHERE tenant_id = ?");
    query_bind(&query, sql_int(c->principal.tenant_id));
    query_and_text(&query, "operation = ?", filter->operation);
    query_and_id(&query, "user_id = ?", filter->user_id);
    query_and_id(&query, "at >= ?", filter->from);
    query_and_id(&query, "at < ?", filter->to);
    and_record(&query, c->arena, filter->record);
    query_and(&query, "sequence < ?", sql_int(page->before));
    query_add(&query, " ORDER BY sequence DESC LIMIT ?");
    query_bind(&query, sql_int(page->limit + 1));
    return sql_all_args(c->sql, c->arena, &audit_row, (void **)ret_entries, ret_count,
                        query_text(&query), query.args);
}
