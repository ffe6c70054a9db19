/* The auditor's arithmetic: one rule after the other, as docs/ledger.md tells them. */
#include "auditor.h"

#include <assert.h>

struct audited_account *auditor_account(struct auditor *auditor, id_t64 id)
{
    for (size_t i = 0; i < auditor->account_count; i++)
        if (auditor->accounts[i].id == id)
            return &auditor->accounts[i];
    return NULL;
}

static struct audited_hold *hold_of(struct auditor *auditor, id_t64 tenant, id_t64 id)
{
    for (size_t i = 0; i < auditor->hold_count; i++)
        if (auditor->holds[i].id == id && auditor->holds[i].tenant == tenant)
            return &auditor->holds[i];
    return NULL;
}

static bool is_transfer(const struct auditor *auditor, id_t64 tenant, id_t64 id)
{
    for (size_t i = 0; i < auditor->journal_count; i++)
        for (size_t j = 0; j < auditor->journals[i].count; j++)
            if (auditor->journals[i].tenant == tenant && auditor->journals[i].results[j].id == id)
                return true;
    return false;
}

static int64_t balance(const struct audited_account *a)
{
    return a->credits_posted - a->debits_posted;
}

static int64_t free_funds(const struct audited_account *a)
{
    return balance(a) - a->debits_pending - a->liens;
}

static int settle(struct auditor *auditor, id_t64 tenant, struct transfer *t)
{
    if (t->amount < 0)
        return ERR_LEDGER_AMOUNT_NOT_POSITIVE;
    if (t->amount > MONEY_MAX)
        return ERR_LEDGER_AMOUNT_OVERFLOW;
    struct audited_hold *hold = hold_of(auditor, tenant, t->pending_id);
    if (!hold)
        return is_transfer(auditor, tenant, t->pending_id) ? ERR_LEDGER_PENDING_NOT_PENDING
                                                           : ERR_LEDGER_PENDING_NOT_FOUND;
    if (hold->state == HOLD_POSTED)
        return ERR_LEDGER_PENDING_ALREADY_POSTED;
    if (hold->state == HOLD_VOIDED)
        return ERR_LEDGER_PENDING_ALREADY_VOIDED;
    if (hold->state == HOLD_EXPIRED || (hold->expires && hold->expires <= auditor->now))
        return ERR_LEDGER_PENDING_EXPIRED;
    if (t->amount > hold->amount)
        return ERR_LEDGER_PENDING_AMOUNT_EXCEEDED;
    if (t->kind == TRANSFER_VOID && t->amount && t->amount != hold->amount)
        return ERR_LEDGER_PENDING_VOID_PARTIAL;
    if ((t->debit_account && t->debit_account != hold->debit) ||
        (t->credit_account && t->credit_account != hold->credit))
        return ERR_LEDGER_PENDING_ACCOUNTS_DIFFER;
    struct audited_account *debit = auditor_account(auditor, hold->debit);
    struct audited_account *credit = auditor_account(auditor, hold->credit);
    debit->debits_pending -= hold->amount;
    credit->credits_pending -= hold->amount;
    if (!t->amount)
        t->amount = hold->amount;
    if (t->kind == TRANSFER_POST) {
        debit->debits_posted += t->amount;
        credit->credits_posted += t->amount;
    }
    hold->state = t->kind == TRANSFER_POST ? HOLD_POSTED : HOLD_VOIDED;
    t->debit_account = hold->debit;
    t->credit_account = hold->credit;
    t->debit_balance_after = balance(debit);
    t->credit_balance_after = balance(credit);
    return OK;
}

static int refused_by_flags(const struct audited_account *debit,
                            const struct audited_account *credit)
{
    static const struct {
        unsigned flag;
        bool on_debit, on_credit;
        int error;
    } rules[] = {
        {LEDGER_CLOSED, true, true, ERR_LEDGER_ACCOUNT_CLOSED},
        {LEDGER_FROZEN, true, true, ERR_LEDGER_ACCOUNT_FROZEN},
        {LEDGER_READ_ONLY, true, true, ERR_LEDGER_ACCOUNT_READ_ONLY},
        {LEDGER_CREDIT_ONLY, true, false, ERR_LEDGER_ACCOUNT_CREDIT_ONLY},
        {LEDGER_DEBIT_ONLY, false, true, ERR_LEDGER_ACCOUNT_DEBIT_ONLY},
    };
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if ((rules[i].on_debit && debit->flags & rules[i].flag) ||
            (rules[i].on_credit && credit->flags & rules[i].flag))
            return rules[i].error;
    return OK;
}

