/*
 * Instructions to journals. Plain instructions are posted together (ledger_post_batch), so that
 * thousands cost one round trip; one that depends on what is available at its turn is posted by
 * itself, in order.
 *
 * A key stands for the instruction as it was sent, not for the accounts it led to: the journal's
 * body hash is taken from the instruction.
 */
#include "core/posting/posting.h"

#include <stdlib.h>

#include "base/digest.h"
#include "base/json_build.h"
#include "core/posting/account_book.h"
#include "core/reasons.h"

#define TELLERS (ROLE_CASHIER | ROLE_MANAGER | ROLE_ADMIN | ROLE_AGENT)
#define CASHIER_AUTHORITY (ROLE_CASHIER | ROLE_MANAGER | ROLE_ADMIN)

_Static_assert(SHA256_SIZE == LEDGER_HASH_SIZE, "the body hash is SHA-256");

static int fail(struct posting_result *result, int error, const char *field)
{
    result->error = error;
    result->field = field;
    return OK;
}

/* Errors that say why this one instruction cannot be; anything else ends the call. */
static bool is_refusal(int error)
{
    return error <= -40 && error > -200;
}

static bool may_debit(const struct call *c, const struct wallet_key *wallet)
{
    return call_has_role(c, TELLERS) || call_may_act_for_user(c, wallet->user_id);
}

bool posting_may_see(const struct call *c, const struct wallet *wallet)
{
    return call_has_role(c, CASHIER_AUTHORITY) || call_may_act_for_user(c, wallet->user_id);
}

/* ---- What a key stands for ---- */

static void add_text(struct buf *out, struct str text)
{
    const uint64_t len = str_present(text) ? text.len : UINT64_MAX;

    buf_add(out, &len, sizeof(len));
    if (text.len)
        buf_add_str(out, text);
}

static void add_number(struct buf *out, int64_t number)
{
    buf_add(out, &number, sizeof(number));
}

static struct str hash_of(struct call *c, const struct posting_instruction *in)
{
    struct buf text = buf_new(c->arena, 256 + in->party_count * 96);
    uint8_t *hash = arena_alloc(c->arena, SHA256_SIZE);

    add_text(&text, in->account_number);
    add_text(&text, in->currency);
    add_text(&text, in->narration);
    add_text(&text, in->overdraft_source);
    add_number(&text, in->debit_primary);
    add_number(&text, in->funds);
    for (size_t i = 0; i < in->party_count; i++) {
        const struct posting_party *party = &in->parties[i];
        add_text(&text, party->account_number);
        add_text(&text, party->currency);
        add_text(&text, party->narration);
        add_number(&text, party->amount.coefficient);
        add_number(&text, party->amount.scale);
    }
    digest_sha256(buf_str(&text), hash);
    return (struct str){(const char *)hash, SHA256_SIZE};
}

/* ---- The journal ---- */

static int find(struct call *c, struct account_book *book, struct str number, bool debit,
                const char *field, struct wallet_key *ret_wallet, struct posting_result *result)
{
    int error = account_book_find(book, number, ret_wallet);
    if (error == ERR_NOT_FOUND)
        return fail(result,
                    debit ? ERR_LEDGER_DEBIT_ACCOUNT_NOT_FOUND
                          : ERR_LEDGER_CREDIT_ACCOUNT_NOT_FOUND,
                    field);
    TRY(error);
    if (debit && !may_debit(c, ret_wallet))
        return call_refuse(c, ERR_FORBIDDEN, field);
    return OK;
}

static int read_amounts(const struct posting_instruction *in, const struct asset *asset,
                        struct posting_result *result)
{
    for (size_t i = 0; i < in->party_count; i++) {
        int error =
            money_from_decimal(in->parties[i].amount, asset, &result->journal.transfers[i].amount);
        if (error)
            return fail(result, error, "counterParties.amount");
    }
    return OK;
}

/* The accounts hold other currencies; what their status says comes first. */
static int refuse_currency(struct call *c, const char *field, struct posting_result *result)
{
    const struct journal *journal = &result->journal;

    for (size_t i = 0; i < journal->transfer_count; i++) {
        const struct transfer *transfer = &journal->transfers[i];
        int error = ledger_check_accounts(c->ledger, journal->tenant_id, transfer->debit_account,
                                          transfer->credit_account);
        if (error && !is_refusal(error))
            return error;
        if (error)
            return fail(result, error, NULL);
    }
    return fail(result, ERR_CURRENCY_MISMATCH, field);
}

/* Fills in the accounts; a broken rule is in result->error. */
static int find_accounts(struct call *c, struct account_book *book,
                         const struct posting_instruction *in, const struct asset *asset,
                         struct posting_result *result)
{
    const char *mismatch = NULL;
    struct wallet_key primary, other;

