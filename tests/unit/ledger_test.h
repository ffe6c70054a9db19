/* What the ledger's unit tests share: a fresh database, batches, accounts by name. */
#ifndef TESTS_LEDGER_TEST_H
#define TESTS_LEDGER_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "ledger/ledger.h"
#include "store_fixture.h"

#define TEST_START (INT64_C(1760000000) * USEC_PER_SEC)
#define TENANT_ONE ((id_t64)1001)
#define TENANT_TWO ((id_t64)1002)
#define NGN 566
#define USD 840

struct books {
    struct store_fixture fixture;
    struct arena *arena;
    struct sql *sql;
    struct ledger *ledger;
    usec_t now;
    bool open;
};

static inline void books_begin(struct books *t)
{
    assert_int_equal(sql_begin(t->sql), OK);
    assert_int_equal(ledger_begin(t->ledger, t->now), OK);
    t->open = true;
}

static inline void books_commit(struct books *t)
{
    int error = ledger_flush(t->ledger);
    if (error)
        print_error("flush: %s\n", sql_last_error(t->sql));
    assert_int_equal(error, OK);
    assert_int_equal(sql_commit(t->sql), OK);
    ledger_end(t->ledger, true);
    t->open = false;
}

/* Which engine the next books are kept on; books_run_tests goes through both. */
static enum store_engine books_engine = STORE_SQLITE;

static inline struct books *books_new(void)
{
    struct books *t = calloc(1, sizeof(*t));
    t->arena = arena_new(SIZE_MAX);
    t->now = TEST_START;
    fixture_open(&t->fixture, books_engine);
    t->sql = store_acquire(t->fixture.store, true);
    t->ledger = ledger_new(t->sql);
    return t;
}

static inline void books_free(struct books *t)
{
    ledger_free(t->ledger);
    store_release(t->fixture.store, t->sql);
    fixture_close(&t->fixture);
    arena_free(t->arena);
    free(t);
}

/* As if the process had started anew. */
static inline void books_forget(struct books *t)
{
    ledger_free(t->ledger);
    t->ledger = ledger_new(t->sql);
}

#define books_run_tests(tests) books_run_group(#tests, tests, sizeof(tests) / sizeof((tests)[0]))

static inline int books_run_group(const char *name, const struct CMUnitTest *tests, size_t count)
{
    int failed = _cmocka_run_group_tests(name, tests, count, NULL, NULL);
    if (fixture_has_postgresql()) {
        books_engine = STORE_POSTGRESQL;
        failed += _cmocka_run_group_tests(name, tests, count, NULL, NULL);
    }
    return failed;
}

static inline id_t64 books_account(struct books *t, id_t64 tenant_id, int asset, unsigned flags)
{
    struct ledger_account account = {
        .tenant_id = tenant_id, .asset = asset, .code = LEDGER_CUSTOMER, .flags = flags};
    assert_int_equal(ledger_open_account(t->ledger, &account), OK);
    return account.id;
}

/* One transfer as a journal of its own. */
static inline int books_post(struct books *t, id_t64 debit, id_t64 credit, money_t amount)
{
    struct transfer transfer = {.debit_account = debit, .credit_account = credit, .amount = amount};
    struct journal journal = {.tenant_id = TENANT_ONE, .transfers = &transfer, .transfer_count = 1};
    return ledger_post_journal(t->ledger, &journal, NULL, NULL);
}

static inline money_t books_balance(struct books *t, id_t64 account_id)
{
    struct ledger_account account;
    assert_int_equal(ledger_get_account(t->ledger, TENANT_ONE, account_id, &account), OK);
    return ledger_balance(&account);
}

#endif
