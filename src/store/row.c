/*
 * Between row structs and SQL: the text of INSERT, UPDATE and look-up for a struct, its fields as
 * values, and values back into fields. A SECRET field is sealed on the way in and opened on the way
 * out, bound to "table.column".
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/store_engine.h"

#define SHAPE_SLOTS (sizeof(((struct sql *)0)->shapes) / sizeof(struct shape *))

static bool is_secret(const struct type_field *field)
{
    return field->value.kind == TYPE_BYTES && field->value.sensitive;
}

static bool is_key(const struct type_field *field)
{
    return strcmp(field->name, "id") == 0 || strcmp(field->name, "tenant_id") == 0;
}

/* ---- The text of a shape ---- */

static const char *array_type(const struct type_field *field)
{
    if (field->value.kind == TYPE_INTEGER || field->value.kind == TYPE_BOOLEAN)
        return "bigint[]";
    return field->value.kind == TYPE_BYTES ? "bytea[]" : "text[]";
}

static void add_names(struct buf *out, const struct shape *shape, const char *prefix)
{
    for (unsigned i = 0; i < shape->count; i++)
        buf_printf(out, "%s%s%s", i ? ", " : "", prefix, shape->fields[i]->name);
}

static void add_arrays(struct buf *out, const struct shape *shape)
{
    for (unsigned i = 0; i < shape->count; i++)
        buf_printf(out, "%s?::%s", i ? ", " : "", array_type(shape->fields[i]));
}

static void add_update(struct buf *out, const struct shape *shape, bool many)
{
    const char *separator = " SET ";
    for (unsigned i = 0; i < shape->count; i++) {
        const char *name = shape->fields[i]->name;
        if (is_key(shape->fields[i]))
            continue;
        if (many)
            buf_printf(out, "%s%s = v.%s", separator, name, name);
        else
            buf_printf(out, "%s%s = ?", separator, name);
        separator = ", ";
    }
    if (many) {
        buf_add_cstr(out, " FROM unnest(");
        add_arrays(out, shape);
        buf_add_cstr(out, ") AS v(");
        add_names(out, shape, "");
        buf_add_cstr(out, ")");
    }
    separator = " WHERE ";
    for (unsigned i = 0; i < shape->count; i++) {
        const char *name = shape->fields[i]->name;
        if (!is_key(shape->fields[i]))
            continue;
        if (many)
            buf_printf(out, "%st.%s = v.%s", separator, name, name);
        else
            buf_printf(out, "%s%s = ?", separator, name);
        separator = " AND ";
    }
}

static void add_text(struct buf *out, const struct shape *shape)
{
    switch (shape->kind) {
    case SHAPE_INSERT:
    case SHAPE_INSERT_ROWS:
    case SHAPE_INSERT_MANY:
        buf_printf(out, "INSERT INTO %s (", shape->table);
        add_names(out, shape, "");
        if (shape->kind == SHAPE_INSERT_MANY) {
            buf_add_cstr(out, ") SELECT * FROM unnest(");
            add_arrays(out, shape);
        } else {
            unsigned rows = shape->kind == SHAPE_INSERT_ROWS ? ROWS_AT_ONCE : 1;
            buf_add_cstr(out, ") VALUES (");
            for (unsigned i = 0; i < rows * shape->count; i++)
                buf_add_cstr(out, i == 0 ? "?" : i % shape->count ? ", ?" : "), (?");
        }
        buf_add_cstr(out, ")");
        return;
    case SHAPE_UPDATE:
        buf_printf(out, "UPDATE %s", shape->table);
        add_update(out, shape, false);
        return;
    case SHAPE_UPDATE_MANY:
        buf_printf(out, "UPDATE %s AS t", shape->table);
        add_update(out, shape, true);
        return;
    case SHAPE_FIND:
    case SHAPE_FIND_MANY:
    case SHAPE_LOCK_MANY:
        buf_add_cstr(out, "SELECT ");
        add_names(out, shape, "");
        buf_printf(out, " FROM %s WHERE id ", shape->table);
        if (shape->kind == SHAPE_FIND)
            buf_add_cstr(out, "= ?");
        else
            buf_add_cstr(out, "= ANY(?::bigint[]) ORDER BY id");
        if (shape->kind == SHAPE_LOCK_MANY)
            buf_add_cstr(out, SQL_FOR_UPDATE);
        return;
    }
}

