/*
 * Searching and reversing journals. The ledger finds candidates by one condition (a text, or what a
 * transfer is); the other conditions are tried here on each journal.
 */
#include "core/journals/journals.h"

#include "core/reasons.h"
#include "core/wallet/events.h"

#define TRIED_AT_ONCE 200
/* A search that matches nothing ends after so many rounds and is continued by its cursor. */
#define MAX_ROUNDS 20

const char *ledger_code_name(int code)
{
    switch ((enum ledger_account_code)code) {
    case LEDGER_CUSTOMER:
        return "customer";
    case LEDGER_SETTLEMENT:
        return "settlement";
    case LEDGER_FEE_INCOME:
        return "fee income";
    case LEDGER_FX_POSITION:
        return "FX position";
    case LEDGER_FX_INCOME:
        return "FX income";
    case LEDGER_SUSPENSE:
        return "suspense";
    case LEDGER_LOAN_PRINCIPAL:
        return "loan principal";
    case LEDGER_INTEREST_INCOME:
        return "interest income";
    case LEDGER_PENALTY_INCOME:
        return "penalty income";
    case LEDGER_INVESTMENT_POOL:
        return "investment pool";
    case LEDGER_OPENING:
        return "opening";
    }
    return "other";
}

/* ---- Views ---- */

static int account_of(struct call *c, id_t64 account_id, struct ledger_account *ret_account)
{
    return c->ledger
               ? ledger_get_account(c->ledger, c->principal.tenant_id, account_id, ret_account)
               : ledger_read_account(c->sql, c->principal.tenant_id, account_id, ret_account);
}

static int make_view(struct call *c, const struct journal *journal, struct journal_view *ret_view)
{
    size_t count = journal->transfer_count;
    struct ledger_account debited = {0}, credited = {0};

    ret_view->journal = *journal;
    ret_view->legs = ARENA_ARRAY(c->arena, struct journal_leg, count + 1);
    for (size_t i = 0; i < count; i++) {
        const struct transfer *transfer = &journal->transfers[i];
        /* Journals go on from the account they were at: often there is nothing new to read. */
        if (debited.id != transfer->debit_account)
            TRY(account_of(c, transfer->debit_account, &debited));
        if (credited.id != transfer->credit_account)
            TRY(account_of(c, transfer->credit_account, &credited));
        ret_view->legs[i] = (struct journal_leg){.asset = asset_by_id(debited.asset),
                                                 .debit_code = debited.code,
                                                 .credit_code = credited.code};
    }
    return OK;
}

int journal_get(struct call *c, id_t64 journal_id, const char *field, struct journal_view *ret_view)
{
    struct journal journal;
    int error = ledger_read_journal(c->sql, c->arena, c->principal.tenant_id, journal_id, &journal);

    if (error == ERR_LEDGER_JOURNAL_NOT_FOUND)
        return call_refuse(c, error, field);
    TRY(error);
    return make_view(c, &journal, ret_view);
}

/* ---- Searching ---- */

static bool text_matches(struct str wanted, struct str text)
{
    return !str_present(wanted) || (str_present(text) && str_eq(wanted, text));
}

static bool transfer_matches(const struct journal_filter *filter, const struct transfer *transfer,
                             const struct asset *asset)
{
    return (!filter->reason || filter->reason == transfer->reason) &&
           (!filter->amount || filter->amount == transfer->amount) &&
           (!filter->asset || filter->asset == asset);
}

static bool matches(const struct journal_filter *filter, const struct journal_view *view)
{
    const struct journal *journal = &view->journal;

    if (!text_matches(filter->key, journal->key) ||
        !text_matches(filter->reference, journal->reference) ||
        !text_matches(filter->interaction_id, journal->interaction_id) ||
        journal->posted_at < filter->from || (filter->to && journal->posted_at >= filter->to))
        return false;
    for (size_t i = 0; i < journal->transfer_count; i++)
        if (transfer_matches(filter, &journal->transfers[i], view->legs[i].asset))
            return true;
    return false;
}

/* Candidates below *before, newest first; *before moves on, 0 when there are no more. */
static int find_by_text(struct call *c, const struct journal_filter *filter, id_t64 *before,
                        struct journal **ret_journals, size_t *ret_count)
{
    enum ledger_text by = LEDGER_BY_INTERACTION;
    struct str text = filter->interaction_id;

    if (str_present(filter->reference)) {
        by = LEDGER_BY_REFERENCE;
        text = filter->reference;
    }
    if (str_present(filter->key)) {
        by = LEDGER_BY_KEY;
        text = filter->key;
    }
    TRY(ledger_find_journals(c->sql, c->arena, c->principal.tenant_id, by, text, *before,
                             TRIED_AT_ONCE, ret_journals, ret_count));
    *before = *ret_count == TRIED_AT_ONCE ? (*ret_journals)[*ret_count - 1].id : 0;
    return OK;
}

