/* cambist verify: recomputes the ledger and says what is wrong. Works beside a running server. */
#include <stdio.h>

#include "cli/database.h"
#include "ledger/ledger.h"

int cli_verify(int argc, char **argv);

/* A damaged table can be wrong in every row; the rest is counted. */
#define PRINTED_MOST 100

static void print_problem(void *context, const char *text)
{
    int *printed = context;
    if ((*printed)++ < PRINTED_MOST)
        fprintf(stderr, "%s\n", text);
}

static int verify(struct sql *sql)
{
    int printed = 0;
    struct ledger_verified verified;
    usec_t start = clock_monotonic();
    TRY(sql_begin_read(sql));
    int error = ledger_verify(sql, print_problem, &printed, &verified);
    sql_rollback(sql);
    TRY(error);
    printf("%lld tenants, %lld accounts, %lld journals, %lld transfers, %lld holds: ",
           (long long)verified.tenants, (long long)verified.accounts, (long long)verified.journals,
           (long long)verified.transfers, (long long)verified.holds);
    if (verified.problems)
        printf("%lld PROBLEMS", (long long)verified.problems);
    else
        printf("everything agrees");
    printf(" (%.1f s)\n", (double)(clock_monotonic() - start) / USEC_PER_SEC);
    return verified.problems ? ERR_CONFLICT : OK;
}

int cli_verify(int argc, char **argv)
{
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    struct config config;
    struct store *store;
    int code = database_open(arena, argc, argv,
                             "cambist verify: computes balances, chains, holds and hashes of the "
                             "ledger again and says\nwhat is wrong; exit code 0 when nothing is. "
                             "Works beside a running server.\n\n",
                             true, &config, &store);
    if (code)
        return code;
    struct sql *sql = store_acquire(store, false);
    int error = verify(sql);
    if (error && error != ERR_CONFLICT)
        fprintf(stderr, "cambist: %s (%s)\n", error_name(error), sql_last_error(sql));
    store_release(store, sql);
    store_close(store);
    return error ? 1 : 0;
}
