/*
 * Statements, transactions and savepoints of one connection, the same for both engines.
 *
 * Invariants: issued <= savepoints; a savepoint is issued before the first write after it and never
 * for reads. While `failed` is set nothing reaches the engine until the savepoint `failed_at` (or
 * the whole transaction, 0) is rolled back, so that a batch behaves alike on engines that spoil a
 * transaction by themselves and on those that do not.
 */
#include <assert.h>
#include <limits.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/row.h"
#include "store/store_engine.h"

/* ---- Connection ---- */

struct sql *sql_open(struct store *store, bool for_write)
{
    struct sql *sql = calloc(1, sizeof(*sql));
    if (!sql)
        abort();
    sql->store = store;
    sql->engine = store->engine;
    sql->for_write = for_write;
    sql->scratch = arena_new(SIZE_MAX);
    return sql;
}

void sql_close(struct sql *sql)
{
    if (sql->connection)
        sql->engine->disconnect(sql);
    statements_forget(sql);
    shapes_free(sql);
    kept_free(sql);
    arena_free(sql->scratch);
    free(sql);
}

struct store *sql_store(struct sql *sql)
{
    return sql->store;
}

enum store_engine sql_engine(const struct sql *sql)
{
    return sql->engine->id;
}

const char *sql_last_error(const struct sql *sql)
{
    return sql->error;
}

int64_t sql_commit_token(const struct sql *sql)
{
    return sql->token;
}

int sql_note(struct sql *sql, int error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(sql->error, sizeof(sql->error), format, args);
    va_end(args);
    return error;
}

struct arena *scratch_begin(struct sql *sql)
{
    sql->scratch_users++;
    return sql->scratch;
}

void scratch_end(struct sql *sql)
{
    assert(sql->scratch_users > 0);
    if (--sql->scratch_users == 0)
        arena_reset(sql->scratch);
}

/* ---- Spoiled transactions ---- */

int sql_spoil(struct sql *sql, int error)
{
    if (sql->transaction == TRANSACTION_NONE || error == ERR_NOT_FOUND)
        return error;
    bool whole = error == ERR_STORE_RETRY || error == ERR_STORE_LOST || error == ERR_STORE_BUSY;
    sql->failed = error;
    sql->failed_at = whole ? 0 : sql->issued;
    return error;
}

static int send_deferred(struct sql *sql, unsigned level)
{
    return sql->engine->send_deferred ? sql->engine->send_deferred(sql, level) : 0;
}

int sql_issue_savepoints(struct sql *sql)
{
    if (sql->transaction != TRANSACTION_WRITE)
        return 0;
    sql->wrote = true;
    while (sql->issued < sql->savepoints) {
        int error = send_deferred(sql, sql->issued + 1);
        if (!error)
            error = sql->engine->control(sql, SAVEPOINT, sql->issued + 1);
        if (error)
            return sql_spoil(sql, error);
        sql->issued++;
    }
    int error = send_deferred(sql, UINT_MAX);
    return error ? sql_spoil(sql, error) : 0;
}

/* ---- Running ---- */

/* May a statement be tried? Outside a transaction a lost connection is made anew. */
static int ready(struct sql *sql)
{
    if (sql->failed)
        return sql->failed;
    if (sql->connection)
        return 0;
    if (sql->transaction != TRANSACTION_NONE)
        return sql_spoil(sql, ERR_STORE_LOST);
    return sql->engine->connect(sql);
}

static int ready_to_write(struct sql *sql)
{
    int error = ready(sql);
    return error ? error : sql_issue_savepoints(sql);
}

int sql_run_args(struct sql *sql, const char *query, const struct sql_value *args,
                 int64_t *ret_changed)
{
    int error = ready_to_write(sql);
    if (error)
        return error;
    struct statement *statement = statement_get(sql, query);
    error = sql->engine->run(sql, statement, args, ret_changed != NULL, ret_changed);
    statement_release(sql, statement);
    return error ? sql_spoil(sql, error) : 0;
}

/* 1: the cursor stands before an answer that needs no asking; 0, or an error. */
static int recall(struct cursor *cursor, const struct sql_value *args)
{
    struct sql *sql = cursor->sql;
    if (!sql->engine->recall || sql->transaction == TRANSACTION_NONE || cursor->stream)
        return 0;
    return sql->engine->recall(cursor, args);
}

