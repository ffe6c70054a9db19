/*
 * The dispatcher: claims due rows and has workers do them.
 *
 * A claim is a lease of wall time (the test clock may leap) taken in the writer, so that of two
 * processes on one database only one does a row, and a row whose process died is done by another
 * once the lease has run out. SQLite has one process: there the leases of the last run are void at
 * start.
 */
#include "core/outbox_dispatch.h"

#include <stdlib.h>

#include "base/config.h"
#include "base/metrics.h"
#include "core/app.h"
#include "core/work.h"
#include "store/sql.h"

/* Longer than the longest a row's work may take: four provider calls with their timeouts. */
#define LEASE (2 * USEC_PER_MINUTE)
#define COUNT_PERIOD (500 * USEC_PER_MSEC)
#define LONGEST_RETRY (5 * USEC_PER_MINUTE)
#define PERIOD USEC_PER_SEC

#define OUTBOX_KIND(name, function) outbox_perform function;
#include "core/outbox_kinds.def"
#undef OUTBOX_KIND

static const struct kind {
    const char *name;
    outbox_perform *perform;
} kinds[] = {
#define OUTBOX_KIND(name, function) {#name, function},
#include "core/outbox_kinds.def"
#undef OUTBOX_KIND
};

typedef int timer_function(struct call *c, id_t64 subject_id);
#define TIMER(name, function) timer_function function;
#include "core/timers.def"
#undef TIMER

static const struct timer {
    const char *name;
    timer_function *run;
} timers[] = {
#define TIMER(name, function) {#name, function},
#include "core/timers.def"
#undef TIMER
    {NULL, NULL},
};

static usec_t wall_now(void)
{
    return clock_now() - clock_offset();
}

/* ---- Doing one row ---- */

struct job {
    struct app *app;
    enum outbox_lane lane;
    struct outbox_row row;
};

static outbox_perform *find_kind(struct str name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (str_is(name, kinds[i].name))
            return kinds[i].perform;
    return NULL;
}

static int run_timer(struct call *c, void *argument)
{
    const struct outbox_row *row = argument;
    for (const struct timer *timer = timers; timer->name; timer++)
        if (str_is(row->name, timer->name))
            return timer->run(c, row->subject_id);
    return ERR_INTERNAL;
}

int outbox_perform_timer(struct call *c, const struct outbox_row *row, usec_t *ret_due)
{
    (void)ret_due;
    struct outbox_row copy = *row;
    return writer_run(c, run_timer, &copy);
}

struct settlement {
    id_t64 row_id;
    bool done;
    usec_t due;
};

static int settle(struct call *c, void *argument)
{
    const struct settlement *settlement = argument;
    if (settlement->done)
        return sql_run(c->sql, "DELETE FROM outbox WHERE id = ?", sql_int(settlement->row_id));
    return sql_run(c->sql, "UPDATE outbox SET due = ?, lease_until = 0 WHERE id = ?",
                   sql_int(settlement->due), sql_int(settlement->row_id));
}

static void perform_row(struct app *app, struct arena *arena, const struct outbox_row *row)
{
    struct call call;
    work_call_init(&call, app, arena, row->tenant_id);
    call.sql = work_read_connection(app);
    struct settlement settlement = {.row_id = row->id};
    outbox_perform *perform = find_kind(row->kind);
    int result = perform ? perform(&call, row, &settlement.due) : ERR_INTERNAL;
    settlement.done = result == OK;
    if (result < 0)
        settlement.due = clock_now() + outbox_backoff(row->attempts, LONGEST_RETRY);
    struct call settling;
    work_call_init(&settling, app, arena, row->tenant_id);
    /* A row that could not be settled keeps its lease and is done again when that has run out. */
    writer_run(&settling, settle, &settlement);
}

static void perform_job(struct app *app, void *argument)
{
    struct job *job = argument;
    struct arena *arena = arena_new(0);
    perform_row(app, arena, &job->row);
    arena_free(arena);
    atomic_fetch_sub(&app->outbox->in_flight[job->lane], 1);
    free((char *)(uintptr_t)job->row.kind.ptr);
    free(job);
    if (atomic_exchange(&app->outbox->hungry, false))
        workers_wake(app, app->outbox->job);
}

static void start_job(struct app *app, enum outbox_lane lane, const struct outbox_row *row)
{
    struct job *job = malloc(sizeof(*job));
    if (!job)
        abort();
    *job = (struct job){.app = app, .lane = lane, .row = *row};
    /* The row outlives the dispatcher's arena. */
    char *texts = malloc(row->kind.len + row->name.len + 1);
    if (!texts)
        abort();
    memcpy(texts, row->kind.ptr, row->kind.len);
    job->row.kind.ptr = texts;
    if (row->name.ptr) {
        memcpy(texts + row->kind.len, row->name.ptr, row->name.len);
        job->row.name.ptr = texts + row->kind.len;
    }
    atomic_fetch_add(&app->outbox->in_flight[lane], 1);
    workers_submit(app, perform_job, job);
}

