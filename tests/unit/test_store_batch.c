/*
 * What the store does for a batch of calls: rows that wait and go together, answers that are not
 * asked for twice. Neither may be seen by anyone but in time.
 */
#include "store_items.h"

static struct sql *other; /* another connection: another process, say */

static void append(int64_t id, const char *name)
{
    struct item item = make_item(id, name);
    assert_int_equal(sql_append(sql, "item", &item_row, &item), 0);
}

static void begin_call(void)
{
    assert_int_equal(sql_savepoint(sql), 0);
}

static void end_call(bool keep)
{
    assert_int_equal(keep ? sql_savepoint_release(sql) : sql_savepoint_rollback(sql), 0);
}

static int64_t tenant_of(int64_t id)
{
    int64_t tenant = -1;
    int error = sql_integer(sql, &tenant, "SELECT tenant_id FROM item WHERE id = ?", sql_int(id));
    return error == ERR_NOT_FOUND ? 0 : error ? error : tenant;
}

static void set_tenant(struct sql *on, int64_t id, int64_t tenant)
{
    assert_int_equal(
        sql_run(on, "UPDATE item SET tenant_id = ? WHERE id = ?", sql_int(tenant), sql_int(id)), 0);
}

/* Every mix of kept and dropped calls, of rows alone and rows between other writes. */
static void test_rows_stay_or_go_with_their_call(void **state)
{
    (void)state;
    int64_t kept = 0;
    assert_int_equal(sql_begin(sql), 0);
    for (int64_t call = 0; call < 64; call++) {
        bool keep = call & 1, nested = call & 2, direct_before = call & 4, look = call & 8,
             direct_after = call & 16;
        begin_call();
        if (direct_before)
            set_tenant(sql, 1, call);
        append(call * 10 + 1, NULL);
        if (nested) {
            begin_call();
            append(call * 10 + 2, NULL);
            if (direct_after)
                set_tenant(sql, call * 10 + 2, 8);
            end_call(call & 32);
        }
        int64_t own = nested && call & 32 ? 2 : 1;
        if (look)
            assert_int_equal(count_items(sql), kept + own);
        if (direct_after)
            set_tenant(sql, call * 10 + 1, 9);
        append(call * 10 + 3, NULL);
        end_call(keep);
        kept += keep ? own + 1 : 0;
    }
    assert_int_equal(sql_commit(sql), 0);
    assert_int_equal(count_items(sql), kept);
}

static void test_waiting_rows_can_be_read_and_changed(void **state)
{
    (void)state;
    assert_int_equal(sql_begin(sql), 0);
    begin_call();
    append(1, "a");
    assert_int_equal(tenant_of(1), 7);
    append(2, "b");
    set_tenant(sql, 2, 5);
    int64_t ids[] = {1, 2};
    struct item *rows;
    size_t count;
    append(3, "c");
    assert_int_equal(
        sql_find_many(sql, arena, "item", &item_row, ids, 2, false, (void **)&rows, &count), 0);
    assert_int_equal(count, 2);
    end_call(true);
    begin_call();
    end_call(false);
    assert_int_equal(tenant_of(2), 5);
    assert_int_equal(sql_rollback(sql), 0);
    assert_int_equal(count_items(sql), 0);
}

static void test_rows_that_collide_are_told_at_commit(void **state)
{
    (void)state;
    insert(1, "a", 0);
    assert_int_equal(sql_begin(sql), 0);
    begin_call();
    append(2, "b");
    end_call(true);
    begin_call();
    struct item item = make_item(3, "a");
    int error = sql_append(sql, "item", &item_row, &item);
    if (error)
        end_call(false);
    else
        end_call(true);
    int committed = sql_commit(sql);
    assert_int_equal(error ? error : committed, ERR_STORE_UNIQUE);
    assert_int_equal(count_items(sql), error ? 2 : 1);
    /* The connection is as good as before. */
    assert_int_equal(sql_begin(sql), 0);
    begin_call();
    append(4, "d");
    end_call(true);
    assert_int_equal(sql_commit(sql), 0);
    assert_int_equal(tenant_of(4), 7);
}

