/* cambist export: everything that was posted, for other programs. Works beside a running server. */
#include <stdio.h>
#include <string.h>

#include "cli/database.h"
#include "ledger/ledger.h"

int cli_export(int argc, char **argv);

static const char help[] =
    "usage: cambist export [--format ledger|csv|jsonl] [--tenant ID] [settings]\n\n"
    "Prints what was posted, in the order of posting: as plain-text accounting that `ledger` and\n"
    "`hledger` read and check, as CSV with a line per transfer, or as JSON with a line per "
    "journal.\n\n";

/* Takes `name value` out of argv; NULL when it is not there. */
static const char *take_option(int *argc, char **argv, const char *name)
{
    for (int i = 1; i + 1 < *argc; i++) {
        if (strcmp(argv[i], name) != 0)
            continue;
        const char *value = argv[i + 1];
        memmove(&argv[i], &argv[i + 2], (size_t)(*argc - i - 1) * sizeof(argv[0]));
        *argc -= 2;
        return value;
    }
    return NULL;
}

static bool read_format(const char *text, enum ledger_export_format *ret_format)
{
    static const char *const names[] = {
        [LEDGER_EXPORT_LEDGER] = "ledger",
        [LEDGER_EXPORT_CSV] = "csv",
        [LEDGER_EXPORT_JSONL] = "jsonl",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], text) == 0) {
            *ret_format = (enum ledger_export_format)i;
            return true;
        }
    return false;
}

int cli_export(int argc, char **argv)
{
    const char *format_name = take_option(&argc, argv, "--format");
    const char *tenant_name = take_option(&argc, argv, "--tenant");
    enum ledger_export_format format;
    int64_t tenant_id = 0;
    if (!read_format(format_name ? format_name : "ledger", &format) ||
        (tenant_name && !str_to_i64(str_from(tenant_name), &tenant_id))) {
        fprintf(stderr, "%s", help);
        return 2;
    }
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    struct config config;
    struct store *store;
    int code = database_open(arena, argc, argv, help, true, &config, &store);
    if (code)
        return code;
    struct sql *sql = store_acquire(store, false);
    int error = sql_begin_read(sql);
    if (!error) {
        error = ledger_export(sql, format, tenant_id, stdout);
        sql_rollback(sql);
    }
    if (error)
        fprintf(stderr, "cambist: %s (%s)\n", error_name(error), sql_last_error(sql));
    store_release(store, sql);
    store_close(store);
    return error ? 1 : 0;
}
