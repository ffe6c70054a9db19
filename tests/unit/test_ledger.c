/* Journals, marks, chains, history, statements, reversal, proof: what test_ledger_rules.c
 * does not list. */
#include "ledger/internal.h"
#include "ledger_test.h"

static void test_the_example(void **state)
{
    (void)state;
    struct books *t = books_new();
    books_begin(t);
    struct ledger_account wallet = {.tenant_id = TENANT_ONE,
                                    .asset = NGN,
                                    .code = LEDGER_CUSTOMER,
                                    .flags = LEDGER_NO_OVERDRAFT};
    id_t64 bank, again;
    assert_int_equal(ledger_open_account(t->ledger, &wallet), OK);
    assert_int_equal(
        ledger_system_account(t->ledger, TENANT_ONE, NGN, LEDGER_SETTLEMENT, STR("squad"), &bank),
        OK);
    struct transfer deposit = {
        .debit_account = bank, .credit_account = wallet.id, .amount = 150000};
    struct journal journal = {.tenant_id = TENANT_ONE,
                              .key = STR("deposit-1"),
                              .reference = STR("squad-77"),
                              .transfers = &deposit,
                              .transfer_count = 1};
    assert_int_equal(ledger_post_journal(t->ledger, &journal, NULL, NULL), OK);
    assert_int_equal(deposit.credit_balance_after, 150000);
    books_commit(t);

    struct ledger_account read;
    assert_int_equal(ledger_read_account(t->sql, TENANT_ONE, wallet.id, &read), OK);
    assert_int_equal(ledger_available(&read), 150000);
    assert_int_equal(ledger_read_account(t->sql, TENANT_TWO, wallet.id, &read), ERR_NOT_FOUND);
    books_begin(t);
    assert_int_equal(
        ledger_system_account(t->ledger, TENANT_ONE, NGN, LEDGER_SETTLEMENT, STR("squad"), &again),
        OK);
    assert_int_equal(bank, again);
    assert_int_equal(ledger_get_account(t->ledger, TENANT_TWO, wallet.id, &read), ERR_NOT_FOUND);
    books_commit(t);

    struct journal *found;
    size_t count;
    assert_int_equal(ledger_find_journals(t->sql, t->arena, TENANT_ONE, LEDGER_BY_REFERENCE,
                                          STR("squad-77"), 0, 10, &found, &count),
                     OK);
    assert_int_equal(count, 1);
    assert_int_equal(found->id, journal.id);
    assert_true(str_is(found->key, "deposit-1"));
    assert_int_equal(found->transfers->amount, 150000);
    books_verify(t);
    books_free(t);
}

/* A journal stands or falls as a whole, also in memory; other journals of the batch are not
 * disturbed. */
static void test_journals_are_atomic(void **state)
{
    (void)state;
    struct books *t = books_new();
    books_begin(t);
    id_t64 a = books_account(t, TENANT_ONE, NGN, LEDGER_NO_OVERDRAFT);
    id_t64 b = books_account(t, TENANT_ONE, NGN, LEDGER_NO_OVERDRAFT);
    id_t64 c = books_account(t, TENANT_ONE, NGN, 0);
    assert_int_equal(books_post(t, c, a, 100), OK);
    struct transfer legs[] = {
        {.debit_account = a, .credit_account = b, .amount = 60},
        {.debit_account = b, .credit_account = c, .amount = 10},
        {.debit_account = b, .credit_account = c, .amount = 51},
    };
    struct journal journal = {.tenant_id = TENANT_ONE, .transfers = legs, .transfer_count = 3};
    size_t index;
    assert_int_equal(ledger_post_journal(t->ledger, &journal, &index, NULL),
                     ERR_INSUFFICIENT_FUNDS);
    assert_int_equal(index, 2);
    assert_int_equal(books_balance(t, a), 100);
    assert_int_equal(books_balance(t, b), 0);
    legs[2].amount = 50;
    assert_int_equal(ledger_post_journal(t->ledger, &journal, &index, NULL), OK);
    assert_int_equal(legs[2].id, legs[0].id + 2);
    assert_int_equal(journal.id, legs[0].id);
    assert_int_equal(books_balance(t, b), 0);
    assert_int_equal(books_balance(t, c), -40);
    books_commit(t);
    books_verify(t);
    books_free(t);
}

