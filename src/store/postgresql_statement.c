/* Statements with their parameters on the way to the server. */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/postgresql.h"
#include "store/postgresql_text.h"

void pg_forget(struct sql *sql, struct statement *statement)
{
    struct prepared *prepared = statement->handle;
    if (!prepared)
        return;
    struct pg *pg = sql->connection;
    if (pg && prepared->sent_on == pg->number) {
        char text[40];
        snprintf(text, sizeof(text), "DEALLOCATE %s", prepared->name);
        pg_settle(sql, NULL);
        pg = sql->connection;
        if (pg && PQsendQueryParams(pg->conn, text, 0, NULL, NULL, NULL, NULL, 0) == 1) {
            pg_push(sql, PENDING_EXECUTE, NULL);
            pg_settle(sql, NULL);
        }
    }
    free(prepared->text);
    free(prepared->types);
    free(prepared);
    statement->handle = NULL;
}

Oid pg_type_of(enum sql_kind kind)
{
    switch (kind) {
    case SQL_I64:
        return OID_INT8;
    case SQL_TEXT:
        return OID_TEXT;
    case SQL_BYTES:
        return OID_BYTEA;
    case SQL_NULL:
    case SQL_END:
        break;
    }
    return OID_ANY;
}

/* As text, for a parameter whose type the server chose when the first value was NULL. */
static const char *as_text(struct arena *arena, const struct sql_value *value)
{
    if (value->kind == SQL_I64)
        return arena_printf(arena, "%lld", (long long)value->integer).ptr;
    if (value->kind == SQL_TEXT)
        return arena_cstr(arena, value->bytes);
    char *text = arena_alloc(arena, 2 * value->bytes.len + 3);
    text[0] = '\\';
    text[1] = 'x';
    for (size_t i = 0; i < value->bytes.len; i++)
        sprintf(text + 2 + 2 * i, "%02x", (unsigned char)value->bytes.ptr[i]);
    return text;
}

void pg_set_parameter(struct parameters *parameters, unsigned i, struct arena *arena,
                      const struct sql_value *value, Oid declared)
{
    parameters->types[i] = pg_type_of(value->kind);
    parameters->values[i] = NULL;
    parameters->lengths[i] = 0;
    parameters->formats[i] = 1;
    if (value->kind == SQL_NULL)
        return;
    if (declared != parameters->types[i]) {
        parameters->formats[i] = 0;
        parameters->values[i] = as_text(arena, value);
    } else if (value->kind == SQL_I64) {
        parameters->integers[i] = (int64_t)htobe64((uint64_t)value->integer);
        parameters->values[i] = (const char *)&parameters->integers[i];
        parameters->lengths[i] = 8;
    } else {
        parameters->values[i] = value->bytes.ptr;
        parameters->lengths[i] = (int)value->bytes.len;
    }
}

/* The statement's text for the server, with the types of its first values. */
struct prepared *pg_prepared_get(struct sql *sql, struct statement *statement, const Oid *types,
                                 unsigned count)
{
    struct prepared *prepared = statement->handle;
    if (prepared)
        return prepared;
    prepared = calloc(1, sizeof(*prepared));
    if (!prepared)
        abort();
    prepared->text = postgresql_text(statement->query, &prepared->count);
    prepared->types = calloc(count + 1, sizeof(Oid));
    if (!prepared->text || !prepared->types)
        abort();
    memcpy(prepared->types, types, count * sizeof(Oid));
    snprintf(prepared->name, sizeof(prepared->name), "s%u", sql->prepared_count++);
    statement->handle = prepared;
    return prepared;
}

int pg_send(struct sql *sql, struct prepared *prepared, const struct parameters *parameters)
{
    int error = pg_make_room(sql);
    if (error)
        return error;
    struct pg *pg = sql->connection;
    if (prepared->count != parameters->count)
        return sql_note(sql, ERR_STORE, "%u parameters are wanted by \"%.300s\"", prepared->count,
                        prepared->text);
    if (prepared->sent_on != pg->number) {
        if (PQsendPrepare(pg->conn, prepared->name, prepared->text, (int)prepared->count,
                          prepared->types) != 1)
            return pg_lost(sql);
        pg_push(sql, PENDING_PREPARE, prepared);
        prepared->sent_on = pg->number;
    }
    if (PQsendQueryPrepared(pg->conn, prepared->name, (int)parameters->count, parameters->values,
                            parameters->lengths, parameters->formats, 0) != 1)
        return pg_lost(sql);
    pg_push(sql, PENDING_EXECUTE, NULL);
    return 0;
}

int pg_send_values(struct sql *sql, struct statement *statement, const struct sql_value *args)
{
    struct parameters parameters;
    Oid types[MAX_COLUMNS];
    types[0] = OID_ANY; /* without arguments nobody looks, but the compiler cannot know */
    unsigned count = 0;
    for (; args[count].kind != SQL_END; count++) {
        assert(count < MAX_COLUMNS);
        types[count] = pg_type_of(args[count].kind);
    }
    struct prepared *prepared = pg_prepared_get(sql, statement, types, count);
    parameters.count = count;
    struct arena *scratch = scratch_begin(sql);
    for (unsigned i = 0; i < count; i++)
        pg_set_parameter(&parameters, i, scratch, &args[i],
                         i < prepared->count ? prepared->types[i] : OID_ANY);
    int error = pg_send(sql, prepared, &parameters);
    scratch_end(sql);
    return error;
}

int pg_run(struct sql *sql, struct statement *statement, const struct sql_value *args, bool wait,
           int64_t *ret_changed)
{
    pg_answers_forget(sql);
    int error = pg_send_values(sql, statement, args);
    if (error || (!wait && sql->transaction == TRANSACTION_WRITE && !statement->temporary))
        return error;
    PGresult *result;
    error = pg_settle(sql, &result);
    if (error)
        return error;
    if (ret_changed) {
        const char *count = PQcmdTuples(result);
        *ret_changed = *count ? strtoll(count, NULL, 10) : 0;
    }
    PQclear(result);
    return 0;
}

int pg_script(struct sql *sql, const char *text)
{
    if (!*text)
        return 0;
    int error = pg_settle(sql, NULL);
    if (error)
        return error;
    struct pg *pg = sql->connection;
    if (PQexitPipelineMode(pg->conn) != 1)
        return pg_lost(sql);
    PGresult *result = PQexec(pg->conn, text);
    error = pg_is_error(result) ? pg_note_result(sql, result) : 0;
    PQclear(result);
    if (PQstatus(pg->conn) != CONNECTION_OK || PQenterPipelineMode(pg->conn) != 1)
        return pg_lost(sql);
    return error;
}

int pg_send_text(struct sql *sql, const char *text)
{
    return pg_send_values(sql, statement_get(sql, text), SQL_ARGS());
}
