/*
 * Threads: each connection belongs to one of libmicrohttpd's epoll threads. A request is handled on
 * it, suspended while a writer or worker has it, resumed by those, and answered on its own thread
 * again.
 *
 * Memory: a request (exchange, arena) is taken from a list of the thread and goes back to it when
 * the response is out, so a busy server allocates nothing. Header and URL strings are
 * libmicrohttpd's and live as long as the request.
 *
 * Slow clients: a watch thread closes connections that take too long for what they are at.
 * libmicrohttpd's own timeout only sees silence, not one byte a second.
 */
#include "server/http.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/config.h"
#include "base/log.h"
#include "base/metrics.h"
#include "dialect/dialect.h"
#include "server/endpoints.h"
#include "server/form.h"
#include "server/pages.h"

/* Beside the headers: their index, the reply's headers. libmicrohttpd clears all of a connection's
 * memory with each request, so there is no more of it than needed. */
#define CONNECTION_MEMORY ((size_t)8 * 1024)
#define ARENA_CAP ((size_t)48 * 1024 * 1024)
#define UPLOAD_ARENA_CAP ((size_t)192 * 1024 * 1024)
#define REQUEST_ID_MAX 64
#define BACKLOG 1024
#define DROPPED_BODY_MAX ((size_t)64 * 1024 * 1024)
#define MAX_HEADERS 64
#define KEPT_REQUESTS 64

/* What a connection is at, for the watch thread. */
enum phase { PHASE_IDLE, PHASE_HEADERS, PHASE_BODY, PHASE_AT_WORK, PHASE_REPLY };

struct connection {
    struct connection *next, *previous;
    int fd;
    _Atomic int phase;
    _Atomic usec_t since; /* clock_monotonic */
    char address[INET6_ADDRSTRLEN];
};

struct request {
    struct exchange x;
    struct http *http;
    struct arena *arena;
    struct MHD_Connection *connection;
    struct connection *watched;
    char *body;
    size_t body_length, body_capacity;
    struct header *headers;
    size_t header_count, header_bytes;
    struct header *query;
    size_t query_count;
    bool answered; /* from the head alone; sent when the body has passed */
    bool resumed;  /* a writer or worker is done with it */
    bool too_large;
    bool closing; /* answered before the body: the connection cannot be used again */
    struct request *next;
};

struct http {
    struct app *app;
    struct pipeline *pipeline;
    struct MHD_Daemon *daemon;
    int listener;
    unsigned port;
    char *tls_cert, *tls_key;
    atomic_bool draining;
    pthread_t watch;
    atomic_bool stop_watch;
    pthread_mutex_t connections_lock;
    struct connection *connections;
};

/* ---- Requests are reused by the thread that made them ---- */

static _Thread_local struct request *spare;
static _Thread_local size_t spare_count;
static pthread_key_t spare_key;
static pthread_once_t spare_once = PTHREAD_ONCE_INIT;

static void free_spare(void *unused)
{
    (void)unused;
    while (spare) {
        struct request *next = spare->next;
        arena_free(spare->arena);
        free(spare);
        spare = next;
    }
}

static void make_spare_key(void)
{
    pthread_key_create(&spare_key, free_spare);
}

static struct request *request_take(struct http *http)
{
    struct request *request = spare;
    if (request) {
        spare = request->next;
        spare_count--;
        struct arena *arena = request->arena;
        memset(request, 0, sizeof(*request));
        request->arena = arena;
    } else {
        request = calloc(1, sizeof(*request));
        if (!request)
            abort();
        request->arena = arena_new(ARENA_CAP);
    }
    request->http = http;
    return request;
}

static void request_give(struct request *request)
{
    if (exchange_is_sensitive(&request->x))
        arena_wipe(request->arena);
    arena_reset(request->arena);
    if (spare_count >= KEPT_REQUESTS) {
        arena_free(request->arena);
        free(request);
        return;
    }
    if (!spare)
        pthread_setspecific(spare_key,
                            request); /* any value: free_spare runs when the thread ends */
    request->next = spare;
    spare = request;
    spare_count++;
}

