/*
 * Providers. A connector is a set of pure functions and one row in providers.def: it turns a neutral request
 * into the provider's published HTTP request, and the provider's answers and callbacks into neutral
 * outcomes. The HTTP call is made elsewhere (provider/http.h), so connectors are tested offline.
 *
 * An unknown or missing status is PROVIDER_PENDING, never a failure.
 */
#ifndef PROVIDER_PROVIDER_H
#define PROVIDER_PROVIDER_H

#include "base/json.h"
#include "base/money.h"

enum provider_status {
    PROVIDER_PENDING,   /* accepted or unknown: wait for an event, ask again later */
    PROVIDER_SUCCEEDED,
    PROVIDER_FAILED,    /* the provider says, in so many words, that it did not and will not happen */
    PROVIDER_RETRY,     /* not accepted, safe to send again (connect error, 429, 5xx before acceptance) */
};

struct provider_outcome {
    enum provider_status status;
    struct str provider_reference; /* the provider's id of the thing */
    struct str reason;             /* for people, when failed */
    struct str data_json;          /* operation-specific neutral result (account_number, tos_link, ...) */
};

/* A callback, verified and translated. */
struct provider_event {
    struct str event_id;           /* for de-duplication */
    const char *operation;         /* which row of operations.def it belongs to; NULL: not ours, ignore */
    struct str provider_reference;
    struct str our_reference;      /* when the provider echoes it */
    struct provider_outcome outcome;
    money_t amount;                /* deposits */
    struct str currency;
    struct str account_number;     /* deposits: which virtual account was credited */
};

struct http_request {
    const char *method;
    struct str url;                /* base URL of the provider + path */
    const struct provider_header { const char *name; struct str value; } *headers;
    size_t header_count;
    struct str body;
    int64_t timeout_ms;
};

struct http_response {
    int status; /* 0: no answer (connect error, timeout): see `sent` */
    bool sent;  /* the request may have reached the provider */
    struct str body;
    struct str error;
};

/* Base URL and credentials of one provider, from the configuration (sandbox: made up at start). */
struct provider_settings {
    struct str base_url;
    struct str api_key;
    struct str secret;       /* signs or verifies callbacks */
    struct str public_key;   /* PEM, where callbacks are signed asymmetrically */
    struct str merchant_id;
    struct str callback_url;
};

struct provider {
    const char *name;
    /* `body` is the neutral request; `reference` ours, unique, sent as the provider's idempotency key.
     * ERR_NOT_FOUND when the provider has no such operation. */
    int (*build)(struct arena *arena, const struct provider_settings *settings, const char *operation,
                 struct str reference, const struct json *body, struct http_request *ret_request);
    int (*read)(struct arena *arena, const char *operation, const struct http_response *response,
                struct provider_outcome *ret_outcome);
    /* ERR_UNAUTHENTICATED unless the signature is right. */
    int (*verify)(struct arena *arena, const struct provider_settings *settings,
                  struct str (*header)(void *context, const char *name), void *context,
                  struct str raw_body, struct provider_event *ret_event);
};

const struct provider *provider_find(struct str name);

#endif
