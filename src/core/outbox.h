/*
 * Side effects leave through the outbox: rows written in the call's own transaction, performed by workers
 * after the commit, at least once, with backoff. After a crash they resume.
 */
#ifndef CORE_OUTBOX_H
#define CORE_OUTBOX_H

#include "core/call.h"

/* A webhook event to every endpoint of the organisation (0: the tenant's own endpoints), in the form of the
 * dialect the endpoint was registered in. `data_json` is the event's data object. */
int outbox_event(struct call *c, id_t64 organisation_id, const char *event_type, struct str data_json);

/*
 * An instruction to a provider: `operation` names a row of provider/operations.def; `subject_id` the record it
 * is about; `body_json` the provider-neutral request. Its outcome comes back as a call of the row's apply
 * function with a struct provider_outcome.
 */
int outbox_instruct(struct call *c, const char *provider, const char *operation, id_t64 subject_id,
                    struct str body_json);

/* E-mail, SMS or push. `secret` text (codes) never reaches a log. */
enum message_channel { MESSAGE_EMAIL, MESSAGE_SMS, MESSAGE_PUSH };
int outbox_message(struct call *c, enum message_channel channel, struct str to, struct str subject,
                   struct str text);

/* Runs `timer` (a row of core/timers.def) about `subject_id` at or after `due`. */
int outbox_timer(struct call *c, const char *timer, id_t64 subject_id, usec_t due);

#endif
