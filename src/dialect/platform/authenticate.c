/* Our own dialect: PCX's two headers, a Bearer token of any of our logins, or the console's
 * cookie. */
#include "core/identity/credentials.h"
#include "core/identity/tenant.h"
#include "dialect/platform/platform.h"

#define TOKEN_KINDS (SESSION_COGNITO | SESSION_FINCODE | SESSION_CONSOLE)

/* The value of one cookie of the Cookie header. */
static struct str cookie(struct call *c, const char *name)
{
    struct str rest = call_header(c, "Cookie");
    while (str_present(rest)) {
        struct str value = str_trim(str_cut(&rest, ';'));
        struct str key = str_cut(&value, '=');
        if (str_is(key, name))
            return value;
    }
    return STR_NONE;
}

/* A browser sends the cookie by itself; what another site made it send is not the person's wish. */
static bool sent_by_another_site(struct call *c)
{
    struct str site = call_header(c, "Sec-Fetch-Site");
    bool writes = c->route && c->route->method != HTTP_GET;
    return writes && str_present(site) && !str_is(site, "same-origin") && !str_is(site, "none");
}

static int read_credentials(struct call *c, struct principal *ret_principal)
{
    struct str authorization = call_header(c, "Authorization");
    struct str key = call_header(c, "X-Api-Key");
    bool by_token = str_present(authorization) && !str_is(authorization, "NONE");
    bool by_key = str_present(key) && !str_is(key, "NONE");
    if (by_token && by_key)
        return ERR_UNAUTHENTICATED;
    if (by_key)
        return credentials_check_api_key(c, key, ret_principal);
    if (by_token)
        return credentials_check_token(c, credentials_bearer(authorization), TOKEN_KINDS,
                                       ret_principal);
    struct str session = cookie(c, "cambist_session");
    if (str_empty(session))
        return ERR_UNAUTHENTICATED;
    if (sent_by_another_site(c))
        return ERR_FORBIDDEN;
    return credentials_check_token(c, session, SESSION_CONSOLE, ret_principal);
}

int platform_authenticate(struct call *c)
{
    int error = read_credentials(c, &c->principal);
    c->principal.dialect = DIALECT_PLATFORM;
    bool about_token =
        error == ERR_UNAUTHENTICATED || error == ERR_TOKEN_EXPIRED || error == ERR_INVALID_TOKEN;
    if (about_token && c->route && (c->route->flags & ROUTE_PUBLIC)) {
        c->principal = (struct principal){.dialect = DIALECT_PLATFORM};
        return tenant_of_host(c, c->host, &c->principal.tenant_id);
    }
    return error ? call_refuse(c, error, NULL) : OK;
}
