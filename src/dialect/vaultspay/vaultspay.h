/* VaultsPay: what its files share. */
#ifndef DIALECT_VAULTSPAY_VAULTSPAY_H
#define DIALECT_VAULTSPAY_VAULTSPAY_H

#include "dialect/dialect.h"

int vaultspay_authenticate(struct call *c);
/* envelope.c */
int vaultspay_open_envelope(struct call *c);
int vaultspay_render_reply(struct call *c, int status, struct str *body);

#endif
