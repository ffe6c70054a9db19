/*
 * `cambist serve`: opens everything in order, waits for a signal, closes it in the opposite order.
 * Requests that were accepted are answered, what was queued for the writer is committed.
 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config.h"
#include "base/log.h"
#include "base/metrics.h"
#include "core/identity/identity.h"
#include "core/outbox.h"
#include "core/provider/providers.h"
#include "dialect/dialect.h"
#include "sandbox/sandbox.h"
#include "server/http.h"
#include "server/upkeep.h"
#include "store/sql.h"

/* With PostgreSQL a thread that reads waits for the database most of the time. */
#define HTTP_THREADS_SQLITE 2
#define HTTP_THREADS_POSTGRESQL 8

struct server {
    struct arena *arena;
    struct config config;
    struct app app;
    struct pipeline *pipeline;
    struct http *http;
    struct str why;
};

static void operation_name(size_t index, const char **ret_name, const char **ret_dialect)
{
    *ret_name = routes[index].operation_id;
    *ret_dialect = dialects[routes[index].dialect]->name;
}

/* ---- Start ---- */

static bool make_directory(struct server *server)
{
    const char *path = arena_cstr(server->arena, server->config.data);
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return true;
    server->why = arena_printf(server->arena, "%s: %s", path, strerror(errno));
    return false;
}

static struct str in_data(struct server *server, const char *name)
{
    return arena_printf(server->arena, "%.*s/%s", STR_FMT(server->config.data), name);
}

static bool open_store(struct server *server)
{
    struct config *config = &server->config;
    if (!config->database.len)
        config->database = in_data(server, "cambist.db");
    if (!config->key_file.len && !getenv("CAMBIST_KEY"))
        config->key_file = in_data(server, "master.key");
    struct store_options options = {
        .database = config->database,
        .key_file = config->key_file.len ? config->key_file : STR_NONE,
        .create_key = config->sandbox,
        .connections =
            (unsigned)(config->http_threads + config->worker_threads + config->writer_threads + 4),
    };
    return store_open(&options, &server->app.store, &server->why) == OK;
}

static struct str default_base_url(struct server *server)
{
    struct str address = server->config.listen;
    size_t colon = address.len;
    while (colon && address.ptr[colon - 1] != ':')
        colon--;
    struct str host = {address.ptr, colon ? colon - 1 : 0};
    if (!host.len || str_is(host, "0.0.0.0") || str_is(host, "[::]"))
        host = STR("127.0.0.1");
    return arena_printf(server->arena, "%s://%.*s:%u",
                        server->config.tls_cert.len ? "https" : "http", STR_FMT(host),
                        http_port(server->http));
}

static bool start_modules(struct server *server)
{
    struct app *app = &server->app;
    app->metrics = metrics_new(route_count, operation_name);
    store_set_metrics(app->store, app->metrics);
    app->writer = writer_start(app);
    app->workers = workers_start(app);
    if (identity_start(app) || providers_start(app)) {
        server->why = STR("the services do not start; the log says why");
        return false;
    }
    /* Before the outbox: what waits there is for the simulated providers. */
    if (server->config.sandbox && sandbox_start(app, &server->why))
        return false;
    if (server->config.sandbox && identity_seed_sandbox(app)) {
        server->why = STR("the sandbox cannot be seeded; the log says why");
        return false;
    }
    if (outbox_start(app)) {
        server->why = STR("the outbox does not start; the log says why");
        return false;
    }
    upkeep_start(app);
    return true;
}

