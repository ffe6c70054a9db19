/* Idempotency keys: what they stand for, and the index that finds them again. */
#include "ledger/keys.h"
#include "ledger_test.h"
#include "store/fault.h"

static void test_keys(void **state)
{
    (void)state;
    struct books *t = books_new();
    books_begin(t);
    id_t64 a = books_account(t, TENANT_ONE, NGN, LEDGER_NO_OVERDRAFT);
    id_t64 b = books_account(t, TENANT_ONE, NGN, 0);
    struct transfer transfer = {.debit_account = b, .credit_account = a, .amount = 100};
    struct journal journal = {
        .tenant_id = TENANT_ONE, .key = STR("one"), .transfers = &transfer, .transfer_count = 1};
    bool replayed;
    assert_int_equal(ledger_post_journal(t->ledger, &journal, NULL, &replayed), OK);
    assert_false(replayed);
    const id_t64 first = journal.id;
    for (int round = 0; round < 3; round++) { /* queued, committed, committed and forgotten */
        transfer = (struct transfer){.debit_account = b, .credit_account = a, .amount = 100};
        journal.id = 0;
        journal.interaction_id = STR("another interaction");
        assert_int_equal(ledger_post_journal(t->ledger, &journal, NULL, &replayed), OK);
        assert_true(replayed);
        assert_int_equal(journal.id, first);
        assert_int_equal(transfer.credit_balance_after, 100);
        assert_int_equal(transfer.id, first);
        transfer.amount = 101;
        assert_int_equal(ledger_post_journal(t->ledger, &journal, NULL, &replayed),
                         ERR_LEDGER_KEY_MISMATCH);
        assert_int_equal(books_balance(t, a), 100);
        books_commit(t);
        if (round == 1) {
            books_forget(t);
        }
        books_begin(t);
    }
    /* A refusal that was recorded is the key's outcome for ever. */
    transfer = (struct transfer){.debit_account = a, .credit_account = b, .amount = 500};
    journal.key = STR("two");
    uint8_t hash[LEDGER_HASH_SIZE];
    ledger_journal_hash(&journal, hash);
    const struct str body = {(const char *)hash, sizeof(hash)};
    assert_int_equal(ledger_post_journal(t->ledger, &journal, NULL, NULL), ERR_INSUFFICIENT_FUNDS);
    assert_int_equal(
        ledger_record_refusal(t->ledger, TENANT_ONE, journal.key, body, ERR_INSUFFICIENT_FUNDS),
        OK);
    assert_int_equal(books_post(t, b, a, 1000), OK);
    assert_int_equal(ledger_post_journal(t->ledger, &journal, NULL, &replayed),
                     ERR_INSUFFICIENT_FUNDS);
    assert_true(replayed);
    transfer.amount = 1;
    assert_int_equal(ledger_post_journal(t->ledger, &journal, NULL, NULL), ERR_LEDGER_KEY_MISMATCH);
    id_t64 found;
    assert_int_equal(ledger_find_key(t->ledger, TENANT_ONE, STR("one"), STR_NONE, &found), OK);
    assert_int_equal(found, first);
    assert_int_equal(ledger_find_key(t->ledger, TENANT_TWO, STR("one"), STR_NONE, &found), OK);
    assert_int_equal(found, 0);
    books_commit(t);
    books_verify(t);
    books_free(t);
}

/* Two keys of one hash are still two. */
static void insert_stranger(struct books *t, id_t64 hash, id_t64 refusal_id)
{
    assert_int_equal(sql_run(t->sql,
                             "INSERT INTO ledger_refusals (id, tenant_id, key, error, "
                             "created_at) VALUES (?, ?, 'theirs', -124, 0)",
                             sql_int(refusal_id), sql_int(TENANT_ONE)),
                     OK);
    if (books_engine == STORE_POSTGRESQL) {
        assert_int_equal(sql_run(t->sql,
                                 "INSERT INTO ledger_keys (id, tenant_id, value) VALUES (?, ?, ?)",
                                 sql_int(hash), sql_int(TENANT_ONE), sql_int(-refusal_id)),
                         OK);
        return;
    }
    const struct key_entry entry = {hash, -refusal_id};
    uint8_t bytes[KEY_ENTRY_SIZE];
    key_entries_write(&entry, 1, bytes);
    assert_int_equal(sql_run(t->sql, "INSERT INTO ledger_key_log (id, entries) VALUES (?, ?)",
                             sql_int(refusal_id),
                             sql_bytes((struct str){(const char *)bytes, sizeof(bytes)})),
                     OK);
}

