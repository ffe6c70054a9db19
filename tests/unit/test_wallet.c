/* Fees as a table, and wallets against their ledger: what a transfer, a hold and a withdrawal leave
 * behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/app.h"
#include "core/fee/fee.h"
#include "core/reasons.h"
#include "core/wallet/funds.h"
#include "core/wallet/withdrawal.h"
#include "store_fixture.h"

#define TENANT 1
#define ORGANISATION 2
#define USER 3
#define NGN 566

struct fixture {
    struct store_fixture database;
    struct arena *arena;
    struct sql *sql;
    struct ledger *ledger;
    struct app app;
    struct call call;
};

static void begin(struct fixture *f)
{
    f->call = (struct call){.arena = f->arena,
                            .app = &f->app,
                            .sql = f->sql,
                            .ledger = f->ledger,
                            .principal = {.tenant_id = TENANT,
                                          .organisation_id = ORGANISATION,
                                          .user_id = USER,
                                          .roles = ROLE_ORG_ADMIN},
                            .now = clock_now()};
    assert_int_equal(sql_begin(f->sql), 0);
    assert_int_equal(ledger_begin(f->ledger, f->call.now), 0);
}

static void commit(struct fixture *f)
{
    assert_int_equal(ledger_flush(f->ledger), 0);
    assert_int_equal(sql_commit(f->sql), 0);
    ledger_end(f->ledger, true);
}

/* A refused call is rolled back as a whole. */
static void roll_back(struct fixture *f)
{
    assert_int_equal(sql_rollback(f->sql), 0);
    ledger_end(f->ledger, false);
}

static void open_fixture(struct fixture *f)
{
    fixture_open(&f->database, STORE_SQLITE);
    f->arena = arena_new(0);
    f->app = (struct app){.store = f->database.store};
    f->sql = store_acquire(f->database.store, true);
    f->ledger = ledger_new(f->sql);
    assert_int_equal(sql_begin(f->sql), 0);
    assert_int_equal(sql_run(f->sql,
                             "INSERT INTO organisation (id, tenant_id, name, status, kyb_complete,"
                             " created_by, created_at, updated_at)"
                             " VALUES (?, ?, 'Adire', 'active', 1, 0, 0, 0)",
                             sql_int(ORGANISATION), sql_int(TENANT)),
                     0);
    assert_int_equal(sql_commit(f->sql), 0);
}

static void close_fixture(struct fixture *f)
{
    ledger_free(f->ledger);
    store_release(f->database.store, f->sql);
    arena_free(f->arena);
    fixture_close(&f->database);
}

static struct wallet add_wallet(struct fixture *f, id_t64 user_id, money_t funds)
{
    struct wallet wallet = {.id = id_new(),
                            .tenant_id = TENANT,
                            .organisation_id = ORGANISATION,
                            .user_id = user_id,
                            .kind = STR("currency"),
                            .asset = NGN,
                            .status = STR("active"),
                            .provider = STR("squadco"),
                            .created_at = f->call.now};
    struct ledger_account account = {.id = wallet.id,
                                     .tenant_id = TENANT,
                                     .asset = NGN,
                                     .code = LEDGER_CUSTOMER,
                                     .flags = LEDGER_NO_OVERDRAFT};
    id_t64 bank;

    assert_int_equal(ledger_open_account(f->ledger, &account), 0);
    assert_int_equal(wallet_insert(f->sql, &wallet), 0);
    if (funds) {
        assert_int_equal(
            ledger_system_account(f->ledger, TENANT, NGN, LEDGER_SETTLEMENT, STR("squad"), &bank),
            0);
        struct transfer transfer = {
            .debit_account = bank, .credit_account = wallet.id, .amount = funds};
        assert_int_equal(wallet_post(&f->call, &transfer, 1, STR_NONE, STR_NONE, NULL, NULL), 0);
    }
    return wallet;
}

static struct decimal decimal(const char *text)
{
    struct decimal value;

    assert_true(decimal_parse(str_from(text), &value));
    return value;
}

static void add_fee(struct fixture *f, const char *type, const char *label, const char *structure,
                    const char *value, const char *min, const char *max)
{
    struct fee_configuration fee;
    struct fee_request request = {.currency = STR("NGN"),
                                  .transaction_type = str_from(type),
                                  .fee_type = str_from(label),
                                  .fee_structure = str_from(structure),
                                  .fee_value = decimal(value),
                                  .has_min_fee = min != NULL,
                                  .has_max_fee = max != NULL};

    if (min)
        request.min_fee = decimal(min);
    if (max)
        request.max_fee = decimal(max);
    assert_int_equal(fee_create(&f->call, &request, &fee), 0);
}