/* The lowest that free funds may fall to; INT64_MIN: no limit. */
static int64_t floor_of(const struct audited_account *a)
{
    int64_t lowest = INT64_MIN;
    if (a->flags & LEDGER_NO_OVERDRAFT)
        lowest = 0;
    if (a->flags & LEDGER_OVERDRAFT && -a->overdraft > lowest)
        lowest = -a->overdraft;
    if (a->flags & LEDGER_MINIMUM && a->minimum > lowest)
        lowest = a->minimum;
    return lowest;
}

static int move(struct auditor *auditor, id_t64 tenant, struct transfer *t)
{
    if (t->amount <= 0)
        return ERR_LEDGER_AMOUNT_NOT_POSITIVE;
    if (t->amount > MONEY_MAX)
        return ERR_LEDGER_AMOUNT_OVERFLOW;
    struct audited_account *debit = auditor_account(auditor, t->debit_account);
    struct audited_account *credit = auditor_account(auditor, t->credit_account);
    if (!debit)
        return ERR_LEDGER_DEBIT_ACCOUNT_NOT_FOUND;
    if (!credit)
        return ERR_LEDGER_CREDIT_ACCOUNT_NOT_FOUND;
    if (debit == credit)
        return ERR_LEDGER_ACCOUNTS_SAME;
    if (debit->tenant != tenant || credit->tenant != tenant)
        return ERR_LEDGER_TENANTS_DIFFER;
    if (debit->asset != credit->asset)
        return ERR_LEDGER_ASSETS_DIFFER;
    int error = refused_by_flags(debit, credit);
    if (error)
        return error;
    if (t->flags & TRANSFER_BALANCING_DEBIT) {
        int64_t lowest = floor_of(debit);
        int64_t there = free_funds(debit) - (lowest == INT64_MIN ? 0 : lowest);
        t->amount = there < t->amount ? there : t->amount;
    }
    if (t->flags & TRANSFER_BALANCING_CREDIT) {
        int64_t debt = -(balance(credit) + credit->credits_pending);
        t->amount = debt < t->amount ? debt : t->amount;
    }
    if (t->amount <= 0)
        return ERR_LEDGER_NOTHING_TO_MOVE;
    int64_t left = free_funds(debit) - t->amount;
    if (!(t->flags & TRANSFER_FORCE)) {
        if (debit->flags & LEDGER_NO_OVERDRAFT && left < 0)
            return ERR_INSUFFICIENT_FUNDS;
        if (debit->flags & LEDGER_OVERDRAFT && left < -debit->overdraft)
            return ERR_LEDGER_OVERDRAFT_EXCEEDED;
        if (debit->flags & LEDGER_MINIMUM && left < debit->minimum)
            return ERR_LEDGER_MINIMUM_BALANCE;
    }
    if (balance(debit) - debit->debits_pending - t->amount < -MONEY_MAX ||
        balance(credit) + credit->credits_pending + t->amount > MONEY_MAX)
        return ERR_LEDGER_BALANCE_OVERFLOW;
    if (t->kind == TRANSFER_PENDING) {
        debit->debits_pending += t->amount;
        credit->credits_pending += t->amount;
    } else {
        debit->debits_posted += t->amount;
        credit->credits_posted += t->amount;
    }
    t->debit_balance_after = balance(debit);
    t->credit_balance_after = balance(credit);
    return OK;
}

static int find_key(const struct auditor *auditor, id_t64 tenant, int key, int body,
                    const struct audited_journal **ret_replay)
{
    for (size_t i = 0; i < auditor->journal_count; i++) {
        const struct audited_journal *journal = &auditor->journals[i];
        if (journal->tenant != tenant || journal->key != key)
            continue;
        *ret_replay = journal;
        return journal->body == body ? OK : ERR_LEDGER_KEY_MISMATCH;
    }
    for (size_t i = 0; i < auditor->refusal_count; i++) {
        const struct audited_refusal *refusal = &auditor->refusals[i];
        if (refusal->tenant == tenant && refusal->key == key)
            return refusal->body == body ? refusal->error : ERR_LEDGER_KEY_MISMATCH;
    }
    return OK;
}

int auditor_post(struct auditor *auditor, id_t64 tenant, int key, int body,
                 struct transfer *expected, size_t count, const struct audited_journal **ret_replay)
{
    static struct auditor before;
    *ret_replay = NULL;
    if (count == 0)
        return ERR_LEDGER_EMPTY_JOURNAL;
    if (key >= 0) {
        int error = find_key(auditor, tenant, key, body, ret_replay);
        if (error || *ret_replay)
            return error;
    }
    before = *auditor;
    for (size_t i = 0; i < count; i++) {
        bool moves = expected[i].kind == TRANSFER_POSTED || expected[i].kind == TRANSFER_PENDING;
        int error =
            moves ? move(auditor, tenant, &expected[i]) : settle(auditor, tenant, &expected[i]);
        if (error) {
            *auditor = before;
            return error;
        }
    }
    return OK;
}

