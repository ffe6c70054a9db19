/*
 * The exports, judged by others: Debian's ledger and hledger read the plain-text form with its
 * balance assertions and must come to the balances that we have.
 */
#include "ledger_test.h"

#define ACCOUNTS 9
#define EUR 978
#define JPY 392

static const int assets[3] = {NGN, EUR, JPY};

static void post_some(struct books *t, const id_t64 accounts[3][ACCOUNTS])
{
    unsigned seed = 99;
    for (int i = 0; i < 300; i++) {
        struct transfer legs[3];
        t->now += rand_r(&seed) % 9 * USEC_PER_HOUR;
        ledger_set_now(t->ledger, t->now);
        size_t count = 1 + (size_t)rand_r(&seed) % 3;
        for (size_t j = 0; j < count; j++) {
            const id_t64 *own = accounts[rand_r(&seed) % 3];
            int from = rand_r(&seed) % ACCOUNTS;
            legs[j] = (struct transfer){
                .kind = rand_r(&seed) % 4 ? TRANSFER_POSTED : TRANSFER_PENDING,
                .debit_account = own[from],
                .credit_account = own[(from + 1) % ACCOUNTS],
                .amount = 1 + rand_r(&seed) % 100000,
            };
        }
        struct journal journal = {
            .tenant_id = TENANT_ONE,
            .description = STR("Dinner; for \"two\" | @ 5\nlines, \xc3\xa9"
                               "5"),
            .reference = i % 3 ? STR("a,b\"c") : STR_NONE,
            .metadata = i % 5 ? STR_NONE : STR("{\"a\":[1,2]}"),
            .effective_at = i % 7 ? 0 : t->now - 5 * USEC_PER_DAY,
            .transfers = legs,
            .transfer_count = count,
        };
        assert_int_equal(ledger_post_journal(t->ledger, &journal, NULL, NULL), OK);
        if (legs[0].kind == TRANSFER_PENDING) {
            struct transfer settle = {.kind = i % 2 ? TRANSFER_POST : TRANSFER_VOID,
                                      .pending_id = legs[0].id};
            struct journal second = {
                .tenant_id = TENANT_ONE, .transfers = &settle, .transfer_count = 1};
            assert_int_equal(ledger_post_journal(t->ledger, &second, NULL, NULL), OK);
        }
    }
}

static struct str run_command(struct books *t, const char *command)
{
    struct buf out = buf_new(t->arena, 65536);
    char bytes[4096];
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    for (size_t n; (n = fread(bytes, 1, sizeof(bytes), pipe)) > 0;)
        buf_add(&out, bytes, n);
    int status = pclose(pipe);
    if (status != 0)
        fail_msg("%s: %.*s", command, STR_FMT(buf_str(&out)));
    buf_add_char(&out, '\0');
    return buf_str(&out);
}

static const char *export_to(struct books *t, const char *name, enum ledger_export_format format)
{
    const char *path = arena_printf(t->arena, "%s/%s", t->fixture.folder, name).ptr;
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(sql_begin_read(t->sql), OK);
    assert_int_equal(ledger_export(t->sql, format, TENANT_ONE, out), OK);
    sql_rollback(t->sql);
    fclose(out);
    return path;
}

static struct str balance_text(struct books *t, id_t64 account_id)
{
    struct ledger_account account;
    assert_int_equal(ledger_read_account(t->sql, TENANT_ONE, account_id, &account), OK);
    const struct asset *asset = asset_by_id(account.asset);
    return arena_printf(
        t->arena, "%.*s %s",
        STR_FMT(decimal_print(t->arena, money_to_decimal(ledger_balance(&account), asset),
                              asset->scale)),
        asset->code);
}

static void test_others_agree(void **state)
{
    (void)state;
    struct books *t = books_new();
    id_t64 accounts[3][ACCOUNTS];
    books_begin(t);
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < ACCOUNTS; j++)
            accounts[i][j] = books_account(t, TENANT_ONE, assets[i], 0);
    post_some(t, (const id_t64(*)[ACCOUNTS])accounts);
    books_commit(t);
    const char *path = export_to(t, "books.ledger", LEDGER_EXPORT_LEDGER);
    struct str ledger =
        run_command(t, arena_printf(t->arena,
                                    "ledger --args-only -f %s balance --flat --empty --no-total "
                                    "--format '%%(account)|%%(display_total)\\n' 2>&1",
                                    path)
                           .ptr);
    struct str hledger = run_command(
        t, arena_printf(t->arena, "hledger -f %s balance --flat --empty -O csv 2>&1", path).ptr);
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < ACCOUNTS; j++) {
            struct str balance = balance_text(t, accounts[i][j]);
            struct str in_ledger = arena_printf(t->arena, "Customer:%lld|%.*s\n",
                                                (long long)accounts[i][j], STR_FMT(balance));
            struct str in_hledger = arena_printf(t->arena, "\"Customer:%lld\",\"%.*s\"",
                                                 (long long)accounts[i][j], STR_FMT(balance));
            if (!strstr(ledger.ptr, in_ledger.ptr))
                fail_msg("ledger does not say %s but\n%s", in_ledger.ptr, ledger.ptr);
            if (!strstr(hledger.ptr, in_hledger.ptr))
                fail_msg("hledger does not say %s but\n%s", in_hledger.ptr, hledger.ptr);
        }
    books_free(t);
}

static void test_csv_and_json_are_read_by_others(void **state)
{
    (void)state;
    struct books *t = books_new();
    id_t64 accounts[3][ACCOUNTS];
    books_begin(t);
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < ACCOUNTS; j++)
            accounts[i][j] = books_account(t, TENANT_ONE, assets[i], 0);
    post_some(t, (const id_t64(*)[ACCOUNTS])accounts);
    books_commit(t);
    const char *csv = export_to(t, "books.csv", LEDGER_EXPORT_CSV);
    const char *jsonl = export_to(t, "books.jsonl", LEDGER_EXPORT_JSONL);
    static const char program[] =
        "import csv, json, sys\n"
        "rows = list(csv.DictReader(open(sys.argv[1], newline='')))\n"
        "journals = [json.loads(line) for line in open(sys.argv[2])]\n"
        "transfers = [(t, j) for j in journals for t in j['transfers']]\n"
        "assert len(rows) == len(transfers) > 300, (len(rows), len(transfers))\n"
        "for row, (t, j) in zip(rows, transfers):\n"
        "    assert row['transfer_id'] == str(t['id']) and row['amount'] == t['amount'], row\n"
        "    assert row['journal_id'] == str(j['journal_id'])\n"
        "    assert row['description'] == j.get('description', ''), row\n"
        "    assert row['reference'] == j.get('reference', '')\n"
        "print('agreed')\n";
    const char *script = arena_printf(t->arena, "%s/read.py", t->fixture.folder).ptr;
    FILE *file = fopen(script, "w");
    assert_non_null(file);
    fputs(program, file);
    fclose(file);
    struct str said = run_command(
        t, arena_printf(t->arena, "/usr/bin/python3 %s %s %s 2>&1", script, csv, jsonl).ptr);
    assert_non_null(strstr(said.ptr, "agreed"));
    books_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_others_agree),
        cmocka_unit_test(test_csv_and_json_are_read_by_others),
    };
    return books_run_tests(tests);
}
