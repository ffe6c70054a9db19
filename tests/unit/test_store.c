/* The store's promises (store/sql.h), on SQLite and, where there is one, on PostgreSQL. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "store/cipher.h"
#include "store/row.h"
#include "store_fixture.h"

#define ITEM_ROW(F)       \
    F(INTEGER, id)        \
    F(INTEGER, tenant_id) \
    F(TEXT, name)         \
    F(BOOLEAN, active)    \
    F(DECIMAL, rate)      \
    F(BYTES, picture)     \
    F(JSON, details)      \
    F(SECRET, pin)
ROW_STRUCT(item, ITEM_ROW);
#define ROW_SELF struct item
ROW_TYPE(item, ITEM_ROW);
#undef ROW_SELF

/* A part of the table, as counters of an account are. */
#define ITEM_NAME_ROW(F)  \
    F(INTEGER, id)        \
    F(INTEGER, tenant_id) \
    F(TEXT, name)
ROW_STRUCT(item_name, ITEM_NAME_ROW);
#define ROW_SELF struct item_name
ROW_TYPE(item_name, ITEM_NAME_ROW);
#undef ROW_SELF

static struct arena *arena;
static struct store_fixture fixture;
static struct sql *sql;

static void make_table(void)
{
    bool postgresql = store_engine(fixture.store) == STORE_POSTGRESQL;
    assert_int_equal(
        sql_run(sql, postgresql ? "CREATE TABLE item (id BIGINT PRIMARY KEY, tenant_id BIGINT,"
                                  " name TEXT COLLATE \"C\" UNIQUE, active BIGINT, rate TEXT,"
                                  " picture BYTEA, details TEXT, pin SECRET)"
                                : "CREATE TABLE item (id INTEGER PRIMARY KEY, tenant_id "
                                  "BIGINT, name TEXT UNIQUE, active BIGINT, rate TEXT,"
                                  " picture BYTEA, details TEXT, pin SECRET)"),
        0);
}

/* Migrating takes the longest: most tests share a database of their engine, and empty it. */
static struct store_fixture shared[2];
static bool is_shared;

static int set_up(enum store_engine engine, bool share)
{
    arena = arena_new(SIZE_MAX);
    is_shared = share;
    if (share && shared[engine].store)
        fixture = shared[engine];
    else
        fixture_open(&fixture, engine);
    sql = store_acquire(fixture.store, true);
    make_table();
    return 0;
}

static int setup_sqlite(void **state)
{
    (void)state;
    return set_up(STORE_SQLITE, true);
}

static int setup_postgresql(void **state)
{
    (void)state;
    return set_up(STORE_POSTGRESQL, true);
}

static int setup_own_sqlite(void **state)
{
    (void)state;
    return set_up(STORE_SQLITE, false);
}

static int setup_own_postgresql(void **state)
{
    (void)state;
    return set_up(STORE_POSTGRESQL, false);
}

static int teardown(void **state)
{
    (void)state;
    if (is_shared) {
        assert_int_equal(sql_run(sql, "DROP TABLE item"), 0);
        assert_int_equal(sql_run(sql, "DELETE FROM setting WHERE key <> 'key_check'"), 0);
    }
    if (sql)
        store_release(fixture.store, sql);
    sql = NULL;
    if (is_shared)
        shared[store_engine(fixture.store)] = fixture;
    else
        fixture_close(&fixture);
    arena = arena_free(arena);
    return 0;
}

static struct item make_item(int64_t id, const char *name)
{
    return (struct item){.id = id, .tenant_id = 7, .name = str_from(name), .active = true};
}

static int64_t count_items(struct sql *on)
{
    int64_t count = -1;
    assert_int_equal(sql_integer(on, &count, "SELECT COUNT(*) FROM item"), 0);
    return count;
}

#define COLUMNS "id, tenant_id, name, active, rate, picture, details, pin"

/* ---- Rows ---- */

static void test_row_round_trip(void **state)
{
    (void)state;
    struct item in = make_item(9007199254740991, "Zoë 'quoted' ?");
    assert_true(decimal_parse(STR("-0.000000000000000015"), &in.rate));
    in.picture = (struct str){"\0\xff\x01?", 4};
    in.details = STR("{\"a\":[1]}");
    in.pin = STR("1234");
    assert_int_equal(sql_insert(sql, "item", &item_row, &in), 0);
    struct item out = {0};
    assert_int_equal(sql_one(sql, arena, &item_row, &out,
                             "SELECT " COLUMNS " FROM item WHERE id = ?", sql_int(in.id)),
                     0);
    assert_true(out.id == in.id && out.tenant_id == 7 && out.active);
    assert_true(str_eq(out.name, in.name) && str_eq(out.picture, in.picture));
    assert_true(str_eq(out.details, in.details) && str_eq(out.pin, in.pin));
    assert_int_equal(decimal_compare(out.rate, in.rate), 0);
    assert_int_equal(sql_one(sql, arena, &item_row, &out,
                             ROW_SELECT(ITEM_ROW) " FROM item WHERE name = ?", sql_text(in.name)),
                     0);
}

