/* Settings of the program (config.def), from file, environment and flags. Read-only once loaded. */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include <stdio.h>

#include "base/arena.h"

struct config {
#define CONFIG_TEXT(name, default_text, help) struct str name;
#define CONFIG_NUMBER(name, default_number, minimum, maximum, help) int64_t name;
#define CONFIG_FLAG(name, help) bool name;
#include "base/config.def"
#undef CONFIG_TEXT
#undef CONFIG_NUMBER
#undef CONFIG_FLAG
    struct config_extra *extras;
    struct arena *arena;
};

enum config_result { CONFIG_OK, CONFIG_HELP, CONFIG_BAD };

/*
 * Reads --config FILE, then the environment, then the flags of argv (from argv[1]). Memory is the
 * arena's. CONFIG_HELP: --help was asked for. CONFIG_BAD: *ret_why says what is wrong.
 */
enum config_result config_load(struct arena *arena, int argc, char **argv,
                               struct config *ret_config, struct str *ret_why);
/* The table, for --help; or of it only `names`, which NULL ends. */
void config_print_help(FILE *out, const char *const *names);

/*
 * A setting outside the table, named "provider.bridge.api_key": that line of the file, or the
 * environment's CAMBIST_PROVIDER_BRIDGE_API_KEY. Absent when not set.
 */
struct str config_extra(const struct config *config, const char *name);

#endif
