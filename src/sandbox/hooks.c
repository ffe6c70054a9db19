/*
 * The hook catcher: a URL that keeps what is posted to it. `POST /sandbox/hooks` {"fail": 500,
 * "count": 2} makes one that answers the first two deliveries with 500.
 */
#include "base/digest.h"
#include "sandbox/sandbox_internal.h"

#define CAUGHT_LIMIT 500

struct caught {
    usec_t at;
    struct str headers_json, body;
    int status;
    struct caught *next; /* older */
};

struct sandbox_hook {
    struct str id;
    int fail_status;
    int64_t fail_count;
    int64_t count;
    struct caught *caught;
    struct sandbox_hook *next;
};

static struct sandbox_hook *find(struct sandbox *sandbox, struct str id)
{
    for (struct sandbox_hook *at = sandbox->hooks; at; at = at->next)
        if (str_eq(at->id, id))
            return at;
    return NULL;
}

static int create(struct call *c, struct mount_reply *reply)
{
    struct sandbox *sandbox = c->app->sandbox;
    const struct json *body = NULL;
    int64_t fail = 0, count = INT64_MAX;
    if (!str_empty(c->raw_body) && json_parse(c->arena, c->raw_body, &body) != OK)
        return call_refuse(c, ERR_MALFORMED_JSON, NULL);
    json_integer(json_get(body, "fail"), &fail);
    json_integer(json_get(body, "count"), &count);
    if (fail && (fail < 300 || fail > 599))
        return call_refuse(c, ERR_OUT_OF_RANGE, "fail");
    struct sandbox_hook *hook = ARENA_NEW(sandbox->hook_arena, struct sandbox_hook);
    hook->id = random_hex(sandbox->hook_arena, 8);
    hook->fail_status = (int)fail;
    hook->fail_count = fail ? count : 0;
    hook->next = sandbox->hooks;
    sandbox->hooks = hook;
    struct buf out = json_object(c->arena);
    json_put(&out, "id", hook->id);
    json_put(&out, "url",
             arena_printf(c->arena, "%.*s/sandbox/hooks/%.*s", STR_FMT(c->app->base_url),
                          STR_FMT(hook->id)));
    reply->status = 201;
    reply->body = json_object_end(&out);
    return OK;
}

static struct str headers_json(struct call *c)
{
    struct buf out = json_object(c->arena);
    for (size_t i = 0; i < c->header_count; i++)
        json_put(&out, arena_cstr(c->arena, c->headers[i].name), c->headers[i].value);
    return json_object_end(&out);
}

static int catch (struct call *c, struct sandbox_hook *hook, struct mount_reply *reply)
{
    struct sandbox *sandbox = c->app->sandbox;
    if (hook->fail_count > 0) {
        hook->fail_count--;
        reply->status = hook->fail_status;
    }
    reply->body = reply->status < 300 ? STR("{\"received\":true}") : STR("{\"received\":false}");
    if (hook->count++ >= CAUGHT_LIMIT)
        return OK;
    struct caught *caught = ARENA_NEW(sandbox->hook_arena, struct caught);
    *caught = (struct caught){.at = clock_now(),
                              .headers_json = arena_copy(sandbox->hook_arena, headers_json(c)),
                              .body = arena_copy(sandbox->hook_arena, c->raw_body),
                              .status = reply->status,
                              .next = hook->caught};
    hook->caught = caught;
    return OK;
}

static int show(struct call *c, const struct sandbox_hook *hook, struct mount_reply *reply)
{
    struct buf out = json_object(c->arena);
    json_put(&out, "id", hook->id);
    json_put_integer(&out, "count", hook->count);
    json_open(&out, "deliveries", '[');
    for (const struct caught *at = hook->caught; at; at = at->next) {
        json_open(&out, NULL, '{');
        json_put(&out, "received_at", time_print(c->arena, at->at, TIME_RFC3339));
        json_put_json(&out, "headers", at->headers_json);
        json_put(&out, "body", at->body);
        json_put_integer(&out, "answered", at->status);
        json_close(&out, '}');
    }
    json_close(&out, ']');
    reply->body = json_object_end(&out);
    return OK;
}

int sandbox_hooks(struct call *c, struct str rest, const struct mount_request *request,
                  struct mount_reply *reply)
{
    struct sandbox *sandbox = c->app->sandbox;
    int error = ERR_ROUTE_NOT_FOUND;
    pthread_mutex_lock(&sandbox->hook_lock);
    if (!str_present(rest)) {
        if (request->method == HTTP_POST)
            error = create(c, reply);
    } else {
        struct sandbox_hook *hook = find(sandbox, rest);
        if (!hook)
            error = call_refuse(c, ERR_NOT_FOUND, "id");
        else if (request->method == HTTP_GET)
            error = show(c, hook, reply);
        else
            error = catch (c, hook, reply);
    }
    pthread_mutex_unlock(&sandbox->hook_lock);
    return error;
}
