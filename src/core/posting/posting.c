/*
 * Instructions to journals. Plain instructions are posted together (ledger_post_batch), so that
 * thousands cost one round trip; one that depends on what is available at its turn is posted by
 * itself, in order.
 */
#include "core/posting/posting.h"

#include "core/reasons.h"
#include "core/wallet/wallet.h"

#define TELLERS (ROLE_CASHIER | ROLE_MANAGER | ROLE_ADMIN | ROLE_AGENT)
#define CASHIER_AUTHORITY (ROLE_CASHIER | ROLE_MANAGER | ROLE_ADMIN)

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

static int find(struct call *c, struct str number, const struct asset *asset, bool debit,
                const char *field, struct wallet_key *ret_wallet, struct posting_result *result)
{
    int error = wallet_find_number(c, number, ret_wallet);
    if (error == ERR_NOT_FOUND)
        return fail(result,
                    debit ? ERR_LEDGER_DEBIT_ACCOUNT_NOT_FOUND
                          : ERR_LEDGER_CREDIT_ACCOUNT_NOT_FOUND,
                    field);
    TRY(error);
    if (debit && !may_debit(c, ret_wallet))
        return call_refuse(c, ERR_FORBIDDEN, field);
    if (ret_wallet->asset != asset->id)
        return fail(result, ERR_CURRENCY_MISMATCH, field);
    return OK;
}

/* Fills the journal's transfers; a broken rule is in result->error. */
static int make_transfers(struct call *c, const struct posting_instruction *in,
                          const struct asset *asset, struct posting_result *result)
{
    struct journal *journal = &result->journal;
    struct wallet_key primary, other;

    TRY(find(c, in->account_number, asset, in->debit_primary, "primaryAccountNumber", &primary,
             result));
    for (size_t i = 0; i < in->party_count && !result->error; i++) {
        const struct posting_party *party = &in->parties[i];
        struct transfer *transfer = &journal->transfers[i];
        TRY(find(c, party->account_number, asset, !in->debit_primary,
                 "counterParties.accountNumber", &other, result));
        if (result->error)
            break;
        if (str_present(party->currency) && !str_is(party->currency, asset->code))
            return fail(result, ERR_CURRENCY_MISMATCH, "counterParties.currencyCode");
        int error = money_from_decimal(party->amount, asset, &transfer->amount);
        if (error)
            return fail(result, error, "counterParties.amount");
        transfer->debit_account = in->debit_primary ? primary.id : other.id;
        transfer->credit_account = in->debit_primary ? other.id : primary.id;
        transfer->flags = in->funds == POSTING_FUNDS_FORCE ? TRANSFER_FORCE : 0;
        transfer->reason = REASON_TRANSFER;
    }
    return OK;
}

static int make_journal(struct call *c, const struct posting_instruction *in,
                        struct posting_result *result)
{
    const struct asset *asset = asset_find(in->currency);

    result->journal = (struct journal){
        .tenant_id = c->principal.tenant_id,
        .key = in->key,
        .description =
            in->party_count == 1 ? str_or(in->parties[0].narration, in->narration) : in->narration,
        .interaction_id = c->interaction_id,
        .actor_id = c->principal.user_id,
        /* One place more than parties: the shortfall's transfer. */
        .transfers = ARENA_ARRAY(c->arena, struct transfer, in->party_count + 1),
        .transfer_count = in->party_count,
    };
    if (!asset)
        return fail(result, ERR_UNKNOWN_CURRENCY, "currencyCode");
    return make_transfers(c, in, asset, result);
}

