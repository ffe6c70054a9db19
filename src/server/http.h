/*
 * HTTP: libmicrohttpd's epoll threads, connections and their limits, TLS. Turns requests into
 * exchanges (server/pipeline.h) and exchanges into responses.
 */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include "server/pipeline.h"

struct http;

/*
 * Takes the address: from here on clients can connect, and wait until http_start. NULL: *ret_why
 * says why not (the address is taken, the certificate cannot be read).
 */
struct http *http_open(struct app *app, struct str *ret_why);
/* Serves. False: *ret_why. */
bool http_start(struct http *http, struct pipeline *pipeline, struct str *ret_why);
/* The port in use, which the system chose when 0 was configured. */
unsigned http_port(const struct http *http);
/*
 * Takes no new connections, lets every request that has arrived be answered, with `Connection: close`, and ends the
 * threads. Those that are arriving have some seconds to be complete. False when for `timeout` no request
 * was answered though some wait: then threads are still in the pipeline.
 */
bool http_drain(struct http *http, usec_t timeout);
struct http *http_free(struct http *http);

#endif
