/*
 * The SQLite engine: one connection that writes, the others read.
 *
 * Durability: write-ahead log with synchronous = FULL, so a COMMIT that returned is on disk. The
 * log is copied into the database file by a thread of its own (sqlite_file.c), never within a
 * commit.
 */
#include <assert.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "store/sqlite_file.h"
#include "store/store_engine.h"

#define BUSY_TIMEOUT_MS 10000

static int map_error(int code)
{
    switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
        if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ||
            code == SQLITE_CONSTRAINT_ROWID)
            return ERR_STORE_UNIQUE;
        return ERR_STORE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
        return ERR_STORE_BUSY;
    default:
        return ERR_STORE;
    }
}

static int note(struct sql *sql, int code)
{
    sqlite3 *db = sql->connection;
    return sql_note(sql, map_error(code), "SQLite %d: %s", code,
                    db ? sqlite3_errmsg(db) : sqlite3_errstr(code));
}

/* ---- Connection ---- */

static int on_commit(void *context, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    sqlite_file_note_log(context, pages);
    return SQLITE_OK;
}

static int configure(struct sql *sql)
{
    sqlite3 *db = sql->connection;
    static const char shared[] = "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                                 "PRAGMA temp_store = MEMORY; PRAGMA secure_delete = OFF;"
                                 "PRAGMA case_sensitive_like = ON; PRAGMA trusted_schema = OFF;"
                                 "PRAGMA wal_autocheckpoint = 0;";
    /* A fault must meet every read, so the file is not mapped then. */
    const char *mapped =
        sql->store->options.fault ? "PRAGMA mmap_size = 0;" : "PRAGMA mmap_size = 2147418112;";
    const char *own = sql->for_write ? "PRAGMA cache_size = -65536; PRAGMA journal_mode = WAL;"
                                     : "PRAGMA cache_size = -8192; PRAGMA query_only = ON;";
    sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
    int code = sqlite3_exec(db, shared, NULL, NULL, NULL);
    if (!code)
        code = sqlite3_exec(db, mapped, NULL, NULL, NULL);
    if (!code)
        code = sqlite3_exec(db, own, NULL, NULL, NULL);
    if (!code && sql->for_write)
        sqlite3_wal_hook(db, on_commit, sql->store->sqlite);
    if (!code && sql->store->options.read_only)
        code = sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return code;
}

static int sqlite_connect(struct sql *sql)
{
    struct store *store = sql->store;
    sqlite3 *db = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (!store->options.read_only)
        flags |= SQLITE_OPEN_CREATE;
    int code =
        sqlite3_open_v2(store->options.database.ptr, &db, flags, sqlite_file_vfs(store->sqlite));
    sql->connection = db;
    if (!code)
        code = configure(sql);
    if (!code)
        return 0;
    int error = note(sql, code);
    sqlite3_close_v2(db);
    sql->connection = NULL;
    return error;
}

/* Statements that are still there keep it open until they are forgotten. */
static void sqlite_disconnect(struct sql *sql)
{
    sqlite3_close_v2(sql->connection);
    sql->connection = NULL;
}

/* ---- Statements ---- */

static int prepare(struct sql *sql, struct statement *statement)
{
    if (statement->handle)
        return 0;
    sqlite3_stmt *prepared = NULL;
    int code =
        sqlite3_prepare_v3(sql->connection, statement->query, -1,
                           statement->temporary ? 0 : SQLITE_PREPARE_PERSISTENT, &prepared, NULL);
    if (code) {
        int error = map_error(code);
        return sql_note(sql, error, "%s in \"%.300s\"", sqlite3_errmsg(sql->connection),
                        statement->query);
    }
    statement->handle = prepared;
    return 0;
}

static void sqlite_forget(struct sql *sql, struct statement *statement)
{
    (void)sql;
    sqlite3_finalize(statement->handle);
    statement->handle = NULL;
}

static int bind_one(sqlite3_stmt *prepared, int index, const struct sql_value *value)
{
    switch (value->kind) {
    case SQL_I64:
        return sqlite3_bind_int64(prepared, index, value->integer);
    case SQL_TEXT:
        return sqlite3_bind_text64(prepared, index, value->bytes.ptr, value->bytes.len,
                                   SQLITE_STATIC, SQLITE_UTF8);
    case SQL_BYTES:
        return sqlite3_bind_blob64(prepared, index, value->bytes.ptr, value->bytes.len,
                                   SQLITE_STATIC);
    case SQL_NULL:
    case SQL_END:
        break;
    }
    return sqlite3_bind_null(prepared, index);
}