/* Marks follow savepoints: what a refused call did is gone, in memory and in the tables. */
static void test_marks(void **state)
{
    (void)state;
    struct books *t = books_new();
    books_begin(t);
    id_t64 a = books_account(t, TENANT_ONE, NGN, 0);
    id_t64 b = books_account(t, TENANT_ONE, NGN, 0);
    assert_int_equal(books_post(t, a, b, 1), OK);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(sql_savepoint(t->sql), OK);
        size_t mark = ledger_mark(t->ledger);
        id_t64 gone = books_account(t, TENANT_ONE, NGN, 0);
        id_t64 system, lien;
        struct transfer hold = {
            .kind = TRANSFER_PENDING, .debit_account = a, .credit_account = gone, .amount = 7};
        struct journal journal = {
            .tenant_id = TENANT_ONE, .key = STR("k"), .transfers = &hold, .transfer_count = 1};
        assert_int_equal(ledger_post_journal(t->ledger, &journal, NULL, NULL), OK);
        assert_int_equal(books_post(t, a, b, 100), OK);
        assert_int_equal(ledger_place_lien(t->ledger, TENANT_ONE, b, 5, STR("x"), &lien), OK);
        assert_int_equal(ledger_set_flags(t->ledger, TENANT_ONE, b, LEDGER_FROZEN, 0), OK);
        assert_int_equal(
            ledger_system_account(t->ledger, TENANT_ONE, USD, LEDGER_FEE_INCOME, STR_NONE, &system),
            OK);
        assert_int_equal(sql_savepoint_rollback(t->sql), OK);
        ledger_rewind(t->ledger, mark);
        struct ledger_account account;
        assert_int_equal(ledger_get_account(t->ledger, TENANT_ONE, gone, &account), ERR_NOT_FOUND);
        assert_int_equal(ledger_get_account(t->ledger, TENANT_ONE, system, &account),
                         ERR_NOT_FOUND);
        assert_int_equal(ledger_get_account(t->ledger, TENANT_ONE, b, &account), OK);
        assert_int_equal(ledger_available(&account), 1);
        assert_int_equal(account.flags, 0);
    }
    assert_int_equal(books_post(t, a, b, 10), OK);
    assert_int_equal(books_balance(t, b), 11);
    books_commit(t);
    books_verify(t);
    books_free(t);
}

static void test_linked_chains(void **state)
{
    (void)state;
    struct books *t = books_new();
    books_begin(t);
    id_t64 a = books_account(t, TENANT_ONE, NGN, LEDGER_NO_OVERDRAFT);
    id_t64 b = books_account(t, TENANT_ONE, NGN, 0);
    struct transfer transfers[] = {
        {.debit_account = b, .credit_account = a, .amount = 10},
        {.debit_account = a, .credit_account = b, .amount = 20},
        {.debit_account = b, .credit_account = a, .amount = 30},
    };
    struct journal journals[3];
    int errors[3];
    for (size_t i = 0; i < 3; i++)
        journals[i] = (struct journal){
            .tenant_id = TENANT_ONE, .transfers = &transfers[i], .transfer_count = 1};
    assert_int_equal(ledger_post_chain(t->ledger, journals, 3, errors), ERR_INSUFFICIENT_FUNDS);
    assert_int_equal(errors[0], ERR_LEDGER_CHAIN_FAILED);
    assert_int_equal(errors[1], ERR_INSUFFICIENT_FUNDS);
    assert_int_equal(errors[2], ERR_LEDGER_CHAIN_FAILED);
    assert_int_equal(books_balance(t, a), 0);
    transfers[1].amount = 10;
    assert_int_equal(ledger_post_chain(t->ledger, journals, 3, errors), OK);
    assert_int_equal(errors[0] | errors[1] | errors[2], OK);
    assert_int_equal(books_balance(t, a), 30);
    books_commit(t);
    books_verify(t);
    books_free(t);
}

