/*
 * The ledger's own benchmark: batches of journals through the public interface, each batch one
 * transaction with one fsync, from preparing to commit. Nothing is left out that a server would do.
 */
#include "ledger/internal.h"

#include <pthread.h>
#include <stdlib.h>

#define FIRST_TENANT 1001
#define FUNDS ((money_t)1000000000)
#define ASSET 840

struct worker {
    struct store *store;
    const struct ledger_bench_options *options;
    size_t number;
    size_t transfers; /* to post */
    uint64_t random;
    struct sql *sql;
    struct ledger *ledger;
    id_t64 tenant_id;
    id_t64 *accounts;
    struct arena *texts;
    struct journal *journals;
    struct transfer *batch;
    int *errors;
    id_t64 *holds; /* pending transfers of the batch before */
    size_t hold_count;
    size_t sent;
    double *batch_ms;
    size_t batch_count;
    int64_t accepted, refused, retries;
    usec_t started, paused;
    double started_cpu, paused_cpu;
    size_t reads_timed_at;
    int error;
};

static uint64_t next_random(struct worker *w)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return w->random;
}

static id_t64 pick_account(struct worker *w)
{
    size_t count = w->options->accounts;
    size_t hot = count / 100 ? count / 100 : 1;
    if (w->options->hot && next_random(w) % 10 != 0)
        count = hot;
    return w->accounts[next_random(w) % count];
}

static struct transfer make_transfer(struct worker *w, size_t place)
{
    if (place < w->hold_count)
        return (struct transfer){.kind = TRANSFER_POST, .pending_id = w->holds[place]};
    id_t64 debit = pick_account(w), credit = pick_account(w);
    while (credit == debit)
        credit = pick_account(w);
    return (struct transfer){
        .kind = w->options->two_phase ? TRANSFER_PENDING : TRANSFER_POSTED,
        .debit_account = debit,
        .credit_account = credit,
        .amount = 1 + (money_t)(next_random(w) % 10000),
        .reason = 1,
    };
}

/* Keys as clients make them: random, so that each lands anywhere in the index. */
static void describe(struct worker *w, struct journal *journal, size_t place)
{
    journal->key = arena_printf(w->texts, "%016llx%016llx", (unsigned long long)next_random(w),
                                (unsigned long long)next_random(w));
    journal->reference = arena_printf(w->texts, "order %zu", w->sent + place);
    journal->description = STR("Payment for goods");
}

static void make_batch(struct worker *w, size_t count)
{
    arena_reset(w->texts);
    for (size_t i = 0; i < count; i++) {
        w->batch[i] = make_transfer(w, i);
        w->journals[i] = (struct journal){
            .tenant_id = w->tenant_id, .transfers = &w->batch[i], .transfer_count = 1};
        if (w->options->described)
            describe(w, &w->journals[i], i);
    }
}

/* What the next batch is to post. */
static void note_holds(struct worker *w, size_t count)
{
    w->hold_count = 0;
    for (size_t i = 0; i < count; i++)
        if (!w->errors[i] && w->batch[i].kind == TRANSFER_PENDING &&
            w->hold_count < w->options->batch / 2)
            w->holds[w->hold_count++] = w->batch[i].id;
}

static int post_and_flush(struct worker *w, size_t count)
{
    TRY(ledger_begin(w->ledger, clock_now()));
    TRY(ledger_post_batch(w->ledger, w->journals, count, w->errors));
    return ledger_flush(w->ledger);
}

static int attempt(struct worker *w, size_t count)
{
    TRY(sql_begin(w->sql));
    int error = post_and_flush(w, count);
    if (error)
        sql_rollback(w->sql);
    else
        error = sql_commit(w->sql);
    ledger_end(w->ledger, !error);
    return error;
}

static int run_batch(struct worker *w, size_t count)
{
    make_batch(w, count);
    for (;;) {
        int error = attempt(w, count);
        if (error != ERR_STORE_RETRY)
            return error;
        w->retries++;
    }
}

static double cpu_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- Watching the cost while the table grows ---- */

#define PAGE 50
#define TIMED 100
#define NOT_TIMED 5 /* they prepare the statements */

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static int read_page(struct worker *w, struct sql *sql, struct arena *arena, double *ret_us)
{
    struct ledger_entry *entries;
    size_t count;
    usec_t start = clock_monotonic();
    TRY(ledger_read_history(sql, arena, w->tenant_id, pick_account(w),
                            (struct ledger_page){.limit = PAGE}, &entries, &count));
    *ret_us = (double)(clock_monotonic() - start);
    return OK;
}

