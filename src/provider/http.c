/* Outgoing HTTP. Every address is checked when the socket is made, so that a name which resolves
 * differently the second time (DNS rebinding) gains nothing. */
#include "provider/http.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEFAULT_ANSWER_LIMIT (1024 * 1024)
#define CONNECT_TIMEOUT_MS 10000
#define RETRY_AFTER_MAX (24 * 3600)

/* ---- Addresses ---- */

struct network4 {
    uint32_t prefix;
    unsigned bits;
};

/* RFC 6890 and its updates: nothing here is somebody else's server on the Internet. */
static const struct network4 special4[] = {
    {0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16},
    {0xac100000, 12}, {0xc0000000, 24}, {0xc0000200, 24}, {0xc0586300, 24}, {0xc0a80000, 16},
    {0xc6120000, 15}, {0xc6336400, 24}, {0xcb007100, 24}, {0xe0000000, 4},  {0xf0000000, 4},
};

static bool public4(uint32_t address)
{
    for (size_t i = 0; i < sizeof(special4) / sizeof(special4[0]); i++)
        if ((address ^ special4[i].prefix) >> (32 - special4[i].bits) == 0)
            return false;
    return true;
}

static uint32_t read32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Global unicast is 2000::/3; within it the special blocks, and the ones that carry an IPv4
 * address. */
static bool public6(const uint8_t *bytes)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (memcmp(bytes, mapped, sizeof(mapped)) == 0)
        return public4(read32(bytes + 12));
    if ((bytes[0] & 0xe0) != 0x20)
        return false;
    uint32_t head = read32(bytes);
    if (head >> 16 == 0x2002) /* 6to4 */
        return public4(head << 16 | read32(bytes + 4) >> 16);
    if (head >> 9 == 0x20010000 >> 9) /* 2001::/23: Teredo, ORCHID, benchmarking */
        return false;
    return head != 0x20010db8 && head >> 12 != 0x3fff0000 >> 12;
}

bool http_address_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        return public4(ntohl(in.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof(in6));
        return public6(in6.sin6_addr.s6_addr);
    }
    return false;
}

static char *url_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    return curl_url_get(url, part, &text, 0) == CURLUE_OK ? text : NULL;
}

static bool resolves_public(const char *host)
{
    char name[256];
    size_t len = strlen(host);
    if (host[0] == '[' && len > 2 && len - 2 < sizeof(name)) {
        memcpy(name, host + 1, len - 2);
        name[len - 2] = '\0';
    } else if (len < sizeof(name)) {
        memcpy(name, host, len + 1);
    } else {
        return false;
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(name, "443", &hints, &found) != 0)
        return false;
    bool all_public = found != NULL;
    for (struct addrinfo *at = found; at; at = at->ai_next)
        all_public = all_public && http_address_public(at->ai_addr);
    freeaddrinfo(found);
    return all_public;
}

static bool parsed_url_allowed(CURLU *url, bool public_only)
{
    char *scheme = url_part(url, CURLUPART_SCHEME), *host = url_part(url, CURLUPART_HOST);
    char *user = url_part(url, CURLUPART_USER);
    bool https = scheme && strcmp(scheme, "https") == 0;
    bool allowed = host && host[0] && (https || (scheme && strcmp(scheme, "http") == 0));
    if (public_only)
        allowed = allowed && https && !user && resolves_public(host);
    curl_free(scheme);
    curl_free(host);
    curl_free(user);
    return allowed;
}

bool http_url_allowed(struct str url, bool public_only)
{
    char text[2049];
    if (url.len >= sizeof(text) || !url.len || memchr(url.ptr, '\0', url.len))
        return false;
    memcpy(text, url.ptr, url.len);
    text[url.len] = '\0';
    CURLU *parsed = curl_url();
    bool allowed = parsed && curl_url_set(parsed, CURLUPART_URL, text, 0) == CURLUE_OK &&
                   parsed_url_allowed(parsed, public_only);
    curl_url_cleanup(parsed);
    return allowed;
}

