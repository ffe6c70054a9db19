/* Calls of the demo, printed as they go. */
#include "cli/demo_http.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/digest.h"
#include "base/json_build.h"
#include "provider/http.h"

#define TIMEOUT_MS 20000

void demo_say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    printf("   ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

_Noreturn void demo_fail(struct demo_client *client, const char *why)
{
    fflush(stdout);
    fprintf(stderr, "cambist demo: %s\n", why);
    demo_tidy_up(client);
    exit(1);
}

struct str demo_credential(struct demo_client *client, const char *path)
{
    return json_text(json_get(client->credentials, path));
}

static const char *caller_name(enum demo_caller caller)
{
    switch (caller) {
    case DEMO_NOBODY:
        return "anybody";
    case DEMO_BY_KEY:
        return "company, by API key";
    case DEMO_BY_TOKEN:
        return "company, by JWT";
    case DEMO_ADMIN:
        return "platform administrator";
    }
    __builtin_unreachable();
}

static size_t credential_headers(const struct demo_client *client, enum demo_caller caller,
                                 struct provider_header headers[2])
{
    struct str none = STR("NONE");

    if (caller == DEMO_NOBODY)
        return 0;
    headers[0] = (struct provider_header){"Authorization", none};
    headers[1] = (struct provider_header){"X-Api-Key", none};
    if (caller == DEMO_BY_TOKEN)
        headers[0].value = arena_printf(client->arena, "Bearer %.*s", STR_FMT(client->token));
    else
        headers[1].value = caller == DEMO_ADMIN ? client->admin_key : client->api_key;
    return 2;
}

static const struct json *send(struct demo_client *client, struct http_request *request,
                               const char *path)
{
    struct http_policy policy = {.answer_limit = 8 << 20};
    struct http_response response = {0};
    const struct json *json = NULL;

    request->url = arena_printf(client->arena, "%.*s%s", STR_FMT(client->base_url), path);
    request->timeout_ms = TIMEOUT_MS;
    http_perform(client->arena, request, &policy, &response);
    if (response.status == 0)
        demo_fail(client, "the server does not answer: is `cambist serve --sandbox` running?");
    if (response.status >= 300) {
        fflush(stdout);
        fprintf(stderr, "%s %s answered %d: %.*s\n", request->method, path, response.status,
                STR_FMT(response.body));
        demo_tidy_up(client);
        exit(1);
    }
    if (response.body.len > 0 && json_parse(client->arena, response.body, &json) != OK)
        demo_fail(client, "the answer is not JSON");
    return json;
}

static const struct json *call(struct demo_client *client, enum demo_caller caller,
                               const char *method, const char *path, struct buf *object)
{
    struct provider_header headers[3];
    size_t count = credential_headers(client, caller, headers);
    struct http_request request = {.method = method, .headers = headers};

    if (object) {
        headers[count++] = (struct provider_header){"Content-Type", STR("application/json")};
        request.body = json_object_end(object);
    }
    request.header_count = count;
    return send(client, &request, path);
}

static void announce(enum demo_caller caller, const char *method, const char *path)
{
    printf("   %s %s   (%s)\n", method, path, caller_name(caller));
}

const struct json *demo_poll(struct demo_client *client, enum demo_caller caller, const char *path)
{
    return call(client, caller, "GET", path, NULL);
}

const struct json *demo_get(struct demo_client *client, enum demo_caller caller, const char *path)
{
    announce(caller, "GET", path);
    return call(client, caller, "GET", path, NULL);
}

const struct json *demo_post(struct demo_client *client, enum demo_caller caller, const char *path,
                             struct buf *object)
{
    announce(caller, "POST", path);
    return call(client, caller, "POST", path, object);
}

const struct json *demo_put(struct demo_client *client, enum demo_caller caller, const char *path,
                            struct buf *object)
{
    announce(caller, "PUT", path);
    return call(client, caller, "PUT", path, object);
}

void demo_tidy_up(struct demo_client *client)
{
    const char *path = client->leftover;

    client->leftover = NULL; /* should this fail, it is not tried again */
    if (path)
        call(client, DEMO_ADMIN, "DELETE", path, NULL);
}

const struct json *demo_cognito(struct demo_client *client, const char *action, struct buf *object)
{
    struct provider_header headers[] = {
        {"Content-Type", STR("application/x-amz-json-1.1")},
        {"X-Amz-Target",
         arena_printf(client->arena, "AWSCognitoIdentityProviderService.%s", action)},
    };
    struct http_request request = {
        .method = "POST", .headers = headers, .header_count = 2, .body = json_object_end(object)};

    printf("   POST /cognito %s\n", action);
    return send(client, &request, "/cognito");
}

void demo_show_provider(struct demo_client *client, const char *name, size_t count)
{
    struct str path = arena_printf(client->arena, "/sandbox/providers/%s/requests", name);
    const struct json *requests = json_get(demo_poll(client, DEMO_NOBODY, path.ptr), "requests");
    size_t there = json_count(requests);

    for (size_t i = there < count ? there : count; i > 0; i--) { /* newest first in the answer */
        const struct json *request = json_at(requests, i - 1);
        struct str body = json_print(client->arena, json_get(request, "body"));
        printf("   -> %s was asked: %.*s %.*s\n      %.*s\n", name,
               STR_FMT(json_text(json_get(request, "method"))),
               STR_FMT(json_text(json_get(request, "path"))), STR_FMT(body));
    }
}

static struct str header_of(const struct json *delivery, const char *name)
{
    const struct json *headers = json_get(delivery, "headers");

    for (size_t i = 0; i < json_count(headers); i++)
        if (str_eq_nocase(json_key_at(headers, i), str_from(name)))
            return json_text(json_at(headers, i));
    return STR_NONE;
}

void demo_show_delivery(struct demo_client *client, const struct json *delivery, struct str secret)
{
    struct str raw = json_text(json_get(delivery, "body"));
    struct str signature = header_of(delivery, "X-PCX-Signature");
    struct str expected = digest_hmac_sha256_hex(client->arena, secret, raw);

    if (!str_eq_secret(signature, expected))
        demo_fail(client, "a webhook's X-PCX-Signature is wrong");
    printf("   <- %.*s\n      X-PCX-Signature: %.*s (checked)\n", STR_FMT(raw), STR_FMT(signature));
}
