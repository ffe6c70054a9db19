/* cambist verify: recomputes the ledger and says what is wrong. Works beside a running server. */
#include <stdio.h>

#include "cli/database.h"
#include "core/audit/audit.h"
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

static void print_count(int64_t count, const char *one, const char *several, const char *after)
{
    printf("%lld %s%s", (long long)count, count == 1 ? one : several, after);
}

static int verify_audit(struct sql *sql, struct arena *arena, int *printed, int64_t *ret_entries,
                        int64_t *ret_problems)
{
    struct str why = STR_NONE;
    int error = audit_verify(sql, arena, ret_entries, &why);
    if (error != ERR_INVALID)
        return error;
    print_problem(printed, why.ptr);
    ++*ret_problems;
    return OK;
}

static int verify(struct sql *sql, struct arena *arena)
{
    int printed = 0;
    int64_t entries = 0;
    struct ledger_verified verified;
    usec_t start = clock_monotonic();
    TRY(sql_begin_read(sql));
    int error = ledger_verify(sql, print_problem, &printed, &verified);
    if (!error)
        error = verify_audit(sql, arena, &printed, &entries, &verified.problems);
    sql_rollback(sql);
    TRY(error);
    print_count(verified.tenants, "tenant", "tenants", ", ");
    print_count(verified.accounts, "account", "accounts", ", ");
    print_count(verified.journals, "journal", "journals", ", ");
    print_count(verified.transfers, "transfer", "transfers", ", ");
    print_count(verified.holds, "hold", "holds", ", ");
    print_count(entries, "audit entry", "audit entries", ": ");
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
                             "ledger and of the audit\ntrail again and says what is wrong; exit "
                             "code 0 when nothing is. "
                             "Works beside a running server.\n\n",
                             true, &config, &store);
    if (code)
        return code;
    struct sql *sql = store_acquire(store, false);
    int error = verify(sql, arena);
    if (error && error != ERR_CONFLICT)
        fprintf(stderr, "cambist: %s (%s)\n", error_name(error), sql_last_error(sql));
    store_release(store, sql);
    store_close(store);
    return error ? 1 : 0;
}