static void assert_balances(struct fixture *f, id_t64 wallet_id, money_t available, money_t ledger)
{
    struct wallet_balances balances;

    assert_int_equal(wallet_balances(&f->call, wallet_id, &balances), 0);
    assert_int_equal(balances.available, available);
    assert_int_equal(balances.ledger, ledger);
}

/* ---- Fees ---- */

static void fees_follow_the_documented_formula(void **state)
{
    static const struct {
        const char *type, *structure, *value, *min, *max;
        money_t amount, fee;
    } rows[] = {
        {"a", "percentage", "1.5", NULL, NULL, 100000, 1500},
        {"b", "percentage", "1.5", "20", NULL, 100000, 2000},
        {"c", "percentage", "1.5", NULL, "10", 100000, 1000},
        {"d", "fixed_amount", "2.5", NULL, NULL, 1, 250},
        {"e", "fixed_amount", "2.5", "20", "1", 100000, 250}, /* bounds do not act on a fixed fee */
        {"f", "percentage", "1.5", NULL, NULL, 33, 0},        /* 0.495 kobo */
        {"g", "percentage", "1.5", NULL, NULL, 100, 2},       /* 1.5 kobo: half up */
        {"h", "percentage", "0", "3", NULL, 100, 300},
    };
    struct fixture f;
    struct fee_quote quote;

    (void)state;
    open_fixture(&f);
    begin(&f);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].type, "e") == 0) /* min above max is refused at the door */
            add_fee(&f, rows[i].type, "x", rows[i].structure, rows[i].value, "1", "20");
        else
            add_fee(&f, rows[i].type, "x", rows[i].structure, rows[i].value, rows[i].min,
                    rows[i].max);
        assert_int_equal(fee_quote(&f.call, asset_by_id(NGN), rows[i].type, rows[i].amount, &quote),
                         0);
        assert_int_equal(quote.fee, rows[i].fee);
    }
    add_fee(&f, "a", "y", "fixed_amount", "1", NULL, NULL);
    assert_int_equal(fee_quote(&f.call, asset_by_id(NGN), "a", 100000, &quote), 0);
    assert_int_equal(quote.fee, 1600); /* several add up */
    assert_int_equal(quote.part_count, 2);
    assert_int_equal(fee_quote(&f.call, asset_by_id(840), "a", 100000, &quote), 0);
    assert_int_equal(quote.fee, 0); /* another currency has none */
    commit(&f);
    close_fixture(&f);
}

static void fees_are_checked_at_the_door(void **state)
{
    static const struct {
        struct fee_request request;
        int error;
        const char *field;
    } rows[] = {
#define PAIR .currency = STR("NGN"), .transaction_type = STR("deposit"), .fee_type = STR("x")
        {{.currency = STR("XXX")}, ERR_UNKNOWN_CURRENCY, "currency"},
        {{PAIR, .fee_structure = STR("percentage"), .fee_value = {101, 0}},
         ERR_OUT_OF_RANGE,
         "fee_value"},
        {{PAIR, .fee_structure = STR("percentage"), .fee_value = {-1, 0}},
         ERR_OUT_OF_RANGE,
         "fee_value"},
        {{PAIR, .fee_structure = STR("fixed_amount"), .fee_value = {12345, 3}},
         ERR_AMOUNT_PRECISION,
         "fee_value"},
        {{PAIR, .fee_structure = STR("other")}, ERR_NOT_ALLOWED, "fee_structure"},
        {{PAIR, .fee_structure = STR("percentage"), .has_min_fee = true, .min_fee = {-1, 0}},
         ERR_OUT_OF_RANGE,
         "min_fee"},
        {{PAIR, .fee_structure = STR("percentage"), .has_min_fee = true, .min_fee = {2, 0},
          .has_max_fee = true, .max_fee = {1, 0}},
         ERR_OUT_OF_RANGE,
         "min_fee"},
#undef PAIR
    };
    struct fixture f;
    struct fee_configuration fee;

    (void)state;
    open_fixture(&f);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin(&f);
        assert_int_equal(fee_create(&f.call, &rows[i].request, &fee), rows[i].error);
        assert_true(str_is(f.call.problems->path, rows[i].field));
        roll_back(&f);
    }
    begin(&f);
    add_fee(&f, "deposit", "x", "percentage", "1", NULL, NULL);
    struct fee_request again = {.currency = STR("ngn"),
                                .transaction_type = STR("deposit"),
                                .fee_type = STR("x"),
                                .fee_structure = STR("percentage")};
    assert_int_equal(fee_create(&f.call, &again, &fee), ERR_DUPLICATE);
    roll_back(&f);
    close_fixture(&f);
}

/* ---- Transfers ---- */

