/* The platform dialect: what its files share. */
#ifndef DIALECT_PLATFORM_PLATFORM_H
#define DIALECT_PLATFORM_PLATFORM_H

#include "dialect/dialect.h"

int platform_authenticate(struct call *c);

/* Staff names records in any dialect's form: "va_...", the integer VaultsPay shows, FinCode's UUID. A text that
 * is none of them is ERR_NOT_FOUND for `field`. */
int platform_read_id(struct call *c, enum id_kind kind, struct str text, const char *field,
                     id_t64 *ret_id);

/* "usr_..."; absent for 0. */
struct str platform_id_or_none(struct call *c, enum id_kind kind, id_t64 id);

#endif
