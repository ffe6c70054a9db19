/*
 * VaultsPay: a Bearer token of an app's login, and the device headers on everything that is not
 * exempt: x-device-os is SAAS, x-device-id the app's id.
 */
#include "core/identity/credentials.h"
#include "core/identity/tenant.h"
#include "dialect/vaultspay/vaultspay.h"

static int check_device(struct call *c, id_t64 app_id)
{
    int64_t device_id;
    if (!str_is(call_header(c, "x-device-os"), "SAAS") ||
        !str_to_i64(call_header(c, "x-device-id"), &device_id) || (app_id && device_id != app_id))
        return ERR_INVALID_HEADERS;
    return OK;
}

static int read_credentials(struct call *c)
{
    struct str token = credentials_bearer(call_header(c, "Authorization"));
    if (str_empty(token))
        return ERR_UNAUTHENTICATED;
    return credentials_check_token(c, token, SESSION_VAULTSPAY, &c->principal);
}

int vaultspay_authenticate(struct call *c)
{
    int error = OK;
    if (c->route && (c->route->flags & ROUTE_PUBLIC)) {
        /* Logging in makes the credential; whose app it is, the handler finds out. */
        if (!(c->route->flags & ROUTE_NOT_ENCRYPTED))
            error = check_device(c, 0);
        c->principal = (struct principal){0};
        if (!error)
            error = tenant_of_host(c, c->host, &c->principal.tenant_id);
    } else {
        error = read_credentials(c);
        if (!error)
            error = check_device(c, c->principal.app_id);
    }
    c->principal.dialect = DIALECT_VAULTSPAY;
    return error ? call_refuse(c, error, NULL) : OK;
}