    TRY(find(c, book, in->account_number, in->debit_primary, "primaryAccountNumber", &primary,
             result));
    if (!result->error && primary.asset != asset->id)
        mismatch = "primaryAccountNumber";
    for (size_t i = 0; i < in->party_count && !result->error; i++) {
        const struct posting_party *party = &in->parties[i];
        struct transfer *transfer = &result->journal.transfers[i];
        TRY(find(c, book, party->account_number, !in->debit_primary, "counterParties.accountNumber",
                 &other, result));
        if (result->error)
            break;
        if (!mismatch && other.asset != asset->id)
            mismatch = "counterParties.accountNumber";
        if (!mismatch && str_present(party->currency) && !str_is(party->currency, asset->code))
            mismatch = "counterParties.currencyCode";
        transfer->debit_account = in->debit_primary ? primary.id : other.id;
        transfer->credit_account = in->debit_primary ? other.id : primary.id;
        transfer->flags = in->funds == POSTING_FUNDS_FORCE ? TRANSFER_FORCE : 0;
        transfer->reason = REASON_TRANSFER;
    }
    return mismatch && !result->error ? refuse_currency(c, mismatch, result) : OK;
}

/* With one counterparty its narration describes the journal; those of several are kept with it. */
static void describe(struct call *c, const struct posting_instruction *in, struct journal *journal)
{
    bool any = false;

    journal->description = in->narration;
    if (in->party_count == 1) {
        journal->description = str_or(in->parties[0].narration, in->narration);
        return;
    }
    for (size_t i = 0; i < in->party_count; i++)
        any |= !str_empty(in->parties[i].narration);
    if (!any)
        return;
    struct buf out = json_object(c->arena);
    json_open(&out, "narrations", '[');
    for (size_t i = 0; i < in->party_count; i++)
        json_put_item(&out, str_or(in->parties[i].narration, STR("")));
    json_close(&out, ']');
    journal->metadata = json_object_end(&out);
}

/* Places for the transfers, and for one more per debited account that covers its shortfall. */
static size_t capacity_of(const struct posting_instruction *in)
{
    return 2 * in->party_count;
}

static void forget_unused(struct journal *journal)
{
    while (journal->transfer_count && !journal->transfers[journal->transfer_count - 1].id)
        journal->transfer_count--;
}

/* A replay shows the first outcome as it is in the books, unless it is still on its way there. */
static int show_first(struct call *c, struct posting_result *result)
{
    struct journal first;
    int error =
        ledger_read_journal(c->sql, c->arena, c->principal.tenant_id, result->journal.id, &first);

    if (error == ERR_LEDGER_JOURNAL_NOT_FOUND)
        return OK;
    TRY(error);
    first.replayed = true;
    result->journal = first;
    return OK;
}

/* A rule was broken before the ledger was asked; what the key did before counts all the same. */
static int consider_key(struct call *c, struct posting_result *result)
{
    struct journal *journal = &result->journal;
    id_t64 done;
    int error =
        ledger_find_key(c->ledger, journal->tenant_id, journal->key, journal->body_hash, &done);

    if (error && !is_refusal(error))
        return error;
    if (error)
        return error == result->error ? OK : fail(result, error, NULL);
    if (!done)
        return OK;
    journal->id = done;
    journal->replayed = true;
    fail(result, OK, NULL);
    return show_first(c, result);
}

static int make_journal(struct call *c, struct account_book *book,
                        const struct posting_instruction *in, struct posting_result *result)
{
    const struct asset *asset = asset_find(in->currency);

    result->journal = (struct journal){
        .tenant_id = c->principal.tenant_id,
        .key = in->key,
        .body_hash = hash_of(c, in),
        .interaction_id = c->interaction_id,
        .actor_id = c->principal.user_id,
        .transfers = ARENA_ARRAY(c->arena, struct transfer, capacity_of(in)),
        .transfer_count = in->party_count,
    };
    describe(c, in, &result->journal);
    if (!asset)
        fail(result, ERR_UNKNOWN_CURRENCY, "currencyCode");
    else
        TRY(read_amounts(in, asset, result));
    if (!result->error)
        TRY(find_accounts(c, book, in, asset, result));
    return result->error ? consider_key(c, result) : OK;
}

/* ---- Funds ---- */

/* Does the outcome depend on what is available at the instruction's turn? */
static bool depends_on_funds(const struct posting_instruction *in)
{
    return in->funds == POSTING_FUNDS_AVAILABLE || str_present(in->overdraft_source);
}

/* What all transfers of the journal take from one account. */
struct need {
    id_t64 account_id;
    money_t amount;
};

