/*
 * Two hash sets: the current and the one before. When the current one has served its lifetime it
 * becomes the one before, whose digests are forgotten; so each is remembered once to twice the
 * lifetime. The sets grow with need up to a cap, at which they are turned early.
 */
#include "core/identity/replay.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"
#include "core/identity/credentials.h"
#include "core/work.h"
#include "store/row.h"

#define KEY_SIZE 16 /* of the digest's 32 bytes: collisions stay out of reach */
#define FIRST_CAPACITY 1024
#define MAX_CAPACITY (1u << 22)
#define FLUSH_INTERVAL USEC_PER_SEC

#define TOKEN_REPLAY_ROW(F) \
    F(BYTES, digest)        \
    F(INTEGER, expires_at)
ROW_STRUCT(token_replay, TOKEN_REPLAY_ROW);
#define ROW_SELF struct token_replay
ROW_TYPE(token_replay, TOKEN_REPLAY_ROW);
#undef ROW_SELF

struct digest_set {
    uint8_t (*slots)[KEY_SIZE]; /* all zero: empty */
    size_t count, capacity;     /* capacity is a power of two */
};

struct pending {
    uint8_t digest[32];
    usec_t expires_at;
};

struct replay {
    pthread_mutex_t mutex;
    usec_t lifetime;
    usec_t turned_at;
    struct digest_set current, before;
    struct pending *pending;
    size_t pending_count, pending_capacity;
};

struct replay *replay_new(usec_t lifetime)
{
    struct replay *replay = calloc(1, sizeof(*replay));
    if (!replay)
        abort();
    pthread_mutex_init(&replay->mutex, NULL);
    replay->lifetime = lifetime;
    return replay;
}

struct replay *replay_free(struct replay *replay)
{
    if (!replay)
        return NULL;
    free(replay->current.slots);
    free(replay->before.slots);
    free(replay->pending);
    pthread_mutex_destroy(&replay->mutex);
    free(replay);
    return NULL;
}

/* Where the key is, or the empty slot where it belongs. */
static uint8_t *slot_of(const struct digest_set *set, const uint8_t *key)
{
    static const uint8_t empty[KEY_SIZE];
    uint64_t hash;
    memcpy(&hash, key, sizeof(hash));
    size_t at = hash & (set->capacity - 1);
    while (memcmp(set->slots[at], key, KEY_SIZE) != 0 &&
           memcmp(set->slots[at], empty, KEY_SIZE) != 0)
        at = (at + 1) & (set->capacity - 1);
    return set->slots[at];
}

static bool contains(const struct digest_set *set, const uint8_t *key)
{
    return set->capacity && memcmp(slot_of(set, key), key, KEY_SIZE) == 0;
}

static void grow(struct digest_set *set)
{
    struct digest_set larger = {.capacity = set->capacity ? set->capacity * 2 : FIRST_CAPACITY,
                                .count = set->count};
    static const uint8_t empty[KEY_SIZE];
    larger.slots = calloc(larger.capacity, KEY_SIZE);
    if (!larger.slots)
        abort();
    for (size_t i = 0; i < set->capacity; i++)
        if (memcmp(set->slots[i], empty, KEY_SIZE) != 0)
            memcpy(slot_of(&larger, set->slots[i]), set->slots[i], KEY_SIZE);
    free(set->slots);
    *set = larger;
}

static void add(struct replay *replay, const uint8_t *key, usec_t now)
{
    struct digest_set *set = &replay->current;
    bool full = set->count * 2 >= MAX_CAPACITY;
    if (replay->turned_at == 0)
        replay->turned_at = now;
    if (full)
        log_warn("the memory of used nonces is full; the oldest are forgotten early");
    if (full || now - replay->turned_at > replay->lifetime) {
        free(replay->before.slots);
        replay->before = replay->current;
        replay->current = (struct digest_set){0};
        replay->turned_at = now;
    }
    if (set->count * 2 >= set->capacity)
        grow(set);
    memcpy(slot_of(set, key), key, KEY_SIZE);
    set->count++;
}

static void add_pending(struct replay *replay, const uint8_t digest[32], usec_t expires_at)
{
    if (replay->pending_count == replay->pending_capacity) {
        replay->pending_capacity = replay->pending_capacity ? replay->pending_capacity * 2 : 64;
        replay->pending =
            realloc(replay->pending, replay->pending_capacity * sizeof(*replay->pending));
        if (!replay->pending)
            abort();
    }
    struct pending *pending = &replay->pending[replay->pending_count++];
    memcpy(pending->digest, digest, 32);
    pending->expires_at = expires_at;
}

bool replay_first_time(struct replay *replay, const uint8_t digest[32], usec_t now)
{
    pthread_mutex_lock(&replay->mutex);
    bool first = !contains(&replay->current, digest) && !contains(&replay->before, digest);
    if (first) {
        add(replay, digest, now);
        add_pending(replay, digest, now + replay->lifetime);
    }
    pthread_mutex_unlock(&replay->mutex);
    return first;
}

/* ---- The copy in the store ---- */

struct flush {
    const struct token_replay *rows;
    size_t count;
};

static int write_pending(struct call *c, void *argument)
{
    const struct flush *flush = argument;
    for (size_t i = 0; i < flush->count; i++)
        TRY(sql_run(c->sql,
                    "INSERT INTO token_replay (digest, expires_at) VALUES (?, ?)"
                    " ON CONFLICT (digest) DO NOTHING",
                    sql_bytes(flush->rows[i].digest), sql_int(flush->rows[i].expires_at)));
    return sql_run(c->sql, "DELETE FROM token_replay WHERE expires_at < ?", sql_int(c->now));
}

static void flush_job(struct app *app, void *argument)
{
    struct replay *replay = argument;
    struct arena *arena ARENA_SCOPED = arena_new(64 << 20);
    struct flush flush = {0};
    pthread_mutex_lock(&replay->mutex);
    flush.count = replay->pending_count;
    struct token_replay *rows = ARENA_ARRAY(arena, struct token_replay, flush.count + 1);
    for (size_t i = 0; i < flush.count; i++) {
        struct str digest = {(char *)replay->pending[i].digest, 32};
        rows[i].digest = arena_copy(arena, digest);
        rows[i].expires_at = replay->pending[i].expires_at;
    }
    replay->pending_count = 0;
    pthread_mutex_unlock(&replay->mutex);
    flush.rows = rows;
    if (flush.count == 0)
        return;
    struct call c;
    work_call_init(&c, app, arena, 0);
    if (writer_run(&c, write_pending, &flush))
        log_warn("used nonces could not be written down");
}

int replay_start(struct app *app, struct replay *replay)
{
    struct arena *arena ARENA_SCOPED = arena_new(256 << 20);
    struct sql *sql = store_acquire(app->store, false);
    struct token_replay *rows;
    size_t count;
    usec_t now = clock_now();
    int error = sql_all(sql, arena, &token_replay_row, &rows, &count,
                        "SELECT * FROM token_replay WHERE expires_at > ?", sql_int(now));
    store_release(app->store, sql);
    TRY(error);
    for (size_t i = 0; i < count; i++)
        if (rows[i].digest.len >= KEY_SIZE)
            add(replay, (const uint8_t *)rows[i].digest.ptr, now);
    workers_every(app, "nonces", FLUSH_INTERVAL, flush_job, replay);
    return OK;
}

struct replay *replay_of(struct app *app)
{
    return credentials_replay(app->credentials);
}
