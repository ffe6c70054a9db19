/*
 * Routes: one row per operation of the contracts, generated. The handler's name is the operationId.
 */
#ifndef CORE_ROUTE_H
#define CORE_ROUTE_H

#include "core/call.h"

enum operation_kind {
    OPERATION_READ,      /* inline over a read snapshot */
    OPERATION_WRITE,     /* queued to the writer; group commit */
    OPERATION_SLOW_READ, /* prepare and handler on a worker, read snapshot */
    OPERATION_SLOW,      /* prepare on a worker (no transaction), handler in the writer */
};

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_METHOD_COUNT };

/* in and out are the generated structs of the operation; either may be NULL. */
typedef int operation_handler(struct call *c, const void *in, void *out);

enum parameter_place { IN_PATH, IN_QUERY, IN_HEADER };
/* Those IN_PATH come first, in the order of the path. */
struct route_parameter {
    enum parameter_place place;
    const struct type_field *field; /* of route.in */
};

struct route_reply {
    int status;                     /* documented 2xx or 3xx */
    const struct type *body;        /* NULL: no body */
    const struct type_value *value; /* when the body is not an object (an array, free JSON) */
    const char *media_type;         /* NULL: application/json; "text/plain": the bare string */
};

enum {
    ROUTE_PUBLIC = 1,    /* no credential needed (x-roles: []); one that is sent is still read */
    ROUTE_NO_REPLAY = 2, /* replies hold secrets shown once: the idempotency replay is refused */
    ROUTE_UPLOAD = 4,    /* body up to 15 MiB; multipart/form-data accepted */
    ROUTE_RAW = 8,       /* any content type; only raw_body is given (provider callbacks) */
    ROUTE_FORM = 32,     /* application/x-www-form-urlencoded accepted */
    ROUTE_NOT_ENCRYPTED = 16, /* VaultsPay: exempt from the envelope */
    ROUTE_OWN = 64,           /* writes what is the caller's own, not its organisation's */
};

struct route {
    const char *operation_id;
    bool alias; /* a further path, or a second contract name, of an operation that has a row already
                 */
    enum dialect dialect;
    enum http_method method;
    const char *path; /* "/v1/virtual-accounts/{account_id}" */
    enum operation_kind kind;
    role_set roles;
    unsigned flags;
    const struct type *in;               /* struct <operation>_in: parameters, and `body` */
    const struct type_field *body_field; /* NULL: takes no body */
    bool body_required;
    const struct route_parameter *parameters;
    size_t parameter_count;
    const struct type *out; /* struct <operation>_out: the body of the first reply */
    const struct route_reply *replies;
    size_t reply_count;
    operation_handler *prepare; /* slow kinds only, may be NULL */
    operation_handler *expect;  /* says what a write will read (sql_expect), may be NULL */
    operation_handler *handle;  /* NULL: not implemented, 501 */
};

/* One row per operation in the order of the contracts, then a row for each further path. */
extern const struct route routes[];
extern const size_t route_count;

/*
 * Finds the operation. Literal segments win over parameters, segment by segment from the left; a
 * path that exists without this method is not looked for further. On a match the percent-decoded
 * values of the {parameters} are in `values`, in the order of route->path (and of the leading
 * IN_PATH parameters). When the path exists but not with this method, returns NULL and sets
 * *ret_allowed (bit per http_method); 0: no such path.
 */
#define ROUTE_MAX_PARAMETERS 8
const struct route *route_find(enum http_method method, struct str path, struct arena *arena,
                               struct str values[ROUTE_MAX_PARAMETERS], unsigned *ret_allowed);
/* The row under the operation's own path; NULL when there is no such operation. */
const struct route *route_by_operation_id(struct str operation_id);

/*
 * Test builds: is this reply what the contract says? Returns the first problem or NULL; a status
 * that is no documented success is not looked into.
 */
const struct json_problem *route_check_reply(struct arena *arena, const struct route *route,
                                             int status, struct str body);

#endif
