/* Requests: parameters and body into the operation's struct, with every problem that there is. */
#include "server/decode.h"

#include "server/form.h"

static void add_problems(struct call *c, struct json_problem *problems)
{
    struct json_problem **end = &c->problems;
    while (*end)
        end = &(*end)->next;
    *end = problems;
}

static void add_problem(struct call *c, int error, struct str path)
{
    struct json_problem *problem = ARENA_NEW(c->arena, struct json_problem);
    problem->error = error;
    problem->path = path;
    add_problems(c, problem);
}

static void decode_parameter(struct exchange *x, const struct type_field *field, struct str text)
{
    struct call *c = &x->call;
    if (!str_present(text) && field->default_text) {
        text = str_from(field->default_text);
        if (text.len >= 2 && text.ptr[0] == '"')
            text = (struct str){text.ptr + 1, text.len - 2};
    }
    if (!str_present(text)) {
        if (field->required)
            add_problem(c, ERR_REQUIRED, str_from(field->name));
        return;
    }
    if (memchr(text.ptr, 0, text.len) || !str_valid_utf8(text)) {
        add_problem(c, ERR_BAD_FORMAT, str_from(field->name));
        return;
    }
    struct json_problem *problems = NULL;
    json_decode_text(c->arena, text, field, x->in, &problems);
    add_problems(c, problems);
}

struct str exchange_query(const struct exchange *x, struct str name)
{
    for (size_t i = 0; i < x->query_count; i++)
        if (str_eq(x->query[i].name, name))
            return x->query[i].value;
    return STR_NONE;
}

static void decode_parameters(struct exchange *x)
{
    const struct route *route = x->call.route;
    size_t in_path = 0;
    for (size_t i = 0; i < route->parameter_count; i++) {
        const struct route_parameter *parameter = &route->parameters[i];
        const struct type_field *field = parameter->field;
        switch (parameter->place) {
        case IN_PATH:
            decode_parameter(x, field, x->parameters[in_path++]);
            break;
        case IN_QUERY:
            decode_parameter(x, field, exchange_query(x, str_from(field->name)));
            break;
        case IN_HEADER:
            decode_parameter(x, field, call_header(&x->call, field->name));
            break;
        }
    }
}

static void decode_body(struct exchange *x)
{
    struct call *c = &x->call;
    const struct route *route = c->route;
    const struct type_field *field = route->body_field;
    if (!field || route->flags & ROUTE_RAW)
        return;
    if (str_empty(c->raw_body)) {
        if (route->body_required)
            add_problem(c, ERR_REQUIRED, STR("body"));
        return;
    }
    struct str body = c->raw_body;
    struct json_problem *problems = NULL;
    struct str type = call_header(c, "Content-Type");
    if (form_is_form(type))
        form_decode(c->arena, type, body, &field->value, type_at(x->in, field), &problems);
    else
        json_decode(c->arena, body, &field->value, type_at(x->in, field), &problems);
    add_problems(c, problems);
}

int exchange_decode(struct exchange *x)
{
    struct call *c = &x->call;
    const struct route *route = c->route;
    if (route->in) {
        x->in = arena_alloc(c->arena, route->in->size);
        decode_parameters(x);
        decode_body(x);
    }
    if (c->problems) {
        c->error = c->problems->error;
        c->error_origin = CALL_HERE;
        return c->error;
    }
    return arena_exceeded(c->arena) ? call_refuse(c, ERR_BODY_TOO_LARGE, NULL) : OK;
}
