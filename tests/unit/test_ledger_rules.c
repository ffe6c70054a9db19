/*
 * The ledger's rules as a table of text: per case the accounts, what happens first, and one last
 * line with the code it must get. Every code of errors.def from 100 to 139 has the smallest case
 * that meets it; a code without a case fails the test.
 *
 *   account NAME ASSET [tenant2] [no_overdraft] [overdraft=N] [minimum=N] [credit_only] ...
 *   flag NAME FLAG            lien NAME AMOUNT           close NAME
 *   post  DEBIT CREDIT AMOUNT [as=NAME] [key=K] [balancing_debit] [balancing_credit] [force]
 *   hold  DEBIT CREDIT AMOUNT [as=NAME] [timeout=N]
 *   settle HOLD AMOUNT [debit=NAME]     void HOLD AMOUNT
 *   wait N                    balance NAME POSTED AVAILABLE
 *   empty, large: journals without and with too many transfers
 * Each line may end in "-> CODE"; without it, it must succeed.
 */
#include "ledger_test.h"

static const char *const cases[] = {
    "empty -> LEDGER_EMPTY_JOURNAL",

    "account a NGN | account b NGN | large a b -> LEDGER_POSTING_TOO_LARGE",

    "account a NGN | account b NGN | post a b 5 key=k | post a b 5 key=k | balance b 5 5 |"
    "post a b 6 key=k -> LEDGER_KEY_MISMATCH",

    "account a NGN | account b NGN | post a b 0 -> LEDGER_AMOUNT_NOT_POSITIVE",
    "account a NGN | account b NGN | post a b -1 -> LEDGER_AMOUNT_NOT_POSITIVE",
    "account a NGN | account b NGN | hold a b 0 -> LEDGER_AMOUNT_NOT_POSITIVE",
    "account a NGN | account b NGN | hold a b 5 as=h | settle h -1 -> LEDGER_AMOUNT_NOT_POSITIVE",

    "account a NGN | account b NGN | post a b 9007199254740991 | balance a -9007199254740991 "
    "-9007199254740991",
    "account a NGN | account b NGN | post a b 9007199254740992 -> LEDGER_AMOUNT_OVERFLOW",

    "settle none 5 -> LEDGER_PENDING_NOT_FOUND",
    "void none 0 -> LEDGER_PENDING_NOT_FOUND",
    "account a NGN | account b NGN | post a b 5 as=p | settle p 5 -> LEDGER_PENDING_NOT_PENDING",
    "account a NGN | account b NGN | post a b 5 as=p | commit | "
    "settle p 5 -> LEDGER_PENDING_NOT_PENDING",
    "account a NGN | account b NGN | hold a b 5 as=h | settle h 3 | balance b 3 3 | balance a -3 "
    "-3 | settle h 2 -> LEDGER_PENDING_ALREADY_POSTED",
    "account a NGN | account b NGN | hold a b 5 as=h | settle h 0 | commit | forget | "
    "void h 0 -> LEDGER_PENDING_ALREADY_POSTED",
    "account a NGN | account b NGN | hold a b 5 as=h | void h 0 | balance a 0 0 | "
    "settle h 0 -> LEDGER_PENDING_ALREADY_VOIDED",
    "account a NGN | account b NGN | hold a b 5 as=h timeout=10 | wait 9 | settle h 5",
    "account a NGN | account b NGN | hold a b 5 as=h timeout=10 | wait 10 | "
    "settle h 5 -> LEDGER_PENDING_EXPIRED",
    "account a NGN | account b NGN | hold a b 5 as=h timeout=10 | commit | wait 10 | "
    "balance a 0 -5 | expire 1 | balance a 0 0 | void h 0 -> LEDGER_PENDING_EXPIRED",
    "account a NGN | account b NGN | hold a b 5 as=h timeout=10 | commit | wait 9 | expire 0 | "
    "balance a 0 -5",
    "account a NGN | account b NGN | hold a b 5 as=h | settle h 6 -> "
    "LEDGER_PENDING_AMOUNT_EXCEEDED",
    "account a NGN | account b NGN | hold a b 5 as=h | void h 4 -> LEDGER_PENDING_VOID_PARTIAL",
    "account a NGN | account b NGN | account c NGN | hold a b 5 as=h | "
    "settle h 5 debit=c -> LEDGER_PENDING_ACCOUNTS_DIFFER",

    "account a NGN | post none a 5 -> LEDGER_DEBIT_ACCOUNT_NOT_FOUND",
    "account a NGN | post a none 5 -> LEDGER_CREDIT_ACCOUNT_NOT_FOUND",
    "account a NGN | post a a 5 -> LEDGER_ACCOUNTS_SAME",
    "account a NGN | account b NGN tenant2 | post a b 5 -> LEDGER_TENANTS_DIFFER",
    "account a NGN | account b NGN tenant2 | post b a 5 -> LEDGER_TENANTS_DIFFER",
    "account a NGN | account b USD | post a b 5 -> LEDGER_ASSETS_DIFFER",

    "account a NGN | account b NGN | close b | post a b 5 -> LEDGER_ACCOUNT_CLOSED",
    "account a NGN frozen | account b NGN | post a b 5 -> LEDGER_ACCOUNT_FROZEN",
    "account a NGN | account b NGN frozen | post a b 5 -> LEDGER_ACCOUNT_FROZEN",
    "account a NGN | account b NGN | hold a b 5 as=h | flag a frozen | settle h 5 | balance a -5 "
    "-5",
    "account a NGN read_only | account b NGN | post a b 5 -> LEDGER_ACCOUNT_READ_ONLY",
    "account a NGN credit_only | account b NGN | post a b 5 -> LEDGER_ACCOUNT_CREDIT_ONLY",
    "account a NGN credit_only | account b NGN | post b a 5 | balance a 5 5",
    "account a NGN | account b NGN debit_only | post a b 5 -> LEDGER_ACCOUNT_DEBIT_ONLY",
    "account a NGN | account b NGN debit_only | post b a 5 | balance b -5 -5",

    "account a NGN no_overdraft | account b NGN | "
    "post a b 5 balancing_debit -> LEDGER_NOTHING_TO_MOVE",
    "account a NGN | account b NGN | post a b 5 balancing_credit -> LEDGER_NOTHING_TO_MOVE",
    "account a NGN no_overdraft | account b NGN | post b a 3 | post a b 5 balancing_debit | "
    "balance a 0 0 | balance b 0 0",
    "account a NGN overdraft=4 | account b NGN | post b a 3 | post a b 9 balancing_debit | "
    "balance a -4 -4",
    "account a NGN minimum=2 | account b NGN | post b a 3 | post a b 9 balancing_debit | "
    "balance a 2 2",
    "account a NGN | account b NGN | account c NGN | post b c 3 | post a b 9 balancing_credit | "
    "balance b 0 0 | balance a -3 -3",

    "account a NGN no_overdraft | account b NGN | post a b 1 -> INSUFFICIENT_FUNDS",
    "account a NGN no_overdraft | account b NGN | post b a 5 | post a b 5 | balance a 0 0",
    "account a NGN no_overdraft | account b NGN | post b a 5 | post a b 6 -> INSUFFICIENT_FUNDS",
    "account a NGN no_overdraft | account b NGN | post b a 5 | hold a b 3 | balance a 5 2 | "
    "post a b 3 -> INSUFFICIENT_FUNDS",
    "account a NGN no_overdraft | account b NGN | post b a 5 | lien a 3 | balance a 5 2 | "
    "hold a b 3 -> INSUFFICIENT_FUNDS",
    "account a NGN no_overdraft | account b NGN | post b a 5 | lien a 3 | unlien | hold a b 5",
    "account a NGN no_overdraft | account b NGN | hold b a 5 | post a b 5 -> INSUFFICIENT_FUNDS",
    "account a NGN no_overdraft | account b NGN | post a b 5 force | balance a -5 -5",
    "account a NGN overdraft=10 | account b NGN | post a b 10 | "
    "post a b 1 -> LEDGER_OVERDRAFT_EXCEEDED",
    "account a NGN minimum=10 | account b NGN | post b a 15 | post a b 5 | "
    "post a b 1 -> LEDGER_MINIMUM_BALANCE",
    "account a NGN | account b NGN | account c NGN | post a b 9007199254740991 | "
    "post a c 1 -> LEDGER_BALANCE_OVERFLOW",
    "account a NGN | account b NGN | account c NGN | post a b 9007199254740991 | "
    "post c b 1 -> LEDGER_BALANCE_OVERFLOW",
    "account a NGN | account b NGN | account c NGN | hold a b 9007199254740991 | "
    "hold c b 1 -> LEDGER_BALANCE_OVERFLOW",

    /* The order of the checks: the first rule broken is the one that is named. */
    "post none none 0 -> LEDGER_AMOUNT_NOT_POSITIVE",
    "post none none 5 -> LEDGER_DEBIT_ACCOUNT_NOT_FOUND",
    "account a NGN frozen | close a | account b USD | post a b 5 -> LEDGER_ASSETS_DIFFER",
    "account a NGN frozen credit_only | account b NGN read_only | post a b 5 -> "
    "LEDGER_ACCOUNT_FROZEN",
    "account a NGN credit_only no_overdraft | account b NGN | post a b 5 -> "
    "LEDGER_ACCOUNT_CREDIT_ONLY",
};

