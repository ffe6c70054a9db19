/*
 * A proxy before a PostgreSQL server that counts what the client sends and ends a connection at the
 * Nth message: the message is either swallowed, or passed on and its answer swallowed; then the
 * server may well commit.
 */
#ifndef TESTS_UNIT_CUTTING_PROXY_H
#define TESTS_UNIT_CUTTING_PROXY_H

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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

static inline bool proxy_is_the_one(enum breaking *ret_breaking)
{
    pthread_mutex_lock(&proxy.mutex);
    bool now = ++proxy.messages == proxy.at;
    proxy.broke |= now;
    *ret_breaking = proxy.breaking;
    pthread_mutex_unlock(&proxy.mutex);
    return now;
}

static inline bool proxy_has_broken(void)
{
    pthread_mutex_lock(&proxy.mutex);
    bool broke = proxy.broke;
    pthread_mutex_unlock(&proxy.mutex);
    return broke;
}

/* False when the connection is to end. */
static inline bool proxy_pass(int from, int to, bool from_client)
{
    char bytes[65536];
    ssize_t length = read(from, bytes, sizeof(bytes));
    if (length <= 0)
        return false;
    enum breaking breaking = SWALLOW_MESSAGE;
    bool the_one = from_client && proxy_is_the_one(&breaking);
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

static inline void *proxy_serve(void *argument)
{
    int client = (int)(intptr_t)argument;
    int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(server, (const struct sockaddr *)&proxy.server, sizeof(proxy.server)) != 0)
        abort();
    struct pollfd both[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    bool going = true;
    while (going && poll(both, 2, -1) > 0) {
        if (both[0].revents)
            going = proxy_pass(client, server, true);
        if (going && both[1].revents)
            going = proxy_pass(server, client, false);
    }
    close(client);
    close(server);
    return NULL;
}

static inline void *proxy_accept_all(void *argument)
{
    (void)argument;
    for (;;) {
        int client = accept(proxy.listener, NULL, NULL);
        pthread_t thread;
        if (client < 0 || pthread_create(&thread, NULL, proxy_serve, (void *)(intptr_t)client) != 0)
            abort();
        pthread_detach(thread);
    }
}

static inline void proxy_find_server(void)
{
    char *problem;
    const char *host = "", *port = "5432";
    PQconninfoOption *options = PQconninfoParse(getenv("CAMBIST_TEST_POSTGRESQL"), &problem);
    if (!options)
        abort();
    for (PQconninfoOption *option = options; option->keyword; option++) {
        if (strcmp(option->keyword, "host") == 0 && option->val)
            host = option->val;
        if (strcmp(option->keyword, "port") == 0 && option->val)
            port = option->val;
    }
    proxy.server.sun_family = AF_UNIX;
    int length = snprintf(proxy.server.sun_path, sizeof(proxy.server.sun_path), "%s/.s.PGSQL.%s",
                          host, port);
    if (!(length > 0 && (size_t)length < sizeof(proxy.server.sun_path)))
        abort();
    PQconninfoFree(options);
}

static inline void proxy_start(void)
{
    proxy_find_server();
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    proxy.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(proxy.listener, (struct sockaddr *)&address, sizeof(address)) != 0)
        abort();
    if (listen(proxy.listener, 64) != 0)
        abort();
    if (getsockname(proxy.listener, (struct sockaddr *)&address, &length) != 0)
        abort();
    proxy.port = ntohs(address.sin_port);
    pthread_t thread;
    if (pthread_create(&thread, NULL, proxy_accept_all, NULL) != 0)
        abort();
}

static inline void proxy_arm(enum breaking breaking, long at)
{
    pthread_mutex_lock(&proxy.mutex);
    proxy.breaking = breaking;
    proxy.at = at;
    proxy.messages = 0;
    proxy.broke = false;
    pthread_mutex_unlock(&proxy.mutex);
}

/* Leads through the proxy when it is added to the server's URL, which has a query already. */
static inline void proxy_add_to_url(char *url, size_t size)
{
    size_t length = strlen(url);
    snprintf(url + length, size - length, "&host=127.0.0.1&port=%u", proxy.port);
}

#endif
