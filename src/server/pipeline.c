/*
 * One way through for every operation:
 *
 *     route, media type, open envelope, authenticate, roles, rate limit, decode, then by kind:
 *       read       handler here, over a snapshot
 *       write      to the writer: key look-up, handler, keep reply, audit entry, commit
 *       slow       to a worker: prepare; then as write
 *       slow-read  to a worker: prepare, handler over a snapshot
 *     and back: encode, seal envelope.
 *
 * Invariants: nothing runs before the caller is known to have the role; a reply is made only after
 * the transaction it speaks of is committed; every exchange that was suspended is resumed exactly
 * once.
 */
#include "server/pipeline.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/config.h"
#include "base/log.h"
#include "base/metrics.h"
#include "core/audit/audit.h"
#include "dialect/dialect.h"
#include "server/audit_request.h"
#include "server/authorise.h"
#include "server/decode.h"
#include "server/form.h"
#include "server/mounts.h"
#include "server/rate_limit.h"
#include "server/reply.h"
#include "store/sql.h"

#define INTERACTION_ID_MAX 255

#define SANDBOX_RATE 1000000
#define SANDBOX_PUBLIC_RATE 100000
#define DEFAULT_RATE 500
#define DEFAULT_PUBLIC_RATE 50

struct pipeline {
    struct app *app;
    struct rate_limit *limit, *public_limit;
    struct reply_plan *plans; /* one per route */
    struct organisation_place *places;
};

static const char *const method_names[HTTP_METHOD_COUNT] = {"GET", "POST", "PUT", "PATCH",
                                                            "DELETE"};

struct pipeline *pipeline_new(struct app *app)
{
    const struct config *config = app->config;
    struct pipeline *pipeline = calloc(1, sizeof(*pipeline));
    if (!pipeline)
        abort();
    int64_t rate = config->sandbox ? SANDBOX_RATE : DEFAULT_RATE;
    int64_t public_rate = config->sandbox ? SANDBOX_PUBLIC_RATE : DEFAULT_PUBLIC_RATE;
    pipeline->app = app;
    pipeline->limit = rate_limit_new(config->rate_limit >= 0 ? config->rate_limit : rate);
    pipeline->public_limit =
        rate_limit_new(config->rate_limit_public >= 0 ? config->rate_limit_public : public_rate);
    pipeline->plans = calloc(route_count + 1, sizeof(struct reply_plan));
    pipeline->places = calloc(route_count + 1, sizeof(struct organisation_place));
    if (!pipeline->plans || !pipeline->places)
        abort();
    for (size_t i = 0; i < route_count; i++) {
        reply_plan_make(&routes[i], &pipeline->plans[i]);
        organisation_place_make(&routes[i], &pipeline->places[i]);
    }
    return pipeline;
}

struct pipeline *pipeline_free(struct pipeline *pipeline)
{
    if (pipeline) {
        rate_limit_free(pipeline->limit);
        rate_limit_free(pipeline->public_limit);
        free(pipeline->plans);
        free(pipeline->places);
        free(pipeline);
    }
    return NULL;
}

static const struct reply_plan *plan_of(const struct exchange *x)
{
    return &x->pipeline->plans[x->call.route - routes];
}

static const struct organisation_place *place_of(const struct exchange *x)
{
    return &x->pipeline->places[x->call.route - routes];
}

struct str exchange_name(const struct exchange *x)
{
    if (x->call.route)
        return str_from(x->call.route->operation_id);
    return x->mount ? str_from(x->mount->prefix) : STR("unknown");
}

bool exchange_is_sensitive(const struct exchange *x)
{
    return x->call.route && (plan_of(x)->secret || plan_of(x)->sensitive_input);
}

/* ---- Replies ---- */

static void add_allow(struct exchange *x)
{
    struct buf allow = buf_new(x->call.arena, 64);
    for (int m = 0; m < HTTP_METHOD_COUNT; m++) {
        if (x->allowed & 1u << m)
            buf_printf(&allow, "%s, ", method_names[m]);
        if (m == HTTP_GET && x->allowed & 1u << m && !x->is_head)
            buf_add_cstr(&allow, "HEAD, ");
    }
    buf_add_cstr(&allow, "OPTIONS");
    call_reply_header(&x->call, "Allow", buf_str(&allow));
}