static void test_history_pages(void **state)
{
    (void)state;
    struct books *t = books_new();
    books_begin(t);
    id_t64 a = books_account(t, TENANT_ONE, NGN, 0);
    id_t64 b = books_account(t, TENANT_ONE, NGN, 0);
    id_t64 c = books_account(t, TENANT_ONE, NGN, 0);
    for (money_t i = 1; i <= 500; i++) { /* a has 1..500, b those that 3 divides */
        t->now += USEC_PER_SEC;
        ledger_set_now(t->ledger, t->now);
        assert_int_equal(i % 3 == 0 ? books_post(t, a, b, i) : books_post(t, c, a, i), OK);
    }
    books_commit(t);
    struct ledger_entry *entries;
    size_t count;
    id_t64 before = 0;
    money_t expected = 500;
    do {
        const struct ledger_page page = {.before = before, .limit = 7};
        assert_int_equal(
            ledger_read_history(t->sql, t->arena, TENANT_ONE, a, page, &entries, &count), OK);
        for (size_t i = 0; i < count; i++, expected--) {
            assert_int_equal(entries[i].amount, expected);
            assert_int_equal(entries[i].is_debit, expected % 3 == 0);
            if (i > 0)
                assert_int_equal(entries[i].balance_after, entries[i - 1].balance_before);
        }
        if (count > 0)
            before = entries[count - 1].transfer_id;
        books_begin(t); /* what is posted meanwhile shifts nothing */
        assert_int_equal(books_post(t, c, a, 9999), OK);
        books_commit(t);
    } while (count > 0);
    assert_int_equal(expected, 0);

    for (size_t skip = 0; skip < 166; skip += 13) {
        const struct ledger_page page = {.skip = skip, .limit = 1};
        assert_int_equal(
            ledger_read_history(t->sql, t->arena, TENANT_ONE, b, page, &entries, &count), OK);
        assert_int_equal(entries->amount, 498 - 3 * (money_t)skip);
    }
    const struct ledger_page wrong = {.before = before, .limit = 1};
    assert_int_equal(ledger_read_history(t->sql, t->arena, TENANT_ONE, b, wrong, &entries, &count),
                     ERR_NOT_FOUND);
    assert_int_equal(ledger_read_history(t->sql, t->arena, TENANT_TWO, a,
                                         (struct ledger_page){.limit = 1}, &entries, &count),
                     ERR_NOT_FOUND);
    books_verify(t);
    books_free(t);
}

/* Statements against a list kept by hand, with back-dated and post-dated entries in it. */
#define LINES 400

struct line {
    usec_t posted_at, effective_at;
    id_t64 id;
    money_t change;
};

static int by_effective(const void *a, const void *b)
{
    const struct line *left = a, *right = b;
    if (left->effective_at != right->effective_at)
        return left->effective_at < right->effective_at ? -1 : 1;
    return (left->id > right->id) - (left->id < right->id);
}

static void check_statement(struct books *t, id_t64 account, enum ledger_basis basis,
                            const struct line *lines, usec_t from, usec_t to)
{
    struct ledger_statement statement;
    struct ledger_statement_query query = {.basis = basis, .from = from, .to = to, .limit = 37};
    money_t balance = 0;
    size_t at = 0;
#define WHEN(line) (basis == LEDGER_AS_POSTED ? (line).posted_at : (line).effective_at)
    while (at < LINES && WHEN(lines[at]) < from)
        balance += lines[at++].change;
    do {
        assert_int_equal(
            ledger_read_statement(t->sql, t->arena, TENANT_ONE, account, &query, &statement), OK);
        if (!query.after)
            assert_int_equal(statement.opening, balance);
        for (size_t i = 0; i < statement.count; i++, at++) {
            assert_true(at < LINES && WHEN(lines[at]) < to);
            assert_int_equal(statement.entries[i].transfer_id, lines[at].id);
            assert_int_equal(statement.entries[i].balance_before, balance);
            balance += lines[at].change;
            assert_int_equal(statement.entries[i].balance_after, balance);
            query.after = lines[at].id;
        }
    } while (statement.more);
    assert_int_equal(statement.closing, balance);
    assert_true(at == LINES || WHEN(lines[at]) >= to);
    money_t at_end;
    assert_int_equal(ledger_balance_at(t->sql, TENANT_ONE, account, basis, to - 1, &at_end), OK);
    assert_int_equal(at_end, balance);
#undef WHEN
}

