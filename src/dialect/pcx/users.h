/* How PCX shows people; users.c. */
#ifndef DIALECT_PCX_USERS_H
#define DIALECT_PCX_USERS_H

#include "core/identity/user.h"
#include "generated/pcx.h"

/* Identity numbers are shown to the person, its administrators and staff only. */
int pcx_show_user(struct call *c, const struct user *user, struct pcx_user *out);
int pcx_show_new_user(struct call *c, const struct user *user, struct pcx_user **ret_user);

#endif