/* Transfers of one journal stand together, and a journal's id is that of its first one. */
static int find_by_transfer(struct call *c, const struct journal_filter *filter, id_t64 *before,
                            struct journal **ret_journals, size_t *ret_count)
{
    const struct ledger_search search = {.from = filter->from,
                                         .to = filter->to,
                                         .reason = filter->reason,
                                         .least = filter->amount,
                                         .most = filter->amount,
                                         .before = *before,
                                         .limit = TRIED_AT_ONCE};
    struct ledger_transfer *found;
    size_t count;
    id_t64 last = 0;

    TRY(ledger_search(c->sql, c->arena, c->principal.tenant_id, &search, &found, &count, before));
    *ret_journals = ARENA_ARRAY(c->arena, struct journal, count + 1);
    *ret_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (found[i].journal_id == last)
            continue;
        last = found[i].journal_id;
        TRY(ledger_read_journal(c->sql, c->arena, c->principal.tenant_id, last,
                                &(*ret_journals)[(*ret_count)++]));
    }
    if (*before && count)
        *before = last; /* not into the middle of a journal that was tried already */
    return OK;
}

int journal_search(struct call *c, const struct journal_filter *filter, const struct page *page,
                   struct journal_view **ret_views, size_t *ret_count, id_t64 *ret_next)
{
    bool by_text = str_present(filter->key) || str_present(filter->reference) ||
                   str_present(filter->interaction_id);
    struct journal_view *views =
        ARENA_ARRAY(c->arena, struct journal_view, (size_t)page->limit + 1);
    id_t64 before = page->before;
    size_t count = 0;

    *ret_next = 0;
    for (int round = 0; round < MAX_ROUNDS; round++) {
        struct journal *candidates;
        size_t candidate_count;
        TRY(by_text ? find_by_text(c, filter, &before, &candidates, &candidate_count)
                    : find_by_transfer(c, filter, &before, &candidates, &candidate_count));
        for (size_t i = 0; i < candidate_count; i++) {
            struct journal_view view;
            TRY(make_view(c, &candidates[i], &view));
            if (!matches(filter, &view))
                continue;
            if (count == (size_t)page->limit) {
                *ret_next = views[count - 1].journal.id;
                before = 0;
                break;
            }
            views[count++] = view;
        }
        if (!before)
            break;
    }
    if (before)
        *ret_next = before;
    *ret_views = views;
    *ret_count = count;
    return OK;
}

/* ---- Reversing ---- */

static int add_entry(struct call *c, const struct journal *reversal,
                     const struct transfer *transfer, bool debit)
{
    struct wallet wallet;
    int error = sql_one(c->sql, c->arena, &wallet_row, &wallet,
                        ROW_SELECT(WALLET_ROW) " FROM wallet WHERE tenant_id = ? AND id = ?",
                        sql_int(c->principal.tenant_id),
                        sql_int(debit ? transfer->debit_account : transfer->credit_account));

    if (error == ERR_NOT_FOUND)
        return OK; /* a system account */
    TRY(error);
    struct wallet_entry entry = wallet_entry_for(c, &wallet, debit ? "debit" : "credit", "refund",
                                                 "completed", transfer->amount);
    entry.description = reversal->description;
    entry.journal_id = reversal->id;
    TRY(wallet_add_entries(c, &entry, 1));
    return wallet_entry_event(c, &entry);
}

int journal_reverse(struct call *c, id_t64 journal_id, struct str reason, const char *field,
                    struct journal_view *ret_view)
{
    struct journal first;
    struct journal reversal = {.tenant_id = c->principal.tenant_id,
                               .description = reason,
                               .interaction_id = c->interaction_id,
                               .actor_id = c->principal.user_id};
    bool moved = false;

    TRY(call_ledger_error(
        c, ledger_read_journal(c->sql, c->arena, reversal.tenant_id, journal_id, &first), field));
    for (size_t i = 0; i < first.transfer_count; i++) {
        moved |=
            first.transfers[i].kind == TRANSFER_POSTED || first.transfers[i].kind == TRANSFER_POST;
        int why = first.transfers[i].reason;
        if (first.transfers[i].kind == TRANSFER_PENDING)
            return call_refuse_text(c, ERR_WRONG_STATE, field,
                                    "The journal holds money; cancel what it is held for.");
        /* The payment would still count as completed, and could be refunded once more. */
        if (why == REASON_PAYMENT || why == REASON_REFUND)
            return call_refuse_text(c, ERR_WRONG_STATE, field,
                                    "The journal is a payment's; refund the payment.");
    }
    if (!moved)
        return call_refuse_text(c, ERR_WRONG_STATE, field,
                                "The journal only released a hold; there is nothing to reverse.");
    reversal.reference = first.reference;
    TRY(call_ledger_error(c, ledger_reverse(c->ledger, c->arena, journal_id, 0, &reversal, NULL),
                          field));
    for (size_t i = 0; i < reversal.transfer_count; i++) {
        TRY(add_entry(c, &reversal, &reversal.transfers[i], true));
        TRY(add_entry(c, &reversal, &reversal.transfers[i], false));
    }
    return make_view(c, &reversal, ret_view);
}
