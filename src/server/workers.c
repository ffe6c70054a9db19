/*
 * One queue, guarded by one lock: what goes through here takes milliseconds, so the lock is not
 * what costs. Periodic jobs are looked at by a thread of their own, which hands those that are due
 * to the workers.
 *
 * Invariant: a periodic job is on the queue or running at most once; a wake that comes while it
 * runs makes it run again afterwards.
 */
#include "server/workers.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/config.h"
#include "base/metrics.h"
#include "store/sql.h"

struct periodic {
    struct work_item item;
    struct workers *workers;
    const char *name;
    usec_t interval;
    usec_t due; /* by the clock */
    work_function *run;
    void *argument;
    bool queued; /* or running */
    bool again;
    struct periodic *next;
};

struct submitted {
    struct work_item item;
    struct app *app;
    work_function *run;
    void *argument;
};

struct lent_connection {
    struct sql *sql;
    struct lent_connection *next;
};

struct workers {
    struct app *app;
    pthread_mutex_t lock;
    pthread_cond_t work; /* something is queued, or the end has come */
    pthread_cond_t tick; /* the timer thread should look at once */
    struct work_item *first, **last;
    struct periodic *periodics;
    bool stopping;
    size_t thread_count;
    pthread_t timer;
    pthread_t threads[];
};

static void queue_item(struct workers *workers, struct work_item *item)
{
    item->next = NULL;
    *workers->last = item;
    workers->last = &item->next;
    pthread_cond_signal(&workers->work);
}

void workers_push(struct workers *workers, struct work_item *item)
{
    pthread_mutex_lock(&workers->lock);
    queue_item(workers, item);
    pthread_mutex_unlock(&workers->lock);
}

static void *worker_main(void *argument)
{
    struct workers *workers = argument;
    pthread_mutex_lock(&workers->lock);
    for (;;) {
        while (!workers->first && !workers->stopping)
            pthread_cond_wait(&workers->work, &workers->lock);
        struct work_item *item = workers->first;
        if (!item)
            break;
        workers->first = item->next;
        if (!workers->first)
            workers->last = &workers->first;
        pthread_mutex_unlock(&workers->lock);
        metrics_gauge_add(workers->app->metrics, GAUGE_WORKERS_BUSY, 1);
        item->run(item);
        metrics_gauge_add(workers->app->metrics, GAUGE_WORKERS_BUSY, -1);
        pthread_mutex_lock(&workers->lock);
    }
    pthread_mutex_unlock(&workers->lock);
    return NULL;
}

/* ---- Periodic jobs ---- */

static void run_periodic(struct work_item *item)
{
    struct periodic *job = (struct periodic *)item;
    struct workers *workers = job->workers;
    job->run(workers->app, job->argument);
    pthread_mutex_lock(&workers->lock);
    job->queued = false;
    job->due = clock_now() + job->interval;
    if (job->again && !workers->stopping) {
        job->again = false;
        job->queued = true;
        queue_item(workers, &job->item);
    }
    pthread_mutex_unlock(&workers->lock);
}

/* Queues what is due; returns how long nothing will be, in wall time. */
static usec_t queue_due(struct workers *workers)
{
    usec_t now = clock_now();
    usec_t wait = USEC_PER_SEC;
    for (struct periodic *job = workers->periodics; job; job = job->next) {
        if (job->queued)
            continue;
        if (job->due <= now) {
            job->queued = true;
            queue_item(workers, &job->item);
        } else if (job->due - now < wait) {
            wait = job->due - now;
        }
    }
    return wait < USEC_PER_MSEC ? USEC_PER_MSEC : wait;
}

static void *timer_main(void *argument)
{
    struct workers *workers = argument;
    pthread_mutex_lock(&workers->lock);
    while (!workers->stopping) {
        usec_t wait = queue_due(workers);
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        usec_t at = (usec_t)until.tv_sec * USEC_PER_SEC + until.tv_nsec / 1000 + wait;
        until.tv_sec = at / USEC_PER_SEC;
        until.tv_nsec = at % USEC_PER_SEC * 1000;
        pthread_cond_timedwait(&workers->tick, &workers->lock, &until);
    }
    pthread_mutex_unlock(&workers->lock);
    return NULL;
}

