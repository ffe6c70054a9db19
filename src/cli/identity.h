/* What the commands about people and keys share: their own options, and a call on the database
 * without a server. */
#ifndef CLI_IDENTITY_H
#define CLI_IDENTITY_H

#include "cli/database.h"
#include "core/app.h"
#include "core/call.h"

struct cli_option {
    const char *name; /* "--email" */
    struct str value; /* absent unless given */
    const char *help;
};

/*
 * Takes the command's own options out of argv (argc shrinks), opens the database for writing and
 * begins a transaction as staff of the tenant that --tenant names (made if it is the default one
 * and missing). Otherwise says why on stderr and returns an exit code.
 */
struct cli_session {
    struct arena *arena;
    struct config config;
    struct app app;
    struct call call;
};
int cli_session_open(struct cli_session *session, int argc, char **argv, const char *usage,
                     struct cli_option *options, size_t option_count, struct str tenant_label);
/* Commits if `error` is 0, says what was refused if not; frees everything. Returns the exit
 * code. */
int cli_session_close(struct cli_session *session, int error);
/* Moves "--name value" pairs of the table out of argv. False, and said why, when a value is
 * missing. */
bool cli_take_options(int *argc, char **argv, struct cli_option *options, size_t count);

#endif