/* ---- Connections ---- */

static void set_phase(struct connection *connection, enum phase phase)
{
    if (!connection)
        return;
    atomic_store_explicit(&connection->since, clock_monotonic(), memory_order_relaxed);
    atomic_store_explicit(&connection->phase, phase, memory_order_relaxed);
}

static struct connection *watched_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void connection_opened(struct http *http, struct MHD_Connection *connection,
                              void **socket_context)
{
    struct connection *watched = calloc(1, sizeof(*watched));
    if (!watched)
        abort();
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    watched->fd = info ? info->connect_fd : -1;
    int on = 1;
    setsockopt(watched->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info && info->client_addr->sa_family == AF_INET)
        inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)info->client_addr)->sin_addr,
                  watched->address, sizeof(watched->address));
    else if (info && info->client_addr->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((struct sockaddr_in6 *)(void *)info->client_addr)->sin6_addr,
                  watched->address, sizeof(watched->address));
    set_phase(watched, PHASE_IDLE);
    pthread_mutex_lock(&http->connections_lock);
    watched->next = http->connections;
    if (watched->next)
        watched->next->previous = watched;
    http->connections = watched;
    pthread_mutex_unlock(&http->connections_lock);
    metrics_gauge_add(http->app->metrics, GAUGE_CONNECTIONS, 1);
    *socket_context = watched;
}

static void connection_closed(struct http *http, void **socket_context)
{
    struct connection *watched = *socket_context;
    if (!watched)
        return;
    pthread_mutex_lock(&http->connections_lock);
    if (watched->next)
        watched->next->previous = watched->previous;
    if (watched->previous)
        watched->previous->next = watched->next;
    else
        http->connections = watched->next;
    pthread_mutex_unlock(&http->connections_lock);
    metrics_gauge_add(http->app->metrics, GAUGE_CONNECTIONS, -1);
    free(watched);
    *socket_context = NULL;
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        connection_opened(cls, connection, socket_context);
    else
        connection_closed(cls, socket_context);
}

static usec_t phase_limit(const struct config *config, int phase)
{
    switch (phase) {
    case PHASE_IDLE:
        return config->idle_timeout_s * USEC_PER_SEC;
    case PHASE_HEADERS:
        return config->header_timeout_s * USEC_PER_SEC;
    case PHASE_BODY:
    case PHASE_REPLY:
        return config->body_timeout_s * USEC_PER_SEC;
    default:
        return INT64_MAX;
    }
}

/* Shutting the socket down makes its own thread close it; the descriptor cannot be another's
 * meanwhile, because connection_closed runs before it is closed and takes the same lock. */
static void close_slow_connections(struct http *http)
{
    usec_t now = clock_monotonic();
    pthread_mutex_lock(&http->connections_lock);
    for (struct connection *c = http->connections; c; c = c->next) {
        int phase = atomic_load_explicit(&c->phase, memory_order_relaxed);
        usec_t age = now - atomic_load_explicit(&c->since, memory_order_relaxed);
        if (age <= phase_limit(http->app->config, phase))
            continue;
        shutdown(c->fd, SHUT_RDWR);
        set_phase(c, PHASE_AT_WORK); /* once is enough */
        if (phase != PHASE_IDLE)
            metrics_count(http->app->metrics, METRIC_SLOW_CLIENTS, 1);
    }
    pthread_mutex_unlock(&http->connections_lock);
}

static void *watch_main(void *argument)
{
    struct http *http = argument;
    for (unsigned tick = 0; !atomic_load(&http->stop_watch); tick++) {
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
        if (tick % 5 == 0)
            close_slow_connections(http);
    }
    return NULL;
}

/* ---- Requests ---- */

static void suspend(struct exchange *x)
{
    struct request *request = (struct request *)x;
    MHD_suspend_connection(request->connection);
}

