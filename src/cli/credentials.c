/* cambist credentials: what the sandbox was seeded with, as JSON. Works beside a running server. */
#include <time.h>

#include "cli/database.h"
#include "core/identity/sandbox_credentials.h"

int cli_credentials(int argc, char **argv);

/* A first start makes its key pairs in the background; they are there within a second or two. */
#define WAIT_MS 100
#define WAIT_TIMES 200

static int wait_for_keys(struct sql *sql, struct arena *arena)
{
    struct str known;
    int error = ERR_NOT_FOUND;
    for (int i = 0; i < WAIT_TIMES && error == ERR_NOT_FOUND; i++) {
        if (i > 0)
            nanosleep(&(struct timespec){.tv_nsec = WAIT_MS * 1000000L}, NULL);
        error = sandbox_credential_get(sql, arena, "base_url", &known);
        if (error)
            return error;
        error = sandbox_credential_get(sql, arena, "fincode.private_key", &known);
    }
    return error;
}

int cli_credentials(int argc, char **argv)
{
    struct arena *arena ARENA_SCOPED = arena_new(8 << 20);
    struct config config;
    struct store *store;
    int code = database_open(arena, argc, argv, NULL, true, &config, &store);
    if (code)
        return code;
    struct sql *sql = store_acquire(store, false);
    struct str document;
    int error = wait_for_keys(sql, arena);
    if (!error)
        error = sandbox_credentials_print(sql, arena, &document);
    if (!error)
        printf("%.*s", STR_FMT(document));
    else
        fprintf(stderr, "cambist: %s\n",
                error == ERR_NOT_FOUND ? "there are no sandbox credentials in this database: start "
                                         "`cambist serve --sandbox` first"
                                       : error_message(error));
    store_release(store, sql);
    store_close(store);
    return error ? 1 : 0;
}