/* Failures of the server, as opposed to refusals that some dialect happens to number 500. */
static bool is_failure(int error)
{
    return error_pcx_status(error) >= 500 && error != ERR_NOT_IMPLEMENTED;
}

/* A reply that is given again is no failure: those are not kept. */
static enum call_outcome outcome_of(const struct exchange *x)
{
    if (x->result && is_failure(x->result))
        return CALL_FAILED;
    return x->status >= 400 ? CALL_REFUSED : CALL_DONE;
}

static void log_exchange(const struct exchange *x)
{
    const struct call *c = &x->call;
    bool failed = outcome_of(x) == CALL_FAILED;
    if (!failed && !c->app->config->log_access)
        return;
    log_event(failed ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, failed ? "request failed" : "request",
              LOG_STR("request_id", c->request_id), LOG_STR("operation", exchange_name(x)),
              LOG_CSTR("method", method_names[x->method]), LOG_INT("status", x->status),
              LOG_CSTR("error", x->result ? error_name(x->result) : NULL),
              LOG_CSTR("origin", x->result ? c->error_origin : NULL),
              LOG_INT("tenant", c->principal.tenant_id), LOG_INT("user", c->principal.user_id),
              LOG_STR("client", c->client_address),
              LOG_INT("elapsed_us", clock_monotonic() - x->started));
}

static void render_error(struct exchange *x)
{
    struct call *c = &x->call;
    if (c->error != x->result) {
        /* What went wrong is not what the handler refused (the batch failed): its words do not
         * apply. */
        c->error = x->result;
        c->problems = NULL;
        c->error_text = NULL;
    }
    struct buf body = buf_new(c->arena, 512);
    x->status = dialects[x->dialect]->render_error(c, &body);
    x->reply = buf_str(&body);
    x->content_type = NULL;
}

static void seal_reply(struct exchange *x)
{
    const struct dialect_ops *dialect = dialects[x->dialect];
    if (!dialect->render_reply || !x->call.route)
        return;
    int error = dialect->render_reply(&x->call, x->status, &x->reply);
    if (!error)
        return;
    x->result = error;
    render_error(x);
}

static void render(struct exchange *x)
{
    struct call *c = &x->call;
    if (x->result)
        render_error(x);
    else if (!x->rendered)
        x->status = reply_encode(c, plan_of(x), x->out, x->started, &x->reply, &x->content_type);
    if (x->replayed)
        call_reply_header(c, "Idempotency-Replayed", STR("true"));
    seal_reply(x);
    if (c->route)
        metrics_call(c->app->metrics, (size_t)(c->route - routes), outcome_of(x),
                     clock_monotonic() - x->started);
    log_exchange(x);
}

void exchange_finish(struct exchange *x)
{
    if (x->mount) {
        if (x->result)
            render_error(x);
        log_exchange(x);
        return;
    }
    render(x);
}

/* The first refusal is in the call already, unless the error comes straight from a library. */
static void fail(struct exchange *x, int error)
{
    x->result = error;
    if (!x->call.error)
        x->call.error = error;
}

void exchange_refuse(struct exchange *x, int error)
{
    fail(x, error);
    if (!x->call.now)
        x->call.now = clock_now();
    render(x);
}

/* ---- Routing ---- */

static bool is_writing(const struct route *route)
{
    return route->kind == OPERATION_WRITE || route->kind == OPERATION_SLOW;
}

void exchange_route(struct exchange *x)
{
    struct call *c = &x->call;
    const struct config *config = c->app->config;
    x->body_limit = (size_t)config->body_limit;
    x->dialect = dialect_of_path(x->path);
    c->route = route_find(x->method, x->path, c->arena, x->parameters, &x->allowed);
    if (x->is_head && c->route && is_writing(c->route)) {
        /* FinCode changes a permission by GET; asking for its headers must not. */
        x->allowed = 1u << HTTP_GET;
        c->route = NULL;
    }
    if (x->unknown_method || x->is_options) {
        unsigned allowed = 0, others;
        for (int m = 0; c->route && m < HTTP_METHOD_COUNT; m++)
            if (route_find((enum http_method)m, x->path, c->arena, x->parameters, &others))
                allowed |= 1u << m;
        x->allowed |= allowed;
        c->route = NULL;
    }
    if (c->route) {
        x->dialect = c->route->dialect;
        if (c->route->flags & ROUTE_UPLOAD)
            x->body_limit = (size_t)config->upload_limit;
        return;
    }
    if (!x->allowed)
        x->mount = mount_find(x->path);
}

