/*
 * Invariants: a result is reported only after the transaction that holds its effects is committed,
 * and every job taken is reported exactly once. A batch that did not commit leaves nothing behind
 * (the ledger's memory is dropped with it) and is run again, or reported as failed.
 */
#include "server/writer.h"

#include <assert.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/config.h"
#include "base/log.h"
#include "base/metrics.h"
#include "core/audit/audit.h"
#include "ledger/ledger.h"
#include "store/sql.h"

#define BATCH_TIME_LIMIT (30 * USEC_PER_MSEC)
#define MAX_RERUNS 50
#define MAX_WAKES 16

struct writer_thread {
    struct writer *writer;
    pthread_t id;
    _Atomic(struct writer_job *) head; /* newest first; the thread takes the whole list */
    _Alignas(64) atomic_bool sleeping;
    sem_t wake;
    atomic_bool healthy;

    struct writer_job *pending; /* taken, in order of arrival, not yet in a batch */
    struct writer_job **batch;
    id_t64 *tenants; /* of a batch, as many as there is room for jobs */
    size_t batch_size;
    struct writer_turn turn;
    struct periodic *wakes[MAX_WAKES];
    size_t wake_count;
};

struct writer {
    struct app *app;
    size_t batch_limit;
    int64_t queue_limit;
    _Atomic int64_t queued;
    atomic_bool stopping;
    size_t thread_count;
    struct writer_thread threads[];
};

static _Thread_local struct writer_thread *this_thread;

static void wake(struct writer_thread *thread)
{
    if (atomic_exchange(&thread->sleeping, false))
        sem_post(&thread->wake);
}

bool writer_submit(struct writer *writer, struct writer_job *job)
{
    if (atomic_fetch_add(&writer->queued, 1) >= writer->queue_limit) {
        atomic_fetch_sub(&writer->queued, 1);
        return false;
    }
    size_t index = (size_t)((uint64_t)job->tenant_id * UINT64_C(0x9E3779B97F4A7C15) >> 32) %
                   writer->thread_count;
    struct writer_thread *thread = &writer->threads[index];
    job->next = atomic_load_explicit(&thread->head, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&thread->head, &job->next, job))
        ;
    wake(thread);
    return true;
}

