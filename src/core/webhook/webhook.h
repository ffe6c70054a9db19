/*
 * Webhooks out: endpoints, events and their deliveries.
 *
 * An event is recorded once, with one delivery for each endpoint that is to have it, in the
 * transaction of what it tells of (outbox_event). A delivery is pending until a 2xx answers it
 * (delivered), its style's schedule is over or its endpoint is gone (dead; it can be replayed while
 * there is one).
 */
#ifndef CORE_WEBHOOK_WEBHOOK_H
#define CORE_WEBHOOK_WEBHOOK_H

#include "core/call.h"
#include "store/row.h"

/* organisation_id 0: the tenant's own endpoint, which gets the events of all its organisations.
 * events: JSON array of the types wanted; absent: all. status: active, inactive. A rotated secret
 * stays good until previous_until. */
#define WEBHOOK_ENDPOINT_ROW(F) \
    F(INTEGER, id)              \
    F(INTEGER, tenant_id)       \
    F(INTEGER, organisation_id) \
    F(TEXT, style)              \
    F(TEXT, url)                \
    F(JSON, events)             \
    F(SECRET, secret)           \
    F(SECRET, previous_secret)  \
    F(INTEGER, previous_until)  \
    F(TEXT, status)             \
    F(INTEGER, created_at)      \
    F(INTEGER, updated_at)
ROW_STRUCT(webhook_endpoint, WEBHOOK_ENDPOINT_ROW);

#define WEBHOOK_DELIVERY_ROW(F)  \
    F(INTEGER, id)               \
    F(INTEGER, tenant_id)        \
    F(INTEGER, organisation_id)  \
    F(INTEGER, endpoint_id)      \
    F(INTEGER, event_id)         \
    F(TEXT, event_type)          \
    F(TEXT, url)                 \
    F(TEXT, status)              \
    F(INTEGER, attempts)         \
    F(INTEGER, first_attempt_at) \
    F(INTEGER, last_attempt_at)  \
    F(INTEGER, next_attempt_at)  \
    F(INTEGER, status_code)      \
    F(TEXT, response)            \
    F(TEXT, error)               \
    F(INTEGER, created_at)       \
    F(INTEGER, updated_at)
ROW_STRUCT(webhook_delivery, WEBHOOK_DELIVERY_ROW);

#define WEBHOOK_SECRET_OVERLAP USEC_PER_DAY

/* For prepare steps: asks the DNS. ERR_URL_NOT_ALLOWED for `field` unless https and public; the
 * sandbox also takes http and addresses of this machine. */
int webhook_check_url(struct call *c, struct str url, const char *field);

/* The caller sets organisation_id, style, url (checked before) and events; the rest comes back,
 * with the secret, which is shown this once. ERR_DUPLICATE for `field` when the organisation has
 * this URL in this style already; ERR_FORBIDDEN unless staff for organisation_id 0, whose endpoint
 * hears of everybody. */
int webhook_register(struct call *c, struct webhook_endpoint *endpoint, const char *field);
/* ERR_NOT_FOUND for another tenant's, and for an organisation's that the caller may not act for. */
int webhook_get(struct call *c, id_t64 endpoint_id, const char *field,
                struct webhook_endpoint *ret_endpoint);
/* Of one organisation, or of the whole tenant with organisation_id -1. */
int webhook_list(struct call *c, id_t64 organisation_id, const struct page *page,
                 struct webhook_endpoint **ret_rows, size_t *ret_count);
int webhook_delete(struct call *c, const struct webhook_endpoint *endpoint);
int webhook_set_status(struct call *c, struct webhook_endpoint *endpoint, const char *status);
/* A new secret, in endpoint->secret; the old one stays good for WEBHOOK_SECRET_OVERLAP. */
int webhook_rotate_secret(struct call *c, struct webhook_endpoint *endpoint);

struct webhook_filter {
    id_t64 organisation_id; /* 0: any that the caller may see */
    id_t64 endpoint_id;     /* 0: any */
    struct str status;      /* absent: any */
    struct str event_type;
    usec_t from, until; /* created in [from, until); 0: open */
};
int webhook_list_deliveries(struct call *c, const struct webhook_filter *filter,
                            const struct page *page, struct webhook_delivery **ret_rows,
                            size_t *ret_count);
int webhook_get_delivery(struct call *c, id_t64 delivery_id, const char *field,
                         struct webhook_delivery *ret_delivery);
/* The body as it is sent; absent when its endpoint is gone. */
int webhook_delivery_body(struct call *c, const struct webhook_delivery *delivery,
                          struct str *ret_body);
/* A new delivery of the same event to the same endpoint, whatever became of this one.
 * ERR_WRONG_STATE when the endpoint is gone. */
int webhook_replay(struct call *c, const struct webhook_delivery *delivery, const char *field,
                   struct webhook_delivery *ret_delivery);

/*
 * For all tenants, at most `limit` rows: deliveries that were made before `before` and have ended, events of which no
 * delivery tells any more.
 */
int webhook_prune_deliveries(struct call *c, usec_t before, int64_t limit, int64_t *ret_count);
int webhook_prune_events(struct call *c, usec_t before, int64_t limit, int64_t *ret_count);

#endif