static void test_statements(void **state)
{
    (void)state;
    struct books *t = books_new();
    static struct line lines[LINES];
    books_begin(t);
    id_t64 a = books_account(t, TENANT_ONE, NGN, 0);
    id_t64 b = books_account(t, TENANT_ONE, NGN, 0);
    unsigned seed = 7;
    for (size_t i = 0; i < LINES; i++) {
        t->now += rand_r(&seed) % 3 * USEC_PER_HOUR; /* several at one instant, too */
        ledger_set_now(t->ledger, t->now);
        bool out = rand_r(&seed) % 2, dated = rand_r(&seed) % 9 == 0;
        struct transfer transfer = {.debit_account = out ? a : b,
                                    .credit_account = out ? b : a,
                                    .amount = 1 + rand_r(&seed) % 1000};
        struct journal journal = {
            .tenant_id = TENANT_ONE, .transfers = &transfer, .transfer_count = 1};
        if (dated)
            journal.effective_at = t->now + (rand_r(&seed) % 200 - 150) * USEC_PER_HOUR;
        assert_int_equal(ledger_post_journal(t->ledger, &journal, NULL, NULL), OK);
        lines[i] = (struct line){.posted_at = t->now,
                                 .effective_at = dated ? journal.effective_at : t->now,
                                 .id = transfer.id,
                                 .change = out ? -transfer.amount : transfer.amount};
    }
    books_commit(t);
    usec_t length = t->now - TEST_START;
    for (int i = 0; i < 12; i++) {
        usec_t from = TEST_START + length / 10 * i, to = from + length / 7;
        check_statement(t, a, LEDGER_AS_POSTED, lines, from, to);
    }
    qsort(lines, LINES, sizeof(lines[0]), by_effective);
    for (int i = -2; i < 14; i++) {
        usec_t from = TEST_START + length / 10 * i, to = from + length / 7;
        check_statement(t, a, LEDGER_AS_EFFECTIVE, lines, from, to);
    }
    books_verify(t);
    books_free(t);
}

static void test_reversal(void **state)
{
    (void)state;
    struct books *t = books_new();
    books_begin(t);
    id_t64 a = books_account(t, TENANT_ONE, NGN, LEDGER_NO_OVERDRAFT);
    id_t64 b = books_account(t, TENANT_ONE, NGN, LEDGER_NO_OVERDRAFT);
    id_t64 c = books_account(t, TENANT_ONE, NGN, 0);
    assert_int_equal(books_post(t, c, a, 100), OK);
    struct transfer legs[] = {
        {.debit_account = a, .credit_account = b, .amount = 60},
        {.debit_account = b, .credit_account = c, .amount = 60},
        {.kind = TRANSFER_PENDING, .debit_account = a, .credit_account = b, .amount = 5},
    };
    struct journal journal = {.tenant_id = TENANT_ONE, .transfers = legs, .transfer_count = 3};
    assert_int_equal(ledger_post_journal(t->ledger, &journal, NULL, NULL), OK);
    for (int round = 0; round < 3; round++) {
        struct journal reversal = {
            .tenant_id = TENANT_ONE, .key = STR("undo"), .description = STR("mistake")};
        bool replayed;
        assert_int_equal(ledger_reverse(t->ledger, t->arena, journal.id, 0, &reversal, &replayed),
                         OK);
        assert_int_equal(replayed, round > 0);
        assert_int_equal(reversal.transfer_count, 3);
        struct ledger_account account;
        assert_int_equal(ledger_get_account(t->ledger, TENANT_ONE, a, &account), OK);
        assert_int_equal(ledger_available(&account), 100);
        struct journal other = {.tenant_id = TENANT_ONE};
        assert_int_equal(ledger_reverse(t->ledger, t->arena, journal.id, 0, &other, NULL),
                         ERR_LEDGER_ALREADY_REVERSED);
        other = (struct journal){.tenant_id = TENANT_TWO};
        assert_int_equal(ledger_reverse(t->ledger, t->arena, journal.id, 0, &other, NULL),
                         ERR_LEDGER_JOURNAL_NOT_FOUND);
        books_commit(t);
        books_begin(t);
    }
    books_commit(t);
    books_verify(t);
    books_free(t);
}