static void test_keys_that_share_a_hash(void **state)
{
    (void)state;
    struct books *t = books_new();
    books_begin(t);
    id_t64 a = books_account(t, TENANT_ONE, NGN, 0);
    id_t64 b = books_account(t, TENANT_ONE, NGN, 0);
    struct chain_hasher hasher;
    chain_hasher_init(&hasher);
    const id_t64 hash = ledger_key_hash(&hasher, TENANT_ONE, STR("mine"));
    chain_hasher_clear(&hasher);
    insert_stranger(t, hash, 1);
    insert_stranger(t, hash, 2);
    for (int round = 0; round < 3; round++) {
        struct transfer transfer = {.debit_account = a, .credit_account = b, .amount = 100};
        struct journal journal = {.tenant_id = TENANT_ONE,
                                  .key = STR("mine"),
                                  .transfers = &transfer,
                                  .transfer_count = 1};
        int error;
        assert_int_equal(ledger_post_batch(t->ledger, &journal, 1, &error), OK);
        assert_int_equal(error, OK);
        assert_int_equal(journal.replayed, round > 0);
        struct journal *found;
        size_t count;
        books_commit(t);
        assert_int_equal(ledger_find_journals(t->sql, t->arena, TENANT_ONE, LEDGER_BY_KEY,
                                              STR("mine"), 0, 9, &found, &count),
                         OK);
        assert_int_equal(count, 1);
        assert_int_equal(found->id, journal.id);
        books_begin(t);
    }
    assert_int_equal(books_balance(t, b), 100);
    books_commit(t);
    books_free(t);
}

/* Batches, as arrays of postings come: what is needed is loaded together, and keys are looked up
 * together. */
#define BATCH 70

static void make_keyed(struct journal *journals, struct transfer *transfers, char keys[][16],
                       size_t first, id_t64 debit, id_t64 credit)
{
    for (size_t i = 0; i < BATCH; i++) {
        snprintf(keys[i], 16, "k%zu", (first + i) % (BATCH + BATCH / 2));
        transfers[i] =
            (struct transfer){.debit_account = debit, .credit_account = credit, .amount = 3};
        journals[i] = (struct journal){.tenant_id = TENANT_ONE,
                                       .key = str_from(keys[i]),
                                       .transfers = &transfers[i],
                                       .transfer_count = 1};
    }
}

static int64_t stored_journals(struct books *t)
{
    int64_t count;
    assert_int_equal(sql_integer(t->sql, &count, "SELECT COUNT(*) FROM ledger_journals"), OK);
    return count;
}

static void test_batches(void **state)
{
    (void)state;
    struct books *t = books_new();
    struct journal journals[BATCH];
    struct transfer transfers[BATCH];
    char keys[BATCH][16];
    int errors[BATCH];
    books_begin(t);
    id_t64 a = books_account(t, TENANT_ONE, NGN, 0);
    id_t64 b = books_account(t, TENANT_ONE, NGN, LEDGER_NO_OVERDRAFT);
    books_commit(t);
    /* Half of the second batch's keys were used in the first, half are new. */
    for (size_t batch = 0; batch < 2; batch++) {
        books_begin(t);
        make_keyed(journals, transfers, keys, batch * BATCH / 2, a, b);
        journals[7].key = journals[3].key;         /* twice in one batch */
        transfers[BATCH - 1].credit_account = 999; /* refused by itself */
        assert_int_equal(ledger_post_batch(t->ledger, journals, BATCH, errors), OK);
        for (size_t i = 0; i < BATCH; i++) {
            /* The last key of the first batch was refused there, and not recorded: it is new. */
            bool old = i == 7 || (batch == 1 && i < BATCH / 2 - 1);
            assert_int_equal(errors[i], i == BATCH - 1 ? ERR_LEDGER_CREDIT_ACCOUNT_NOT_FOUND : OK);
            assert_int_equal(journals[i].replayed, old);
        }
        books_commit(t);
    }
    /* Each key moved money once. */
    struct ledger_account account;
    assert_int_equal(ledger_read_account(t->sql, TENANT_ONE, b, &account), OK);
    assert_true(account.credits_posted % 3 == 0);
    assert_int_equal(account.credits_posted / 3, stored_journals(t));
    books_begin(t);
    for (size_t i = 0; i < BATCH; i++) {
        transfers[i] = (struct transfer){
            .kind = TRANSFER_PENDING, .debit_account = b, .credit_account = a, .amount = 1};
        journals[i] = (struct journal){
            .tenant_id = TENANT_ONE, .transfers = &transfers[i], .transfer_count = 1};
    }
    assert_int_equal(ledger_post_batch(t->ledger, journals, BATCH, errors), OK);
    books_commit(t);
    books_begin(t);
    for (size_t i = 0; i < BATCH; i++) {
        id_t64 pending_id = i % 10 == 9 ? 4242 : transfers[i].id;
        transfers[i] = (struct transfer){.kind = i % 2 ? TRANSFER_POST : TRANSFER_VOID,
                                         .pending_id = pending_id};
    }
    assert_int_equal(ledger_post_batch(t->ledger, journals, BATCH, errors), OK);
    for (size_t i = 0; i < BATCH; i++)
        assert_int_equal(errors[i], i % 10 == 9 ? ERR_LEDGER_PENDING_NOT_FOUND : OK);
    books_commit(t);
    const id_t64 ids[] = {b, a};
    struct ledger_account both[2];
    assert_int_equal(ledger_read_accounts(t->sql, t->arena, TENANT_ONE, ids, 2, both), OK);
    assert_int_equal(both[0].id, b);
    assert_int_equal(both[0].debits_pending, BATCH / 10);
    assert_int_equal(both[1].credits_pending, BATCH / 10);
    assert_int_equal(ledger_read_accounts(t->sql, t->arena, TENANT_TWO, ids, 2, both),
                     ERR_NOT_FOUND);
    books_verify(t);
    books_free(t);
}

