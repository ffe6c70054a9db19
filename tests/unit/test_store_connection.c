/*
 * PostgreSQL's connection breaks at the Nth message, for N = 1, 2, ... until a run meets no break.
 * A writer that follows sql.h (run again on ERR_STORE_RETRY and ERR_STORE_LOST) must find every
 * batch exactly once.
 *
 * Between the store and the server stands a proxy that counts what the client sends. The message it
 * is told to break at is either swallowed, or passed on and its answer swallowed: then the server
 * may well commit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/time.h"
#include "store/row.h"
#include "store_fixture.h"

enum { BATCHES = 6 };

/* ---- The proxy ---- */

enum breaking { SWALLOW_MESSAGE, SWALLOW_ANSWER };

static struct {
    int listener;
    uint16_t port;
    struct sockaddr_un server;
    pthread_mutex_t mutex;
    enum breaking breaking;
    long at; /* 0: never */
    long messages;
    bool broke;
} proxy = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static bool is_the_one(enum breaking *ret_breaking)
{
    pthread_mutex_lock(&proxy.mutex);
    bool now = ++proxy.messages == proxy.at;
    proxy.broke |= now;
    *ret_breaking = proxy.breaking;
    pthread_mutex_unlock(&proxy.mutex);
    return now;
}

static bool has_broken(void)
{
    pthread_mutex_lock(&proxy.mutex);
    bool broke = proxy.broke;
    pthread_mutex_unlock(&proxy.mutex);
    return broke;
}

/* False when the connection is to end. */
static bool pass(int from, int to, bool from_client)
{
    char bytes[65536];
    ssize_t length = read(from, bytes, sizeof(bytes));
    if (length <= 0)
        return false;
    enum breaking breaking = SWALLOW_MESSAGE;
    bool the_one = from_client && is_the_one(&breaking);
    if (the_one && breaking == SWALLOW_MESSAGE)
        return false;
    for (ssize_t done = 0; done < length;) {
        ssize_t part = send(to, bytes + done, (size_t)(length - done), MSG_NOSIGNAL);
        if (part <= 0)
            return false;
        done += part;
    }
    return !the_one;
}

static void *serve(void *argument)
{
    int client = (int)(intptr_t)argument;
    int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(server, (const struct sockaddr *)&proxy.server, sizeof(proxy.server)) != 0)
        abort();
    struct pollfd both[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    bool going = true;
    while (going && poll(both, 2, -1) > 0) {
        if (both[0].revents)
            going = pass(client, server, true);
        if (going && both[1].revents)
            going = pass(server, client, false);
    }
    close(client);
    close(server);
    return NULL;
}

static void *accept_all(void *argument)
{
    (void)argument;
    for (;;) {
        int client = accept(proxy.listener, NULL, NULL);
        pthread_t thread;
        if (client < 0 || pthread_create(&thread, NULL, serve, (void *)(intptr_t)client) != 0)
            abort();
        pthread_detach(thread);
    }
}

static void find_server(void)
{
    char *problem;
    const char *host = "", *port = "5432";
    PQconninfoOption *options = PQconninfoParse(getenv("CAMBIST_TEST_POSTGRESQL"), &problem);
    assert_non_null(options);
    for (PQconninfoOption *option = options; option->keyword; option++) {
        if (strcmp(option->keyword, "host") == 0 && option->val)
            host = option->val;
        if (strcmp(option->keyword, "port") == 0 && option->val)
            port = option->val;
    }
    proxy.server.sun_family = AF_UNIX;
    int length = snprintf(proxy.server.sun_path, sizeof(proxy.server.sun_path), "%s/.s.PGSQL.%s",
                          host, port);
    assert_true(length > 0 && (size_t)length < sizeof(proxy.server.sun_path));
    PQconninfoFree(options);
}

static void start_proxy(void)
{
    find_server();
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    proxy.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(proxy.listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(proxy.listener, 64), 0);
    assert_int_equal(getsockname(proxy.listener, (struct sockaddr *)&address, &length), 0);
    proxy.port = ntohs(address.sin_port);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, accept_all, NULL), 0);
}

static void arm(enum breaking breaking, long at)
{
    pthread_mutex_lock(&proxy.mutex);
    proxy.breaking = breaking;
    proxy.at = at;
    proxy.messages = 0;
    proxy.broke = false;
    pthread_mutex_unlock(&proxy.mutex);
}

/* ---- The writer ---- */

