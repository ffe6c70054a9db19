/*
 * The simulator: one seed drives a random workload on the ledger with a test clock and with faults:
 * in the file of SQLite, in the connections to PostgreSQL. The auditor predicts every answer. After
 * every fault, and at the end, the ledger must verify and hold what the auditor holds.
 *
 *     build/sim [--postgresql] SEED             one run; exit status 1 and the seed when anything is
 *                                               off
 *     build/sim [--postgresql] --fresh COUNT    that many runs with seeds nobody has tried
 *     build/sim --postgresql --each STRIDE SEED a short run with one cut, at message 1, 1 + STRIDE ...
 *                                               until a run meets none, of either kind
 *
 * PostgreSQL is the server that CAMBIST_TEST_POSTGRESQL names (tools/postgresql run). There two
 * writers take turns, as two processes would, through a proxy that cuts a connection at the Nth
 * message; they go on as a server does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "auditor.h"
#include "cutting_proxy.h"
#include "ledger/internal.h"
#include "store/fault.h"
#include "store_fixture.h"

#define BATCHES 300
#define BATCHES_SHORT 25
#define CALLS_MOST 12
#define KEYS 250
/* Runs of keys are made of so few, and merged, all the time. */
#define SPILL_AT 2
#define BODIES 3
#define FIRST_TENANT ((id_t64)501)
#define TENANTS 2
#define WRITERS 2

struct sim {
    uint64_t seed, random;
    char folder[64];
    struct str database;
    struct arena *arena;
    struct store *store;
    struct store_fault *fault;
    bool postgresql;
    long cut_at; /* the only cut; 0: many, at random */
    enum breaking cut;
    struct store_fixture fixture; /* PostgreSQL's schema */
    struct sql *sql;              /* of the writer whose turn it is */
    struct ledger *ledger;
    struct sql *sqls[WRITERS]; /* SQLite has one */
    struct ledger *ledgers[WRITERS];
    struct auditor *now;    /* what the batch has done so far */
    struct auditor *before; /* the last commit */
    struct auditor *call;   /* before the call */
    long operations, refused, faults, replays;
};

static _Noreturn void die(const struct sim *s, const char *what, int64_t expected, int64_t got)
{
    fprintf(stderr, "seed %llu: %s: expected %lld, got %lld%s%s\n", (unsigned long long)s->seed,
            what, (long long)expected, (long long)got, expected < 0 || got < 0 ? " " : "",
            expected < 0 ? error_name((int)expected)
            : got < 0    ? error_name((int)got)
                         : "");
    exit(1);
}

static void equal(const struct sim *s, const char *what, int64_t expected, int64_t got)
{
    if (expected != got)
        die(s, what, expected, got);
}

/* xorshift64*: the same numbers on every machine. */
static uint64_t below(struct sim *s, uint64_t bound)
{
    s->random ^= s->random >> 12;
    s->random ^= s->random << 25;
    s->random ^= s->random >> 27;
    return (s->random * UINT64_C(0x2545f4914f6cdd1d) >> 33) % bound;
}

static bool one_in(struct sim *s, uint64_t odds)
{
    return below(s, odds) == 0;
}

static bool store_failed(int error)
{
    return error <= ERR_STORE && error >= ERR_DECRYPT;
}

/* ---- Calls: what is asked, what the auditor says, what the ledger says ---- */

static id_t64 any_account(struct sim *s)
{
    if (one_in(s, 60) || s->now->account_count == 0)
        return 77; /* nobody's */
    return s->now->accounts[below(s, s->now->account_count)].id;
}

static id_t64 any_tenant(struct sim *s)
{
    return FIRST_TENANT + (one_in(s, 5) ? 1 : 0);
}

/* Mostly two accounts that fit each other. */
static void pick_accounts(struct sim *s, id_t64 tenant, struct transfer *t)
{
    t->debit_account = any_account(s);
    for (int tries = 0; tries < 60; tries++) {
        t->credit_account = any_account(s);
        const struct audited_account *a = auditor_account(s->now, t->debit_account);
        const struct audited_account *b = auditor_account(s->now, t->credit_account);
        if (a && b && a != b && a->asset == b->asset && a->tenant == tenant && b->tenant == tenant)
            return;
        if (tries % 3 == 2)
            t->debit_account = any_account(s);
    }
}

