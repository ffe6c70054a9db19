/* What the two halves of HTTP share: connections and threads (listen.c), requests (http.c). */
#ifndef SERVER_HTTP_INTERNAL_H
#define SERVER_HTTP_INTERNAL_H

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include "server/http.h"

#define MAX_HEADERS 64
#define MAX_PARAMETERS 64

/* What a connection is at, for the watch thread. */
enum phase { PHASE_IDLE, PHASE_HEADERS, PHASE_BODY, PHASE_AT_WORK, PHASE_REPLY };

struct connection {
    struct http *http;
    struct connection *next, *previous;
    int fd;
    _Atomic int phase;
    _Atomic usec_t since; /* clock_monotonic */
    char address[INET6_ADDRSTRLEN];
    /* Of the request whose headers are arriving; its own thread's. */
    char path[64]; /* as much of it as tells the dialect */
    bool address_too_long;
};

/* What other threads leave at an HTTP thread: connections that were accepted, requests that can be answered. */
struct delivery {
    struct delivery *next;
    struct MHD_Connection *resumed; /* NULL: `arrived` */
    struct arrival *arrived;
};

/* A thread with connections of its own. Only it calls its libmicrohttpd daemon. */
struct http_thread {
    struct http *http;
    struct MHD_Daemon *daemon;
    pthread_t id;
    int wake;                              /* eventfd */
    _Atomic(struct delivery *) deliveries; /* newest first */
    atomic_bool sleeping;
    atomic_bool stop;
    _Atomic int64_t connections;
    uint64_t activity;      /* calls from libmicrohttpd; the thread's own */
    _Atomic uint64_t ended; /* requests, however they did */
};

struct http {
    struct app *app;
    struct pipeline *pipeline;
    int listener;
    unsigned port;
    char *tls_cert, *tls_key;
    _Atomic usec_t draining; /* since when, clock_monotonic; 0: not yet */
    int stop_accepting;      /* eventfd, readable when it is time */
    pthread_t accepting, watch;
    bool started;
    atomic_bool stop_watch;
    pthread_mutex_t connections_lock;
    struct connection *connections;
    size_t thread_count;
    struct http_thread *threads;
};

/* From any thread. */
void http_deliver(struct http_thread *thread, struct delivery *delivery);
void http_set_phase(struct connection *connection, enum phase phase);
struct connection *http_watched(struct MHD_Connection *connection);

/* libmicrohttpd's callbacks about requests; cls is the struct http_thread. */
enum MHD_Result http_handle(void *cls, struct MHD_Connection *connection, const char *url,
                            const char *method, const char *version, const char *upload_data,
                            size_t *upload_data_size, void **request_cls);
void http_request_completed(void *cls, struct MHD_Connection *connection, void **request_cls,
                            enum MHD_RequestTerminationCode code);
/* Before the first daemon of this process, the sandbox's included: finds libmicrohttpd's own way to
 * answer, which http.c stands in front of. */
void http_find_library(void);
/* Frees what the calling thread kept for its next requests. */
void http_free_spare_requests(void);

#endif
