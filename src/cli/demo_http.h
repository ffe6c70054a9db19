/* The demo's HTTP client: who calls what is printed, and anything but success ends the program with
 * exit code 1. */
#ifndef CLI_DEMO_HTTP_H
#define CLI_DEMO_HTTP_H

#include "base/json.h"

struct demo_client {
    struct arena *arena;
    const struct json *credentials;
    struct str base_url;
    struct str admin_key; /* the platform's administrator */
    struct str api_key;   /* the company's */
    struct str token;     /* its first person's JWT */
    const char
        *leftover; /* what the administrator deletes at the end, good or bad; NULL: nothing */
};

enum demo_caller { DEMO_NOBODY, DEMO_BY_KEY, DEMO_BY_TOKEN, DEMO_ADMIN };

/* "pcx.client_id" of `cambist credentials`. */
struct str demo_credential(struct demo_client *client, const char *path);

const struct json *demo_get(struct demo_client *client, enum demo_caller caller, const char *path);
/* The same without a line on the screen. */
const struct json *demo_poll(struct demo_client *client, enum demo_caller caller, const char *path);
/* `object` is closed here. */
const struct json *demo_post(struct demo_client *client, enum demo_caller caller, const char *path,
                             struct buf *object);
const struct json *demo_put(struct demo_client *client, enum demo_caller caller, const char *path,
                            struct buf *object);
/* Deletes client->leftover. */
void demo_tidy_up(struct demo_client *client);
const struct json *demo_cognito(struct demo_client *client, const char *action, struct buf *object);

/* The last `count` requests the provider got, oldest first. */
void demo_show_provider(struct demo_client *client, const char *name, size_t count);
/* A caught webhook; ends the program when its signature is wrong. */
void demo_show_delivery(struct demo_client *client, const struct json *delivery, struct str secret);

void demo_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void demo_fail(struct demo_client *client, const char *why);

#endif
