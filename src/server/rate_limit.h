/*
 * Rate limits: so many calls a second for each key (a credential, an address), with room for a
 * burst of the same number. One 64-bit instant per key (GCRA: when would a client that calls evenly
 * be due?), in a table of fixed size without locks.
 */
#ifndef SERVER_RATE_LIMIT_H
#define SERVER_RATE_LIMIT_H

#include "base/time.h"

struct rate_limit;

/* per_second 0: no limit. */
struct rate_limit *rate_limit_new(int64_t per_second);
struct rate_limit *rate_limit_free(struct rate_limit *limit);
/* 0: go on. Otherwise how long to wait until the next call would be let through. From any
 * thread. */
usec_t rate_limit_take(struct rate_limit *limit, uint64_t key, usec_t now);

#endif
