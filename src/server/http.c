/*
 * Threads: each connection belongs to one of libmicrohttpd's epoll threads. A request is handled on
 * it, suspended while a writer or worker has it, resumed by those, and answered on its own thread
 * again.
 *
 * Memory: a request (exchange, arena) is taken from a list of the thread and goes back to it when
 * the response is out, so a busy server allocates nothing. Header and URL strings are
 * libmicrohttpd's and live as long as the request.
 */
#include "server/http_internal.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/config.h"
#include "base/metrics.h"
#include "dialect/dialect.h"
#include "server/endpoints.h"
#include "server/form.h"
#include "server/pages.h"

#define ARENA_CAP ((size_t)48 * 1024 * 1024)
#define UPLOAD_ARENA_CAP ((size_t)192 * 1024 * 1024)
#define REQUEST_ID_MAX 64
#define DROPPED_BODY_MAX ((size_t)64 * 1024 * 1024)
#define KEPT_REQUESTS 64

struct request {
    struct exchange x;
    struct delivery delivery;
    struct http *http;
    struct http_thread *thread;
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

/* ---- Requests are reused by the thread that made them ---- */

static _Thread_local struct request *spare;
static _Thread_local size_t spare_count;

void http_free_spare_requests(void)
{
    while (spare) {
        struct request *next = spare->next;
        arena_free(spare->arena);
        free(spare);
        spare = next;
    }
    spare_count = 0;
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
    arena_set_cap(request->arena, ARENA_CAP);
    if (spare_count >= KEPT_REQUESTS) {
        arena_free(request->arena);
        free(request);
        return;
    }
    request->next = spare;
    spare = request;
    spare_count++;
}

/* ---- Requests ---- */

static void suspend(struct exchange *x)
{
    struct request *request = (struct request *)x;
    MHD_suspend_connection(request->connection);
}

/* On the writer's or a worker's thread: the request goes home to be answered. */
static void resume(struct exchange *x)
{
    struct request *request = (struct request *)x;
    request->resumed = true;
    request->delivery.resumed = request->connection;
    http_deliver(request->thread, &request->delivery);
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
    if (request->query_count == MAX_PARAMETERS)
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
        request->query = ARENA_ARRAY(request->arena, struct header, MAX_PARAMETERS);
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

typedef enum MHD_Result queue_function(struct MHD_Connection *, unsigned, struct MHD_Response *);
static queue_function *library_queue_response;

void http_find_library(void)
{
    *(void **)&library_queue_response = dlsym(RTLD_NEXT, "MHD_queue_response");
    if (!library_queue_response)
        abort();
}

static enum MHD_Result respond_from(struct request *request, enum MHD_ResponseMemoryMode memory)
{
    struct exchange *x = &request->x;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(x->reply.len, (void *)(uintptr_t)x->reply.ptr, memory);
    if (!response)
        return MHD_NO;
    add_headers(request, response);
    http_set_phase(request->watched, PHASE_REPLY);
    enum MHD_Result result =
        library_queue_response(request->connection, (unsigned)x->status, response);
    MHD_destroy_response(response);
    return result;
}

/* The body is arena memory: it lives until the response is out (request_completed). */
static enum MHD_Result respond(struct request *request)
{
    return respond_from(request, MHD_RESPMEM_PERSISTENT);
}

static int error_of_library(unsigned status)
{
    switch (status) {
    case MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE:
        return ERR_HEADERS_TOO_LARGE;
    case MHD_HTTP_URI_TOO_LONG:
        return ERR_ADDRESS_TOO_LONG;
    case MHD_HTTP_CONTENT_TOO_LARGE:
        return ERR_BODY_TOO_LARGE;
    case MHD_HTTP_INTERNAL_SERVER_ERROR:
        return ERR_OVERLOADED; /* out of memory */
    default:
        return ERR_INVALID_HEADERS;
    }
}

static bool has_broken_length(const struct request *request)
{
    struct str length = call_header(&request->x.call, "Content-Length");
    int64_t ignored;
    return str_present(length) && (!str_to_i64(length, &ignored) || ignored < 0);
}

/* Past libmicrohttpd, which after a broken length sends the head of its answer twice (0.9.75). Under TLS such a
 * client gets no answer. */
static void send_plainly(const struct request *request)
{
    const struct exchange *x = &request->x;
    if (request->http->tls_cert)
        return;
    struct buf text = buf_new(request->arena, 512);
    buf_printf(&text,
               "HTTP/1.1 %d Bad Request\r\nConnection: close\r\nContent-Type: application/json\r\n"
               "X-Request-Id: %.*s\r\nContent-Length: %zu\r\n\r\n%.*s",
               x->status, STR_FMT(x->call.request_id), x->reply.len, STR_FMT(x->reply));
    send(request->watched->fd, buf_str(&text).ptr, text.len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/*
 * What libmicrohttpd cannot read (more headers than a connection has memory for, lines and chunks that are none) it
 * answers by itself, in HTML. It does so by its own public function, and the linker binds that to the program's, which
 * is this one: those answers are the dialect's, too. Ours do not come this way.
 */
enum MHD_Result MHD_queue_response(struct MHD_Connection *connection, unsigned status,
                                   struct MHD_Response *response)
{
    struct connection *watched = http_watched(connection);
    if (!watched) /* the sandbox's */
        return library_queue_response(connection, status, response);
    struct request *request = request_take(watched->http);
    request->connection = connection;
    request->watched = watched;
    request->closing = true;
    read_head(request, watched->path, "GET");
    request->x.dialect = dialect_of_path(request->x.path);
    exchange_refuse(&request->x, error_of_library(status));
    enum MHD_Result result = MHD_NO;
    if (has_broken_length(request))
        send_plainly(request);
    else
        result = respond_from(request, MHD_RESPMEM_MUST_COPY);
    request_give(request);
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
static int check_head(const struct request *request, const char *version)
{
    const struct call *c = &request->x.call;
    struct str coding = call_header(c, "Transfer-Encoding");
    size_t codings = count_headers(request, "Transfer-Encoding");
    size_t lengths = count_headers(request, "Content-Length");
    int64_t length;
    if (request->watched->address_too_long)
        return ERR_ADDRESS_TOO_LONG;
    if (request->header_bytes > (size_t)c->app->config->header_limit ||
        request->header_count == MAX_HEADERS)
        return ERR_HEADERS_TOO_LARGE;
    if (codings + lengths > 1 || (codings && !str_eq_nocase(coding, STR("chunked"))))
        return ERR_INVALID_HEADERS;
    size_t hosts = count_headers(request, "Host");
    if (hosts > 1 || (!hosts && strcmp(version, "HTTP/1.1") == 0))
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

static enum MHD_Result begin(struct request *request, const char *url, const char *method,
                             const char *version)
{
    read_head(request, url, method);
    int error = check_head(request, version);
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
    if (request->x.body_limit > (size_t)request->http->app->config->body_limit)
        arena_set_cap(request->arena, UPLOAD_ARENA_CAP);
    if (refuse_body(request))
        return respond(request);
    http_set_phase(request->watched, PHASE_BODY);
    return MHD_YES;
}

enum MHD_Result http_handle(void *cls, struct MHD_Connection *connection, const char *url,
                            const char *method, const char *version, const char *upload_data,
                            size_t *upload_data_size, void **request_cls)
{
    struct http_thread *thread = cls;
    struct http *http = thread->http;
    struct request *request = *request_cls;
    thread->activity++;
    if (!request) {
        request = request_take(http);
        *request_cls = request;
        request->connection = connection;
        request->thread = thread;
        request->watched = http_watched(connection);
        metrics_gauge_add(http->app->metrics, GAUGE_IN_FLIGHT, 1);
        return begin(request, url, method, version);
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
    http_set_phase(request->watched, PHASE_AT_WORK);
    if (request->too_large) {
        exchange_refuse(x, ERR_BODY_TOO_LARGE);
        return respond(request);
    }
    x->call.raw_body = (struct str){request->body ? request->body : "", request->body_length};
    return exchange_run(x) ? respond(request) : MHD_YES;
}

void http_request_completed(void *cls, struct MHD_Connection *connection, void **request_cls,
                            enum MHD_RequestTerminationCode code)
{
    (void)connection;
    (void)code;
    struct http_thread *thread = cls;
    struct request *request = *request_cls;
    thread->activity++;
    if (!request)
        return;
    *request_cls = NULL;
    http_set_phase(request->watched, PHASE_IDLE);
    request_give(request);
    atomic_fetch_add_explicit(&thread->ended, 1, memory_order_relaxed);
    metrics_gauge_add(thread->http->app->metrics, GAUGE_IN_FLIGHT, -1);
}