static void test_text_that_cannot_be_stored_is_told_at_once(void **state)
{
    (void)state;
    if (sql_engine(sql) == STORE_SQLITE)
        return;
    assert_int_equal(sql_begin(sql), 0);
    begin_call();
    append(1, "a");
    end_call(true);
    begin_call();
    struct item item = make_item(2, NULL);
    item.name = STR("a\0b");
    assert_int_equal(sql_append(sql, "item", &item_row, &item), ERR_INVALID);
    end_call(false);
    begin_call();
    append(3, "c");
    end_call(true);
    assert_int_equal(sql_commit(sql), 0);
    assert_int_equal(count_items(sql), 2);
}

/* Own changes are seen whatever was asked before; savepoints take them back. */
static void test_answers_are_forgotten_in_time(void **state)
{
    (void)state;
    insert(1, "a", 0);
    assert_int_equal(sql_begin(sql), 0);
    assert_int_equal(tenant_of(1), 7);
    assert_int_equal(tenant_of(2), 0);
    begin_call();
    set_tenant(sql, 1, 8);
    append(2, "b");
    assert_int_equal(tenant_of(1), 8);
    assert_int_equal(tenant_of(2), 7);
    end_call(false);
    assert_int_equal(tenant_of(1), 7);
    assert_int_equal(tenant_of(2), 0);
    begin_call();
    append(2, "b");
    assert_int_equal(tenant_of(2), 7);
    begin_call();
    struct item_name renamed = {2, 7, STR("c")};
    assert_int_equal(sql_update(sql, "item", &item_name_row, &renamed), 0);
    struct item_name read;
    assert_int_equal(sql_one(sql, arena, &item_name_row, &read,
                             "SELECT id, tenant_id, name FROM item WHERE id = 2"),
                     0);
    assert_true(str_is(read.name, "c"));
    end_call(false);
    assert_int_equal(sql_one(sql, arena, &item_name_row, &read,
                             "SELECT id, tenant_id, name FROM item WHERE id = 2"),
                     0);
    assert_true(str_is(read.name, "b"));
    end_call(true);
    assert_int_equal(sql_commit(sql), 0);
    assert_int_equal(tenant_of(2), 7);
}

/* A lock is taken to see what is there now. */
static void test_locking_asks_again(void **state)
{
    (void)state;
    if (sql_engine(sql) == STORE_SQLITE)
        return;
    other = store_acquire(fixture.store, true);
    insert(1, "a", 0);
    assert_int_equal(sql_begin(sql), 0);
    assert_int_equal(tenant_of(1), 7);
    set_tenant(other, 1, 8);
    assert_int_equal(tenant_of(1), 7);
    int64_t locked;
    assert_int_equal(
        sql_integer(sql, &locked, "SELECT tenant_id FROM item WHERE id = 1" SQL_FOR_UPDATE), 0);
    assert_int_equal(locked, 8);
    assert_int_equal(tenant_of(1), 8);
    assert_int_equal(sql_commit(sql), 0);
    store_release(fixture.store, other);
}

static void test_expected_questions(void **state)
{
    (void)state;
    insert(1, "a", 0);
    assert_int_equal(sql_begin(sql), 0);
    static const char lock[] = "UPDATE item SET tenant_id = tenant_id + 1 WHERE id = ?"
                               " RETURNING tenant_id";
    static const char by_id[] = "SELECT tenant_id FROM item WHERE id = ?";
    assert_int_equal(sql_expect(sql, lock, sql_int(1)), 0);
    assert_int_equal(sql_expect(sql, by_id, sql_int(1)), 0);
    assert_int_equal(sql_expect(sql, by_id, sql_int(1)), 0);
    assert_int_equal(sql_expect(sql, by_id, sql_int(2)), 0);
    int64_t value;
    begin_call();
    assert_int_equal(sql_integer(sql, &value, lock, sql_int(1)), 0);
    assert_int_equal(value, 8);
    end_call(false);
    begin_call();
    bool sqlite = sql_engine(sql) == STORE_SQLITE;
    assert_int_equal(tenant_of(1),
                     sqlite ? 7 : 8); /* done when it was expected, outside the call */
    assert_int_equal(tenant_of(2), 0);
    append(2, "b");
    assert_int_equal(tenant_of(2), 7);
    /* The answer to a lock is given once. */
    assert_int_equal(sql_integer(sql, &value, lock, sql_int(1)), 0);
    assert_int_equal(value, sqlite ? 8 : 9);
    end_call(true);
    assert_int_equal(sql_commit(sql), 0);
    assert_int_equal(count_items(sql), 2);
}

