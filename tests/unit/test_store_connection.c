/*
 * PostgreSQL's connection breaks at the Nth message, for N = 1, 2, ... until a run meets no break.
 * A writer that follows sql.h (run again on ERR_STORE_RETRY and ERR_STORE_LOST) must find every
 * batch exactly once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/time.h"
#include "cutting_proxy.h"
#include "store/row.h"
#include "store_fixture.h"

enum { BATCHES = 6 };

/* ---- The writer ---- */

static struct store_fixture fixture;

#define ENTRY_ROW(F)  \
    F(INTEGER, batch) \
    F(INTEGER, call)
ROW_STRUCT(entry, ENTRY_ROW);
#define ROW_SELF struct entry
ROW_TYPE(entry, ENTRY_ROW);
#undef ROW_SELF

/* Call 0 only adds a row, which waits for the commit. */
static int add_entry(struct sql *sql, int64_t batch, int64_t call)
{
    const struct entry entry = {batch, call};
    if (call == 0)
        return sql_append(sql, "entry", &entry_row, &entry);
    return sql_run(sql, "INSERT INTO entry (batch, call) VALUES (?, ?)", sql_int(batch),
                   sql_int(call));
}

static int try_batch(struct sql *sql, int64_t batch)
{
    int64_t value;
    int error = sql_begin(sql);
    if (error)
        return error;
    for (int64_t call = 0; call < 3 && !error; call++) {
        if ((error = sql_savepoint(sql)))
            break;
        error = add_entry(sql, batch, call);
        if (!error && call == 1)
            error = sql_integer(sql, &value, "SELECT value FROM counter" SQL_FOR_UPDATE);
        if (!error)
            error = sql_run(sql, "UPDATE counter SET value = value + 1");
        if (!error)
            error = sql_savepoint_release(sql);
    }
    if (!error)
        return sql_commit(sql);
    sql_rollback(sql);
    return error;
}

static void run_batch(struct sql *sql, int64_t batch)
{
    int error;
    while ((error = try_batch(sql, batch))) {
        if (error != ERR_STORE_LOST && error != ERR_STORE_RETRY)
            fail_msg("%s: %s", error_name(error), sql_last_error(sql));
        usleep(2000);
    }
}

static int64_t ask(struct sql *sql, const char *query)
{
    int64_t value = -1;
    int error = sql_integer(sql, &value, query);
    if (error)
        fail_msg("%s: %s", error_name(error), sql_last_error(sql));
    return value;
}

static bool run(enum breaking breaking, long at)
{
    struct sql *sql = store_acquire(fixture.store, true);
    struct sql *reader = store_acquire(fixture.store, false);
    proxy_arm(SWALLOW_MESSAGE, 0);
    run_batch(sql, 0);
    assert_int_equal(sql_run(sql, "DELETE FROM entry"), 0);
    assert_int_equal(sql_run(sql, "UPDATE counter SET value = 0"), 0);
    proxy_arm(breaking, at);
    for (int64_t batch = 0; batch < BATCHES; batch++) {
        run_batch(sql, batch);
        /* A read begins anew by itself; it may see one loss when the break comes within it. */
        int64_t value;
        int error = sql_begin_read(reader);
        if (error) {
            assert_int_equal(error, ERR_STORE_LOST);
            continue;
        }
        error = sql_integer(reader, &value, "SELECT COUNT(*) FROM entry");
        if (!error)
            assert_int_equal(value, 3 * (batch + 1));
        else
            assert_int_equal(error, ERR_STORE_LOST);
        sql_commit(reader);
    }
    bool broke = proxy_has_broken();
    proxy_arm(SWALLOW_MESSAGE, 0);
    assert_int_equal(ask(sql, "SELECT COUNT(*) FROM entry"), 3 * BATCHES);
    assert_int_equal(ask(sql, "SELECT COUNT(*) FROM (SELECT DISTINCT batch, call FROM entry) AS d"),
                     3 * BATCHES);
    assert_int_equal(ask(sql, "SELECT value FROM counter"), 3 * BATCHES);
    store_release(fixture.store, sql);
    store_release(fixture.store, reader);
    return broke;
}

static void run_all(enum breaking breaking)
{
    long at = 1;
    while (run(breaking, at))
        at++;
    assert_true(at > 4 * BATCHES);
}

static void test_message_lost(void **state)
{
    (void)state;
    run_all(SWALLOW_MESSAGE);
}

static void test_answer_lost(void **state)
{
    (void)state;
    run_all(SWALLOW_ANSWER);
}

static int setup(void **state)
{
    (void)state;
    proxy_start();
    fixture_prepare(&fixture, STORE_POSTGRESQL);
    proxy_add_to_url(fixture.database, sizeof(fixture.database));
    fixture_reopen(&fixture);
    struct sql *sql = store_acquire(fixture.store, true);
    int error = sql_run(sql, "CREATE TABLE entry (batch BIGINT, call BIGINT)");
    error |= sql_run(sql, "CREATE TABLE counter (value BIGINT)");
    error |= sql_run(sql, "INSERT INTO counter (value) VALUES (0)");
    store_release(fixture.store, sql);
    return error;
}

static int teardown(void **state)
{
    (void)state;
    fixture_close(&fixture);
    return 0;
}

int main(void)
{
    if (!fixture_has_postgresql())
        return 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_message_lost),
        cmocka_unit_test(test_answer_lost),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