static struct transfer random_transfer(struct sim *s, id_t64 tenant)
{
    struct transfer t = {.amount = (money_t)below(s, 300)};
    if (one_in(s, 80))
        t.amount = one_in(s, 2) ? MONEY_MAX : MONEY_MAX + 1;
    if (one_in(s, 60))
        t.amount = -t.amount;
    if (s->now->hold_count && one_in(s, 3)) {
        size_t recent = s->now->hold_count < 20 ? s->now->hold_count : 20;
        const struct audited_hold *hold = &s->now->holds[s->now->hold_count - 1 - below(s, recent)];
        t.kind = one_in(s, 3) ? TRANSFER_VOID : TRANSFER_POST;
        t.pending_id = one_in(s, 30) ? 12345 : hold->id;
        if (t.kind == TRANSFER_VOID && !one_in(s, 5))
            t.amount = 0;
        if (t.kind == TRANSFER_POST && !one_in(s, 3))
            t.amount = (money_t)below(s, (uint64_t)hold->amount + 1);
        if (one_in(s, 20))
            t.debit_account = any_account(s);
        return t;
    }
    pick_accounts(s, tenant, &t);
    if (one_in(s, 3)) {
        t.kind = TRANSFER_PENDING;
        t.timeout = one_in(s, 2) ? 1 + (usec_t)below(s, 500) : 0;
    }
    if (one_in(s, 8))
        t.flags = (unsigned)below(s, 8);
    return t;
}

static void check_results(const struct sim *s, const struct transfer *expected,
                          const struct journal *journal)
{
    for (size_t i = 0; i < journal->transfer_count; i++) {
        const struct transfer *got = &journal->transfers[i];
        equal(s, "amount moved", expected[i].amount, got->amount);
        equal(s, "debit account", expected[i].debit_account, got->debit_account);
        equal(s, "credit account", expected[i].credit_account, got->credit_account);
        equal(s, "debit balance", expected[i].debit_balance_after, got->debit_balance_after);
        equal(s, "credit balance", expected[i].credit_balance_after, got->credit_balance_after);
    }
}

/* The same key and body must ask for the same: the transfers come from the two numbers then. */
static size_t keyed_transfers(struct sim *s, id_t64 tenant, int key, int body,
                              struct transfer *transfers)
{
    uint64_t kept = s->random;
    s->random = (uint64_t)(key * BODIES + body + 1) * UINT64_C(0x9e3779b97f4a7c15) + s->seed;
    size_t count = 1 + (size_t)below(s, 2);
    for (size_t i = 0; i < count; i++) {
        transfers[i] = (struct transfer){.amount = 1 + (money_t)below(s, 200)};
        transfers[i].debit_account = s->before->accounts[below(s, 8)].id;
        transfers[i].credit_account = s->before->accounts[below(s, 8)].id;
    }
    (void)tenant;
    s->random = kept;
    return count;
}

