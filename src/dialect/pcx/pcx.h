/* PCX: what its files share. */
#ifndef DIALECT_PCX_PCX_H
#define DIALECT_PCX_PCX_H

#include "dialect/dialect.h"

int pcx_authenticate(struct call *c);

#endif