#define NAMES_MAX 16

struct names {
    char text[NAMES_MAX][16];
    id_t64 ids[NAMES_MAX];
    size_t count;
    id_t64 lien;
};

static id_t64 named(const struct names *names, const char *text)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->text[i], text) == 0)
            return names->ids[i];
    return 987654321; /* nobody's */
}

static void name_it(struct names *names, const char *text, id_t64 id)
{
    assert_true(names->count < NAMES_MAX);
    snprintf(names->text[names->count], sizeof(names->text[0]), "%s", text);
    names->ids[names->count++] = id;
}

static const struct {
    const char *name;
    unsigned flag;
} flag_names[] = {
    {"no_overdraft", LEDGER_NO_OVERDRAFT},
    {"credit_only", LEDGER_CREDIT_ONLY},
    {"debit_only", LEDGER_DEBIT_ONLY},
    {"read_only", LEDGER_READ_ONLY},
    {"frozen", LEDGER_FROZEN},
};

static unsigned flag_named(const char *text)
{
    for (size_t i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++)
        if (strcmp(flag_names[i].name, text) == 0)
            return flag_names[i].flag;
    fail_msg("no flag %s", text);
    return 0;
}

#define WORDS_MAX 12

static int do_account(struct books *t, struct names *names, char **words, size_t count)
{
    struct ledger_account account = {
        .tenant_id = TENANT_ONE,
        .asset = strcmp(words[2], "USD") == 0 ? USD : NGN,
        .code = LEDGER_CUSTOMER,
    };
    for (size_t i = 3; i < count; i++) {
        if (strcmp(words[i], "tenant2") == 0) {
            account.tenant_id = TENANT_TWO;
        } else if (strncmp(words[i], "overdraft=", 10) == 0) {
            account.flags |= LEDGER_OVERDRAFT;
            account.overdraft_limit = atoll(words[i] + 10);
        } else if (strncmp(words[i], "minimum=", 8) == 0) {
            account.flags |= LEDGER_MINIMUM;
            account.minimum_balance = atoll(words[i] + 8);
        } else {
            account.flags |= flag_named(words[i]);
        }
    }
    int error = ledger_open_account(t->ledger, &account);
    name_it(names, words[1], account.id);
    return error;
}