static void test_trial_balance_and_search(void **state)
{
    (void)state;
    struct books *t = books_new();
    books_begin(t);
    id_t64 a = books_account(t, TENANT_ONE, NGN, 0);
    id_t64 b = books_account(t, TENANT_ONE, NGN, 0);
    for (int i = 0; i < 100; i++) {
        t->now += USEC_PER_MINUTE;
        ledger_set_now(t->ledger, t->now);
        struct transfer transfer = {
            .debit_account = a, .credit_account = b, .amount = 10 + i, .reason = i % 5};
        struct journal journal = {
            .tenant_id = TENANT_ONE, .transfers = &transfer, .transfer_count = 1};
        assert_int_equal(ledger_post_journal(t->ledger, &journal, NULL, NULL), OK);
    }
    books_commit(t);
    struct ledger_trial_row *rows;
    size_t count;
    assert_int_equal(ledger_trial_balance(t->sql, t->arena, TENANT_ONE, &rows, &count), OK);
    assert_int_equal(count, 1);
    assert_int_equal(rows->debits_posted, rows->credits_posted);
    assert_int_equal(rows->accounts, 2);

    struct ledger_transfer *found;
    id_t64 next;
    struct ledger_search search = {.reason = 3, .least = 30, .most = 70, .limit = 5};
    int total = 0;
    do {
        assert_int_equal(
            ledger_search(t->sql, t->arena, TENANT_ONE, &search, &found, &count, &next), OK);
        for (size_t i = 0; i < count; i++, total++)
            assert_true(found[i].transfer.reason == 3 && found[i].transfer.amount >= 30 &&
                        found[i].transfer.amount <= 70);
        search.before = next;
    } while (next);
    assert_int_equal(total, 8);
    search = (struct ledger_search){.from = TEST_START + 11 * USEC_PER_MINUTE,
                                    .to = TEST_START + 21 * USEC_PER_MINUTE,
                                    .limit = 100};
    assert_int_equal(ledger_search(t->sql, t->arena, TENANT_ONE, &search, &found, &count, &next),
                     OK);
    assert_int_equal(count, 10);
    assert_int_equal(found[9].transfer.amount, 20);
    books_free(t);
}

/* The benchmark as a test: several writers for one tenant neither lose nor block each other. */
static void test_many_writers(void **state)
{
    (void)state;
    struct books *t = books_new();
    bool postgresql = store_engine(t->fixture.store) == STORE_POSTGRESQL;
    const struct ledger_bench_options options = {
        .accounts = 50,
        .transfers = 4000,
        .batch = 100,
        .writers = postgresql ? 4 : 1,
        .shared_tenant = true,
        .two_phase = true,
        .described = true,
        .seed = 5,
    };
    struct ledger_bench_result result;
    store_release(t->fixture.store, t->sql);
    assert_int_equal(ledger_bench(t->fixture.store, &options, &result), OK);
    assert_int_equal(result.transfers + result.refused, 4000);
    assert_true(result.refused == 0);
    t->sql = store_acquire(t->fixture.store, true);
    books_verify(t);
    books_forget(t);
    books_free(t);
}

/* Any sequence of operations keeps every invariant; half of the batches are partly taken back. */
#define CROWD 12

