/*
 * Veriff: identity reviews. Only its decisions come in; nothing is asked of it. Callbacks:
 * X-HMAC-SIGNATURE, hexadecimal HMAC-SHA256 over the body with the shared secret.
 */
#include "base/digest.h"
#include "provider/connector.h"

static const struct connector_operation operations[] = {{0}};
static const struct connector connector = {.operations = operations};

/* What the decision says is for whom it is about (dialect/pcx): this is no event of money. */
static int verify(struct arena *arena, const struct provider_settings *settings,
                  struct str (*header)(void *context, const char *name), void *context,
                  struct str raw_body, struct provider_event *ret_event)
{
    struct str signature = header(context, "x-hmac-signature");
    const struct json *event;
    *ret_event = (struct provider_event){0};
    if (str_empty(settings->secret) || str_empty(signature) ||
        !str_eq_secret(digest_hmac_sha256_hex(arena, settings->secret, raw_body),
                       connector_lower(arena, signature)))
        return ERR_UNAUTHENTICATED;
    return json_parse(arena, raw_body, &event) ? ERR_MALFORMED_JSON : OK;
}

const struct provider provider_veriff = {
    .name = "veriff", .connector = &connector, .verify = verify};