static struct store_fixture fixture;

static int try_batch(struct sql *sql, int64_t batch)
{
    int64_t value;
    int error = sql_begin(sql);
    if (error)
        return error;
    for (int64_t call = 0; call < 3 && !error; call++) {
        if ((error = sql_savepoint(sql)))
            break;
        error = sql_run(sql, "INSERT INTO entry (batch, call) VALUES (?, ?)", sql_int(batch),
                        sql_int(call));
        if (!error && call == 1)
            error = sql_integer(sql, &value, "SELECT value FROM counter" SQL_FOR_UPDATE);
        if (!error)
            error = sql_run(sql, "UPDATE counter SET value = value + 1");
        if (!error)
            error = sql_savepoint_release(sql);
    }
    if (!error)
        return sql_commit(sql);
    sql_rollback(sql);
    return error;
}

static void run_batch(struct sql *sql, int64_t batch)
{
    int error;
    while ((error = try_batch(sql, batch))) {
        if (error != ERR_STORE_LOST && error != ERR_STORE_RETRY)
            fail_msg("%s: %s", error_name(error), sql_last_error(sql));
        usleep(2000);
    }
}

static int64_t ask(struct sql *sql, const char *query)
{
    int64_t value = -1;
    int error = sql_integer(sql, &value, query);
    if (error)
        fail_msg("%s: %s", error_name(error), sql_last_error(sql));
    return value;
}

static bool run(enum breaking breaking, long at)
{
    struct sql *sql = store_acquire(fixture.store, true);
    struct sql *reader = store_acquire(fixture.store, false);
    arm(SWALLOW_MESSAGE, 0);
    run_batch(sql, 0);
    assert_int_equal(sql_run(sql, "DELETE FROM entry"), 0);
    assert_int_equal(sql_run(sql, "UPDATE counter SET value = 0"), 0);
    arm(breaking, at);
    for (int64_t batch = 0; batch < BATCHES; batch++) {
        run_batch(sql, batch);
        /* A read begins anew by itself; it may see one loss when the break comes within it. */
        int64_t value;
        int error = sql_begin_read(reader);
        if (error) {
            assert_int_equal(error, ERR_STORE_LOST);
            continue;
        }
        error = sql_integer(reader, &value, "SELECT COUNT(*) FROM entry");
        if (!error)
            assert_int_equal(value, 3 * (batch + 1));
        else
            assert_int_equal(error, ERR_STORE_LOST);
        sql_commit(reader);
    }
    bool broke = has_broken();
    arm(SWALLOW_MESSAGE, 0);
    assert_int_equal(ask(sql, "SELECT COUNT(*) FROM entry"), 3 * BATCHES);
    assert_int_equal(ask(sql, "SELECT COUNT(*) FROM (SELECT DISTINCT batch, call FROM entry) AS d"),
                     3 * BATCHES);
    assert_int_equal(ask(sql, "SELECT value FROM counter"), 3 * BATCHES);
    store_release(fixture.store, sql);
    store_release(fixture.store, reader);
    return broke;
}

static void run_all(enum breaking breaking)
{
    long at = 1;
    while (run(breaking, at))
        at++;
    assert_true(at > 4 * BATCHES);
}

static void test_message_lost(void **state)
{
    (void)state;
    run_all(SWALLOW_MESSAGE);
}

static void test_answer_lost(void **state)
{
    (void)state;
    run_all(SWALLOW_ANSWER);
}

static int setup(void **state)
{
    (void)state;
    start_proxy();
    fixture_prepare(&fixture, STORE_POSTGRESQL);
    size_t length = strlen(fixture.database);
    snprintf(fixture.database + length, sizeof(fixture.database) - length,
             "&host=127.0.0.1&port=%u", proxy.port);
    fixture_reopen(&fixture);
    struct sql *sql = store_acquire(fixture.store, true);
    int error = sql_run(sql, "CREATE TABLE entry (batch BIGINT, call BIGINT)");
    error |= sql_run(sql, "CREATE TABLE counter (value BIGINT)");
    error |= sql_run(sql, "INSERT INTO counter (value) VALUES (0)");
    store_release(fixture.store, sql);
    return error;
}

static int teardown(void **state)
{
    (void)state;
    fixture_close(&fixture);
    return 0;
}

int main(void)
{
    if (!fixture_has_postgresql())
        return 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_lost),
        cmocka_unit_test(test_answer_lost),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
