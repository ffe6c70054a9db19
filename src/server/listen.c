/*
 * Connections: one thread accepts them and gives each to the HTTP thread that has the fewest; a watch thread closes
 * those that take too long for what they are at (libmicrohttpd's own timeout sees only silence, not one
 * byte a second).
 *
 * Each HTTP thread has a libmicrohttpd daemon that it alone calls. What others have for it (a connection, a request
 * to answer) they leave in a list and wake it.
 *
 * The HTTP threads drive libmicrohttpd's event loop themselves and never let it wait, because as of 0.9.75 it may
 * wait while it has requests at hand: it collects events in lots of 128 and after a full lot waits for
 * more, and what becomes ready while it works through its list is left for the next event. So the loop
 * is run until nothing happens any more, and only then its descriptor is polled. (MHD_USE_TURBO is needed: without
 * it, a connection that is resumed may be added to the epoll set twice, which closes it.)
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/config.h"
#include "base/log.h"
#include "base/metrics.h"
#include "server/endpoints.h"
#include "server/http_internal.h"

/* Beside the headers: their index, the reply's headers. libmicrohttpd clears all of a connection's
 * memory with each request, so there is no more of it than needed. */
#define CONNECTION_MEMORY ((size_t)8 * 1024)
#define BACKLOG 1024
/* A backstop: events end the wait. */
#define WAIT_MS 100
/* For what the client has to do, once draining. */
#define DRAIN_GRACE (5 * USEC_PER_SEC)
#define DRAIN_REPORT (10 * USEC_PER_SEC)

/* ---- Connections ---- */

void http_set_phase(struct connection *connection, enum phase phase)
{
    if (!connection)
        return;
    atomic_store_explicit(&connection->since, clock_monotonic(), memory_order_relaxed);
    atomic_store_explicit(&connection->phase, phase, memory_order_relaxed);
}

struct connection *http_watched(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void connection_opened(struct http_thread *thread, struct MHD_Connection *connection,
                              void **socket_context)
{
    struct http *http = thread->http;
    struct connection *watched = calloc(1, sizeof(*watched));
    if (!watched)
        abort();
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    watched->http = http;
    watched->fd = info ? info->connect_fd : -1;
    info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (info && info->client_addr->sa_family == AF_INET)
        inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)info->client_addr)->sin_addr,
                  watched->address, sizeof(watched->address));
    else if (info && info->client_addr->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((struct sockaddr_in6 *)(void *)info->client_addr)->sin6_addr,
                  watched->address, sizeof(watched->address));
    http_set_phase(watched, PHASE_IDLE);
    pthread_mutex_lock(&http->connections_lock);
    watched->next = http->connections;
    if (watched->next)
        watched->next->previous = watched;
    http->connections = watched;
    pthread_mutex_unlock(&http->connections_lock);
    metrics_gauge_add(http->app->metrics, GAUGE_CONNECTIONS, 1);
    *socket_context = watched;
}

