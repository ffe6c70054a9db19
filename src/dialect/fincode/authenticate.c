/*
 * FinCode: the raw token in X-Auth-Token (or, as one page has it, Authorization: Bearer). The
 * tenant comes from the host name, and a token of another tenant opens nothing there.
 */
#include "core/identity/credentials.h"
#include "core/identity/tenant.h"
#include "dialect/fincode/fincode.h"

static int read_credentials(struct call *c, struct principal *ret_principal)
{
    struct str token = call_header(c, "X-Auth-Token");
    if (str_empty(token))
        token = credentials_bearer(call_header(c, "Authorization"));
    if (str_empty(token))
        return ERR_UNAUTHENTICATED;
    return credentials_check_token(c, token, SESSION_FINCODE, ret_principal);
}

int fincode_authenticate(struct call *c)
{
    id_t64 tenant_id;
    int error = tenant_of_host(c, c->host, &tenant_id);
    if (error)
        return call_refuse(c, error, NULL);
    error = read_credentials(c, &c->principal);
    if (!error && c->principal.tenant_id != tenant_id)
        error = ERR_FORBIDDEN;
    c->principal.dialect = DIALECT_FINCODE;
    if (!error)
        return OK;
    bool about_token = error == ERR_UNAUTHENTICATED || error == ERR_TOKEN_EXPIRED ||
                       error == ERR_INVALID_TOKEN || error == ERR_FORBIDDEN;
    if (c->route && (c->route->flags & ROUTE_PUBLIC) && about_token) {
        c->principal = (struct principal){.tenant_id = tenant_id, .dialect = DIALECT_FINCODE};
        return OK;
    }
    return call_refuse(c, error, NULL);
}
