/* Invariant: what is made here is valid JSON without secrets, whatever the request was. */
#include "server/audit_request.h"

#include "base/digest.h"
#include "server/form.h"

#define WHOLE_MAX 2048
#define TEXT_MAX 200
#define ITEM_MAX 5
/* Of a body with hundreds of members even the beginnings are too much. */
#define ABRIDGED_MAX 16384

static void add_abridged(struct call *c, struct buf *out, bool sensitive)
{
    buf_printf(out, "{\"abridged\":{\"bytes\":%zu", c->raw_body.len);
    if (!sensitive) {
        uint8_t digest[SHA256_SIZE];
        digest_sha256(c->raw_body, digest);
        buf_printf(out, ",\"sha256\":\"%.*s\"", STR_FMT(hex_print(c->arena, digest, SHA256_SIZE)));
    }
    buf_add_char(out, '}');
}

static struct str abridge(struct call *c, const void *in, bool sensitive)
{
    struct buf beginning = buf_new(c->arena, 1024), out = buf_new(c->arena, 1024);
    json_encode_abridged(&beginning, c->route->in, in, TEXT_MAX, ITEM_MAX);
    struct str members = buf_str(&beginning);
    add_abridged(c, &out, sensitive);
    if (members.len <= 2 || members.len > ABRIDGED_MAX) {
        buf_add_char(&out, '}');
        return buf_str(&out);
    }
    buf_add_char(&out, ',');
    buf_add(&out, members.ptr + 1, members.len - 1);
    return buf_str(&out);
}

struct str audit_request(struct call *c, const void *in, bool sensitive)
{
    const struct route *route = c->route;
    if (!route->in)
        return STR_NONE;
    bool whole = c->raw_body.len <= WHOLE_MAX && !form_is_form(call_header(c, "Content-Type"));
    struct buf text = buf_new(c->arena, 256);
    if (whole)
        json_encode_masked(&text, route->in, in);
    return whole && text.len <= WHOLE_MAX ? buf_str(&text) : abridge(c, in, sensitive);
}
