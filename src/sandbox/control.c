/*
 * The control API, /sandbox/...: inbox, clock, providers, hooks. Everybody may use it: a sandbox
 * holds nothing real, and outside of one there is no such path.
 */
#include <stdio.h>
#include <time.h>

#include "core/mount.h"
#include "core/outbox.h"
#include "core/work.h"
#include "sandbox/sandbox_internal.h"
#include "store/sql.h"

#define SETTLE_TIME (3 * USEC_PER_SEC)
#define INBOX_LIMIT 200

mount_handler sandbox_mount;

static int parse_body(struct call *c, const struct json **ret_body)
{
    *ret_body = NULL;
    if (!str_empty(c->raw_body) && json_parse(c->arena, c->raw_body, ret_body) != OK)
        return call_refuse(c, ERR_MALFORMED_JSON, NULL);
    return OK;
}

/* ---- Inbox ---- */

#define INBOX_ROW(F)      \
    F(INTEGER, id)        \
    F(INTEGER, tenant_id) \
    F(TEXT, channel)      \
    F(TEXT, recipient)    \
    F(TEXT, subject)      \
    F(SECRET, body)       \
    F(TEXT, status)       \
    F(INTEGER, created_at)
ROW_STRUCT(inbox_message, INBOX_ROW);
#define ROW_SELF struct inbox_message
ROW_TYPE(inbox_message, INBOX_ROW);
#undef ROW_SELF

static int inbox(struct call *c, const struct mount_request *request, struct mount_reply *reply)
{
    struct inbox_message *rows;
    size_t count;
    struct str to = str_or(mount_query(request, "to"), STR(""));
    TRY(sql_all(c->sql, c->arena, &inbox_message_row, &rows, &count,
                ROW_SELECT(INBOX_ROW) " FROM message WHERE (? = '' OR recipient = ?)"
                                      " ORDER BY id DESC LIMIT ?",
                sql_text(to), sql_text(to), sql_int(INBOX_LIMIT)));
    struct buf out = json_object(c->arena);
    json_open(&out, "messages", '[');
    for (size_t i = 0; i < count; i++) {
        json_open(&out, NULL, '{');
        json_put(&out, "channel", rows[i].channel);
        json_put(&out, "to", rows[i].recipient);
        json_put(&out, "subject", rows[i].subject);
        json_put(&out, "text", rows[i].body);
        json_put(&out, "status", rows[i].status);
        json_put(&out, "created_at", time_print(c->arena, rows[i].created_at, TIME_RFC3339));
        json_close(&out, '}');
    }
    json_close(&out, ']');
    reply->body = json_object_end(&out);
    return OK;
}

/* ---- Clock ---- */

static void save_clock(struct sandbox *sandbox)
{
    FILE *file = fopen(sandbox->clock_file.ptr, "w");
    if (!file)
        return;
    fprintf(file, "%lld\n", (long long)clock_offset());
    fclose(file);
}

/* Waits until what has become due is done, so that a test sees the world as of the new time. */
static void let_due_jobs_run(struct call *c)
{
    usec_t end = clock_monotonic() + SETTLE_TIME;
    int64_t due = 1;
    workers_clock_moved(c->app);
    outbox_wake(c->app);
    while (due && clock_monotonic() < end) {
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        if (sql_integer(c->sql, &due, "SELECT COUNT(*) FROM outbox WHERE due <= ?",
                        sql_int(clock_now())) != OK)
            return;
    }
}

static int set_clock(struct call *c)
{
    const struct json *body;
    usec_t by;
    TRY(parse_body(c, &body));
    if (!duration_parse(json_string(json_get(body, "advance")), &by) || by < 0)
        return call_refuse(c, ERR_BAD_FORMAT, "advance");
    clock_advance(by);
    save_clock(c->app->sandbox);
    let_due_jobs_run(c);
    return OK;
}

static int clock_call(struct call *c, const struct mount_request *request,
                      struct mount_reply *reply)
{
    if (request->method == HTTP_POST)
        TRY(set_clock(c));
    else if (request->method != HTTP_GET)
        return call_refuse(c, ERR_METHOD_NOT_ALLOWED, NULL);
    struct buf out = json_object(c->arena);
    json_put(&out, "now", time_print(c->arena, clock_now(), TIME_RFC3339));
    json_put_integer(&out, "offset_seconds", clock_offset() / USEC_PER_SEC);
    reply->body = json_object_end(&out);
    return OK;
}

/* ---- Providers ---- */

