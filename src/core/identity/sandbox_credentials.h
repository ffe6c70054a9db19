/*
 * What `cambist credentials` prints, kept encrypted in the store: each value under a dotted name
 * ("pcx.org_admin.api_key"). Made at the first start of a sandbox, by whoever seeds the thing, and
 * stable afterwards.
 */
#ifndef CORE_IDENTITY_SANDBOX_CREDENTIALS_H
#define CORE_IDENTITY_SANDBOX_CREDENTIALS_H

#include "core/call.h"

/* In the writer. Adds or replaces; `value` is text, or with _json a JSON value. */
int sandbox_credential_put(struct call *c, const char *name, struct str value);
int sandbox_credential_put_json(struct call *c, const char *name, struct str json);
/* ERR_NOT_FOUND is returned, not refused. *ret_json is a JSON value. */
int sandbox_credential_get(struct sql *sql, struct arena *arena, const char *name,
                           struct str *ret_json);
/* The whole as one indented JSON object, groups in the order in which they were made. */
int sandbox_credentials_print(struct sql *sql, struct arena *arena, struct str *ret_document);

#endif
