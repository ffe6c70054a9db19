/*
 * Events as PCX documents them: {event_id, event_type, created_at, data}; X-PCX-Signature is the
 * lower-case hexadecimal HMAC-SHA256 of the body, without prefix or timestamp. The platform's own
 * endpoints get the same.
 */
#include "base/digest.h"
#include "base/json_build.h"
#include "core/webhook/style.h"

static bool render(struct arena *arena, const struct webhook_occurrence *event,
                   struct str *ret_body)
{
    struct buf out = json_object(arena);
    json_put(&out, "event_id", id_print(arena, ID_EVENT, event->event_id));
    json_put(&out, "event_type", event->event_type);
    json_put(&out, "created_at", time_print(arena, event->created_at, TIME_RFC3339));
    json_put_json(&out, "data", event->data);
    *ret_body = json_object_end(&out);
    return true;
}

/* One header holds one signature, so a rotated secret's goes into a header of its own. */
static size_t sign(struct arena *arena, const struct webhook_occurrence *event, struct str secret,
                   struct str previous_secret, usec_t now, struct str body,
                   struct header headers[WEBHOOK_MAX_HEADERS])
{
    (void)event;
    (void)now;
    headers[0] =
        (struct header){STR("X-PCX-Signature"), digest_hmac_sha256_hex(arena, secret, body)};
    if (!str_present(previous_secret))
        return 1;
    headers[1] = (struct header){STR("X-PCX-Signature-Previous"),
                                 digest_hmac_sha256_hex(arena, previous_secret, body)};
    return 2;
}

const struct webhook_style pcx_webhook_style = {
    .name = "pcx", .render = render, .sign = sign, .next_attempt = webhook_retry_for_a_day};
const struct webhook_style platform_webhook_style = {
    .name = "platform", .render = render, .sign = sign, .next_attempt = webhook_retry_for_a_day};
