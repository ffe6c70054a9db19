/*
 * Sixteen writers that post for one tenant at once, and as many tenants crosswise: nobody waits in a
 * circle, no batch has to be run again, and the books verify.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>

#include "ledger/ledger.h"
#include "store_fixture.h"

#define WRITERS 16
#define BATCHES 12
#define BATCH 20
#define TENANTS ((size_t)3)
#define FIRST_TENANT ((id_t64)601)

static struct store_fixture fixture;
static id_t64 accounts[TENANTS][2];

struct writer {
    pthread_t thread;
    size_t number;
    int error; /* the first */
};

static int post(struct ledger *ledger, size_t tenant, size_t from)
{
    struct transfer transfer = {.debit_account = accounts[tenant][from],
                                .credit_account = accounts[tenant][1 - from],
                                .amount = 1};
    struct journal journal = {
        .tenant_id = FIRST_TENANT + (id_t64)tenant, .transfers = &transfer, .transfer_count = 1};
    return ledger_post_journal(ledger, &journal, NULL, NULL);
}

/* As a server's writer does it; the calls name the tenants in an order of their own. */
static int run_batch(struct sql *sql, struct ledger *ledger, size_t number)
{
    static const id_t64 tenants[TENANTS] = {FIRST_TENANT, FIRST_TENANT + 1, FIRST_TENANT + 2};
    TRY(sql_begin(sql));
    int error = ledger_begin(ledger, clock_now());
    if (!error)
        error = ledger_expect_tenants(ledger, tenants, TENANTS);
    if (!error)
        error = ledger_lock_tenants(ledger, tenants, TENANTS);
    for (size_t call = 0; call < BATCH && !error; call++) {
        if ((error = sql_savepoint(sql)))
            break;
        size_t mark = ledger_mark(ledger);
        error = post(ledger, (number + call * (1 + number % 2)) % TENANTS, call % 2);
        if (error)
            break;
        if (call % 5 != 4) {
            error = sql_savepoint_release(sql);
        } else {
            ledger_rewind(ledger, mark);
            error = sql_savepoint_rollback(sql);
        }
    }
    if (!error)
        error = ledger_flush(ledger);
    if (error)
        sql_rollback(sql);
    else
        error = sql_commit(sql);
    ledger_end(ledger, !error);
    return error;
}

static void *write_all(void *argument)
{
    struct writer *writer = argument;
    struct sql *sql = store_acquire(fixture.store, true);
    struct ledger *ledger = ledger_new(sql);
    for (size_t batch = 0; batch < BATCHES && !writer->error; batch++)
        writer->error = run_batch(sql, ledger, writer->number + batch);
    ledger_free(ledger);
    store_release(fixture.store, sql);
    return NULL;
}

static void print_problem(void *context, const char *text)
{
    (void)context;
    fprintf(stderr, "%s\n", text);
}

static void test_sixteen_writers(void **state)
{
    (void)state;
    struct writer writers[WRITERS] = {0};
    for (size_t i = 0; i < WRITERS; i++) {
        writers[i].number = i;
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_all, &writers[i]), 0);
    }
    for (size_t i = 0; i < WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
        assert_int_equal(writers[i].error, 0);
    }
    struct sql *sql = store_acquire(fixture.store, false);
    struct ledger_verified verified;
    assert_int_equal(sql_begin_read(sql), 0);
    assert_int_equal(ledger_verify(sql, print_problem, NULL, &verified), 0);
    sql_rollback(sql);
    assert_int_equal(verified.problems, 0);
    assert_int_equal(verified.journals, WRITERS * BATCHES * BATCH * 4 / 5);
    store_release(fixture.store, sql);
}

static int setup(void **state)
{
    (void)state;
    fixture_open(&fixture, STORE_POSTGRESQL);
    struct sql *sql = store_acquire(fixture.store, true);
    struct ledger *ledger = ledger_new(sql);
    int error = sql_begin(sql) || ledger_begin(ledger, clock_now());
    for (size_t tenant = 0; tenant < TENANTS; tenant++)
        for (size_t i = 0; i < 2 && !error; i++) {
            struct ledger_account account = {.tenant_id = FIRST_TENANT + (id_t64)tenant,
                                             .asset = asset_find(STR("NGN"))->id,
                                             .code = LEDGER_CUSTOMER};
            error = ledger_open_account(ledger, &account);
            accounts[tenant][i] = account.id;
        }
    error = error || ledger_flush(ledger) || sql_commit(sql);
    ledger_end(ledger, !error);
    ledger_free(ledger);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sixteen_writers)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
