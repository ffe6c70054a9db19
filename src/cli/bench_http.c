/*
 * cambist bench http: a load generator for a running sandbox. Keep-alive connections on one thread
 * with epoll, each with one request on its way; latency in a log-linear histogram. What it measures
 * it also checks: every answer that is not 2xx is counted as refused.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json.h"
#include "cli/bench.h"
#include "cli/database.h"
#include "core/identity/sandbox_credentials.h"

#define MAX_CONNECTIONS 4096
#define SEND_SIZE ((size_t)512 * 1024)
#define RECEIVE_SIZE ((size_t)64 * 1024)

/* 64 steps for each power of two: 1.5 % resolution. */
#define HISTOGRAM_STEPS 64
#define HISTOGRAM_SIZE (HISTOGRAM_STEPS * 32)

struct bench {
    struct arena *arena;
    struct str url, host, port;
    const char *operation;
    size_t connections, accounts, batch;
    int64_t seconds;
    bool keys;
    struct str api_key, admin_key, user_id, org_id, fincode_token;
    struct str *account_ids, *account_numbers;
    uint64_t random;
    uint64_t serial;
};

enum bench_operation { BENCH_HEALTHZ, BENCH_ACCOUNT, BENCH_TRANSFER, BENCH_POST_ACCOUNT };

struct link {
    int fd;
    usec_t begun;
    char *out;
    size_t out_length, out_sent;
    char *in;
    size_t in_length;
    size_t expected; /* bytes of the whole response; 0: the head is not complete */
};

/* Of the server: what its metrics say. */
struct counts {
    double round_trips, statements, commits;
};

struct outcome {
    uint64_t done, refused, lost;
    struct counts counts; /* while it ran */
    usec_t elapsed;
    uint32_t histogram[HISTOGRAM_SIZE];
    char refusal[512];
};

/* ---- Histogram ---- */

static size_t histogram_index(usec_t latency)
{
    uint64_t value = (uint64_t)latency;
    if (value < HISTOGRAM_STEPS)
        return (size_t)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - 6u;
    size_t index = (size_t)((shift + 1) * HISTOGRAM_STEPS + ((value >> shift) - HISTOGRAM_STEPS));
    return index < HISTOGRAM_SIZE ? index : HISTOGRAM_SIZE - 1;
}

static usec_t histogram_value(size_t index)
{
    size_t step = index / HISTOGRAM_STEPS;
    if (step == 0)
        return (usec_t)index;
    return (usec_t)((index % HISTOGRAM_STEPS + HISTOGRAM_STEPS) << (step - 1));
}

static double percentile_ms(const struct outcome *outcome, double fraction)
{
    uint64_t total = 0, seen = 0;
    for (size_t i = 0; i < HISTOGRAM_SIZE; i++)
        total += outcome->histogram[i];
    for (size_t i = 0; i < HISTOGRAM_SIZE; i++) {
        seen += outcome->histogram[i];
        if (seen && (double)seen >= fraction * (double)total)
            return (double)histogram_value(i) / 1000.0;
    }
    return 0;
}

/* ---- Set-up, over HTTP like everyone ---- */

struct answer {
    struct arena *arena;
    struct buf body;
    long status;
};

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    buf_add(&((struct answer *)context)->body, bytes, size * count);
    return size * count;
}

static const struct json *ask(struct bench *bench, const char *method, const char *path,
                              const char *const *headers, struct str body)
{
    struct answer answer = {.arena = bench->arena, .body = buf_new(bench->arena, 1024)};
    CURL *curl = curl_easy_init();
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
    for (; *headers; headers++)
        list = curl_slist_append(list, *headers);
    struct str url = arena_printf(bench->arena, "%.*s%s", STR_FMT(bench->url), path);
    curl_easy_setopt(curl, CURLOPT_URL, url.ptr);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    if (str_present(body)) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body.len);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.ptr);
    }
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
    curl_slist_free_all(list);
    curl_easy_cleanup(curl);
    const struct json *json = NULL;
    if (code || answer.status >= 300 || json_parse(bench->arena, buf_str(&answer.body), &json)) {
        fprintf(stderr, "cambist bench: %s %s: %s, status %ld, %.*s\n", method, path,
                curl_easy_strerror(code), answer.status, STR_FMT(buf_str(&answer.body)));
        return NULL;
    }
    return json;
}