static int do_post(struct books *t, struct names *names, enum transfer_kind kind, char **words,
                   size_t count)
{
    bool settles = kind == TRANSFER_POST || kind == TRANSFER_VOID;
    const char *as = NULL;
    size_t first = settles ? 3 : 4;
    struct transfer transfer = {.kind = kind, .amount = atoll(words[first - 1])};
    struct journal journal = {.tenant_id = TENANT_ONE, .transfers = &transfer, .transfer_count = 1};
    if (settles) {
        transfer.pending_id = named(names, words[1]);
    } else {
        transfer.debit_account = named(names, words[1]);
        transfer.credit_account = named(names, words[2]);
    }
    for (size_t i = first; i < count; i++) {
        if (strncmp(words[i], "as=", 3) == 0)
            as = words[i] + 3;
        else if (strncmp(words[i], "key=", 4) == 0)
            journal.key = str_from(words[i] + 4);
        else if (strncmp(words[i], "timeout=", 8) == 0)
            transfer.timeout = atoll(words[i] + 8);
        else if (strncmp(words[i], "debit=", 6) == 0)
            transfer.debit_account = named(names, words[i] + 6);
        else if (strcmp(words[i], "balancing_debit") == 0)
            transfer.flags |= TRANSFER_BALANCING_DEBIT;
        else if (strcmp(words[i], "balancing_credit") == 0)
            transfer.flags |= TRANSFER_BALANCING_CREDIT;
        else if (strcmp(words[i], "force") == 0)
            transfer.flags |= TRANSFER_FORCE;
        else
            fail_msg("word %s", words[i]);
    }
    int error = ledger_post_journal(t->ledger, &journal, NULL, NULL);
    if (as)
        name_it(names, as, transfer.id);
    return error;
}

static int do_large(struct books *t, struct names *names, char **words)
{
    struct transfer *transfers = ARENA_ARRAY(t->arena, struct transfer, LEDGER_JOURNAL_MAX + 1);
    for (size_t i = 0; i <= LEDGER_JOURNAL_MAX; i++)
        transfers[i] = (struct transfer){.debit_account = named(names, words[1]),
                                         .credit_account = named(names, words[2]),
                                         .amount = 1};
    struct journal journal = {
        .tenant_id = TENANT_ONE, .transfers = transfers, .transfer_count = LEDGER_JOURNAL_MAX + 1};
    return ledger_post_journal(t->ledger, &journal, NULL, NULL);
}

static int do_balance(struct books *t, struct names *names, char **words)
{
    struct ledger_account account;
    int error = ledger_get_account(t->ledger, TENANT_ONE, named(names, words[1]), &account);
    assert_int_equal(ledger_balance(&account), atoll(words[2]));
    assert_int_equal(ledger_available(&account), atoll(words[3]));
    return error;
}