static int call_post(struct sim *s)
{
    struct transfer transfers[AUDITOR_LEGS], expected[AUDITOR_LEGS];
    const struct audited_journal *replay;
    char key_text[16];
    id_t64 tenant = any_tenant(s);
    int key = s->before->account_count >= 8 && one_in(s, 3) ? (int)below(s, KEYS) : -1,
        body = (int)below(s, BODIES);
    body = one_in(s, 4) ? body : 0;
    size_t count = one_in(s, 3) ? 1 + (size_t)below(s, AUDITOR_LEGS) : 1;
    if (one_in(s, 200))
        count = 0;
    for (size_t i = 0; i < count; i++)
        transfers[i] = random_transfer(s, tenant);
    if (key >= 0)
        count = keyed_transfers(s, tenant, key, body, transfers);
    memcpy(expected, transfers, sizeof(expected));
    struct journal journal = {.tenant_id = tenant, .transfers = transfers, .transfer_count = count};
    if (key >= 0) {
        snprintf(key_text, sizeof(key_text), "key %d", key);
        journal.key = str_from(key_text);
    }
    if (key < 0 && one_in(s, 6))
        journal.reference = STR("reference");
    if (key < 0 && one_in(s, 6))
        journal.effective_at = s->now->now - (usec_t)below(s, 1000);

    int predicted = auditor_post(s->now, tenant, key, body, expected, count, &replay);
    bool replayed = false;
    int error = ledger_post_journal(s->ledger, &journal, NULL, &replayed);
    if (store_failed(error))
        return error;
    equal(s, "post", predicted, error);
    s->refused += error != OK;
    if (error && key >= 0 && !replayed && error != ERR_LEDGER_KEY_MISMATCH && one_in(s, 2)) {
        uint8_t hash[LEDGER_HASH_SIZE];
        ledger_journal_hash(&journal, hash);
        auditor_refuse(s->now, tenant, key, body, error);
        return ledger_record_refusal(s->ledger, tenant, journal.key,
                                     (struct str){(const char *)hash, sizeof(hash)}, error);
    }
    if (error)
        return OK;
    equal(s, "replayed", replay != NULL, replayed);
    if (replay) {
        s->replays++;
        equal(s, "replayed journal", replay->id, journal.id);
        check_results(s, replay->results, &journal);
        return OK;
    }
    check_results(s, expected, &journal);
    auditor_note_ids(s->now, &journal, key, body);
    return OK;
}

static int call_reverse(struct sim *s)
{
    struct transfer expected[AUDITOR_LEGS];
    size_t count;
    if (s->now->journal_count == 0)
        return OK;
    const struct audited_journal *original = &s->now->journals[below(s, s->now->journal_count)];
    struct journal reversal = {.tenant_id = any_tenant(s), .description = STR("undone")};
    id_t64 id = original->id;
    int predicted = auditor_reverse(s->now, reversal.tenant_id, id, expected, &count);
    int error = ledger_reverse(s->ledger, s->arena, id, 0, &reversal, NULL);
    if (store_failed(error))
        return error;
    equal(s, "reverse", predicted, error);
    if (error)
        return OK;
    equal(s, "transfers of the reversal", (int64_t)count, (int64_t)reversal.transfer_count);
    check_results(s, expected, &reversal);
    auditor_note_ids(s->now, &reversal, -1, 0);
    return OK;
}

static int call_open(struct sim *s)
{
    static const unsigned kinds[] = {LEDGER_NO_OVERDRAFT,
                                     0,
                                     0,
                                     0,
                                     LEDGER_OVERDRAFT,
                                     LEDGER_MINIMUM,
                                     LEDGER_MINIMUM | LEDGER_OVERDRAFT};
    if (s->now->account_count == AUDITOR_ACCOUNTS)
        return OK;
    struct ledger_account account = {
        .tenant_id = s->now->account_count < 8 ? FIRST_TENANT : any_tenant(s),
        .asset = one_in(s, 4) ? 840 : 566,
        .code = LEDGER_CUSTOMER,
        .flags = kinds[below(s, sizeof(kinds) / sizeof(kinds[0]))],
        .overdraft_limit = 2000,
        .minimum_balance = (money_t)below(s, 100) - 50,
    };
    int error = ledger_open_account(s->ledger, &account);
    if (!error)
        s->now->accounts[s->now->account_count++] =
            (struct audited_account){.id = account.id,
                                     .tenant = account.tenant_id,
                                     .asset = account.asset,
                                     .flags = account.flags,
                                     .overdraft = account.overdraft_limit,
                                     .minimum = account.minimum_balance};
    return error;
}

