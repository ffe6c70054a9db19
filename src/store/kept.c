/*
 * Rows that many calls of a batch change: read and locked once, changed in memory, written once.
 *
 * Invariants: a row that is kept is as the transaction left it; `undo` knows what it was before each
 * savepoint that is open, as long as it changed since. It stays dirty until the commit even when a
 * statement needed it written before, because a savepoint may have taken that back.
 */
#include <assert.h>
#include <stdlib.h>

#include "store/store_engine.h"

#define BUCKETS 512
#define MOST_TABLES 8

struct kept_row {
    struct kept_row *next; /* in its bucket */
    const char *table;
    const struct type *type;
    uint32_t word; /* the table's, see statement_mentions */
    int64_t id;
    uint64_t epoch; /* in which it was remembered for undoing */
    void *row;
};

/* A row somebody will ask for. */
struct expected {
    const char *table;
    const struct type *type;
    int64_t id;
};

struct undo {
    struct kept_row *kept;
    void *before;
};

struct mark {
    size_t rows, undos;
};

struct kept {
    struct arena *arena; /* of the transaction */
    struct kept_row *buckets[BUCKETS];
    struct kept_row **rows; /* in the order in which they were read */
    size_t count, capacity;
    struct expected *expected;
    size_t expected_count, expected_capacity;
    struct undo *undos;
    size_t undo_count, undo_capacity;
    uint64_t epoch; /* rises with every savepoint and every rollback */
    struct mark marks[MAX_SAVEPOINTS + 1];
    uint32_t words[MOST_TABLES]; /* of the tables that rows were ever kept of */
    unsigned word_count;
};

static struct kept *kept_of(struct sql *sql)
{
    if (sql->kept)
        return sql->kept;
    sql->kept = calloc(1, sizeof(*sql->kept));
    if (!sql->kept)
        abort();
    sql->kept->arena = arena_new(SIZE_MAX);
    sql->kept->epoch = 1; /* 0: a row that was not touched */
    return sql->kept;
}

void kept_free(struct sql *sql)
{
    if (!sql->kept)
        return;
    arena_free(sql->kept->arena);
    free(sql->kept->rows);
    free(sql->kept->expected);
    free(sql->kept->undos);
    free(sql->kept);
    sql->kept = NULL;
}

void kept_clear(struct sql *sql)
{
    struct kept *kept = sql->kept;
    if (!kept)
        return;
    kept->expected_count = 0;
    if (kept->count == 0)
        return;
    memset(kept->buckets, 0, sizeof(kept->buckets));
    memset(kept->marks, 0, sizeof(kept->marks));
    kept->count = kept->undo_count = 0;
    arena_reset(kept->arena);
}

static struct kept_row **bucket_of(struct kept *kept, int64_t id)
{
    return &kept->buckets[(uint64_t)id * UINT64_C(0x9e3779b97f4a7c15) >> 32 & (BUCKETS - 1)];
}

static struct kept_row *find(struct kept *kept, const struct type *type, const char *table,
                             int64_t id)
{
    struct kept_row *row = *bucket_of(kept, id);
    while (row && (row->id != id || row->type != type || strcmp(row->table, table) != 0))
        row = row->next;
    return row;
}

/* ---- Savepoints ---- */

void kept_mark(struct sql *sql, unsigned level)
{
    struct kept *kept = sql->kept;
    if (!kept)
        return;
    kept->epoch++;
    kept->marks[level] = (struct mark){kept->count, kept->undo_count};
}

void kept_rewind(struct sql *sql, unsigned level, bool unlocked)
{
    struct kept *kept = sql->kept;
    if (!kept)
        return;
    struct mark mark = kept->marks[level];
    while (kept->undo_count > mark.undos) {
        const struct undo *undo = &kept->undos[--kept->undo_count];
        memcpy(undo->kept->row, undo->before, undo->kept->type->size);
    }
    kept->epoch++;
    /* With the server's savepoint went the locks that were taken since. */
    while (unlocked && kept->count > mark.rows) {
        struct kept_row *row = kept->rows[--kept->count];
        struct kept_row **at = bucket_of(kept, row->id);
        while (*at != row)
            at = &(*at)->next;
        *at = row->next;
    }
}

static void remember(struct kept *kept, struct kept_row *row)
{
    if (row->epoch == kept->epoch)
        return;
    row->epoch = kept->epoch;
    if (kept->undo_count == kept->undo_capacity) {
        kept->undo_capacity = kept->undo_capacity ? kept->undo_capacity * 2 : 256;
        kept->undos = reallocarray(kept->undos, kept->undo_capacity, sizeof(*kept->undos));
        if (!kept->undos)
            abort();
    }
    void *before = arena_alloc(kept->arena, row->type->size);
    memcpy(before, row->row, row->type->size);
    kept->undos[kept->undo_count++] = (struct undo){row, before};
}

/* ---- Reading ---- */

static void note_table(struct kept *kept, uint32_t word)
{
    for (unsigned i = 0; i < kept->word_count; i++)
        if (kept->words[i] == word)
            return;
    assert(kept->word_count < MOST_TABLES);
    kept->words[kept->word_count++] = word;
}

