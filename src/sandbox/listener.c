/* The simulated providers' HTTP side: one small server on an ephemeral port of loopback. */
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "sandbox/sandbox_internal.h"

#define BODY_LIMIT (1024 * 1024)
#define LOG_LIMIT 2000
/* How long a provider takes to answer. */
#define ANSWER_DELAY_MS 3
#define DRIP_INTERVAL_MS 500
#define DRIP_LIMIT 240
#define RETRY_AFTER_S "120"

struct upload {
    struct arena *arena;
    struct buf body;
    bool too_large;
};

static struct str header_of(void *connection, const char *name)
{
    return str_from(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name));
}

static struct str query_of(void *connection, const char *name)
{
    return str_from(MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name));
}

static struct simulator *find_by_path(struct sandbox *sandbox, struct str path)
{
    for (size_t i = 0; i < SIMULATOR_COUNT; i++) {
        struct str prefix = str_from(sandbox->simulators[i].simulation->prefix);
        if (str_starts(path, prefix) && path.len > prefix.len && path.ptr[prefix.len] == '/')
            return &sandbox->simulators[i];
    }
    return NULL;
}

static int answered_with(const struct sim_call *call)
{
    static const int statuses[] = {
        [SIM_GIVEN] = -1,        [SIM_LOST] = 0,        [SIM_GARBLED] = 200, [SIM_BROKEN] = 500,
        [SIM_UNAVAILABLE] = 503, [SIM_THROTTLED] = 429, [SIM_DRIPPED] = 0,
    };
    int status = statuses[call->outcome->answer];
    return status < 0 ? call->status : status;
}

/* The oldest are forgotten, not freed: the arena has no free, and 2000 are more than a test asks
 * for. */
static void log_request(struct sim_call *call, struct str body)
{
    struct simulator *simulator = call->simulator;
    if (simulator->log_count >= LOG_LIMIT)
        return;
    struct sim_logged *entry = ARENA_NEW(simulator->arena, struct sim_logged);
    *entry = (struct sim_logged){
        .number = ++simulator->log_count,
        .at = clock_now(),
        .method = sim_keep(simulator, call->method),
        .path = sim_keep(simulator, call->path),
        .operation = sim_keep(simulator, call->operation),
        .reference = sim_keep(simulator, call->reference),
        .body = sim_keep(simulator, body),
        .status = answered_with(call),
        .next = simulator->log,
    };
    simulator->log = entry;
}

static void answer(struct sim_call *call, struct str body)
{
    struct simulator *simulator = call->simulator;
    if (!simulator->simulation->authorised(call)) {
        simulator->simulation->refuse(call, 401, "Merchant authentication failed");
        return;
    }
    if (!str_empty(body) && json_parse(call->arena, body, &call->body) != OK) {
        simulator->simulation->refuse(call, 400, "malformed JSON");
        return;
    }
    pthread_mutex_lock(&simulator->lock);
    sim_answer_call(call);
    log_request(call, body);
    pthread_mutex_unlock(&simulator->lock);
    if (call->early)
        sim_send_callback(call->early);
    nanosleep(&(struct timespec){.tv_nsec = ANSWER_DELAY_MS * 1000000L}, NULL);
}

static enum MHD_Result send_response(struct MHD_Connection *connection, int status,
                                     struct MHD_Response *response)
{
    enum MHD_Result result = MHD_queue_response(connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return result;
}

static struct MHD_Response *text_response(struct str body, const char *type)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        body.len, (void *)(uintptr_t)body.ptr, MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, "Content-Type", type);
    return response;
}

static enum MHD_Result send_json(struct MHD_Connection *connection, int status, struct str body)
{
    return send_response(connection, status, text_response(body, "application/json"));
}

static enum MHD_Result send_page(struct MHD_Connection *connection, int status)
{
    return send_response(connection, status,
                         text_response(STR("<html><h1>Something went wrong</h1>"), "text/html"));
}

/* One blank at a time; who waits for the end has to give up. */
static ssize_t drip(void *context, uint64_t position, char *bytes, size_t room)
{
    (void)context;
    if (!room || position >= DRIP_LIMIT)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    nanosleep(&(struct timespec){.tv_nsec = DRIP_INTERVAL_MS * 1000000L}, NULL);
    bytes[0] = ' ';
    return 1;
}

