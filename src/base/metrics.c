/*
 * Invariant: a shard is written by the thread that made it and by no other, with relaxed atomics,
 * so that the reader sees whole numbers. Shards live until the metrics are freed: a thread's counts
 * outlive it.
 */
#include "base/metrics.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

typedef _Atomic int64_t counter;

#define MAX_BOUNDS 16

static const usec_t call_bounds[] = {100,   250,   500,    1000,   2500,    5000,   10000,
                                     25000, 50000, 100000, 250000, 1000000, 5000000};
#define CALL_BOUND_COUNT (sizeof(call_bounds) / sizeof(call_bounds[0]))

struct call_counts {
    counter calls;
    counter errors;
    counter refused;
    counter elapsed;
    counter buckets[CALL_BOUND_COUNT];
};

struct histogram_counts {
    counter count;
    counter sum;
    counter buckets[MAX_BOUNDS];
};

struct shard {
    struct shard *next;
    counter counters[METRIC_COUNTER_COUNT];
    struct histogram_counts histograms[HISTOGRAM_COUNT];
    struct call_counts calls[];
};

struct metrics {
    size_t operation_count;
    void (*name_of)(size_t index, const char **ret_name, const char **ret_dialect);
    counter gauges[GAUGE_COUNT];
    _Atomic(struct shard *) shards;
};

struct metric_name {
    const char *name, *help;
};

static const struct metric_name counter_names[] = {
#define METRIC_COUNTER(symbol, name, help) {name, help},
#define METRIC_GAUGE(symbol, name, help)
#define METRIC_HISTOGRAM(symbol, name, help, scale, ...)
#include "base/metrics.def"
#undef METRIC_COUNTER
#undef METRIC_GAUGE
#undef METRIC_HISTOGRAM
};

static const struct metric_name gauge_names[] = {
#define METRIC_COUNTER(symbol, name, help)
#define METRIC_GAUGE(symbol, name, help) {name, help},
#define METRIC_HISTOGRAM(symbol, name, help, scale, ...)
#include "base/metrics.def"
#undef METRIC_COUNTER
#undef METRIC_GAUGE
#undef METRIC_HISTOGRAM
};

/* Bounds end with 0. */
static const struct {
    struct metric_name name;
    int64_t scale;
    int64_t bounds[MAX_BOUNDS];
} histogram_rows[] = {
#define METRIC_COUNTER(symbol, name, help)
#define METRIC_GAUGE(symbol, name, help)
#define METRIC_HISTOGRAM(symbol, name, help, scale, ...) {{name, help}, scale, {__VA_ARGS__}},
#include "base/metrics.def"
#undef METRIC_COUNTER
#undef METRIC_GAUGE
#undef METRIC_HISTOGRAM
};

static _Thread_local struct shard *my_shard;
static _Thread_local struct metrics *my_metrics;

static struct shard *shard_of(struct metrics *metrics)
{
    if (my_metrics == metrics)
        return my_shard;
    struct shard *shard =
        calloc(1, sizeof(struct shard) + metrics->operation_count * sizeof(struct call_counts));
    if (!shard)
        abort();
    shard->next = atomic_load(&metrics->shards);
    while (!atomic_compare_exchange_weak(&metrics->shards, &shard->next, shard))
        ;
    my_metrics = metrics;
    my_shard = shard;
    return shard;
}

/* Only this thread writes: a load and a store, no locked instruction. */
static void add(counter *to, int64_t by)
{
    atomic_store_explicit(to, atomic_load_explicit(to, memory_order_relaxed) + by,
                          memory_order_relaxed);
}

static int64_t get(const counter *from)
{
    return atomic_load_explicit(from, memory_order_relaxed);
}

struct metrics *metrics_new(size_t operation_count,
                            void (*name_of)(size_t index, const char **ret_name,
                                            const char **ret_dialect))
{
    struct metrics *metrics = calloc(1, sizeof(*metrics));
    if (!metrics)
        abort();
    metrics->operation_count = operation_count;
    metrics->name_of = name_of;
    return metrics;
}