static int bind_all(struct sql *sql, struct statement *statement, const struct sql_value *args)
{
    sqlite3_stmt *prepared = statement->handle;
    int index = 0;
    for (; args[index].kind != SQL_END; index++) {
        int code = bind_one(prepared, index + 1, &args[index]);
        if (code == SQLITE_RANGE)
            break;
        if (code)
            return note(sql, code);
    }
    if (args[index].kind == SQL_END && index == sqlite3_bind_parameter_count(prepared))
        return 0;
    return sql_note(sql, ERR_STORE, "%d parameters are wanted by \"%s\"",
                    sqlite3_bind_parameter_count(prepared), statement->query);
}

/* To its end, rows or not. */
static int step_through(struct sql *sql, sqlite3_stmt *prepared)
{
    int code;
    do
        code = sqlite3_step(prepared);
    while (code == SQLITE_ROW);
    int error = code == SQLITE_DONE ? 0 : note(sql, code);
    sqlite3_reset(prepared);
    return error;
}

static int sqlite_run(struct sql *sql, struct statement *statement, const struct sql_value *args,
                      bool wait, int64_t *ret_changed)
{
    (void)wait;
    int error = prepare(sql, statement);
    if (!error)
        error = bind_all(sql, statement, args);
    if (!error)
        error = step_through(sql, statement->handle);
    if (!error && ret_changed)
        *ret_changed = sqlite3_changes64(sql->connection);
    return error;
}

static int sqlite_script(struct sql *sql, const char *text)
{
    int code = sqlite3_exec(sql->connection, text, NULL, NULL, NULL);
    return code ? note(sql, code) : 0;
}

/* ---- Rows ---- */

static int sqlite_start(struct cursor *cursor, const struct sql_value *args)
{
    int error = prepare(cursor->sql, cursor->statement);
    if (!error)
        error = bind_all(cursor->sql, cursor->statement, args);
    return error;
}

static int sqlite_step(struct cursor *cursor)
{
    int code = sqlite3_step(cursor->statement->handle);
    if (code == SQLITE_ROW)
        return 1;
    return code == SQLITE_DONE ? 0 : note(cursor->sql, code);
}

static void sqlite_end(struct cursor *cursor)
{
    sqlite3_reset(cursor->statement->handle);
}

static int read_column(struct sql *sql, sqlite3_stmt *prepared, int index,
                       const struct row_column *column, struct arena *arena, void *row)
{
    int type = sqlite3_column_type(prepared, index);
    enum type_kind kind = column->field->value.kind;
    if (type == SQLITE_NULL) {
        row_set_null(column, row);
        return 0;
    }
    if (type == SQLITE_INTEGER && (kind == TYPE_INTEGER || kind == TYPE_BOOLEAN))
        return row_set_integer(sql, column, row, sqlite3_column_int64(prepared, index));
    const void *bytes = type == SQLITE_BLOB ? sqlite3_column_blob(prepared, index)
                                            : (const void *)sqlite3_column_text(prepared, index);
    size_t length = (size_t)sqlite3_column_bytes(prepared, index);
    if (!bytes && length > 0)
        return note(sql, SQLITE_NOMEM);
    return row_set_bytes(sql, column, arena, row, (struct str){bytes ? bytes : "", length});
}

static int sqlite_read(struct cursor *cursor, struct arena *arena, void *row)
{
    const struct row_map *map = &cursor->statement->map;
    for (unsigned i = 0; i < map->count; i++) {
        if (!map->columns[i].field)
            continue;
        int error = read_column(cursor->sql, cursor->statement->handle, (int)i, &map->columns[i],
                                arena, row);
        if (error)
            return error;
    }
    return 0;
}

static int sqlite_read_integer(struct cursor *cursor, int64_t *ret_value)
{
    *ret_value = sqlite3_column_int64(cursor->statement->handle, 0);
    return 0;
}

static unsigned sqlite_column_count(struct cursor *cursor)
{
    return (unsigned)sqlite3_column_count(cursor->statement->handle);
}

static const char *sqlite_column_name(struct cursor *cursor, unsigned index)
{
    return sqlite3_column_name(cursor->statement->handle, (int)index);
}

static int sqlite_column_origin(struct cursor *cursor, unsigned index, struct str *ret_origin)
{
    const char *table = sqlite3_column_table_name(cursor->statement->handle, (int)index);
    const char *column = sqlite3_column_origin_name(cursor->statement->handle, (int)index);
    *ret_origin = STR_NONE;
    if (table && column)
        *ret_origin = arena_printf(cursor->sql->scratch, "%s.%s", table, column);
    return 0;
}