static void add(struct kept *kept, const char *table, const struct type *type, void *row)
{
    struct kept_row *added = ARENA_NEW(kept->arena, struct kept_row);
    *added = (struct kept_row){
        .table = table,
        .type = type,
        .word = statement_word(table, strlen(table)),
        .id = *(int64_t *)row,
        .row = row,
    };
    note_table(kept, added->word);
    struct kept_row **bucket = bucket_of(kept, added->id);
    added->next = *bucket;
    *bucket = added;
    if (kept->count == kept->capacity) {
        kept->capacity = kept->capacity ? kept->capacity * 2 : 256;
        kept->rows = reallocarray(kept->rows, kept->capacity, sizeof(struct kept_row *));
        if (!kept->rows)
            abort();
    }
    kept->rows[kept->count++] = added;
}

void sql_expect_row(struct sql *sql, const char *table, const struct type *type, int64_t id)
{
    assert(sql->transaction == TRANSACTION_WRITE);
    struct kept *kept = kept_of(sql);
    if (kept->expected_count == kept->expected_capacity) {
        kept->expected_capacity = kept->expected_capacity ? kept->expected_capacity * 2 : 256;
        kept->expected =
            reallocarray(kept->expected, kept->expected_capacity, sizeof(*kept->expected));
        if (!kept->expected)
            abort();
    }
    kept->expected[kept->expected_count++] = (struct expected){table, type, id};
}

/* The row, and with it those of its table that were expected. */
static int read_rows(struct sql *sql, const char *table, const struct type *type, int64_t id)
{
    struct kept *kept = sql->kept;
    int64_t *wanted = ARENA_ARRAY(kept->arena, int64_t, kept->expected_count + 1);
    size_t count = 0, left = 0, found;
    wanted[count++] = id;
    for (size_t i = 0; i < kept->expected_count; i++) {
        const struct expected *expected = &kept->expected[i];
        if (expected->type != type || strcmp(expected->table, table) != 0)
            kept->expected[left++] = *expected;
        else if (expected->id != id && !find(kept, type, table, expected->id))
            wanted[count++] = expected->id;
    }
    kept->expected_count = left;
    char *rows;
    int error = sql_lock_many(sql, kept->arena, table, type, wanted, count, &rows, &found);
    for (size_t i = 0; i < found && !error; i++)
        add(kept, table, type, rows + i * type->size);
    return error;
}

int sql_keep_row(struct sql *sql, const char *table, const struct type *type, int64_t id,
                 void **ret_row)
{
    assert(sql->transaction == TRANSACTION_WRITE);
    assert(strcmp(type->fields[0].name, "id") == 0 && type->fields[0].offset == 0);
    if (sql->failed)
        return sql->failed;
    struct kept *kept = kept_of(sql);
    struct kept_row *row = find(kept, type, table, id);
    if (!row) {
        int error = read_rows(sql, table, type, id);
        if (error)
            return error;
        row = find(kept, type, table, id);
    }
    if (!row)
        return ERR_NOT_FOUND;
    sql->wrote = true;
    remember(kept, row);
    *ret_row = row->row;
    return 0;
}

/* ---- Writing ---- */

static int by_table_and_id(const void *a, const void *b)
{
    const struct kept_row *left = *(struct kept_row *const *)a;
    const struct kept_row *right = *(struct kept_row *const *)b;
    if (left->type != right->type)
        return left->type < right->type ? -1 : 1;
    return (left->id > right->id) - (left->id < right->id);
}

static int write_rows(struct sql *sql, struct kept_row **rows, size_t count)
{
    const struct type *type = rows[0]->type;
    char *together = arena_alloc_array(sql->kept->arena, count, type->size);
    for (size_t i = 0; i < count; i++)
        memcpy(together + i * type->size, rows[i]->row, type->size);
    return sql->engine->update_many(sql, rows[0]->table, type, together, count);
}

/* Those that were touched, of every table or of one; in order of id. */
static int write_changed(struct sql *sql, bool all, uint32_t word)
{
    struct kept *kept = sql->kept;
    struct kept_row **changed = ARENA_ARRAY(kept->arena, struct kept_row *, kept->count);
    size_t count = 0;
    for (size_t i = 0; i < kept->count; i++)
        if (kept->rows[i]->epoch && (all || kept->rows[i]->word == word))
            changed[count++] = kept->rows[i];
    qsort(changed, count, sizeof(struct kept_row *), by_table_and_id);
    for (size_t start = 0, end; start < count; start = end) {
        for (end = start; end < count && changed[end]->type == changed[start]->type; end++)
            ;
        int error = write_rows(sql, changed + start, end - start);
        if (error)
            return error;
    }
    return 0;
}

int kept_write(struct sql *sql)
{
    return sql->kept && sql->kept->count ? write_changed(sql, true, 0) : 0;
}

bool kept_concerns(const struct sql *sql, const struct statement *statement, uint32_t *ret_word)
{
    const struct kept *kept = sql->kept;
    for (unsigned i = 0; kept && kept->count && i < kept->word_count; i++) {
        if (!statement_mentions(statement, kept->words[i]))
            continue;
        *ret_word = kept->words[i];
        return true;
    }
    return false;
}

int kept_write_table(struct sql *sql, uint32_t word)
{
    return write_changed(sql, false, word);
}