void auditor_note_ids(struct auditor *auditor, const struct journal *journal, int key, int body)
{
    assert(auditor->journal_count < AUDITOR_JOURNALS);
    struct audited_journal *noted = &auditor->journals[auditor->journal_count++];
    *noted = (struct audited_journal){.id = journal->id,
                                      .tenant = journal->tenant_id,
                                      .reverses = journal->reverses,
                                      .key = key,
                                      .body = body,
                                      .count = journal->transfer_count};
    for (size_t i = 0; i < journal->transfer_count; i++) {
        const struct transfer *t = &journal->transfers[i];
        noted->results[i] = *t;
        if (t->kind != TRANSFER_PENDING)
            continue;
        assert(auditor->hold_count < AUDITOR_HOLDS);
        auditor->holds[auditor->hold_count++] =
            (struct audited_hold){.id = t->id,
                                  .tenant = journal->tenant_id,
                                  .debit = t->debit_account,
                                  .credit = t->credit_account,
                                  .amount = t->amount,
                                  .expires = t->timeout ? auditor->now + t->timeout : 0};
    }
}

int auditor_reverse(struct auditor *auditor, id_t64 tenant, id_t64 journal_id,
                    struct transfer *expected, size_t *ret_count)
{
    const struct audited_journal *original = NULL, *replay;
    bool reversed = false;
    for (size_t i = 0; i < auditor->journal_count; i++) {
        const struct audited_journal *journal = &auditor->journals[i];
        if (journal->tenant == tenant && journal->id == journal_id)
            original = journal;
        reversed |= journal->tenant == tenant && journal->reverses == journal_id;
    }
    *ret_count = 0;
    if (!original)
        return ERR_LEDGER_JOURNAL_NOT_FOUND;
    if (reversed)
        return ERR_LEDGER_ALREADY_REVERSED;
    for (size_t i = original->count; i-- > 0;) {
        const struct transfer *t = &original->results[i];
        struct transfer *opposite = &expected[*ret_count];
        *opposite = (struct transfer){0};
        if (t->kind == TRANSFER_POSTED || t->kind == TRANSFER_POST) {
            opposite->debit_account = t->credit_account;
            opposite->credit_account = t->debit_account;
            opposite->amount = t->amount;
        } else if (t->kind == TRANSFER_PENDING &&
                   hold_of(auditor, tenant, t->id)->state == HOLD_OPEN) {
            opposite->kind = TRANSFER_VOID;
            opposite->pending_id = t->id;
        } else {
            continue;
        }
        ++*ret_count;
    }
    return auditor_post(auditor, tenant, -1, 0, expected, *ret_count, &replay);
}

void auditor_refuse(struct auditor *auditor, id_t64 tenant, int key, int body, int error)
{
    const struct audited_journal *known = NULL;
    assert(auditor->refusal_count < AUDITOR_REFUSALS);
    if (find_key(auditor, tenant, key, body, &known) == OK && !known)
        auditor->refusals[auditor->refusal_count++] =
            (struct audited_refusal){.tenant = tenant, .key = key, .body = body, .error = error};
}

size_t auditor_expire(struct auditor *auditor)
{
    size_t count = 0;
    for (size_t i = 0; i < auditor->hold_count; i++) {
        struct audited_hold *hold = &auditor->holds[i];
        if (hold->state != HOLD_OPEN || !hold->expires || hold->expires > auditor->now)
            continue;
        hold->state = HOLD_EXPIRED;
        auditor_account(auditor, hold->debit)->debits_pending -= hold->amount;
        auditor_account(auditor, hold->credit)->credits_pending -= hold->amount;
        count++;
    }
    return count;
}

int auditor_close(struct auditor *auditor, id_t64 tenant, id_t64 account_id)
{
    struct audited_account *account = auditor_account(auditor, account_id);
    if (!account || account->tenant != tenant)
        return ERR_NOT_FOUND;
    if (account->flags & LEDGER_CLOSED)
        return OK;
    if (balance(account) || account->debits_pending || account->credits_pending || account->liens)
        return ERR_LEDGER_ACCOUNT_NOT_EMPTY;
    account->flags |= LEDGER_CLOSED;
    return OK;
}