/* Does the outcome depend on what is available at the instruction's turn? */
static bool depends_on_funds(const struct posting_instruction *in)
{
    return in->funds == POSTING_FUNDS_AVAILABLE || str_present(in->overdraft_source);
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

/* ON_AVAILABLE_BALANCE ignores an arranged overdraft; a source account covers what is missing. */
static int arrange_funds(struct call *c, const struct posting_instruction *in,
                         struct posting_result *result)
{
    struct journal *journal = &result->journal;
    struct wallet_key source;
    money_t needed = 0, there;
    id_t64 debited = journal->transfers[0].debit_account;

    for (size_t i = 0; i < journal->transfer_count; i++) {
        if (journal->transfers[i].debit_account != debited)
            return OK; /* several debited accounts: each is checked by the ledger */
        if (money_add(needed, journal->transfers[i].amount, &needed))
            return fail(result, ERR_LEDGER_AMOUNT_OVERFLOW, "counterParties.amount");
    }
    TRY(spendable(c, debited, in->funds != POSTING_FUNDS_AVAILABLE, &there));
    if (needed <= there)
        return OK;
    if (!str_present(in->overdraft_source))
        return fail(result, ERR_INSUFFICIENT_FUNDS, NULL);
    TRY(find(c, in->overdraft_source, asset_find(in->currency), true,
             "insufficientFundHandler.overDraftFundOriginatingAccountNumberId", &source, result));
    if (result->error)
        return OK;
    memmove(journal->transfers + 1, journal->transfers,
            journal->transfer_count * sizeof(*journal->transfers));
    journal->transfers[0] = (struct transfer){.debit_account = source.id,
                                              .credit_account = debited,
                                              .amount = needed - there,
                                              .reason = REASON_TRANSFER};
    journal->transfer_count++;
    return OK;
}

/* A refused key stays refused: the same instruction cannot succeed later under it. */
static int record_refusals(struct call *c, struct posting_result *results, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t hash[LEDGER_HASH_SIZE];
        const struct journal *journal = &results[i].journal;
        if (!results[i].error || results[i].replayed || str_empty(journal->key) ||
            results[i].error == ERR_LEDGER_KEY_MISMATCH)
            continue;
        ledger_journal_hash(journal, hash);
        TRY(ledger_record_refusal(c->ledger, journal->tenant_id, journal->key,
                                  (struct str){(const char *)hash, sizeof(hash)},
                                  results[i].error));
    }
    return OK;
}

static int post_run(struct call *c, struct posting_result *results, size_t count)
{
    struct journal *journals = ARENA_ARRAY(c->arena, struct journal, count + 1);
    size_t *places = ARENA_ARRAY(c->arena, size_t, count + 1);
    int *errors = ARENA_ARRAY(c->arena, int, count + 1);
    size_t posted = 0;

    for (size_t i = 0; i < count; i++) {
        if (results[i].error)
            continue;
        places[posted] = i;
        journals[posted++] = results[i].journal;
    }
    if (posted > 0)
        TRY(ledger_post_batch(c->ledger, journals, posted, errors));
    for (size_t i = 0; i < posted; i++) {
        results[places[i]].error = errors[i];
        results[places[i]].journal = journals[i];
    }
    return record_refusals(c, results, count);
}

static int post_dependent(struct call *c, const struct posting_instruction *in,
                          struct posting_result *result)
{
    id_t64 done = 0;

    if (result->error)
        return record_refusals(c, result, 1);
    /* The journal's legs depend on the moment, so a replay is recognised before they are made. */
    uint8_t hash[LEDGER_HASH_SIZE];
    ledger_journal_hash(&result->journal, hash);
    result->journal.body_hash =
        arena_copy(c->arena, (struct str){(const char *)hash, sizeof(hash)});
    int error = ledger_find_key(c->ledger, c->principal.tenant_id, in->key,
                                result->journal.body_hash, &done);
    if (error && !is_refusal(error))
        return error;
    result->error = error;
    if (!error && !done)
        TRY(arrange_funds(c, in, result));
    if (!result->error) {
        error = ledger_post_journal(c->ledger, &result->journal, NULL, &result->replayed);
        if (error && !is_refusal(error))
            return error;
        result->error = error;
    }
    return record_refusals(c, result, 1);
}

int posting_execute(struct call *c, const struct posting_instruction *instructions, size_t count,
                    struct posting_result *ret_results)
{
    size_t start = 0;

    for (size_t i = 0; i < count; i++) {
        ret_results[i] = (struct posting_result){0};
        if (instructions[i].funds == POSTING_FUNDS_FORCE && !call_has_role(c, CASHIER_AUTHORITY))
            return call_refuse(c, ERR_LEDGER_OVERDRAFT_FORBIDDEN,
                               "insufficientFundHandler.insufficientFundAuthorizationMode");
        TRY(make_journal(c, &instructions[i], &ret_results[i]));
        if (!depends_on_funds(&instructions[i]))
            continue;
        TRY(post_run(c, ret_results + start, i - start));
        TRY(post_dependent(c, &instructions[i], &ret_results[i]));
        start = i + 1;
    }
    return post_run(c, ret_results + start, count - start);
}