/* Rows that wait or are kept have to be in the table before a statement that may be about them. */
static int send_rows_for(struct sql *sql, const struct statement *statement)
{
    uint32_t word;
    bool kept = kept_concerns(sql, statement, &word);
    if (!kept && (!sql->engine->defers_for || !sql->engine->defers_for(sql, statement)))
        return 0;
    int error = ready_to_write(sql);
    return error || !kept ? error : kept_write_table(sql, word);
}

static int start(struct cursor *cursor, const char *query, const struct sql_value *args)
{
    int known = cursor->sql->vouched ? recall(cursor, args) : 0;
    if (known)
        return known < 0 ? known : 0;
    cursor->sql->vouched = false;
    int error = send_rows_for(cursor->sql, cursor->statement);
    if (error)
        return error;
    known = recall(cursor, args);
    if (known)
        return known < 0 ? known : 0;
    if (!statement_only_reads(query))
        error = ready_to_write(cursor->sql);
    return error ? error : cursor->sql->engine->start(cursor, args);
}

static int cursor_open(struct cursor *cursor, const char *query, const struct sql_value *args)
{
    struct sql *sql = cursor->sql;
    int error = ready(sql);
    if (error)
        return error;
    cursor->statement = statement_get(sql, query);
    error = start(cursor, query, args);
    if (error) {
        statement_release(sql, cursor->statement);
        return sql_spoil(sql, error);
    }
    cursor->statement->busy = true;
    return 0;
}

static int cursor_close(struct cursor *cursor, int error)
{
    cursor->sql->engine->end(cursor);
    cursor->statement->busy = false;
    statement_release(cursor->sql, cursor->statement);
    return error ? sql_spoil(cursor->sql, error) : 0;
}

static const struct type_field *find_field(const struct type *type, const char *name)
{
    for (size_t i = 0; i < type->field_count; i++)
        if (strcmp(type->fields[i].name, name) == 0)
            return &type->fields[i];
    return NULL;
}

static int map_secret(struct cursor *cursor, unsigned index, struct row_column *column)
{
    struct str origin;
    struct arena *scratch = scratch_begin(cursor->sql);
    (void)scratch;
    int error = cursor->sql->engine->column_origin(cursor, index, &origin);
    if (!error && !str_present(origin))
        error = sql_note(cursor->sql, ERR_STORE, "column %s of \"%s\" is no table's column",
                         column->field->name, cursor->statement->query);
    if (!error) {
        column->context.ptr = strndup(origin.ptr, origin.len);
        column->context.len = origin.len;
        if (!column->context.ptr)
            abort();
    }
    scratch_end(cursor->sql);
    return error;
}

int cursor_map(struct cursor *cursor, const struct type *type)
{
    struct row_map *map = &cursor->statement->map;
    if (map->type == type)
        return 0;
    row_map_free(map);
    struct sql *sql = cursor->sql;
    unsigned count = sql->engine->column_count(cursor), matched = 0;
    map->columns = calloc(count, sizeof(*map->columns));
    if (!map->columns)
        abort();
    map->count = count;
    for (unsigned i = 0; i < count; i++) {
        const char *name = sql->engine->column_name(cursor, i);
        struct row_column *column = &map->columns[i];
        column->field = find_field(type, name);
        if (column->field)
            matched++;
        else if (strcmp(name, "found") != 0) /* ROW_SELECT's constant first column */
            return sql_note(sql, ERR_STORE, "column %s of \"%s\" has no field in %s", name,
                            cursor->statement->query, type->name);
        if (column->field && column->field->value.sensitive &&
            column->field->value.kind == TYPE_BYTES) {
            int error = map_secret(cursor, i, column);
            if (error)
                return error;
        }
    }
    if (matched != type->field_count)
        return sql_note(sql, ERR_STORE, "%u of the %zu fields of %s have a column in \"%s\"",
                        matched, type->field_count, type->name, cursor->statement->query);
    map->type = type;
    return 0;
}

int sql_one_args(struct sql *sql, struct arena *arena, const struct type *type, void *ret_row,
                 const char *query, const struct sql_value *args)
{
    struct cursor cursor = {.sql = sql};
    int error = cursor_open(&cursor, query, args);
    if (error)
        return error;
    int step = sql->engine->step(&cursor);
    if (step == 0)
        error = ERR_NOT_FOUND;
    else if (step < 0)
        error = step;
    else if (!(error = cursor_map(&cursor, type)))
        error = sql->engine->read(&cursor, arena, ret_row);
    return cursor_close(&cursor, error);
}

