/* The server's own jobs, run by its timer on the test clock, through the writer, on both engines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/config.h"
#include "base/metrics.h"
#include "core/app.h"
#include "core/work.h"
#include "ledger/ledger.h"
#include "server/upkeep.h"
#include "server/workers.h"
#include "server/writer.h"
#include "store_fixture.h"

#define TENANTS 3
#define NGN 566
#define MANY 2500

struct fixture {
    struct store_fixture database;
    struct arena *arena;
    struct config config;
    struct app app;
    struct sql *sql;
    id_t64 accounts[TENANTS][2];
};

static void nothing(size_t index, const char **ret_name, const char **ret_dialect)
{
    (void)index;
    *ret_name = *ret_dialect = "";
}

static void open_fixture(struct fixture *f, enum store_engine engine)
{
    *f = (struct fixture){.arena = arena_new(0)};
    struct str why;
    char *arguments[] = {"serve"};
    fixture_open(&f->database, engine);
    assert_int_equal(config_load(f->arena, 1, arguments, &f->config, &why), CONFIG_OK);
    f->app = (struct app){.config = &f->config, .store = f->database.store};
    f->app.metrics = metrics_new(0, nothing);
    f->app.writer = writer_start(&f->app);
    f->app.workers = workers_start(&f->app);
    f->sql = store_acquire(f->app.store, false);
}

static void close_fixture(struct fixture *f)
{
    workers_stop(f->app.workers);
    writer_stop(f->app.writer);
    store_release(f->app.store, f->sql);
    work_release_connections(&f->app);
    metrics_free(f->app.metrics);
    arena_free(f->arena);
    fixture_close(&f->database);
}

static void in_writer(struct fixture *f, id_t64 tenant_id, writer_function *run)
{
    struct call c = {.arena = f->arena,
                     .app = &f->app,
                     .principal = {.tenant_id = tenant_id, .staff = true},
                     .now = clock_now()};
    assert_int_equal(writer_run(&c, run, f), OK);
}

/* The clock is never set back, because ids are not. */
static void advance(struct fixture *f, usec_t by)
{
    clock_advance(by);
    workers_clock_moved(&f->app);
}

static int64_t count(struct fixture *f, const char *query)
{
    int64_t value = -1;
    assert_int_equal(sql_integer(f->sql, &value, query), OK);
    return value;
}

/* A job that was at work while the clock moved comes again after its interval. */
static void wait_for_count(struct fixture *f, const char *query, int64_t expected)
{
    int64_t seen = -1;
    for (int i = 1; i < 2000 && (seen = count(f, query)) != expected; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        if (i % 200 == 0)
            advance(f, 10 * USEC_PER_MINUTE);
    }
    if (seen != expected)
        print_error("%s: %lld\n", query, (long long)seen);
    assert_int_equal(seen, expected);
}

static void on_both(void (*test)(enum store_engine engine))
{
    test(STORE_SQLITE);
    if (fixture_has_postgresql())
        test(STORE_POSTGRESQL);
}

/* ---- Holds ---- */

static int hold_money(struct call *c, void *argument)
{
    struct fixture *f = argument;
    id_t64 *accounts = f->accounts[c->principal.tenant_id - 1];
    for (int i = 0; i < 2; i++) {
        struct ledger_account account = {.id = accounts[i],
                                         .tenant_id = c->principal.tenant_id,
                                         .asset = NGN,
                                         .code = LEDGER_CUSTOMER};
        int error = ledger_open_account(c->ledger, &account);
        if (error)
            return error;
    }
    struct transfer transfers[] = {
        {.kind = TRANSFER_PENDING, .amount = 500, .timeout = USEC_PER_MINUTE},
        {.kind = TRANSFER_PENDING, .amount = 40, .timeout = 2 * USEC_PER_HOUR},
        {.kind = TRANSFER_PENDING, .amount = 3},
    };
    for (size_t i = 0; i < 3; i++) {
        transfers[i].debit_account = accounts[0];
        transfers[i].credit_account = accounts[1];
    }
    struct journal journal = {
        .tenant_id = c->principal.tenant_id, .transfers = transfers, .transfer_count = 3};
    return ledger_post_journal(c->ledger, &journal, NULL, NULL);
}

#define EXPIRED "SELECT COUNT(*) FROM ledger_holds WHERE state = 3"
#define PENDING "SELECT CAST(SUM(debits_pending) AS BIGINT) FROM ledger_counters"

static void holds_run_out(enum store_engine engine)
{
    struct fixture f;
    open_fixture(&f, engine);
    for (id_t64 tenant = 1; tenant <= TENANTS; tenant++) {
        f.accounts[tenant - 1][0] = id_new();
        f.accounts[tenant - 1][1] = id_new();
        in_writer(&f, tenant, hold_money);
    }
    upkeep_start(&f.app);
    advance(&f, 55 * USEC_PER_SEC);
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    assert_int_equal(count(&f, EXPIRED), 0);
    advance(&f, 10 * USEC_PER_SEC);
    wait_for_count(&f, EXPIRED, TENANTS);
    wait_for_count(&f, PENDING, TENANTS * 43);
    advance(&f, 3 * USEC_PER_HOUR);
    wait_for_count(&f, EXPIRED, 2 * TENANTS);
    wait_for_count(&f, PENDING, TENANTS * 3);
    close_fixture(&f);
}