static int find_by_key(struct worker *w, struct sql *sql, struct arena *arena, double *ret_us)
{
    struct journal *found, any;
    size_t count;
    int64_t newest;
    TRY(sql_integer(sql, &newest, "SELECT last_journal FROM ledger_tenants WHERE tenant_id = ?",
                    sql_int(w->tenant_id)));
    /* Each is one transfer, and their ids are consecutive. */
    id_t64 id = newest - (id_t64)(next_random(w) % w->sent);
    if (ledger_read_journal(sql, arena, w->tenant_id, id, &any) || !str_present(any.key))
        return OK; /* the end of a segment of ids */
    usec_t start = clock_monotonic();
    TRY(ledger_find_journals(sql, arena, w->tenant_id, LEDGER_BY_KEY, any.key, 0, 1, &found,
                             &count));
    *ret_us = (double)(clock_monotonic() - start);
    return count == 1 && found->id == id ? OK : ERR_INTERNAL;
}

/* The median of reads picked at random, over a snapshot of a reading connection, as a server does
 * them. */
static int time_reads(struct worker *w,
                      int (*read)(struct worker *, struct sql *, struct arena *, double *),
                      double *ret_us)
{
    struct sql *sql = store_acquire(w->store, false);
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
    double times[TIMED] = {0};
    int error = sql_begin_read(sql);
    for (int i = -NOT_TIMED; i < TIMED && !error; i++) {
        arena_reset(arena);
        error = read(w, sql, arena, &times[i < 0 ? 0 : i]);
    }
    qsort(times, TIMED, sizeof(times[0]), by_size);
    *ret_us = times[TIMED / 2];
    sql_rollback(sql);
    store_release(w->store, sql);
    return error;
}

static int report_progress(struct worker *w)
{
    struct ledger_bench_point point = {.transfers = (int64_t)w->sent};
    if (!w->options->progress || w->number > 0)
        return OK;
    if ((double)w->sent >= 1.25 * (double)w->reads_timed_at || w->sent >= w->transfers) {
        usec_t start = clock_monotonic();
        double cpu = cpu_seconds();
        TRY(time_reads(w, read_page, &point.page_us));
        if (w->options->described)
            TRY(time_reads(w, find_by_key, &point.key_us));
        w->reads_timed_at = w->sent;
        w->paused += clock_monotonic() - start;
        w->paused_cpu += cpu_seconds() - cpu;
    }
    point.seconds = (double)(clock_monotonic() - w->started - w->paused) / 1e6;
    point.cpu_seconds = cpu_seconds() - w->started_cpu - w->paused_cpu;
    w->options->progress(w->options->context, &point);
    return OK;
}

static int run(struct worker *w)
{
    w->started = clock_monotonic();
    w->started_cpu = cpu_seconds();
    while (w->sent < w->transfers) {
        size_t count = w->options->batch;
        if (count > w->transfers - w->sent)
            count = w->transfers - w->sent;
        usec_t start = clock_monotonic();
        TRY(run_batch(w, count));
        w->batch_ms[w->batch_count++] = (double)(clock_monotonic() - start) / 1000.0;
        for (size_t i = 0; i < count; i++) {
            w->accepted += !w->errors[i];
            w->refused += w->errors[i] != 0;
        }
        if (w->options->two_phase)
            note_holds(w, count);
        w->sent += count;
        TRY(report_progress(w));
    }
    return OK;
}

static void *run_thread(void *argument)
{
    struct worker *w = argument;
    w->error = run(w);
    return NULL;
}

/* ---- Before: accounts with funds ---- */

static int fund(struct worker *w, size_t from, size_t count, id_t64 opening)
{
    struct transfer *transfers = w->batch;
    TRY(sql_begin(w->sql));
    TRY(ledger_begin(w->ledger, clock_now()));
    for (size_t i = 0; i < count; i++) {
        struct ledger_account account = {
            .tenant_id = w->tenant_id,
            .asset = ASSET,
            .code = LEDGER_CUSTOMER,
            .flags = LEDGER_NO_OVERDRAFT
        };
        TRY(ledger_open_account(w->ledger, &account));
        w->accounts[from + i] = account.id;
        transfers[i] = (struct transfer){
            .debit_account = opening, .credit_account = account.id, .amount = FUNDS};
    }
    struct journal journal = {
        .tenant_id = w->tenant_id, .transfers = transfers, .transfer_count = count};
    TRY(ledger_post_journal(w->ledger, &journal, NULL, NULL));
    TRY(ledger_flush(w->ledger));
    TRY(sql_commit(w->sql));
    ledger_end(w->ledger, true);
    return OK;
}

