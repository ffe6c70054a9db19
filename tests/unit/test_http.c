/* Outgoing HTTP: where we may be sent, and what is made of answers. The peer is a thread on loopback
 * that gives one canned answer per connection. */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "provider/http.h"

static struct arena *arena;

/* ---- Where we may be sent ---- */

static bool is_public(const char *text)
{
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
        return http_address_public((struct sockaddr *)&in);
    assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
    return http_address_public((struct sockaddr *)&in6);
}

static void test_addresses(void **state)
{
    (void)state;
    static const char *const inside[] = {
        "127.0.0.1",    "10.1.2.3",        "172.16.0.1",       "172.31.255.255",
        "192.168.1.1",  "169.254.169.254", "100.64.0.1",       "0.0.0.0",
        "224.0.0.1",    "255.255.255.255", "198.18.0.1",       "192.0.2.1",
        "198.51.100.1", "203.0.113.1",     "192.88.99.1",      "::1",
        "::",           "::127.0.0.1",     "fe80::1",          "fc00::1",
        "fd12::1",      "ff02::1",         "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "2001:db8::1",  "2002:7f00:1::",   "2001::1",          "64:ff9b::7f00:1",
        "3fff::1",
    };
    static const char *const outside[] = {"1.1.1.1",       "8.8.8.8",         "172.32.0.1",
                                          "100.128.0.1",   "2606:4700::1111", "2a00:1450::1",
                                          "::ffff:8.8.8.8"};
    for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
        if (is_public(inside[i]))
            fail_msg("%s counts as public", inside[i]);
    for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
        if (!is_public(outside[i]))
            fail_msg("%s does not count as public", outside[i]);
}

static void test_urls(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "http://1.1.1.1/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://10.0.0.1:8443/",
        "ftp://1.1.1.1/",
        "https://user@1.1.1.1/",
        "//1.1.1.1/",
        "not a url",
        "https://169.254.169.254/latest/meta-data",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "",
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (http_url_allowed(str_from(refused[i]), true))
            fail_msg("%s is allowed", refused[i]);
    assert_true(http_url_allowed(STR("https://1.1.1.1/hook"), true));
    assert_true(http_url_allowed(STR("http://127.0.0.1:8080/sandbox/hooks/1"), false));
    assert_false(http_url_allowed(STR("file:///etc/passwd"), false));
}

/* ---- A peer ---- */

struct peer {
    int fd;
    unsigned port;
    pthread_t thread;
    const char *answer;
    bool drips; /* goes on with a blank now and then */
    unsigned connections;
};

static void *serve(void *argument)
{
    struct peer *peer = argument;
    int connection;
    while ((connection = accept(peer->fd, NULL, NULL)) >= 0) {
        char request[2048];
        peer->connections++;
        if (read(connection, request, sizeof(request)) > 0)
            (void)!write(connection, peer->answer, strlen(peer->answer));
        for (int i = 0; peer->drips && i < 40; i++) {
            nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
            if (send(connection, " ", 1, MSG_NOSIGNAL) < 0)
                break;
        }
        close(connection);
    }
    return NULL;
}

static void start_peer(struct peer *peer)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(address);
    peer->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(peer->fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(peer->fd, 5), 0);
    assert_int_equal(getsockname(peer->fd, (struct sockaddr *)&address, &len), 0);
    peer->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&peer->thread, NULL, serve, peer), 0);
}

static void stop_peer(struct peer *peer)
{
    shutdown(peer->fd, SHUT_RDWR);
    pthread_join(peer->thread, NULL);
    close(peer->fd);
}

static struct http_response ask(const char *scheme, const char *host, unsigned port,
                                struct http_policy policy)
{
    struct http_request request = {.method = "GET", .timeout_ms = 500};
    struct http_response response;
    request.url = arena_printf(arena, "%s://%s:%u/", scheme, host, port);
    http_perform(arena, &request, &policy, &response);
    return response;
}

/*
 * The URL was allowed when it was registered; now its name leads here. The check is made again of
 * the very address that is connected to, so nothing is sent.
 */
static void test_rebinding(void **state)
{
    (void)state;
    static const char *const names[] = {"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "[::1]",
                                        "2130706433"};
    struct peer peer = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};
    start_peer(&peer);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct http_response response =
            ask("https", names[i], peer.port, (struct http_policy){.public_only = true});
        assert_int_equal(response.status, 0);
        assert_false(response.sent);
        assert_true(str_present(response.error));
    }
    /* Nor over http, whatever the address. */
    assert_int_equal(
        ask("http", "127.0.0.1", peer.port, (struct http_policy){.public_only = true}).status, 0);
    assert_int_equal(ask("http", "127.0.0.1", peer.port, (struct http_policy){0}).status, 200);
    stop_peer(&peer);
    assert_int_equal(peer.connections, 1);
}

static void test_redirects(void **state)
{
    (void)state;
    struct peer target = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};
    start_peer(&target);
    struct peer peer = {.answer = arena_printf(arena,
                                               "HTTP/1.1 302 Found\r\nLocation: "
                                               "http://127.0.0.1:%u/\r\nContent-Length: 0\r\n\r\n",
                                               target.port)
                                      .ptr};
    start_peer(&peer);
    assert_int_equal(ask("http", "127.0.0.1", peer.port, (struct http_policy){0}).status, 302);
    stop_peer(&peer);
    stop_peer(&target);
    assert_int_equal(target.connections, 0);
}

static void test_retry_after(void **state)
{
    (void)state;
    struct peer peer = {.answer = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\n"
                                  "Content-Length: 0\r\nConnection: close\r\n\r\n"};
    start_peer(&peer);
    struct http_response response = ask("http", "127.0.0.1", peer.port, (struct http_policy){0});
    stop_peer(&peer);
    assert_int_equal(response.status, 429);
    assert_int_equal(response.retry_after, 7 * USEC_PER_SEC);
}

/* What was sent and got no whole answer is not "not sent". */
static void test_answers_that_never_end(void **state)
{
    (void)state;
    struct peer peer = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n", .drips = true};
    start_peer(&peer);
    struct http_response response = ask("http", "127.0.0.1", peer.port, (struct http_policy){0});
    assert_int_equal(response.status, 0);
    assert_true(response.sent);
    response = ask("http", "127.0.0.1", peer.port, (struct http_policy){.answer_limit = 2});
    assert_int_equal(response.status, 0);
    assert_true(response.sent);
    stop_peer(&peer);
    response = ask("http", "127.0.0.1", peer.port, (struct http_policy){0});
    assert_int_equal(response.status, 0);
    assert_false(response.sent);
}

int main(void)
{
    arena = arena_new(64 << 20);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),   cmocka_unit_test(test_urls),
        cmocka_unit_test(test_rebinding),   cmocka_unit_test(test_redirects),
        cmocka_unit_test(test_retry_after), cmocka_unit_test(test_answers_that_never_end),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(arena);
    return failed;
}
