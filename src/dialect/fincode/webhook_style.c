/*
 * Events as FinCode documents them: TRANSACTION_STATUS only, one flat object each. No signature is
 * documented, though one is asked for before going live: X-FinCode-Signature, the hexadecimal
 * HMAC-SHA256 of the body, is our addition.
 */
#include "base/digest.h"
#include "core/webhook/style.h"

static bool render(struct arena *arena, const struct webhook_occurrence *event,
                   struct str *ret_body)
{
    (void)arena;
    *ret_body = event->data;
    return str_is(event->event_type, "TRANSACTION_STATUS");
}

static size_t sign(struct arena *arena, const struct webhook_occurrence *event, struct str secret,
                   struct str previous_secret, usec_t now, struct str body,
                   struct header headers[WEBHOOK_MAX_HEADERS])
{
    (void)event;
    (void)previous_secret;
    (void)now;
    headers[0] =
        (struct header){STR("X-FinCode-Signature"), digest_hmac_sha256_hex(arena, secret, body)};
    return 1;
}

const struct webhook_style fincode_webhook_style = {
    .name = "fincode", .render = render, .sign = sign, .next_attempt = webhook_retry_for_a_day};