static int call_change(struct sim *s)
{
    static const unsigned flags[] = {LEDGER_FROZEN, LEDGER_READ_ONLY, LEDGER_CREDIT_ONLY,
                                     LEDGER_DEBIT_ONLY};
    struct audited_account *account = auditor_account(s->now, any_account(s));
    if (!account)
        return OK;
    unsigned flag = flags[below(s, 4)];
    unsigned set = one_in(s, 8) ? flag : 0, clear = set ? 0 : ~0u & ~(unsigned)LEDGER_CLOSED;
    clear &= LEDGER_FROZEN | LEDGER_READ_ONLY | LEDGER_CREDIT_ONLY | LEDGER_DEBIT_ONLY;
    int predicted = account->flags & LEDGER_CLOSED ? ERR_LEDGER_ACCOUNT_CLOSED : OK;
    int error = ledger_set_flags(s->ledger, account->tenant, account->id, set, clear);
    if (store_failed(error))
        return error;
    equal(s, "set flags", predicted, error);
    if (!error)
        account->flags = (account->flags | set) & ~clear;
    return OK;
}

static int call_lien(struct sim *s)
{
    struct audited_account *account = auditor_account(s->now, any_account(s));
    id_t64 lien;
    if (!account || account->flags & LEDGER_CLOSED)
        return OK;
    money_t amount = 1 + (money_t)below(s, 20);
    int error =
        ledger_place_lien(s->ledger, account->tenant, account->id, amount, STR("court"), &lien);
    if (error)
        return error;
    account->liens += amount;
    if (one_in(s, 8))
        return OK;
    error = ledger_release_lien(s->ledger, account->tenant, lien);
    if (!error)
        account->liens -= amount;
    return error;
}

static int call_close(struct sim *s)
{
    id_t64 id = any_account(s), tenant = any_tenant(s);
    if (s->now->account_count < AUDITOR_ACCOUNTS / 2)
        return OK;
    int predicted = auditor_close(s->now, tenant, id);
    int error = ledger_close_account(s->ledger, tenant, id);
    if (store_failed(error))
        return error;
    equal(s, "close", predicted, error);
    return OK;
}

static int call_chain(struct sim *s)
{
    static struct auditor start;
    struct transfer transfers[3], expected[3];
    struct journal journals[3];
    const struct audited_journal *replay;
    int errors[3], predicted = OK;
    id_t64 tenant = any_tenant(s);
    for (size_t i = 0; i < 3; i++) {
        do
            transfers[i] = random_transfer(s, tenant);
        while (transfers[i].kind != TRANSFER_POSTED);
        journals[i] =
            (struct journal){.tenant_id = tenant, .transfers = &transfers[i], .transfer_count = 1};
    }
    start = *s->now;
    memcpy(expected, transfers, sizeof(expected));
    for (size_t i = 0; i < 3 && !predicted; i++)
        predicted = auditor_post(s->now, tenant, -1, 0, &expected[i], 1, &replay);
    int error = ledger_post_chain(s->ledger, journals, 3, errors);
    if (store_failed(error))
        return error;
    equal(s, "chain", predicted, error);
    if (error) {
        *s->now = start;
        return OK;
    }
    for (size_t i = 0; i < 3; i++) {
        check_results(s, &expected[i], &journals[i]);
        auditor_note_ids(s->now, &journals[i], -1, 0);
    }
    return OK;
}

static int call_any(struct sim *s)
{
    uint64_t which = below(s, 100);
    s->operations++;
    if (s->now->account_count < 8 || which < 4)
        return call_open(s);
    if (which < 8)
        return call_change(s);
    if (which < 11)
        return call_lien(s);
    if (which < 13)
        return call_close(s);
    if (which < 18)
        return call_reverse(s);
    if (which < 24)
        return call_chain(s);
    return call_post(s);
}

/* One call under its savepoint; some are taken back. */
static int guarded_call(struct sim *s)
{
    *s->call = *s->now;
    int error = sql_savepoint(s->sql);
    if (error)
        return error;
    size_t mark = ledger_mark(s->ledger);
    error = call_any(s);
    if (error)
        return error;
    if (!one_in(s, 6))
        return sql_savepoint_release(s->sql);
    error = sql_savepoint_rollback(s->sql);
    ledger_rewind(s->ledger, mark);
    *s->now = *s->call;
    return error;
}

/* ---- Comparing ---- */

