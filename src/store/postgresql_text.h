/* SQL as it is written here -> SQL as PostgreSQL takes it. */
#ifndef STORE_POSTGRESQL_TEXT_H
#define STORE_POSTGRESQL_TEXT_H

/* '?' becomes $1, $2 ... outside of strings and comments, and SQL_FOR_UPDATE becomes FOR UPDATE. A
 * parameter that is only asked whether it IS NULL gets a type. malloc'ed. */
char *postgresql_text(const char *query, unsigned *ret_parameters);

#endif