/* ---- The index in runs ---- */

#define MANY 3000

struct keyed_books {
    struct books *t;
    id_t64 from, to;
    size_t posted; /* keys "key 0" .. are there; every seventh was refused */
};

static struct keyed_books keyed_open(void)
{
    struct keyed_books k = {.t = books_new()};
    books_begin(k.t);
    k.from = books_account(k.t, TENANT_ONE, NGN, 0);
    k.to = books_account(k.t, TENANT_ONE, NGN, LEDGER_NO_OVERDRAFT);
    books_commit(k.t);
    return k;
}

static bool is_refused(size_t number)
{
    return number % 7 == 3;
}

static int post_number(struct keyed_books *k, struct ledger *ledger, size_t number,
                       bool *ret_replayed)
{
    char key[32];
    snprintf(key, sizeof(key), "key %zu", number);
    struct transfer transfer = {
        .debit_account = is_refused(number) ? k->to : k->from,
        .credit_account = is_refused(number) ? k->from : k->to,
        .amount = is_refused(number) ? MONEY_MAX : 1,
    };
    struct journal journal = {.tenant_id = TENANT_ONE,
                              .key = str_from(key),
                              .body_hash = STR("12345678123456781234567812345678"),
                              .transfers = &transfer,
                              .transfer_count = 1};
    int error = ledger_post_journal(ledger, &journal, NULL, ret_replayed);
    if (error == ERR_INSUFFICIENT_FUNDS && !*ret_replayed)
        return ledger_record_refusal(ledger, TENANT_ONE, journal.key, journal.body_hash, error);
    return error;
}

static void keyed_commit(struct keyed_books *k, size_t count)
{
    books_begin(k->t);
    for (size_t i = 0; i < count; i++) {
        bool replayed;
        assert_int_equal(post_number(k, k->t->ledger, k->posted++, &replayed), OK);
        assert_false(replayed);
    }
    books_commit(k->t);
}

/* Every key leads where it should, and one that was never there nowhere. */
static void check_keys(struct keyed_books *k, size_t stride)
{
    struct books *t = k->t;
    bool replayed;
    books_begin(t);
    for (size_t i = 0; i < k->posted; i += stride) {
        int error = post_number(k, t->ledger, i, &replayed);
        assert_int_equal(error, is_refused(i) ? ERR_INSUFFICIENT_FUNDS : OK);
        assert_true(replayed);
    }
    id_t64 found;
    assert_int_equal(ledger_find_key(t->ledger, TENANT_ONE, STR("none"), STR_NONE, &found), OK);
    assert_int_equal(found, 0);
    books_commit(t);
    for (size_t i = 0; i < k->posted; i += 10 * stride) {
        struct journal *journals;
        size_t count;
        char key[32];
        snprintf(key, sizeof(key), "key %zu", i);
        assert_int_equal(ledger_find_journals(t->sql, t->arena, TENANT_ONE, LEDGER_BY_KEY,
                                              str_from(key), 0, 9, &journals, &count),
                         OK);
        assert_int_equal(count, is_refused(i) ? 0 : 1);
    }
}