static curl_socket_t open_public_socket(void *context, curlsocktype purpose,
                                        struct curl_sockaddr *address)
{
    (void)context;
    (void)purpose;
    if (!http_address_public(&address->addr))
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* ---- Two handles per thread: a connection made for one policy is not used again for the other
 * ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t handle_keys[2];

static void free_handle(void *handle)
{
    curl_easy_cleanup(handle);
}

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
    pthread_key_create(&handle_keys[0], free_handle);
    pthread_key_create(&handle_keys[1], free_handle);
}

static CURL *thread_handle(bool public_only)
{
    pthread_once(&once, start_curl);
    CURL *handle = pthread_getspecific(handle_keys[public_only]);
    if (!handle) {
        handle = curl_easy_init();
        if (!handle)
            abort();
        pthread_setspecific(handle_keys[public_only], handle);
    }
    curl_easy_reset(handle); /* keeps connections, DNS and TLS sessions */
    return handle;
}

/* ---- A call ---- */

struct answer {
    struct buf body;
    size_t limit;
    bool cut;
};

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct answer *answer = context;
    size_t len = size * count, room = answer->limit - answer->body.len;
    if (len > room && !answer->cut)
        return 0;
    buf_add(&answer->body, bytes, len < room ? len : room);
    return len;
}

static struct curl_slist *header_list(struct arena *arena, const struct http_request *request)
{
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < request->header_count; i++) {
        struct str line = arena_printf(arena, "%s: %.*s", request->headers[i].name,
                                       STR_FMT(request->headers[i].value));
        list = curl_slist_append(list, line.ptr);
    }
    /* A body goes at once, not after a 100. */
    return curl_slist_append(list, "Expect:");
}

static void set_options(CURL *handle, struct arena *arena, const struct http_request *request,
                        const struct http_policy *policy, struct answer *answer)
{
    curl_easy_setopt(handle, CURLOPT_URL, arena_cstr(arena, request->url));
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request->method);
    if (str_present(request->body)) {
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request->body.ptr);
    }
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, policy->public_only ? "https" : "http,https");
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "cambist/" CAMBIST_VERSION);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, answer);
    if (policy->public_only) {
        /* A proxy would resolve the name itself, and differently. */
        curl_easy_setopt(handle, CURLOPT_PROXY, "");
        curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, open_public_socket);
    }
}

static void read_result(CURL *handle, struct arena *arena, CURLcode code,
                        struct http_response *ret_response)
{
    long status = 0, request_size = 0;
    curl_off_t retry_after = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(handle, CURLINFO_REQUEST_SIZE, &request_size);
    curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &retry_after);
    ret_response->sent = request_size > 0;
    if (code == CURLE_OK) {
        ret_response->status = (int)status;
        ret_response->retry_after =
            (retry_after < RETRY_AFTER_MAX ? retry_after : RETRY_AFTER_MAX) * USEC_PER_SEC;
        return;
    }
    ret_response->error = arena_copy(arena, str_from(curl_easy_strerror(code)));
}

void http_perform(struct arena *arena, const struct http_request *request,
                  const struct http_policy *policy, struct http_response *ret_response)
{
    *ret_response = (struct http_response){0};
    CURL *handle = thread_handle(policy->public_only);
    struct answer answer = {
        .body = buf_new(arena, 1024),
        .limit = policy->answer_limit ? policy->answer_limit : DEFAULT_ANSWER_LIMIT,
        .cut = policy->cut_answer,
    };
    struct curl_slist *headers = header_list(arena, request);
    set_options(handle, arena, request, policy, &answer);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    CURLcode code = curl_easy_perform(handle);
    read_result(handle, arena, code, ret_response);
    ret_response->body = buf_str(&answer.body);
    curl_slist_free_all(headers);
}