static double metric_in(struct str text, const char *name)
{
    char line[96];
    snprintf(line, sizeof(line), "\n%s ", name);
    const char *found = memmem(text.ptr, text.len, line, strlen(line));
    return found ? strtod(found + strlen(line), NULL) : 0;
}

static struct counts read_counts(struct bench *bench)
{
    struct answer answer = {.arena = bench->arena, .body = buf_new(bench->arena, 64 * 1024)};
    struct str url = arena_printf(bench->arena, "%.*s/metrics", STR_FMT(bench->url));
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_URL, url.ptr);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    curl_easy_perform(curl);
    curl_easy_cleanup(curl);
    buf_add_char(&answer.body, 0);
    struct str text = buf_str(&answer.body);
    return (struct counts){
        .round_trips = metric_in(text, "cambist_store_write_round_trips_total") +
                       metric_in(text, "cambist_store_read_round_trips_total"),
        .statements = metric_in(text, "cambist_store_statements_total"),
        .commits = metric_in(text, "cambist_commits_total"),
    };
}

static struct str pcx_headers(struct bench *bench, struct str key)
{
    return arena_printf(bench->arena, "X-Api-Key: %.*s", STR_FMT(key));
}

static bool open_account(struct bench *bench, size_t index)
{
    struct str key = pcx_headers(bench, bench->api_key);
    struct str admin = pcx_headers(bench, bench->admin_key);
    const char *const user_headers[] = {key.ptr, "Authorization: NONE", NULL};
    const char *const admin_headers[] = {admin.ptr, "Authorization: NONE", NULL};
    struct str body = arena_printf(
        bench->arena, "{\"org_id\":\"%.*s\",\"user_id\":\"%.*s\",\"currency\":\"NGN\"}",
        STR_FMT(bench->org_id), STR_FMT(bench->user_id));
    const struct json *made =
        ask(bench, "POST", "/v1/virtual-accounts/currency", user_headers, body);
    if (!made)
        return false;
    bench->account_ids[index] = json_string(json_get(made, "data.account_id"));
    bench->account_numbers[index] = json_string(json_get(made, "data.account_number"));
    struct str path = arena_printf(bench->arena, "/platform/v1/accounts/%.*s/deposits",
                                   STR_FMT(bench->account_ids[index]));
    body = arena_printf(bench->arena,
                        "{\"amount\":1000000,\"currency\":\"NGN\",\"reference\":\"bench-%.*s\"}",
                        STR_FMT(bench->account_ids[index]));
    return ask(bench, "POST", path.ptr, admin_headers, body) != NULL;
}

static bool log_in_fincode(struct bench *bench, const struct json *credentials)
{
    struct str body =
        arena_printf(bench->arena, "{\"email\":\"%.*s\",\"currentPassword\":\"%.*s\"}",
                     STR_FMT(json_string(json_get(credentials, "fincode.admin.email"))),
                     STR_FMT(json_string(json_get(credentials, "fincode.admin.password"))));
    const char *const headers[] = {"platform: fincode", "uuid: 200", NULL};
    const struct json *session =
        ask(bench, "PUT", "/api/v6/services/securitymanagement/login", headers, body);
    bench->fincode_token = json_string(json_get(session, "access_token"));
    if (!str_present(bench->fincode_token))
        bench->fincode_token = json_string(json_get(session, "data.access_token"));
    return str_present(bench->fincode_token);
}

static bool read_credentials(struct bench *bench, struct str document,
                             const struct json **ret_credentials)
{
    if (json_parse(bench->arena, document, ret_credentials))
        return false;
    const struct json *credentials = *ret_credentials;
    bench->api_key = json_string(json_get(credentials, "pcx.org_admin.api_key"));
    bench->admin_key = json_string(json_get(credentials, "pcx.internal_admin.api_key"));
    bench->user_id = json_string(json_get(credentials, "pcx.org_admin.user_id"));
    bench->org_id = json_string(json_get(credentials, "pcx.org_admin.org_id"));
    if (!bench->url.len)
        bench->url = json_string(json_get(credentials, "base_url"));
    return str_present(bench->api_key) && str_present(bench->url);
}

/* ---- Requests ---- */

static uint64_t next_random(struct bench *bench)
{
    /* xorshift64* */
    bench->random ^= bench->random >> 12;
    bench->random ^= bench->random << 25;
    bench->random ^= bench->random >> 27;
    return bench->random * UINT64_C(0x2545F4914F6CDD1D);
}