struct periodic *workers_every(struct app *app, const char *name, usec_t interval,
                               work_function *run, void *argument)
{
    struct workers *workers = app->workers;
    struct periodic *job = calloc(1, sizeof(*job));
    if (!job)
        abort();
    *job = (struct periodic){.item = {.run = run_periodic},
                             .workers = workers,
                             .name = name,
                             .interval = interval,
                             .due = clock_now() + interval,
                             .run = run,
                             .argument = argument};
    pthread_mutex_lock(&workers->lock);
    job->next = workers->periodics;
    workers->periodics = job;
    pthread_cond_signal(&workers->tick);
    pthread_mutex_unlock(&workers->lock);
    return job;
}

void workers_wake(struct app *app, struct periodic *job)
{
    struct workers *workers = app->workers;
    pthread_mutex_lock(&workers->lock);
    if (job->queued) {
        job->again = true;
    } else if (!workers->stopping) {
        job->queued = true;
        queue_item(workers, &job->item);
    }
    pthread_mutex_unlock(&workers->lock);
}

void workers_clock_moved(struct app *app)
{
    pthread_mutex_lock(&app->workers->lock);
    pthread_cond_signal(&app->workers->tick);
    pthread_mutex_unlock(&app->workers->lock);
}

/* ---- Single jobs ---- */

static void run_submitted(struct work_item *item)
{
    struct submitted *work = (struct submitted *)item;
    work->run(work->app, work->argument);
    free(work);
}

void workers_submit(struct app *app, work_function *run, void *argument)
{
    struct submitted *work = malloc(sizeof(*work));
    if (!work)
        abort();
    *work = (struct submitted){
        .item = {.run = run_submitted}, .app = app, .run = run, .argument = argument};
    workers_push(app->workers, &work->item);
}

/* ---- Start and stop ---- */

struct workers *workers_start(struct app *app)
{
    size_t count = (size_t)app->config->worker_threads;
    struct workers *workers = calloc(1, sizeof(*workers) + count * sizeof(pthread_t));
    if (!workers)
        abort();
    workers->app = app;
    workers->last = &workers->first;
    workers->thread_count = count;
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->work, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&workers->tick, &attributes);
    pthread_condattr_destroy(&attributes);
    for (size_t i = 0; i < count; i++) {
        if (pthread_create(&workers->threads[i], NULL, worker_main, workers))
            abort();
        pthread_setname_np(workers->threads[i], "worker");
    }
    if (pthread_create(&workers->timer, NULL, timer_main, workers))
        abort();
    pthread_setname_np(workers->timer, "timer");
    return workers;
}

struct workers *workers_stop(struct workers *workers)
{
    if (!workers)
        return NULL;
    pthread_mutex_lock(&workers->lock);
    workers->stopping = true;
    pthread_cond_broadcast(&workers->work);
    pthread_cond_broadcast(&workers->tick);
    pthread_mutex_unlock(&workers->lock);
    pthread_join(workers->timer, NULL);
    for (size_t i = 0; i < workers->thread_count; i++)
        pthread_join(workers->threads[i], NULL);
    while (workers->periodics) {
        struct periodic *next = workers->periodics->next;
        free(workers->periodics);
        workers->periodics = next;
    }
    pthread_cond_destroy(&workers->tick);
    pthread_cond_destroy(&workers->work);
    pthread_mutex_destroy(&workers->lock);
    free(workers);
    return NULL;
}

/* ---- Read connections: one per thread, kept ---- */

static pthread_mutex_t lent_lock = PTHREAD_MUTEX_INITIALIZER;
static struct lent_connection *lent;
static _Thread_local struct sql *my_connection;

struct sql *work_read_connection(struct app *app)
{
    if (my_connection)
        return my_connection;
    struct lent_connection *connection = malloc(sizeof(*connection));
    if (!connection)
        abort();
    my_connection = connection->sql = store_acquire(app->store, false);
    pthread_mutex_lock(&lent_lock);
    connection->next = lent;
    lent = connection;
    pthread_mutex_unlock(&lent_lock);
    return my_connection;
}

void work_release_connections(struct app *app)
{
    pthread_mutex_lock(&lent_lock);
    while (lent) {
        struct lent_connection *next = lent->next;
        store_release(app->store, lent->sql);
        free(lent);
        lent = next;
    }
    pthread_mutex_unlock(&lent_lock);
}

void work_call_init(struct call *c, struct app *app, struct arena *arena, id_t64 tenant_id)
{
    *c = (struct call){
        .arena = arena,
        .app = app,
        .sql = work_read_connection(app),
        .principal = {.tenant_id = tenant_id, .staff = true, .dialect = DIALECT_PLATFORM},
        .now = clock_now(),
    };
}
