/* Platform, our own dialect: like PCX, plus the error's stable code. Also speaks for unknown
 * paths. */
#include "dialect/platform/platform.h"

static int render_error(struct call *c, struct buf *out)
{
    buf_add_cstr(out, "{\"status\":\"error\",\"code\":");
    json_add_string(out, str_from(error_name(c->error)));
    buf_add_cstr(out, ",\"message\":");
    json_add_string(out, dialect_error_message(c));
    buf_add_cstr(out, ",\"errors\":[");
    for (const struct json_problem *p = c->problems; p; p = p->next) {
        buf_add_cstr(out, p == c->problems ? "{\"field\":" : ",{\"field\":");
        json_add_string(out, p->path);
        buf_add_cstr(out, ",\"code\":");
        json_add_string(out, str_from(error_name(p->error)));
        buf_add_cstr(out, ",\"message\":");
        json_add_string(out, dialect_problem_reason(c, p));
        buf_add_char(out, '}');
    }
    buf_add_cstr(out, "],\"request_id\":");
    json_add_string(out, str_or(c->request_id, STR("")));
    buf_add_char(out, '}');
    return error_pcx_status(c->error);
}

const struct dialect_ops platform_dialect = {
    .name = "platform",
    .authenticate = platform_authenticate,
    .render_error = render_error,
};