static void test_null_and_empty(void **state)
{
    (void)state;
    struct item in = make_item(1, NULL);
    in.details = STR("");
    in.picture = STR("");
    assert_int_equal(sql_insert(sql, "item", &item_row, &in), 0);
    struct item out = {.name = STR("stale"), .pin = STR("stale")};
    assert_int_equal(sql_one(sql, arena, &item_row, &out, "SELECT " COLUMNS " FROM item"), 0);
    assert_false(str_present(out.name) || str_present(out.pin));
    assert_true(str_present(out.details) && str_empty(out.details));
    assert_true(str_present(out.picture) && str_empty(out.picture));
    int64_t value = -1;
    assert_int_equal(sql_integer(sql, &value, "SELECT MAX(id) FROM item WHERE id > 5"), 0);
    assert_int_equal(value, 0);
    assert_int_equal(sql_integer(sql, &value, "SELECT id FROM item WHERE id > 5"), ERR_NOT_FOUND);
    assert_int_equal(sql_one(sql, arena, &item_row, &out,
                             "SELECT " COLUMNS " FROM item WHERE id = ?", sql_int(2)),
                     ERR_NOT_FOUND);
    /* A parameter that is NULL the first time and not the second, in both places. */
    static const char query[] = "SELECT COUNT(*) FROM item WHERE (? IS NULL OR id = ?)";
    assert_int_equal(sql_integer(sql, &value, query, sql_null(), sql_null()), 0);
    assert_int_equal(value, 1);
    assert_int_equal(sql_integer(sql, &value, query, sql_int(2), sql_int(2)), 0);
    assert_int_equal(value, 0);
    assert_int_equal(sql_integer(sql, &value, query, sql_int(1), sql_int(1)), 0);
    assert_int_equal(value, 1);
}

static void test_secret_is_sealed(void **state)
{
    (void)state;
    struct item in = make_item(1, "a");
    in.pin = STR("4321-very-secret");
    assert_int_equal(sql_insert(sql, "item", &item_row, &in), 0);
    struct sealed_pin {
        struct str pin;
    } raw;
    static const struct type_field fields[] = {
        {.name = "pin", .has_offset = -1, .value = {.kind = TYPE_BYTES}}};
    static const struct type raw_type = {
        .name = "raw", .size = sizeof(raw), .fields = fields, .field_count = 1, .extra_offset = -1};
    assert_int_equal(sql_one(sql, arena, &raw_type, &raw, "SELECT pin FROM item"), 0);
    assert_null(memmem(raw.pin.ptr, raw.pin.len, "4321", 4));
    struct str plain;
    assert_int_equal(store_decrypt(fixture.store, arena, STR("item.pin"), raw.pin, &plain), 0);
    assert_true(str_eq(plain, in.pin));
    assert_int_equal(store_decrypt(fixture.store, arena, STR("item.name"), raw.pin, &plain),
                     ERR_DECRYPT);
    /* Another name for the column or the table changes nothing. */
    struct item out;
    assert_int_equal(sql_one(sql, arena, &item_row, &out,
                             "SELECT i."
                             "id, tenant_id, name, active, rate, picture, details,"
                             " i.pin FROM item AS i"),
                     0);
    assert_true(str_eq(out.pin, in.pin));
}

static void test_update(void **state)
{
    (void)state;
    struct item item = make_item(1, "a");
    assert_int_equal(sql_insert(sql, "item", &item_row, &item), 0);
    item.name = STR("b");
    item.active = false;
    assert_int_equal(sql_update(sql, "item", &item_row, &item), 0);
    item.tenant_id = 8;
    item.name = STR("of another tenant");
    assert_int_equal(sql_update(sql, "item", &item_row, &item), 0);
    struct item out;
    assert_int_equal(sql_one(sql, arena, &item_row, &out, "SELECT " COLUMNS " FROM item"), 0);
    assert_true(str_is(out.name, "b") && !out.active && out.tenant_id == 7);
}

