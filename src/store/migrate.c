/*
 * Migrations: what the binary carries against what the database has had.
 *
 * All that are missing are applied in one transaction, so a database is never between two versions.
 */
#include <stdlib.h>

#include "base/digest.h"
#include "base/embed.h"
#include "store/row.h"
#include "store/store_engine.h"
#include "store/why.h"

#define SCHEMA_MIGRATION_ROW(F) \
    F(INTEGER, number)          \
    F(TEXT, name)               \
    F(TEXT, checksum)           \
    F(INTEGER, applied_at)
ROW_STRUCT(schema_migration, SCHEMA_MIGRATION_ROW);
#define ROW_SELF struct schema_migration
ROW_TYPE(schema_migration, SCHEMA_MIGRATION_ROW);
#undef ROW_SELF

/* ---- One text, two engines (docs/store.md) ---- */

static const struct word {
    const char *text;
    const char *by_engine[2]; /* STORE_SQLITE, STORE_POSTGRESQL */
} words[] = {
    {"$BIGINT_KEY", {"INTEGER PRIMARY KEY", "BIGINT PRIMARY KEY"}},
    {"BIGINT PRIMARY KEY", {"INTEGER PRIMARY KEY", "BIGINT PRIMARY KEY"}},
    {"BIGINT NOT NULL PRIMARY KEY", {"INTEGER PRIMARY KEY", "BIGINT PRIMARY KEY"}},
    {"$CLUSTERED", {"WITHOUT ROWID", ""}},
    {"$UPDATED", {"", "WITH (fillfactor = 70)"}},
    {"TEXT", {"TEXT", "TEXT COLLATE \"C\""}},
};

static bool in_word(char c)
{
    return c == '_' || c == '$' || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

static const struct word *find_word(struct str rest)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t length = strlen(words[i].text);
        if (str_starts(rest, str_from(words[i].text)) &&
            (rest.len == length || !in_word(rest.ptr[length])))
            return &words[i];
    }
    return NULL;
}

/* Length of the comment or string that starts here; 0: none does. */
static size_t skip_quoted(struct str rest)
{
    size_t i = 1;
    if (str_starts(rest, STR("--"))) {
        while (i < rest.len && rest.ptr[i] != '\n')
            i++;
        return i;
    }
    if (rest.ptr[0] != '\'' && rest.ptr[0] != '"')
        return 0;
    while (i < rest.len && rest.ptr[i] != rest.ptr[0])
        i++;
    return i < rest.len ? i + 1 : i;
}

static const char *translate(struct arena *arena, struct str text, enum store_engine engine)
{
    struct buf out = buf_new(arena, text.len + 1024);
    bool fresh = true; /* at the start of a word */
    for (size_t i = 0; i < text.len;) {
        struct str rest = {text.ptr + i, text.len - i};
        size_t quoted = skip_quoted(rest);
        const struct word *word = fresh ? find_word(rest) : NULL;
        if (quoted > 0) {
            buf_add(&out, rest.ptr, quoted);
            i += quoted;
            fresh = true;
        } else if (word) {
            buf_add_cstr(&out, word->by_engine[engine]);
            i += strlen(word->text);
        } else {
            buf_add_char(&out, rest.ptr[0]);
            fresh = !in_word(rest.ptr[0]);
            i++;
        }
    }
    buf_add_char(&out, '\0');
    return out.ptr;
}

/* ---- Known against applied ---- */

static int64_t number_of(const struct embedded_file *file)
{
    return strtol(file->name, NULL, 10);
}

static struct str checksum_of(struct arena *arena, const struct embedded_file *file)
{
    uint8_t digest[SHA256_SIZE];
    digest_sha256((struct str){(const char *)file->bytes, file->len}, digest);
    return hex_print(arena, digest, sizeof(digest));
}

static const struct embedded_file *find_known(int64_t number)
{
    for (const struct embedded_file *file = embedded_migrations; file->name; file++)
        if (number_of(file) == number)
            return file;
    return NULL;
}

/* The applied ones have to be known, and unchanged. */
static int check_applied(struct arena *arena, const struct schema_migration *applied, size_t count,
                         struct str *ret_why)
{
    for (size_t i = 0; i < count; i++) {
        const struct embedded_file *file = find_known(applied[i].number);
        if (!file)
            return why(ret_why, ERR_STORE_NEWER,
                       "the database was written by a newer version: this one does not know its "
                       "migration %04lld_%.*s",
                       (long long)applied[i].number, STR_FMT(applied[i].name));
        if (!str_eq(checksum_of(arena, file), applied[i].checksum))
            return why(ret_why, ERR_STORE,
                       "migration %s is not the one that was applied to this database", file->name);
    }
    return 0;
}

