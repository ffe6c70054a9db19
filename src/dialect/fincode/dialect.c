/*
 * FinCode: two documented envelopes, answered as their union (DECISIONS 18), and request bodies
 * taken bare or wrapped in {data, metadata}. The Songhai pages of the same dialect have error
 * shapes of their own.
 */
#include "dialect/fincode/fincode.h"

/* A bare body passes untouched; {data, metadata} is unwrapped when it has no other members. */
static int open_envelope(struct call *c)
{
    struct str body = c->raw_body;
    if (body.len < 10 || !memmem(body.ptr, body.len, "\"metadata\"", 10))
        return OK;
    const struct json *json = NULL;
    if (json_parse(c->arena, body, &json))
        return OK; /* decoding says what is wrong with it */
    const struct json *data = json_get(json, "data");
    if (!data || json_count(json) != 2 || !json_get(json, "metadata"))
        return OK;
    c->raw_body = json_print(c->arena, data);
    return OK;
}

static struct str error_code(int status)
{
    switch (status) {
    case 401:
        return STR("AUTH_REQUIRED");
    case 403:
        return STR("FORBIDDEN");
    case 404:
    case 405:
        return STR("NOT_FOUND");
    case 429:
        return STR("RATE_LIMIT_EXCEEDED");
    case 500:
        return STR("SERVER_ERROR");
    case 501: /* the documented words know no "not implemented" */
    case 503:
        return STR("SERVICE_UNAVAILABLE");
    default:
        return STR("VALIDATION_ERROR");
    }
}

static void add_details(struct call *c, struct buf *out)
{
    buf_add_cstr(out, ",\"details\":[");
    for (const struct json_problem *p = c->problems; p; p = p->next) {
        buf_add_cstr(out, p == c->problems ? "{\"field\":" : ",{\"field\":");
        json_add_string(out, p->path);
        buf_add_cstr(out, ",\"message\":");
        json_add_string(out, dialect_problem_reason(c, p));
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
}

static int render_standard(struct call *c, struct buf *out, int status)
{
    struct str message = dialect_error_message(c);
    buf_add_cstr(out, "{\"status\":\"FAILED\",\"message\":");
    json_add_string(out, message);
    buf_printf(out, ",\"responseCode\":%d,\"success\":false,\"error\":{\"code\":", status);
    json_add_string(out, error_code(status));
    buf_add_cstr(out, ",\"message\":");
    json_add_string(out, message);
    add_details(c, out);
    buf_add_cstr(out, "},\"metadata\":{\"request_id\":");
    json_add_string(out, str_or(c->request_id, STR("")));
    buf_add_cstr(out, ",\"timestamp\":");
    json_add_string(out, time_print(c->arena, c->now, TIME_RFC3339));
    buf_add_cstr(out, "}}");
    return status;
}

/* Songhai: OAuth2 errors (RFC 6749, 5.2) for tokens, {status, message, errorCode} for everything
 * else. */
static int render_songhai(struct call *c, struct buf *out, int status)
{
    /* Its pages know 400 for whatever is wrong with a request. */
    if (status == 422)
        status = 400;
    if (status == 401) {
        bool token_call = c->route && c->route->flags & ROUTE_PUBLIC;
        buf_add_cstr(out,
                     token_call ? "{\"error\":\"invalid_grant\"" : "{\"error\":\"invalid_token\"");
        buf_add_cstr(out, ",\"error_description\":");
        json_add_string(out, dialect_error_message(c));
        buf_add_char(out, '}');
        return status;
    }
    buf_add_cstr(out, "{\"status\":\"ERROR\",\"message\":");
    json_add_string(out, dialect_error_message(c));
    buf_printf(out, ",\"errorCode\":%d,\"data\":{}", status);
    if (c->problems) {
        buf_add_cstr(out, ",\"error\":{\"code\":");
        json_add_string(out, error_code(status));
        add_details(c, out);
        buf_add_char(out, '}');
    }
    buf_add_char(out, '}');
    return status;
}

static int render_error(struct call *c, struct buf *out)
{
    int status = error_fincode_status(c->error);
    if (c->route && strncmp(c->route->operation_id, "fc_she_", 7) == 0)
        return render_songhai(c, out, status);
    return render_standard(c, out, status);
}

const struct dialect_ops fincode_dialect = {
    .name = "fincode",
    .open_envelope = open_envelope,
    .authenticate = fincode_authenticate,
    .render_error = render_error,
};
