/* Private to core/webhook: how a delivery begins. */
#ifndef CORE_WEBHOOK_DELIVERY_H
#define CORE_WEBHOOK_DELIVERY_H

#include "core/webhook/webhook.h"

/* A pending delivery, and its place in the outbox. It belongs to whom the endpoint belongs to: an
 * organisation is not to see where the tenant's own endpoint is, whatever that is told about it. */
int webhook_add_delivery(struct call *c, id_t64 event_id, struct str event_type,
                         const struct webhook_endpoint *endpoint,
                         struct webhook_delivery *ret_delivery);

#endif
