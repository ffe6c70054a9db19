/* Numbered pages of an account's postings, against a list kept beside the ledger. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/app.h"
#include "core/wallet/wallet_history.h"
#include "store_fixture.h"

#define TENANT 1
#define NGN 566
#define BATCHES 110
#define BATCH 300
#define START (INT64_C(1700000000) * USEC_PER_SEC)
#define COUNTED 20000 /* COUNTED_MAX of wallet_history.c */

struct fixture {
    struct store_fixture database;
    struct arena *arena;
    struct sql *sql;
    struct call call;
    id_t64 wallet_id, bank_id;
};

/* What moved the balance, oldest first. */
struct row {
    money_t amount, balance;
    usec_t posted_at;
};
static struct row rows[BATCHES * BATCH];
static size_t row_count;

static usec_t time_of(size_t batch)
{
    return START + (usec_t)batch * USEC_PER_MINUTE;
}

/* Every third movement is a hold, which is in the chain and in no list. */
static void post_batch(struct fixture *f, struct ledger *ledger, size_t batch)
{
    static money_t balance;

    for (size_t i = 0; i < BATCH; i++) {
        bool hold = i % 3 == 2;
        struct transfer transfer = {.kind = hold ? TRANSFER_PENDING : TRANSFER_POSTED,
                                    .debit_account = f->bank_id,
                                    .credit_account = f->wallet_id,
                                    .amount = (money_t)(1 + i)};
        struct journal journal = {.tenant_id = TENANT, .transfers = &transfer, .transfer_count = 1};
        assert_int_equal(ledger_post_journal(ledger, &journal, NULL, NULL), 0);
        if (hold)
            continue;
        balance += transfer.amount;
        rows[row_count++] = (struct row){transfer.amount, balance, time_of(batch)};
    }
}

static int open_fixture(void **state)
{
    static struct fixture f;
    static struct app app;
    struct ledger_account account = {.tenant_id = TENANT, .asset = NGN, .code = LEDGER_CUSTOMER};

    fixture_open(&f.database, STORE_SQLITE);
    f.arena = arena_new(0);
    f.sql = store_acquire(f.database.store, true);
    app = (struct app){.store = f.database.store};
    f.call = (struct call){
        .arena = f.arena, .app = &app, .sql = f.sql, .principal = {.tenant_id = TENANT}};
    struct ledger *ledger = ledger_new(f.sql);
    for (size_t batch = 0; batch < BATCHES; batch++) {
        assert_int_equal(sql_begin(f.sql), 0);
        assert_int_equal(ledger_begin(ledger, time_of(batch)), 0);
        if (batch == 0) {
            assert_int_equal(ledger_open_account(ledger, &account), 0);
            assert_int_equal(ledger_system_account(ledger, TENANT, NGN, LEDGER_SETTLEMENT,
                                                   STR("squad"), &f.bank_id),
                             0);
            f.wallet_id = account.id;
        }
        post_batch(&f, ledger, batch);
        assert_int_equal(ledger_flush(ledger), 0);
        assert_int_equal(sql_commit(f.sql), 0);
        ledger_end(ledger, true);
    }
    ledger_free(ledger);
    *state = &f;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;

    store_release(f->database.store, f->sql);
    arena_free(f->arena);
    fixture_close(&f->database);
    return 0;
}

static bool in_time(const struct row *row, const struct wallet_history_query *query)
{
    return row->posted_at >= query->from && (!query->until || row->posted_at <= query->until);
}

static void check_page(struct fixture *f, const struct wallet_history_query *query)
{
    struct wallet_history history;
    size_t skip = (size_t)((query->page - 1) * query->per_page), shown = 0, total = 0;

    arena_reset(f->arena);
    f->call.error = 0;
    f->call.problems = NULL;
    assert_int_equal(wallet_history_read(&f->call, f->wallet_id, query, &history), 0);
    for (size_t i = row_count; i-- > 0;) {
        if (!in_time(&rows[i], query))
            continue;
        if (total >= skip && shown < (size_t)query->per_page) {
            assert_true(shown < history.count);
            assert_int_equal(history.entries[shown].amount, rows[i].amount);
            assert_int_equal(history.entries[shown].balance_after, rows[i].balance);
            shown++;
        }
        total++;
    }
    assert_int_equal(history.count, shown);
    if (history.has_total)
        assert_int_equal(history.total, total);
}

static void pages_are_those_of_the_list(void **state)
{
    srand(7);
    for (int i = 0; i < 60; i++) {
        size_t first = (size_t)rand() % BATCHES, length = (size_t)rand() % 60;
        struct wallet_history_query query = {.page = 1 + rand() % 20, .per_page = 1 + rand() % 400};
        if (rand() % 4)
            query.from = time_of(first) + rand() % 3 - 1;
        if (rand() % 4)
            query.until = time_of(first + length) + rand() % 3 - 1;
        check_page(*state, &query);
    }
}

static void totals_are_counted_as_far_as_is_reasonable(void **state)
{
    struct fixture *f = *state;
    struct wallet_history history;
    /* BATCH entries a minute: this many minutes are just what is counted. */
    size_t minutes = COUNTED / BATCH;
    struct wallet_history_query query = {
        .page = 1, .per_page = 10, .from = time_of(BATCHES - minutes)};

    assert_int_equal(wallet_history_read(&f->call, f->wallet_id, &query, &history), 0);
    assert_true(history.has_total);
    assert_int_equal(history.total, minutes * BATCH / 3 * 2);
    query.from = time_of(BATCHES - minutes - 1);
    assert_int_equal(wallet_history_read(&f->call, f->wallet_id, &query, &history), 0);
    assert_false(history.has_total);
    check_page(f, &query);
}

static void a_page_beyond_is_refused(void **state)
{
    struct fixture *f = *state;
    struct wallet_history history;
    struct wallet_history_query query = {.page = COUNTED, .per_page = 1};

    f->call.error = 0;
    assert_int_equal(wallet_history_read(&f->call, f->wallet_id, &query, &history),
                     ERR_OUT_OF_RANGE);
    query.page = 1000000000;
    query.per_page = 1000;
    assert_int_equal(wallet_history_read(&f->call, f->wallet_id, &query, &history),
                     ERR_OUT_OF_RANGE);
    f->call.error = 0;
    f->call.problems = NULL;
    query.from = time_of(BATCHES - 2);
    assert_int_equal(wallet_history_read(&f->call, f->wallet_id, &query, &history), 0);
    assert_int_equal(history.count, 0);
    assert_int_equal(history.total, 2 * BATCH / 3 * 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_those_of_the_list),
        cmocka_unit_test(totals_are_counted_as_far_as_is_reasonable),
        cmocka_unit_test(a_page_beyond_is_refused),
    };

    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