static int64_t number_of(struct books *t, const char *query)
{
    int64_t number;
    assert_int_equal(sql_integer(t->sql, &number, query), OK);
    return number;
}

/* A key refused, posted, rolled back, restarted over, while runs are made and merged. */
static void test_many_keys(void **state)
{
    (void)state;
    struct keyed_books k = keyed_open();
    unsigned random = 1;
    for (int commit = 0; k.posted < MANY; commit++) {
        random = random * 1103515245 + 12345;
        keyed_commit(&k, 1 + (random >> 16) % 12);
        if (commit % 50 == 9) { /* a batch that is lost */
            size_t posted = k.posted;
            books_begin(k.t);
            for (size_t i = 0; i < 9; i++) {
                bool replayed;
                assert_int_equal(post_number(&k, k.t->ledger, posted + i, &replayed), OK);
            }
            assert_int_equal(ledger_flush(k.t->ledger), OK);
            assert_int_equal(sql_rollback(k.t->sql), OK);
            ledger_end(k.t->ledger, false);
            k.t->open = false;
        }
        if (commit % 70 == 11)
            books_forget(k.t);
        if (commit % 100 == 20)
            check_keys(&k, 7);
        if (commit % 60 == 30)
            books_verify(k.t);
    }
    check_keys(&k, 1);
    books_verify(k.t);
    if (books_engine == STORE_SQLITE) {
        /* Some 450 runs of the first level, of which six times 64 made one of the third. */
        assert_int_equal(number_of(k.t, "SELECT MAX(level) FROM ledger_key_runs"), 3);
        assert_true(number_of(k.t, "SELECT COUNT(*) FROM ledger_key_runs") < 4 * 16);
        assert_int_equal(number_of(k.t, "SELECT COUNT(*) FROM ledger_keys"), 0);
    }
    books_free(k.t);
}

/* What a mark takes back leaves no key behind, and what is posted after it is not disturbed. */
static void test_keys_taken_back(void **state)
{
    (void)state;
    struct keyed_books k = keyed_open();
    bool replayed;
    keyed_commit(&k, 2);
    books_begin(k.t);
    for (size_t i = 2; i < 6; i++) {
        assert_int_equal(sql_savepoint(k.t->sql), OK);
        size_t mark = ledger_mark(k.t->ledger);
        assert_int_equal(post_number(&k, k.t->ledger, i, &replayed), OK);
        assert_int_equal(post_number(&k, k.t->ledger, i, &replayed),
                         is_refused(i) ? ERR_INSUFFICIENT_FUNDS : OK);
        assert_true(replayed);
        assert_int_equal(sql_savepoint_rollback(k.t->sql), OK);
        ledger_rewind(k.t->ledger, mark);
        assert_int_equal(post_number(&k, k.t->ledger, i, &replayed), OK);
        assert_false(replayed);
    }
    books_commit(k.t);
    k.posted = 6;
    check_keys(&k, 1);
    books_verify(k.t);
    books_free(k.t);
}

