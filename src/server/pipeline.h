/*
 * The pipeline: what happens to a request between its last byte in and its reply's first byte out,
 * the same for every operation of every dialect, driven by the route's flags. It knows nothing of
 * sockets: whoever owns the connection fills an exchange, and is asked to wait (suspend) when a
 * writer or worker takes over.
 */
#ifndef SERVER_PIPELINE_H
#define SERVER_PIPELINE_H

#include "core/app.h"
#include "core/mount.h"
#include "core/route.h"
#include "server/idempotency.h"
#include "server/workers.h"
#include "server/writer.h"

struct pipeline;
struct mount;

struct exchange {
    struct call call;
    struct pipeline *pipeline;

    /* Filled by the owner before exchange_route. Strings live until the exchange ends. */
    enum http_method method;
    bool is_options;
    bool unknown_method;
    bool is_head;    /* method is HTTP_GET; the reply's body is not sent */
    struct str path; /* as sent, not decoded */
    const struct header *query;
    size_t query_count;

    /* Answer of exchange_route. */
    enum dialect dialect;
    size_t body_limit;
    unsigned allowed; /* methods of the path, for 405 and OPTIONS */

    /* The reply. */
    int status;
    struct str reply;
    const char *content_type;

    /* Called when the exchange leaves the owner's thread, and (from another) when it may go on: the
     * owner then calls exchange_finish on its own thread. */
    void (*suspend)(struct exchange *x);
    void (*resume)(struct exchange *x);

    /* The pipeline's own. */
    const struct mount *mount;
    struct str parameters[ROUTE_MAX_PARAMETERS];
    void *in, *out;
    struct idempotency_request idempotency;
    bool has_key, entered, rendered, replayed;
    struct str audit_request;
    struct writer_job job;
    struct work_item work;
    usec_t started; /* clock_monotonic */
    int result;
};

struct pipeline *pipeline_new(struct app *app);
struct pipeline *pipeline_free(struct pipeline *pipeline);

/* Finds the operation by method and path; sets dialect and body_limit. Before the body is read. */
void exchange_route(struct exchange *x);
/* Refuses before the pipeline ran: the body was too large, the headers were. Renders the reply. */
void exchange_refuse(struct exchange *x, int error);
/* The body is in call.raw_body. True: the reply is ready; false: suspended. */
bool exchange_run(struct exchange *x);
/* After resume: renders the reply. */
void exchange_finish(struct exchange *x);
/* Name of the operation for logs: its operationId, the mount's prefix, or "unknown". */
struct str exchange_name(const struct exchange *x);
/* Its memory is wiped before it is used again. */
bool exchange_is_sensitive(const struct exchange *x);

#endif