static void print_problem(void *context, const char *text)
{
    fprintf(stderr, "seed %llu: verify: %s\n",
            (unsigned long long)((const struct sim *)context)->seed, text);
}

static void check_account(const struct sim *s, const struct audited_account *expected)
{
    struct ledger_account got;
    int error = ledger_read_account(s->sql, expected->tenant, expected->id, &got);
    equal(s, "read account", OK, error);
    equal(s, "debits posted", expected->debits_posted, got.debits_posted);
    equal(s, "credits posted", expected->credits_posted, got.credits_posted);
    equal(s, "debits pending", expected->debits_pending, got.debits_pending);
    equal(s, "credits pending", expected->credits_pending, got.credits_pending);
    equal(s, "liens", expected->liens, got.lien_total);
    equal(s, "flags", expected->flags, got.flags);
}

/* How many journals the books hold, of all tenants. */
static int64_t stored_journals(const struct sim *s)
{
    int64_t count = 0;
    for (id_t64 tenant = FIRST_TENANT; tenant < FIRST_TENANT + TENANTS; tenant++) {
        struct ledger_head head;
        if (ledger_head(s->sql, tenant, &head) == OK)
            count += head.journals;
    }
    return count;
}

static bool agrees(struct sim *s, const struct auditor *auditor)
{
    for (size_t i = 0; i < auditor->account_count; i++) {
        const struct audited_account *expected = &auditor->accounts[i];
        struct ledger_account got;
        if (ledger_read_account(s->sql, expected->tenant, expected->id, &got) != OK ||
            got.debits_posted != expected->debits_posted ||
            got.credits_posted != expected->credits_posted ||
            got.debits_pending != expected->debits_pending ||
            got.credits_pending != expected->credits_pending || got.lien_total != expected->liens ||
            got.flags != expected->flags)
            return false;
    }
    return true;
}

static void check_books(struct sim *s)
{
    struct ledger_verified verified;
    equal(s, "begin read", OK, sql_begin_read(s->sql));
    equal(s, "verify", OK, ledger_verify(s->sql, print_problem, s, &verified));
    equal(s, "problems", 0, verified.problems);
    equal(s, "journals", stored_journals(s), verified.journals);
    for (size_t i = 0; i < s->before->account_count; i++)
        check_account(s, &s->before->accounts[i]);
    sql_rollback(s->sql);
}

/* ---- Batches, faults ---- */

static void arm(struct sim *s)
{
    if (s->cut_at)
        proxy_arm(s->cut, s->faults ? 0 : s->cut_at);
    else if (s->postgresql)
        proxy_arm(one_in(s, 2) ? SWALLOW_MESSAGE : SWALLOW_ANSWER, 1 + (long)below(s, 60));
    else if (s->fault)
        store_fault_arm(s->fault, 2 + (long)below(s, 400));
}

static void open_books(struct sim *s, bool with_fault)
{
    static const enum fault_kind kinds[] = {FAULT_FAIL, FAULT_CUT_SHORT, FAULT_DISK_FULL,
                                            FAULT_CRASH, FAULT_CRASH_TORN};
    struct str why = STR_NONE;
    s->fault = NULL;
    if (with_fault && !s->postgresql)
        s->fault = store_fault_new(kinds[below(s, 5)], s->random);
    const struct store_options options = {
        .database = s->database,
        .key_file = arena_printf(s->arena, "%s/key", s->folder),
        .create_key = true,
        .fault = s->fault,
    };
    int error = store_open(&options, &s->store, &why);
    if (error) {
        fprintf(stderr, "seed %llu: store_open: %.*s\n", (unsigned long long)s->seed, STR_FMT(why));
        exit(1);
    }
    for (size_t i = 0; i < (s->postgresql ? WRITERS : 1); i++) {
        s->sqls[i] = store_acquire(s->store, true);
        s->ledgers[i] = ledger_new(s->sqls[i]);
        ledger_spill_keys_at(s->ledgers[i], SPILL_AT);
    }
    s->sql = s->sqls[0];
    s->ledger = s->ledgers[0];
    if (with_fault)
        arm(s);
}

