/* VaultsPay: flat errors {code, message, type}, with `errors` on validation (1000) and action
 * required (1035). */
#include "dialect/vaultspay/vaultspay.h"

/* The documented codes; their names and general sentences. */
static const struct {
    int code;
    const char *type;
    const char *message;
} codes[] = {
    {1000, "INVALID_PAYLOAD", "Invalid payload. Please check your request."},
    {1001, "UNAUTHORISED", "You do not have permission to access this resource."},
    {1002, "UNAUTHENTICATED", "You are not authenticated. Please login to continue."},
    {1003, "TOKEN_EXPIRED", "Your access token has expired. Please get a new token."},
    {1004, "SESSION_EXPIRED", "Your session has expired. Please login again."},
    {1005, "THROTTLE", "Too many requests. Please try again later."},
    {1007, "IP_NOT_WHITELISTED", "Your IP is not whitelisted."},
    {1010, "BAD_REQUEST", "Invalid request."},
    {1018, "INVALID_HEADERS", "Invalid HTTP headers."},
    {1035, "ACTION_REQUIRED", "Please complete the prerequisite actions."},
    {1036, "INVALID_TOKEN", "Invalid access token provided."},
    {1050, "TRANSACTION_LOCKED_BY_RULE", "Transaction has been locked."},
};

/* One entry whose key is `actionRequired`, as documented. */
static void add_action_required(struct call *c, struct buf *out)
{
    struct str action = STR("PREREQUISITE");
    if (c->error == ERR_KYC_REQUIRED)
        action = STR("KYC");
    else if (c->error == ERR_KYB_REQUIRED)
        action = STR("KYB");
    else if (c->problems)
        action = dialect_problem_reason(c, c->problems);
    buf_add_cstr(out, ",\"errors\":[{\"key\":\"actionRequired\",\"reason\":");
    json_add_string(out, action);
    buf_add_cstr(out, "}]");
}

static void add_invalid_fields(struct call *c, struct buf *out)
{
    buf_add_cstr(out, ",\"errors\":[");
    for (const struct json_problem *p = c->problems; p; p = p->next) {
        buf_add_cstr(out, p == c->problems ? "{\"key\":" : ",{\"key\":");
        json_add_string(out, p->path);
        buf_add_cstr(out, ",\"reason\":");
        json_add_string(out, dialect_problem_reason(c, p));
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
}

/* Business refusals say which rule was broken, and by which field: their shape has no `errors`. */
static struct str refusal_message(struct call *c)
{
    struct str rule = dialect_error_message(c);
    struct str field = c->problems ? c->problems->path : STR_NONE;

    if (str_empty(field) || str_starts(rule, field))
        return rule;
    return arena_printf(c->arena, "%.*s: %.*s", STR_FMT(field), STR_FMT(rule));
}

static int render_error(struct call *c, struct buf *out)
{
    int code = error_vaultspay_code(c->error);
    size_t row = 0;
    while (row < sizeof(codes) / sizeof(codes[0]) - 1 && codes[row].code != code)
        row++;
    /* Everything but business refusals (1010) has a documented sentence. */
    struct str message = str_from(codes[row].message);
    if (code == 1010)
        message = refusal_message(c);
    else if (c->error_text)
        message = dialect_error_message(c);
    buf_printf(out, "{\"code\":%d,\"message\":", code);
    json_add_string(out, message);
    buf_add_cstr(out, ",\"type\":");
    json_add_string(out, str_from(codes[row].type));
    if (code == 1035)
        add_action_required(c, out);
    else if (code == 1000 && c->problems)
        add_invalid_fields(c, out);
    buf_add_char(out, '}');
    return error_vaultspay_status(c->error);
}

const struct dialect_ops vaultspay_dialect = {
    .name = "vaultspay",
    .open_envelope = vaultspay_open_envelope,
    .authenticate = vaultspay_authenticate,
    .render_reply = vaultspay_render_reply,
    .render_error = render_error,
};
