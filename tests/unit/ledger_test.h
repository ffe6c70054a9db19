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

#include "ledger/internal.h"
#include "store_fixture.h"

#define TEST_START (INT64_C(1760000000) * USEC_PER_SEC)
#define TENANT_ONE ((id_t64)1001)
#define TENANT_TWO ((id_t64)1002)
#define NGN 566
#define USD 840
/* Runs of keys are made and merged from a few keys on. */
#define SPILL_AT 4

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
    ledger_spill_keys_at(t->ledger, SPILL_AT);
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
    ledger_spill_keys_at(t->ledger, SPILL_AT);
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

static inline void books_count_problem(void *context, const char *text)
{
    print_error("verify: %s\n", text);
    ++*(size_t *)context;
}

static inline void books_ignore_problem(void *context, const char *text)
{
    (void)text;
    ++*(size_t *)context;
}

static inline void books_verify(struct books *t)
{
    size_t problems = 0;
    struct ledger_verified verified;
    assert_false(t->open);
    assert_int_equal(sql_begin_read(t->sql), OK);
    int error = ledger_verify(t->sql, books_count_problem, &problems, &verified);
    if (error)
        print_error("%s: %s\n", error_name(error), sql_last_error(t->sql));
    assert_int_equal(error, OK);
    assert_int_equal(sql_commit(t->sql), OK);
    assert_int_equal(problems, 0);
    assert_int_equal(verified.problems, 0);
}

/* Verification notices it; taken back. */
static inline void books_alter(struct books *t, const char *update)
{
    size_t problems = 0;
    int64_t changed;
    struct ledger_verified verified;
    assert_int_equal(sql_begin(t->sql), OK);
    if (sql_change(t->sql, &changed, update) || changed == 0)
        fail_msg("changes nothing: %s: %s", update, sql_last_error(t->sql));
    if (ledger_verify(t->sql, books_ignore_problem, &problems, &verified) || problems == 0)
        fail_msg("not noticed: %s: %s", update, sql_last_error(t->sql));
    assert_int_equal(sql_rollback(t->sql), OK);
}

static inline money_t books_balance(struct books *t, id_t64 account_id)
{
    struct ledger_account account;
    assert_int_equal(ledger_get_account(t->ledger, TENANT_ONE, account_id, &account), OK);
    return ledger_balance(&account);
}

#endif
