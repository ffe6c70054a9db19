/*
 * Everything that can go wrong with the SQLite file, at every place where it can: a workload is run
 * with the fault at step 1, 2, ... until a run meets none (at every third step, unless
 * CAMBIST_TEST_LONG is set). After each: what was acknowledged is there, a batch is there whole or
 * not at all, and a counter that each batch moved agrees.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/fault.h"
#include "store/row.h"
#include "store_fixture.h"

enum { BATCHES = 8, ROWS = 30 };

#define ENTRY_ROW(F)  \
    F(INTEGER, id)    \
    F(INTEGER, batch) \
    F(TEXT, note)
ROW_STRUCT(entry, ENTRY_ROW);
#define ROW_SELF struct entry
ROW_TYPE(entry, ENTRY_ROW);
#undef ROW_SELF

static struct store_fixture fixture;

static void copy_template(const char *to)
{
    char command[512];
    snprintf(command, sizeof(command), "rm -rf %s && mkdir %s && cp %s/test.db %s/test.db", to, to,
             fixture.folder, to);
    assert_int_equal(system(command), 0);
}

static int write_batch(struct sql *sql, int64_t batch)
{
    struct entry entries[ROWS];
    for (int64_t i = 0; i < ROWS; i++)
        entries[i] = (struct entry){.id = batch * 1000 + i,
                                    .batch = batch,
                                    .note = STR("......................................."
                                                ".......................................")};
    int error = sql_begin(sql);
    if (error)
        return error;
    /* A call of the batch that is refused, and one that is not. */
    if (!(error = sql_savepoint(sql)))
        error = sql_append(sql, "entry", &entry_row, &entries[0]);
    if (!error)
        error = sql_savepoint_rollback(sql);
    if (!error && !(error = sql_savepoint(sql)))
        error = sql_insert_many(sql, "entry", &entry_row, entries, ROWS);
    if (!error)
        error = sql_run(sql, "UPDATE counter SET value = value + 1");
    if (!error)
        error = sql_savepoint_release(sql);
    if (!error)
        return sql_commit(sql);
    sql_rollback(sql);
    return error;
}

static void work(struct store *store, bool acknowledged[BATCHES])
{
    struct sql *sql = store_acquire(store, true);
    for (int64_t batch = 0; batch < BATCHES; batch++) {
        acknowledged[batch] = write_batch(sql, batch) == 0;
        if (batch % 3 == 2)
            store_checkpoint(store);
    }
    store_release(store, sql);
}

static void check(const char *database, const bool acknowledged[BATCHES])
{
    struct store_options options = {.database = str_from(database),
                                    .key_file = str_from(fixture.key_file)};
    struct store *store;
    struct str why;
    if (store_open(&options, &store, &why))
        fail_msg("%.*s", STR_FMT(why));
    struct sql *sql = store_acquire(store, true);
    int64_t whole = 0, count, value, broken;
    for (int64_t batch = 0; batch < BATCHES; batch++) {
        assert_int_equal(
            sql_integer(sql, &count, "SELECT COUNT(*) FROM entry WHERE batch = ?", sql_int(batch)),
            0);
        assert_true(count == ROWS || count == 0);
        assert_true(count == ROWS || !acknowledged[batch]);
        whole += count == ROWS;
    }
    assert_int_equal(sql_integer(sql, &value, "SELECT value FROM counter"), 0);
    assert_int_equal(value, whole);
    assert_int_equal(sql_integer(sql, &broken,
                                 "SELECT COUNT(*) FROM pragma_integrity_check"
                                 " WHERE integrity_check <> 'ok'"),
                     0);
    assert_int_equal(broken, 0);
    /* And it goes on. */
    assert_int_equal(write_batch(sql, BATCHES), 0);
    store_release(store, sql);
    store_close(store);
}

