/* Instants are int64 microseconds since 1970-01-01T00:00:00Z. The wall clock is read in one place. */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include "base/arena.h"

typedef int64_t usec_t;

#define USEC_PER_MSEC INT64_C(1000)
#define USEC_PER_SEC INT64_C(1000000)
#define USEC_PER_MINUTE (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MINUTE)
#define USEC_PER_DAY (24 * USEC_PER_HOUR)

/* Wall time plus the offset of the test clock (0 outside the sandbox). Safe from any thread. */
usec_t clock_now(void);
/* The sandbox's test clock only moves forward. Returns the new offset. */
usec_t clock_advance(usec_t by);
usec_t clock_offset(void);
void clock_set_offset(usec_t offset);
/* For durations (timeouts, metrics): never jumps, unaffected by the test clock. */
usec_t clock_monotonic(void);

enum time_style {
    TIME_RFC3339,         /* 2024-01-15T10:30:00.123Z */
    TIME_RFC3339_SECONDS, /* 2024-01-15T10:30:00Z */
    TIME_OFFSET_MILLIS,   /* 2024-10-07T04:56:49.699+00:00 (VaultsPay) */
    TIME_LOCAL_SECONDS,   /* 2026-04-13T08:00:00, no zone (PCX payment links) */
    TIME_DATE,            /* 2024-01-15 */
};

struct str time_print(struct arena *arena, usec_t instant, enum time_style style);
/* RFC 3339 date-time with any offset and up to 6 decimals, or a full-date (midnight UTC). */
bool time_parse(struct str text, usec_t *ret_instant);
/* ISO 8601 duration without years and months: P1D, PT10M, PT1H30M, P2W. */
bool duration_parse(struct str text, usec_t *ret_duration);

#endif
