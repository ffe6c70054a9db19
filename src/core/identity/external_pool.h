/*
 * An external Cognito pool whose tokens are taken beside our own: for teams that keep their users
 * there. Its key set (setting cognito_jwks_url) is fetched by a worker at start, hourly, and when a
 * token names a key we do not know. The person is found by user name or e-mail address in the
 * default tenant.
 */
#ifndef CORE_IDENTITY_EXTERNAL_POOL_H
#define CORE_IDENTITY_EXTERNAL_POOL_H

#include "core/app.h"
#include "core/call.h"

struct external_pool;

/* NULL when no pool is configured. */
struct external_pool *external_pool_start(struct app *app);
struct external_pool *external_pool_free(struct external_pool *pool);
/* As credentials_check_token, and cached as there. ERR_INVALID_TOKEN when no pool is configured or it did not sign the
 * token. */
int external_pool_check_token(struct call *c, struct str text, struct principal *ret_principal);

#endif
