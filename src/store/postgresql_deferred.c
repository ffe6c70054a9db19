/*
 * Rows to be inserted that wait until something needs them, so that the calls of a batch share one
 * statement per table and a call that writes nothing else needs no savepoint on the server.
 *
 * Invariants: what waits is younger than the innermost savepoint the server knows of; a savepoint's
 * mark says where each table's rows ended when it was opened; rows before `sent` are on the server.
 * Tables are sent in the order in which they were first written to.
 */
#include <endian.h>
#include <stdlib.h>

#include "store/postgresql.h"

#define MOST_GROUPS 24

/* A place among the rows of a table. */
struct place {
    size_t length, count;
};

/* The rows of one table: element after element as array_recv has them, row after row. */
struct group {
    const struct shape *shape;
    uint32_t word; /* the table's, see statement_mentions */
    struct buf rows;
    struct place end, sent;
};

struct pg_deferred {
    struct arena *arena;
    struct group groups[MOST_GROUPS];
    unsigned count;
    struct place marks[MAX_SAVEPOINTS + 1][MOST_GROUPS];
};

struct pg_deferred *pg_deferred_new(void)
{
    struct pg_deferred *deferred = calloc(1, sizeof(*deferred));
    if (!deferred)
        abort();
    deferred->arena = arena_new(SIZE_MAX);
    return deferred;
}

void pg_deferred_free(struct pg_deferred *deferred)
{
    arena_free(deferred->arena);
    free(deferred);
}

void pg_deferred_clear(struct pg_deferred *deferred)
{
    if (deferred->count == 0)
        return;
    arena_reset(deferred->arena);
    deferred->count = 0;
    memset(deferred->marks, 0, sizeof(deferred->marks));
}

static struct pg_deferred *of(struct sql *sql)
{
    return ((struct pg *)sql->connection)->deferred;
}

static struct group *group_of(struct pg_deferred *deferred, const struct shape *shape)
{
    for (unsigned i = 0; i < deferred->count; i++)
        if (deferred->groups[i].shape == shape)
            return &deferred->groups[i];
    if (deferred->count == MOST_GROUPS)
        return NULL;
    struct group *group = &deferred->groups[deferred->count++];
    *group = (struct group){
        .shape = shape,
        .word = statement_word(shape->table, strlen(shape->table)),
        .rows = buf_new(deferred->arena, 4096),
    };
    return group;
}

/* What the server would say of the statement has to be said now, while it is known whose row it
 * is. */
static bool is_storable(const struct sql_value *value)
{
    return value->kind != SQL_TEXT || !memchr(value->bytes.ptr, 0, value->bytes.len);
}

int pg_defer(struct sql *sql, const char *table, const struct type *type, const void *rows,
             size_t count)
{
    const struct shape *shape = shape_get(sql, SHAPE_INSERT_MANY, table, type);
    struct group *group = group_of(of(sql), shape);
    if (!group) {
        int error = sql_issue_savepoints(sql);
        return error ? error : pg_insert_many(sql, table, type, rows, count);
    }
    struct sql_value values[MAX_COLUMNS + 1];
    for (size_t i = 0; i < count; i++) {
        struct arena *scratch = scratch_begin(sql);
        shape_values(sql, shape, scratch, (const char *)rows + i * type->size, values);
        bool good = true;
        for (unsigned f = 0; f < shape->count && good; f++) {
            good = is_storable(&values[f]);
            pg_add_element(&group->rows, &values[f]);
        }
        scratch_end(sql);
        if (!good) {
            group->rows.len = group->end.length;
            return sql_note(sql, ERR_INVALID, "text with a NUL byte for %s", table);
        }
        group->end = (struct place){group->rows.len, group->end.count + 1};
    }
    return 0;
}

/* From rows to columns: where the elements of each begin does not matter, only their order. */
static int send_rows(struct sql *sql, const struct group *group, struct place upto)
{
    const struct shape *shape = group->shape;
    size_t count = upto.count - group->sent.count;
    struct arena *scratch = scratch_begin(sql);
    struct buf *columns = ARENA_ARRAY(scratch, struct buf, shape->count);
    for (unsigned f = 0; f < shape->count; f++)
        columns[f] = pg_array_begin(scratch, shape->fields[f], count);
    const char *at = group->rows.ptr + group->sent.length;
    for (size_t i = 0; i < count; i++) {
        for (unsigned f = 0; f < shape->count; f++) {
            uint32_t big;
            memcpy(&big, at, sizeof(big));
            size_t length = sizeof(big) + (big == UINT32_MAX ? 0 : be32toh(big));
            buf_add(&columns[f], at, length);
            at += length;
        }
    }
    int error = pg_send_arrays(sql, shape, columns);
    scratch_end(sql);
    return error;
}

int pg_send_deferred(struct sql *sql, unsigned level)
{
    if (!sql->connection)
        return 0;
    struct pg_deferred *deferred = of(sql);
    bool any = false;
    for (unsigned i = 0; i < deferred->count; i++) {
        struct group *group = &deferred->groups[i];
        struct place upto = level > MAX_SAVEPOINTS ? group->end : deferred->marks[level][i];
        if (upto.count <= group->sent.count)
            continue;
        int error = send_rows(sql, group, upto);
        if (error)
            return error;
        group->sent = upto;
        any = true;
    }
    /* Rows of calls that are done must not fail within the savepoint of the next. */
    return any && level <= MAX_SAVEPOINTS ? pg_settle(sql, NULL) : 0;
}

void pg_mark_deferred(struct sql *sql, unsigned level)
{
    if (!sql->connection)
        return;
    struct pg_deferred *deferred = of(sql);
    for (unsigned i = 0; i < MOST_GROUPS; i++)
        deferred->marks[level][i] =
            i < deferred->count ? deferred->groups[i].end : (struct place){0};
}

void pg_rewind_deferred(struct sql *sql, unsigned level)
{
    struct pg_deferred *deferred = of(sql);
    for (unsigned i = 0; i < deferred->count; i++) {
        struct group *group = &deferred->groups[i];
        struct place mark = deferred->marks[level][i];
        group->end = mark;
        group->rows.len = mark.length;
        /* What was sent since then goes with the savepoint. */
        if (group->sent.count > mark.count)
            group->sent = mark;
    }
}

bool pg_defers_for(struct sql *sql, const struct statement *statement)
{
    if (!sql->connection || sql->transaction != TRANSACTION_WRITE)
        return false;
    const struct pg_deferred *deferred = of(sql);
    for (unsigned i = 0; i < deferred->count; i++)
        if (deferred->groups[i].end.count > deferred->groups[i].sent.count &&
            statement_mentions(statement, deferred->groups[i].word))
            return true;
    return false;
}

/* Has the transaction inserted into a table of the statement, sent or not? */
bool pg_deferred_concerns(struct sql *sql, const struct statement *statement)
{
    const struct pg_deferred *deferred = of(sql);
    for (unsigned i = 0; i < deferred->count; i++)
        if (deferred->groups[i].end.count > 0 &&
            statement_mentions(statement, deferred->groups[i].word))
            return true;
    return false;
}
