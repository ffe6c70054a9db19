/*
 * The list of key pairs only grows while the process runs; it is guarded by one mutex, which is
 * held neither while a pair is made nor while it is written. Two processes on one database may both
 * make a first pair: the one stored first wins.
 */
#include "core/identity/keys.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/digest.h"
#include "base/log.h"
#include "core/work.h"
#include "store/row.h"
#include "store/sql.h"

#define RETIRED_FOR USEC_PER_DAY
#define RELOAD_INTERVAL (5 * USEC_PER_SEC)

static const char *const purpose_names[KEY_PURPOSE_COUNT] = {"token", "envelope", "fields"};

#define KEY_PAIR_ROW(F)    \
    F(INTEGER, id)         \
    F(INTEGER, tenant_id)  \
    F(TEXT, purpose)       \
    F(TEXT, kid)           \
    F(SECRET, private_der) \
    F(INTEGER, created_at) \
    F(INTEGER, retired_at)
ROW_STRUCT(stored_key_pair, KEY_PAIR_ROW);
#define ROW_SELF struct stored_key_pair
ROW_TYPE(stored_key_pair, KEY_PAIR_ROW);
#undef ROW_SELF

struct keys {
    pthread_mutex_t mutex;
    pthread_cond_t made;
    bool making;
    usec_t reloaded_at; /* monotonic */
    struct arena *arena;
    struct key_pair **pairs;
    size_t count, capacity;
};

static struct key_pair *find_by_id(struct keys *keys, id_t64 id)
{
    for (size_t i = 0; i < keys->count; i++)
        if (keys->pairs[i]->id == id)
            return keys->pairs[i];
    return NULL;
}

/* With the mutex held. */
static void remember(struct keys *keys, const struct stored_key_pair *stored)
{
    struct key_pair *pair = find_by_id(keys, stored->id);
    if (pair) {
        pair->retired_at = stored->retired_at;
        return;
    }
    struct rsa_key *rsa = rsa_from_private_der(stored->private_der);
    if (!rsa) {
        log_error("a stored key pair cannot be read", LOG_INT("key_pair", stored->id));
        return;
    }
    pair = ARENA_NEW(keys->arena, struct key_pair);
    pair->id = stored->id;
    pair->tenant_id = stored->tenant_id;
    for (size_t i = 0; i < KEY_PURPOSE_COUNT; i++)
        if (str_is(stored->purpose, purpose_names[i]))
            pair->purpose = (enum key_purpose)i;
    pair->kid = arena_copy(keys->arena, stored->kid);
    pair->rsa = rsa;
    pair->created_at = stored->created_at;
    pair->retired_at = stored->retired_at;
    if (keys->count == keys->capacity) {
        keys->capacity = keys->capacity ? keys->capacity * 2 : 8;
        keys->pairs = realloc(keys->pairs, keys->capacity * sizeof(struct key_pair *));
        if (!keys->pairs)
            abort();
    }
    keys->pairs[keys->count++] = pair;
}

static int load(struct keys *keys, struct sql *sql)
{
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    struct stored_key_pair *rows;
    size_t count;
    TRY(sql_all(sql, arena, &stored_key_pair_row, &rows, &count,
                "SELECT * FROM key_pair WHERE retired_at = 0 OR retired_at > ? ORDER BY id",
                sql_int(clock_now() - RETIRED_FOR)));
    pthread_mutex_lock(&keys->mutex);
    for (size_t i = 0; i < count; i++)
        remember(keys, &rows[i]);
    keys->reloaded_at = clock_monotonic();
    pthread_mutex_unlock(&keys->mutex);
    return OK;
}

static int load_from_store(struct app *app, struct keys *keys)
{
    struct sql *sql = store_acquire(app->store, false);
    int error = load(keys, sql);
    store_release(app->store, sql);
    return error;
}