static void resume(struct exchange *x)
{
    struct request *request = (struct request *)x;
    request->resumed = true;
    MHD_resume_connection(request->connection);
}

static enum MHD_Result add_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                  size_t name_length, const char *value, size_t value_length)
{
    (void)kind;
    struct request *request = cls;
    request->header_bytes += name_length + value_length + 4;
    if (request->header_count == MAX_HEADERS)
        return MHD_NO;
    request->headers[request->header_count++] =
        (struct header){{name, name_length}, {value ? value : "", value_length}};
    return MHD_YES;
}

static enum MHD_Result add_query(void *cls, enum MHD_ValueKind kind, const char *name,
                                 size_t name_length, const char *value, size_t value_length)
{
    (void)kind;
    struct request *request = cls;
    if (request->query_count == MAX_HEADERS)
        return MHD_NO;
    struct arena *arena = request->arena;
    request->query[request->query_count++] = (struct header){
        form_percent_decode(arena, (struct str){name, name_length}, false),
        form_percent_decode(arena, (struct str){value ? value : "", value_length}, false)};
    return MHD_YES;
}

/* Short and plain: what may stand in a log, a header and a database as it is. */
static bool is_plain_id(struct str id)
{
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              c == '-' || c == '_' || c == '.' || c == ':'))
            return false;
    }
    return id.len >= 1 && id.len <= REQUEST_ID_MAX;
}

/* A client's id is taken if it is one; otherwise one is made. */
static struct str request_id_of(struct request *request)
{
    struct str id = call_header(&request->x.call, "X-Request-Id");
    if (is_plain_id(id))
        return id;
    uint64_t number = (uint64_t)id_new();
    char *text = arena_alloc(request->arena, 20);
    memcpy(text, "req_", 4);
    for (int i = 0; i < 14; i++)
        text[4 + i] = "0123456789abcdef"[number >> (52 - 4 * i) & 15];
    return (struct str){text, 18};
}

static void read_method(struct exchange *x, const char *method)
{
    static const struct {
        const char *name;
        enum http_method method;
    } methods[] = {
        {"GET", HTTP_GET}, {"HEAD", HTTP_GET},    {"POST", HTTP_POST},
        {"PUT", HTTP_PUT}, {"PATCH", HTTP_PATCH}, {"DELETE", HTTP_DELETE},
    };
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strcmp(method, methods[i].name) == 0) {
            x->method = methods[i].method;
            x->is_head = strcmp(method, "HEAD") == 0;
            return;
        }
    }
    x->is_options = strcmp(method, "OPTIONS") == 0;
    x->unknown_method = !x->is_options;
}

static void read_head(struct request *request, const char *url, const char *method)
{
    struct exchange *x = &request->x;
    struct call *c = &x->call;
    struct MHD_Connection *connection = request->connection;
    request->headers = ARENA_ARRAY(request->arena, struct header, MAX_HEADERS);
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, add_header, request);
    int query_count = MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, NULL, NULL);
    if (query_count > 0) {
        request->query = ARENA_ARRAY(request->arena, struct header, MAX_HEADERS);
        MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, add_query, request);
    }
    x->pipeline = request->http->pipeline;
    x->path = str_from(url);
    x->query = request->query;
    x->query_count = request->query_count;
    x->suspend = suspend;
    x->resume = resume;
    read_method(x, method);
    c->arena = request->arena;
    c->app = request->http->app;
    c->headers = request->headers;
    c->header_count = request->header_count;
    c->client_address = request->watched ? str_from(request->watched->address) : STR("");
    c->host = call_header(c, "Host");
    c->request_id = request_id_of(request);
    c->interaction_id = call_header(c, "x-fapi-interaction-id");
    if (str_empty(c->interaction_id))
        c->interaction_id = c->request_id;
}

/* ---- Responses ---- */