static void pick_two(struct bench *bench, size_t *ret_from, size_t *ret_to)
{
    *ret_from = next_random(bench) % bench->accounts;
    *ret_to = (*ret_from + 1 + next_random(bench) % (bench->accounts - 1)) % bench->accounts;
}

static size_t write_posting(struct bench *bench, char *out, size_t room, bool first)
{
    size_t from, to;
    pick_two(bench, &from, &to);
    return (size_t)snprintf(
        out, room,
        "%s{\"primaryAccountNumber\":\"%.*s\",\"currencyCode\":\"NGN\","
        "\"creditDebitInstructionDirection\":\"DEBIT_PRIMARY_ACCOUNT_CREDIT_COUNTERPARTY_ACCOUNT\","
        "\"counterParties\":[{\"accountNumber\":\"%.*s\",\"currencyCode\":\"NGN\",\"amount\":0.01,"
        "\"narration\":\"bench\"}],\"instructionIdempotencykey\":\"bench-%llx-%llx\"}",
        first ? "" : ",", STR_FMT(bench->account_numbers[from]),
        STR_FMT(bench->account_numbers[to]), (unsigned long long)next_random(bench),
        (unsigned long long)++bench->serial);
}

static size_t write_body(struct bench *bench, enum bench_operation operation, char *out,
                         size_t room)
{
    if (operation == BENCH_TRANSFER) {
        size_t from, to;
        pick_two(bench, &from, &to);
        return (size_t)snprintf(out, room,
                                "{\"from_account_id\":\"%.*s\",\"to_account_id\":\"%.*s\","
                                "\"amount\":0.01,\"user_id\":\"%.*s\"}",
                                STR_FMT(bench->account_ids[from]), STR_FMT(bench->account_ids[to]),
                                STR_FMT(bench->user_id));
    }
    size_t length = 0;
    out[length++] = '[';
    for (size_t i = 0; i < bench->batch; i++)
        length += write_posting(bench, out + length, room - length, i == 0);
    out[length++] = ']';
    return length;
}

static void write_head(struct bench *bench, enum bench_operation operation, struct buf *head)
{
    struct str host = bench->host;
    struct str account =
        bench->accounts ? bench->account_ids[next_random(bench) % bench->accounts] : STR_NONE;
    switch (operation) {
    case BENCH_HEALTHZ:
        buf_printf(head, "GET /healthz HTTP/1.1\r\nHost: %.*s\r\n", STR_FMT(host));
        return;
    case BENCH_ACCOUNT:
        buf_printf(head,
                   "GET /v1/virtual-accounts/admin/accounts/%.*s HTTP/1.1\r\nHost: %.*s\r\n"
                   "X-Api-Key: %.*s\r\nAuthorization: NONE\r\n",
                   STR_FMT(account), STR_FMT(host), STR_FMT(bench->admin_key));
        return;
    case BENCH_TRANSFER:
        buf_printf(head,
                   "POST /v1/virtual-accounts/transfer HTTP/1.1\r\nHost: %.*s\r\n"
                   "X-Api-Key: %.*s\r\nAuthorization: NONE\r\nContent-Type: application/json\r\n",
                   STR_FMT(host), STR_FMT(bench->api_key));
        if (bench->keys)
            buf_printf(head, "Idempotency-Key: bench-%llx-%llx\r\n",
                       (unsigned long long)next_random(bench), (unsigned long long)++bench->serial);
        return;
    case BENCH_POST_ACCOUNT:
        buf_printf(head,
                   "POST /api/v6/services/gateway/post-account HTTP/1.1\r\nHost: %.*s\r\n"
                   "X-Auth-Token: %.*s\r\nplatform: fincode\r\nuuid: 200\r\n"
                   "Content-Type: application/json\r\n",
                   STR_FMT(host), STR_FMT(bench->fincode_token));
        return;
    }
}

static void write_request(struct bench *bench, enum bench_operation operation,
                          struct arena *scratch, char *body, struct link *link)
{
    arena_reset(scratch);
    struct buf head = buf_new(scratch, 4096);
    write_head(bench, operation, &head);
    size_t length = 0;
    if (operation >= BENCH_TRANSFER) {
        length = write_body(bench, operation, body, SEND_SIZE - 8192);
        buf_printf(&head, "Content-Length: %zu\r\n", length);
    }
    buf_add_cstr(&head, "\r\n");
    memcpy(link->out, head.ptr, head.len);
    memcpy(link->out + head.len, body, length);
    link->out_length = head.len + length;
    link->out_sent = 0;
    link->in_length = 0;
    link->expected = 0;
    link->begun = clock_monotonic();
}