int keys_open(struct app *app, struct keys **ret_keys)
{
    struct keys *keys = calloc(1, sizeof(*keys));
    if (!keys)
        abort();
    pthread_mutex_init(&keys->mutex, NULL);
    pthread_cond_init(&keys->made, NULL);
    keys->arena = arena_new(16 << 20);
    int error = load_from_store(app, keys);
    *ret_keys = error ? keys_close(keys) : keys;
    return error;
}

struct keys *keys_close(struct keys *keys)
{
    if (!keys)
        return NULL;
    for (size_t i = 0; i < keys->count; i++)
        rsa_free(keys->pairs[i]->rsa);
    free(keys->pairs);
    arena_free(keys->arena);
    pthread_cond_destroy(&keys->made);
    pthread_mutex_destroy(&keys->mutex);
    free(keys);
    return NULL;
}

/* With the mutex held. Retired pairs older than a day do not count. */
static const struct key_pair *newest(struct keys *keys, enum key_purpose purpose, id_t64 tenant_id,
                                     bool retired)
{
    const struct key_pair *best = NULL;
    usec_t oldest = clock_now() - RETIRED_FOR;
    for (size_t i = 0; i < keys->count; i++) {
        const struct key_pair *pair = keys->pairs[i];
        bool fits = pair->purpose == purpose && pair->tenant_id == tenant_id &&
                    (retired ? pair->retired_at > oldest : pair->retired_at == 0);
        if (fits && (!best || pair->id > best->id))
            best = pair;
    }
    return best;
}

/* A fresh pair, ready to be stored. */
static struct stored_key_pair new_pair(struct arena *arena, enum key_purpose purpose,
                                       id_t64 tenant_id)
{
    struct rsa_key *rsa = rsa_generate(2048);
    struct stored_key_pair made = {
        .id = id_new(),
        .tenant_id = tenant_id,
        .purpose = str_from(purpose_names[purpose]),
        .kid = random_hex(arena, 12),
        .private_der = rsa_private_der(arena, rsa),
        .created_at = clock_now(),
    };
    rsa_free(rsa);
    return made;
}

static void wipe_pair(const struct stored_key_pair *made)
{
    crypto_wipe((void *)(uintptr_t)made->private_der.ptr, made->private_der.len);
}

/* In the writer: another process may have been first. */
static int store_first_pair(struct call *c, void *argument)
{
    const struct stored_key_pair *made = argument;
    int64_t count = 0;
    TRY(sql_integer(c->sql, &count,
                    "SELECT COUNT(*) FROM key_pair WHERE purpose = ? AND tenant_id = ?"
                    " AND retired_at = 0",
                    sql_text(made->purpose), sql_int(made->tenant_id)));
    return count > 0 ? OK : sql_insert(c->sql, "key_pair", &stored_key_pair_row, made);
}

static int make_pair(struct app *app, enum key_purpose purpose, id_t64 tenant_id)
{
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    struct stored_key_pair made = new_pair(arena, purpose, tenant_id);
    struct call c;
    work_call_init(&c, app, arena, tenant_id);
    int error = writer_run(&c, store_first_pair, &made);
    wipe_pair(&made);
    return error ? error : load_from_store(app, app->keys);
}

int keys_current(struct app *app, enum key_purpose purpose, id_t64 tenant_id,
                 const struct key_pair **ret_pair)
{
    struct keys *keys = app->keys;
    pthread_mutex_lock(&keys->mutex);
    while (!(*ret_pair = newest(keys, purpose, tenant_id, false))) {
        if (keys->making) {
            pthread_cond_wait(&keys->made, &keys->mutex);
            continue;
        }
        keys->making = true;
        pthread_mutex_unlock(&keys->mutex);
        int error = make_pair(app, purpose, tenant_id);
        pthread_mutex_lock(&keys->mutex);
        keys->making = false;
        pthread_cond_broadcast(&keys->made);
        if (error) {
            pthread_mutex_unlock(&keys->mutex);
            return error;
        }
    }
    pthread_mutex_unlock(&keys->mutex);
    return OK;
}