static int by_account(const void *a, const void *b)
{
    id_t64 left = ((const struct need *)a)->account_id,
           right = ((const struct need *)b)->account_id;

    return (left > right) - (left < right);
}

static int sum_needs(struct call *c, struct posting_result *result, struct need **ret_needs,
                     size_t *ret_count)
{
    const struct journal *journal = &result->journal;
    struct need *needs = ARENA_ARRAY(c->arena, struct need, journal->transfer_count);
    size_t count = 0;

    for (size_t i = 0; i < journal->transfer_count; i++)
        needs[i] = (struct need){journal->transfers[i].debit_account, journal->transfers[i].amount};
    qsort(needs, journal->transfer_count, sizeof(*needs), by_account);
    for (size_t i = 0; i < journal->transfer_count; i++) {
        if (!count || needs[count - 1].account_id != needs[i].account_id)
            needs[count++] = needs[i];
        else if (money_add(needs[count - 1].amount, needs[i].amount, &needs[count - 1].amount))
            return fail(result, ERR_LEDGER_AMOUNT_OVERFLOW, "counterParties.amount");
    }
    *ret_needs = needs;
    *ret_count = count;
    return OK;
}

static int spendable(struct call *c, id_t64 account_id, bool overdraft, money_t *ret_money)
{
    struct ledger_account account;

    TRY(ledger_get_account(c->ledger, c->principal.tenant_id, account_id, &account));
    *ret_money = ledger_available(&account);
    if (overdraft && (account.flags & LEDGER_OVERDRAFT))
        *ret_money += account.overdraft_limit;
    return OK;
}

static int find_source(struct call *c, struct account_book *book,
                       const struct posting_instruction *in, struct wallet_key *ret_source,
                       struct posting_result *result)
{
    static const char field[] = "insufficientFundHandler.overDraftFundOriginatingAccountNumberId";

    TRY(find(c, book, in->overdraft_source, true, field, ret_source, result));
    if (!result->error && ret_source->asset != asset_find(in->currency)->id)
        return fail(result, ERR_CURRENCY_MISMATCH, field);
    return OK;
}

/* ON_AVAILABLE_BALANCE ignores an arranged overdraft; a source account covers what is missing,
 * first of all. */
static int arrange_funds(struct call *c, struct account_book *book,
                         const struct posting_instruction *in, struct posting_result *result)
{
    struct journal *journal = &result->journal;
    size_t need_count = 0, covered = 0, own = journal->transfer_count;
    struct wallet_key source = {0};
    struct need *needs = NULL;

    TRY(sum_needs(c, result, &needs, &need_count));
    for (size_t i = 0; i < need_count && !result->error; i++) {
        money_t there;
        TRY(spendable(c, needs[i].account_id, in->funds != POSTING_FUNDS_AVAILABLE, &there));
        if (needs[i].amount <= there)
            continue;
        if (!str_present(in->overdraft_source))
            return fail(result, ERR_INSUFFICIENT_FUNDS, NULL);
        if (!source.id)
            TRY(find_source(c, book, in, &source, result));
        journal->transfers[own + covered++] =
            (struct transfer){.debit_account = source.id,
                              .credit_account = needs[i].account_id,
                              .amount = needs[i].amount - there,
                              .reason = REASON_TRANSFER};
    }
    if (!covered || result->error)
        return OK;
    struct transfer *in_order = ARENA_ARRAY(c->arena, struct transfer, own + covered);
    memcpy(in_order, journal->transfers + own, covered * sizeof(*in_order));
    memcpy(in_order + covered, journal->transfers, own * sizeof(*in_order));
    journal->transfers = in_order;
    journal->transfer_count = own + covered;
    return OK;
}

/* ---- Execution ---- */

/* A refused key stays refused: the same instruction cannot succeed later under it. */
static int record_refusals(struct call *c, struct posting_result *results, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct journal *journal = &results[i].journal;
        if (!results[i].error || journal->replayed || results[i].error == ERR_LEDGER_KEY_MISMATCH)
            continue;
        TRY(ledger_record_refusal(c->ledger, journal->tenant_id, journal->key, journal->body_hash,
                                  results[i].error));
    }
    return OK;
}

static int take_outcome(struct call *c, int error, struct posting_result *result)
{
    if (error && !is_refusal(error))
        return error;
    result->error = error;
    return !error && result->journal.replayed ? show_first(c, result) : OK;
}