/* In the midst of a merge: each column of the index that means something, altered, is noticed. */
static void test_alterations_of_the_index_are_noticed(void **state)
{
    (void)state;
    static const char *const table[] = {
        "UPDATE ledger_keys SET id = id + 1",
        "UPDATE ledger_keys SET value = value + 1",
        "UPDATE ledger_keys SET tenant_id = tenant_id + 1",
        "DELETE FROM ledger_keys WHERE id = (SELECT MAX(id) FROM ledger_keys)",
        "UPDATE ledger_journals SET key = 'other' WHERE id = (SELECT MAX(id) FROM ledger_journals)",
        "UPDATE ledger_refusals SET key = 'other'",
        "DELETE FROM ledger_refusals WHERE id = (SELECT MIN(id) FROM ledger_refusals)",
        "UPDATE ledger_refusals SET tenant_id = tenant_id + 1",
    };
    static const char *const runs[] = {
        "DELETE FROM ledger_key_log",
        "UPDATE ledger_key_log SET entries = (SELECT entries FROM ledger_key_entries LIMIT 1)",
        "UPDATE ledger_key_runs SET level = level + 1 WHERE id = (SELECT MAX(id) FROM "
        "ledger_key_runs)",
        "UPDATE ledger_key_runs SET entries = entries + 1 WHERE target = 0 AND next_part < 0",
        "UPDATE ledger_key_runs SET entries = entries + 1 WHERE next_part >= 0",
        "UPDATE ledger_key_runs SET entries = entries + 1 WHERE target <> 0",
        "UPDATE ledger_key_runs SET target = 0 WHERE target <> 0",
        "UPDATE ledger_key_runs SET target = target + 9 WHERE target <> 0",
        "UPDATE ledger_key_runs SET next_part = 0 WHERE next_part > 0",
        "UPDATE ledger_key_runs SET next_part = -1 WHERE next_part >= 0",
        "UPDATE ledger_key_runs SET next_part = 0 WHERE next_part < 0",
        "DELETE FROM ledger_key_runs WHERE id = (SELECT MAX(id) FROM ledger_key_runs)",
        "UPDATE ledger_key_parts SET id = id + 1 WHERE id = (SELECT MAX(id) FROM ledger_key_parts)",
        "UPDATE ledger_key_parts SET entries_id = 0",
        "UPDATE ledger_key_parts SET entries_id = (SELECT MAX(id) FROM ledger_key_entries)",
        "UPDATE ledger_key_parts SET filter = (SELECT entries FROM ledger_key_entries LIMIT 1)",
        "DELETE FROM ledger_key_parts WHERE id = (SELECT MIN(id) FROM ledger_key_parts)",
        "UPDATE ledger_key_entries SET id = id + 1000",
        "UPDATE ledger_key_entries SET entries = (SELECT MAX(entries) FROM ledger_key_log)",
        "DELETE FROM ledger_key_entries WHERE id = (SELECT MIN(id) FROM ledger_key_entries)",
    };
    struct keyed_books k = keyed_open();
    bool sqlite = books_engine == STORE_SQLITE;
    while (
        k.posted < 50 ||
        (sqlite && (!number_of(k.t, "SELECT COUNT(*) FROM ledger_key_runs WHERE next_part > 0") ||
                    !number_of(k.t, "SELECT COUNT(*) FROM ledger_key_log"))))
        keyed_commit(&k, 1);
    books_verify(k.t);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (!sqlite || i >= 4) /* there the table is not used */
            books_alter(k.t, table[i]);
    for (size_t i = 0; sqlite && i < sizeof(runs) / sizeof(runs[0]); i++)
        books_alter(k.t, runs[i]);
    books_verify(k.t);
    books_free(k.t);
}

static void test_filters(void **state)
{
    (void)state;
    enum { ENTRIES = 2000, STRANGERS = 100000 };
    struct chain_hasher hasher;
    chain_hasher_init(&hasher);
    size_t size = key_filter_size(ENTRIES), passed = 0;
    assert_int_equal(size, 2 * ENTRIES / 64 * 64 + 64);
    uint8_t *filter = calloc(1, size);
    for (size_t i = 0; i < ENTRIES + STRANGERS; i++) {
        id_t64 hash = ledger_key_hash(&hasher, (id_t64)i, STR("key"));
        /* As in a part: the leading bits are the same. */
        hash = (hash & (INT64_MAX >> 10)) | INT64_C(5) << 53;
        if (i < ENTRIES)
            key_filter_add(filter, size, hash);
        if (i < ENTRIES)
            assert_true(key_filter_has(filter, size, hash));
        else
            passed += key_filter_has(filter, size, hash);
    }
    assert_true(passed < STRANGERS / 300);
    free(filter);
    chain_hasher_clear(&hasher);
}

/* ---- Faults while runs are made and merged (SQLite) ---- */

#define FAULT_COMMITS 6
#define FAULT_BATCH 3

struct fault_run {
    struct keyed_books *template;
    char folder[80], database[96];
    size_t acknowledged[FAULT_COMMITS + 1]; /* first key of each commit that was */
    size_t count;
};

static struct store *open_copy(const struct fault_run *run, struct store_fault *fault)
{
    const struct store_options options = {.database = str_from(run->database),
                                          .key_file = str_from(run->template->t->fixture.key_file),
                                          .fault = fault};
    struct store *store = NULL;
    struct str why = STR_NONE;
    if (store_open(&options, &store, &why))
        fail_msg("%.*s", STR_FMT(why));
    return store;
}