struct metrics *metrics_free(struct metrics *metrics)
{
    if (!metrics)
        return NULL;
    struct shard *shard = atomic_load(&metrics->shards);
    while (shard) {
        struct shard *next = shard->next;
        free(shard);
        shard = next;
    }
    if (my_metrics == metrics)
        my_metrics = NULL;
    free(metrics);
    return NULL;
}

void metrics_call(struct metrics *metrics, size_t operation, enum call_outcome outcome,
                  usec_t elapsed)
{
    if (operation >= metrics->operation_count)
        return;
    struct call_counts *counts = &shard_of(metrics)->calls[operation];
    add(&counts->calls, 1);
    add(&counts->elapsed, elapsed);
    if (outcome == CALL_FAILED)
        add(&counts->errors, 1);
    else if (outcome == CALL_REFUSED)
        add(&counts->refused, 1);
    for (size_t i = 0; i < CALL_BOUND_COUNT; i++) {
        if (elapsed <= call_bounds[i]) {
            add(&counts->buckets[i], 1);
            break;
        }
    }
}

void metrics_count(struct metrics *metrics, enum metric_counter which, int64_t by)
{
    add(&shard_of(metrics)->counters[which], by);
}

void metrics_observe(struct metrics *metrics, enum metric_histogram which, int64_t value)
{
    struct histogram_counts *counts = &shard_of(metrics)->histograms[which];
    add(&counts->count, 1);
    add(&counts->sum, value);
    for (size_t i = 0; i < MAX_BOUNDS && histogram_rows[which].bounds[i]; i++) {
        if (value <= histogram_rows[which].bounds[i]) {
            add(&counts->buckets[i], 1);
            break;
        }
    }
}

void metrics_gauge_set(struct metrics *metrics, enum metric_gauge gauge, int64_t value)
{
    atomic_store_explicit(&metrics->gauges[gauge], value, memory_order_relaxed);
}

void metrics_gauge_add(struct metrics *metrics, enum metric_gauge gauge, int64_t by)
{
    atomic_fetch_add_explicit(&metrics->gauges[gauge], by, memory_order_relaxed);
}

int64_t metrics_gauge_get(const struct metrics *metrics, enum metric_gauge gauge)
{
    return get(&metrics->gauges[gauge]);
}

/* 1500000 / 1000000 as "1.5": the value is printed exactly. */
static void print_scaled(struct buf *out, int64_t value, int64_t scale)
{
    if (scale == 1) {
        buf_printf(out, "%lld", (long long)value);
        return;
    }
    buf_printf(out, "%lld.%06lld", (long long)(value / scale),
               (long long)(value % scale * (1000000 / scale)));
}

static void print_head(struct buf *out, struct metric_name name, const char *kind)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name.name, name.help, name.name, kind);
}

static void print_histogram(struct metrics *metrics, struct buf *out, size_t which)
{
    struct metric_name name = histogram_rows[which].name;
    int64_t scale = histogram_rows[which].scale;
    int64_t count = 0, sum = 0, buckets[MAX_BOUNDS] = {0};
    for (const struct shard *s = atomic_load(&metrics->shards); s; s = s->next) {
        count += get(&s->histograms[which].count);
        sum += get(&s->histograms[which].sum);
        for (size_t i = 0; i < MAX_BOUNDS; i++)
            buckets[i] += get(&s->histograms[which].buckets[i]);
    }
    print_head(out, name, "histogram");
    int64_t below = 0;
    for (size_t i = 0; i < MAX_BOUNDS && histogram_rows[which].bounds[i]; i++) {
        below += buckets[i];
        buf_printf(out, "%s_bucket{le=\"", name.name);
        print_scaled(out, histogram_rows[which].bounds[i], scale);
        buf_printf(out, "\"} %lld\n", (long long)below);
    }
    buf_printf(out, "%s_bucket{le=\"+Inf\"} %lld\n%s_sum ", name.name, (long long)count, name.name);
    print_scaled(out, sum, scale);
    buf_printf(out, "\n%s_count %lld\n", name.name, (long long)count);
}