static void a_transfer_moves_amount_and_fee(void **state)
{
    struct fixture f;
    struct wallet_entry debit;

    (void)state;
    open_fixture(&f);
    begin(&f);
    struct wallet from = add_wallet(&f, USER, 100000), to = add_wallet(&f, 0, 0);
    add_fee(&f, "transfer", "x", "percentage", "1.5", NULL, NULL);
    struct wallet_transfer request = {.from_wallet_id = from.id,
                                      .to_wallet_id = to.id,
                                      .user_id = USER,
                                      .amount = decimal("500.01")};
    assert_int_equal(wallet_transfer(&f.call, &request, &debit), 0);
    assert_int_equal(debit.fee, 750); /* 750.015 kobo */
    assert_balances(&f, from.id, 100000 - 50001 - 750, 100000 - 50001 - 750);
    assert_balances(&f, to.id, 50001, 50001);
    commit(&f);
    close_fixture(&f);
}

static void transfers_are_refused_by_rule(void **state)
{
    struct fixture f;

    (void)state;
    open_fixture(&f);
    begin(&f);
    struct wallet from = add_wallet(&f, USER, 1000), to = add_wallet(&f, 0, 0);
    struct wallet other = add_wallet(&f, 99, 1000);
    commit(&f);

    const struct {
        struct wallet_transfer request;
        int error;
        const char *field;
    } rows[] = {
        {{from.id, to.id, USER, {1001, 2}, STR_NONE}, ERR_INSUFFICIENT_FUNDS, "amount"},
        {{from.id, to.id, USER, {0, 0}, STR_NONE}, ERR_AMOUNT_NOT_POSITIVE, "amount"},
        {{from.id, to.id, USER, {-1, 0}, STR_NONE}, ERR_AMOUNT_NOT_POSITIVE, "amount"},
        {{from.id, to.id, USER, {1001, 3}, STR_NONE}, ERR_AMOUNT_PRECISION, "amount"},
        {{from.id, from.id, USER, {1, 0}, STR_NONE}, ERR_SAME_ACCOUNT, "to_account_id"},
        {{from.id, 77, USER, {1, 0}, STR_NONE}, ERR_NOT_FOUND, "to_account_id"},
        {{77, to.id, USER, {1, 0}, STR_NONE}, ERR_NOT_FOUND, "from_account_id"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin(&f);
        assert_int_equal(wallet_transfer(&f.call, &rows[i].request, NULL), rows[i].error);
        assert_true(str_is(f.call.problems->path, rows[i].field));
        roll_back(&f);
    }
    /* A plain user neither touches somebody else's wallet nor acts for somebody else. */
    begin(&f);
    f.call.principal.roles = ROLE_USER;
    struct wallet_transfer foreign = {other.id, to.id, 99, {1, 0}, STR_NONE};
    assert_false(wallet_may_use(&f.call, &other));
    assert_true(wallet_may_use(&f.call, &to));
    foreign.from_wallet_id = from.id;
    assert_int_equal(wallet_transfer(&f.call, &foreign, NULL), ERR_FORBIDDEN);
    roll_back(&f);
    begin(&f);
    assert_balances(&f, from.id, 1000, 1000);
    assert_balances(&f, to.id, 0, 0);
    commit(&f);
    close_fixture(&f);
}

/* ---- Withdrawals ---- */

static id_t64 withdraw(struct fixture *f, const struct wallet *wallet, const char *amount)
{
    struct wallet_entry entry;
    struct withdrawal_request request = {.wallet_id = wallet->id,
                                         .user_id = USER,
                                         .amount = decimal(amount),
                                         .to = {.beneficiary_name = STR("Ada"),
                                                .bank_code = STR("058"),
                                                .account_number = STR("0123456789")}};

    assert_int_equal(withdrawal_create(&f->call, &request, &entry), 0);
    assert_true(str_is(entry.status, "pending"));
    return entry.id;
}

static void a_withdrawal_is_settled_once(void **state)
{
    const struct provider_outcome paid = {.status = PROVIDER_SUCCEEDED,
                                          .provider_reference = STR("srp")};
    const struct provider_outcome failed = {.status = PROVIDER_FAILED};
    const struct provider_outcome pending = {.status = PROVIDER_PENDING};
    struct wallet_entry entry;
    struct fixture f;

    (void)state;
    open_fixture(&f);
    begin(&f);
    struct wallet wallet = add_wallet(&f, USER, 100000);
    add_fee(&f, "withdrawal", "x", "fixed_amount", "10", NULL, NULL);
    id_t64 id = withdraw(&f, &wallet, "100");
    assert_balances(&f, wallet.id, 89000, 100000);
    /* Nothing was sent: no outcome counts. */
    assert_int_equal(wallet_apply_withdrawal(&f.call, id, &paid), 0);
    assert_balances(&f, wallet.id, 89000, 100000);
    assert_int_equal(withdrawal_approve(&f.call, id, &entry), 0);
    assert_int_equal(wallet_apply_withdrawal(&f.call, id, &pending), 0);
    assert_balances(&f, wallet.id, 89000, 100000);
    assert_int_equal(wallet_apply_withdrawal(&f.call, id, &paid), 0);
    assert_balances(&f, wallet.id, 89000, 89000);
    assert_int_equal(wallet_apply_withdrawal(&f.call, id, &paid), 0);
    assert_int_equal(wallet_apply_withdrawal(&f.call, id, &failed), 0);
    assert_balances(&f, wallet.id, 89000, 89000);

    id = withdraw(&f, &wallet, "50");
    assert_int_equal(withdrawal_approve(&f.call, id, &entry), 0);
    assert_int_equal(wallet_apply_withdrawal(&f.call, id, &failed), 0);
    assert_balances(&f, wallet.id, 89000, 89000);
    assert_int_equal(wallet_apply_withdrawal(&f.call, id, &failed), 0);
    assert_int_equal(wallet_apply_withdrawal(&f.call, id, &paid), 0);
    assert_balances(&f, wallet.id, 89000, 89000);

    id = withdraw(&f, &wallet, "50");
    assert_int_equal(withdrawal_reject(&f.call, id, STR("no"), &entry), 0);
    assert_balances(&f, wallet.id, 89000, 89000);
    assert_int_equal(withdrawal_reject(&f.call, id, STR("no"), &entry), ERR_WRONG_STATE);
    commit(&f);
    close_fixture(&f);
}

static void a_provider_event_counts_once(void **state)
{
    struct provider_event event = {.provider = STR("squad"),
                                   .event_id = STR("e1"),
                                   .provider_reference = STR("r1"),
                                   .amount = 5000,
                                   .currency = STR("NGN"),
                                   .account_number = STR("9000000001")};
    struct fixture f;
    struct ledger_account account;
    id_t64 suspense;

    (void)state;
    open_fixture(&f);
    begin(&f);
    struct wallet wallet = add_wallet(&f, USER, 0);
    assert_int_equal(sql_run(f.sql, "UPDATE wallet SET account_number = ? WHERE id = ?",
                             sql_text(event.account_number), sql_int(wallet.id)),
                     0);
    assert_int_equal(wallet_apply_deposit(&f.call, &event), 0);
    assert_int_equal(wallet_apply_deposit(&f.call, &event), 0);
    assert_balances(&f, wallet.id, 5000, 5000);
    /* Money for an account that nobody has is not lost. */
    event.provider_reference = STR("r2");
    event.account_number = STR("9000000002");
    assert_int_equal(wallet_apply_deposit(&f.call, &event), 0);
    assert_int_equal(
        ledger_system_account(f.ledger, TENANT, NGN, LEDGER_SUSPENSE, STR_NONE, &suspense), 0);
    assert_int_equal(ledger_get_account(f.ledger, TENANT, suspense, &account), 0);
    assert_int_equal(ledger_balance(&account), 5000);
    assert_balances(&f, wallet.id, 5000, 5000);
    commit(&f);
    close_fixture(&f);
}

/* Not a test: time of one transfer in the writer, over as many batches as CAMBIST_TIME says. */
static void time_transfers(void **state)
{
    enum { WALLETS = 1000, BATCH = 256 };
    static struct wallet wallets[WALLETS];
    struct fixture f;
    usec_t start, spent = 0;

    (void)state;
    if (!getenv("CAMBIST_TIME"))
        skip();
    open_fixture(&f);
    begin(&f);
    for (size_t i = 0; i < WALLETS; i++)
        wallets[i] = add_wallet(&f, USER, 100000000);
    commit(&f);
    srand(1);
    size_t batches = (size_t)atoi(getenv("CAMBIST_TIME"));
    for (size_t b = 0; b < batches; b++) {
        arena_reset(f.arena);
        begin(&f);
        start = clock_monotonic();
        for (size_t i = 0; i < BATCH; i++) {
            size_t from = (size_t)rand() % WALLETS, to = (from + 1) % WALLETS;
            struct wallet_transfer request = {
                wallets[from].id, wallets[to].id, USER, {100, 2}, STR_NONE};
            assert_int_equal(sql_savepoint(f.sql), 0);
            assert_int_equal(wallet_transfer(&f.call, &request, NULL), 0);
            assert_int_equal(sql_savepoint_release(f.sql), 0);
        }
        spent += clock_monotonic() - start;
        commit(&f);
    }
    printf("%.1f us a transfer\n", (double)spent / (double)(batches * BATCH));
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fees_follow_the_documented_formula),
        cmocka_unit_test(fees_are_checked_at_the_door),
        cmocka_unit_test(a_transfer_moves_amount_and_fee),
        cmocka_unit_test(transfers_are_refused_by_rule),
        cmocka_unit_test(a_withdrawal_is_settled_once),
        cmocka_unit_test(a_provider_event_counts_once),
        cmocka_unit_test(time_transfers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