static enum MHD_Result send_drips(struct MHD_Connection *connection)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 64, drip, NULL, NULL);
    MHD_add_response_header(response, "Content-Type", "application/json");
    return send_response(connection, 200, response);
}

static enum MHD_Result send_throttled(struct MHD_Connection *connection)
{
    struct MHD_Response *response =
        text_response(STR("{\"message\":\"Too many requests\"}"), "application/json");
    MHD_add_response_header(response, "Retry-After", RETRY_AFTER_S);
    return send_response(connection, 429, response);
}

static enum MHD_Result send_answer(struct MHD_Connection *connection, const struct sim_call *call)
{
    switch (call->outcome ? call->outcome->answer : SIM_GIVEN) {
    case SIM_GIVEN:
        break;
    case SIM_LOST:
        /* Closing without an answer is what a lost one looks like from outside. */
        return MHD_NO;
    case SIM_GARBLED:
        return send_page(connection, 200);
    case SIM_BROKEN:
        return send_page(connection, 500);
    case SIM_UNAVAILABLE:
        return send_json(connection, 503, STR("{\"message\":\"Service unavailable\"}"));
    case SIM_THROTTLED:
        return send_throttled(connection);
    case SIM_DRIPPED:
        return send_drips(connection);
    }
    return send_json(connection, call->status, call->answer);
}

static enum MHD_Result serve(struct sandbox *sandbox, struct MHD_Connection *connection,
                             const char *url, const char *method, struct upload *upload)
{
    struct str path = str_from(url);
    struct simulator *simulator = find_by_path(sandbox, path);
    if (!simulator || upload->too_large)
        return send_json(connection, simulator ? 413 : 404, STR("{\"message\":\"Not found\"}"));
    size_t prefix = strlen(simulator->simulation->prefix);
    struct sim_call call = {
        .simulator = simulator,
        .arena = upload->arena,
        .method = str_from(method),
        .path = (struct str){path.ptr + prefix, path.len - prefix},
        .header = header_of,
        .query = query_of,
        .context = connection,
        .status = 500,
        .answer = STR("{}"),
    };
    answer(&call, buf_str(&upload->body));
    return send_answer(connection, &call);
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *data_size, void **state)
{
    (void)version;
    struct upload *upload = *state;
    if (!upload) {
        struct arena *arena = arena_new(0);
        upload = ARENA_NEW(arena, struct upload);
        upload->arena = arena;
        upload->body = buf_new(arena, 1024);
        *state = upload;
        return MHD_YES;
    }
    if (*data_size) {
        if (upload->body.len + *data_size > BODY_LIMIT)
            upload->too_large = true;
        else
            buf_add(&upload->body, data, *data_size);
        *data_size = 0;
        return MHD_YES;
    }
    return serve(context, connection, url, method, upload);
}

static void completed(void *context, struct MHD_Connection *connection, void **state,
                      enum MHD_RequestTerminationCode code)
{
    (void)context;
    (void)connection;
    (void)code;
    struct upload *upload = *state;
    if (upload)
        arena_free(upload->arena);
    *state = NULL;
}

/* A port that stays ours, so that a connection to it is refused for certain. */
static int reserve_port(struct sockaddr_in address, unsigned *ret_port)
{
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        return ERR_UNAVAILABLE;
    *ret_port = ntohs(address.sin_port);
    return OK;
}

int simulators_listen(struct sandbox *sandbox)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    TRY(reserve_port(address, &sandbox->closed_port));
    sandbox->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL, 0, NULL,
        NULL, handle, sandbox, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address,
        MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_CONNECTION_TIMEOUT, 60u,
        MHD_OPTION_THREAD_STACK_SIZE, (size_t)(256 * 1024), MHD_OPTION_END);
    if (!sandbox->daemon)
        return ERR_UNAVAILABLE;
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(sandbox->daemon, MHD_DAEMON_INFO_BIND_PORT);
    sandbox->port = info->port;
    return OK;
}