int sql_one_expected_args(struct sql *sql, struct arena *arena, const struct type *type,
                          void *ret_row, const char *query, const struct sql_value *args)
{
    sql->vouched = true;
    int error = sql_one_args(sql, arena, type, ret_row, query, args);
    sql->vouched = false;
    return error;
}

int sql_integer_args(struct sql *sql, int64_t *ret_value, const char *query,
                     const struct sql_value *args)
{
    struct cursor cursor = {.sql = sql};
    int error = cursor_open(&cursor, query, args);
    if (error)
        return error;
    int step = sql->engine->step(&cursor);
    if (step == 0)
        error = ERR_NOT_FOUND;
    else if (step < 0)
        error = step;
    else
        error = sql->engine->read_integer(&cursor, ret_value);
    return cursor_close(&cursor, error);
}

/* Grows by doubling; what is left behind in the arena is at most as much again. */
static char *grow_rows(struct arena *arena, char *rows, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return rows;
    size_t larger = *capacity ? *capacity * 2 : 8;
    char *copy = arena_alloc_array(arena, larger, size);
    if (count > 0)
        memcpy(copy, rows, count * size);
    *capacity = larger;
    return copy;
}

int sql_all_args(struct sql *sql, struct arena *arena, const struct type *type, void **ret_rows,
                 size_t *ret_count, const char *query, const struct sql_value *args)
{
    struct cursor cursor = {.sql = sql};
    int error = cursor_open(&cursor, query, args);
    if (error)
        return error;
    size_t count = 0, capacity = 0;
    char *rows = NULL;
    int step;
    while (!error && (step = sql->engine->step(&cursor)) != 0) {
        if (step < 0) {
            error = step;
            break;
        }
        rows = grow_rows(arena, rows, count, &capacity, type->size);
        if (!(error = cursor_map(&cursor, type)))
            error = sql->engine->read(&cursor, arena, rows + count++ * type->size);
    }
    *ret_rows = rows;
    *ret_count = error ? 0 : count;
    return cursor_close(&cursor, error);
}

static int each_row(struct cursor *cursor, const struct type *type, sql_visit *visit, void *context,
                    bool *ret_stopped)
{
    struct sql *sql = cursor->sql;
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
    void *row = malloc(type->size);
    if (!row)
        abort();
    int error = 0, step;
    while (!error && (step = sql->engine->step(cursor)) != 0) {
        if (step < 0) {
            error = step;
            break;
        }
        arena_reset(arena);
        memset(row, 0, type->size);
        if (!(error = cursor_map(cursor, type)) &&
            !(error = sql->engine->read(cursor, arena, row)) &&
            (error = visit(context, row, arena)))
            *ret_stopped = true;
    }
    free(row);
    return error;
}

int sql_each_args(struct sql *sql, const struct type *type, sql_visit *visit, void *context,
                  const char *query, const struct sql_value *args)
{
    /* Fetching in portions takes a transaction on PostgreSQL. */
    bool own_transaction = sql->transaction == TRANSACTION_NONE;
    if (own_transaction) {
        int error = sql_begin_read(sql);
        if (error)
            return error;
    }
    struct cursor cursor = {.sql = sql, .stream = true};
    bool stopped = false;
    int error = cursor_open(&cursor, query, args);
    if (!error) {
        error = each_row(&cursor, type, visit, context, &stopped);
        /* The visitor's own code is no failure of the database. */
        int closed = cursor_close(&cursor, stopped ? 0 : error);
        if (!error)
            error = closed;
    }
    if (own_transaction) {
        int ended = sql_commit(sql);
        if (!error)
            error = ended;
    }
    return error;
}

/* ---- Whole rows ---- */

static int run_shape(struct sql *sql, enum shape_kind kind, bool wait, const char *table,
                     const struct type *type, const void *row)
{
    int error = ready_to_write(sql);
    if (error)
        return error;
    struct sql_value values[MAX_COLUMNS + 1];
    const struct shape *shape = shape_get(sql, kind, table, type);
    struct arena *scratch = scratch_begin(sql);
    shape_values(sql, shape, scratch, row, values);
    struct statement *statement = statement_get(sql, shape->query);
    error = sql->engine->run(sql, statement, values, wait, NULL);
    statement_release(sql, statement);
    scratch_end(sql);
    return error ? sql_spoil(sql, error) : 0;
}

