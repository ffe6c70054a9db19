/*
 * VaultsPay: a Bearer token of an app's login, and the device headers on everything that is not
 * exempt: x-device-os is SAAS, x-device-id the app's id.
 */
#include <arpa/inet.h>

#include "base/config.h"
#include "core/app.h"
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

/* Do the first `bits` of both agree? */
static bool same_network(const uint8_t *a, const uint8_t *b, int64_t bits)
{
    size_t whole = (size_t)bits / 8;
    unsigned rest = (unsigned)bits % 8;

    return memcmp(a, b, whole) == 0 && (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

/* An entry that cannot be read lets nobody in. */
static bool is_within(struct call *c, struct str network)
{
    struct str address = str_trim(str_cut(&network, '/'));
    bool six = address.len && memchr(address.ptr, ':', address.len);
    int family = six ? AF_INET6 : AF_INET;
    int64_t bits = six ? 128 : 32, most = bits;
    uint8_t listed[16], caller[16];

    if (str_present(network) && !str_to_i64(str_trim(network), &bits))
        return false;
    return bits >= 0 && bits <= most &&
           inet_pton(family, arena_cstr(c->arena, address), listed) == 1 &&
           inet_pton(family, arena_cstr(c->arena, c->client_address), caller) == 1 &&
           same_network(listed, caller, bits);
}

static int check_address(struct call *c)
{
    struct str rest = c->app->config->vaultspay_addresses;

    if (str_empty(rest))
        return OK;
    while (str_present(rest))
        if (is_within(c, str_trim(str_cut(&rest, ','))))
            return OK;
    return ERR_ADDRESS_NOT_LISTED;
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
            error = check_address(c);
        if (!error && !(c->route->flags & ROUTE_NOT_ENCRYPTED))
            error = check_device(c, 0);
        c->principal = (struct principal){0};
        if (!error)
            error = tenant_of_host(c, c->host, &c->principal.tenant_id);
    } else {
        error = check_address(c);
        if (!error)
            error = read_credentials(c);
        if (!error)
            error = check_device(c, c->principal.app_id);
    }
    c->principal.dialect = DIALECT_VAULTSPAY;
    return error ? call_refuse(c, error, NULL) : OK;
}
