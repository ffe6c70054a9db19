/*
 * What makes a dialect: four functions that the pipeline calls around the handlers. Everything else
 * (routes, fields, roles, kinds) comes from the contracts. One implementation per dialect:
 * src/dialect/<name>/dialect.c.
 *
 * Order for each request: open_envelope, authenticate, [roles, rate limit, decode, idempotency,
 * handler], then render_reply or render_error. All run on an HTTP thread or a worker, never in the
 * writer.
 */
#ifndef DIALECT_DIALECT_H
#define DIALECT_DIALECT_H

#include "base/buf.h"
#include "core/call.h"
#include "core/route.h"

struct dialect_ops {
    const char *name; /* "pcx": in logs, metrics and /openapi/<name>.json */

    /*
     * c->raw_body as received -> the clear JSON body, put back into c->raw_body. What the reply
     * needs (a key, a nonce) stays in c->dialect_state. 0 or a refusal. NULL: bodies travel in
     * clear.
     */
    int (*open_envelope)(struct call *c);

    /*
     * Fills c->principal from the request's headers; c->sql is a read connection (each query its
     * own snapshot), so look-ups should be cached in c->app->credentials. Public operations
     * (c->route->flags & ROUTE_PUBLIC) come here too: a credential that is sent is read, none is
     * fine, and principal.tenant_id must be set either way (from the host or the default tenant),
     * because it decides who may see what and which writer thread serves the call. 0 or
     * ERR_UNAUTHENTICATED, ERR_TOKEN_EXPIRED, ... Roles are not its business: the pipeline compares
     * them with the route's.
     */
    int (*authenticate)(struct call *c);

    /*
     * The clear reply body in *body -> what is sent, put back into *body (arena memory). May add
     * headers with call_reply_header. Called for errors too. NULL: replies travel in clear.
     */
    int (*render_reply)(struct call *c, int status, struct str *body);

    /*
     * Writes the body for c->error (with c->problems: field and rule of each) to `out`; returns the
     * HTTP status. c->route and c->principal may be empty: the path may be unknown.
     */
    int (*render_error)(struct call *c, struct buf *out);
};

extern const struct dialect_ops pcx_dialect, vaultspay_dialect, fincode_dialect, platform_dialect;
extern const struct dialect_ops *const dialects[DIALECT_COUNT];

/* Whose path is it? By prefix (architecture.md lists them); unknown prefixes are the platform's. */
enum dialect dialect_of_path(struct str path);

/*
 * The sentence of an error for people. Rules about a field ("is required") get the field's name in
 * front; with several problems it is the first one's.
 */
struct str dialect_error_message(struct call *c);
/* The rule of one problem: its detail where there is one ("must be at least 1"), else the rule's
 * sentence. */
struct str dialect_problem_reason(struct call *c, const struct json_problem *problem);
/* Columns of errors.def. */
int error_pcx_status(int error);
int error_vaultspay_status(int error);
int error_vaultspay_code(int error);
int error_fincode_status(int error);

#endif