int sql_insert(struct sql *sql, const char *table, const struct type *type, const void *row)
{
    return run_shape(sql, SHAPE_INSERT, true, table, type, row);
}

/* Within a call of a batch rows wait: if the call is taken back they were never sent, and those of
 * many calls go together. */
static bool may_defer(const struct sql *sql)
{
    return sql->engine->defer && sql->transaction == TRANSACTION_WRITE && sql->savepoints > 0;
}

static int defer(struct sql *sql, const char *table, const struct type *type, const void *rows,
                 size_t count)
{
    int error = ready(sql);
    if (error)
        return error;
    sql->wrote = true;
    error = sql->engine->defer(sql, table, type, rows, count);
    if (error != ERR_INVALID)
        return error ? sql_spoil(sql, error) : 0;
    /* The row was refused here: the server knows of nothing, only this call is spoiled. */
    sql->failed = error;
    sql->failed_at = sql->savepoints;
    return error;
}

int sql_append(struct sql *sql, const char *table, const struct type *type, const void *row)
{
    if (may_defer(sql))
        return defer(sql, table, type, row, 1);
    return run_shape(sql, SHAPE_INSERT, false, table, type, row);
}

int sql_update(struct sql *sql, const char *table, const struct type *type, const void *row)
{
    return run_shape(sql, SHAPE_UPDATE, false, table, type, row);
}

int sql_insert_many(struct sql *sql, const char *table, const struct type *type, const void *rows,
                    size_t count)
{
    if (count == 0)
        return sql->failed;
    if (may_defer(sql))
        return defer(sql, table, type, rows, count);
    int error = ready_to_write(sql);
    if (!error && (error = sql->engine->insert_many(sql, table, type, rows, count)))
        sql_spoil(sql, error);
    return error;
}

int sql_update_many(struct sql *sql, const char *table, const struct type *type, const void *rows,
                    size_t count)
{
    if (count == 0)
        return sql->failed;
    int error = ready_to_write(sql);
    if (!error && (error = sql->engine->update_many(sql, table, type, rows, count)))
        sql_spoil(sql, error);
    return error;
}

int sql_expect_args(struct sql *sql, const char *query, const struct sql_value *args)
{
    assert(sql->transaction != TRANSACTION_NONE && sql->savepoints == 0);
    if (!sql->engine->expect)
        return 0;
    int error = ready(sql);
    if (!error && (error = sql->engine->expect(sql, statement_get(sql, query), args)))
        sql_spoil(sql, error);
    return error;
}

int sql_lock_many(struct sql *sql, struct arena *arena, const char *table, const struct type *type,
                  const int64_t *ids, size_t id_count, char **ret_rows, size_t *ret_count)
{
    int error = ready(sql);
    if (!error && (error = sql->engine->find_many(sql, arena, table, type, ids, id_count, true,
                                                  ret_rows, ret_count)))
        sql_spoil(sql, error);
    return error;
}

int sql_find_many(struct sql *sql, struct arena *arena, const char *table, const struct type *type,
                  const int64_t *ids, size_t id_count, bool lock, void **ret_rows,
                  size_t *ret_count)
{
    *ret_rows = NULL;
    *ret_count = 0;
    if (id_count == 0)
        return sql->failed;
    char *rows = NULL;
    int error = ready(sql);
    if (error)
        return error;
    if (lock && sql->engine->forget_answers)
        sql->engine->forget_answers(sql);
    error = sql->engine->find_many(sql, arena, table, type, ids, id_count, lock, &rows, ret_count);
    *ret_rows = rows;
    return error ? sql_spoil(sql, error) : 0;
}

/* ---- Transactions ---- */

static int begin(struct sql *sql, enum control what, enum transaction transaction)
{
    assert(sql->transaction == TRANSACTION_NONE);
    sql->failed = 0;
    sql->savepoints = sql->issued = 0;
    sql->wrote = false;
    if (sql->statement_count > MAX_STATEMENTS)
        statements_forget(sql);
    int error = ready(sql);
    if (!error)
        error = sql->engine->control(sql, what, 0);
    if (error)
        return error;
    sql->transaction = transaction;
    if (transaction == TRANSACTION_WRITE && sql->engine->id == STORE_POSTGRESQL &&
        RAND_bytes((unsigned char *)&sql->token, sizeof(sql->token)) != 1)
        abort();
    return 0;
}