static void test_mismatch_is_reported(void **state)
{
    (void)state;
    struct item_name out;
    struct item item = make_item(1, "a");
    assert_int_equal(sql_insert(sql, "item", &item_row, &item), 0);
    assert_int_equal(
        sql_one(sql, arena, &item_name_row, &out, "SELECT id, tenant_id, name, active FROM item"),
        ERR_STORE);
    assert_non_null(strstr(sql_last_error(sql), "active"));
    assert_int_equal(sql_one(sql, arena, &item_name_row, &out, "SELECT id, name FROM item"),
                     ERR_STORE);
    assert_int_equal(sql_run(sql, "DELETE FROM item WHERE id = ?"), ERR_STORE);
    assert_int_equal(sql_run(sql, "DELETE FROM item", sql_int(1)), ERR_STORE);
    assert_int_equal(sql_run(sql, "DELETE FROM no_such_table"), ERR_STORE);
    assert_int_equal(count_items(sql), 1);
}

static void test_order_and_like_go_by_bytes(void **state)
{
    (void)state;
    static const char *const names[] = {"b", "a", "B", "é", "Z"};
    for (int64_t i = 0; i < 5; i++) {
        struct item item = make_item(i + 1, names[i]);
        assert_int_equal(sql_insert(sql, "item", &item_row, &item), 0);
    }
    struct item *rows;
    size_t count;
    assert_int_equal(
        sql_all(sql, arena, &item_row, &rows, &count, "SELECT " COLUMNS " FROM item ORDER BY name"),
        0);
    static const char *const sorted[] = {"B", "Z", "a", "b", "é"};
    assert_int_equal(count, 5);
    for (size_t i = 0; i < count; i++)
        assert_true(str_is(rows[i].name, sorted[i]));
    int64_t found;
    assert_int_equal(sql_integer(sql, &found, "SELECT COUNT(*) FROM item WHERE name LIKE ?",
                                 sql_text(STR("B%"))),
                     0);
    assert_int_equal(found, 1);
}

/* ---- Statements ---- */

static void test_query_text_built_at_run_time(void **state)
{
    (void)state;
    char text[64];
    for (int64_t i = 1; i <= 50; i++) {
        int64_t value;
        snprintf(text, sizeof(text), "SELECT %d + ?", (int)i);
        assert_int_equal(sql_integer(sql, &value, text, sql_int(1000)), 0);
        assert_int_equal(value, 1000 + i);
    }
}

static void test_many_statements_are_forgotten(void **state)
{
    (void)state;
    for (int64_t i = 1; i <= 1500; i++) {
        char text[64];
        int64_t value;
        snprintf(text, sizeof(text), "SELECT %d", (int)i);
        assert_int_equal(sql_begin_read(sql), 0);
        assert_int_equal(sql_integer(sql, &value, text), 0);
        assert_int_equal(value, i);
        assert_int_equal(sql_commit(sql), 0);
    }
}

static void test_all_grows(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    assert_int_equal(sql_begin(sql), 0);
    for (int64_t i = 1; i <= COUNT; i++) {
        struct item item = make_item(i, NULL);
        assert_int_equal(sql_append(sql, "item", &item_row, &item), 0);
    }
    assert_int_equal(sql_commit(sql), 0);
    struct item_name *rows;
    size_t count;
    assert_int_equal(sql_all(sql, arena, &item_name_row, &rows, &count,
                             "SELECT id, tenant_id, name FROM item ORDER BY id"),
                     0);
    assert_int_equal(count, COUNT);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(rows[i].id, (int64_t)i + 1);
    assert_int_equal(sql_all(sql, arena, &item_name_row, &rows, &count,
                             "SELECT id, tenant_id, name FROM item WHERE id < 0"),
                     0);
    assert_int_equal(count, 0);
}

struct visited {
    int64_t sum;
    int64_t stop_at;
};

/* Asks the same connection again, with the very statement that is being read as well. */
static int visit(void *context, const void *row, struct arena *row_arena)
{
    struct visited *visited = context;
    const struct item_name *item = row;
    struct item_name again;
    int error = sql_one(sql, row_arena, &item_name_row, &again,
                        "SELECT id, tenant_id, name FROM item WHERE id >= ? ORDER BY id",
                        sql_int(item->id));
    if (error || again.id != item->id)
        return ERR_INTERNAL;
    visited->sum += item->id;
    return item->id == visited->stop_at ? ERR_CONFLICT : 0;
}

