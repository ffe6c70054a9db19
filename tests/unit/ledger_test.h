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

#define TEST_START (INT64_C(1760000000) * USEC_PER_SEC)
#define TENANT_ONE ((id_t64)1001)
#define TENANT_TWO ((id_t64)1002)
#define NGN 566
#define USD 840

struct books {
    char directory[64];
    struct arena *arena;
    struct store *store;
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

static inline void books_open_store(struct books *t)
{
    struct str why = STR_NONE;
    const char *url = getenv("CAMBIST_TEST_DATABASE");
    const struct store_options options = {
        .database = url ? str_from(url) : arena_printf(t->arena, "%s/ledger.db", t->directory),
        .key_file = arena_printf(t->arena, "%s/key", t->directory),
        .create_key = true,
    };
    if (store_open(&options, &t->store, &why))
        fail_msg("store_open: %.*s", STR_FMT(why));
    t->sql = store_acquire(t->store, true);
    t->ledger = ledger_new(t->sql);
}

static inline void books_close_store(struct books *t)
{
    ledger_free(t->ledger);
    store_release(t->store, t->sql);
    store_close(t->store);
}

static inline struct books *books_new(void)
{
    struct books *t = calloc(1, sizeof(*t));
    t->arena = arena_new(SIZE_MAX);
    t->now = TEST_START;
    snprintf(t->directory, sizeof(t->directory), "/tmp/cambist-ledger-XXXXXX");
    assert_non_null(mkdtemp(t->directory));
    books_open_store(t);
    return t;
}

static inline void books_free(struct books *t)
{
    books_close_store(t);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", t->directory);
    assert_int_equal(system(command), 0);
    arena_free(t->arena);
    free(t);
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
