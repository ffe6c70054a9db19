/* VaultsPay: what its files share. */
#ifndef DIALECT_VAULTSPAY_VAULTSPAY_H
#define DIALECT_VAULTSPAY_VAULTSPAY_H

#include "dialect/dialect.h"

int vaultspay_authenticate(struct call *c);

#endif