static void test_each(void **state)
{
    (void)state;
    enum { COUNT = 1700 };
    struct item *items = ARENA_ARRAY(arena, struct item, COUNT);
    for (int64_t i = 0; i < COUNT; i++)
        items[i] = make_item(i + 1, NULL);
    assert_int_equal(sql_insert_many(sql, "item", &item_row, items, COUNT), 0);
    struct visited visited = {0};
    assert_int_equal(sql_each(sql, &item_name_row, visit, &visited,
                              "SELECT id, tenant_id, name FROM item WHERE id >= ? ORDER BY id",
                              sql_int(1)),
                     0);
    assert_int_equal(visited.sum, COUNT * (COUNT + 1) / 2);
    visited = (struct visited){.stop_at = 3};
    assert_int_equal(sql_begin_read(sql), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(sql_each(sql, &item_name_row, visit, &visited,
                                  "SELECT id, tenant_id, name FROM item WHERE id >= ? ORDER BY id",
                                  sql_int(1)),
                         ERR_CONFLICT);
    assert_int_equal(visited.sum, 12);
    assert_int_equal(count_items(sql), COUNT);
    assert_int_equal(sql_commit(sql), 0);
}

/* ---- Many rows ---- */

static void test_many(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    struct item *items = ARENA_ARRAY(arena, struct item, COUNT);
    for (int64_t i = 0; i < COUNT; i++) {
        items[i] = make_item(i + 1, i % 3 ? arena_printf(arena, "name %d", (int)i).ptr : NULL);
        items[i].picture = i % 2 ? STR("\x00\x01") : STR_NONE;
        items[i].pin = i < 5 ? STR("99") : STR_NONE;
        items[i].rate = decimal_from_i64(i);
    }
    assert_int_equal(sql_begin(sql), 0);
    assert_int_equal(sql_savepoint(sql), 0);
    assert_int_equal(sql_insert_many(sql, "item", &item_row, items, COUNT), 0);
    assert_int_equal(sql_savepoint_release(sql), 0);
    struct item_name names[2] = {{10, 7, STR("ten")}, {11, 8, STR("of another tenant")}};
    assert_int_equal(sql_update_many(sql, "item", &item_name_row, names, 2), 0);
    assert_int_equal(sql_commit(sql), 0);

    int64_t ids[] = {11, 3000, 10, 10, 99999, 2};
    struct item *rows;
    size_t count;
    assert_int_equal(sql_begin(sql), 0);
    assert_int_equal(
        sql_find_many(sql, arena, "item", &item_row, ids, 6, true, (void **)&rows, &count), 0);
    assert_int_equal(count, 4);
    static const int64_t expected[] = {2, 10, 11, 3000};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(rows[i].id, expected[i]);
    assert_true(str_is(rows[0].name, "name 1") && str_eq(rows[0].picture, STR("\x00\x01")));
    assert_true(str_is(rows[0].pin, "99") && rows[0].rate.coefficient == 1);
    assert_true(str_is(rows[1].name, "ten") && str_is(rows[2].name, "name 10"));
    assert_int_equal(sql_commit(sql), 0);
    assert_int_equal(count_items(sql), COUNT);

    /* One collision: nothing of the call stays. */
    items[0].id = 5000;
    items[1].id = 5;
    assert_int_equal(sql_begin(sql), 0);
    assert_int_equal(sql_savepoint(sql), 0);
    int error = sql_insert_many(sql, "item", &item_row, items, 2);
    if (!error)
        error = sql_savepoint_release(sql);
    assert_int_equal(error, ERR_STORE_UNIQUE);
    assert_int_equal(sql_savepoint_rollback(sql), 0);
    assert_int_equal(sql_commit(sql), 0);
    assert_int_equal(count_items(sql), COUNT);
}

/* ---- Transactions ---- */

static void insert(int64_t id, const char *name, int expected)
{
    struct item item = make_item(id, name);
    assert_int_equal(sql_insert(sql, "item", &item_row, &item), expected);
}

static void test_unique_spoils_the_savepoint(void **state)
{
    (void)state;
    assert_int_equal(sql_begin(sql), 0);
    insert(1, "a", 0);
    assert_int_equal(sql_savepoint(sql), 0);
    insert(2, "b", 0);
    insert(1, "c", ERR_STORE_UNIQUE);
    int64_t value;
    assert_int_equal(sql_integer(sql, &value, "SELECT 1"), ERR_STORE_UNIQUE);
    assert_int_equal(sql_run(sql, "DELETE FROM item"), ERR_STORE_UNIQUE);
    assert_int_equal(sql_savepoint_release(sql), ERR_STORE_UNIQUE);
    assert_int_equal(sql_savepoint_rollback(sql), 0);
    insert(3, "a2", 0);
    assert_int_equal(count_items(sql), 2);
    assert_int_equal(sql_commit(sql), 0);
    assert_int_equal(count_items(sql), 2);
}

static void test_failed_commit_keeps_nothing(void **state)
{
    (void)state;
    assert_int_equal(sql_begin(sql), 0);
    insert(1, "a", 0);
    insert(2, "a", ERR_STORE_UNIQUE);
    assert_int_equal(sql_commit(sql), ERR_STORE_UNIQUE);
    assert_int_equal(count_items(sql), 0);
    assert_int_equal(sql_begin(sql), 0);
    insert(1, "a", 0);
    assert_int_equal(sql_rollback(sql), 0);
    assert_int_equal(count_items(sql), 0);
}

/* A batch as the writer runs it: calls that succeed, fail, do nothing, nest. */
static void test_batch_of_calls(void **state)
{
    (void)state;
    assert_int_equal(sql_begin(sql), 0);
    for (int64_t call = 0; call < 40; call++) {
        struct item item = make_item(call + 1, NULL);
        int64_t value, changed;
        assert_int_equal(sql_savepoint(sql), 0);
        int error = 0;
        switch (call % 5) {
        case 0: /* pipelined writes only */
            error = sql_append(sql, "item", &item_row, &item);
            break;
        case 1: /* its error comes out at the release at the latest */
            item.id = 1;
            error = sql_append(sql, "item", &item_row, &item);
            break;
        case 2:
            error = sql_integer(sql, &value, "SELECT COUNT(*) FROM item");
            break;
        case 3: /* an inner savepoint fails, the outer goes on */
            error = sql_append(sql, "item", &item_row, &item);
            assert_int_equal(sql_savepoint(sql), 0);
            assert_int_equal(sql_insert(sql, "item", &item_row, &item), ERR_STORE_UNIQUE);
            assert_int_equal(sql_savepoint_rollback(sql), 0);
            break;
        default:
            error = sql_change(sql, &changed,
                               "INSERT INTO item (id) VALUES (1) ON CONFLICT DO NOTHING");
            assert_int_equal(changed, 0);
        }
        if (!error)
            error = sql_savepoint_release(sql);
        assert_int_equal(error, call % 5 == 1 ? ERR_STORE_UNIQUE : 0);
        if (error)
            assert_int_equal(sql_savepoint_rollback(sql), 0);
    }
    assert_int_equal(count_items(sql), 16);
    assert_int_equal(sql_commit(sql), 0);
    assert_int_equal(count_items(sql), 16);
}

static void test_savepoint_without_writes_costs_nothing(void **state)
{
    (void)state;
    assert_int_equal(sql_begin(sql), 0);
    insert(1, "a", 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(sql_savepoint(sql), 0);
    assert_int_equal(count_items(sql), 1);
    assert_int_equal(sql_savepoint_release(sql), 0);
    assert_int_equal(sql_savepoint_rollback(sql), 0);
    insert(2, "b", 0);
    assert_int_equal(sql_savepoint_rollback(sql), 0);
    assert_int_equal(sql_commit(sql), 0);
    assert_int_equal(count_items(sql), 1);
}

static void test_snapshot(void **state)
{
    (void)state;
    struct sql *reader = store_acquire(fixture.store, false);
    insert(1, "a", 0);
    assert_int_equal(sql_begin_read(reader), 0);
    assert_int_equal(count_items(reader), 1);
    insert(2, "b", 0);
    assert_int_equal(count_items(reader), 1);
    assert_int_equal(sql_commit(reader), 0);
    assert_int_equal(count_items(reader), 2);
    /* What is not committed is not seen. */
    assert_int_equal(sql_begin(sql), 0);
    insert(3, "c", 0);
    assert_int_equal(count_items(reader), 2);
    assert_int_equal(sql_commit(sql), 0);
    assert_int_equal(count_items(reader), 3);
    assert_int_equal(sql_begin_read(reader), 0);
    assert_int_not_equal(sql_run(reader, "DELETE FROM item WHERE id = 3 RETURNING id"), 0);
    sql_rollback(reader);
    store_release(fixture.store, reader);
    assert_int_equal(count_items(sql), 3);
}

static void test_settings(void **state)
{
    (void)state;
    struct str value;
    assert_int_equal(sql_setting_get(sql, arena, "colour", &value), ERR_NOT_FOUND);
    assert_int_equal(sql_setting_put(sql, "colour", STR("red")), 0);
    assert_int_equal(sql_setting_put(sql, "colour", STR("blue")), 0);
    assert_int_equal(sql_setting_get(sql, arena, "colour", &value), 0);
    assert_true(str_is(value, "blue"));
}

/* ---- The store as a whole ---- */

static int open_error(struct store_options options, struct str *ret_why)
{
    struct store *second = NULL;
    int error = store_open(&options, &second, ret_why);
    store_close(second);
    return error;
}

static struct store_options options_now(void)
{
    return (struct store_options){.database = str_from(fixture.database),
                                  .key_file = str_from(fixture.key_file)};
}

static void close_store(void)
{
    store_release(fixture.store, sql);
    sql = NULL;
    fixture.store = store_close(fixture.store);
}

static void reopen_store(void)
{
    fixture_reopen(&fixture);
    sql = store_acquire(fixture.store, true);
}

static void test_reopen(void **state)
{
    (void)state;
    insert(1, "a", 0);
    unsigned number = store_schema_number(fixture.store);
    assert_true(number >= 1);
    close_store();
    reopen_store();
    assert_int_equal(count_items(sql), 1);
    assert_int_equal(store_schema_number(fixture.store), number);
}

static void test_newer_or_changed_is_refused(void **state)
{
    (void)state;
    struct str why;
    assert_int_equal(sql_run(sql,
                             "INSERT INTO schema_migration (number, name, checksum, applied_at)"
                             " VALUES (9999, 'future', 'x', 0)"),
                     0);
    close_store();
    assert_int_equal(open_error(options_now(), &why), ERR_STORE_NEWER);
    assert_non_null(strstr(why.ptr, "9999_future"));
    struct store_options read_only = options_now();
    read_only.read_only = true;
    assert_int_equal(open_error(read_only, &why), ERR_STORE_NEWER);
}

static void test_another_key_is_refused(void **state)
{
    (void)state;
    close_store();
    struct str why;
    assert_int_equal(unlink(fixture.key_file), 0);
    struct store_options options = options_now();
    assert_int_equal(open_error(options, &why), ERR_STORE);
    options.create_key = true;
    assert_int_equal(open_error(options, &why), ERR_DECRYPT);
    assert_non_null(strstr(why.ptr, "key"));
    struct stat status;
    assert_int_equal(stat(fixture.key_file, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(chmod(fixture.key_file, 0644), 0);
    assert_int_equal(open_error(options, &why), ERR_STORE);
    options.key_file = STR_NONE;
    assert_int_equal(open_error(options, &why), ERR_STORE);
}

static void test_rotation(void **state)
{
    (void)state;
    enum { COUNT = 450 };
    struct item *items = ARENA_ARRAY(arena, struct item, COUNT);
    for (int64_t i = 0; i < COUNT; i++) {
        items[i] = make_item(i + 1, NULL);
        items[i].pin = i == 7 ? STR_NONE : arena_printf(arena, "pin %d", (int)i);
    }
    assert_int_equal(sql_insert_many(sql, "item", &item_row, items, COUNT), 0);
    struct str index = store_blind_index(fixture.store, arena, STR("item.pin"), STR("pin 1"));
    close_store();
    uint32_t key;
    struct str why;
    assert_int_equal(key_file_add(fixture.key_file, &key, &why), 0);
    assert_int_equal(key, 2);
    reopen_store();
    struct item out;
    assert_int_equal(
        sql_one(sql, arena, &item_row, &out, "SELECT " COLUMNS " FROM item WHERE id = 1"), 0);
    assert_true(str_is(out.pin, "pin 0"));
    store_release(fixture.store, sql);
    int64_t rotated;
    assert_int_equal(store_rotate_keys(fixture.store, &rotated, &why), 0);
    assert_int_equal(rotated, COUNT - 1);
    assert_int_equal(store_rotate_keys(fixture.store, &rotated, &why), 0);
    assert_int_equal(rotated, 0);
    sql = store_acquire(fixture.store, true);
    close_store();

    /* Key 1 may leave the file now. */
    char text[4096] = "", kept[4096] = "";
    FILE *file = fopen(fixture.key_file, "r");
    assert_non_null(file);
    while (fgets(text, sizeof(text), file))
        if (strncmp(text, "1 ", 2) != 0)
            strcat(kept, text);
    fclose(file);
    file = fopen(fixture.key_file, "w");
    assert_non_null(file);
    fputs(kept, file);
    fclose(file);
    reopen_store();
    for (int64_t id = 1; id <= COUNT; id++) {
        assert_int_equal(sql_one(sql, arena, &item_row, &out,
                                 "SELECT " COLUMNS " FROM item WHERE id = ?", sql_int(id)),
                         0);
        assert_true(str_eq(out.pin, items[id - 1].pin));
    }
    assert_true(
        str_eq(index, store_blind_index(fixture.store, arena, STR("item.pin"), STR("pin 1"))));
}

static void *hold_and_return(void *argument)
{
    for (int i = 0; i < 200; i++) {
        struct sql *held = store_acquire(fixture.store, false);
        int64_t value;
        if (sql_begin_read(held) || sql_integer(held, &value, "SELECT 41 + 1") || value != 42 ||
            sql_commit(held))
            *(bool *)argument = true;
        store_release(fixture.store, held);
    }
    return NULL;
}

static void test_pool(void **state)
{
    (void)state;
    close_store();
    struct store_options options = options_now();
    options.connections = 3;
    assert_int_equal(store_open(&options, &fixture.store, NULL), 0);
    pthread_t threads[8];
    bool failed[8] = {0};
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hold_and_return, &failed[i]), 0);
    for (size_t i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        assert_false(failed[i]);
    }
    sql = store_acquire(fixture.store, true);
}

/* ---- Several at once ---- */

enum { PAIRS = 8, MOVES = 12, WRITERS = 4 };

/* Moves 1 from one row to another: the sum over all rows stays 0. */
static int move(struct sql *on, int64_t from, int64_t to)
{
    int64_t value;
    int error = sql_begin(on);
    if (error)
        return error;
    error = sql_integer(on, &value, "SELECT tenant_id FROM item WHERE id = ?" SQL_FOR_UPDATE,
                        sql_int(from));
    if (!error)
        error =
            sql_run(on, "UPDATE item SET tenant_id = tenant_id - 1 WHERE id = ?", sql_int(from));
    if (!error)
        error = sql_run(on, "UPDATE item SET tenant_id = tenant_id + 1 WHERE id = ?", sql_int(to));
    if (!error)
        return sql_commit(on);
    sql_rollback(on);
    return error;
}

static void *move_around(void *argument)
{
    struct sql *own = store_acquire(fixture.store, true);
    unsigned seed = (unsigned)*(int *)argument;
    int failed = 0;
    for (int i = 0; i < MOVES; i++) {
        int64_t from = rand_r(&seed) % PAIRS + 1, to = from % PAIRS + 1;
        if (i % 2)
            to = (from + PAIRS - 2) % PAIRS + 1;
        int error;
        while ((error = move(own, from, to)) == ERR_STORE_RETRY)
            ;
        failed = error ? error : failed;
    }
    store_release(fixture.store, own);
    *(int *)argument = failed;
    return NULL;
}

static void *watch(void *argument)
{
    struct sql *own = store_acquire(fixture.store, false);
    bool *stop = argument;
    int64_t failures = 0, sum, twice;
    while (!__atomic_load_n(stop, __ATOMIC_RELAXED)) {
        sum = twice = 1;
        int error = sql_begin_read(own);
        error |= sql_integer(own, &sum, "SELECT SUM(tenant_id) FROM item");
        error |= sql_integer(own, &twice, "SELECT SUM(tenant_id) FROM item");
        error |= sql_commit(own);
        failures += error != 0 || sum != 0 || twice != 0;
    }
    store_release(fixture.store, own);
    return (void *)(intptr_t)failures;
}

static void test_writers_and_readers_at_once(void **state)
{
    (void)state;
    for (int64_t id = 1; id <= PAIRS; id++) {
        struct item item = make_item(id, NULL);
        item.tenant_id = 0;
        assert_int_equal(sql_insert(sql, "item", &item_row, &item), 0);
    }
    store_release(fixture.store, sql);
    bool stop = false;
    pthread_t watchers[2], writers[WRITERS];
    int results[WRITERS];
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&watchers[i], NULL, watch, &stop), 0);
    for (int i = 0; i < WRITERS; i++) {
        results[i] = i + 1;
        assert_int_equal(pthread_create(&writers[i], NULL, move_around, &results[i]), 0);
    }
    for (size_t i = 0; i < WRITERS; i++) {
        pthread_join(writers[i], NULL);
        assert_int_equal(results[i], 0);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    for (size_t i = 0; i < 2; i++) {
        void *failures;
        pthread_join(watchers[i], &failures);
        assert_null(failures);
    }
    sql = store_acquire(fixture.store, true);
}

static void test_no_commit_outcome_is_invented(void **state)
{
    (void)state;
    bool committed = true;
    assert_int_equal(sql_was_committed(sql, 123456, &committed), 0);
    assert_false(committed);
    assert_int_equal(sql_was_committed(sql, 123456, &committed), 0);
    assert_false(committed);
}

/* ---- SQLite only ---- */

static void test_second_server_is_refused(void **state)
{
    (void)state;
    struct str why;
    char process[32];
    assert_int_equal(open_error(options_now(), &why), ERR_STORE_BUSY);
    snprintf(process, sizeof(process), "process %ld", (long)getpid());
    assert_non_null(strstr(why.ptr, process));
}

static void test_read_only_beside_the_server(void **state)
{
    (void)state;
    insert(1, "a", 0);
    struct store_options options = options_now();
    options.read_only = true;
    struct store *second;
    assert_int_equal(store_open(&options, &second, NULL), 0);
    struct sql *reader = store_acquire(second, false);
    assert_int_equal(count_items(reader), 1);
    insert(2, "b", 0);
    assert_int_equal(count_items(reader), 2);
    assert_int_not_equal(sql_run(reader, "DELETE FROM item"), 0);
    store_release(second, reader);
    store_close(second);
    insert(3, "c", 0);
    options.key_file = STR_NONE;
    assert_int_equal(store_open(&options, &second, NULL), 0);
    store_close(second);
}

static void test_backup(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof(path), "%s/backup.db", fixture.folder);
    insert(1, "a", 0);
    assert_int_equal(sql_begin(sql), 0);
    insert(2, "not committed", 0);
    struct str why;
    assert_int_equal(store_backup(fixture.store, str_from(path), &why), 0);
    assert_int_equal(sql_commit(sql), 0);
    assert_int_equal(store_backup(fixture.store, str_from(path), &why), ERR_STORE);
    struct store_options options = options_now();
    options.database = str_from(path);
    struct store *copy;
    assert_int_equal(store_open(&options, &copy, &why), 0);
    struct sql *reader = store_acquire(copy, false);
    assert_int_equal(count_items(reader), 1);
    store_release(copy, reader);
    store_close(copy);
}