static void random_journal(struct books *t, unsigned *seed, const id_t64 *accounts,
                           const id_t64 *holds, size_t hold_count, id_t64 *ret_hold)
{
    struct transfer legs[4];
    size_t count = 1 + (size_t)rand_r(seed) % 4;
    char key[16];
    *ret_hold = 0;
    for (size_t i = 0; i < count; i++) {
        legs[i] = (struct transfer){
            .debit_account = accounts[rand_r(seed) % CROWD],
            .credit_account = accounts[rand_r(seed) % CROWD],
            .amount = rand_r(seed) % 200,
            .flags = rand_r(seed) % 6 == 0 ? TRANSFER_BALANCING_DEBIT : 0,
            .reason = rand_r(seed) % 9,
        };
        if (rand_r(seed) % 3 == 0) {
            legs[i].kind = TRANSFER_PENDING;
            legs[i].timeout = rand_r(seed) % 2 ? rand_r(seed) % 50 : 0;
        } else if (hold_count && rand_r(seed) % 3 == 0) {
            legs[i].kind = rand_r(seed) % 2 ? TRANSFER_POST : TRANSFER_VOID;
            legs[i].pending_id = holds[(size_t)rand_r(seed) % hold_count];
            legs[i].debit_account = legs[i].credit_account = 0;
            legs[i].amount = legs[i].kind == TRANSFER_VOID ? 0 : legs[i].amount;
        }
    }
    struct journal journal = {.tenant_id = TENANT_ONE, .transfers = legs, .transfer_count = count};
    if (rand_r(seed) % 2) {
        snprintf(key, sizeof(key), "key-%d", rand_r(seed) % 500);
        journal.key = str_from(key);
    }
    if (rand_r(seed) % 8 == 0)
        journal.effective_at = t->now - rand_r(seed) % 100;
    if (ledger_post_journal(t->ledger, &journal, NULL, NULL) == OK)
        for (size_t i = 0; i < count; i++)
            if (legs[i].kind == TRANSFER_PENDING)
                *ret_hold = legs[i].id;
}

static void test_any_sequence(void **state)
{
    (void)state;
    struct books *t = books_new();
    id_t64 accounts[CROWD], holds[64] = {0};
    size_t hold_count = 0;
    unsigned seed = 20251009;
    static const unsigned flags[4] = {0, LEDGER_NO_OVERDRAFT, LEDGER_OVERDRAFT, LEDGER_MINIMUM};
    books_begin(t);
    for (size_t i = 0; i < CROWD; i++)
        accounts[i] = books_account(t, TENANT_ONE, i < 10 ? NGN : USD, flags[i % 4]);
    books_commit(t);
    for (int batch = 0; batch < 120; batch++) {
        t->now += rand_r(&seed) % 30;
        books_begin(t);
        for (int call = 0; call < 20; call++) {
            id_t64 hold, lien;
            assert_int_equal(sql_savepoint(t->sql), OK);
            size_t mark = ledger_mark(t->ledger);
            random_journal(t, &seed, accounts, holds, hold_count, &hold);
            if (rand_r(&seed) % 20 == 0)
                ledger_place_lien(t->ledger, TENANT_ONE, accounts[rand_r(&seed) % CROWD], 5,
                                  STR("lien"), &lien);
            if (rand_r(&seed) % 4 == 0) {
                assert_int_equal(sql_savepoint_rollback(t->sql), OK);
                ledger_rewind(t->ledger, mark);
            } else {
                assert_int_equal(sql_savepoint_release(t->sql), OK);
                if (hold)
                    holds[hold_count++ % 64] = hold;
            }
            if (hold_count >= 64)
                hold_count = 0;
        }
        size_t expired;
        if (rand_r(&seed) % 3 == 0)
            assert_int_equal(ledger_expire(t->ledger, 0, 100, &expired), OK);
        if (rand_r(&seed) % 10 == 0) { /* a commit that did not happen */
            assert_int_equal(sql_rollback(t->sql), OK);
            ledger_end(t->ledger, false);
            hold_count = 0;
        } else {
            books_commit(t);
        }
    }
    books_verify(t);
    books_free(t);
}

