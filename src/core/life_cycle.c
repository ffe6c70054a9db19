/*
 * The life cycles, and looking transitions up in them. Tables are short: a scan is the fastest
 * index.
 */
#include "core/life_cycle.h"

#define STATE(name, meaning)
#define TRANSITION(from, event, to) {#from, #event, #to},
static const struct transition account_transitions[] = {
#include "core/states/account.def"
};
static const struct transition api_key_transitions[] = {
#include "core/states/api_key.def"
};
static const struct transition kyb_transitions[] = {
#include "core/states/kyb.def"
};
static const struct transition member_transitions[] = {
#include "core/states/member.def"
};
static const struct transition organisation_transitions[] = {
#include "core/states/organisation.def"
};
static const struct transition payment_transitions[] = {
#include "core/states/payment.def"
};
static const struct transition transaction_transitions[] = {
#include "core/states/transaction.def"
};
static const struct transition withdrawal_transitions[] = {
#include "core/states/withdrawal.def"
};
#undef STATE
#undef TRANSITION

#define LIFE_CYCLE(noun_, table)                             \
    {                                                        \
        (noun_), (table), sizeof(table) / sizeof((table)[0]) \
    }
const struct life_cycle account_life_cycle = LIFE_CYCLE("account", account_transitions);
const struct life_cycle api_key_life_cycle = LIFE_CYCLE("API key", api_key_transitions);
const struct life_cycle kyb_life_cycle = LIFE_CYCLE("KYB record", kyb_transitions);
const struct life_cycle member_life_cycle = LIFE_CYCLE("member", member_transitions);
const struct life_cycle organisation_life_cycle =
    LIFE_CYCLE("organisation", organisation_transitions);
const struct life_cycle payment_life_cycle = LIFE_CYCLE("payment", payment_transitions);
const struct life_cycle transaction_life_cycle = LIFE_CYCLE("transaction", transaction_transitions);
const struct life_cycle withdrawal_life_cycle = LIFE_CYCLE("withdrawal", withdrawal_transitions);

const char *life_cycle_next(const struct life_cycle *life_cycle, struct str state,
                            const char *event)
{
    for (size_t i = 0; i < life_cycle->transition_count; i++) {
        const struct transition *transition = &life_cycle->transitions[i];
        if (str_is(state, transition->from) && strcmp(event, transition->event) == 0)
            return transition->to;
    }
    return NULL;
}

int life_cycle_step(struct call *c, const struct life_cycle *life_cycle, struct str state,
                    const char *event, const char *field, struct str *ret_state)
{
    const char *next = life_cycle_next(life_cycle, state, event);

    if (!next)
        return call_refuse_text(c, ERR_WRONG_STATE, field,
                                "The %s is %.*s, which does not allow this: %s.", life_cycle->noun,
                                STR_FMT(state), event);
    *ret_state = str_from(next);
    return 0;
}
