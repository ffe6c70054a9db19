/* Opens the database that the settings name. */
#include "cli/database.h"

#include <stdlib.h>

struct store_options database_options(struct arena *arena, const struct config *config)
{
    struct store_options options = {.database = config->database, .key_file = config->key_file};
    if (str_empty(options.database))
        options.database = arena_printf(arena, "%.*s/cambist.db", STR_FMT(config->data));
    if (str_empty(options.key_file) && !getenv("CAMBIST_KEY"))
        options.key_file = arena_printf(arena, "%.*s/master.key", STR_FMT(config->data));
    if (str_empty(options.key_file))
        options.key_file = STR_NONE;
    options.create_key = config->sandbox;
    return options;
}

int database_open(struct arena *arena, int argc, char **argv, const char *rest_of_help,
                  bool beside_server, struct config *ret_config, struct store **ret_store)
{
    struct str why = STR_NONE;
    enum config_result result = config_load(arena, argc, argv, ret_config, &why);
    if (result == CONFIG_HELP) {
        printf("%s", rest_of_help ? rest_of_help : "");
        config_print_help(stdout, (const char *const[]){"data", "database", "key_file", NULL});
        exit(0);
    }
    if (result == CONFIG_BAD) {
        fprintf(stderr, "cambist: %.*s\n", STR_FMT(why));
        return 2;
    }
    struct store_options options = database_options(arena, ret_config);
    options.read_only = beside_server;
    if (store_open(&options, ret_store, &why)) {
        fprintf(stderr, "cambist: %.*s\n", STR_FMT(why));
        return 1;
    }
    return 0;
}
