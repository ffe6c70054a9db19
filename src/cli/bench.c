/* cambist bench ledger: how many transfers a second the ledger takes, durable, on this machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/bench.h"
#include "ledger/ledger.h"

int cli_bench(int argc, char **argv);

static const char help[] =
    "usage: cambist bench ledger [options]\n"
    "       cambist bench http [options]     (--help lists its options)\n\n"
    "  --accounts N        customers, not to be overdrawn (10000)\n"
    "  --transfers N       each a journal of its own (1000000)\n"
    "  --batch N           journals per transaction and fsync (8190)\n"
    "  --mix uniform|hot   hot: 1 % of the accounts take 90 % of the postings (uniform)\n"
    "  --two-phase         hold in one batch, post in the next\n"
    "  --described         each journal has a key, a description and a reference\n"
    "  --writers N         connections at once, PostgreSQL only (1)\n"
    "  --shared-tenant     all writers post for one tenant\n"
    "  --database URL      postgresql://... of an empty database; default: a new SQLite file\n"
    "  --key-file FILE     the database's key, made if it is not there (a new one)\n"
    "  --directory DIR     where the SQLite file is made, and removed (.)\n"
    "  --keep              leaves the SQLite file\n"
    "  --seed N            another seed, other transfers (1)\n"
    "  --series FILE       per batch: transfers,seconds,cpu_seconds,page_us,key_us as CSV\n"
    "  --json              one line of JSON\n";

struct arguments {
    struct ledger_bench_options bench;
    struct str database;
    struct str key_file;
    const char *directory;
    const char *series;
    bool keep, json;
};

static bool read_number(const char *text, size_t *ret_number)
{
    int64_t number;
    if (!text || !str_to_i64(str_from(text), &number) || number < 1)
        return false;
    *ret_number = (size_t)number;
    return true;
}

/* How many words were taken; 0: not understood. */
static int read_option(struct arguments *arguments, const char *name, const char *value)
{
    struct ledger_bench_options *bench = &arguments->bench;
    const struct {
        const char *name;
        size_t *number;
    } numbers[] = {{"--accounts", &bench->accounts},
                   {"--transfers", &bench->transfers},
                   {"--batch", &bench->batch},
                   {"--writers", &bench->writers}};
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {{"--two-phase", &bench->two_phase},
                 {"--described", &bench->described},
                 {"--shared-tenant", &bench->shared_tenant},
                 {"--keep", &arguments->keep},
                 {"--json", &arguments->json}};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (strcmp(name, flags[i].name) == 0) {
            *flags[i].flag = true;
            return 1;
        }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (strcmp(name, numbers[i].name) == 0)
            return read_number(value, numbers[i].number) ? 2 : 0;
    if (!value)
        return 0;
    if (strcmp(name, "--database") == 0)
        arguments->database = str_from(value);
    else if (strcmp(name, "--key-file") == 0)
        arguments->key_file = str_from(value);
    else if (strcmp(name, "--series") == 0)
        arguments->series = value;
    else if (strcmp(name, "--directory") == 0)
        arguments->directory = value;
    else if (strcmp(name, "--mix") == 0 && strcmp(value, "hot") == 0)
        bench->hot = true;
    else if (strcmp(name, "--seed") == 0)
        bench->seed = strtoull(value, NULL, 10);
    else if (strcmp(name, "--mix") != 0 || strcmp(value, "uniform") != 0)
        return 0;
    return 2;
}

static int64_t file_size(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? (int64_t)status.st_size : 0;
}

static void print_text(const struct arguments *arguments, const struct ledger_bench_result *result,
                       int64_t bytes)
{
    const struct ledger_bench_options *bench = &arguments->bench;
    double transfers = (double)result->transfers;
    printf("%zu accounts, %s%s%s, batches of %zu, %zu writer%s\n", bench->accounts,
           bench->hot ? "hot" : "uniform", bench->two_phase ? ", two-phase" : "",
           bench->described ? ", described" : "", bench->batch, bench->writers,
           bench->writers > 1 ? "s" : "");
    printf("%12lld transfers accepted, %lld refused, in %.2f s\n", (long long)result->transfers,
           (long long)result->refused, result->seconds);
    printf("%12.0f transfers a second, %.2f us of processor time each\n",
           transfers / result->seconds, result->cpu_seconds * 1e6 / transfers);
    printf("%12.1f ms per batch at the median, %.1f at p99, %.1f at most\n", result->batch_p50_ms,
           result->batch_p99_ms, result->batch_max_ms);
    if (result->retries)
        printf("%12lld batches run again\n", (long long)result->retries);
    if (bytes)
        printf("%12.0f bytes on disk per transfer\n", (double)bytes / transfers);
    if (bytes && result->bytes_written)
        printf("%12.0f bytes written per transfer (%.1f times what stays)\n",
               (double)result->bytes_written / transfers,
               (double)result->bytes_written / (double)bytes);
}