/* Without a route: an OPTIONS, a wrong method or an unknown path. */
static void answer_without_route(struct exchange *x)
{
    /* What a mount takes is its own business; browsers ask before they call one (CORS). */
    if (x->is_options && x->mount)
        x->allowed = (1u << HTTP_METHOD_COUNT) - 1;
    if (x->allowed)
        add_allow(x);
    if (x->is_options && x->allowed) {
        x->status = 204;
        x->reply = STR("");
        return;
    }
    fail(x, x->allowed ? ERR_METHOD_NOT_ALLOWED : ERR_ROUTE_NOT_FOUND);
    render(x);
}

/* ---- Checks before the handler ---- */

static bool media_is(struct str content_type, const char *media)
{
    return str_eq_nocase(content_type, str_from(media));
}

static int check_media_type(struct exchange *x)
{
    struct call *c = &x->call;
    const struct route *route = c->route;
    struct str rest = call_header(c, "Content-Type");
    struct str type = str_trim(str_cut(&rest, ';'));
    if (str_empty(type) || str_empty(c->raw_body) || !route->body_field ||
        route->flags & ROUTE_RAW || media_is(type, "application/json"))
        return OK;
    if (type.len > 5 && str_is((struct str){type.ptr + type.len - 5, 5}, "+json"))
        return OK;
    if (route->flags & ROUTE_FORM && media_is(type, "application/x-www-form-urlencoded"))
        return OK;
    if (route->flags & ROUTE_UPLOAD && media_is(type, "multipart/form-data"))
        return OK;
    return call_refuse_text(c, ERR_MEDIA_TYPE, "Content-Type",
                            "The content type %.*s is not supported here.", STR_FMT(type));
}

static uint64_t address_key(struct str address)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (size_t i = 0; i < address.len; i++)
        hash = (hash ^ (unsigned char)address.ptr[i]) * UINT64_C(0x100000001b3);
    return hash | 1;
}

static int take_allowance(struct exchange *x, struct rate_limit *limit, uint64_t key)
{
    struct call *c = &x->call;
    usec_t wait = rate_limit_take(limit, key, clock_monotonic());
    if (!wait)
        return OK;
    metrics_count(c->app->metrics, METRIC_RATE_LIMITED, 1);
    call_reply_header(
        c, "Retry-After",
        arena_printf(c->arena, "%lld", (long long)((wait + USEC_PER_SEC - 1) / USEC_PER_SEC)));
    return call_refuse(c, ERR_RATE_LIMITED, NULL);
}

static int authenticate(struct exchange *x, bool *ret_undecided)
{
    struct call *c = &x->call;
    c->sql = work_read_connection(c->app);
    int error = dialects[x->dialect]->authenticate(c);
    if (error) {
        /* Guessing credentials is limited by address, not by the credential that was not found. */
        int limited = rate_limit_take(x->pipeline->public_limit, address_key(c->client_address),
                                      clock_monotonic())
                          ? ERR_RATE_LIMITED
                          : OK;
        if (limited) {
            c->error = OK;
            c->problems = NULL;
            call_reply_header(c, "Retry-After", STR("1"));
            return call_refuse(c, limited, NULL);
        }
        return error;
    }
    TRY(authorise(x, place_of(x), ret_undecided));
    if (c->principal.credential_id)
        return take_allowance(x, x->pipeline->limit, (uint64_t)c->principal.credential_id);
    return take_allowance(x, x->pipeline->public_limit, address_key(c->client_address));
}

static struct str query_text(const struct exchange *x)
{
    struct buf text = buf_new(x->call.arena, 64);
    for (size_t i = 0; i < x->query_count; i++) {
        buf_add_str(&text, x->query[i].name);
        buf_add_char(&text, '=');
        buf_add_str(&text, x->query[i].value);
        buf_add_char(&text, '&');
    }
    return buf_str(&text);
}

