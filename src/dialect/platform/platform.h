/* The platform dialect: what its files share. */
#ifndef DIALECT_PLATFORM_PLATFORM_H
#define DIALECT_PLATFORM_PLATFORM_H

#include "dialect/dialect.h"

int platform_authenticate(struct call *c);

#endif