/* Each column of each table, altered, is noticed. */
static void test_alterations_are_noticed(void **state)
{
    (void)state;
    struct books *t = books_new();
    books_begin(t);
    id_t64 a = books_account(t, TENANT_ONE, NGN, 0);
    id_t64 b = books_account(t, TENANT_ONE, NGN, 0);
    id_t64 lien;
    for (int i = 0; i < 130; i++) {
        struct transfer legs[] = {
            {.debit_account = a, .credit_account = b, .amount = 5, .reason = 3},
            {.kind = i % 2 ? TRANSFER_PENDING : TRANSFER_POSTED,
             .debit_account = b,
             .credit_account = a,
             .amount = 2,
             .timeout = 1000},
        };
        struct journal journal = {.tenant_id = TENANT_ONE,
                                  .key = i == 4 ? STR("one key") : STR_NONE,
                                  .description = i % 3 ? STR("words") : STR_NONE,
                                  .effective_at = i % 5 == 1 ? t->now - 9 : 0,
                                  .transfers = legs,
                                  .transfer_count = 2};
        assert_int_equal(ledger_post_journal(t->ledger, &journal, NULL, NULL), OK);
        if (i % 4 == 1) {
            struct transfer post = {.kind = TRANSFER_POST, .pending_id = legs[1].id};
            journal =
                (struct journal){.tenant_id = TENANT_ONE, .transfers = &post, .transfer_count = 1};
            assert_int_equal(ledger_post_journal(t->ledger, &journal, NULL, NULL), OK);
        }
    }
    assert_int_equal(ledger_place_lien(t->ledger, TENANT_ONE, a, 5, STR("x"), &lien), OK);
    books_commit(t);
    books_verify(t);
    static const char *const updates[] = {
#define TRANSFER(column) \
    "UPDATE ledger_transfers SET " #column " = " #column " + 1 WHERE id = 4194310"
        TRANSFER(amount),
        TRANSFER(reason),
        TRANSFER(flags),
        TRANSFER(debit_account),
        TRANSFER(credit_account),
        TRANSFER(debit_prev),
        TRANSFER(credit_prev),
        TRANSFER(debit_balance),
        TRANSFER(credit_balance),
        TRANSFER(posted_at),
        TRANSFER(pending_id),
        TRANSFER(tenant_id),
        TRANSFER(leg),
        TRANSFER(legs),
        TRANSFER(kind),
        "UPDATE ledger_transfers SET hash = NULL WHERE leg = 0 AND id < 4194310",
        "DELETE FROM ledger_transfers WHERE id = (SELECT MAX(id) FROM ledger_transfers)",
        "DELETE FROM ledger_transfers WHERE id = 4194310",
        "UPDATE ledger_counters SET debits_posted = debits_posted + 1",
        "UPDATE ledger_counters SET credits_pending = credits_pending + 1",
        "UPDATE ledger_counters SET head = head - 1",
        "UPDATE ledger_counters SET entries = entries + 1",
        "UPDATE ledger_accounts SET lien_total = 4 WHERE lien_total = 5",
        "UPDATE ledger_accounts SET asset = 840 WHERE lien_total = 5",
        "UPDATE ledger_liens SET amount = 6",
        "UPDATE ledger_journals SET description = 'other words'",
        "UPDATE ledger_journals SET effective_at = effective_at - 1 WHERE effective_at > 0",
        "DELETE FROM ledger_journals",
        "UPDATE ledger_holds SET amount = amount + 1 WHERE state = 0",
        "UPDATE ledger_holds SET expires_at = expires_at + 1",
        "UPDATE ledger_holds SET state = 2 WHERE state = 1",
        "UPDATE ledger_holds SET posted_amount = 1 WHERE state = 1",
        "UPDATE ledger_holds SET resolved_by = 0 WHERE state = 1",
        "DELETE FROM ledger_holds WHERE state = 0",
        "UPDATE ledger_waypoints SET transfer_id = transfer_id + 1",
        "DELETE FROM ledger_waypoints",
        "UPDATE ledger_dated SET amount = amount + 1",
        "UPDATE ledger_tenants SET journals = journals - 1",
        "UPDATE ledger_tenants SET hash = (SELECT hash FROM ledger_transfers "
        "WHERE leg = 0 ORDER BY id LIMIT 1)",
    };
    for (size_t i = 0; i < sizeof(updates) / sizeof(updates[0]); i++)
        books_alter(t, updates[i]);
    books_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_example),
        cmocka_unit_test(test_journals_are_atomic),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_linked_chains),
        cmocka_unit_test(test_history_pages),
        cmocka_unit_test(test_statements),
        cmocka_unit_test(test_reversal),
        cmocka_unit_test(test_trial_balance_and_search),
        cmocka_unit_test(test_many_writers),
        cmocka_unit_test(test_any_sequence),
        cmocka_unit_test(test_alterations_are_noticed),
    };
    return books_run_tests(tests);
}