/* The key's name is the dialect's: FinCode documents x-idempotency-key, everyone may use ours. */
static int read_idempotency_key(struct exchange *x)
{
    struct call *c = &x->call;
    struct str key = call_header(c, "Idempotency-Key");
    const char *name = "Idempotency-Key";
    if (!str_present(key) && x->dialect == DIALECT_FINCODE) {
        name = "x-idempotency-key";
        key = call_header(c, name);
    }
    if (str_empty(key))
        return OK;
    for (size_t i = 0; i < key.len; i++)
        if (key.ptr[i] < 0x20 || key.ptr[i] > 0x7e)
            return call_refuse(c, ERR_BAD_FORMAT, name);
    if (key.len > IDEMPOTENCY_KEY_MAX)
        return call_refuse(c, ERR_TOO_LONG, name);
    c->idempotency_key = key;
    if (!is_writing(c->route))
        return OK;
    x->has_key = true;
    x->idempotency.tenant_id = c->principal.tenant_id;
    x->idempotency.credential_id = c->principal.credential_id;
    x->idempotency.operation = str_from(c->route->operation_id);
    x->idempotency.key = key;
    x->idempotency.header = name;
    idempotency_hash(&x->idempotency, str_from(method_names[x->method]), x->path, query_text(x),
                     c->raw_body);
    return OK;
}

/* It is kept with what the call posts and looked up by, so it has to be text, and not much of it. */
static int check_interaction_id(struct call *c)
{
    static const char name[] = "x-fapi-interaction-id";
    struct str id = c->interaction_id;
    bool readable = str_valid_utf8(id);
    for (size_t i = 0; i < id.len; i++)
        readable = readable && (unsigned char)id.ptr[i] >= 0x20 && id.ptr[i] != 0x7f;
    if (!readable)
        return call_refuse(c, ERR_BAD_FORMAT, name);
    return id.len > INTERACTION_ID_MAX ? call_refuse(c, ERR_TOO_LONG, name) : OK;
}

/* Who may not use the operation learns nothing about the body, except whose organisation it names. */
static int decode_allowed(struct exchange *x, bool undecided)
{
    struct call *c = &x->call;
    int error = exchange_decode(x);
    if (!error)
        return authorise_by_body(x, place_of(x));
    if (!undecided)
        return error;
    c->error = OK;
    c->problems = NULL;
    return call_refuse(c, ERR_FORBIDDEN, NULL);
}

static int check_request(struct exchange *x)
{
    struct call *c = &x->call;
    bool undecided;
    TRY(check_media_type(x));
    if (dialects[x->dialect]->open_envelope)
        TRY(dialects[x->dialect]->open_envelope(c));
    TRY(authenticate(x, &undecided));
    TRY(decode_allowed(x, undecided));
    TRY(check_interaction_id(c));
    return read_idempotency_key(x);
}

/* ---- Reads ---- */

static int read_once(struct exchange *x)
{
    struct call *c = &x->call;
    const struct route *route = c->route;
    c->error = OK;
    c->problems = NULL;
    x->out = route->out ? arena_alloc(c->arena, route->out->size) : NULL;
    TRY(sql_begin_read(c->sql));
    int error = route->handle(c, x->in, x->out);
    if (error == ERR_STORE)
        log_error("a statement failed", LOG_CSTR("error", sql_last_error(c->sql)),
                  LOG_CSTR("operation", route->operation_id));
    int end = error ? sql_rollback(c->sql) : sql_commit(c->sql);
    return error ? error : end;
}

/* A connection that was lost is found out by using it; a read may simply be done again. */
static int run_read(struct exchange *x)
{
    int error = read_once(x);
    if (error == ERR_STORE_LOST || error == ERR_STORE_RETRY)
        error = read_once(x);
    return error;
}

/* ---- Writes ---- */

static struct exchange *of_job(struct writer_job *job)
{
    return (struct exchange *)((char *)job - offsetof(struct exchange, job));
}

static int add_audit_entry(struct exchange *x, struct writer_turn *turn)
{
    const struct call *c = &x->call;
    audit_add(turn->audit, &(struct audit){
                               .tenant_id = c->principal.tenant_id,
                               .at = c->now,
                               .user_id = c->principal.user_id,
                               .credential_id = c->principal.credential_id,
                               .operation = str_from(c->route->operation_id),
                               .subject = x->path,
                               .request_id = c->request_id,
                               .request = x->audit_request,
                               .outcome = STR("done"),
                           });
    return OK;
}

