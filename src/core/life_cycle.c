/* Looks transitions up in a life cycle's table. Tables are short: a scan is the fastest index. */
#include "core/life_cycle.h"

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