static bool is_applied(const struct schema_migration *applied, size_t count, int64_t number)
{
    for (size_t i = 0; i < count; i++)
        if (applied[i].number == number)
            return true;
    return false;
}

/* "0001_store.sql" -> "store" */
static struct str name_of(const struct embedded_file *file)
{
    struct str name = str_from(file->name);
    str_cut(&name, '_');
    return str_present(name) ? str_cut(&name, '.') : str_from(file->name);
}

static int apply(struct sql *sql, const struct embedded_file *file, struct str *ret_why)
{
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
    struct str text = {(const char *)file->bytes, file->len};
    int error = sql->engine->script(sql, translate(arena, text, sql->engine->id));
    struct schema_migration row = {
        .number = number_of(file),
        .name = name_of(file),
        .checksum = checksum_of(arena, file),
        .applied_at = clock_now(),
    };
    if (!error)
        error = sql_insert(sql, "schema_migration", &schema_migration_row, &row);
    return error ? why(ret_why, error, "migration %s: %s", file->name, sql_last_error(sql)) : 0;
}

static int apply_missing(struct sql *sql, const struct schema_migration *applied, size_t count,
                         struct str *ret_why)
{
    int error = 0;
    if (count == 0 && (error = sql->engine->script(sql, sql->engine->migration_first)))
        return why(ret_why, error, "%s", sql_last_error(sql));
    for (const struct embedded_file *file = embedded_migrations; file->name && !error; file++) {
        sql->store->schema_number = (unsigned)number_of(file);
        if (!is_applied(applied, count, number_of(file)))
            error = apply(sql, file, ret_why);
    }
    return error;
}

static int read_applied(struct sql *sql, struct arena *arena, struct schema_migration **ret_rows,
                        size_t *ret_count, struct str *ret_why)
{
    int error = sql_all(sql, arena, &schema_migration_row, ret_rows, ret_count,
                        "SELECT number, name, checksum, applied_at FROM schema_migration"
                        " ORDER BY number");
    if (error)
        return why(ret_why, error, "%s", sql_last_error(sql));
    return check_applied(arena, *ret_rows, *ret_count, ret_why);
}

static int migrate_within(struct sql *sql, struct str *ret_why)
{
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
    int error = sql->engine->script(sql, sql->engine->migration_lock);
    if (!error)
        error = sql->engine->script(sql, "CREATE TABLE IF NOT EXISTS schema_migration ("
                                         "number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL,"
                                         "checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)");
    if (error)
        return why(ret_why, error, "%s", sql_last_error(sql));
    struct schema_migration *applied;
    size_t count;
    error = read_applied(sql, arena, &applied, &count, ret_why);
    if (!error)
        error = apply_missing(sql, applied, count, ret_why);
    /* Tokens that nobody asks for any more; one per connection that was closed. */
    if (!error && sql_run(sql, "DELETE FROM commit_token WHERE created_at BETWEEN 1 AND ?",
                          sql_int(clock_now() - USEC_PER_DAY)))
        error = why(ret_why, ERR_STORE, "%s", sql_last_error(sql));
    return error;
}

static int migrate_writing(struct store *store, struct str *ret_why)
{
    struct sql *sql = store_acquire(store, true);
    int error = sql_begin(sql);
    if (error) {
        why(ret_why, error, "%s", sql_last_error(sql));
    } else if ((error = migrate_within(sql, ret_why))) {
        sql_rollback(sql);
    } else if ((error = sql_commit(sql))) {
        why(ret_why, error, "%s", sql_last_error(sql));
    }
    store_release(store, sql);
    return error;
}

static int check_only(struct store *store, struct str *ret_why)
{
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
    struct schema_migration *applied;
    size_t count;
    struct sql *sql = store_acquire(store, false);
    int error = read_applied(sql, arena, &applied, &count, ret_why);
    store_release(store, sql);
    if (error)
        return error;
    for (const struct embedded_file *file = embedded_migrations; file->name; file++) {
        store->schema_number = (unsigned)number_of(file);
        if (!is_applied(applied, count, number_of(file)))
            return why(ret_why, ERR_STORE,
                       "the database lacks migration %s: start the server or "
                       "run `cambist migrate` first",
                       file->name);
    }
    return 0;
}

int migrate(struct store *store, struct str *ret_why)
{
    return store->options.read_only ? check_only(store, ret_why) : migrate_writing(store, ret_why);
}