/* ---- Connections ---- */

static int connect_to(struct bench *bench)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (getaddrinfo(arena_cstr(bench->arena, bench->host), arena_cstr(bench->arena, bench->port),
                    &hints, &found))
        return -1;
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen)) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    int on = 1;
    if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

/* What is not sent at once is sent when the socket takes it. False: the connection is gone. */
static bool send_more(int epoll, struct link *link)
{
    while (link->out_sent < link->out_length) {
        ssize_t sent = send(link->fd, link->out + link->out_sent, link->out_length - link->out_sent,
                            MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return false;
        if (sent < 0) {
            struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = link};
            epoll_ctl(epoll, EPOLL_CTL_MOD, link->fd, &event);
            return true;
        }
        link->out_sent += (size_t)sent;
    }
    return true;
}

static void read_head(struct link *link)
{
    link->in[link->in_length] = 0;
    char *end = strstr(link->in, "\r\n\r\n");
    if (!end)
        return;
    size_t body = 0;
    char *length = strcasestr(link->in, "\r\nContent-Length:");
    if (length && length < end)
        body = strtoul(length + 17, NULL, 10);
    link->expected = (size_t)(end - link->in) + 4 + body;
}

/* 1: the response is complete, 0: not yet, -1: the connection is gone. */
static int receive_more(struct link *link)
{
    /* Of a body larger than the buffer only the end matters. */
    size_t offset = link->in_length < RECEIVE_SIZE - 1 ? link->in_length : RECEIVE_SIZE / 2;
    ssize_t got = recv(link->fd, link->in + offset, RECEIVE_SIZE - 1 - offset, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN))
        return -1;
    if (got < 0)
        return 0;
    link->in_length += (size_t)got;
    if (!link->expected && link->in_length < RECEIVE_SIZE)
        read_head(link);
    return link->expected && link->in_length >= link->expected;
}

static void count_response(const struct link *link, struct outcome *outcome)
{
    outcome->done++;
    outcome->histogram[histogram_index(clock_monotonic() - link->begun)]++;
    if (link->in[9] == '2')
        return;
    if (!outcome->refused)
        snprintf(outcome->refusal, sizeof(outcome->refusal), "%s", link->in);
    outcome->refused++;
}

static bool open_links(struct bench *bench, int epoll, struct link *links)
{
    for (size_t i = 0; i < bench->connections; i++) {
        links[i].fd = connect_to(bench);
        if (links[i].fd < 0) {
            fprintf(stderr, "cambist bench: cannot connect: %s\n", strerror(errno));
            return false;
        }
        links[i].out = malloc(SEND_SIZE);
        links[i].in = malloc(RECEIVE_SIZE);
        if (!links[i].out || !links[i].in)
            abort();
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &links[i]};
        epoll_ctl(epoll, EPOLL_CTL_ADD, links[i].fd, &event);
    }
    return true;
}

static void serve_link(struct bench *bench, enum bench_operation operation, struct arena *scratch,
                       char *body, int epoll, struct link *link, struct outcome *outcome)
{
    if (link->out_sent < link->out_length) {
        send_more(epoll, link);
        if (link->out_sent == link->out_length) {
            struct epoll_event event = {.events = EPOLLIN, .data.ptr = link};
            epoll_ctl(epoll, EPOLL_CTL_MOD, link->fd, &event);
        }
    }
    int complete = receive_more(link);
    if (complete == 0)
        return;
    if (complete > 0) {
        count_response(link, outcome);
    } else {
        outcome->lost++;
        epoll_ctl(epoll, EPOLL_CTL_DEL, link->fd, NULL);
        close(link->fd);
        link->fd = connect_to(bench);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = link};
        epoll_ctl(epoll, EPOLL_CTL_ADD, link->fd, &event);
    }
    write_request(bench, operation, scratch, body, link);
    send_more(epoll, link);
}