static int post_run(struct call *c, struct posting_result *results, size_t count)
{
    struct journal *journals = ARENA_ARRAY(c->arena, struct journal, count + 1);
    size_t *places = ARENA_ARRAY(c->arena, size_t, count + 1);
    int *errors = ARENA_ARRAY(c->arena, int, count + 1);
    size_t posted = 0;

    for (size_t i = 0; i < count; i++) {
        if (results[i].error || results[i].journal.id)
            continue; /* refused, or done before */
        places[posted] = i;
        journals[posted++] = results[i].journal;
    }
    if (posted > 0)
        TRY(ledger_post_batch(c->ledger, journals, posted, errors));
    for (size_t i = 0; i < posted; i++) {
        results[places[i]].journal = journals[i];
        TRY(take_outcome(c, errors[i], &results[places[i]]));
    }
    return record_refusals(c, results, count);
}

/* The journal's transfers depend on the moment, so a replay is recognised before they are made. */
static int post_dependent(struct call *c, struct account_book *book,
                          const struct posting_instruction *in, struct posting_result *result)
{
    struct journal *journal = &result->journal;
    id_t64 done = 0;

    if (result->error || journal->id)
        return record_refusals(c, result, 1);
    int error =
        ledger_find_key(c->ledger, journal->tenant_id, journal->key, journal->body_hash, &done);
    if (!error && done) /* room for what the first one had; ledger_post_journal fills it in */
        journal->transfer_count =
            capacity_of(in) < LEDGER_JOURNAL_MAX ? capacity_of(in) : LEDGER_JOURNAL_MAX;
    else if (!error)
        TRY(arrange_funds(c, book, in, result));
    if (!error && !result->error) {
        error = ledger_post_journal(c->ledger, journal, NULL, NULL);
        forget_unused(journal);
    } else if (!error) {
        error = result->error;
    }
    TRY(take_outcome(c, error, result));
    return record_refusals(c, result, 1);
}

/* Does the account's own status or permission refuse its side of a posting? */
static bool is_barred(unsigned flags, bool debit)
{
    return flags & (LEDGER_CLOSED | LEDGER_FROZEN | LEDGER_READ_ONLY) ||
           flags & (debit ? LEDGER_CREDIT_ONLY : LEDGER_DEBIT_ONLY);
}

/* The ledger's rules are about accounts and amounts; which field of the instruction is that? */
static int name_field(struct call *c, struct account_book *book,
                      const struct posting_instruction *in, struct posting_result *result)
{
    struct ledger_account account;
    struct wallet_key primary;

    switch (-result->error) {
    case -ERR_LEDGER_KEY_MISMATCH:
        result->field = "instructionIdempotencykey";
        return OK;
    case -ERR_LEDGER_POSTING_TOO_LARGE:
        result->field = "counterParties";
        return OK;
    case -ERR_LEDGER_ACCOUNTS_SAME:
        result->field = "counterParties.accountNumber";
        return OK;
    case -ERR_LEDGER_ACCOUNT_CLOSED:
    case -ERR_LEDGER_ACCOUNT_FROZEN:
    case -ERR_LEDGER_ACCOUNT_READ_ONLY:
    case -ERR_LEDGER_ACCOUNT_CREDIT_ONLY:
    case -ERR_LEDGER_ACCOUNT_DEBIT_ONLY:
        TRY(account_book_find(book, in->account_number, &primary));
        TRY(ledger_get_account(c->ledger, c->principal.tenant_id, primary.id, &account));
        result->field = is_barred(account.flags, in->debit_primary)
                            ? "primaryAccountNumber"
                            : "counterParties.accountNumber";
        return OK;
    default:
        result->field = "counterParties.amount";
        return OK;
    }
}

static int name_fields(struct call *c, struct account_book *book,
                       const struct posting_instruction *instructions, size_t count,
                       struct posting_result *results)
{
    for (size_t i = 0; i < count; i++)
        if (results[i].error && !results[i].field)
            TRY(name_field(c, book, &instructions[i], &results[i]));
    return OK;
}

int posting_execute(struct call *c, const struct posting_instruction *instructions, size_t count,
                    struct posting_result *ret_results)
{
    struct account_book *book = account_book_new(c, instructions, count);
    size_t start = 0;

    for (size_t i = 0; i < count; i++) {
        ret_results[i] = (struct posting_result){0};
        if (instructions[i].funds == POSTING_FUNDS_FORCE && !call_has_role(c, CASHIER_AUTHORITY))
            return call_refuse(c, ERR_LEDGER_OVERDRAFT_FORBIDDEN,
                               "insufficientFundHandler.insufficientFundAuthorizationMode");
        TRY(make_journal(c, book, &instructions[i], &ret_results[i]));
        if (!depends_on_funds(&instructions[i]))
            continue;
        TRY(post_run(c, ret_results + start, i - start));
        TRY(post_dependent(c, book, &instructions[i], &ret_results[i]));
        start = i + 1;
    }
    TRY(post_run(c, ret_results + start, count - start));
    return name_fields(c, book, instructions, count, ret_results);
}