static bool start(struct server *server)
{
    struct app *app = &server->app;
    app->config = &server->config;
    id_set_node((unsigned)server->config.node);
    if (server->config.sandbox && !server->config.cors_origins.len)
        server->config.cors_origins = STR("*");
    if (!log_set_level(server->config.log_level)) {
        server->why = STR("log_level must be debug, info, warn or error");
        return false;
    }
    if (!make_directory(server))
        return false;
    if (!server->config.http_threads)
        server->config.http_threads = str_starts(server->config.database, STR("postgres"))
                                          ? HTTP_THREADS_POSTGRESQL
                                          : HTTP_THREADS_SQLITE;
    server->http = http_open(app, &server->why);
    if (!server->http)
        return false;
    app->base_url =
        server->config.base_url.len ? server->config.base_url : default_base_url(server);
    if (!open_store(server) || !start_modules(server))
        return false;
    server->pipeline = pipeline_new(app);
    return http_start(server->http, server->pipeline, &server->why);
}

static void print_ready(const struct server *server)
{
    struct str url = server->app.base_url;
    printf("Cambist %s is ready at %.*s\n"
           "  PCX          %.*s/v1\n"
           "  VaultsPay    %.*s\n"
           "  FinCode      %.*s/api/v6/services\n"
           "  platform     %.*s/platform/v1\n"
           "  reference    %.*s/docs\n",
           CAMBIST_VERSION, STR_FMT(url), STR_FMT(url), STR_FMT(url), STR_FMT(url), STR_FMT(url),
           STR_FMT(url));
    if (server->config.sandbox)
        /* The URL may hold a password: it is not repeated. */
        printf("  credentials  cambist credentials --data %.*s%s\n", STR_FMT(server->config.data),
               str_starts(server->config.database, STR("postgresql")) ? " --database URL" : "");
    fflush(stdout);
}

/* ---- Stop ---- */

static void stop(struct server *server)
{
    struct app *app = &server->app;
    if (server->config.sandbox && app->sandbox)
        sandbox_stop(app);
    app->workers = workers_stop(app->workers);
    app->writer = writer_stop(app->writer);
    http_free(server->http);
    pipeline_free(server->pipeline);
    identity_stop(app);
    if (app->store) {
        work_release_connections(app);
        app->store = store_close(app->store);
    }
    app->metrics = metrics_free(app->metrics);
}

static int wait_and_drain(struct server *server, const sigset_t *signals)
{
    int number = 0;
    while (sigwait(signals, &number))
        ;
    log_info("draining", LOG_CSTR("signal", number == SIGINT ? "SIGINT" : "SIGTERM"));
    if (http_drain(server->http, server->config.drain_timeout_s * USEC_PER_SEC)) {
        stop(server);
        log_info("stopped");
        return EXIT_SUCCESS;
    }
    /* Threads hang in requests: what is committed is safe, the rest was never acknowledged. */
    _exit(EXIT_FAILURE);
}

static void print_help(void)
{
    printf("usage: cambist serve [options]\n\n");
    config_print_help(stdout, NULL);
}

static int run(struct server *server, const sigset_t *signals)
{
    usec_t begun = clock_monotonic();
    if (!start(server)) {
        fprintf(stderr, "cambist serve: %.*s\n", STR_FMT(server->why));
        stop(server);
        return EXIT_FAILURE;
    }
    log_info("ready", LOG_STR("url", server->app.base_url),
             LOG_INT("start_ms", (clock_monotonic() - begun) / USEC_PER_MSEC));
    print_ready(server);
    return wait_and_drain(server, signals);
}

int cli_serve(int argc, char **argv);

int cli_serve(int argc, char **argv)
{
    static struct server server;
    server.arena = arena_new(1 << 20);
    enum config_result result = config_load(server.arena, argc, argv, &server.config, &server.why);
    if (result == CONFIG_HELP) {
        print_help();
        return EXIT_SUCCESS;
    }
    if (result == CONFIG_BAD) {
        fprintf(stderr, "cambist serve: %.*s\n", STR_FMT(server.why));
        return 2;
    }
    /* The data directory holds keys and people's money: for its owner only. */
    umask(077);
    /* Each thread would get a heap of its own; most allocation is in arenas anyway. */
    mallopt(M_ARENA_MAX, 2);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    return run(&server, &signals);
}