static int requests(struct call *c, struct simulator *simulator,
                    const struct mount_request *request, struct mount_reply *reply)
{
    struct str operation = mount_query(request, "operation");
    struct str reference = mount_query(request, "reference");
    struct buf out = json_object(c->arena);
    json_open(&out, "requests", '[');
    pthread_mutex_lock(&simulator->lock);
    for (const struct sim_logged *at = simulator->log; at; at = at->next) {
        if ((str_present(operation) && !str_eq(operation, at->operation)) ||
            (str_present(reference) && !str_eq(reference, at->reference)))
            continue;
        json_open(&out, NULL, '{');
        json_put_integer(&out, "number", at->number);
        json_put(&out, "at", time_print(c->arena, at->at, TIME_RFC3339));
        json_put(&out, "method", at->method);
        json_put(&out, "path", at->path);
        json_put(&out, "operation", str_or(at->operation, STR("")));
        json_put(&out, "reference", str_or(at->reference, STR("")));
        json_put_json(&out, "body", str_empty(at->body) ? STR_NONE : at->body);
        json_put_integer(&out, "status", at->status);
        json_close(&out, '}');
    }
    pthread_mutex_unlock(&simulator->lock);
    json_close(&out, ']');
    reply->body = json_object_end(&out);
    return OK;
}

static const char *const state_names[] = {"pending", "completed", "failed"};

/* The movements a provider really made: what a test counts when it asks whether anything was paid
 * twice. */
static int transfers(struct call *c, struct simulator *simulator, struct mount_reply *reply)
{
    struct buf out = json_object(c->arena);
    json_open(&out, "transfers", '[');
    pthread_mutex_lock(&simulator->lock);
    for (const struct sim_transfer *at = simulator->transfers; at; at = at->next) {
        json_open(&out, NULL, '{');
        json_put(&out, "id", at->id);
        json_put(&out, "reference", at->reference);
        json_put(&out, "operation", at->operation);
        json_put(&out, "amount", at->amount);
        json_put(&out, "currency", at->currency);
        json_put(&out, "status", str_from(state_names[at->state]));
        json_close(&out, '}');
    }
    pthread_mutex_unlock(&simulator->lock);
    json_close(&out, ']');
    reply->body = json_object_end(&out);
    return OK;
}

/* Those of one operation, or of all ("*"). */
static void end_scripts(struct simulator *simulator, struct str operation)
{
    for (struct sim_script *row = simulator->scripts; row; row = row->next)
        if (str_is(operation, "*") || str_eq(row->operation, operation))
            row->count = 0;
}

static void add_script(struct simulator *simulator, struct str operation,
                       const struct sim_outcome *outcome, int64_t after, int64_t count)
{
    struct sim_script *row = ARENA_NEW(simulator->arena, struct sim_script);
    *row = (struct sim_script){.operation = sim_keep(simulator, operation),
                               .outcome = outcome,
                               .after = after,
                               .count = count};
    struct sim_script **end = &simulator->scripts;
    while (*end)
        end = &(*end)->next;
    *end = row;
}

/* "refused" closes the provider's port, whatever the operation; "reset" opens it and ends what was
 * scripted. */
static int script(struct call *c, struct simulator *simulator, struct mount_reply *reply)
{
    const struct json *body;
    int64_t after = 0, count = 1;
    TRY(parse_body(c, &body));
    struct str operation = json_string(json_get(body, "operation"));
    struct str name = json_string(json_get(body, "outcome"));
    const struct sim_outcome *outcome = sim_find_outcome(name);
    bool refused = str_is(name, "refused"), reset = str_is(name, "reset");
    json_integer(json_get(body, "after"), &after);
    json_integer(json_get(body, "count"), &count);
    if (str_empty(operation))
        return call_refuse(c, ERR_REQUIRED, "operation");
    if (!outcome && !refused && !reset)
        return call_refuse(c, ERR_NOT_ALLOWED, "outcome");
    pthread_mutex_lock(&simulator->lock);
    simulator->unreachable = refused || (simulator->unreachable && !reset);
    if (reset)
        end_scripts(simulator, operation);
    if (outcome)
        add_script(simulator, operation, outcome, after, count);
    pthread_mutex_unlock(&simulator->lock);
    if (refused || reset)
        simulator_give_settings(simulator);
    reply->status = 201;
    reply->body = STR("{\"scripted\":true}");
    return OK;
}

/* {"reference", "status": completed|failed|pending, "amount"}: what becomes of a transfer, and (for
 * one that somebody pays in) how much came. */