/* False when the workload was over before the step came. */
static bool run(enum fault_kind kind, long step)
{
    char folder[80], database[96];
    bool acknowledged[BATCHES] = {0};
    snprintf(folder, sizeof(folder), "%s/run", fixture.folder);
    snprintf(database, sizeof(database), "%s/test.db", folder);
    copy_template(folder);
    struct store_fault *fault = store_fault_new(kind, (uint64_t)step);
    struct store_options options = {
        .database = str_from(database), .key_file = str_from(fixture.key_file), .fault = fault};
    struct store *store;
    assert_int_equal(store_open(&options, &store, NULL), 0);
    store_fault_arm(fault, step);
    work(store, acknowledged);
    bool happened = store_fault_happened(fault);
    store_close(store);
    store_fault_free(fault);
    check(database, acknowledged);
    if (!happened)
        for (int64_t batch = 0; batch < BATCHES; batch++)
            assert_true(acknowledged[batch]);
    return happened;
}

static void run_all(enum fault_kind kind)
{
    /* Every third step, another third for each kind; all of them in the long tier. */
    bool all = getenv("CAMBIST_TEST_LONG") != NULL;
    long stride = all ? 1 : 3, step = all ? 1 : 1 + kind % stride;
    while (run(kind, step))
        step += stride;
    /* Each batch writes and syncs the log. */
    assert_true(step > 4 * BATCHES);
}

static void test_failing_steps(void **state)
{
    (void)state;
    run_all(FAULT_FAIL);
}

static void test_writes_cut_short(void **state)
{
    (void)state;
    run_all(FAULT_CUT_SHORT);
}

static void test_disk_full(void **state)
{
    (void)state;
    run_all(FAULT_DISK_FULL);
}

static void test_power_loss(void **state)
{
    (void)state;
    run_all(FAULT_CRASH);
}

static void test_power_loss_with_torn_writes(void **state)
{
    (void)state;
    run_all(FAULT_CRASH_TORN);
}

/* A database that could not be made is made by the next start. */
static void test_opening(void **state)
{
    (void)state;
    char folder[80], database[96];
    snprintf(folder, sizeof(folder), "%s/run", fixture.folder);
    snprintf(database, sizeof(database), "%s/test.db", folder);
    struct store_options options = {.database = str_from(database),
                                    .key_file = str_from(fixture.key_file)};
    bool happened = true;
    for (long step = 1; happened; step += 1 + step / 8) {
        char command[512];
        snprintf(command, sizeof(command), "rm -rf %s && mkdir %s", folder, folder);
        assert_int_equal(system(command), 0);
        struct store_fault *fault =
            store_fault_new(step % 2 ? FAULT_CRASH_TORN : FAULT_CRASH, (uint64_t)step);
        store_fault_arm(fault, step);
        options.fault = fault;
        struct store *store = NULL;
        struct str why;
        int error = store_open(&options, &store, &why);
        happened = store_fault_happened(fault);
        assert_true(happened || error == 0);
        store_close(store);
        store_fault_free(fault);
        options.fault = NULL;
        if (store_open(&options, &store, &why))
            fail_msg("step %ld: %.*s", step, STR_FMT(why));
        store_close(store);
    }
}

static int setup(void **state)
{
    (void)state;
    fixture_open(&fixture, STORE_SQLITE);
    struct sql *sql = store_acquire(fixture.store, true);
    int error = sql_run(sql, "CREATE TABLE entry (id BIGINT, batch BIGINT, note TEXT)");
    error |= sql_run(sql, "CREATE INDEX entry_id ON entry (id)");
    error |= sql_run(sql, "CREATE TABLE counter (value BIGINT)");
    error |= sql_run(sql, "INSERT INTO counter (value) VALUES (0)");
    store_release(fixture.store, sql);
    fixture.store = store_close(fixture.store);
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failing_steps),
        cmocka_unit_test(test_writes_cut_short),
        cmocka_unit_test(test_disk_full),
        cmocka_unit_test(test_power_loss),
        cmocka_unit_test(test_power_loss_with_torn_writes),
        cmocka_unit_test(test_opening),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
