/*
 * A slot is a key and the instant up to which its allowance is used. A slot whose instant has
 * passed is as good as free, so keys need no clearing; when all slots a key may use are taken, it
 * shares one (stricter for those two, never more lenient).
 */
#include "server/rate_limit.h"

#include <stdatomic.h>
#include <stdlib.h>

#define SLOT_COUNT ((size_t)16384)
#define PROBES 8

struct slot {
    _Atomic uint64_t key;
    _Atomic int64_t used_until;
};

struct rate_limit {
    usec_t interval;
    usec_t burst;
    struct slot slots[SLOT_COUNT];
};

struct rate_limit *rate_limit_new(int64_t per_second)
{
    struct rate_limit *limit = calloc(1, sizeof(*limit));
    if (!limit)
        abort();
    if (per_second > 0) {
        limit->interval = USEC_PER_SEC / per_second;
        if (limit->interval == 0)
            limit->interval = 1;
        limit->burst = USEC_PER_SEC;
    }
    return limit;
}

struct rate_limit *rate_limit_free(struct rate_limit *limit)
{
    free(limit);
    return NULL;
}

static struct slot *find_slot(struct rate_limit *limit, uint64_t key, usec_t now)
{
    size_t start = (size_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> 40);
    for (size_t i = 0; i < PROBES; i++) {
        struct slot *slot = &limit->slots[(start + i) % SLOT_COUNT];
        if (atomic_load(&slot->key) == key)
            return slot;
    }
    for (size_t i = 0; i < PROBES; i++) {
        struct slot *slot = &limit->slots[(start + i) % SLOT_COUNT];
        uint64_t owner = atomic_load(&slot->key);
        if (atomic_load(&slot->used_until) <= now &&
            atomic_compare_exchange_strong(&slot->key, &owner, key))
            return slot;
    }
    return &limit->slots[start % SLOT_COUNT];
}

usec_t rate_limit_take(struct rate_limit *limit, uint64_t key, usec_t now)
{
    if (!limit->interval)
        return 0;
    struct slot *slot = find_slot(limit, key, now);
    int64_t used_until = atomic_load(&slot->used_until);
    for (;;) {
        int64_t from = used_until > now ? used_until : now;
        int64_t next = from + limit->interval;
        if (next - now > limit->burst)
            return next - now - limit->burst;
        if (atomic_compare_exchange_weak(&slot->used_until, &used_until, next))
            return 0;
    }
}