static int transfer_body(struct call *c, struct simulator *simulator, const struct json *event,
                         struct str *ret_body)
{
    struct str status = json_string(json_get(event, "status"));
    struct decimal amount;
    int error = OK;
    pthread_mutex_lock(&simulator->lock);
    struct sim_transfer *transfer =
        sim_find_transfer(simulator, json_string(json_get(event, "reference")));
    if (!transfer) {
        error = call_refuse(c, ERR_NOT_FOUND, "reference");
    } else {
        for (size_t i = 0; i < 3; i++)
            if (str_is(status, state_names[i]))
                transfer->state = (enum sim_state)i;
        if (json_decimal(json_get(event, "amount"), &amount))
            transfer->amount = decimal_print(simulator->arena, amount, 0);
        sim_remember_transfer(simulator, transfer);
        if (simulator->simulation->transfer_event)
            *ret_body = simulator->simulation->transfer_event(simulator, c->arena, transfer);
    }
    pthread_mutex_unlock(&simulator->lock);
    return error;
}

static int event_body(struct call *c, struct simulator *simulator, const struct json *event,
                      struct str *ret_body)
{
    const struct json *raw = json_get(event, "raw");
    if (json_count(raw)) {
        *ret_body = json_print(c->arena, raw);
        return OK;
    }
    if (str_present(json_string(json_get(event, "status"))))
        return transfer_body(c, simulator, event, ret_body);
    if (!simulator->simulation->event)
        return call_refuse(c, ERR_INVALID, "type");
    pthread_mutex_lock(&simulator->lock);
    *ret_body = simulator->simulation->event(simulator, c->arena, event);
    pthread_mutex_unlock(&simulator->lock);
    return str_present(*ret_body) ? OK : call_refuse(c, ERR_INVALID, "type");
}

/*
 * Sends at once, as often as "repeat" says, and tells what this server answered; with "send": false
 * only tells what would be sent. "signature": "wrong" spoils it.
 */
static int send_event(struct call *c, struct simulator *simulator, struct mount_reply *reply)
{
    const struct json *event;
    struct str body = STR_NONE;
    int64_t repeat = 1;
    int status = 0;
    bool send = true;
    TRY(parse_body(c, &event));
    json_boolean(json_get(event, "send"), &send);
    json_integer(json_get(event, "repeat"), &repeat);
    if (repeat < 1 || repeat > 100)
        return call_refuse(c, ERR_OUT_OF_RANGE, "repeat");
    TRY(event_body(c, simulator, event, &body));
    bool spoil = str_is(json_string(json_get(event, "signature")), "wrong");
    for (int64_t i = 0; send && i < repeat && str_present(body); i++)
        status = simulator_send(simulator, body, spoil, c->arena);
    struct buf out = json_object(c->arena);
    json_put_integer(&out, "status", status);
    json_put_json(&out, "event", str_present(body) ? body : STR_NONE);
    if (!send && str_present(body)) {
        struct provider_header header = simulator_sign(simulator, body, spoil, c->arena);
        json_put(&out, "body", body);
        json_open(&out, "headers", '{');
        json_put(&out, header.name, header.value);
        json_close(&out, '}');
    }
    reply->body = json_object_end(&out);
    return OK;
}

static int provider_call(struct call *c, struct str rest, const struct mount_request *request,
                         struct mount_reply *reply)
{
    struct simulator *simulator = sandbox_find_simulator(c->app->sandbox, str_cut(&rest, '/'));
    if (!simulator)
        return call_refuse(c, ERR_UNKNOWN_PROVIDER, "name");
    bool post = request->method == HTTP_POST;
    if (!post && str_is(rest, "requests"))
        return requests(c, simulator, request, reply);
    if (!post && str_is(rest, "transfers"))
        return transfers(c, simulator, reply);
    if (post && str_is(rest, "script"))
        return script(c, simulator, reply);
    if (post && str_is(rest, "events"))
        return send_event(c, simulator, reply);
    return call_refuse(c, ERR_ROUTE_NOT_FOUND, NULL);
}

/* MOUNT of server/mounts.def; ERR_ROUTE_NOT_FOUND without --sandbox. */
int sandbox_mount(struct call *c, const struct mount_request *request, struct mount_reply *reply)
{
    struct str rest = request->rest;
    if (!c->app->sandbox)
        return call_refuse(c, ERR_ROUTE_NOT_FOUND, NULL);
    if (str_starts(rest, STR("/")))
        rest = (struct str){rest.ptr + 1, rest.len - 1};
    struct str first = str_cut(&rest, '/');
    if (str_is(first, "inbox") && request->method == HTTP_GET)
        return inbox(c, request, reply);
    if (str_is(first, "clock"))
        return clock_call(c, request, reply);
    if (str_is(first, "providers") && str_present(rest))
        return provider_call(c, rest, request, reply);
    if (str_is(first, "hooks")) {
        int error = sandbox_hooks(c, rest, request, reply);
        return error == ERR_ROUTE_NOT_FOUND && !c->error ? call_refuse(c, error, NULL) : error;
    }
    return call_refuse(c, ERR_ROUTE_NOT_FOUND, NULL);
}
