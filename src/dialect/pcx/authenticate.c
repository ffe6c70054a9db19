/* Who calls: until a credential is recognised, nobody does. */
#include "dialect/pcx/pcx.h"

int pcx_authenticate(struct call *c)
{
    if (c->route->flags & ROUTE_PUBLIC)
        return OK;
    return call_refuse(c, ERR_UNAUTHENTICATED, NULL);
}