static bool run_operation(struct bench *bench, enum bench_operation operation,
                          struct outcome *outcome)
{
    static struct link links[MAX_CONNECTIONS];
    memset(links, 0, sizeof(links));
    struct arena *scratch ARENA_SCOPED = arena_new(1 << 20);
    char *body = malloc(SEND_SIZE);
    if (!body)
        abort();
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    bool good = open_links(bench, epoll, links);
    usec_t start = clock_monotonic();
    usec_t end = start + bench->seconds * USEC_PER_SEC;
    for (size_t i = 0; i < bench->connections && good; i++) {
        write_request(bench, operation, scratch, body, &links[i]);
        send_more(epoll, &links[i]);
    }
    while (good && clock_monotonic() < end) {
        struct epoll_event events[256];
        int count = epoll_wait(epoll, events, 256, 100);
        for (int i = 0; i < count; i++)
            serve_link(bench, operation, scratch, body, epoll, events[i].data.ptr, outcome);
    }
    outcome->elapsed = clock_monotonic() - start;
    for (size_t i = 0; i < bench->connections; i++) {
        if (links[i].fd > 0)
            close(links[i].fd);
        free(links[i].out);
        free(links[i].in);
    }
    close(epoll);
    free(body);
    return good;
}

/* ---- Command line ---- */

static const struct {
    const char *name;
    enum bench_operation operation;
} operations[] = {
    {"healthz", BENCH_HEALTHZ},
    {"account", BENCH_ACCOUNT},
    {"transfer", BENCH_TRANSFER},
    {"post-account", BENCH_POST_ACCOUNT},
};

static bool take_number(const char *text, int64_t minimum, int64_t maximum, int64_t *ret_number)
{
    return str_to_i64(str_from(text), ret_number) && *ret_number >= minimum &&
           *ret_number <= maximum;
}

/* Takes its own options out of argv, leaves the settings. 0 or an exit code. */
static int take_options(struct bench *bench, int *argc, char **argv)
{
    int kept = 1;
    for (int i = 1; i < *argc; i++) {
        const char *name = argv[i], *value = i + 1 < *argc ? argv[i + 1] : "";
        int64_t number = 0;
        if (strcmp(name, "--keys") == 0) {
            bench->keys = true;
            continue;
        }
        bool good = true;
        if (strcmp(name, "--url") == 0)
            bench->url = str_from(value);
        else if (strcmp(name, "--operation") == 0)
            bench->operation = value;
        else if (strcmp(name, "--connections") == 0 &&
                 (good = take_number(value, 1, MAX_CONNECTIONS, &number)))
            bench->connections = (size_t)number;
        else if (strcmp(name, "--duration") == 0 && (good = take_number(value, 1, 3600, &number)))
            bench->seconds = number;
        else if (strcmp(name, "--accounts") == 0 && (good = take_number(value, 2, 100000, &number)))
            bench->accounts = (size_t)number;
        else if (strcmp(name, "--batch") == 0 && (good = take_number(value, 1, 1000, &number)))
            bench->batch = (size_t)number;
        else if (good) {
            argv[kept++] = argv[i];
            continue;
        }
        if (!good) {
            fprintf(stderr, "cambist bench: %s %s is out of range\n", name, value);
            return 2;
        }
        i++;
    }
    *argc = kept;
    return 0;
}

static bool split_url(struct bench *bench)
{
    struct str url = bench->url;
    if (!str_starts(url, STR("http://")))
        return false;
    struct str rest = {url.ptr + 7, url.len - 7};
    struct str host = str_cut(&rest, '/');
    bench->host = str_cut(&host, ':');
    bench->port = str_or(host, STR("80"));
    return bench->host.len > 0;
}

static void print_outcome(const char *name, const struct bench *bench,
                          const struct outcome *outcome, double healthz)
{
    double rate = (double)outcome->done * 1e6 / (double)outcome->elapsed;
    printf("| %-12s | %10.0f | %8.2f | %8.2f |", name, rate, percentile_ms(outcome, 0.5),
           percentile_ms(outcome, 0.99));
    if (healthz > 0)
        printf(" %10.2f |", rate / healthz);
    else
        printf("          - |");
    printf(" %7llu | %5llu |", (unsigned long long)outcome->refused,
           (unsigned long long)outcome->lost);
    double done = outcome->done ? (double)outcome->done : 1;
    if (outcome->counts.commits > 0)
        printf(" %.0f calls a commit", done / outcome->counts.commits);
    if (outcome->counts.statements > 0)
        printf(" %.2f round trips, %.2f statements a call", outcome->counts.round_trips / done,
               outcome->counts.statements / done);
    if (strcmp(name, "post-account") == 0)
        printf(" %.0f postings/s", rate * (double)bench->batch);
    printf("\n");
    if (outcome->refused)
        fprintf(stderr, "first refusal: %s\n", outcome->refusal);
    fflush(stdout);
}

