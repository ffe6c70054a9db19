/*
 * How an event looks on the wire and is signed differs by dialect. A style is what a dialect
 * brings; an endpoint keeps the name of the style it was registered in. The table is the dialects'
 * (src/dialect/webhook_styles.c).
 */
#ifndef CORE_WEBHOOK_STYLE_H
#define CORE_WEBHOOK_STYLE_H

#include "core/call.h"

/* An event as it was recorded. */
struct webhook_occurrence {
    id_t64 event_id;
    struct str event_type;
    struct str data; /* JSON object */
    usec_t created_at;
};

#define WEBHOOK_MAX_HEADERS 4

struct webhook_style {
    const char *name;
    /* The body; false: endpoints of this style do not get this event. */
    bool (*render)(struct arena *arena, const struct webhook_occurrence *event,
                   struct str *ret_body);
    /* The headers that identify and sign `body`; returns their number. `previous_secret` is present
     * for as long as a rotated secret is still good. `now` is wall time. */
    size_t (*sign)(struct arena *arena, const struct webhook_occurrence *event, struct str secret,
                   struct str previous_secret, usec_t now, struct str body,
                   struct header headers[WEBHOOK_MAX_HEADERS]);
    /* When to try again after `attempts` (from 1) failed ones, the first at `first_attempt`; 0:
     * never. */
    usec_t (*next_attempt)(unsigned attempts, usec_t first_attempt, usec_t now);
};

/* NULL-terminated. */
extern const struct webhook_style *const webhook_styles[];
const struct webhook_style *webhook_style_find(struct str name);

/* 1 minute, doubling, at most 6 hours apart, the last 24 hours after the first. */
usec_t webhook_retry_for_a_day(unsigned attempts, usec_t first_attempt, usec_t now);

#endif
