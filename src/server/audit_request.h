/* What the audit trail keeps of a request. */
#ifndef SERVER_AUDIT_REQUEST_H
#define SERVER_AUDIT_REQUEST_H

#include "core/route.h"

/*
 * The request of c->route as JSON, sensitive members masked; absent when it takes nothing. One of up to 2 KB is kept
 * whole. Of a longer one, or a form, the beginning of each text and list, and under "abridged" the length
 * of its body with its SHA-256, by which it can be known again. A body with sensitive members
 * (`sensitive`) gets no digest, from which they might be guessed.
 */
struct str audit_request(struct call *c, const void *in, bool sensitive);

#endif