static int expect_write(struct writer_job *job, struct writer_turn *turn)
{
    struct exchange *x = of_job(job);
    struct call *c = &x->call;
    c->sql = turn->sql;
    c->ledger = turn->ledger;
    c->now = turn->now;
    if (x->has_key)
        TRY(idempotency_expect(c, &x->idempotency));
    return c->route->expect ? c->route->expect(c, x->in, NULL) : OK;
}

static int run_write(struct writer_job *job, struct writer_turn *turn)
{
    struct exchange *x = of_job(job);
    struct call *c = &x->call;
    const struct route *route = c->route;
    c->sql = turn->sql;
    c->ledger = turn->ledger;
    c->now = turn->now;
    c->error = OK;
    c->problems = NULL;
    c->error_text = NULL;
    c->reply_header_count = 0;
    c->reply_headers = NULL;
    x->rendered = x->replayed = false;
    if (x->has_key) {
        struct idempotency_reply kept;
        int error = idempotency_find(c, &x->idempotency, &kept);
        if (error != ERR_NOT_FOUND) {
            x->replayed = x->rendered = error == OK;
            x->status = kept.status;
            x->reply = kept.body;
            return error;
        }
    }
    x->out = route->out ? arena_alloc(c->arena, route->out->size) : NULL;
    TRY(route->handle(c, x->in, x->out));
    if (arena_exceeded(c->arena))
        return call_refuse(c, ERR_OVERLOADED, NULL);
    if (x->has_key) {
        x->status = reply_encode(c, plan_of(x), x->out, x->started, &x->reply, &x->content_type);
        x->rendered = true;
        TRY(idempotency_keep(c, &x->idempotency,
                             &(struct idempotency_reply){.status = x->status,
                                                         .body = x->reply,
                                                         .secret = plan_of(x)->secret,
                                                         .once = route->flags & ROUTE_NO_REPLAY}));
    }
    return add_audit_entry(x, turn);
}

/* A refusal is the answer to the key as much as a success is; a failure of ours, a collision or
 * what passes with time is not. */
static bool is_answer(const struct exchange *x, int error)
{
    return x->has_key && !x->replayed && !is_failure(error) && error != ERR_IDEMPOTENCY_MISMATCH &&
           error != ERR_IDEMPOTENCY_IN_PROGRESS && error != ERR_IDEMPOTENCY_SECRET &&
           error != ERR_RATE_LIMITED && error != ERR_LOCKED_OUT;
}

static void keep_refusal(struct writer_job *job, struct writer_turn *turn, int error)
{
    struct exchange *x = of_job(job);
    struct call *c = &x->call;
    (void)turn;
    if (!is_answer(x, error))
        return;
    fail(x, error);
    render_error(x);
    idempotency_keep(c, &x->idempotency,
                     &(struct idempotency_reply){.status = x->status, .body = x->reply});
}

static void leave(struct exchange *x)
{
    if (x->entered)
        idempotency_leave(&x->idempotency);
    x->entered = false;
}

static void write_done(struct writer_job *job, int result)
{
    struct exchange *x = of_job(job);
    if (result)
        fail(x, result);
    if (x->replayed)
        metrics_count(x->call.app->metrics, METRIC_IDEMPOTENT_REPLAYS, 1);
    x->call.sql = NULL;
    x->call.ledger = NULL;
    leave(x);
    x->resume(x);
}

static void submit_write(struct exchange *x)
{
    /* Before the writer is asked, to keep it free. */
    x->audit_request = audit_request(&x->call, x->in, plan_of(x)->sensitive_input);
    x->job = (struct writer_job){
        .tenant_id = x->call.principal.tenant_id,
        .expect = expect_write,
        .run = run_write,
        .refused = keep_refusal,
        .done = write_done,
    };
    if (!writer_submit(x->call.app->writer, &x->job))
        write_done(&x->job, ERR_OVERLOADED);
}

/* ---- Slow operations ---- */

static struct exchange *of_work(struct work_item *work)
{
    return (struct exchange *)((char *)work - offsetof(struct exchange, work));
}

/* A key that was answered before must not ask providers again, one on its way must not be
 * overtaken. */