static void test_log_stays_bounded(void **state)
{
    (void)state;
    enum { COUNT = 2000, ROUNDS = 60 };
    char path[128];
    struct item *items = ARENA_ARRAY(arena, struct item, COUNT);
    for (int64_t round = 0; round < ROUNDS; round++) {
        for (int64_t i = 0; i < COUNT; i++) {
            items[i] = make_item((i * 7919 + round * 104729) % 100000007 + 1, NULL);
            items[i].details = STR("................................................"
                                   "................................................");
        }
        assert_int_equal(sql_begin(sql), 0);
        assert_int_equal(sql_run(sql, "DELETE FROM item"), 0);
        assert_int_equal(sql_insert_many(sql, "item", &item_row, items, COUNT), 0);
        assert_int_equal(sql_commit(sql), 0);
    }
    struct stat status;
    snprintf(path, sizeof(path), "%s/test.db-wal", fixture.folder);
    assert_int_equal(stat(path, &status), 0);
    assert_true(status.st_size < 120 << 20);
    assert_int_equal(store_checkpoint(fixture.store), 0);
    /* A request that succeeds without copying anything would pass all of the above. */
    assert_int_equal(stat(fixture.database, &status), 0);
    assert_true(status.st_size > 100 << 10);
}

#define ON_BOTH(test)                                                \
    {"sqlite: " #test, test, setup_sqlite, teardown, NULL},          \
    {                                                                \
        "postgresql: " #test, test, setup_postgresql, teardown, NULL \
    }
#define ON_BOTH_ALONE(test)                                              \
    {"sqlite: " #test, test, setup_own_sqlite, teardown, NULL},          \
    {                                                                    \
        "postgresql: " #test, test, setup_own_postgresql, teardown, NULL \
    }
#define ON_SQLITE(test)                                      \
    {                                                        \
        "sqlite: " #test, test, setup_sqlite, teardown, NULL \
    }

int main(void)
{
    static const struct CMUnitTest all[] = {
        ON_BOTH(test_row_round_trip),
        ON_BOTH(test_null_and_empty),
        ON_BOTH(test_secret_is_sealed),
        ON_BOTH(test_update),
        ON_BOTH(test_mismatch_is_reported),
        ON_BOTH(test_order_and_like_go_by_bytes),
        ON_BOTH(test_query_text_built_at_run_time),
        ON_BOTH(test_many_statements_are_forgotten),
        ON_BOTH(test_all_grows),
        ON_BOTH(test_each),
        ON_BOTH(test_many),
        ON_BOTH(test_unique_spoils_the_savepoint),
        ON_BOTH(test_failed_commit_keeps_nothing),
        ON_BOTH(test_batch_of_calls),
        ON_BOTH(test_savepoint_without_writes_costs_nothing),
        ON_BOTH(test_snapshot),
        ON_BOTH(test_settings),
        ON_BOTH(test_reopen),
        ON_BOTH_ALONE(test_newer_or_changed_is_refused),
        ON_BOTH_ALONE(test_another_key_is_refused),
        ON_BOTH_ALONE(test_rotation),
        ON_BOTH(test_pool),
        ON_BOTH(test_writers_and_readers_at_once),
        ON_BOTH(test_no_commit_outcome_is_invented),
        ON_SQLITE(test_second_server_is_refused),
        ON_SQLITE(test_read_only_beside_the_server),
        ON_SQLITE(test_backup),
        ON_SQLITE(test_log_stays_bounded),
    };
    enum { COUNT = sizeof(all) / sizeof(all[0]) };
    struct CMUnitTest wanted[COUNT];
    size_t count = 0;
    for (size_t i = 0; i < COUNT; i++)
        if (fixture_has_postgresql() || all[i].setup_func == setup_sqlite ||
            all[i].setup_func == setup_own_sqlite)
            wanted[count++] = all[i];
    int failed = _cmocka_run_group_tests("store", wanted, count, NULL, NULL);
    for (size_t i = 0; i < 2; i++)
        if (shared[i].store) {
            fixture = shared[i];
            fixture_close(&fixture);
        }
    return failed;
}
