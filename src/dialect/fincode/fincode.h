/* FinCode: what its files share. */
#ifndef DIALECT_FINCODE_FINCODE_H
#define DIALECT_FINCODE_FINCODE_H

#include "dialect/dialect.h"

int fincode_authenticate(struct call *c);

#endif