struct call_sums {
    int64_t calls, errors, refused, elapsed, buckets[CALL_BOUND_COUNT];
};

static struct call_sums sum_calls(struct metrics *metrics, size_t operation)
{
    struct call_sums sums = {0};
    for (const struct shard *s = atomic_load(&metrics->shards); s; s = s->next) {
        const struct call_counts *counts = &s->calls[operation];
        sums.calls += get(&counts->calls);
        sums.errors += get(&counts->errors);
        sums.refused += get(&counts->refused);
        sums.elapsed += get(&counts->elapsed);
        for (size_t i = 0; i < CALL_BOUND_COUNT; i++)
            sums.buckets[i] += get(&counts->buckets[i]);
    }
    return sums;
}

static void print_duration(struct buf *out, const char *labels, const struct call_sums *sums)
{
    int64_t below = 0;
    for (size_t b = 0; b < CALL_BOUND_COUNT; b++) {
        below += sums->buckets[b];
        buf_printf(out, "cambist_call_seconds_bucket{%s,le=\"", labels);
        print_scaled(out, call_bounds[b], USEC_PER_SEC);
        buf_printf(out, "\"} %lld\n", (long long)below);
    }
    buf_printf(out, "cambist_call_seconds_bucket{%s,le=\"+Inf\"} %lld\n", labels,
               (long long)sums->calls);
    buf_printf(out, "cambist_call_seconds_sum{%s} ", labels);
    print_scaled(out, sums->elapsed, USEC_PER_SEC);
    buf_printf(out, "\ncambist_call_seconds_count{%s} %lld\n", labels, (long long)sums->calls);
}

/* One metric's samples have to stand together, so each is a pass over the operations that were
 * called. */
static void print_calls(struct metrics *metrics, struct buf *out)
{
    static const struct metric_name names[] = {
        {"cambist_calls_total", "Calls of each operation."},
        {"cambist_call_errors_total",
         "Calls that failed by a fault of ours or of what we depend on."},
        {"cambist_call_refusals_total",
         "Calls refused by a rule, with whatever status the dialect documents for it."},
        {"cambist_call_seconds", "Time from the request's last byte to the reply."},
    };
    for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
        print_head(out, names[n], n == 3 ? "histogram" : "counter");
        for (size_t i = 0; i < metrics->operation_count; i++) {
            struct call_sums sums = sum_calls(metrics, i);
            if (!sums.calls)
                continue;
            const char *operation, *dialect;
            metrics->name_of(i, &operation, &dialect);
            char labels[256];
            snprintf(labels, sizeof(labels), "operation=\"%s\",dialect=\"%s\"", operation, dialect);
            if (n == 3) {
                print_duration(out, labels, &sums);
                continue;
            }
            int64_t value = n == 0 ? sums.calls : n == 1 ? sums.errors : sums.refused;
            buf_printf(out, "%s{%s} %lld\n", names[n].name, labels, (long long)value);
        }
    }
}

void metrics_print(struct metrics *metrics, struct buf *out)
{
    print_calls(metrics, out);
    for (size_t i = 0; i < METRIC_COUNTER_COUNT; i++) {
        int64_t sum = 0;
        for (const struct shard *s = atomic_load(&metrics->shards); s; s = s->next)
            sum += get(&s->counters[i]);
        print_head(out, counter_names[i], "counter");
        buf_printf(out, "%s %lld\n", counter_names[i].name, (long long)sum);
    }
    for (size_t i = 0; i < GAUGE_COUNT; i++) {
        print_head(out, gauge_names[i], "gauge");
        buf_printf(out, "%s %lld\n", gauge_names[i].name, (long long)get(&metrics->gauges[i]));
    }
    for (size_t i = 0; i < HISTOGRAM_COUNT; i++)
        print_histogram(metrics, out, i);
}