/* Everything that is queued, oldest first, behind what is pending already. */
static void take_queue(struct writer_thread *thread)
{
    struct writer_job *newest = atomic_exchange(&thread->head, NULL);
    struct writer_job *oldest = NULL;
    while (newest) {
        struct writer_job *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    struct writer_job **end = &thread->pending;
    while (*end)
        end = &(*end)->next;
    *end = oldest;
}

/* False when the writer is stopping and nothing is left. */
static bool wait_for_jobs(struct writer_thread *thread)
{
    for (;;) {
        if (!thread->pending)
            take_queue(thread);
        if (thread->pending)
            return true;
        if (atomic_load(&thread->writer->stopping))
            return false;
        atomic_store(&thread->sleeping, true);
        if (atomic_load(&thread->head) || atomic_load(&thread->writer->stopping)) {
            if (atomic_exchange(&thread->sleeping, false))
                continue;
        }
        while (sem_wait(&thread->wake))
            ;
    }
}

static void fill_batch(struct writer_thread *thread)
{
    thread->batch_size = 0;
    while (thread->pending && thread->batch_size < thread->writer->batch_limit) {
        struct writer_job *job = thread->pending;
        thread->pending = job->next;
        thread->batch[thread->batch_size++] = job;
    }
    atomic_fetch_sub(&thread->writer->queued, (int64_t)thread->batch_size);
}

static bool must_rerun(int error)
{
    return error == ERR_STORE_RETRY || error == ERR_STORE_LOST;
}

static void keep_refusal(struct writer_job *job, struct writer_turn *turn)
{
    if (!job->refused)
        return;
    sql_savepoint(turn->sql);
    job->refused(job, turn, job->result);
    if (sql_savepoint_release(turn->sql))
        sql_savepoint_rollback(turn->sql);
}

/* 0, or the error that spoils the whole transaction. */
static int run_job(struct writer_job *job, struct writer_turn *turn)
{
    TRY(sql_savepoint(turn->sql));
    size_t ledger_position = ledger_mark(turn->ledger);
    size_t audit_position = audit_mark(turn->audit);
    job->result = job->run(job, turn);
    if (!job->result)
        job->result = sql_savepoint_release(turn->sql);
    if (!job->result)
        return OK;
    if (must_rerun(job->result))
        return job->result;
    if (job->result == ERR_STORE)
        log_error("a statement failed", LOG_CSTR("error", sql_last_error(turn->sql)));
    ledger_rewind(turn->ledger, ledger_position);
    audit_rewind(turn->audit, audit_position);
    TRY(sql_savepoint_rollback(turn->sql));
    keep_refusal(job, turn);
    return OK;
}

/* As many of the jobs as the time allows, at least one: those that came after big ones do not wait
 * for all. */
static int run_jobs(struct writer_thread *thread, struct writer_job **jobs, size_t count,
                    size_t *ret_run)
{
    struct writer_turn *turn = &thread->turn;
    usec_t end = clock_monotonic() + BATCH_TIME_LIMIT;
    for (*ret_run = 0; *ret_run < count; ++*ret_run) {
        if (*ret_run && clock_monotonic() > end)
            break;
        TRY(run_job(jobs[*ret_run], turn));
    }
    TRY(audit_flush(turn->audit, turn->sql));
    return ledger_flush(turn->ledger);
}

static int compare_ids(const void *a, const void *b)
{
    id_t64 left = *(const id_t64 *)a, right = *(const id_t64 *)b;
    return (left > right) - (left < right);
}

/*
 * Whoever writes to a tenant holds its lock first, taken in one order: writers of other processes
 * wait here, where they can wait for nothing else, and the two chains (journals, audit) have one
 * writer at a time. All that is known to be needed is asked for in the same round trip.
 */
static int expect(struct writer_thread *thread, struct writer_job **jobs, size_t count)
{
    struct writer_turn *turn = &thread->turn;
    size_t tenant_count = 0, kept = 0;
    if (store_engine(thread->writer->app->store) == STORE_SQLITE)
        return OK;
    for (size_t i = 0; i < count; i++)
        if (jobs[i]->tenant_id > 0)
            thread->tenants[tenant_count++] = jobs[i]->tenant_id;
    qsort(thread->tenants, tenant_count, sizeof(id_t64), compare_ids);
    for (size_t i = 0; i < tenant_count; i++)
        if (i == 0 || thread->tenants[i] != thread->tenants[i - 1])
            thread->tenants[kept++] = thread->tenants[i];
    TRY(ledger_expect_tenants(turn->ledger, thread->tenants, kept));
    for (size_t i = 0; i < kept; i++)
        TRY(audit_expect(turn->sql, thread->tenants[i]));
    for (size_t i = 0; i < count; i++)
        if (jobs[i]->expect)
            TRY(jobs[i]->expect(jobs[i], turn));
    return ledger_lock_tenants(turn->ledger, thread->tenants, kept);
}

/* An unknown outcome of a commit: asks until the database answers. */
static int settle_commit(struct writer_thread *thread, int64_t token)
{
    for (;;) {
        bool committed = false;
        if (!sql_was_committed(thread->turn.sql, token, &committed))
            return committed ? OK : ERR_STORE_RETRY;
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
        if (atomic_load(&thread->writer->stopping))
            return ERR_STORE_LOST;
    }
}

static int commit(struct writer_thread *thread)
{
    struct metrics *metrics = thread->writer->app->metrics;
    int64_t token = sql_commit_token(thread->turn.sql);
    usec_t start = clock_monotonic();
    int error = sql_commit(thread->turn.sql);
    if (error == ERR_STORE_LOST)
        error = settle_commit(thread, token);
    metrics_observe(metrics, HISTOGRAM_COMMIT_TIME, clock_monotonic() - start);
    metrics_count(metrics, METRIC_COMMITS, 1);
    return error;
}

/* One transaction over the first of these jobs, *ret_run of them. 0: committed, each has its
 * result. */
static int run_transaction(struct writer_thread *thread, struct writer_job **jobs, size_t count,
                           size_t *ret_run)
{
    struct writer_turn *turn = &thread->turn;
    usec_t start = clock_monotonic();
    thread->wake_count = 0;
    *ret_run = count;
    TRY(sql_begin(turn->sql));
    turn->now = clock_now();
    audit_begin(turn->audit);
    int error = ledger_begin(turn->ledger, turn->now);
    if (!error)
        error = expect(thread, jobs, count);
    if (!error)
        error = run_jobs(thread, jobs, count, ret_run);
    metrics_observe(thread->writer->app->metrics, HISTOGRAM_BATCH_TIME, clock_monotonic() - start);
    if (error) {
        if (!must_rerun(error))
            log_error("a batch failed", LOG_CSTR("code", error_name(error)),
                      LOG_CSTR("error", sql_last_error(turn->sql)),
                      LOG_INT("calls", (int64_t)count));
        *ret_run = count;
        sql_rollback(turn->sql);
    } else {
        error = commit(thread);
    }
    ledger_end(turn->ledger, error == OK);
    audit_end(turn->audit, error == OK);
    return error;
}

/* Conflicts are retried at once, a lost database with growing pauses, for about half a minute. */
static int run_until_settled(struct writer_thread *thread, struct writer_job **jobs, size_t count,
                             size_t *ret_run)
{
    for (int attempt = 0;; attempt++) {
        int error = run_transaction(thread, jobs, count, ret_run);
        if (!must_rerun(error) || attempt == MAX_RERUNS)
            return error;
        metrics_count(thread->writer->app->metrics, METRIC_BATCH_RERUNS, 1);
        if (error == ERR_STORE_LOST && !atomic_load(&thread->writer->stopping)) {
            long pause_ms = attempt < 10 ? 20L << (attempt < 5 ? attempt : 5) : 1000;
            nanosleep(
                &(struct timespec){.tv_sec = pause_ms / 1000, .tv_nsec = pause_ms % 1000 * 1000000},
                NULL);
        }
    }
}

static void report(struct writer_thread *thread, struct writer_job **jobs, size_t count, int error)
{
    for (size_t i = 0; i < thread->wake_count && !error; i++)
        workers_wake(thread->writer->app, thread->wakes[i]);
    thread->wake_count = 0;
    for (size_t i = 0; i < count; i++)
        jobs[i]->done(jobs[i], error ? error : jobs[i]->result);
}

/* When a batch fails as a whole, its jobs run one by one, so that the culprit fails alone. */
static void run_alone(struct writer_thread *thread, struct writer_job **jobs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct writer_job *job = jobs[i];
        size_t run;
        int error = run_until_settled(thread, &job, 1, &run);
        report(thread, &job, 1, error);
    }
}

