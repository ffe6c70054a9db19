/* Reading results: whole, or in portions through a cursor of the server's. */
#include <stdio.h>
#include <stdlib.h>

#include "store/postgresql.h"
#include "store/postgresql_text.h"

#define FETCH_ROWS 500

static int fetch(struct cursor *cursor)
{
    struct sql *sql = cursor->sql;
    struct pg *pg = sql->connection;
    char text[64];
    PQclear(cursor->result);
    cursor->result = NULL;
    snprintf(text, sizeof(text), "FETCH %d FROM c%u", FETCH_ROWS, cursor->number);
    if (PQsendQueryParams(pg->conn, text, 0, NULL, NULL, NULL, NULL, 0) != 1)
        return pg_lost(sql);
    pg_push(sql, PENDING_EXECUTE, NULL);
    PGresult *result;
    int error = pg_settle(sql, &result);
    if (error)
        return error;
    cursor->result = result;
    cursor->row = -1;
    cursor->row_count = PQntuples(result);
    return 0;
}

/* DECLARE takes the statement's parameters, but is not prepared: each one has a name of its own. */
static int declare(struct cursor *cursor, const struct sql_value *args)
{
    struct sql *sql = cursor->sql;
    struct pg *pg = sql->connection;
    struct parameters parameters = {0};
    struct arena *scratch = scratch_begin(sql);
    unsigned count;
    char *text = postgresql_text(cursor->statement->query, &count);
    for (; args[parameters.count].kind != SQL_END; parameters.count++) {
        const struct sql_value *value = &args[parameters.count];
        assert(parameters.count < MAX_COLUMNS);
        pg_set_parameter(&parameters, parameters.count, scratch, value, pg_type_of(value->kind));
    }
    cursor->number = pg->cursor_count++;
    const char *whole =
        arena_printf(scratch, "DECLARE c%u NO SCROLL CURSOR FOR %s", cursor->number, text).ptr;
    free(text);
    int error = pg_make_room(sql);
    if (!error && pg_reads_implicitly(sql) && !pg->block) {
        pg->block = true;
        error = pg_send_text(sql, "BEGIN");
    }
    if (!error &&
        PQsendQueryParams(pg->conn, whole, (int)parameters.count, parameters.types,
                          parameters.values, parameters.lengths, parameters.formats, 0) != 1)
        error = pg_lost(sql);
    scratch_end(sql);
    if (error)
        return error;
    pg_push(sql, PENDING_EXECUTE, NULL);
    return fetch(cursor);
}

static int query(struct cursor *cursor, const struct sql_value *args)
{
    if (!cursor->statement->reads)
        pg_answers_forget(cursor->sql);
    int error = pg_send_values(cursor->sql, cursor->statement, args);
    PGresult *result = NULL;
    if (!error)
        error = pg_settle(cursor->sql, &result);
    cursor->result = result;
    cursor->row = -1;
    cursor->row_count = error ? 0 : PQntuples(result);
    if (!error)
        pg_remember(cursor, args);
    return error;
}

/*
 * A connection may have died while it was idle. A read whose transaction has answered nothing yet
 * is begun again on a new one; the caller does not notice.
 */
int pg_start(struct cursor *cursor, const struct sql_value *args)
{
    struct sql *sql = cursor->sql;
    struct pg *pg = sql->connection;
    bool fresh =
        sql->transaction == TRANSACTION_NONE || (pg_reads_implicitly(sql) && !pg->reading) ||
        (sql->transaction == TRANSACTION_READ && !pg->reading && pg_has_pending_statement(pg));
    int error = cursor->stream ? declare(cursor, args) : query(cursor, args);
    if (error != ERR_STORE_LOST || !fresh)
        return error;
    if ((error = pg_connect(sql)))
        return error;
    if (sql->transaction == TRANSACTION_READ && !pg_reads_implicitly(sql) &&
        (error = pg_send_text(sql, pg_control_texts[BEGIN_READ])))
        return error;
    return cursor->stream ? declare(cursor, args) : query(cursor, args);
}

int pg_step(struct cursor *cursor)
{
    if (cursor->stream && cursor->row + 1 == cursor->row_count && cursor->row_count == FETCH_ROWS) {
        if (!cursor->sql->connection)
            return ERR_STORE_LOST;
        int error = fetch(cursor);
        if (error)
            return error;
    }
    if (cursor->row + 1 >= cursor->row_count)
        return 0;
    cursor->row++;
    return 1;
}

