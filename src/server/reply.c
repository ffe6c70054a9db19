/* The envelope's routine members are filled from the contract's schema, by name, so that handlers
 * need not. */
#include "server/reply.h"

#include <stdio.h>
#include <stdlib.h>

static const char *success_word(enum dialect dialect)
{
    return dialect == DIALECT_FINCODE ? "SUCCESS" : "success";
}

/* What a reply says when its handler says nothing; PCX documents its own sentence. */
static struct str success_message(enum dialect dialect)
{
    return dialect == DIALECT_PCX ? STR("Operation completed successfully") : STR("Success");
}

static bool may_be(const struct type_value *value, const char *word)
{
    if (value->kind != TYPE_STRING)
        return false;
    if (!value->values)
        return true;
    for (const char *const *known = value->values; *known; known++)
        if (strcmp(*known, word) == 0)
            return true;
    return false;
}

static const struct type_field *field_of_kind(const struct type *type, struct str name,
                                              enum type_kind kind)
{
    const struct type_field *field = type_find_field(type, name);
    return field && field->value.kind == kind ? field : NULL;
}

/* Types refer to themselves (trees), hence the depth. */
static bool has_sensitive(const struct type *type, int depth)
{
    for (size_t i = 0; i < type->field_count && depth < 8; i++) {
        const struct type_value *value = &type->fields[i].value;
        while (value->kind == TYPE_ARRAY && value->items)
            value = value->items;
        if (value->sensitive || type->fields[i].value.sensitive)
            return true;
        if (value->kind == TYPE_OBJECT && has_sensitive(value->object, depth + 1))
            return true;
    }
    return false;
}

void reply_plan_make(const struct route *route, struct reply_plan *ret_plan)
{
    const struct type *out = route->out;
    *ret_plan = (struct reply_plan){
        .secret = route->flags & ROUTE_NO_REPLAY || (out && has_sensitive(out, 0)),
        .sensitive_input = route->in && has_sensitive(route->in, 0),
    };
    if (!out)
        return;
    /* A bare object may have a `status` of its own: only an envelope has one beside data or
     * message. */
    const struct type_field *message = field_of_kind(out, STR("message"), TYPE_STRING);
    const struct type_field *status = type_find_field(out, STR("status"));
    if (status && (message || type_find_field(out, STR("data"))) &&
        may_be(&status->value, success_word(route->dialect)))
        ret_plan->status = status;
    ret_plan->message = message;
    ret_plan->success = field_of_kind(out, STR("success"), TYPE_BOOLEAN);
    ret_plan->response_code = field_of_kind(out, STR("responseCode"), TYPE_INTEGER);
    if (route->dialect == DIALECT_FINCODE)
        ret_plan->metadata = field_of_kind(out, STR("metadata"), TYPE_OBJECT);
}

static void fill_text(void *object, const struct type_field *field, struct str text)
{
    if (!field)
        return;
    struct str *value = type_at(object, field);
    if (!str_present(*value))
        *value = text;
}

/* True when the member was absent and is now marked as there. */
static bool claim(void *object, const struct type_field *field)
{
    if (!field)
        return false;
    if (field->has_offset < 0)
        return true;
    bool *has = (bool *)((char *)object + field->has_offset);
    if (*has)
        return false;
    return *has = true;
}

static void fill_metadata(struct call *c, void *out, const struct type_field *field, usec_t started)
{
    void **slot = type_at(out, field);
    const struct type *type = field->value.object;
    if (!*slot)
        *slot = arena_alloc(c->arena, type->size);
    fill_text(*slot, field_of_kind(type, STR("request_id"), TYPE_STRING), c->request_id);
    fill_text(*slot, field_of_kind(type, STR("timestamp"), TYPE_STRING), call_time(c, c->now));
    int64_t elapsed_ms = (clock_monotonic() - started) / USEC_PER_MSEC;
    const struct type_field *elapsed = type_find_field(type, STR("processing_time_ms"));
    if (elapsed && elapsed->value.kind == TYPE_INTEGER && claim(*slot, elapsed))
        *(int64_t *)type_at(*slot, elapsed) = elapsed_ms;
    if (elapsed && elapsed->value.kind == TYPE_DECIMAL && claim(*slot, elapsed))
        *(struct decimal *)type_at(*slot, elapsed) = decimal_from_i64(elapsed_ms);
}

static void fill_envelope(struct call *c, const struct reply_plan *plan, void *out, int status,
                          usec_t started)
{
    fill_text(out, plan->status, str_from(success_word(c->route->dialect)));
    fill_text(out, plan->message, success_message(c->route->dialect));
    if (claim(out, plan->success))
        *(bool *)type_at(out, plan->success) = true;
    if (claim(out, plan->response_code)) {
        int64_t *code = type_at(out, plan->response_code);
        if (*code == 0)
            *code = status;
    }
    if (plan->metadata)
        fill_metadata(c, out, plan->metadata, started);
}

/* Test builds: a reply that breaks its contract is a defect of ours, found here and nowhere
 * later. */
static void check(struct call *c, struct str body, const struct type_value *value)
{
#ifdef REPLY_CHECK
    const struct json_problem *problem = json_check(c->arena, body, value);
    if (!problem)
        return;
    fprintf(stderr, "reply of %s breaks its schema: %.*s: %s (%.*s)\n%.*s\n",
            c->route->operation_id, STR_FMT(problem->path), error_name(problem->error),
            STR_FMT(problem->detail), STR_FMT(body));
    abort();
#else
    (void)c;
    (void)body;
    (void)value;
#endif
}

int reply_encode(struct call *c, const struct reply_plan *plan, void *out, usec_t started,
                 struct str *ret_body, const char **ret_content_type)
{
    const struct route *route = c->route;
    size_t variant = c->reply_variant < route->reply_count ? c->reply_variant : 0;
    const struct route_reply *reply = &route->replies[variant];
    *ret_body = STR("");
    *ret_content_type = reply->media_type;
    if (!out || (!reply->body && !reply->value))
        return reply->status;
    struct buf text = buf_new(c->arena, 1024);
    if (reply->body) {
        fill_envelope(c, plan, out, reply->status, started);
        json_encode_object(&text, reply->body, out);
        check(c, buf_str(&text), &(struct type_value){.kind = TYPE_OBJECT, .object = reply->body});
    } else {
        const void *value = type_at(out, &route->out->fields[0]);
        if (reply->media_type && reply->value->kind == TYPE_STRING) {
            *ret_body = *(const struct str *)value;
            return reply->status;
        }
        json_encode(&text, reply->value, value);
        check(c, buf_str(&text), reply->value);
    }
    *ret_body = buf_str(&text);
    return reply->status;
}
