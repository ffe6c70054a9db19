/* PCX: bare JSON, two credential headers, errors as {status: "error", message}. */
#include "dialect/pcx/pcx.h"

/* Documented: {"status":"error","message"}; `errors` is our addition and names every field and
 * rule. */
static int render_error(struct call *c, struct buf *out)
{
    buf_add_cstr(out, "{\"status\":\"error\",\"message\":");
    json_add_string(out, dialect_error_message(c));
    if (c->problems) {
        buf_add_cstr(out, ",\"errors\":[");
        for (const struct json_problem *p = c->problems; p; p = p->next) {
            buf_add_cstr(out, p == c->problems ? "{\"field\":" : ",{\"field\":");
            json_add_string(out, p->path);
            buf_add_cstr(out, ",\"message\":");
            json_add_string(out, dialect_problem_reason(c, p));
            buf_add_char(out, '}');
        }
        buf_add_char(out, ']');
    }
    buf_add_char(out, '}');
    return error_pcx_status(c->error);
}

const struct dialect_ops pcx_dialect = {
    .name = "pcx",
    .authenticate = pcx_authenticate,
    .render_error = render_error,
};