/* Is one of the jobs to blame, or a database that nobody can write to? */
static bool is_of_one_job(int error)
{
    return error && !must_rerun(error) && error != ERR_STORE_BUSY;
}

static void run_batch(struct writer_thread *thread)
{
    struct writer_job **jobs = thread->batch;
    size_t left = thread->batch_size;
    while (left) {
        size_t run = left;
        int error = run_until_settled(thread, jobs, left, &run);
        metrics_observe(thread->writer->app->metrics, HISTOGRAM_BATCH_SIZE, (int64_t)run);
        atomic_store(&thread->healthy, error == OK);
        if (is_of_one_job(error) && run > 1)
            run_alone(thread, jobs, run);
        else
            report(thread, jobs, run, error);
        jobs += run;
        left -= run;
    }
}

static void *thread_main(void *argument)
{
    struct writer_thread *thread = argument;
    this_thread = thread;
    struct app *app = thread->writer->app;
    thread->turn.sql = store_acquire(app->store, true);
    thread->turn.ledger = ledger_new(thread->turn.sql);
    thread->turn.audit = audit_batch_new();
    while (wait_for_jobs(thread)) {
        fill_batch(thread);
        run_batch(thread);
    }
    audit_batch_free(thread->turn.audit);
    ledger_free(thread->turn.ledger);
    store_release(app->store, thread->turn.sql);
    return NULL;
}