static int do_expire(struct books *t, char **words)
{
    size_t expired;
    int error = ledger_expire(t->ledger, 0, 100, &expired);
    assert_int_equal(expired, atoll(words[1]));
    return error;
}

static int do_line(struct books *t, struct names *names, char **words, size_t count)
{
    const char *verb = words[0];
    if (strcmp(verb, "account") == 0)
        return do_account(t, names, words, count);
    if (strcmp(verb, "post") == 0)
        return do_post(t, names, TRANSFER_POSTED, words, count);
    if (strcmp(verb, "hold") == 0)
        return do_post(t, names, TRANSFER_PENDING, words, count);
    if (strcmp(verb, "settle") == 0)
        return do_post(t, names, TRANSFER_POST, words, count);
    if (strcmp(verb, "void") == 0)
        return do_post(t, names, TRANSFER_VOID, words, count);
    if (strcmp(verb, "flag") == 0)
        return ledger_set_flags(t->ledger, TENANT_ONE, named(names, words[1]), flag_named(words[2]),
                                0);
    if (strcmp(verb, "lien") == 0)
        return ledger_place_lien(t->ledger, TENANT_ONE, named(names, words[1]), atoll(words[2]),
                                 STR("court"), &names->lien);
    if (strcmp(verb, "unlien") == 0)
        return ledger_release_lien(t->ledger, TENANT_ONE, names->lien);
    if (strcmp(verb, "close") == 0)
        return ledger_close_account(t->ledger, TENANT_ONE, named(names, words[1]));
    if (strcmp(verb, "balance") == 0)
        return do_balance(t, names, words);
    if (strcmp(verb, "expire") == 0)
        return do_expire(t, words);
    if (strcmp(verb, "large") == 0)
        return do_large(t, names, words);
    if (strcmp(verb, "empty") == 0)
        return ledger_post_journal(t->ledger, &(struct journal){.tenant_id = TENANT_ONE}, NULL,
                                   NULL);
    if (strcmp(verb, "wait") == 0) {
        t->now += atoll(words[1]);
        ledger_set_now(t->ledger, t->now);
        return OK;
    }
    if (strcmp(verb, "commit") == 0) {
        books_commit(t);
        books_begin(t);
        return OK;
    }
    if (strcmp(verb, "forget") == 0) {
        books_commit(t);
        books_forget(t);
        books_begin(t);
        return OK;
    }
    fail_msg("verb %s", verb);
    return OK;
}

static void run_line(struct books *t, struct names *names, struct str line, const char *text)
{
    char copy[256];
    char *words[WORDS_MAX];
    size_t count = 0;
    const char *expected = "OK";
    snprintf(copy, sizeof(copy), "%.*s", STR_FMT(line));
    char *arrow = strstr(copy, "->");
    if (arrow) {
        *arrow = '\0';
        expected = arrow + 2 + strspn(arrow + 2, " ");
    }
    for (char *word = strtok(copy, " "); word && count < WORDS_MAX; word = strtok(NULL, " "))
        words[count++] = word;
    int error = do_line(t, names, words, count);
    if (strcmp(error_name(error), expected) != 0)
        fail_msg("%s\n  at '%.*s': got %s", text, STR_FMT(line), error_name(error));
}

static void run_case(struct books *t, const char *text)
{
    struct names names = {0};
    struct str rest = str_from(text);
    size_t left_over;
    t->now += USEC_PER_SEC;
    books_begin(t);
    assert_int_equal(ledger_expire(t->ledger, 0, SIZE_MAX / 2, &left_over), OK);
    while (str_present(rest))
        run_line(t, &names, str_trim(str_cut(&rest, '|')), text);
    books_commit(t);
}

static void test_every_rule(void **state)
{
    (void)state;
    struct books *t = books_new();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        run_case(t, cases[i]);
        if (strstr(cases[i], "key=")) { /* keys are for ever: a fresh database for the next */
            books_free(t);
            t = books_new();
        }
    }
    books_free(t);
}

static void test_every_code_has_a_case(void **state)
{
    (void)state;
    static const char *const codes[] = {
#define ERROR(symbol, number, ...) (number) >= 100 && (number) < 140 ? #symbol : "",
#include "base/errors.def"
#undef ERROR
    };
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        bool found = codes[i][0] == '\0';
        char wanted[64];
        snprintf(wanted, sizeof(wanted), "-> %s", codes[i]);
        for (size_t j = 0; !found && j < sizeof(cases) / sizeof(cases[0]); j++) {
            const char *at = strstr(cases[j], wanted);
            found = at && at[strlen(wanted)] == '\0';
        }
        if (!found)
            fail_msg("%s has no case", codes[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_rule),
        cmocka_unit_test(test_every_code_has_a_case),
    };
    return books_run_tests(tests);
}
