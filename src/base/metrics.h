/*
 * Counters of the process, in the text format of Prometheus (version 0.0.4). Each thread counts in
 * memory of its own, without locks; whoever asks adds up. Gauges are single values, set by whoever
 * knows them.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include "base/buf.h"
#include "base/time.h"

struct metrics;

enum metric_counter {
#define METRIC_COUNTER(symbol, name, help) METRIC_##symbol,
#define METRIC_GAUGE(symbol, name, help)
#define METRIC_HISTOGRAM(symbol, name, help, scale, ...)
#include "base/metrics.def"
#undef METRIC_COUNTER
#undef METRIC_GAUGE
#undef METRIC_HISTOGRAM
    METRIC_COUNTER_COUNT
};

enum metric_gauge {
#define METRIC_COUNTER(symbol, name, help)
#define METRIC_GAUGE(symbol, name, help) GAUGE_##symbol,
#define METRIC_HISTOGRAM(symbol, name, help, scale, ...)
#include "base/metrics.def"
#undef METRIC_COUNTER
#undef METRIC_GAUGE
#undef METRIC_HISTOGRAM
    GAUGE_COUNT
};

enum metric_histogram {
#define METRIC_COUNTER(symbol, name, help)
#define METRIC_GAUGE(symbol, name, help)
#define METRIC_HISTOGRAM(symbol, name, help, scale, ...) HISTOGRAM_##symbol,
#include "base/metrics.def"
#undef METRIC_COUNTER
#undef METRIC_GAUGE
#undef METRIC_HISTOGRAM
    HISTOGRAM_COUNT
};

/* `name_of` gives the label of each operation and of its dialect. */
struct metrics *metrics_new(size_t operation_count,
                            void (*name_of)(size_t index, const char **ret_name,
                                            const char **ret_dialect));
struct metrics *metrics_free(struct metrics *metrics);
/* A refusal is the client's doing (a rule, whatever status its dialect numbers it), a failure is not. */
enum call_outcome { CALL_DONE, CALL_REFUSED, CALL_FAILED };
void metrics_call(struct metrics *metrics, size_t operation, enum call_outcome outcome,
                  usec_t elapsed);
void metrics_count(struct metrics *metrics, enum metric_counter counter, int64_t by);
void metrics_observe(struct metrics *metrics, enum metric_histogram histogram, int64_t value);
void metrics_gauge_set(struct metrics *metrics, enum metric_gauge gauge, int64_t value);
void metrics_gauge_add(struct metrics *metrics, enum metric_gauge gauge, int64_t by);
int64_t metrics_gauge_get(const struct metrics *metrics, enum metric_gauge gauge);
void metrics_print(struct metrics *metrics, struct buf *out);

#endif
