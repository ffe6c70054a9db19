/*
 * Life cycles are tables (core/states/<noun>.def), and a transition that is not in the table cannot
 * happen.
 *
 *     STATE(name, meaning)          a state, in the words that are stored
 *     TRANSITION(from, event, to)   what may happen in it
 *
 * life_cycle.c makes a `struct life_cycle` of each.
 */
#ifndef CORE_LIFE_CYCLE_H
#define CORE_LIFE_CYCLE_H

#include "core/call.h"

struct transition {
    const char *from;
    const char *event;
    const char *to;
};

struct life_cycle {
    const char *noun; /* for the refusal's sentence */
    const struct transition *transitions;
    size_t transition_count;
};

extern const struct life_cycle account_life_cycle, api_key_life_cycle, kyb_life_cycle,
    member_life_cycle, organisation_life_cycle, payment_life_cycle, transaction_life_cycle,
    withdrawal_life_cycle;

/* The state after `event`; NULL when the table does not have it. */
const char *life_cycle_next(const struct life_cycle *life_cycle, struct str state,
                            const char *event);
/* The same, refused with ERR_WRONG_STATE for `field` (may be NULL) when the table does not
 * have it. */
int life_cycle_step(struct call *c, const struct life_cycle *life_cycle, struct str state,
                    const char *event, const char *field, struct str *ret_state);

#endif
