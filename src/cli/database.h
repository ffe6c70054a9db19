/* The database that the settings name, for the commands that work on it. */
#ifndef CLI_DATABASE_H
#define CLI_DATABASE_H

#include "base/config.h"
#include "store/sql.h"

/* Paths of the settings with their defaults filled in (DATA/cambist.db, DATA/master.key). */
struct store_options database_options(struct arena *arena, const struct config *config);
/*
 * Reads the settings from argv and opens the database; on failure says why on stderr and returns an
 * exit code. `rest_of_help`, if not NULL, is printed for --help before the settings.
 * `beside_server`: reads only.
 */
int database_open(struct arena *arena, int argc, char **argv, const char *rest_of_help,
                  bool beside_server, struct config *ret_config, struct store **ret_store);

#endif
