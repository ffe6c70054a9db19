/*
 * Paths that are not operations of a contract (/cognito, /sandbox, /console ...): one row per
 * prefix in server/mounts.def, served by a function on a worker thread, which may block and, for
 * writes, use writer_run (core/work.h).
 */
#ifndef CORE_MOUNT_H
#define CORE_MOUNT_H

#include "core/route.h"

struct mount_request {
    enum http_method method; /* HEAD arrives as GET */
    struct str path;         /* whole path, percent-decoded: "/sandbox/hooks/7" */
    struct str rest;         /* after the prefix: "/hooks/7", "" */
    const struct header *query;
    size_t query_count;
};

struct mount_reply {
    int status;               /* 200 unless set */
    const char *content_type; /* "application/json" unless set */
    struct str body;          /* arena memory or static storage */
};

/*
 * Headers are read with call_header, the body is c->raw_body, headers of the reply are added with
 * call_reply_header; c->sql is a read connection. A refusal is rendered in the platform's error
 * shape.
 */
typedef int mount_handler(struct call *c, const struct mount_request *request,
                          struct mount_reply *reply);

/* A query parameter's decoded value; absent if not sent. */
struct str mount_query(const struct mount_request *request, const char *name);

#endif
