/* Many rows: one statement over arrays. */
#include <endian.h>

#include "store/postgresql.h"

static void add_u32(struct buf *out, uint32_t value)
{
    uint32_t big = htobe32(value);
    buf_add(out, &big, sizeof(big));
}

void pg_add_element(struct buf *out, const struct sql_value *value)
{
    if (value->kind == SQL_NULL) {
        add_u32(out, UINT32_MAX);
    } else if (value->kind == SQL_I64) {
        uint64_t big = htobe64((uint64_t)value->integer);
        add_u32(out, 8);
        buf_add(out, &big, sizeof(big));
    } else {
        add_u32(out, (uint32_t)value->bytes.len);
        buf_add_str(out, value->bytes);
    }
}

/* The head of the binary form of a one-dimensional array (array_recv). */
static void add_array_head(struct buf *out, Oid element, size_t count)
{
    add_u32(out, 1);
    add_u32(out, 1); /* may hold NULLs */
    add_u32(out, element);
    add_u32(out, (uint32_t)count);
    add_u32(out, 1); /* lower bound */
}

static Oid element_type(const struct type_field *field)
{
    if (field->value.kind == TYPE_INTEGER || field->value.kind == TYPE_BOOLEAN)
        return OID_INT8;
    return field->value.kind == TYPE_BYTES ? OID_BYTEA : OID_TEXT;
}

static Oid array_of(Oid element)
{
    return element == OID_INT8 ? 1016 : element == OID_BYTEA ? 1001 : 1009;
}

static void set_array(struct parameters *parameters, unsigned i, Oid element, const struct buf *buf)
{
    parameters->types[i] = array_of(element);
    parameters->values[i] = buf->ptr;
    parameters->lengths[i] = (int)buf->len;
    parameters->formats[i] = 1;
}

struct buf pg_array_begin(struct arena *arena, const struct type_field *field, size_t count)
{
    struct buf array = buf_new(arena, 20 + count * 12);
    add_array_head(&array, element_type(field), count);
    return array;
}

int pg_send_arrays(struct sql *sql, const struct shape *shape, const struct buf *columns)
{
    struct parameters parameters = {.count = shape->count};
    for (unsigned f = 0; f < shape->count; f++)
        set_array(&parameters, f, element_type(shape->fields[f]), &columns[f]);
    struct statement *statement = statement_get(sql, shape->query);
    return pg_send(sql, pg_prepared_get(sql, statement, parameters.types, shape->count),
                   &parameters);
}

static int run_arrays(struct sql *sql, enum shape_kind kind, const char *table,
                      const struct type *type, const void *rows, size_t count)
{
    const struct shape *shape = shape_get(sql, kind, table, type);
    struct sql_value values[MAX_COLUMNS + 1];
    struct arena *scratch = scratch_begin(sql);
    struct buf *columns = ARENA_ARRAY(scratch, struct buf, shape->count);
    pg_answers_forget(sql);
    for (unsigned f = 0; f < shape->count; f++)
        columns[f] = pg_array_begin(scratch, shape->fields[f], count);
    for (size_t i = 0; i < count; i++) {
        shape_values(sql, shape, scratch, (const char *)rows + i * type->size, values);
        for (unsigned f = 0; f < shape->count; f++)
            pg_add_element(&columns[f], &values[f]);
    }
    int error = pg_send_arrays(sql, shape, columns);
    scratch_end(sql);
    if (!error && sql->transaction != TRANSACTION_WRITE)
        error = pg_settle(sql, NULL);
    return error;
}

int pg_insert_many(struct sql *sql, const char *table, const struct type *type, const void *rows,
                   size_t count)
{
    return run_arrays(sql, SHAPE_INSERT_MANY, table, type, rows, count);
}

int pg_update_many(struct sql *sql, const char *table, const struct type *type, const void *rows,
                   size_t count)
{
    return run_arrays(sql, SHAPE_UPDATE_MANY, table, type, rows, count);
}

static int send_ids(struct sql *sql, struct statement *statement, const int64_t *ids, size_t count)
{
    struct parameters parameters = {.count = 1};
    struct arena *scratch = scratch_begin(sql);
    struct buf array = buf_new(scratch, 20 + count * 12);
    add_array_head(&array, OID_INT8, count);
    for (size_t i = 0; i < count; i++) {
        struct sql_value value = sql_int(ids[i]);
        pg_add_element(&array, &value);
    }
    set_array(&parameters, 0, OID_INT8, &array);
    int error = pg_send(sql, pg_prepared_get(sql, statement, parameters.types, 1), &parameters);
    scratch_end(sql);
    return error;
}

int pg_find_many(struct sql *sql, struct arena *arena, const char *table, const struct type *type,
                 const int64_t *ids, size_t id_count, bool lock, char **ret_rows, size_t *ret_count)
{
    const struct shape *shape =
        shape_get(sql, lock ? SHAPE_LOCK_MANY : SHAPE_FIND_MANY, table, type);
    struct cursor cursor = {.sql = sql, .statement = statement_get(sql, shape->query)};
    PGresult *result = NULL;
    int error = pg_defers_for(sql, cursor.statement) ? sql_issue_savepoints(sql) : 0;
    if (!error)
        error = send_ids(sql, cursor.statement, ids, id_count);
    if (!error)
        error = pg_settle(sql, &result);
    if (error)
        return error;
    size_t count = (size_t)PQntuples(result);
    char *rows = arena_alloc_array(arena, count ? count : 1, type->size);
    cursor.result = result;
    for (; (size_t)cursor.row < count && !error; cursor.row++)
        if (!(error = cursor_map(&cursor, type)))
            error = pg_read(&cursor, arena, rows + (size_t)cursor.row * type->size);
    PQclear(result);
    *ret_rows = rows;
    *ret_count = error ? 0 : count;
    return error;
}
