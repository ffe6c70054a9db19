/* Rows and statements (store/sql.h), on SQLite and, where there is one, on PostgreSQL. */
#include "store_items.h"

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

    /* One collision: nothing of the call stays. PostgreSQL says so when it gets the rows. */
    items[0].id = 5000;
    items[1].id = 5;
    assert_int_equal(sql_begin(sql), 0);
    assert_int_equal(sql_savepoint(sql), 0);
    int error = sql_insert_many(sql, "item", &item_row, items, 2);
    if (error)
        assert_int_equal(sql_savepoint_rollback(sql), 0);
    else
        assert_int_equal(sql_savepoint_release(sql), 0);
    int commit_error = sql_commit(sql);
    assert_int_equal(error ? error : commit_error, ERR_STORE_UNIQUE);
    assert_int_equal(count_items(sql), COUNT);
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
    };
    return run_on_both("store", all, sizeof(all) / sizeof(all[0]));
}