/* Fields in the order of the parameters: of an UPDATE the keys come last. */
static void order_fields(struct shape *shape)
{
    const struct type *type = shape->type;
    assert(type->field_count <= MAX_COLUMNS);
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < type->field_count; i++) {
            bool late = shape->kind == SHAPE_UPDATE && is_key(&type->fields[i]);
            if (late == (pass == 1))
                shape->fields[shape->count++] = &type->fields[i];
        }
}

static struct shape *shape_new(enum shape_kind kind, const char *table, const struct type *type)
{
    struct shape *shape = calloc(1, sizeof(*shape));
    if (!shape)
        abort();
    shape->kind = kind;
    shape->table = strdup(table);
    shape->type = type;
    order_fields(shape);
    shape->plain = true;
    for (unsigned i = 0; i < shape->count; i++) {
        const struct type_field *field = shape->fields[i];
        if (field->value.kind == TYPE_DECIMAL || field->has_offset >= 0)
            shape->plain = false;
        if (!is_secret(field))
            continue;
        shape->plain = false;
        char *context;
        int length = asprintf(&context, "%s.%s", table, field->name);
        if (length < 0)
            abort();
        shape->contexts[i] = (struct str){context, (size_t)length};
    }
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
    struct buf text = buf_new(arena, 512);
    add_text(&text, shape);
    shape->query = strndup(text.ptr, text.len);
    if (!shape->table || !shape->query)
        abort();
    return shape;
}

const struct shape *shape_get(struct sql *sql, enum shape_kind kind, const char *table,
                              const struct type *type)
{
    size_t slot = (((uintptr_t)type >> 4) * 8 + kind) % SHAPE_SLOTS;
    struct shape *shape = sql->shapes[slot];
    while (shape &&
           (shape->kind != kind || shape->type != type || strcmp(shape->table, table) != 0))
        shape = shape->next;
    if (!shape) {
        shape = shape_new(kind, table, type);
        shape->next = sql->shapes[slot];
        sql->shapes[slot] = shape;
    }
    return shape;
}

void shapes_free(struct sql *sql)
{
    for (size_t i = 0; i < SHAPE_SLOTS; i++)
        while (sql->shapes[i]) {
            struct shape *shape = sql->shapes[i];
            sql->shapes[i] = shape->next;
            for (unsigned f = 0; f < shape->count; f++)
                free((char *)(uintptr_t)shape->contexts[f].ptr);
            free(shape->table);
            free(shape->query);
            free(shape);
        }
}

/* ---- Struct to values ---- */

static struct sql_value decimal_value(struct arena *arena, struct decimal value)
{
    char *text = arena_alloc(arena, 32);
    size_t length = decimal_write(text, value, 0);
    return sql_text((struct str){text, length});
}

static struct sql_value field_value(struct sql *sql, const struct shape *shape, unsigned index,
                                    struct arena *arena, const void *row)
{
    const struct type_field *field = shape->fields[index];
    const void *at = type_at(row, field);
    if (field->has_offset >= 0 && !*((const bool *)((const char *)row + field->has_offset)))
        return sql_null();
    switch (field->value.kind) {
    case TYPE_INTEGER:
        return sql_int(*(const int64_t *)at);
    case TYPE_BOOLEAN:
        return sql_int(*(const bool *)at);
    case TYPE_DECIMAL:
        return decimal_value(arena, *(const struct decimal *)at);
    case TYPE_BYTES: {
        struct str bytes = *(const struct str *)at;
        if (str_present(bytes) && is_secret(field))
            bytes = store_encrypt(sql->store, arena, shape->contexts[index], bytes);
        return sql_bytes(bytes);
    }
    case TYPE_STRING:
    case TYPE_JSON:
        return sql_text(*(const struct str *)at);
    case TYPE_OBJECT:
    case TYPE_ARRAY:
    case TYPE_MAP:
        break;
    }
    assert(!"a row has scalar fields only");
    return sql_null();
}

