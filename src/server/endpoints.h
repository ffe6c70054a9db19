/* Endpoints: what the server says about itself. */
#ifndef SERVER_ENDPOINTS_H
#define SERVER_ENDPOINTS_H

#include "server/pipeline.h"

/* Fills status, reply and content_type of the exchange. */
typedef void endpoint_function(struct exchange *x);

#define ENDPOINT(path, function) endpoint_function function;
#include "server/endpoints.def"
#undef ENDPOINT

/* NULL: not one of them. */
endpoint_function *endpoint_find(struct str path);

/* While draining, /readyz says no, so that load balancers look elsewhere. */
void endpoint_set_draining(void);

#endif