/* ---- Transactions ---- */

static const char *const control_texts[] = {
    [BEGIN_WRITE] = "BEGIN IMMEDIATE", [BEGIN_READ] = "BEGIN",      [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",           [SAVEPOINT] = "SAVEPOINT s", [RELEASE] = "RELEASE s",
    [ROLLBACK_TO] = "ROLLBACK TO s",
};

static int run_text(struct sql *sql, const char *text)
{
    struct statement *statement = statement_get(sql, text);
    int error = prepare(sql, statement);
    return error ? error : step_through(sql, statement->handle);
}

static int end_transaction(struct sql *sql, enum control what)
{
    int error = 0;
    /* After a full disk and the like SQLite has rolled back by itself. */
    bool open = !sqlite3_get_autocommit(sql->connection);
    if (open)
        error = run_text(sql, control_texts[what]);
    else if (what == COMMIT)
        error = sql_note(sql, ERR_STORE_BUSY, "the transaction was rolled back by SQLite");
    if (error && !sqlite3_get_autocommit(sql->connection))
        sqlite3_exec(sql->connection, "ROLLBACK", NULL, NULL, NULL);
    if (sql->for_write)
        sqlite_file_write_ends(sql->store->sqlite);
    return error;
}

static int sqlite_control(struct sql *sql, enum control what, unsigned savepoint)
{
    (void)savepoint;
    if (what == COMMIT || what == ROLLBACK)
        return end_transaction(sql, what);
    if (what == BEGIN_WRITE) {
        assert(sql->for_write);
        sqlite_file_write_begins(sql->store->sqlite);
    }
    /* The writer's connection may read as well: then it takes part in no queue. */
    int error = run_text(sql, control_texts[what]);
    if (!error && what == ROLLBACK_TO)
        error = run_text(sql, control_texts[RELEASE]);
    if (error && what == BEGIN_WRITE)
        sqlite_file_write_ends(sql->store->sqlite);
    return error;
}

static int sqlite_was_committed(struct sql *sql, int64_t token, bool *ret_committed)
{
    (void)sql;
    (void)token;
    /* COMMIT's answer cannot be lost in one process: what failed is rolled back. */
    *ret_committed = false;
    return 0;
}

/* ---- Many rows ---- */

/* The fields of a plain shape, without the detour over values; from parameter `first` on. */
static int bind_plain(sqlite3_stmt *prepared, const struct shape *shape, const char *row, int first)
{
    int code = SQLITE_OK;
    for (unsigned i = 0; i < shape->count && code == SQLITE_OK; i++) {
        const struct type_field *field = shape->fields[i];
        const void *at = row + field->offset;
        const struct str *bytes = at;
        int index = first + (int)i;
        if (field->value.kind == TYPE_INTEGER)
            code = sqlite3_bind_int64(prepared, index, *(const int64_t *)at);
        else if (field->value.kind == TYPE_BOOLEAN)
            code = sqlite3_bind_int64(prepared, index, *(const bool *)at);
        else if (!bytes->ptr)
            code = sqlite3_bind_null(prepared, index);
        else if (field->value.kind == TYPE_BYTES)
            code = sqlite3_bind_blob64(prepared, index, bytes->ptr, bytes->len, SQLITE_STATIC);
        else
            code = sqlite3_bind_text64(prepared, index, bytes->ptr, bytes->len, SQLITE_STATIC,
                                       SQLITE_UTF8);
    }
    return code;
}

static int run_row(struct sql *sql, struct statement *statement, const struct shape *shape,
                   const char *row)
{
    if (shape->plain) {
        int code = bind_plain(statement->handle, shape, row, 1);
        return code ? note(sql, code) : step_through(sql, statement->handle);
    }
    struct sql_value values[MAX_COLUMNS + 1];
    struct arena *scratch = scratch_begin(sql);
    shape_values(sql, shape, scratch, row, values);
    int error = bind_all(sql, statement, values);
    if (!error)
        error = step_through(sql, statement->handle);
    scratch_end(sql);
    return error;
}

static int run_rows(struct sql *sql, enum shape_kind kind, const char *table,
                    const struct type *type, const void *rows, size_t count)
{
    const struct shape *shape = shape_get(sql, kind, table, type);
    struct statement *statement = statement_get(sql, shape->query);
    int error = prepare(sql, statement);
    for (size_t i = 0; i < count && !error; i++)
        error = run_row(sql, statement, shape, (const char *)rows + i * type->size);
    return error;
}

/* Starting a statement (its cursors on the table and each index) takes as long as writing a row:
 * several rows share it. */
static int insert_rows(struct sql *sql, const struct shape *shape, const char *rows, size_t count,
                       size_t size)
{
    struct statement *statement = statement_get(sql, shape->query);
    int error = prepare(sql, statement);
    for (size_t i = 0; i < count && !error; i += ROWS_AT_ONCE) {
        int code = SQLITE_OK;
        for (size_t k = 0; k < ROWS_AT_ONCE && !code; k++)
            code = bind_plain(statement->handle, shape, rows + (i + k) * size,
                              (int)(k * shape->count) + 1);
        error = code ? note(sql, code) : step_through(sql, statement->handle);
    }
    return error;
}

static int sqlite_insert_many(struct sql *sql, const char *table, const struct type *type,
                              const void *rows, size_t count)
{
    size_t together = count / ROWS_AT_ONCE * ROWS_AT_ONCE;
    const struct shape *shape = together ? shape_get(sql, SHAPE_INSERT_ROWS, table, type) : NULL;
    if (!shape || !shape->plain)
        together = 0;
    if (together > 0) {
        int error = insert_rows(sql, shape, rows, together, type->size);
        if (error)
            return error;
    }
    return run_rows(sql, SHAPE_INSERT, table, type, (const char *)rows + together * type->size,
                    count - together);
}

static int sqlite_update_many(struct sql *sql, const char *table, const struct type *type,
                              const void *rows, size_t count)
{
    return run_rows(sql, SHAPE_UPDATE, table, type, rows, count);
}

static int compare_ids(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static int find_one(struct cursor *cursor, struct arena *arena, const struct type *type, int64_t id,
                    void *ret_row, bool *ret_found)
{
    int error = sqlite_start(cursor, SQL_ARGS(sql_int(id)));
    int step = error ? error : sqlite_step(cursor);
    *ret_found = step == 1;
    if (step < 0)
        error = step;
    else if (step == 1 && !(error = cursor_map(cursor, type)))
        error = sqlite_read(cursor, arena, ret_row);
    if (cursor->statement->handle)
        sqlite_end(cursor);
    return error;
}

static int sqlite_find_many(struct sql *sql, struct arena *arena, const char *table,
                            const struct type *type, const int64_t *ids, size_t id_count, bool lock,
                            char **ret_rows, size_t *ret_count)
{
    (void)lock;
    const struct shape *shape = shape_get(sql, SHAPE_FIND, table, type);
    struct cursor cursor = {.sql = sql, .statement = statement_get(sql, shape->query)};
    int64_t *sorted = malloc(id_count * sizeof(*sorted));
    if (!sorted)
        abort();
    memcpy(sorted, ids, id_count * sizeof(*sorted));
    qsort(sorted, id_count, sizeof(*sorted), compare_ids);
    char *rows = arena_alloc_array(arena, id_count, type->size);
    int error = 0;
    size_t count = 0;
    for (size_t i = 0; i < id_count && !error; i++) {
        bool found = false;
        if (i == 0 || sorted[i] != sorted[i - 1])
            error = find_one(&cursor, arena, type, sorted[i], rows + count * type->size, &found);
        count += found;
    }
    free(sorted);
    *ret_rows = rows;
    *ret_count = error ? 0 : count;
    return error;
}

const struct engine sqlite_engine = {
    .id = STORE_SQLITE,
    .connect = sqlite_connect,
    .disconnect = sqlite_disconnect,
    .control = sqlite_control,
    .run = sqlite_run,
    .start = sqlite_start,
    .step = sqlite_step,
    .read = sqlite_read,
    .read_integer = sqlite_read_integer,
    .end = sqlite_end,
    .column_count = sqlite_column_count,
    .column_name = sqlite_column_name,
    .column_origin = sqlite_column_origin,
    .forget = sqlite_forget,
    .script = sqlite_script,
    .insert_many = sqlite_insert_many,
    .update_many = sqlite_update_many,
    .find_many = sqlite_find_many,
    .secret_columns = "SELECT m.name AS table_name, c.name AS column_name"
                      " FROM sqlite_schema m, pragma_table_info(m.name) c"
                      " WHERE m.type = 'table' AND c.type = 'SECRET' ORDER BY 1, 2",
    .migration_lock = "",
    .migration_first = "",
    .was_committed = sqlite_was_committed,
};
