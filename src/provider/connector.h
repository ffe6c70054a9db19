/* Private to the connectors: what they share in building requests and reading answers. */
#ifndef PROVIDER_CONNECTOR_H
#define PROVIDER_CONNECTOR_H

#include "base/json_build.h"
#include "provider/provider.h"

#define PROVIDER_TIMEOUT_MS 20000
#define CONNECTOR_MAX_HEADERS 8

/* GET when `body` is absent and `method` says so. Headers are added afterwards. */
void connector_request(struct arena *arena, const struct provider_settings *settings,
                       const char *method, struct str path, struct str body,
                       struct http_request *ret_request);
void connector_header(struct arena *arena, struct http_request *request, const char *name,
                      struct str value);

/* A member's text of the neutral request; absent when missing. */
struct str connector_text(const struct json *body, const char *path);
/* First of the two that is not empty. */
struct str connector_either(struct str a, struct str b);
/* Percent-encoded for a path or query. */
struct str connector_escape(struct arena *arena, struct str text);
struct str connector_lower(struct arena *arena, struct str text);
struct str connector_upper(struct arena *arena, struct str text);
/* Shortest exact decimal of an amount in the provider's answer, whatever its form; absent when it
 * is none. */
struct str connector_amount(struct arena *arena, const struct json *amount);
/* Minor units -> decimal text, and the reverse. */
struct str connector_from_minor(struct arena *arena, const struct json *amount,
                                const struct asset *asset);
bool connector_to_minor(const struct json *amount, const struct asset *asset, money_t *ret_money);

/*
 * What the transport alone says: true when that settles it (no answer, 401, 403, 429, 5xx), with
 * *ret_outcome filled in. `changes`: whether the operation changes something at the provider, so
 * that no answer means unknown.
 */
bool connector_transport(struct arena *arena, const struct http_response *response, bool changes,
                         struct provider_outcome *ret_outcome);
void connector_fail(struct provider_outcome *ret_outcome, struct str reason);
/* PENDING with the alert. */
void connector_unknown(struct arena *arena, struct provider_outcome *ret_outcome, const char *what,
                       struct str value);

/* operation name -> index in a NULL-terminated list; -1 when it is not there. */
int connector_find(const char *const *names, const char *operation);

#endif