static int prepare(struct worker *w)
{
    id_t64 opening;
    TRY(sql_begin(w->sql));
    TRY(ledger_begin(w->ledger, clock_now()));
    TRY(ledger_system_account(w->ledger, w->tenant_id, ASSET, LEDGER_OPENING, STR_NONE, &opening));
    TRY(ledger_flush(w->ledger));
    TRY(sql_commit(w->sql));
    ledger_end(w->ledger, true);
    size_t step = w->options->batch < 1000 ? w->options->batch : 1000;
    for (size_t from = 0; from < w->options->accounts; from += step) {
        size_t left = w->options->accounts - from;
        TRY(fund(w, from, left < step ? left : step, opening));
    }
    return OK;
}

static void worker_open(struct worker *w, struct store *store,
                        const struct ledger_bench_options *options, size_t number)
{
    size_t batches = options->transfers / options->batch + 2;
    *w = (struct worker){
        .store = store,
        .options = options,
        .number = number,
        .transfers = options->transfers / options->writers,
        .random = (options->seed + 1) * UINT64_C(0x9e3779b97f4a7c15) + number * 77777,
        .sql = store_acquire(store, true),
        .tenant_id = FIRST_TENANT + (options->shared_tenant ? 0 : (id_t64)number),
        .accounts = calloc(options->accounts, sizeof(id_t64)),
        .texts = arena_new(SIZE_MAX),
        .journals = calloc(options->batch, sizeof(struct journal)),
        .batch = calloc(options->batch, sizeof(struct transfer)),
        .errors = calloc(options->batch, sizeof(int)),
        .holds = calloc(options->batch, sizeof(id_t64)),
        .batch_ms = calloc(batches, sizeof(double)),
    };
    w->ledger = ledger_new(w->sql);
}

static void worker_close(struct worker *w)
{
    ledger_free(w->ledger);
    store_release(w->store, w->sql);
    arena_free(w->texts);
    free(w->accounts);
    free(w->journals);
    free(w->batch);
    free(w->errors);
    free(w->holds);
    free(w->batch_ms);
}

/* ---- The measurement ---- */

/* What the kernel says this process has sent towards storage. */
static int64_t bytes_written(void)
{
    FILE *file = fopen("/proc/self/io", "re");
    char line[128];
    long long bytes = 0;
    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "write_bytes: %lld", &bytes) == 1)
            break;
    if (file)
        fclose(file);
    return bytes;
}

static void summarise(struct worker *workers, size_t count, struct ledger_bench_result *result)
{
    for (size_t i = 0; i < count; i++) {
        result->batches += (int64_t)workers[i].batch_count;
        result->transfers += workers[i].accepted;
        result->refused += workers[i].refused;
        result->retries += workers[i].retries;
    }
    double *all = calloc((size_t)result->batches + 1, sizeof(double));
    size_t at = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < workers[i].batch_count; j++)
            all[at++] = workers[i].batch_ms[j];
    qsort(all, at, sizeof(double), by_size);
    if (at > 0) {
        result->batch_p50_ms = all[at / 2];
        result->batch_p99_ms = all[at - 1 - at / 100];
        result->batch_max_ms = all[at - 1];
    }
    free(all);
}

static int measure(struct worker *workers, size_t count, struct ledger_bench_result *result)
{
    pthread_t *threads = calloc(count, sizeof(*threads));
    int64_t written = bytes_written();
    usec_t start = clock_monotonic();
    double cpu = cpu_seconds();
    int error = OK;
    for (size_t i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, run_thread, &workers[i]) != 0)
            abort();
    for (size_t i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        if (workers[i].error)
            error = workers[i].error;
    }
    result->seconds = (double)(clock_monotonic() - start - workers[0].paused) / 1e6;
    result->cpu_seconds = cpu_seconds() - cpu - workers[0].paused_cpu;
    result->bytes_written = bytes_written() - written;
    free(threads);
    summarise(workers, count, result);
    return error;
}

int ledger_bench(struct store *store, const struct ledger_bench_options *options,
                 struct ledger_bench_result *ret_result)
{
    size_t count = options->writers;
    assert(count > 0 && options->batch > 0 && options->accounts > 1);
    *ret_result = (struct ledger_bench_result){0};
    struct worker *workers = calloc(count, sizeof(*workers));
    int error = OK;
    for (size_t i = 0; i < count; i++)
        worker_open(&workers[i], store, options, i);
    for (size_t i = 0; i < count && !error; i++) {
        if (i > 0 && options->shared_tenant)
            memcpy(workers[i].accounts, workers[0].accounts, options->accounts * sizeof(id_t64));
        else
            error = prepare(&workers[i]);
    }
    if (!error)
        error = measure(workers, count, ret_result);
    for (size_t i = 0; i < count; i++)
        worker_close(&workers[i]);
    free(workers);
    return error;
}