/* ---- Claiming ---- */

struct claim {
    enum outbox_lane lane;
    size_t limit;
    struct outbox_row *rows;
    size_t count;
};

static int claim_rows(struct call *c, void *argument)
{
    struct claim *claim = argument;
    usec_t wall = wall_now();
    struct outbox_row *due;
    size_t due_count;
    claim->count = 0;
    TRY(sql_all(c->sql, c->arena, &outbox_row_row, &due, &due_count,
                ROW_SELECT(OUTBOX_ROW) " FROM outbox"
                                       " WHERE due <= ? AND lease_until < ?"
                                       " AND CASE WHEN kind = 'delivery' THEN 1 ELSE 0 END = ?"
                                       " ORDER BY due, id LIMIT ?",
                sql_int(clock_now()), sql_int(wall), sql_int(claim->lane == LANE_DELIVERIES),
                sql_int((int64_t)claim->limit)));
    claim->rows = due;
    for (size_t i = 0; i < due_count; i++) {
        int64_t changed;
        due[i].attempts++;
        TRY(sql_change(c->sql, &changed,
                       "UPDATE outbox SET lease_until = ?, attempts = ?"
                       " WHERE id = ? AND lease_until = ?",
                       sql_int(wall + LEASE), sql_int(due[i].attempts), sql_int(due[i].id),
                       sql_int(due[i].lease_until)));
        if (changed)
            claim->rows[claim->count++] = due[i];
    }
    return OK;
}

/* Free places in a lane; takes note when there are none. */
static size_t lane_room(struct outbox *outbox, enum outbox_lane lane)
{
    unsigned busy = atomic_load(&outbox->in_flight[lane]);
    return busy < outbox->lane_width ? outbox->lane_width - busy : 0;
}

static void dispatch_lane(struct app *app, struct arena *arena, enum outbox_lane lane)
{
    for (;;) {
        size_t room = lane_room(app->outbox, lane);
        if (!room) {
            atomic_store(&app->outbox->hungry, true);
            /* A job may have ended between the look and the note. */
            if (!lane_room(app->outbox, lane))
                return;
            continue;
        }
        struct claim claim = {.lane = lane, .limit = room};
        struct call call;
        work_call_init(&call, app, arena, 0);
        if (writer_run(&call, claim_rows, &claim) != OK)
            return;
        for (size_t i = 0; i < claim.count; i++)
            start_job(app, lane, &claim.rows[i]);
        if (claim.count < room)
            return;
    }
}

/* Counting reads the whole table, so not at every commit. */
static void count_rows(struct app *app, struct sql *sql)
{
    int64_t depth;
    usec_t now = clock_monotonic();
    if (now - app->outbox->counted_at < COUNT_PERIOD)
        return;
    app->outbox->counted_at = now;
    if (sql_integer(sql, &depth, "SELECT COUNT(*) FROM outbox") == OK)
        metrics_gauge_set(app->metrics, GAUGE_OUTBOX_DEPTH, depth);
}

static bool anything_due(struct sql *sql)
{
    int64_t due;
    return sql_integer(sql, &due,
                       "SELECT id FROM outbox WHERE due <= ? AND lease_until < ? LIMIT 1",
                       sql_int(clock_now()), sql_int(wall_now())) == OK;
}

static void dispatch(struct app *app, void *argument)
{
    (void)argument;
    struct sql *sql = work_read_connection(app);
    count_rows(app, sql);
    if (!anything_due(sql))
        return;
    struct arena *arena = arena_new(0);
    dispatch_lane(app, arena, LANE_WORK);
    dispatch_lane(app, arena, LANE_DELIVERIES);
    arena_free(arena);
}

static int release_leases(struct call *c, void *argument)
{
    (void)argument;
    return sql_run(c->sql, "UPDATE outbox SET lease_until = 0 WHERE lease_until > 0");
}

int outbox_start(struct app *app)
{
    int64_t endpoints = -1;
    if (store_engine(app->store) == STORE_SQLITE) {
        struct arena *arena = arena_new(0);
        struct call call;
        work_call_init(&call, app, arena, 0);
        int error = writer_run(&call, release_leases, NULL);
        arena_free(arena);
        TRY(error);
        TRY(sql_integer(work_read_connection(app), &endpoints,
                        "SELECT COUNT(*) FROM webhook_endpoint"));
    }
    struct outbox *outbox = calloc(1, sizeof(*outbox));
    if (!outbox)
        return ERR_INTERNAL;
    /* Two lanes: a quarter of the workers is left for people who log in. */
    outbox->lane_width = (unsigned)app->config->worker_threads * 3 / 8;
    if (!outbox->lane_width)
        outbox->lane_width = 1;
    atomic_store(&outbox->endpoints, endpoints);
    app->outbox = outbox;
    outbox->job = workers_every(app, "outbox", PERIOD, dispatch, NULL);
    workers_wake(app, outbox->job);
    return OK;
}

void outbox_wake(struct app *app)
{
    if (app->outbox)
        workers_wake(app, app->outbox->job);
}