static void test_expecting_nonsense_fails_the_transaction(void **state)
{
    (void)state;
    if (sql_engine(sql) == STORE_SQLITE)
        return;
    int64_t value;
    assert_int_equal(sql_begin(sql), 0);
    assert_int_equal(sql_expect(sql, "SELECT tenant_id FROM no_such_table"), 0);
    begin_call();
    assert_int_equal(sql_integer(sql, &value, "SELECT COUNT(*) FROM item"), ERR_STORE);
    assert_int_equal(sql_savepoint_rollback(sql), ERR_STORE);
    assert_int_equal(sql_commit(sql), ERR_STORE);
    assert_int_equal(count_items(sql), 0);
}

/* ---- Rows that are kept ---- */

#define VALUE_ROW(F) \
    F(INTEGER, id)   \
    F(INTEGER, active)
ROW_STRUCT(value, VALUE_ROW);
#define ROW_SELF struct value
ROW_TYPE(value, VALUE_ROW);
#undef ROW_SELF

static void raise_by(int64_t id, int64_t by)
{
    struct value *row;
    assert_int_equal(sql_keep_row(sql, "item", &value_row, id, (void **)&row), 0);
    row->active += by;
}

static int64_t active_of(int64_t id)
{
    int64_t value = -1;
    assert_int_equal(sql_integer(sql, &value, "SELECT active FROM item WHERE id = ?", sql_int(id)),
                     0);
    return value;
}

static void test_kept_rows_follow_their_calls(void **state)
{
    (void)state;
    for (int64_t id = 1; id <= 4; id++)
        insert(id, NULL, 0);
    assert_int_equal(sql_run(sql, "UPDATE item SET active = 0"), 0);
    assert_int_equal(sql_begin(sql), 0);
    int64_t ids[] = {1, 2, 99, 1}, expected[5] = {0};
    for (size_t i = 0; i < 4; i++)
        sql_expect_row(sql, "item", &value_row, ids[i]);
    struct value *none;
    assert_int_equal(sql_keep_row(sql, "item", &value_row, 99, (void **)&none), ERR_NOT_FOUND);
    for (int64_t call = 0; call < 64; call++) {
        bool keep = call & 1, nested = call & 2, keep_nested = call & 4, direct = call & 8,
             look = call & 16;
        int64_t id = call % 4 + 1, inner = 0;
        begin_call();
        raise_by(id, 100);
        if (direct)
            assert_int_equal(sql_run(sql, "UPDATE setting SET value = value WHERE key = 'x'"), 0);
        if (nested) {
            begin_call();
            raise_by(id, 10);
            if (look)
                assert_int_equal(active_of(id), expected[id] + 110);
            end_call(keep_nested);
            inner = keep_nested ? 10 : 0;
        }
        if (look)
            assert_int_equal(active_of(id), expected[id] + 100 + inner);
        raise_by(id, 1);
        end_call(keep);
        expected[id] += keep ? 101 + inner : 0;
    }
    assert_int_equal(sql_commit(sql), 0);
    for (int64_t id = 1; id <= 4; id++)
        assert_int_equal(active_of(id), expected[id]);
}

static void test_kept_rows_go_with_a_rollback(void **state)
{
    (void)state;
    insert(1, NULL, 0);
    int64_t before = active_of(1);
    assert_int_equal(sql_begin(sql), 0);
    raise_by(1, 5);
    assert_int_equal(active_of(1), before + 5);
    assert_int_equal(sql_rollback(sql), 0);
    assert_int_equal(active_of(1), before);
    assert_int_equal(sql_begin(sql), 0);
    begin_call();
    raise_by(1, 7);
    end_call(true);
    assert_int_equal(sql_commit(sql), 0);
    assert_int_equal(active_of(1), before + 7);
}

int main(void)
{
    static const struct CMUnitTest all[] = {
        ON_BOTH(test_rows_stay_or_go_with_their_call),
        ON_BOTH(test_waiting_rows_can_be_read_and_changed),
        ON_BOTH(test_rows_that_collide_are_told_at_commit),
        ON_BOTH(test_text_that_cannot_be_stored_is_told_at_once),
        ON_BOTH(test_answers_are_forgotten_in_time),
        ON_BOTH(test_locking_asks_again),
        ON_BOTH(test_expected_questions),
        ON_BOTH(test_expecting_nonsense_fails_the_transaction),
        ON_BOTH(test_kept_rows_follow_their_calls),
        ON_BOTH(test_kept_rows_go_with_a_rollback),
    };
    return run_on_both("store_batch", all, sizeof(all) / sizeof(all[0]));
}
