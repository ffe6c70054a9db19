/*
 * PCX's two headers: every request carries Authorization and X-Api-Key, and the one not in use says
 * NONE. All that is wrong with them is one and the same 401, as documented.
 */
#include "core/identity/credentials.h"
#include "core/identity/external_pool.h"
#include "core/identity/tenant.h"
#include "dialect/pcx/pcx.h"

/* What the two headers prove; ERR_UNAUTHENTICATED for each of the five documented cases, and for
 * two credentials at once, which is not documented. */
static int read_credentials(struct call *c, struct principal *ret_principal)
{
    struct str authorization = call_header(c, "Authorization");
    struct str key = call_header(c, "X-Api-Key");
    if (!str_present(authorization) || !str_present(key))
        return ERR_UNAUTHENTICATED;
    bool by_token = !str_is(authorization, "NONE");
    bool by_key = !str_is(key, "NONE");
    if (by_token == by_key)
        return ERR_UNAUTHENTICATED;
    if (by_key)
        return credentials_check_api_key(c, key, ret_principal);
    struct str token = credentials_bearer(authorization);
    int error = credentials_check_token(c, token, SESSION_COGNITO, ret_principal);
    if (error == ERR_INVALID_TOKEN)
        error = external_pool_check_token(c, token, ret_principal);
    return error == ERR_INVALID_TOKEN || error == ERR_TOKEN_EXPIRED ? ERR_UNAUTHENTICATED : error;
}

int pcx_authenticate(struct call *c)
{
    int error = read_credentials(c, &c->principal);
    c->principal.dialect = DIALECT_PCX;
    if (error && c->route && (c->route->flags & ROUTE_PUBLIC) && error == ERR_UNAUTHENTICATED) {
        /* Nobody in particular: a credential that proves nothing is as good as none here. */
        c->principal = (struct principal){.dialect = DIALECT_PCX};
        return tenant_of_host(c, c->host, &c->principal.tenant_id);
    }
    return error ? call_refuse(c, error, NULL) : OK;
}