struct writer *writer_start(struct app *app)
{
    size_t count =
        store_engine(app->store) == STORE_SQLITE ? 1 : (size_t)app->config->writer_threads;
    struct writer *writer =
        aligned_alloc(64, sizeof(struct writer) + count * sizeof(struct writer_thread));
    if (!writer)
        abort();
    memset(writer, 0, sizeof(*writer) + count * sizeof(struct writer_thread));
    writer->app = app;
    writer->batch_limit = (size_t)app->config->batch_limit;
    writer->queue_limit = app->config->queue_limit;
    writer->thread_count = count;
    for (size_t i = 0; i < count; i++) {
        struct writer_thread *thread = &writer->threads[i];
        thread->writer = writer;
        thread->batch = calloc(writer->batch_limit, sizeof(struct writer_job *));
        atomic_store(&thread->healthy, true);
        sem_init(&thread->wake, 0, 0);
        thread->tenants = calloc(writer->batch_limit, sizeof(id_t64));
        if (!thread->batch || !thread->tenants ||
            pthread_create(&thread->id, NULL, thread_main, thread))
            abort();
        pthread_setname_np(thread->id, "writer");
    }
    return writer;
}

struct writer *writer_stop(struct writer *writer)
{
    if (!writer)
        return NULL;
    atomic_store(&writer->stopping, true);
    for (size_t i = 0; i < writer->thread_count; i++) {
        wake(&writer->threads[i]);
        pthread_join(writer->threads[i].id, NULL);
        sem_destroy(&writer->threads[i].wake);
        free(writer->threads[i].batch);
        free(writer->threads[i].tenants);
    }
    free(writer);
    return NULL;
}

bool writer_healthy(const struct writer *writer)
{
    for (size_t i = 0; i < writer->thread_count; i++)
        if (!atomic_load(&writer->threads[i].healthy))
            return false;
    return true;
}

int64_t writer_queued(const struct writer *writer)
{
    return atomic_load(&writer->queued);
}

/* ---- core/work.h ---- */

struct run_job {
    struct writer_job job;
    struct call *call;
    writer_function *run;
    void *argument;
    sem_t done;
};

static int run_call(struct writer_job *job, struct writer_turn *turn)
{
    struct run_job *run = (struct run_job *)job;
    struct call *c = run->call;
    c->sql = turn->sql;
    c->ledger = turn->ledger;
    c->now = turn->now;
    c->error = OK;
    c->problems = NULL;
    return run->run(c, run->argument);
}

static void run_done(struct writer_job *job, int result)
{
    job->result = result;
    sem_post(&((struct run_job *)job)->done);
}

int writer_run(struct call *c, writer_function *function, void *argument)
{
    assert(!this_thread);
    struct run_job run = {
        .job = {.tenant_id = c->principal.tenant_id, .run = run_call, .done = run_done},
        .call = c,
        .run = function,
        .argument = argument,
    };
    struct sql *sql = c->sql;
    sem_init(&run.done, 0, 0);
    if (!writer_submit(c->app->writer, &run.job)) {
        sem_destroy(&run.done);
        return ERR_OVERLOADED;
    }
    while (sem_wait(&run.done))
        ;
    sem_destroy(&run.done);
    c->sql = sql;
    c->ledger = NULL;
    return run.job.result;
}

void writer_wake_after_commit(struct call *c, struct periodic *job)
{
    (void)c;
    struct writer_thread *thread = this_thread;
    assert(thread);
    for (size_t i = 0; i < thread->wake_count; i++)
        if (thread->wakes[i] == job)
            return;
    assert(thread->wake_count < MAX_WAKES);
    thread->wakes[thread->wake_count++] = job;
}

void writer_audit(struct call *c, const char *operation, struct str subject, struct str outcome)
{
    struct writer_thread *thread = this_thread;
    assert(thread);
    struct audit entry = {
        .tenant_id = c->principal.tenant_id,
        .at = c->now,
        .user_id = c->principal.user_id,
        .credential_id = c->principal.credential_id,
        .operation = str_from(operation),
        .subject = subject,
        .request_id = c->request_id,
        .outcome = outcome,
    };
    audit_add(thread->turn.audit, &entry);
}