const struct key_pair *keys_previous(struct app *app, enum key_purpose purpose, id_t64 tenant_id)
{
    pthread_mutex_lock(&app->keys->mutex);
    const struct key_pair *pair = newest(app->keys, purpose, tenant_id, true);
    pthread_mutex_unlock(&app->keys->mutex);
    return pair;
}

static const struct key_pair *find_kid(struct keys *keys, struct str kid)
{
    usec_t oldest = clock_now() - RETIRED_FOR;
    for (size_t i = 0; i < keys->count; i++) {
        const struct key_pair *pair = keys->pairs[i];
        if (pair->purpose == KEY_TOKEN && str_eq(pair->kid, kid) &&
            (pair->retired_at == 0 || pair->retired_at > oldest))
            return pair;
    }
    return NULL;
}

/* A kid we do not know may have been made by another process on the same database. */
const struct key_pair *keys_find(struct app *app, struct str kid)
{
    struct keys *keys = app->keys;
    pthread_mutex_lock(&keys->mutex);
    const struct key_pair *pair = find_kid(keys, kid);
    bool reload = !pair && clock_monotonic() - keys->reloaded_at > RELOAD_INTERVAL;
    pthread_mutex_unlock(&keys->mutex);
    if (!reload || load_from_store(app, keys))
        return pair;
    pthread_mutex_lock(&keys->mutex);
    pair = find_kid(keys, kid);
    pthread_mutex_unlock(&keys->mutex);
    return pair;
}

bool key_purpose_find(struct str name, enum key_purpose *ret_purpose)
{
    for (size_t i = 0; i < KEY_PURPOSE_COUNT; i++)
        if (str_is(name, purpose_names[i])) {
            *ret_purpose = (enum key_purpose)i;
            return true;
        }
    return false;
}

int keys_replace(struct call *c, enum key_purpose purpose, id_t64 tenant_id, struct str *ret_kid)
{
    struct stored_key_pair made = new_pair(c->arena, purpose, tenant_id);
    *ret_kid = made.kid;
    int error = sql_run(c->sql,
                        "UPDATE key_pair SET retired_at = ? WHERE purpose = ? AND tenant_id = ?"
                        " AND retired_at = 0",
                        sql_int(c->now), sql_text(made.purpose), sql_int(tenant_id));
    if (!error)
        error = sql_insert(c->sql, "key_pair", &stored_key_pair_row, &made);
    wipe_pair(&made);
    return error;
}

struct str keys_jwks(struct app *app, struct arena *arena)
{
    struct keys *keys = app->keys;
    struct buf out = buf_new(arena, 1024);
    usec_t oldest = clock_now() - RETIRED_FOR;
    const char *separator = "";
    buf_add_cstr(&out, "{\"keys\":[");
    pthread_mutex_lock(&keys->mutex);
    for (size_t i = 0; i < keys->count; i++) {
        const struct key_pair *pair = keys->pairs[i];
        if (pair->purpose != KEY_TOKEN || (pair->retired_at && pair->retired_at <= oldest))
            continue;
        struct str n = base64url_print(arena, rsa_modulus(arena, pair->rsa));
        struct str e = base64url_print(arena, rsa_exponent(arena, pair->rsa));
        buf_printf(&out,
                   "%s{\"alg\":\"RS256\",\"e\":\"%.*s\",\"kid\":\"%.*s\",\"kty\":\"RSA\","
                   "\"n\":\"%.*s\",\"use\":\"sig\"}",
                   separator, STR_FMT(e), STR_FMT(pair->kid), STR_FMT(n));
        separator = ",";
    }
    pthread_mutex_unlock(&keys->mutex);
    buf_add_cstr(&out, "]}");
    return buf_str(&out);
}

void keys_warm(struct app *app, void *unused)
{
    (void)unused;
    const struct key_pair *pair;
    if (keys_current(app, KEY_TOKEN, 0, &pair) || keys_current(app, KEY_ENVELOPE, 0, &pair))
        log_error("key pairs could not be made; they will be when they are needed");
}
