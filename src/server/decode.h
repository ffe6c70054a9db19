/* Requests: from path, query, headers and body to the handler's struct. */
#ifndef SERVER_DECODE_H
#define SERVER_DECODE_H

#include "server/pipeline.h"

/* Makes and fills x->in. The first of the call's problems is the error. */
int exchange_decode(struct exchange *x);
/* A value of the query string; absent when it is not there. */
struct str exchange_query(const struct exchange *x, struct str name);

#endif
