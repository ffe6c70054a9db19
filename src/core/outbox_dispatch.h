/* Private to the outbox and to what is written to it in core: the dispatcher's state. */
#ifndef CORE_OUTBOX_DISPATCH_H
#define CORE_OUTBOX_DISPATCH_H

#include <stdatomic.h>

#include "core/outbox.h"

/* Webhooks have a lane of their own, so that slow receivers do not hold up payments. */
enum outbox_lane { LANE_WORK, LANE_DELIVERIES, LANE_COUNT };

struct outbox {
    struct periodic *job;
    unsigned lane_width; /* rows of a lane that are worked on at once */
    usec_t counted_at;   /* monotonic; the dispatcher's own */
    atomic_uint in_flight[LANE_COUNT];
    /* Webhook endpoints there ever were, where this process is the only one that makes them
     * (SQLite); -1: ask the database. The busiest calls have to know that nobody listens without a
     * query. */
    atomic_llong endpoints;
    atomic_bool hungry; /* rows were left because the lanes were full */
};

const char *message_channel_name(enum message_channel channel);

#endif
