/*
 * Events as VaultsPay documents them: transfers flat ({transactionId, amount, status, refId}), card
 * events with id, type and occurred_at in front. VaultsPay-Signature: t=<unix seconds>,v1=<hex
 * HMAC-SHA256 of "<t>.<body>">, and VaultsPay-Event-Id. While a rotated secret is good, a second v1
 * is made with it. Three attempts: at once, after 30 seconds, after 5 minutes.
 */
#include "base/digest.h"
#include "base/json_build.h"
#include "core/webhook/style.h"

static bool render_card(struct arena *arena, const struct webhook_occurrence *event,
                        struct str *ret_body)
{
    const struct json *data;
    if (json_parse(arena, event->data, &data) != OK)
        return false;
    struct buf out = json_object(arena);
    json_put(&out, "id", id_print(arena, ID_EVENT, event->event_id));
    json_put(&out, "type", event->event_type);
    json_put(&out, "occurred_at", time_print(arena, event->created_at, TIME_RFC3339_SECONDS));
    for (size_t i = 0; i < json_count(data); i++)
        json_put_json(&out, arena_cstr(arena, json_key_at(data, i)),
                      json_print(arena, json_at(data, i)));
    *ret_body = json_object_end(&out);
    return true;
}

static bool render(struct arena *arena, const struct webhook_occurrence *event,
                   struct str *ret_body)
{
    if (str_is(event->event_type, "TRANSACTION_PERFORMED")) {
        *ret_body = event->data;
        return true;
    }
    return str_starts(event->event_type, STR("card.status.")) &&
           render_card(arena, event, ret_body);
}

static size_t sign(struct arena *arena, const struct webhook_occurrence *event, struct str secret,
                   struct str previous_secret, usec_t now, struct str body,
                   struct header headers[WEBHOOK_MAX_HEADERS])
{
    struct str time = arena_printf(arena, "%lld", (long long)(now / USEC_PER_SEC));
    struct str message = arena_printf(arena, "%.*s.%.*s", STR_FMT(time), STR_FMT(body));
    struct buf value = buf_new(arena, 256);
    buf_printf(&value, "t=%.*s,v1=%.*s", STR_FMT(time),
               STR_FMT(digest_hmac_sha256_hex(arena, secret, message)));
    if (str_present(previous_secret))
        buf_printf(&value, ",v1=%.*s",
                   STR_FMT(digest_hmac_sha256_hex(arena, previous_secret, message)));
    headers[0] =
        (struct header){STR("VaultsPay-Event-Id"), id_print(arena, ID_EVENT, event->event_id)};
    headers[1] = (struct header){STR("VaultsPay-Signature"), buf_str(&value)};
    return 2;
}

static usec_t next_attempt(unsigned attempts, usec_t first_attempt, usec_t now)
{
    (void)first_attempt;
    if (attempts == 1)
        return now + 30 * USEC_PER_SEC;
    return attempts == 2 ? now + 5 * USEC_PER_MINUTE : 0;
}

const struct webhook_style vaultspay_webhook_style = {
    .name = "vaultspay", .render = render, .sign = sign, .next_attempt = next_attempt};
