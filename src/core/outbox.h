/*
 * Side effects leave through the outbox: rows written in the call's own transaction, performed by
 * workers after the commit, at least once, with backoff. After a crash they resume.
 */
#ifndef CORE_OUTBOX_H
#define CORE_OUTBOX_H

#include "core/call.h"
#include "store/row.h"

/* A webhook event to every endpoint of the organisation (0: the tenant's own endpoints), in the
 * form of the dialect the endpoint was registered in. `data_json` is the event's data object. */
int outbox_event(struct call *c, id_t64 organisation_id, const char *event_type,
                 struct str data_json);

/* Does any endpoint listen to the organisation's events? Saves the busiest calls writing one for
 * nobody. */
int outbox_has_listeners(struct call *c, id_t64 organisation_id, bool *ret_any);

/*
 * An instruction to a provider: `operation` names a row of provider/operations.def; `subject_id`
 * the record it is about; `body_json` the provider-neutral request. Its outcome comes back as a
 * call of the row's apply function with a struct provider_outcome.
 */
int outbox_instruct(struct call *c, const char *provider, const char *operation, id_t64 subject_id,
                    struct str body_json);

/* E-mail, SMS or push. `secret` text (codes) never reaches a log. */
enum message_channel { MESSAGE_EMAIL, MESSAGE_SMS, MESSAGE_PUSH };
int outbox_message(struct call *c, enum message_channel channel, struct str to, struct str subject,
                   struct str text);

/* Runs `timer` (a row of core/timers.def) about `subject_id` at or after `due`. It runs as a write
 * call of the same tenant; an error other than a success is tried again with backoff. */
int outbox_timer(struct call *c, const char *timer, id_t64 subject_id, usec_t due);

/* ---- For the modules whose work waits in the outbox (core/outbox_kinds.def) and the server
 * ---- */

#define OUTBOX_ROW(F)       \
    F(INTEGER, id)          \
    F(INTEGER, tenant_id)   \
    F(TEXT, kind)           \
    F(TEXT, name)           \
    F(INTEGER, subject_id)  \
    F(INTEGER, due)         \
    F(INTEGER, lease_until) \
    F(INTEGER, attempts)
ROW_STRUCT(outbox_row, OUTBOX_ROW);

/* Adds a row of any kind; `name` may be NULL. The dispatcher wakes when the call's transaction is
 * committed. */
int outbox_add(struct call *c, const char *kind, const char *name, id_t64 subject_id, usec_t due);

/*
 * Does a row's work. Runs on a worker, outside any transaction: c->sql reads, writer_run writes,
 * the network may be waited for. At least once: a crash before the row is settled means it runs
 * again. 0: done, the row goes; OUTBOX_AGAIN: due again at *ret_due; an error: due again after a
 * growing delay.
 */
enum { OUTBOX_AGAIN = 1 };
typedef int outbox_perform(struct call *c, const struct outbox_row *row, usec_t *ret_due);

/* Starts the dispatcher: app->outbox. The workers must be there already. */
int outbox_start(struct app *app);
/* Looks for due rows now. */
void outbox_wake(struct app *app);

/* 1 s, 2 s, 4 s ... up to `longest`, by the number of attempts made (from 1). */
usec_t outbox_backoff(int64_t attempts, usec_t longest);

#endif
