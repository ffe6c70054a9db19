/* Replies kept by key (table idempotency), and the keys of slow operations that are on their way
 * (memory). */
#include "server/idempotency.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>

#include "core/app.h"
#include "store/row.h"
#include "store/sql.h"

/* Kept instead of a status when the reply is not. */
#define STATUS_ONCE 0

#define IDEMPOTENCY_ROW(F)    \
    F(INTEGER, tenant_id)     \
    F(INTEGER, credential_id) \
    F(TEXT, operation)        \
    F(TEXT, idempotency_key)  \
    F(BYTES, request_hash)    \
    F(INTEGER, status)        \
    F(TEXT, reply)            \
    F(SECRET, secret_reply)   \
    F(INTEGER, created_at)
ROW_STRUCT(idempotency, IDEMPOTENCY_ROW);
#define ROW_SELF struct idempotency
ROW_TYPE(idempotency, IDEMPOTENCY_ROW);
#undef ROW_SELF

static void digest_part(EVP_MD_CTX *digest, struct str part)
{
    uint64_t length = part.len;
    EVP_DigestUpdate(digest, &length, sizeof(length));
    if (part.len)
        EVP_DigestUpdate(digest, part.ptr, part.len);
}

void idempotency_hash(struct idempotency_request *request, struct str method, struct str path,
                      struct str query, struct str body)
{
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    if (!digest)
        abort();
    EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
    digest_part(digest, method);
    digest_part(digest, path);
    digest_part(digest, query);
    digest_part(digest, body);
    unsigned size = IDEMPOTENCY_HASH_SIZE;
    EVP_DigestFinal_ex(digest, request->hash, &size);
    EVP_MD_CTX_free(digest);
}

#define FIND_TEXT                                                 \
    ROW_SELECT(IDEMPOTENCY_ROW)                                   \
    " FROM idempotency WHERE tenant_id = ? AND credential_id = ?" \
    " AND operation = ? AND idempotency_key = ?"
#define FIND_ARGS(request)                                            \
    sql_int((request)->tenant_id), sql_int((request)->credential_id), \
        sql_text((request)->operation), sql_text((request)->key)

int idempotency_expect(struct call *c, const struct idempotency_request *request)
{
    return sql_expect(c->sql, FIND_TEXT, FIND_ARGS(request));
}

/* ---- Keys that this transaction kept ---- */

#define KEPT_PLACES 16384 /* twice what a batch can hold */

/* Of the writer thread: which keys the rows are for that wait to be sent. More than there are (of
 * calls that were taken back) does no harm. */
static _Thread_local struct {
    int64_t transaction;
    size_t count;
    uint64_t *places; /* hashes; 0: free */
} kept;

static uint64_t hash_of(const struct idempotency_request *request)
{
    uint64_t hash = (uint64_t)request->credential_id * UINT64_C(0x9E3779B97F4A7C15);
    for (size_t i = 0; i < request->key.len; i++)
        hash = (hash ^ (unsigned char)request->key.ptr[i]) * UINT64_C(0x100000001b3);
    return hash | 1;
}

static uint64_t *place_of(uint64_t hash)
{
    size_t at = (hash >> 20) % KEPT_PLACES;
    while (kept.places[at] && kept.places[at] != hash)
        at = (at + 1) % KEPT_PLACES;
    return &kept.places[at];
}

static bool may_be_kept(const struct call *c, uint64_t hash)
{
    if (kept.transaction != sql_commit_token(c->sql) || !kept.places)
        return false;
    return kept.count >= KEPT_PLACES / 2 || *place_of(hash);
}

static void note_kept(const struct call *c, uint64_t hash)
{
    if (!sql_commit_token(c->sql))
        return; /* SQLite: rows do not wait */
    if (!kept.places && !(kept.places = calloc(KEPT_PLACES, sizeof(*kept.places))))
        abort();
    if (kept.transaction != sql_commit_token(c->sql) && kept.count) {
        memset(kept.places, 0, KEPT_PLACES * sizeof(*kept.places));
        kept.count = 0;
    }
    kept.transaction = sql_commit_token(c->sql);
    if (kept.count < KEPT_PLACES / 2 && !*place_of(hash)) {
        *place_of(hash) = hash;
        kept.count++;
    }
}

