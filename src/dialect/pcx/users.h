/* How PCX shows people; users.c. */
#ifndef DIALECT_PCX_USERS_H
#define DIALECT_PCX_USERS_H

#include "core/identity/user.h"
#include "generated/pcx.h"

/* Identity numbers are shown to the person, its administrators and staff only. */
int pcx_show_user(struct call *c, const struct user *user, struct pcx_user *out);
int pcx_show_new_user(struct call *c, const struct user *user, struct pcx_user **ret_user);

/* Refuse `field` for a name of nothing but blanks, and date_of_birth unless "2006-01-31" and not in the
 * future. Absent is fine. */
int pcx_check_name(struct call *c, struct str name, const char *field);
int pcx_check_birth(struct call *c, struct str date);
/* The membership that goes with a type of user; nothing else gives rights in an organisation. */
struct str pcx_member_role_of_type(struct str type);

#endif