static void test_holds_run_out_of_time(void **state)
{
    (void)state;
    on_both(holds_run_out);
}

/* ---- Pruning ---- */

static int add_delivery(struct call *c, id_t64 event_id, const char *status)
{
    return sql_run(c->sql,
                   "INSERT INTO webhook_delivery (id, tenant_id, organisation_id, endpoint_id,"
                   " event_id, event_type, url, status, attempts, created_at, updated_at)"
                   " VALUES (?, 1, 0, 1, ?, 'a', 'http://x', ?, 1, 1, 1)",
                   sql_int(id_new()), sql_int(event_id), sql_text(str_from(status)));
}

static int add_event(struct call *c, id_t64 id)
{
    return sql_run(c->sql,
                   "INSERT INTO webhook_event (id, tenant_id, organisation_id, event_type, data,"
                   " created_at) VALUES (?, 1, 0, 'a', '{}', 1)",
                   sql_int(id));
}

static int add_webhooks(struct call *c)
{
    for (int i = 0; i < MANY; i++) {
        id_t64 event_id = id_new();
        int error = add_event(c, event_id);
        if (!error)
            error = add_delivery(c, event_id, i % 2 ? "delivered" : "dead");
        if (error)
            return error;
    }
    id_t64 waiting = id_new();
    int error = add_event(c, waiting);
    return error ? error : add_delivery(c, waiting, "pending");
}

static int add_others(struct call *c)
{
    static const char *const messages[] = {"sent", "failed", "queued"};
    static const char *const events[] = {"applied", "received", "unmatched"};
    for (size_t i = 0; i < 3; i++) {
        int error = sql_run(c->sql,
                            "INSERT INTO message (id, tenant_id, channel, recipient, status,"
                            " created_at) VALUES (?, 1, 'email', 'a@b.c', ?, 1)",
                            sql_int(id_new()), sql_text(str_from(messages[i])));
        id_t64 id = id_new();
        if (!error)
            error =
                sql_run(c->sql,
                        "INSERT INTO provider_event (id, tenant_id, provider, event_id, body,"
                        " status, created_at, updated_at) VALUES (?, 1, 'squad', ?, ?, ?, 1, 1)",
                        sql_int(id), sql_text(id_print(c->arena, ID_TENANT, id)),
                        sql_bytes(STR("sealed")), sql_text(str_from(events[i])));
        if (!error)
            error = sql_run(c->sql,
                            "INSERT INTO idempotency (tenant_id, credential_id, operation,"
                            " idempotency_key, request_hash, status, reply, created_at)"
                            " VALUES (1, ?, ?, 'k', ?, 200, '', ?)",
                            sql_int(id), sql_text(i ? STR("other") : STR("fc_ledger_post_account")),
                            sql_bytes(STR("hash")), sql_int(c->now));
        if (error)
            return error;
    }
    return OK;
}

static int add_rows(struct call *c, void *unused)
{
    (void)unused;
    int error = add_webhooks(c);
    return error ? error : add_others(c);
}

#define COUNT_OF(table) "SELECT COUNT(*) FROM " table

/* Of each kind what has ended goes when its days are over, and nothing else. */
static void old_rows_go(enum store_engine engine)
{
    struct fixture f;
    open_fixture(&f, engine);
    in_writer(&f, 1, add_rows);
    upkeep_start(&f.app);
    advance(&f, 29 * USEC_PER_DAY);
    wait_for_count(&f, COUNT_OF("idempotency"), 1);
    assert_int_equal(count(&f, COUNT_OF("message")), 3);
    advance(&f, 2 * USEC_PER_DAY);
    wait_for_count(&f, COUNT_OF("message"), 1);
    assert_int_equal(count(&f, COUNT_OF("webhook_delivery")), MANY + 1);
    in_writer(&f, 1, add_rows);
    advance(&f, 60 * USEC_PER_DAY);
    wait_for_count(&f, COUNT_OF("provider_event"), 3 + 2);
    wait_for_count(&f, COUNT_OF("webhook_delivery"), 1 + MANY + 1);
    wait_for_count(&f, COUNT_OF("webhook_event"), 1 + MANY + 1);
    assert_int_equal(count(&f, COUNT_OF("webhook_delivery") " WHERE status = 'pending'"), 2);
    close_fixture(&f);
}

static void test_what_was_kept_long_enough_goes(void **state)
{
    (void)state;
    on_both(old_rows_go);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holds_run_out_of_time),
        cmocka_unit_test(test_what_was_kept_long_enough_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