static int fault_commit(struct fault_run *run, struct sql *sql, struct ledger *ledger, size_t first)
{
    bool replayed;
    int error = sql_begin(sql);
    if (error)
        return error;
    error = ledger_begin(ledger, run->template->t->now);
    for (size_t i = 0; i < FAULT_BATCH && !error; i++) {
        error = post_number(run->template, ledger, first + i, &replayed);
        assert_true(error || !replayed);
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

static void fault_work(struct fault_run *run, struct store *store)
{
    struct sql *sql = store_acquire(store, true);
    struct ledger *ledger = ledger_new(sql);
    ledger_spill_keys_at(ledger, SPILL_AT);
    run->count = 0;
    for (size_t i = 0; i < FAULT_COMMITS; i++) {
        size_t first = run->template->posted + i * FAULT_BATCH;
        if (!fault_commit(run, sql, ledger, first))
            run->acknowledged[run->count++] = first;
        if (i % 3 == 1)
            store_checkpoint(store);
    }
    ledger_free(ledger);
    store_release(store, sql);
}

/* What was acknowledged is known, a commit is known whole or not at all, and it goes on. */
static void fault_check(struct fault_run *run)
{
    struct store *store = open_copy(run, NULL);
    struct books t = *run->template->t;
    t.sql = store_acquire(store, true);
    t.ledger = ledger_new(t.sql);
    ledger_spill_keys_at(t.ledger, SPILL_AT);
    books_verify(&t);
    books_begin(&t);
    for (size_t i = 0, known = 0; i < FAULT_COMMITS; i++) {
        size_t first = run->template->posted + i * FAULT_BATCH, replays = 0;
        for (size_t n = first; n < first + FAULT_BATCH; n++) {
            bool replayed;
            int error = post_number(run->template, t.ledger, n, &replayed);
            assert_true(error == OK || (replayed && is_refused(n)));
            replays += replayed;
        }
        assert_true(replays == 0 || replays == FAULT_BATCH);
        if (known < run->count && run->acknowledged[known] == first) {
            assert_int_equal(replays, FAULT_BATCH);
            known++;
        }
    }
    books_commit(&t);
    books_verify(&t);
    ledger_free(t.ledger);
    store_release(store, t.sql);
    store_close(store);
}

static bool fault_once(struct fault_run *run, enum fault_kind kind, long step)
{
    char command[1024];
    snprintf(command, sizeof(command), "rm -rf %s && mkdir %s && cp %s %s", run->folder,
             run->folder, run->template->t->fixture.database, run->database);
    assert_int_equal(system(command), 0);
    struct store_fault *fault = store_fault_new(kind, (uint64_t)step);
    struct store *store = open_copy(run, fault);
    store_fault_arm(fault, step);
    fault_work(run, store);
    bool happened = store_fault_happened(fault);
    store_close(store);
    store_fault_free(fault);
    fault_check(run);
    if (!happened)
        assert_int_equal(run->count, FAULT_COMMITS);
    return happened;
}

/* From shortly before the first merge of the second level until it is under way; at every seventh
 * step, unless CAMBIST_TEST_LONG is set. */
static void test_faults_in_merges(void **state)
{
    (void)state;
    static const enum fault_kind kinds[] = {FAULT_FAIL, FAULT_CUT_SHORT, FAULT_DISK_FULL,
                                            FAULT_CRASH, FAULT_CRASH_TORN};
    if (books_engine != STORE_SQLITE)
        return;
    struct keyed_books k = keyed_open();
    while (number_of(k.t, "SELECT COUNT(*) FROM ledger_key_runs WHERE level = 2") < 7)
        keyed_commit(&k, 2);
    keyed_commit(&k, 2);
    struct fault_run run = {.template = &k};
    store_checkpoint(k.t->fixture.store);
    snprintf(run.folder, sizeof(run.folder), "%s/run", k.t->fixture.folder);
    snprintf(run.database, sizeof(run.database), "%s/test.db", run.folder);
    long stride = getenv("CAMBIST_TEST_LONG") ? 1 : 7;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        long step = stride == 1 ? 1 : 1 + (long)i;
        while (fault_once(&run, kinds[i], step))
            step += stride;
        assert_true(step > 10 * FAULT_COMMITS);
    }
    books_free(k.t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_keys_that_share_a_hash),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_many_keys),
        cmocka_unit_test(test_keys_taken_back),
        cmocka_unit_test(test_alterations_of_the_index_are_noticed),
        cmocka_unit_test(test_filters),
        cmocka_unit_test(test_faults_in_merges),
    };
    return books_run_tests(tests);
}
