/* FinCode: what its files share. */
#ifndef DIALECT_FINCODE_FINCODE_H
#define DIALECT_FINCODE_FINCODE_H

#include "dialect/dialect.h"

int fincode_authenticate(struct call *c);
/* fields.c: the clear text of a field; refused with ERR_INVALID for `field`, always alike. For prepare steps. */
int fincode_open_field(struct call *c, bool encrypted, struct str value, const char *field,
                       struct str *ret_clear);

#endif
