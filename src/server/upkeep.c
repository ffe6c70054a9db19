/*
 * Periodic jobs. They look over a read connection whether there is anything to do and change things in
 * the writer, a slice at a time, so that calls in between do not wait.
 *
 * Holds are released in their own tenant's turn, which on PostgreSQL is one writer's. What is pruned is
 * finished and nobody's money: the ledger and the audit trail are kept for good.
 */
#include "server/upkeep.h"

#include <malloc.h>

#include "base/config.h"
#include "base/log.h"
#include "core/message/message.h"
#include "core/provider/providers.h"
#include "core/webhook/webhook.h"
#include "core/work.h"
#include "ledger/ledger.h"
#include "server/idempotency.h"

#define EXPIRY_INTERVAL USEC_PER_SEC
#define EXPIRY_SLICE 256
#define PRUNE_INTERVAL (10 * USEC_PER_MINUTE)
#define PRUNE_SLICE 1000
#define TRIM_INTERVAL USEC_PER_MINUTE
#define ARENA_SIZE ((size_t)1 << 20)

/* ---- Holds ---- */

static int expire_slice(struct call *c, void *argument)
{
    return ledger_expire(c->ledger, c->principal.tenant_id, EXPIRY_SLICE, argument);
}

static void expire_tenant(struct app *app, id_t64 tenant_id)
{
    size_t expired;
    do {
        struct arena *arena ARENA_SCOPED = arena_new(ARENA_SIZE);
        struct call c;
        work_call_init(&c, app, arena, tenant_id);
        int error = writer_run(&c, expire_slice, &expired);
        if (error) {
            log_error("holds could not be released", LOG_INT("tenant", tenant_id),
                      LOG_CSTR("error", error_name(error)));
            return;
        }
        if (expired)
            log_info("holds ran out of time", LOG_INT("tenant", tenant_id),
                     LOG_INT("holds", (int64_t)expired));
    } while (expired == EXPIRY_SLICE);
}

static void expire_holds(struct app *app, void *unused)
{
    (void)unused;
    struct arena *arena ARENA_SCOPED = arena_new(ARENA_SIZE);
    id_t64 *tenants;
    size_t count;
    if (ledger_tenants_to_expire(work_read_connection(app), arena, clock_now(), &tenants, &count))
        return;
    for (size_t i = 0; i < count; i++)
        expire_tenant(app, tenants[i]);
}

/* ---- Pruning ---- */

typedef int prune_function(struct call *c, usec_t before, int64_t limit, int64_t *ret_count);

struct slice {
    prune_function *prune;
    usec_t before;
    int64_t count;
};

static int prune_slice(struct call *c, void *argument)
{
    struct slice *slice = argument;
    return slice->prune(c, slice->before, PRUNE_SLICE, &slice->count);
}

static void prune(struct app *app, const char *what, prune_function *function, usec_t age)
{
    struct slice slice = {.prune = function, .before = clock_now() - age};
    int64_t pruned = 0;
    do {
        struct arena *arena ARENA_SCOPED = arena_new(ARENA_SIZE);
        struct call c;
        work_call_init(&c, app, arena, 0);
        slice.count = 0;
        if (writer_run(&c, prune_slice, &slice))
            return; /* next time */
        pruned += slice.count;
    } while (slice.count == PRUNE_SLICE);
    if (pruned)
        log_info("pruned", LOG_CSTR("what", what), LOG_INT("rows", pruned));
}

static void prune_all(struct app *app, void *unused)
{
    (void)unused;
    const struct config *config = app->config;
    prune(app, "idempotency keys", idempotency_prune, config->idempotency_hours * USEC_PER_HOUR);
    prune(app, "messages", message_prune, config->message_days * USEC_PER_DAY);
    /* Deliveries first: an event stays as long as one of them tells of it. */
    prune(app, "webhook deliveries", webhook_prune_deliveries, config->webhook_days * USEC_PER_DAY);
    prune(app, "webhook events", webhook_prune_events, config->webhook_days * USEC_PER_DAY);
    prune(app, "provider events", provider_prune_events,
          config->provider_event_days * USEC_PER_DAY);
}

/* ---- Memory ---- */

/* What a burst of large requests took lies scattered in malloc's heaps, which give none of it back by
 * themselves. */
static void give_memory_back(struct app *app, void *unused)
{
    (void)app;
    (void)unused;
    malloc_trim(0);
}

void upkeep_start(struct app *app)
{
    workers_every(app, "expiry", EXPIRY_INTERVAL, expire_holds, NULL);
    workers_every(app, "prune", PRUNE_INTERVAL, prune_all, NULL);
    workers_every(app, "memory", TRIM_INTERVAL, give_memory_back, NULL);
}