static bool origin_allowed(struct str allowed, struct str origin)
{
    while (str_present(allowed)) {
        struct str one = str_trim(str_cut(&allowed, ','));
        if (str_is(one, "*") || (one.len && str_eq_nocase(one, origin)))
            return true;
    }
    return false;
}

static void add_cors(struct request *request, struct MHD_Response *response)
{
    const struct config *config = request->http->app->config;
    struct call *c = &request->x.call;
    struct str origin = call_header(c, "Origin");
    if (!str_present(origin) || !origin_allowed(config->cors_origins, origin))
        return;
    MHD_add_response_header(response, "Access-Control-Allow-Origin", arena_cstr(c->arena, origin));
    MHD_add_response_header(response, "Vary", "Origin");
    MHD_add_response_header(response, "Access-Control-Expose-Headers",
                            "X-Request-Id, Idempotency-Replayed, Retry-After, x-session-nonce");
    if (!request->x.is_options)
        return;
    struct str headers = call_header(c, "Access-Control-Request-Headers");
    MHD_add_response_header(response, "Access-Control-Allow-Methods",
                            "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    MHD_add_response_header(response, "Access-Control-Allow-Headers",
                            str_present(headers) ? arena_cstr(c->arena, headers) : "*");
    MHD_add_response_header(response, "Access-Control-Max-Age", "600");
}

static void add_headers(struct request *request, struct MHD_Response *response)
{
    struct exchange *x = &request->x;
    struct call *c = &x->call;
    bool has_type = false;
    for (size_t i = 0; i < c->reply_header_count; i++) {
        const struct header *header = &c->reply_headers[i];
        has_type = has_type || str_eq_nocase(header->name, STR("Content-Type"));
        MHD_add_response_header(response, header->name.ptr, arena_cstr(c->arena, header->value));
    }
    if (!has_type && x->status != 204)
        MHD_add_response_header(response, "Content-Type",
                                x->content_type ? x->content_type : "application/json");
    MHD_add_response_header(response, "X-Request-Id", arena_cstr(c->arena, c->request_id));
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (c->route)
        MHD_add_response_header(response, "Cache-Control", "no-store");
    if (request->http->tls_cert)
        MHD_add_response_header(response, "Strict-Transport-Security", "max-age=31536000");
    if (c->app->config->cors_origins.len)
        add_cors(request, response);
    if (request->closing || atomic_load_explicit(&request->http->draining, memory_order_relaxed))
        MHD_add_response_header(response, "Connection", "close");
}

/* The body is arena memory: it lives until the response is out (request_completed). */
static enum MHD_Result respond(struct request *request)
{
    struct exchange *x = &request->x;
    struct MHD_Response *response = MHD_create_response_from_buffer(
        x->reply.len, (void *)(uintptr_t)x->reply.ptr, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    add_headers(request, response);
    set_phase(request->watched, PHASE_REPLY);
    enum MHD_Result result = MHD_queue_response(request->connection, (unsigned)x->status, response);
    MHD_destroy_response(response);
    return result;
}

/* ---- The way through ---- */

static bool answer_page(struct request *request)
{
    struct exchange *x = &request->x;
    struct page_file file;
    if (x->method != HTTP_GET || x->is_options || x->unknown_method)
        return false;
    endpoint_function *endpoint = endpoint_find(x->path);
    if (endpoint) {
        endpoint(x);
        return true;
    }
    if (!page_find(x->path, &file))
        return false;
    x->status = 200;
    x->reply = file.body;
    x->content_type = file.content_type;
    call_reply_header(&x->call, "Content-Security-Policy", STR(PAGE_SECURITY_POLICY));
    if (file.content_encoding)
        call_reply_header(&x->call, "Content-Encoding", str_from(file.content_encoding));
    return true;
}

static size_t count_headers(const struct request *request, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < request->header_count; i++)
        count += str_eq_nocase(request->headers[i].name, str_from(name));
    return count;
}

