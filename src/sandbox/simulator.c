/* What the simulated providers have in common: routes, scripts, transfers, records, callbacks. */
#include "sandbox/simulator.h"

#include <stdlib.h>

#include "base/log.h"
#include "core/app.h"
#include "provider/http.h"
#include "sandbox/sandbox_internal.h"

/* Realistic, and short enough for tests. */
#define CALLBACK_DELAY (60 * USEC_PER_MSEC)
#define LATE_DELAY USEC_PER_SEC

static const struct sim_outcome outcomes[] = {
#define SIM_OUTCOME(name, end, answer, callbacks) \
    {#name, SIM_END_##end, SIM_##answer, SIM_##callbacks},
#include "sandbox/outcomes.def"
#undef SIM_OUTCOME
};

const struct sim_outcome *sim_find_outcome(struct str name)
{
    for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
        if (str_is(name, outcomes[i].name))
            return &outcomes[i];
    return NULL;
}

/* ---- A call ---- */

/* Uses up one of the script's outcomes for this operation. */
static const struct sim_outcome *take_outcome(struct simulator *simulator, struct str operation)
{
    for (struct sim_script *script = simulator->scripts; script; script = script->next) {
        if (script->count <= 0 ||
            !(str_eq(script->operation, operation) || str_is(script->operation, "*")))
            continue;
        if (script->after > 0) {
            script->after--;
            continue;
        }
        script->count--;
        return script->outcome;
    }
    return &outcomes[0];
}

/* "{}" stands for one segment. */
static bool path_fits(struct sim_call *call, const char *pattern)
{
    struct str path = call->path, rest = str_from(pattern);
    size_t parts = 0;
    while (str_present(path) && str_present(rest)) {
        struct str segment = str_cut(&path, '/'), wanted = str_cut(&rest, '/');
        if (!str_is(wanted, "{}") && !str_eq(wanted, segment))
            return false;
        if (str_is(wanted, "{}"))
            call->parts[parts++] = segment;
    }
    return !str_present(path) && !str_present(rest);
}

static const struct sim_route *find_route(struct sim_call *call)
{
    const struct sim_route *route = call->simulator->simulation->routes;
    for (; route->method; route++)
        if (str_is(call->method, route->method) && path_fits(call, route->path) &&
            (!route->when || route->when(call)))
            return route;
    return NULL;
}

static struct str reference_of(const struct sim_call *call, const struct sim_route *route)
{
    if (!route->reference)
        return call->header(call->context, "Idempotency-Key");
    return strcmp(route->reference, "{}") == 0 ? call->parts[0]
                                               : sim_member(call, route->reference);
}

void sim_answer_call(struct sim_call *call)
{
    const struct sim_route *route = find_route(call);
    call->outcome = &outcomes[0];
    if (!route) {
        call->simulator->simulation->refuse(call, 404, "Not found");
        return;
    }
    call->operation = str_from(route->operation);
    call->reference = reference_of(call, route);
    call->outcome = take_outcome(call->simulator, call->operation);
    enum sim_end end = call->outcome->end;
    if (route->refusal && (end == SIM_END_REFUSED || end == SIM_END_FAILED))
        call->simulator->simulation->refuse(call, 400, route->refusal);
    else if (end != SIM_END_NOTHING)
        route->answer(call);
}

struct str sim_member(const struct sim_call *call, const char *path)
{
    return json_text(json_get(call->body, path));
}

void sim_reply(struct sim_call *call, int status, struct str json)
{
    call->status = status;
    call->answer = json;
}

struct str sim_keep(struct simulator *simulator, struct str text)
{
    return text.ptr ? arena_copy(simulator->arena, text) : text;
}

struct str sim_new_id(struct simulator *simulator, const char *prefix)
{
    return arena_printf(simulator->arena, "%s%08lld", prefix, (long long)++simulator->next_number);
}

struct str sim_now(struct arena *arena)
{
    return time_print(arena, clock_now(), TIME_RFC3339);
}

/* ---- Records ---- */

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

struct sim_record *sim_add_record(struct simulator *simulator, const struct sim_record *wanted)
{
    struct sim_record *record = ARENA_NEW(simulator->arena, struct sim_record);
    *record = (struct sim_record){.kind = sim_keep(simulator, wanted->kind),
                                  .id = sim_keep(simulator, wanted->id),
                                  .owner = sim_keep(simulator, wanted->owner),
                                  .key = sim_keep(simulator, wanted->key),
                                  .detail = sim_keep(simulator, wanted->detail),
                                  .json = sim_keep(simulator, wanted->json),
                                  .created_at = clock_now(),
                                  .next = simulator->records};
    simulator->records = record;
    sim_remember_record(simulator, record);
    return record;
}

int64_t sim_put_records(struct sim_call *call, struct buf *out, const char *kind, struct str owner)
{
    int64_t count = 0;
    for (struct sim_record *at = call->simulator->records; at; at = at->next) {
        if (at->deleted || !str_is(at->kind, kind) ||
            (str_present(owner) && !str_eq(at->owner, owner)))
            continue;
        if (count++)
            buf_add_char(out, ',');
        buf_add_str(out, at->json);
    }
    return count;
}

/* ---- Transfers ---- */

struct sim_transfer *sim_find_transfer(struct simulator *simulator, struct str id_or_reference)
{
    for (struct sim_transfer *at = simulator->transfers; at; at = at->next)
        if (str_eq(at->id, id_or_reference) || str_eq(at->reference, id_or_reference))
            return at;
    return NULL;
}

static struct sim_callback *new_callback(struct simulator *simulator, struct sim_transfer *transfer,
                                         enum sim_callbacks callbacks, enum sim_state end)
{
    struct sim_callback *callback = calloc(1, sizeof(*callback));
    if (!callback)
        abort();
    *callback = (struct sim_callback){
        .due = clock_monotonic() + (callbacks == SIM_LATE ? LATE_DELAY : CALLBACK_DELAY),
        .simulator = simulator,
        .transfer = transfer,
        .states = {end, end},
        .count = 1,
    };
    if (callbacks == SIM_TWICE || callbacks == SIM_DISORDERED || callbacks == SIM_CONTRADICTED)
        callback->count = 2;
    if (callbacks == SIM_DISORDERED)
        callback->states[1] = SIM_WAITING;
    if (callbacks == SIM_CONTRADICTED)
        callback->states[1] = end == SIM_DONE ? SIM_FAILED : SIM_DONE;
    return callback;
}

static void schedule(struct sandbox *sandbox, struct sim_callback *callback)
{
    pthread_mutex_lock(&sandbox->lock);
    callback->next = sandbox->callbacks;
    sandbox->callbacks = callback;
    pthread_cond_signal(&sandbox->changed);
    pthread_mutex_unlock(&sandbox->lock);
}

/* Where no callback tells of the end it is there at once, for who asks. */
static void set_course(struct sim_call *call, struct sim_transfer *transfer)
{
    const struct sim_outcome *outcome = call->outcome;
    enum sim_state end = outcome->end == SIM_END_FAILED ? SIM_FAILED : SIM_DONE;
    if (outcome->end == SIM_END_RIDDLE)
        transfer->state_word = STR("quarantined_by_moon_phase");
    /* Without an amount it waits for somebody to send one: an event. */
    transfer->held = outcome->end == SIM_END_RIDDLE || outcome->end == SIM_END_WAITING ||
                     str_empty(transfer->amount);
    if (transfer->held)
        return;
    if (outcome->callbacks == SIM_NONE) {
        transfer->state = end;
        return;
    }
    struct sim_callback *callback =
        new_callback(call->simulator, transfer, outcome->callbacks, end);
    if (outcome->callbacks == SIM_EARLY)
        call->early = callback;
    else
        schedule(call->simulator->sandbox, callback);
}

struct sim_transfer *sim_begin_transfer(struct sim_call *call, const struct sim_transfer *wanted)
{
    struct simulator *simulator = call->simulator;
    if (call->outcome->end == SIM_END_REFUSED)
        return NULL;
    struct sim_transfer *transfer = ARENA_NEW(simulator->arena, struct sim_transfer);
    *transfer = (struct sim_transfer){
        .id = wanted->id,
        .reference = sim_keep(simulator, wanted->reference),
        .operation = sim_keep(simulator, call->operation),
        .amount = sim_keep(simulator, wanted->amount),
        .currency = sim_keep(simulator, wanted->currency),
        .account_number = sim_keep(simulator, wanted->account_number),
        .account_name = sim_keep(simulator, wanted->account_name),
        .bank_code = sim_keep(simulator, wanted->bank_code),
        .source_json = sim_keep(simulator, wanted->source_json),
        .destination_json = sim_keep(simulator, wanted->destination_json),
        .created_at = clock_now(),
        .next = simulator->transfers,
    };
    simulator->transfers = transfer;
    set_course(call, transfer);
    sim_remember_transfer(simulator, transfer);
    return transfer;
}

void sim_resume(struct simulator *simulator)
{
    for (struct sim_transfer *at = simulator->transfers; at; at = at->next)
        if (at->state == SIM_WAITING && !at->held)
            schedule(simulator->sandbox, new_callback(simulator, at, SIM_LATE, SIM_DONE));
}

/* ---- Callbacks ---- */

/* An event that comes too late tells an older state, and changes none. */
static struct str event_body(struct sim_callback *callback, enum sim_state state,
                             struct arena *arena)
{
    struct simulator *simulator = callback->simulator;
    struct sim_transfer *transfer = callback->transfer;
    struct str body = STR_NONE;
    pthread_mutex_lock(&simulator->lock);
    enum sim_state after = state == SIM_WAITING ? transfer->state : state;
    transfer->state = state;
    if (simulator->simulation->transfer_event)
        body = simulator->simulation->transfer_event(simulator, arena, transfer);
    transfer->state = after;
    sim_remember_transfer(simulator, transfer);
    pthread_mutex_unlock(&simulator->lock);
    return body;
}

void sim_send_callback(struct sim_callback *callback)
{
    struct arena *arena ARENA_SCOPED = arena_new(0);
    for (size_t i = 0; i < callback->count; i++) {
        struct str body = event_body(callback, callback->states[i], arena);
        if (!str_present(body))
            continue;
        int status = simulator_send(callback->simulator, body, false, arena);
        if (status < 200 || status > 299)
            log_warn("the simulated provider's callback was not taken",
                     LOG_CSTR("provider", callback->simulator->simulation->name),
                     LOG_INT("status", status));
    }
    free(callback);
}

struct provider_header simulator_sign(struct simulator *simulator, struct str body, bool spoil,
                                      struct arena *arena)
{
    struct provider_header header = simulator->simulation->sign(simulator, arena, body);
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
