/*
 * E-mail, SMS and push that left through the outbox. E-mail goes to the SMTP server of the
 * configuration, and the text is wiped once it is on its way, because it may be a code. The sandbox
 * keeps the texts: its inbox is this table, and it needs no SMTP server.
 */
#include "core/message/message.h"

#include <curl/curl.h>

#include "base/config.h"
#include "base/log.h"
#include "core/app.h"
#include "core/outbox.h"
#include "core/work.h"
#include "store/sql.h"

#define SMTP_TIMEOUT_MS 30000L
#define MAX_ATTEMPTS 12

#define OUTGOING_ROW(F)   \
    F(INTEGER, id)        \
    F(INTEGER, tenant_id) \
    F(TEXT, channel)      \
    F(TEXT, recipient)    \
    F(TEXT, subject)      \
    F(SECRET, body)       \
    F(TEXT, status)
ROW_STRUCT(outgoing, OUTGOING_ROW);
#define ROW_SELF struct outgoing
ROW_TYPE(outgoing, OUTGOING_ROW);
#undef ROW_SELF

/* ---- SMTP ---- */

/* Header values carry no line breaks: nobody adds headers through a subject. */
static struct str one_line(struct arena *arena, struct str text)
{
    struct str copy = arena_copy(arena, text);
    for (size_t i = 0; i < copy.len; i++)
        if (copy.ptr[i] == '\r' || copy.ptr[i] == '\n')
            ((char *)(uintptr_t)copy.ptr)[i] = ' ';
    return copy;
}

struct upload {
    struct str text;
    size_t sent;
};

static size_t give_text(char *out, size_t size, size_t count, void *context)
{
    struct upload *upload = context;
    size_t left = upload->text.len - upload->sent, room = size * count;
    size_t len = left < room ? left : room;
    memcpy(out, upload->text.ptr + upload->sent, len);
    upload->sent += len;
    return len;
}

static struct str mail_text(struct arena *arena, struct str from, const struct outgoing *message)
{
    struct buf out = buf_new(arena, message->body.len + 512);
    struct str subject = one_line(arena, message->subject);
    buf_printf(&out,
               "From: %.*s\r\nTo: %.*s\r\nSubject: %.*s\r\nMIME-Version: 1.0\r\n"
               "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
               STR_FMT(one_line(arena, from)), STR_FMT(one_line(arena, message->recipient)),
               STR_FMT(subject));
    for (size_t i = 0; i < message->body.len; i++) {
        if (message->body.ptr[i] == '\n' && (i == 0 || message->body.ptr[i - 1] != '\r'))
            buf_add_char(&out, '\r');
        buf_add_char(&out, message->body.ptr[i]);
    }
    return buf_str(&out);
}

static int send_mail(struct call *c, const struct outgoing *message)
{
    const struct config *config = c->app->config;
    CURL *curl = curl_easy_init();
    if (!curl)
        return ERR_INTERNAL;
    struct upload upload = {.text = mail_text(c->arena, config->mail_from, message)};
    struct curl_slist *recipients =
        curl_slist_append(NULL, arena_cstr(c->arena, one_line(c->arena, message->recipient)));
    curl_easy_setopt(curl, CURLOPT_URL, arena_cstr(c->arena, config->smtp_url));
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)CURLUSESSL_TRY);
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, arena_cstr(c->arena, config->mail_from));
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_text);
    curl_easy_setopt(curl, CURLOPT_READDATA, &upload);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, SMTP_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    CURLcode code = curl_easy_perform(curl);
    if (code != CURLE_OK)
        log_warn("an e-mail was not taken", LOG_INT("message", message->id),
                 LOG_CSTR("reason", curl_easy_strerror(code)));
    curl_slist_free_all(recipients);
    curl_easy_cleanup(curl);
    return code == CURLE_OK ? OK : ERR_UNAVAILABLE;
}

/* ---- The outbox's work ---- */

struct result {
    id_t64 id;
    const char *status;
    bool wipe;
};

static int record_result(struct call *c, void *argument)
{
    const struct result *result = argument;
    TRY(sql_run(c->sql, "UPDATE message SET status = ?, sent_at = ? WHERE tenant_id = ? AND id = ?",
                sql_text(str_from(result->status)), sql_int(c->now),
                sql_int(c->principal.tenant_id), sql_int(result->id)));
    if (!result->wipe)
        return OK;
    return sql_run(c->sql, "UPDATE message SET body = NULL WHERE tenant_id = ? AND id = ?",
                   sql_int(c->principal.tenant_id), sql_int(result->id));
}

int message_perform(struct call *c, const struct outbox_row *row, usec_t *ret_due)
{
    (void)ret_due;
    struct outgoing message;
    TRY(sql_one(c->sql, c->arena, &outgoing_row, &message,
                ROW_SELECT(OUTGOING_ROW) " FROM message WHERE tenant_id = ? AND id = ?",
                sql_int(row->tenant_id), sql_int(row->subject_id)));
    struct result result = {.id = message.id, .status = "sent", .wipe = !c->app->sandbox};
    if (c->app->sandbox && str_empty(c->app->config->smtp_url))
        return writer_run(c, record_result, &result);
    bool mail = str_is(message.channel, "email") && !str_empty(c->app->config->smtp_url);
    int error = mail ? send_mail(c, &message) : ERR_UNAVAILABLE;
    if (error && mail && row->attempts < MAX_ATTEMPTS)
        return error;
    if (error) {
        log_error("a message cannot be sent", LOG_INT("message", message.id),
                  LOG_STR("channel", message.channel));
        result.status = "failed";
    }
    return writer_run(c, record_result, &result);
}

/* ---- Upkeep ---- */

int message_prune(struct call *c, usec_t before, int64_t limit, int64_t *ret_count)
{
    return sql_change(c->sql, ret_count,
                      "DELETE FROM message WHERE id IN (SELECT id FROM message WHERE id < ?"
                      " AND status IN ('sent', 'failed') ORDER BY id LIMIT ?)",
                      sql_int(id_at(before)), sql_int(limit));
}