int sql_begin(struct sql *sql)
{
    return begin(sql, BEGIN_WRITE, TRANSACTION_WRITE);
}

int sql_begin_read(struct sql *sql)
{
    return begin(sql, BEGIN_READ, TRANSACTION_READ);
}

static void transaction_over(struct sql *sql)
{
    sql->transaction = TRANSACTION_NONE;
    sql->failed = 0;
    sql->savepoints = sql->issued = 0;
    kept_clear(sql);
}

int sql_rollback(struct sql *sql)
{
    assert(sql->transaction != TRANSACTION_NONE);
    int error = sql->connection ? sql->engine->control(sql, ROLLBACK, 0) : ERR_STORE_LOST;
    transaction_over(sql);
    /* A connection that is gone has rolled back by itself. */
    return error == ERR_STORE_LOST ? 0 : error;
}

int sql_commit(struct sql *sql)
{
    assert(sql->transaction != TRANSACTION_NONE);
    if (sql->connection && !sql->failed) {
        int error = kept_write(sql);
        if (error)
            sql_spoil(sql, error);
    }
    if (sql->failed && sql->transaction == TRANSACTION_WRITE) {
        int error = sql->failed;
        sql_rollback(sql);
        return error;
    }
    int error = sql->connection ? sql->engine->control(sql, COMMIT, 0) : ERR_STORE_LOST;
    transaction_over(sql);
    return error;
}

int sql_savepoint(struct sql *sql)
{
    assert(sql->transaction == TRANSACTION_WRITE && sql->savepoints < MAX_SAVEPOINTS);
    if (sql->failed)
        return sql->failed;
    sql->savepoints++;
    if (sql->engine->mark_deferred)
        sql->engine->mark_deferred(sql, sql->savepoints);
    kept_mark(sql, sql->savepoints);
    return 0;
}

int sql_savepoint_release(struct sql *sql)
{
    assert(sql->savepoints > 0);
    if (sql->failed)
        return sql->failed;
    if (sql->issued == sql->savepoints) {
        int error = send_deferred(sql, UINT_MAX);
        if (!error)
            error = sql->engine->control(sql, RELEASE, sql->issued);
        if (error)
            return sql_spoil(sql, error);
        sql->issued--;
    }
    sql->savepoints--;
    return 0;
}

int sql_savepoint_rollback(struct sql *sql)
{
    assert(sql->savepoints > 0);
    unsigned level = sql->savepoints--;
    if (sql->failed && sql->failed_at < level) {
        if (sql->issued > sql->savepoints)
            sql->issued = sql->savepoints;
        return sql->failed;
    }
    sql->failed = 0;
    if (sql->engine->rewind_deferred && sql->connection)
        sql->engine->rewind_deferred(sql, level);
    kept_rewind(sql, level, sql->issued >= level);
    if (sql->issued < level)
        return 0;
    int error = sql->engine->control(sql, ROLLBACK_TO, level);
    sql->issued = sql->savepoints;
    return error ? sql_spoil(sql, error) : 0;
}

int sql_was_committed(struct sql *sql, int64_t token, bool *ret_committed)
{
    assert(sql->transaction == TRANSACTION_NONE);
    int error = ready(sql);
    if (error)
        return error;
    return sql->engine->was_committed(sql, token, ret_committed);
}

/* ---- Settings ---- */

#define SETTING_ROW(F) F(TEXT, value)
ROW_STRUCT(setting, SETTING_ROW);
#define ROW_SELF struct setting
ROW_TYPE(setting, SETTING_ROW);
#undef ROW_SELF

int sql_setting_get(struct sql *sql, struct arena *arena, const char *key, struct str *ret_value)
{
    struct setting row = {0};
    int error = sql_one(sql, arena, &setting_row, &row, "SELECT value FROM setting WHERE key = ?",
                        sql_text(str_from(key)));
    *ret_value = error ? STR_NONE : row.value;
    return error;
}

int sql_setting_put(struct sql *sql, const char *key, struct str value)
{
    return sql_run(sql,
                   "INSERT INTO setting (key, value) VALUES (?, ?)"
                   " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                   sql_text(str_from(key)), sql_text(value));
}