void pg_end(struct cursor *cursor)
{
    struct sql *sql = cursor->sql;
    if (!cursor->lent)
        PQclear(cursor->result);
    cursor->result = NULL;
    /* The transaction's end closes what an error or a visitor left open; closing is only kind. */
    if (!cursor->stream || !sql->connection || cursor->row_count < FETCH_ROWS)
        return;
    struct pg *pg = sql->connection;
    char text[32];
    snprintf(text, sizeof(text), "CLOSE c%u", cursor->number);
    if (pg_make_room(sql) == 0 && PQtransactionStatus(pg->conn) == PQTRANS_INTRANS &&
        PQsendQueryParams(pg->conn, text, 0, NULL, NULL, NULL, NULL, 0) == 1)
        pg_push(sql, PENDING_EXECUTE, NULL);
}

/* "\x0aff" -> 2 bytes */
static struct str parse_bytea(struct arena *arena, const char *text, size_t length)
{
    size_t count = length >= 2 ? (length - 2) / 2 : 0;
    char *bytes = arena_alloc(arena, count + 1);
    for (size_t i = 0; i < count; i++) {
        const char *pair = text + 2 + 2 * i;
        int high = pair[0] <= '9' ? pair[0] - '0' : pair[0] - 'a' + 10;
        int low = pair[1] <= '9' ? pair[1] - '0' : pair[1] - 'a' + 10;
        bytes[i] = (char)(high << 4 | low);
    }
    return (struct str){bytes, count};
}

static int read_column(struct sql *sql, const PGresult *result, int row_number, int index,
                       const struct row_column *column, struct arena *arena, void *row)
{
    if (PQgetisnull(result, row_number, index)) {
        row_set_null(column, row);
        return 0;
    }
    const char *text = PQgetvalue(result, row_number, index);
    size_t length = (size_t)PQgetlength(result, row_number, index);
    Oid type = PQftype(result, index);
    if (type == OID_BOOL)
        return row_set_integer(sql, column, row, text[0] == 't');
    struct str bytes = {text, length};
    struct arena *scratch = scratch_begin(sql);
    if (type == OID_BYTEA)
        bytes = parse_bytea(scratch, text, length);
    int error = row_set_bytes(sql, column, arena, row, bytes);
    scratch_end(sql);
    return error;
}

int pg_read(struct cursor *cursor, struct arena *arena, void *row)
{
    const struct row_map *map = &cursor->statement->map;
    for (unsigned i = 0; i < map->count; i++) {
        if (!map->columns[i].field)
            continue;
        int error = read_column(cursor->sql, cursor->result, cursor->row, (int)i, &map->columns[i],
                                arena, row);
        if (error)
            return error;
    }
    return 0;
}

int pg_read_integer(struct cursor *cursor, int64_t *ret_value)
{
    *ret_value = 0;
    if (PQnfields(cursor->result) < 1 || PQgetisnull(cursor->result, cursor->row, 0))
        return 0;
    const char *text = PQgetvalue(cursor->result, cursor->row, 0);
    if (PQftype(cursor->result, 0) == OID_BOOL)
        *ret_value = text[0] == 't';
    else if (!str_to_i64(str_from(text), ret_value))
        return sql_note(cursor->sql, ERR_STORE, "\"%.300s\" yields no integer",
                        cursor->statement->query);
    return 0;
}

unsigned pg_column_count(struct cursor *cursor)
{
    return (unsigned)PQnfields(cursor->result);
}

const char *pg_column_name(struct cursor *cursor, unsigned index)
{
    return PQfname(cursor->result, (int)index);
}

int pg_column_origin(struct cursor *cursor, unsigned index, struct str *ret_origin)
{
    struct sql *sql = cursor->sql;
    Oid table = PQftable(cursor->result, (int)index);
    int number = PQftablecol(cursor->result, (int)index);
    *ret_origin = STR_NONE;
    if (table == 0)
        return 0;
    int error = pg_send_values(sql,
                               statement_get(sql, "SELECT relname || '.' || attname FROM pg_class"
                                                  " JOIN pg_attribute ON attrelid = pg_class.oid"
                                                  " WHERE pg_class.oid = ? AND attnum = ?"),
                               SQL_ARGS(sql_int(table), sql_int(number)));
    PGresult *result;
    if (!error)
        error = pg_settle(sql, &result);
    if (error)
        return error;
    if (PQntuples(result) == 1)
        *ret_origin = arena_copy(sql->scratch, str_from(PQgetvalue(result, 0, 0)));
    PQclear(result);
    return 0;
}