static void print_json(const struct ledger_bench_result *result, int64_t bytes)
{
    printf("{\"transfers\": %lld, \"refused\": %lld, \"seconds\": %.4f, \"cpu_seconds\": %.4f, "
           "\"transfers_per_second\": %.0f, \"batch_p50_ms\": %.2f, \"batch_p99_ms\": %.2f, "
           "\"batch_max_ms\": %.2f, \"retries\": %lld, \"bytes\": %lld, \"bytes_written\": %lld}\n",
           (long long)result->transfers, (long long)result->refused, result->seconds,
           result->cpu_seconds, (double)result->transfers / result->seconds, result->batch_p50_ms,
           result->batch_p99_ms, result->batch_max_ms, (long long)result->retries, (long long)bytes,
           (long long)result->bytes_written);
}

static void remove_files(const char *directory)
{
    static const char *const names[] = {"ledger.db", "ledger.db-wal", "ledger.db-shm",
                                        "ledger.db.lock", "key"};
    char path[600];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
        unlink(path);
    }
    rmdir(directory);
}

static void write_series(void *context, const struct ledger_bench_point *point)
{
    fprintf(context, "%lld,%.6f,%.6f,%.2f,%.2f\n", (long long)point->transfers, point->seconds,
            point->cpu_seconds, point->page_us, point->key_us);
}

static int bench_in(struct arena *arena, const struct arguments *arguments, const char *directory)
{
    bool sqlite = !str_present(arguments->database);
    struct str path = arena_printf(arena, "%s/ledger.db", directory);
    struct store_options options = {
        .database = sqlite ? path : arguments->database,
        .key_file = str_or(arguments->key_file, arena_printf(arena, "%s/key", directory)),
        .create_key = true,
        .connections = (unsigned)arguments->bench.writers + 2,
    };
    struct store *store;
    struct str why = STR_NONE;
    if (store_open(&options, &store, &why)) {
        fprintf(stderr, "cambist: %.*s\n", STR_FMT(why));
        return 1;
    }
    struct ledger_bench_result result;
    struct ledger_bench_options bench = arguments->bench;
    FILE *series = arguments->series ? fopen(arguments->series, "w") : NULL;
    if (series) {
        fprintf(series, "transfers,seconds,cpu_seconds,page_us,key_us\n");
        bench.progress = write_series;
        bench.context = series;
    }
    int64_t before = sqlite ? file_size(path.ptr) : 0;
    int error = ledger_bench(store, &bench, &result);
    store_close(store);
    if (series)
        fclose(series);
    if (error) {
        fprintf(stderr, "cambist: the benchmark failed: %s\n", error_name(error));
        return 1;
    }
    int64_t bytes = sqlite ? file_size(path.ptr) - before : 0;
    if (arguments->json)
        print_json(&result, bytes);
    else
        print_text(arguments, &result, bytes);
    if (arguments->keep && sqlite)
        printf("kept: %s\n", path.ptr);
    return 0;
}

static int bench_ledger(int argc, char **argv)
{
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    struct arguments arguments = {
        .bench = {.accounts = 10000, .transfers = 1000000, .batch = 8190, .writers = 1, .seed = 1},
        .directory = ".",
    };
    for (int i = 1; i < argc;) {
        int taken = read_option(&arguments, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
        if (taken == 0) {
            bool asked = strcmp(argv[i], "--help") == 0;
            fprintf(asked ? stdout : stderr, "%s", help);
            return asked ? 0 : 2;
        }
        i += taken;
    }
    if (!str_present(arguments.database) && arguments.bench.writers > 1) {
        fprintf(stderr, "cambist: SQLite has one writer; --writers is for PostgreSQL\n");
        return 2;
    }
    if (arguments.bench.accounts < 2 || arguments.bench.batch > LEDGER_JOURNAL_MAX) {
        fprintf(stderr, "cambist: at least 2 accounts, batches of at most %d\n",
                LEDGER_JOURNAL_MAX);
        return 2;
    }
    char directory[512];
    snprintf(directory, sizeof(directory), "%s/cambist-bench-XXXXXX", arguments.directory);
    if (!mkdtemp(directory)) {
        perror(directory);
        return 1;
    }
    int code = bench_in(arena, &arguments, directory);
    if (!arguments.keep)
        remove_files(directory);
    return code;
}

int cli_bench(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "ledger") == 0)
        return bench_ledger(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "http") == 0)
        return bench_http(argc - 1, argv + 1);
    bool asked = argc > 1 && strcmp(argv[1], "--help") == 0;
    fprintf(asked ? stdout : stderr, "%s", help);
    return asked ? 0 : 2;
}