/*
 * A body whose length can be read in two ways is how a request hides behind another (RFC 9112,
 * 6.1 and 6.3); with two hosts, ours and a proxy's idea of the tenant differ. Parameters beyond the
 * limit are not dropped in silence, they might have been a filter.
 */
static int check_head(const struct request *request)
{
    const struct call *c = &request->x.call;
    struct str coding = call_header(c, "Transfer-Encoding");
    size_t codings = count_headers(request, "Transfer-Encoding");
    size_t lengths = count_headers(request, "Content-Length");
    int64_t length;
    if (request->header_bytes > (size_t)c->app->config->header_limit ||
        request->header_count == MAX_HEADERS || request->query_count == MAX_HEADERS)
        return ERR_HEADERS_TOO_LARGE;
    if (codings + lengths > 1 || (codings && !str_eq_nocase(coding, STR("chunked"))) ||
        count_headers(request, "Host") > 1)
        return ERR_INVALID_HEADERS;
    if (lengths && !str_to_i64(call_header(c, "Content-Length"), &length))
        return ERR_INVALID_HEADERS;
    return OK;
}

/*
 * Refused for its size before the body is read, if that is so large or the client asked first
 * (Expect): the connection ends with it. Smaller bodies are read and dropped, because a client that
 * is still sending may not see an answer that comes too early.
 */
static bool refuse_body(struct request *request)
{
    struct exchange *x = &request->x;
    struct call *c = &x->call;
    int64_t length = 0;
    struct str sent = call_header(c, "Content-Length");
    if (!str_present(sent) || !str_to_i64(sent, &length) || length <= 0)
        return false;
    if (length <= (int64_t)x->body_limit) {
        request->body_capacity = (size_t)length;
        return false;
    }
    request->too_large = true;
    if (length <= (int64_t)DROPPED_BODY_MAX && !str_present(call_header(c, "Expect")))
        return false;
    exchange_refuse(x, ERR_BODY_TOO_LARGE);
    return request->closing = true;
}

/* False: more than can be borne, close. */
static bool add_body(struct request *request, const char *bytes, size_t length)
{
    if (request->too_large || request->body_length + length > request->x.body_limit) {
        request->too_large = true;
        request->body_length += length;
        return request->body_length <= DROPPED_BODY_MAX;
    }
    if (!request->body || request->body_length + length > request->body_capacity) {
        size_t capacity = request->body ? request->body_capacity * 2 : request->body_capacity;
        if (capacity < request->body_length + length)
            capacity = request->body_length + length;
        char *grown = arena_alloc(request->arena, capacity + 1);
        if (request->body)
            memcpy(grown, request->body, request->body_length);
        request->body = grown;
        request->body_capacity = capacity;
    }
    memcpy(request->body + request->body_length, bytes, length);
    request->body_length += length;
    return true;
}

static enum MHD_Result begin(struct request *request, const char *url, const char *method)
{
    read_head(request, url, method);
    int error = check_head(request);
    if (error) {
        request->closing = true;
        request->x.dialect = dialect_of_path(request->x.path);
        exchange_refuse(&request->x, error);
        return respond(request);
    }
    /* A response queued now would end the connection: libmicrohttpd takes it as refusing the
     * body. */
    if (answer_page(request)) {
        request->answered = true;
        return MHD_YES;
    }
    exchange_route(&request->x);
    if (refuse_body(request))
        return respond(request);
    set_phase(request->watched, PHASE_BODY);
    return MHD_YES;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload_data,
                              size_t *upload_data_size, void **request_cls)
{
    (void)version;
    struct http *http = cls;
    struct request *request = *request_cls;
    if (!request) {
        request = request_take(http);
        *request_cls = request;
        request->connection = connection;
        request->watched = watched_of(connection);
        metrics_gauge_add(http->app->metrics, GAUGE_IN_FLIGHT, 1);
        return begin(request, url, method);
    }
    if (*upload_data_size) {
        bool good = add_body(request, upload_data, *upload_data_size);
        *upload_data_size = 0;
        return good ? MHD_YES : MHD_NO;
    }
    struct exchange *x = &request->x;
    if (request->answered)
        return respond(request);
    if (request->resumed) {
        exchange_finish(x);
        return respond(request);
    }
    set_phase(request->watched, PHASE_AT_WORK);
    if (request->too_large) {
        exchange_refuse(x, ERR_BODY_TOO_LARGE);
        return respond(request);
    }
    x->call.raw_body = (struct str){request->body ? request->body : "", request->body_length};
    return exchange_run(x) ? respond(request) : MHD_YES;
}

