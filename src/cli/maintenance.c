/* cambist migrate, backup, rotate-keys and key-file: what an operator does to a database as a whole. */
#include <stdio.h>
#include <string.h>

#include "cli/database.h"
#include "store/cipher.h"

int cli_migrate(int argc, char **argv);
int cli_backup(int argc, char **argv);
int cli_rotate_keys(int argc, char **argv);
int cli_key_file(int argc, char **argv);

static int fail(struct str why)
{
    fprintf(stderr, "cambist: %.*s\n", STR_FMT(why));
    return 1;
}

/* Takes `word` out of the arguments; true if it was there. */
static bool take_flag(int *argc, char **argv, const char *word)
{
    for (int i = 1; i < *argc; i++)
        if (strcmp(argv[i], word) == 0) {
            memmove(&argv[i], &argv[i + 1], (size_t)(*argc - i) * sizeof(*argv));
            (*argc)--;
            return true;
        }
    return false;
}

/* Takes the first argument out if it is no flag. */
static const char *take_word(int *argc, char **argv)
{
    if (*argc < 2 || argv[1][0] == '-')
        return NULL;
    const char *word = argv[1];
    take_flag(argc, argv, word);
    return word;
}

int cli_migrate(int argc, char **argv)
{
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    struct config config;
    struct store *store;
    int code =
        database_open(arena, argc, argv,
                      "cambist migrate: brings the database to this version's schema, as the "
                      "server does at its\nstart.\n\n",
                      false, &config, &store);
    if (code)
        return code;
    printf("The database is at migration %04u.\n", store_schema_number(store));
    store_close(store);
    return 0;
}

int cli_backup(int argc, char **argv)
{
    static const char help[] =
        "cambist backup FILE: writes a consistent copy of the SQLite database, beside a running "
        "server. FILE must\nnot exist. The key file is not part of it.\n\n";
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    struct config config;
    struct store *store;
    struct str why;
    const char *path = take_word(&argc, argv);
    int code = database_open(arena, argc, argv, help, true, &config, &store);
    if (code)
        return code;
    if (!path)
        code = fail(STR("name the file: cambist backup FILE"));
    else if (store_backup(store, str_from(path), &why))
        code = fail(why);
    else
        printf("%s holds the database. Its keys are not in it; keep them apart.\n", path);
    store_close(store);
    return code;
}

static int add_key(const struct store_options *options)
{
    struct str why;
    uint32_t key;
    if (!str_present(options->key_file))
        return fail(STR("the keys are in CAMBIST_KEY: add one there, then run this with "
                        "--no-new-key"));
    if (key_file_add(options->key_file.ptr, &key, &why))
        return fail(why);
    printf("Key %u is in %s now.\n", key, options->key_file.ptr);
    return 0;
}

int cli_rotate_keys(int argc, char **argv)
{
    static const char help[] =
        "cambist rotate-keys [--no-new-key]: adds a key to the key file and encrypts everything "
        "again "
        "under it.\nStop the servers first. If it was interrupted, --no-new-key goes on where it "
        "was.\n\n";
    struct arena *arena ARENA_SCOPED = arena_new(1 << 20);
    struct config config;
    struct store *store;
    struct str why = STR_NONE;
    int64_t count;
    bool same_key = take_flag(&argc, argv, "--no-new-key");
    /* Opened first: a database that cannot be opened, or is in use, needs no new key. */
    int code = database_open(arena, argc, argv, help, false, &config, &store);
    if (code)
        return code;
    if (!same_key) {
        store_close(store);
        struct store_options options = database_options(arena, &config);
        if ((code = add_key(&options)))
            return code;
        if (store_open(&options, &store, &why))
            return fail(why);
    }
    if (store_rotate_keys(store, &count, &why))
        code = fail(why);
    else
        printf("%lld values were encrypted again. Older keys may leave the key file, if no backup "
               "needs them.\n",
               (long long)count);
    store_close(store);
    return code;
}

int cli_key_file(int argc, char **argv)
{
    static const char help[] =
        "usage: cambist key-file create FILE   makes a new key file\n"
        "       cambist key-file add FILE      adds a key, which becomes the "
        "current one (rotate-keys does so too)\n";
    struct str why;
    uint32_t key = 1;
    bool create = argc == 3 && strcmp(argv[1], "create") == 0;
    bool add = argc == 3 && strcmp(argv[1], "add") == 0;
    if (!create && !add) {
        fputs(help, stderr);
        return argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : 2;
    }
    if (create ? key_file_create(argv[2], &why) : key_file_add(argv[2], &key, &why))
        return fail(why);
    printf("%s: key %u. Keep a copy in a safe place.\n", argv[2], key);
    return 0;
}