void shape_values(struct sql *sql, const struct shape *shape, struct arena *arena, const void *row,
                  struct sql_value *ret_values)
{
    for (unsigned i = 0; i < shape->count; i++)
        ret_values[i] = field_value(sql, shape, i, arena, row);
    ret_values[shape->count] = (struct sql_value){.kind = SQL_END};
}

/* ---- Values to struct ---- */

static void set_has(const struct type_field *field, void *row, bool has)
{
    if (field->has_offset >= 0)
        *(bool *)((char *)row + field->has_offset) = has;
}

void row_set_null(const struct row_column *column, void *row)
{
    const struct type_field *field = column->field;
    set_has(field, row, false);
    switch (field->value.kind) {
    case TYPE_INTEGER:
        *(int64_t *)type_at(row, field) = 0;
        return;
    case TYPE_BOOLEAN:
        *(bool *)type_at(row, field) = false;
        return;
    case TYPE_DECIMAL:
        *(struct decimal *)type_at(row, field) = (struct decimal){0};
        return;
    case TYPE_STRING:
    case TYPE_BYTES:
    case TYPE_JSON:
    case TYPE_OBJECT:
    case TYPE_ARRAY:
    case TYPE_MAP:
        *(struct str *)type_at(row, field) = STR_NONE;
        return;
    }
}

int row_set_integer(struct sql *sql, const struct row_column *column, void *row, int64_t value)
{
    const struct type_field *field = column->field;
    set_has(field, row, true);
    if (field->value.kind == TYPE_INTEGER)
        *(int64_t *)type_at(row, field) = value;
    else if (field->value.kind == TYPE_BOOLEAN)
        *(bool *)type_at(row, field) = value != 0;
    else
        return sql_note(sql, ERR_STORE, "column %s holds an integer", field->name);
    return 0;
}

int row_set_bytes(struct sql *sql, const struct row_column *column, struct arena *arena, void *row,
                  struct str bytes)
{
    const struct type_field *field = column->field;
    void *at = type_at(row, field);
    set_has(field, row, true);
    switch (field->value.kind) {
    case TYPE_STRING:
    case TYPE_JSON:
        *(struct str *)at = arena_copy(arena, bytes);
        return 0;
    case TYPE_BYTES:
        if (!is_secret(field)) {
            *(struct str *)at = arena_copy(arena, bytes);
            return 0;
        }
        if (store_decrypt(sql->store, arena, column->context, bytes, at))
            return sql_note(sql, ERR_DECRYPT, "%.*s cannot be decrypted", STR_FMT(column->context));
        return 0;
    case TYPE_DECIMAL:
        if (decimal_parse(bytes, at))
            return 0;
        return sql_note(sql, ERR_STORE, "column %s holds no decimal", field->name);
    case TYPE_INTEGER:
    case TYPE_BOOLEAN: {
        int64_t value;
        if (str_to_i64(bytes, &value))
            return row_set_integer(sql, column, row, value);
        return sql_note(sql, ERR_STORE, "column %s holds no integer", field->name);
    }
    case TYPE_OBJECT:
    case TYPE_ARRAY:
    case TYPE_MAP:
        break;
    }
    return sql_note(sql, ERR_STORE, "field %s is no scalar", field->name);
}

void row_map_free(struct row_map *map)
{
    for (unsigned i = 0; i < map->count; i++)
        free((char *)(uintptr_t)map->columns[i].context.ptr);
    free(map->columns);
    *map = (struct row_map){0};
}