static void request_completed(void *cls, struct MHD_Connection *connection, void **request_cls,
                              enum MHD_RequestTerminationCode code)
{
    (void)connection;
    (void)code;
    struct http *http = cls;
    struct request *request = *request_cls;
    if (!request)
        return;
    *request_cls = NULL;
    set_phase(request->watched, PHASE_IDLE);
    request_give(request);
    metrics_gauge_add(http->app->metrics, GAUGE_IN_FLIGHT, -1);
}

/* The first thing known of a request: its request line is there. */
static void *request_line(void *cls, const char *uri, struct MHD_Connection *connection)
{
    (void)cls;
    (void)uri;
    set_phase(watched_of(connection), PHASE_HEADERS);
    return NULL;
}

/* Paths and values are decoded by the router, segment by segment: %2F is no separator. */
static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls;
    (void)connection;
    return strlen(text);
}

static void log_library(void *cls, const char *format, va_list args)
{
    (void)cls;
    char text[512];
    vsnprintf(text, sizeof(text), format, args);
    size_t length = strlen(text);
    while (length && text[length - 1] == '\n')
        length--;
    log_debug("libmicrohttpd", LOG_STR("text", ((struct str){text, length})));
}

/* ---- Start and stop ---- */

static char *read_file(struct str path)
{
    char name[4096];
    snprintf(name, sizeof(name), "%.*s", STR_FMT(path));
    FILE *file = fopen(name, "re");
    if (!file)
        return NULL;
    char *text = calloc(1, 1 << 16);
    if (!text)
        abort();
    size_t length = fread(text, 1, (1 << 16) - 1, file);
    fclose(file);
    if (!length) {
        free(text);
        return NULL;
    }
    return text;
}

static bool read_certificate(struct http *http, struct str *ret_why)
{
    const struct config *config = http->app->config;
    if (!config->tls_cert.len && !config->tls_key.len)
        return true;
    http->tls_cert = read_file(config->tls_cert);
    http->tls_key = read_file(config->tls_key);
    if (http->tls_cert && http->tls_key)
        return true;
    *ret_why = STR("tls_cert and tls_key must both name readable PEM files");
    return false;
}

/* "127.0.0.1:8080", "[::1]:8080", ":8080", "localhost:8080" */
static struct addrinfo *resolve(struct str listen_on)
{
    size_t colon = listen_on.len;
    while (colon && listen_on.ptr[colon - 1] != ':')
        colon--;
    char host[256] = "", port[16] = "";
    if (!colon || listen_on.len - colon >= sizeof(port) || colon > sizeof(host))
        return NULL;
    struct str name = {listen_on.ptr, colon - 1};
    if (name.len >= 2 && name.ptr[0] == '[')
        name = (struct str){name.ptr + 1, name.len - 2};
    memcpy(host, name.ptr, name.len);
    memcpy(port, listen_on.ptr + colon, listen_on.len - colon);
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    return getaddrinfo(host[0] ? host : NULL, port, &hints, &found) ? NULL : found;
}

