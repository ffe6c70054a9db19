/* E-mail, SMS and push; they are sent by outbox_message (core/outbox.h). */
#ifndef CORE_MESSAGE_MESSAGE_H
#define CORE_MESSAGE_MESSAGE_H

#include "core/call.h"

/* Forgets messages of all tenants that were made before `before` and sent or given up. At most `limit` rows. */
int message_prune(struct call *c, usec_t before, int64_t limit, int64_t *ret_count);

#endif
