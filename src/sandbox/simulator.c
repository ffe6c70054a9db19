/* What the simulated providers have in common: scripts, transfers, records, callbacks. */
#include "sandbox/simulator.h"

#include <stdlib.h>

#include "core/app.h"
#include "provider/http.h"
#include "sandbox/sandbox_internal.h"

/* Realistic, and short enough for tests. */
#define CALLBACK_DELAY (60 * USEC_PER_MSEC)

struct str sim_keep(struct simulator *simulator, struct str text)
{
    return text.ptr ? arena_copy(simulator->arena, text) : text;
}

struct str sim_new_id(struct simulator *simulator, const char *prefix)
{
    return arena_printf(simulator->arena, "%s%08lld", prefix, (long long)++simulator->next_number);
}

enum sim_outcome sim_scripted(struct simulator *simulator, const char *operation)
{
    for (struct sim_script *script = simulator->scripts; script; script = script->next) {
        if (script->count <= 0 ||
            !(str_is(script->operation, operation) || str_is(script->operation, "*")))
            continue;
        script->count--;
        return script->outcome;
    }
    return SIM_NORMAL;
}

struct sim_transfer *sim_find_transfer(struct simulator *simulator, struct str id_or_reference)
{
    for (struct sim_transfer *at = simulator->transfers; at; at = at->next)
        if (str_eq(at->id, id_or_reference) || str_eq(at->reference, id_or_reference))
            return at;
    return NULL;
}

struct sim_record *sim_find_record(struct simulator *simulator, const char *kind, struct str id)
{
    for (struct sim_record *at = simulator->records; at; at = at->next)
        if (!at->deleted && str_is(at->kind, kind) && str_eq(at->id, id))
            return at;
    return NULL;
}

struct sim_record *sim_find_by_key(struct simulator *simulator, const char *kind, struct str key)
{
    for (struct sim_record *at = simulator->records; at; at = at->next)
        if (str_is(at->kind, kind) && !str_empty(key) && str_eq(at->key, key))
            return at;
    return NULL;
}

struct sim_record *sim_add_record(struct simulator *simulator, const char *kind, struct str id,
                                  struct str owner, struct str key, struct str json)
{
    struct sim_record *record = ARENA_NEW(simulator->arena, struct sim_record);
    *record = (struct sim_record){.kind = str_from(kind),
                                  .id = sim_keep(simulator, id),
                                  .owner = sim_keep(simulator, owner),
                                  .key = sim_keep(simulator, key),
                                  .json = sim_keep(simulator, json),
                                  .next = simulator->records};
    simulator->records = record;
    sim_remember_record(simulator, record);
    return record;
}

void sim_schedule(struct simulator *simulator, struct sim_transfer *transfer, enum sim_state state,
                  struct str body, usec_t delay)
{
    struct sandbox *sandbox = simulator->sandbox;
    struct sim_callback *callback = calloc(1, sizeof(*callback));
    if (!callback)
        abort();
    *callback = (struct sim_callback){.due = clock_monotonic() + delay,
                                      .simulator = simulator,
                                      .transfer = transfer,
                                      .state = state,
                                      .body = body};
    pthread_mutex_lock(&sandbox->lock);
    callback->next = sandbox->callbacks;
    sandbox->callbacks = callback;
    pthread_cond_signal(&sandbox->changed);
    pthread_mutex_unlock(&sandbox->lock);
}

static void set_course(struct sim_transfer *transfer, struct simulator *simulator,
                       enum sim_outcome outcome)
{
    transfer->twice = outcome == SIM_TWICE;
    if (outcome == SIM_UNKNOWN)
        transfer->state_word = STR("quarantined_by_moon_phase");
    /* Without an amount it waits for somebody to send one: an event. */
    transfer->held =
        outcome == SIM_UNKNOWN || outcome == SIM_PENDING || str_empty(transfer->amount);
    if (transfer->held)
        return;
    sim_schedule(simulator, transfer, outcome == SIM_FAIL ? SIM_FAILED : SIM_DONE, STR_NONE,
                 CALLBACK_DELAY);
}

bool sim_proceed(struct sim_call *call, const char *operation, bool *ret_rejected)
{
    enum sim_outcome outcome = sim_scripted(call->simulator, operation);
    *ret_rejected = outcome == SIM_REJECT || outcome == SIM_FAIL;
    call->withhold = outcome == SIM_TIMEOUT;
    if (outcome == SIM_UNAVAILABLE) {
        call->status = 503;
        call->answer = STR("{\"message\":\"Service unavailable\"}");
        return false;
    }
    return true;
}

struct sim_transfer *sim_begin_transfer(struct sim_call *call, const char *operation,
                                        const struct sim_transfer *template, bool *ret_rejected)
{
    struct simulator *simulator = call->simulator;
    enum sim_outcome outcome = sim_scripted(simulator, operation);
    *ret_rejected = false;
    call->withhold = outcome == SIM_TIMEOUT;
    if (outcome == SIM_UNAVAILABLE) {
        call->status = 503;
        call->answer = STR("{\"message\":\"Service unavailable\"}");
        return NULL;
    }
    struct sim_transfer *known = sim_find_transfer(simulator, template->reference);
    if (known)
        return known;
    if (outcome == SIM_REJECT) {
        *ret_rejected = true;
        return NULL;
    }
    struct sim_transfer *transfer = ARENA_NEW(simulator->arena, struct sim_transfer);
    *transfer = (struct sim_transfer){
        .id = template->id,
        .reference = sim_keep(simulator, template->reference),
        .operation = str_from(operation),
        .amount = sim_keep(simulator, template->amount),
        .currency = sim_keep(simulator, template->currency),
        .account_number = sim_keep(simulator, template->account_number),
        .account_name = sim_keep(simulator, template->account_name),
        .bank_code = sim_keep(simulator, template->bank_code),
        .source_json = sim_keep(simulator, template->source_json),
        .destination_json = sim_keep(simulator, template->destination_json),
        .created_at = clock_now(),
        .next = simulator->transfers,
    };
    simulator->transfers = transfer;
    set_course(transfer, simulator, outcome);
    sim_remember_transfer(simulator, transfer);
    return transfer;
}

struct provider_header simulator_sign(struct simulator *simulator, struct str body, bool spoil,
                                      struct arena *arena)
{
    struct provider_header header;
    simulator->simulation->sign(simulator, arena, body, &header);
    if (spoil)
        header.value = arena_printf(arena, "%.*s0", STR_FMT(header.value));
    return header;
}

int simulator_send(struct simulator *simulator, struct str body, bool spoil, struct arena *arena)
{
    struct provider_header headers[2] = {{"Content-Type", STR("application/json")},
                                         simulator_sign(simulator, body, spoil, arena)};
    struct http_request request = {.method = "POST",
                                   .url = simulator->settings.callback_url,
                                   .headers = headers,
                                   .header_count = 2,
                                   .body = body,
                                   .timeout_ms = 10000};
    struct http_policy policy = {0};
    struct http_response response;
    http_perform(arena, &request, &policy, &response);
    return response.status;
}