static bool take_address(struct http *http, struct str *ret_why)
{
    struct addrinfo *address = resolve(http->app->config->listen);
    if (!address) {
        *ret_why = STR("listen must be ADDRESS:PORT, and the address known here");
        return false;
    }
    int on = 1;
    http->listener =
        socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    setsockopt(http->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    bool taken = http->listener >= 0 &&
                 bind(http->listener, address->ai_addr, address->ai_addrlen) == 0 &&
                 listen(http->listener, BACKLOG) == 0;
    freeaddrinfo(address);
    struct sockaddr_storage bound;
    socklen_t length = sizeof(bound);
    if (!taken || getsockname(http->listener, (struct sockaddr *)&bound, &length)) {
        *ret_why = str_from(strerror(errno));
        return false;
    }
    http->port =
        ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)(void *)&bound)->sin6_port
                                          : ((struct sockaddr_in *)(void *)&bound)->sin_port);
    return true;
}

static struct MHD_Daemon *start_daemon(struct http *http)
{
    const struct config *config = http->app->config;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO |
                     MHD_USE_ERROR_LOG;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, http->tls_cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, http->tls_key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0,
         (char *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    if (http->tls_cert)
        flags |= MHD_USE_TLS;
    unsigned threads = (unsigned)config->http_threads;
    return MHD_start_daemon(
        flags, 0, NULL, NULL, handle, http, MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
        MHD_OPTION_LISTEN_SOCKET, http->listener, MHD_OPTION_THREAD_POOL_SIZE,
        threads > 1 ? threads : 0u, MHD_OPTION_CONNECTION_LIMIT, (unsigned)config->max_connections,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)config->header_limit + CONNECTION_MEMORY,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)config->idle_timeout_s,
        MHD_OPTION_NOTIFY_COMPLETED, request_completed, http, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, http, MHD_OPTION_URI_LOG_CALLBACK, request_line, http,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_ARRAY,
        http->tls_cert ? tls : none, MHD_OPTION_END);
}

struct http *http_open(struct app *app, struct str *ret_why)
{
    struct http *http = calloc(1, sizeof(*http));
    if (!http)
        abort();
    http->app = app;
    http->listener = -1;
    pthread_mutex_init(&http->connections_lock, NULL);
    if (!read_certificate(http, ret_why) || !take_address(http, ret_why))
        return http_free(http);
    return http;
}

bool http_start(struct http *http, struct pipeline *pipeline, struct str *ret_why)
{
    pthread_once(&spare_once, make_spare_key);
    http->pipeline = pipeline;
    http->daemon = start_daemon(http);
    if (!http->daemon) {
        *ret_why = STR("libmicrohttpd does not start (is the certificate valid?)");
        return false;
    }
    if (pthread_create(&http->watch, NULL, watch_main, http))
        abort();
    pthread_setname_np(http->watch, "watch");
    return true;
}

unsigned http_port(const struct http *http)
{
    return http->port;
}

static int64_t in_flight(const struct http *http)
{
    return metrics_gauge_get(http->app->metrics, GAUGE_IN_FLIGHT);
}

/* A request that reached the kernel before its connection is closed still gets its answer: the wait
 * ends when nothing was in flight for a while. */
bool http_drain(struct http *http, usec_t timeout)
{
    endpoint_set_draining();
    atomic_store(&http->draining, true);
    MHD_quiesce_daemon(http->daemon);
    close(http->listener);
    http->listener = -1;
    usec_t end = clock_monotonic() + timeout;
    for (int quiet = 0; quiet < 5 && clock_monotonic() < end;) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        quiet = in_flight(http) ? 0 : quiet + 1;
    }
    int64_t left = in_flight(http);
    if (left)
        log_warn("requests were given up", LOG_INT("requests", left));
    atomic_store(&http->stop_watch, true);
    pthread_join(http->watch, NULL);
    if (left)
        return false;
    MHD_stop_daemon(http->daemon);
    http->daemon = NULL;
    return true;
}

struct http *http_free(struct http *http)
{
    if (http) {
        assert(!http->daemon);
        if (http->listener >= 0)
            close(http->listener);
        pthread_mutex_destroy(&http->connections_lock);
        free(http->tls_cert);
        free(http->tls_key);
        free(http);
    }
    return NULL;
}