int idempotency_find(struct call *c, const struct idempotency_request *request,
                     struct idempotency_reply *ret_reply)
{
    struct idempotency row;
    if (c->ledger && !may_be_kept(c, hash_of(request)))
        TRY(sql_one_expected(c->sql, c->arena, &idempotency_row, &row, FIND_TEXT,
                             FIND_ARGS(request)));
    else
        TRY(sql_one(c->sql, c->arena, &idempotency_row, &row, FIND_TEXT, FIND_ARGS(request)));
    if (row.request_hash.len != IDEMPOTENCY_HASH_SIZE ||
        memcmp(row.request_hash.ptr, request->hash, IDEMPOTENCY_HASH_SIZE) != 0)
        return call_refuse(c, ERR_IDEMPOTENCY_MISMATCH, request->header);
    if (row.status == STATUS_ONCE)
        return call_refuse(c, ERR_IDEMPOTENCY_SECRET, request->header);
    ret_reply->status = (int)row.status;
    ret_reply->secret = str_present(row.secret_reply);
    ret_reply->body = ret_reply->secret ? row.secret_reply : row.reply;
    return OK;
}

int idempotency_keep(struct call *c, const struct idempotency_request *request,
                     const struct idempotency_reply *reply)
{
    struct idempotency row = {
        .tenant_id = request->tenant_id,
        .credential_id = request->credential_id,
        .operation = request->operation,
        .idempotency_key = request->key,
        .request_hash = {(const char *)request->hash, IDEMPOTENCY_HASH_SIZE},
        .status = reply->once ? STATUS_ONCE : reply->status,
        .reply = reply->secret || reply->once ? STR_NONE : reply->body,
        .secret_reply = reply->secret && !reply->once ? reply->body : STR_NONE,
        .created_at = c->now,
    };
    note_kept(c, hash_of(request));
    int error = sql_append(c->sql, "idempotency", &idempotency_row, &row);
    if (error == ERR_STORE_UNIQUE)
        return call_refuse(c, ERR_IDEMPOTENCY_IN_PROGRESS, request->header);
    return error;
}

int idempotency_prune(struct call *c, usec_t before, int64_t limit, int64_t *ret_count)
{
    return sql_change(c->sql, ret_count,
                      "DELETE FROM idempotency WHERE (tenant_id, credential_id, operation,"
                      " idempotency_key) IN (SELECT tenant_id, credential_id, operation,"
                      " idempotency_key FROM idempotency WHERE created_at < ?"
                      " AND operation <> 'fc_ledger_post_account' LIMIT ?)",
                      sql_int(before), sql_int(limit));
}

/* ---- Slow operations on their way ---- */

/* Few at a time (as many as there are workers, plus those that wait), so a list will do. */
struct entered {
    struct entered *next;
    const struct idempotency_request *request; /* of the call's memory: it stays until it leaves */
};

static pthread_mutex_t entered_lock = PTHREAD_MUTEX_INITIALIZER;
static struct entered *entered;

static bool is_same(const struct idempotency_request *a, const struct idempotency_request *b)
{
    return a->tenant_id == b->tenant_id && a->credential_id == b->credential_id &&
           str_eq(a->key, b->key) && str_eq(a->operation, b->operation);
}

bool idempotency_enter(struct arena *arena, const struct idempotency_request *request)
{
    struct entered *mine = ARENA_NEW(arena, struct entered);
    *mine = (struct entered){NULL, request};
    pthread_mutex_lock(&entered_lock);
    struct entered *e = entered;
    while (e && !is_same(e->request, request))
        e = e->next;
    if (!e) {
        mine->next = entered;
        entered = mine;
    }
    pthread_mutex_unlock(&entered_lock);
    return !e;
}

void idempotency_leave(const struct idempotency_request *request)
{
    pthread_mutex_lock(&entered_lock);
    for (struct entered **e = &entered; *e; e = &(*e)->next) {
        if ((*e)->request == request) {
            *e = (*e)->next;
            break;
        }
    }
    pthread_mutex_unlock(&entered_lock);
}
