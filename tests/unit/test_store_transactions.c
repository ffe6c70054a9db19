/* Transactions and savepoints (store/sql.h), one after the other and several at once. */
#include "store_items.h"

#include <pthread.h>

/* ---- Transactions ---- */

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
            error = sql_run(sql, "INSERT INTO item (id) VALUES (1)");
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

int main(void)
{
    static const struct CMUnitTest all[] = {
        ON_BOTH(test_unique_spoils_the_savepoint),
        ON_BOTH(test_failed_commit_keeps_nothing),
        ON_BOTH(test_batch_of_calls),
        ON_BOTH(test_savepoint_without_writes_costs_nothing),
        ON_BOTH(test_snapshot),
        ON_BOTH(test_settings),
        ON_BOTH(test_writers_and_readers_at_once),
        ON_BOTH(test_no_commit_outcome_is_invented),
    };
    return run_on_both("store_transactions", all, sizeof(all) / sizeof(all[0]));
}