static bool prepare(struct bench *bench, const struct json *credentials, bool all)
{
    bool only_healthz = strcmp(bench->operation, "healthz") == 0;
    bench->account_ids = ARENA_ARRAY(bench->arena, struct str, bench->accounts);
    bench->account_numbers = ARENA_ARRAY(bench->arena, struct str, bench->accounts);
    if (only_healthz)
        return true;
    for (size_t i = 0; i < bench->accounts; i++)
        if (!open_account(bench, i))
            return false;
    if (all || strcmp(bench->operation, "post-account") == 0)
        return log_in_fincode(bench, credentials);
    return true;
}

static int run(struct bench *bench, struct str document)
{
    bool all = strcmp(bench->operation, "all") == 0;
    const struct json *credentials;
    if (!read_credentials(bench, document, &credentials) || !split_url(bench)) {
        fprintf(stderr, "cambist bench: no sandbox credentials, or no http:// URL\n");
        return 1;
    }
    if (!prepare(bench, credentials, all))
        return 1;
    printf("%zu connections, %lld s each\n\n", bench->connections, (long long)bench->seconds);
    printf("| operation    | per second |   p50 ms |   p99 ms | of healthz | refused |  lost |\n"
           "|---|---|---|---|---|---|---|\n");
    double healthz = 0;
    bool known = false;
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
        /* /healthz always runs: the other figures are read as a share of it. */
        bool wanted = all || strcmp(bench->operation, operations[i].name) == 0;
        known = known || wanted;
        if (!wanted && i != 0)
            continue;
        struct outcome *outcome = calloc(1, sizeof(*outcome));
        if (!outcome)
            abort();
        const struct counts before = read_counts(bench);
        if (!run_operation(bench, operations[i].operation, outcome)) {
            free(outcome);
            return 1;
        }
        const struct counts after = read_counts(bench);
        outcome->counts = (struct counts){
            .round_trips = after.round_trips - before.round_trips,
            .statements = after.statements - before.statements,
            .commits = after.commits - before.commits,
        };
        print_outcome(operations[i].name, bench, outcome, healthz);
        if (i == 0)
            healthz = (double)outcome->done * 1e6 / (double)outcome->elapsed;
        free(outcome);
    }
    if (!known)
        fprintf(stderr, "cambist bench: there is no operation '%s'\n", bench->operation);
    return known ? 0 : 2;
}

static const char help[] =
    "usage: cambist bench http [options]     against a running `cambist serve --sandbox`\n\n"
    "  --operation NAME     healthz, account, transfer, post-account, or all [all]\n"
    "  --connections N      keep-alive connections, one request on its way on each [256]\n"
    "  --duration SECONDS   of each operation [10]\n"
    "  --accounts N         accounts to open, fund and use [200]\n"
    "  --batch N            postings in one post-account request [1000]\n"
    "  --keys               an Idempotency-Key on every transfer\n"
    "  --url URL            of the server [what its credentials say]\n";

int bench_http(int argc, char **argv)
{
    struct arena *arena ARENA_SCOPED = arena_new((size_t)256 << 20);
    struct bench bench = {
        .arena = arena,
        .operation = "all",
        .connections = 256,
        .accounts = 200,
        .batch = 1000,
        .seconds = 10,
        .random = (uint64_t)clock_now() | 1,
    };
    int code = take_options(&bench, &argc, argv);
    if (code)
        return code;
    struct config config;
    struct store *store;
    code = database_open(arena, argc, argv, help, true, &config, &store);
    if (code)
        return code;
    struct sql *sql = store_acquire(store, false);
    struct str document = STR_NONE;
    int error = sandbox_credentials_print(sql, arena, &document);
    store_release(store, sql);
    store_close(store);
    if (error) {
        fprintf(stderr, "cambist bench: %s\n", error_message(error));
        return 1;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    code = run(&bench, document);
    curl_global_cleanup();
    return code;
}