static int enter_slow(struct exchange *x, bool *ret_answered)
{
    struct call *c = &x->call;
    *ret_answered = false;
    if (!x->has_key)
        return OK;
    if (!idempotency_enter(c->arena, &x->idempotency))
        return call_refuse(c, ERR_IDEMPOTENCY_IN_PROGRESS, x->idempotency.header);
    x->entered = true;
    struct idempotency_reply kept;
    int error = idempotency_find(c, &x->idempotency, &kept);
    if (error == ERR_NOT_FOUND)
        return OK;
    if (error)
        return error;
    x->status = kept.status;
    x->reply = kept.body;
    *ret_answered = x->rendered = x->replayed = true;
    return OK;
}

static int prepare(struct exchange *x)
{
    struct call *c = &x->call;
    return c->route->prepare ? c->route->prepare(c, x->in, NULL) : OK;
}

/* Refused before the writer was needed: it only keeps the answer. */
static int run_refused(struct writer_job *job, struct writer_turn *turn)
{
    struct exchange *x = of_job(job);
    x->call.sql = turn->sql;
    x->call.now = turn->now;
    return x->result;
}

static void submit_refusal(struct exchange *x, int error)
{
    fail(x, error);
    x->job = (struct writer_job){
        .tenant_id = x->call.principal.tenant_id,
        .run = run_refused,
        .refused = keep_refusal,
        .done = write_done,
    };
    if (!writer_submit(x->call.app->writer, &x->job))
        write_done(&x->job, ERR_OVERLOADED);
}

static void run_slow_write(struct exchange *x)
{
    bool answered = false;
    int error = enter_slow(x, &answered);
    if (error || answered) {
        write_done(&x->job, error);
        return;
    }
    error = prepare(x);
    if (!error)
        submit_write(x);
    else if (is_answer(x, error))
        submit_refusal(x, error);
    else
        write_done(&x->job, error);
}

static void work_slow(struct work_item *work)
{
    struct exchange *x = of_work(work);
    struct call *c = &x->call;
    c->sql = work_read_connection(c->app);
    if (c->route->kind == OPERATION_SLOW) {
        run_slow_write(x);
        return;
    }
    int error = prepare(x);
    write_done(&x->job, error ? error : run_read(x));
}

static void work_mount(struct work_item *work)
{
    struct exchange *x = of_work(work);
    struct call *c = &x->call;
    c->sql = work_read_connection(c->app);
    int error = mount_run(x);
    if (error)
        fail(x, error);
    c->sql = NULL;
    x->resume(x);
}

static bool hand_to_worker(struct exchange *x, void (*run)(struct work_item *))
{
    x->work.run = run;
    x->suspend(x);
    workers_push(x->call.app->workers, &x->work);
    return false;
}

/* ---- The way in ---- */

static bool reply_now(struct exchange *x, int error)
{
    if (error)
        fail(x, error);
    x->call.sql = NULL;
    render(x);
    return true;
}

static bool dispatch(struct exchange *x)
{
    switch (x->call.route->kind) {
    case OPERATION_READ:
        return reply_now(x, run_read(x));
    case OPERATION_WRITE:
        x->suspend(x);
        submit_write(x);
        return false;
    case OPERATION_SLOW_READ:
    case OPERATION_SLOW:
        return hand_to_worker(x, work_slow);
    }
    return reply_now(x, ERR_INTERNAL);
}

/* Mounts know callers by no credential that could be limited, so their addresses are. */
static bool run_mount(struct exchange *x)
{
    int error = x->unknown_method ? ERR_METHOD_NOT_ALLOWED : OK;
    if (!error)
        error = take_allowance(x, x->pipeline->public_limit, address_key(x->call.client_address));
    return error ? reply_now(x, error) : hand_to_worker(x, work_mount);
}

bool exchange_run(struct exchange *x)
{
    struct call *c = &x->call;
    x->started = clock_monotonic();
    c->now = clock_now();
    if (x->mount && !x->is_options)
        return run_mount(x);
    if (!c->route) {
        answer_without_route(x);
        return true;
    }
    if (!c->route->handle)
        return reply_now(x, ERR_NOT_IMPLEMENTED);
    int error = check_request(x);
    if (error)
        return reply_now(x, error);
    return dispatch(x);
}
