/* Writing to the outbox: rows of the call's own transaction. Nothing here touches the network. */
#include "core/outbox.h"

#include "core/app.h"
#include "core/outbox_dispatch.h"
#include "core/work.h"
#include "store/sql.h"

#define ROW_SELF struct outbox_row
ROW_TYPE(outbox_row, OUTBOX_ROW);
#undef ROW_SELF

#define MESSAGE_ROW(F)    \
    F(INTEGER, id)        \
    F(INTEGER, tenant_id) \
    F(TEXT, channel)      \
    F(TEXT, recipient)    \
    F(TEXT, subject)      \
    F(SECRET, body)       \
    F(TEXT, status)       \
    F(INTEGER, created_at)
ROW_STRUCT(message, MESSAGE_ROW);
#define ROW_SELF struct message
ROW_TYPE(message, MESSAGE_ROW);
#undef ROW_SELF

int outbox_add(struct call *c, const char *kind, const char *name, id_t64 subject_id, usec_t due)
{
    struct outbox_row row = {.id = id_new(),
                             .tenant_id = c->principal.tenant_id,
                             .kind = str_from(kind),
                             .name = str_from(name),
                             .subject_id = subject_id,
                             .due = due};
    TRY(sql_append(c->sql, "outbox", &outbox_row_row, &row));
    if (c->app->outbox)
        writer_wake_after_commit(c, c->app->outbox->job);
    return OK;
}

int outbox_timer(struct call *c, const char *timer, id_t64 subject_id, usec_t due)
{
    return outbox_add(c, "timer", timer, subject_id, due);
}

const char *message_channel_name(enum message_channel channel)
{
    switch (channel) {
    case MESSAGE_EMAIL:
        return "email";
    case MESSAGE_SMS:
        return "sms";
    case MESSAGE_PUSH:
        return "push";
    }
    return "email";
}

int outbox_message(struct call *c, enum message_channel channel, struct str to, struct str subject,
                   struct str text)
{
    struct message row = {.id = id_new(),
                          .tenant_id = c->principal.tenant_id,
                          .channel = str_from(message_channel_name(channel)),
                          .recipient = to,
                          .subject = subject,
                          .body = text,
                          .status = STR("queued"),
                          .created_at = c->now};
    TRY(sql_insert(c->sql, "message", &message_row, &row));
    return outbox_add(c, "message", NULL, row.id, c->now);
}

usec_t outbox_backoff(int64_t attempts, usec_t longest)
{
    int64_t doublings = attempts > 1 ? attempts - 1 : 0;
    usec_t delay = doublings > 30 ? longest : USEC_PER_SEC << doublings;
    return delay < longest ? delay : longest;
}