static void close_books(struct sim *s)
{
    for (size_t i = 0; i < (s->postgresql ? WRITERS : 1); i++) {
        ledger_free(s->ledgers[i]);
        store_release(s->store, s->sqls[i]);
    }
    store_close(s->store);
    store_fault_free(s->fault);
}

/* As a server does it before the calls of a batch; half of the time. */
static int expect_batch(struct sim *s)
{
    static const id_t64 tenants[TENANTS] = {FIRST_TENANT, FIRST_TENANT + 1};
    if (!s->postgresql || one_in(s, 2))
        return OK;
    int error = ledger_expect_tenants(s->ledger, tenants, TENANTS);
    for (uint64_t i = below(s, 20); i > 0; i--)
        ledger_expect_account(s->ledger, any_account(s));
    return error ? error : ledger_lock_tenants(s->ledger, tenants, TENANTS);
}

/* ERR_CONFLICT stands for a rollback for no reason. */
static int fill_batch(struct sim *s)
{
    int error = ledger_begin(s->ledger, s->now->now);
    if (!error)
        error = expect_batch(s);
    for (uint64_t calls = 1 + below(s, CALLS_MOST); calls > 0 && !error; calls--)
        error = guarded_call(s);
    if (error)
        return error;
    error = ledger_flush(s->ledger);
    if (!error && one_in(s, 12))
        return ERR_CONFLICT;
    return error;
}

/* A timer: a batch of its own, because it looks for what is due in the table. */
static int expire_batch(struct sim *s)
{
    size_t expired, due = auditor_expire(s->now);
    int error = ledger_begin(s->ledger, s->now->now);
    if (!error)
        error = ledger_expire(s->ledger, 0, SIZE_MAX / 2, &expired);
    if (error)
        return error;
    equal(s, "expired", (int64_t)due, (int64_t)expired);
    return ledger_flush(s->ledger);
}

static int run_batch(struct sim *s)
{
    int error = sql_begin(s->sql);
    if (error)
        return error;
    error = one_in(s, 8) ? expire_batch(s) : fill_batch(s);
    if (error)
        sql_rollback(s->sql);
    else
        error = sql_commit(s->sql);
    ledger_end(s->ledger, !error);
    return error;
}

/* After a failure the batch is in the books as a whole or not at all. */
static void find_out(struct sim *s)
{
    s->faults++;
    close_books(s);
    open_books(s, false);
    bool kept = agrees(s, s->now) && !agrees(s, s->before);
    *(kept ? s->before : s->now) = *(kept ? s->now : s->before);
    check_books(s);
    close_books(s);
    open_books(s, true);
}

/* PostgreSQL's writer learns by itself what became of a commit: a batch that failed is not in the
 * books, whoever looks. */
static void go_on(struct sim *s, int error)
{
    if (error != ERR_STORE_LOST && error != ERR_STORE_RETRY)
        die(s, sql_last_error(s->sql), ERR_STORE_LOST, error);
    s->faults++;
    *s->now = *s->before;
    proxy_arm(SWALLOW_MESSAGE, 0);
    check_books(s);
    arm(s);
}

static void one_batch(struct sim *s)
{
    size_t turn = s->postgresql ? below(s, WRITERS) : 0;
    s->sql = s->sqls[turn];
    s->ledger = s->ledgers[turn];
    s->now->now += 1 + (usec_t)below(s, 200);
    s->before->now = s->now->now;
    int error = run_batch(s);
    if (!error)
        *s->before = *s->now;
    else if (error == ERR_CONFLICT)
        *s->now = *s->before;
    else if (store_failed(error) && s->postgresql)
        go_on(s, error);
    else if (store_failed(error))
        find_out(s);
    else
        die(s, "batch", OK, error);
    if (s->postgresql && proxy_has_broken()) {
        /* The connection was lost with the commit, and the writer found out that it had worked. */
        s->faults++;
        check_books(s);
        arm(s);
    }
}

