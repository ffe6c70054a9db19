/*
 * Providers as the core sees them: settings, questions asked at once (provider_ask), instructions
 * that go through the outbox (outbox_instruct), and callbacks. Nothing outside this folder knows
 * how an instruction fares.
 *
 * An instruction is queued -> pending -> succeeded | failed. Only a provider's own words end it: no
 * answer, an answer that says nothing we know, and an old age leave it pending, asked again later,
 * with an alert.
 */
#ifndef CORE_PROVIDER_PROVIDERS_H
#define CORE_PROVIDER_PROVIDERS_H

#include "core/outbox.h"
#include "provider/provider.h"
#include "store/row.h"

/* ---- Settings ---- */

/* Reads provider.<name>.{base_url,api_key,secret,public_key,merchant_id,wallet_id} of the
 * configuration (defaults: the providers' production addresses) into app->providers. */
int providers_start(struct app *app);
/* The sandbox's own. Before the server takes requests; the texts are copied. */
void providers_set(struct app *app, const char *name, const struct provider_settings *settings);
/* ERR_UNKNOWN_PROVIDER: no such connector; ERR_UNAVAILABLE: no credentials configured. */
int providers_find(const struct app *app, struct str name, const struct provider **ret_provider,
                   struct provider_settings *ret_settings);
/* Who does it for this currency, unless the client says otherwise: naira accounts squad, naira
 * payouts and look-ups sarepay, everything else bridge. `operation` is a connector's. */
const char *provider_for(const char *operation, const struct asset *asset);

/* ---- Questions, asked at once: for prepare steps and other work on workers ---- */

/*
 * Blocks. 0 with *ret_outcome; ERR_UNKNOWN_PROVIDER, ERR_UNAVAILABLE, ERR_NOT_FOUND (no such
 * operation there), ERR_REQUIRED (the body lacks something). Does what has to be done first, too.
 * `reference` is the idempotency key.
 */
int provider_ask(struct app *app, struct arena *arena, struct str provider, const char *operation,
                 struct str reference, struct str body_json, struct provider_outcome *ret_outcome);
/* The same for a handler that cannot go on without: anything but PROVIDER_SUCCEEDED is refused,
 * with ERR_PROVIDER_REFUSED and the provider's reason, or ERR_PROVIDER_UNAVAILABLE. */
int provider_require(struct call *c, struct str provider, const char *operation,
                     struct str reference, struct str body_json, const char *field,
                     struct provider_outcome *ret_outcome);
/* A fresh idempotency key: "prq_...". */
struct str provider_new_reference(struct arena *arena);

/* ---- Callbacks ---- */

/*
 * For the prepare step of a provider's callback (signatures take time, and anybody may send
 * nonsense): checks the signature over c->raw_body. ERR_UNKNOWN_PROVIDER; ERR_UNAUTHENTICATED
 * without a right signature.
 */
int provider_verify_event(struct call *c, struct str provider_name);
/* For its handler: stores the event once and leaves its effect to the outbox. An event that is
 * known already is a success without effect. */
int provider_store_event(struct call *c);
/* Forgets events of all tenants that came before `before` and had their effect, at most `limit`. What belongs to nobody
 * or waits is kept. */
int provider_prune_events(struct call *c, usec_t before, int64_t limit, int64_t *ret_count);

/* ---- Instructions, for the console and tests ---- */

#define PROVIDER_INSTRUCTION_ROW(F) \
    F(INTEGER, id)                  \
    F(INTEGER, tenant_id)           \
    F(TEXT, provider)               \
    F(TEXT, operation)              \
    F(INTEGER, subject_id)          \
    F(SECRET, body)                 \
    F(TEXT, status)                 \
    F(TEXT, provider_reference)     \
    F(TEXT, reason)                 \
    F(INTEGER, attempts)            \
    F(INTEGER, polls)               \
    F(INTEGER, created_at)          \
    F(INTEGER, updated_at)
ROW_STRUCT(provider_instruction, PROVIDER_INSTRUCTION_ROW);

/* The newest instruction for `operation` (a row of provider_operations.def) about the subject;
 * ERR_NOT_FOUND. */
int provider_find_instruction(struct call *c, const char *operation, id_t64 subject_id,
                              struct provider_instruction *ret_instruction);
/*
 * In the writer: somebody learned by another way how what was instructed ended. Nothing more is sent or asked; a
 * provider that says otherwise later raises an alert.
 */
int provider_end_instruction(struct call *c, const char *operation, id_t64 subject_id,
                             bool succeeded);

#endif