static void connection_closed(struct http_thread *thread, void **socket_context)
{
    struct http *http = thread->http;
    struct connection *watched = *socket_context;
    atomic_fetch_sub(&thread->connections, 1);
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
    struct http_thread *thread = cls;
    thread->activity++;
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

/* Once draining, half a request was not accepted and an answer nobody reads is no longer waited for. */
static bool is_too_slow(const struct http *http, const struct connection *c, usec_t now)
{
    int phase = atomic_load_explicit(&c->phase, memory_order_relaxed);
    usec_t since = atomic_load_explicit(&c->since, memory_order_relaxed);
    usec_t draining = atomic_load_explicit(&http->draining, memory_order_relaxed);
    if (now - since > phase_limit(http->app->config, phase))
        return true;
    return draining && phase != PHASE_AT_WORK && phase != PHASE_IDLE &&
           now - (since > draining ? since : draining) > DRAIN_GRACE;
}

/* Shutting the socket down makes its own thread close it; the descriptor cannot be another's
 * meanwhile, because connection_closed runs before it is closed and takes the same lock. */
static void close_slow_connections(struct http *http)
{
    usec_t now = clock_monotonic();
    pthread_mutex_lock(&http->connections_lock);
    for (struct connection *c = http->connections; c; c = c->next) {
        if (!is_too_slow(http, c, now))
            continue;
        int phase = atomic_load_explicit(&c->phase, memory_order_relaxed);
        shutdown(c->fd, SHUT_RDWR);
        http_set_phase(c, PHASE_AT_WORK); /* once is enough */
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

/* ---- Deliveries ---- */

struct arrival {
    struct delivery delivery;
    int fd;
    struct sockaddr_storage address;
    socklen_t length;
};

static void wake(struct http_thread *thread)
{
    if (atomic_exchange(&thread->sleeping, false))
        eventfd_write(thread->wake, 1);
}

/* A whole batch of the writer costs one wake-up. */
void http_deliver(struct http_thread *thread, struct delivery *delivery)
{
    delivery->next = atomic_load_explicit(&thread->deliveries, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&thread->deliveries, &delivery->next, delivery))
        ;
    wake(thread);
}

static void receive_arrival(struct http_thread *thread, struct arrival *arrival)
{
    /* On failure libmicrohttpd closes the socket. */
    if (MHD_add_connection(thread->daemon, arrival->fd, (struct sockaddr *)&arrival->address,
                           arrival->length) != MHD_YES)
        atomic_fetch_sub(&thread->connections, 1);
    free(arrival);
}

static void receive_deliveries(struct http_thread *thread)
{
    struct delivery *newest = atomic_exchange(&thread->deliveries, NULL), *oldest = NULL;
    while (newest) {
        struct delivery *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest) {
        struct delivery *delivery = oldest;
        oldest = delivery->next;
        if (delivery->resumed)
            MHD_resume_connection(delivery->resumed);
        else
            receive_arrival(thread, delivery->arrived);
    }
}

/* ---- Accepting ---- */

static struct http_thread *least_busy(struct http *http)
{
    static size_t next; /* of the accepting thread: among equals, take turns */
    struct http_thread *best = &http->threads[next++ % http->thread_count];
    for (size_t i = 0; i < http->thread_count; i++)
        if (atomic_load(&http->threads[i].connections) < atomic_load(&best->connections))
            best = &http->threads[i];
    return best;
}

enum acceptance { ACCEPTED, NOBODY_WAITS, NO_ROOM };

static enum acceptance accept_one(struct http *http)
{
    if (metrics_gauge_get(http->app->metrics, GAUGE_CONNECTIONS) >=
        http->app->config->max_connections)
        return NO_ROOM;
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);
    int fd =
        accept4(http->listener, (struct sockaddr *)&address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
        return ACCEPTED;
    if (fd < 0)
        return errno == EAGAIN ? NOBODY_WAITS : NO_ROOM;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    struct arrival *arrival = malloc(sizeof(*arrival));
    if (!arrival)
        abort();
    *arrival = (struct arrival){
        .delivery = {.arrived = arrival}, .fd = fd, .address = address, .length = length};
    struct http_thread *thread = least_busy(http);
    atomic_fetch_add(&thread->connections, 1);
    http_deliver(thread, &arrival->delivery);
    return ACCEPTED;
}

/* Whoever connected before the end is still served: the queue is emptied last. */
static void *accepting_main(void *argument)
{
    struct http *http = argument;
    struct pollfd waited[2] = {{.fd = http->stop_accepting, .events = POLLIN},
                               {.fd = http->listener, .events = POLLIN}};
    while (!waited[0].revents) {
        poll(waited, 2, WAIT_MS);
        if (!waited[1].revents)
            continue;
        enum acceptance outcome;
        while ((outcome = accept_one(http)) == ACCEPTED)
            ;
        /* Too many connections, or no descriptors: those that wait do so a little longer. */
        if (outcome == NO_ROOM)
            nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
    while (accept_one(http) == ACCEPTED)
        ;
    return NULL;
}

/* ---- HTTP threads ---- */

/* Headers that come in large portions make it read on without a call of ours. */
static bool has_more_to_read(const struct http_thread *thread)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;
    return MHD_get_timeout(thread->daemon, &timeout_ms) == MHD_YES && timeout_ms == 0;
}

static void run_while_busy(struct http_thread *thread)
{
    uint64_t before;
    do {
        before = thread->activity;
        receive_deliveries(thread);
        MHD_run_wait(thread->daemon, 0);
    } while (thread->activity != before || has_more_to_read(thread));
}

static void sleep_until_event(struct http_thread *thread, struct pollfd waited[2])
{
    atomic_store(&thread->sleeping, true);
    bool due = atomic_load(&thread->deliveries) || atomic_load(&thread->stop);
    poll(waited, 2, due ? 0 : WAIT_MS);
    atomic_store(&thread->sleeping, false);
    eventfd_t ignored;
    if (waited[0].revents)
        eventfd_read(thread->wake, &ignored);
}

static void *serving_main(void *argument)
{
    struct http_thread *thread = argument;
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(thread->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    struct pollfd waited[2] = {{.fd = thread->wake, .events = POLLIN},
                               {.fd = info->epoll_fd, .events = POLLIN}};
    while (!atomic_load(&thread->stop)) {
        run_while_busy(thread);
        sleep_until_event(thread, waited);
    }
    MHD_stop_daemon(thread->daemon);
    http_free_spare_requests();
    return NULL;
}

/*
 * The first thing known of a request: its request line is there. Libmicrohttpd, which is about to take it apart in
 * place, keeps each parameter in the connection's memory, and when that is full it forgets to answer (0.9.75). So
 * parameters beyond the limit are taken away, and the request is refused for them (check_head).
 */
static void *request_line(void *cls, const char *uri, struct MHD_Connection *connection)
{
    const struct http *http = cls;
    struct connection *watched = http_watched(connection);
    http_set_phase(watched, PHASE_HEADERS);
    size_t path_length = strcspn(uri, "?");
    size_t kept = path_length < sizeof(watched->path) ? path_length : sizeof(watched->path) - 1;
    memcpy(watched->path, uri, kept);
    watched->path[kept] = 0;
    const char *query = uri + path_length;
    size_t parameters = 0;
    for (const char *p = query; *p; p++)
        parameters += *p == '?' || *p == '&';
    watched->address_too_long =
        parameters > MAX_PARAMETERS || strlen(uri) > (size_t)http->app->config->header_limit;
    if (watched->address_too_long && *query)
        ((char *)(uintptr_t)query)[1] = 0;
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

static struct MHD_Daemon *start_daemon(struct http_thread *thread)
{
    struct http *http = thread->http;
    const struct config *config = http->app->config;
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO |
                     MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG;
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
    return MHD_start_daemon(
        flags, 0, NULL, NULL, http_handle, thread, MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)config->max_connections + 1,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)config->header_limit + CONNECTION_MEMORY,
        MHD_OPTION_NOTIFY_COMPLETED, http_request_completed, thread, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, thread, MHD_OPTION_URI_LOG_CALLBACK, request_line, http,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_ARRAY,
        http->tls_cert ? tls : none, MHD_OPTION_END);
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

struct http *http_open(struct app *app, struct str *ret_why)
{
    struct http *http = calloc(1, sizeof(*http));
    if (!http)
        abort();
    http_find_library();
    http->app = app;
    http->listener = -1;
    http->stop_accepting = eventfd(0, EFD_CLOEXEC);
    pthread_mutex_init(&http->connections_lock, NULL);
    if (!read_certificate(http, ret_why) || !take_address(http, ret_why))
        return http_free(http);
    return http;
}

static void start_thread(pthread_t *ret_id, const char *name, void *(*run)(void *), void *argument)
{
    if (pthread_create(ret_id, NULL, run, argument))
        abort();
    pthread_setname_np(*ret_id, name);
}

bool http_start(struct http *http, struct pipeline *pipeline, struct str *ret_why)
{
    http->pipeline = pipeline;
    http->thread_count = (size_t)http->app->config->http_threads;
    http->threads = calloc(http->thread_count, sizeof(struct http_thread));
    if (!http->threads)
        abort();
    for (size_t i = 0; i < http->thread_count; i++) {
        http->threads[i].http = http;
        http->threads[i].wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        http->threads[i].daemon = start_daemon(&http->threads[i]);
        if (!http->threads[i].daemon) {
            *ret_why = STR("libmicrohttpd does not start (is the certificate valid?)");
            return false;
        }
    }
    for (size_t i = 0; i < http->thread_count; i++)
        start_thread(&http->threads[i].id, "http", serving_main, &http->threads[i]);
    start_thread(&http->accepting, "accept", accepting_main, http);
    start_thread(&http->watch, "watch", watch_main, http);
    http->started = true;
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

static void stop_accepting(struct http *http)
{
    eventfd_write(http->stop_accepting, 1);
    pthread_join(http->accepting, NULL);
    close(http->listener);
    http->listener = -1;
}

static uint64_t ended_requests(const struct http *http)
{
    uint64_t ended = 0;
    for (size_t i = 0; i < http->thread_count; i++)
        ended += atomic_load_explicit(&http->threads[i].ended, memory_order_relaxed);
    return ended;
}

/*
 * A request that reached the kernel before its connection is closed still gets its answer: the wait ends when nothing
 * was in flight for a while. It also ends when nothing moves any more; but a long queue is worked off.
 */
static void wait_for_requests(const struct http *http, usec_t timeout)
{
    usec_t now = clock_monotonic(), moved = now, reported = now;
    uint64_t ended = ended_requests(http);
    for (int quiet = 0; quiet < 5 && now - moved < timeout; now = clock_monotonic()) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        quiet = in_flight(http) ? 0 : quiet + 1;
        uint64_t before = ended;
        ended = ended_requests(http);
        if (ended != before)
            moved = now;
        if (now - reported < DRAIN_REPORT)
            continue;
        reported = now;
        log_info("draining", LOG_INT("requests", in_flight(http)));
    }
}

bool http_drain(struct http *http, usec_t timeout)
{
    endpoint_set_draining();
    atomic_store(&http->draining, clock_monotonic());
    stop_accepting(http);
    wait_for_requests(http, timeout);
    int64_t left = in_flight(http);
    if (left)
        log_warn("requests were given up", LOG_INT("requests", left));
    atomic_store(&http->stop_watch, true);
    pthread_join(http->watch, NULL);
    if (left)
        return false;
    for (size_t i = 0; i < http->thread_count; i++) {
        atomic_store(&http->threads[i].stop, true);
        eventfd_write(http->threads[i].wake, 1);
        pthread_join(http->threads[i].id, NULL);
        http->threads[i].daemon = NULL;
    }
    http->started = false;
    return true;
}

struct http *http_free(struct http *http)
{
    if (!http)
        return NULL;
    assert(!http->started);
    for (size_t i = 0; i < http->thread_count; i++) {
        if (http->threads[i].daemon)
            MHD_stop_daemon(http->threads[i].daemon);
        close(http->threads[i].wake);
    }
    if (http->listener >= 0)
        close(http->listener);
    close(http->stop_accepting);
    pthread_mutex_destroy(&http->connections_lock);
    free(http->threads);
    free(http->tls_cert);
    free(http->tls_key);
    free(http);
    return NULL;
}