static void run(struct sim *s)
{
    open_books(s, false);
    close_books(s);
    open_books(s, true);
    for (int batch = 0; batch < (s->cut_at ? BATCHES_SHORT : BATCHES); batch++) {
        one_batch(s);
        if (s->postgresql)
            continue;
        if (one_in(s, 10))
            store_checkpoint(s->store);
        arena_reset(s->arena);
        s->database = arena_printf(s->arena, "%s/sim.db", s->folder);
    }
    if (s->postgresql)
        proxy_arm(SWALLOW_MESSAGE, 0);
    close_books(s);
    open_books(s, false);
    if (!s->postgresql && !agrees(s, s->before))
        *s->before = *s->now;
    check_books(s);
    close_books(s);
}

/* False when it was over before the cut that was asked for. */
static bool run_seed(uint64_t seed, bool postgresql, long cut_at, enum breaking cut)
{
    struct sim s = {
        .seed = seed,
        .postgresql = postgresql,
        .cut_at = cut_at,
        .cut = cut,
        .random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1,
        .arena = arena_new(SIZE_MAX),
        .now = calloc(1, sizeof(struct auditor)),
        .before = calloc(1, sizeof(struct auditor)),
        .call = calloc(1, sizeof(struct auditor)),
    };
    char command[96];
    snprintf(s.folder, sizeof(s.folder), "/tmp/cambist-sim.XXXXXX");
    if (!mkdtemp(s.folder))
        abort();
    if (postgresql) {
        fixture_prepare(&s.fixture, STORE_POSTGRESQL);
        proxy_add_to_url(s.fixture.database, sizeof(s.fixture.database));
        s.database = str_from(s.fixture.database);
    } else {
        s.database = arena_printf(s.arena, "%s/sim.db", s.folder);
    }
    s.now->now = s.before->now = INT64_C(1760000000000000);
    run(&s);
    if (!cut_at)
        printf(
            "seed %llu: %ld calls, %ld refused, %ld replayed, %zu journals, %zu holds, %ld faults: "
            "everything as predicted\n",
            (unsigned long long)seed, s.operations, s.refused, s.replays, s.now->journal_count,
            s.now->hold_count, s.faults);
    if (postgresql)
        fixture_close(&s.fixture);
    snprintf(command, sizeof(command), "rm -rf %s", s.folder);
    if (system(command) != 0)
        abort();
    arena_free(s.arena);
    free(s.now);
    free(s.before);
    free(s.call);
    return s.faults > 0;
}

static void cut_everywhere(uint64_t seed, long stride)
{
    static const char *const names[] = {"before", "after"};
    for (enum breaking cut = SWALLOW_MESSAGE; cut <= SWALLOW_ANSWER; cut++) {
        long at = 1;
        while (run_seed(seed, true, at, cut))
            at += stride;
        printf("seed %llu: cut %s message 1, %ld ... %ld: everything as predicted\n",
               (unsigned long long)seed, names[cut], 1 + stride, at);
    }
}

int main(int argc, char **argv)
{
    bool postgresql = argc > 1 && strcmp(argv[1], "--postgresql") == 0;
    char **arguments = argv + 1 + postgresql;
    int count = argc - 1 - postgresql;
    bool fresh = count == 2 && strcmp(arguments[0], "--fresh") == 0;
    bool each = postgresql && count == 3 && strcmp(arguments[0], "--each") == 0;
    if (count != 1 && !fresh && !each) {
        fprintf(stderr, "usage: sim [--postgresql] SEED | sim [--postgresql] --fresh COUNT |"
                        " sim --postgresql --each STRIDE SEED\n");
        return 2;
    }
    if (postgresql)
        proxy_start();
    if (each) {
        cut_everywhere(strtoull(arguments[2], NULL, 10), strtol(arguments[1], NULL, 10));
        return 0;
    }
    uint64_t first = fresh ? (uint64_t)clock_now() : strtoull(arguments[0], NULL, 10);
    uint64_t runs = fresh ? strtoull(arguments[1], NULL, 10) : 1;
    for (uint64_t i = 0; i < runs; i++)
        run_seed(first + i, postgresql, 0, SWALLOW_MESSAGE);
    return 0;
}
