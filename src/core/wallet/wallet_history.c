/*
 * Numbered pages over an account's chain. A place in the chain and an instant are found by
 * bisection, but the chain also holds what moved no balance (holds and their release), so the rows
 * before a page have to be looked at. That is bounded: COUNTED_MAX.
 */
#include "core/wallet/wallet_history.h"

#define COUNTED_MAX 20000 /* entries looked at for one page */
#define BLOCK 500

/* Part of the chain, counted from the newest entry of the account. */
struct stretch {
    int64_t first;
    int64_t end;
};

static bool is_listed(const struct ledger_entry *entry)
{
    return LEDGER_KINDS_POSTED & 1u << entry->kind;
}

static int stretch_of(struct call *c, id_t64 wallet_id, const struct wallet_history_query *query,
                      struct stretch *ret_stretch)
{
    id_t64 tenant_id = c->principal.tenant_id;
    int64_t all, not_after, before;

    TRY(ledger_count_history(c->sql, tenant_id, wallet_id, &all));
    not_after = all;
    before = 0;
    if (query->until)
        TRY(ledger_count_history_until(c->sql, tenant_id, wallet_id, query->until, &not_after));
    if (query->from)
        TRY(ledger_count_history_until(c->sql, tenant_id, wallet_id, query->from - 1, &before));
    *ret_stretch = (struct stretch){all - not_after, all - before};
    return OK;
}

struct count {
    int64_t rows;  /* listed ones looked at so far */
    int64_t place; /* of the row that is wanted; -1: not found */
    bool complete;
};

/* Counts the rows of the stretch, and finds the place of row number `wanted` (from 0). */
static int count_rows(struct call *c, id_t64 wallet_id, struct stretch stretch, int64_t wanted,
                      struct count *ret_count)
{
    struct arena *scratch ARENA_SCOPED = arena_new(SIZE_MAX);
    int64_t at = stretch.first, stop = stretch.end;

    *ret_count = (struct count){.place = -1, .complete = stop - at <= COUNTED_MAX};
    if (!ret_count->complete)
        stop = at + COUNTED_MAX;
    while (at < stop && (ret_count->complete || ret_count->place < 0)) {
        struct ledger_page block = {.skip = (size_t)at,
                                    .limit = (size_t)(stop - at < BLOCK ? stop - at : BLOCK)};
        struct ledger_entry *entries;
        size_t count;
        arena_reset(scratch);
        TRY(ledger_read_history(c->sql, scratch, c->principal.tenant_id, wallet_id, block, &entries,
                                &count));
        for (size_t i = 0; i < count; i++) {
            if (!is_listed(&entries[i]))
                continue;
            if (ret_count->rows++ == wanted)
                ret_count->place = at + (int64_t)i;
        }
        at += (int64_t)block.limit;
    }
    return OK;
}

static int read_rows(struct call *c, id_t64 wallet_id, struct stretch stretch, int64_t limit,
                     usec_t from, struct wallet_history *history)
{
    struct ledger_page page = {
        .skip = (size_t)stretch.first, .limit = (size_t)limit, .kinds = LEDGER_KINDS_POSTED};

    TRY(ledger_read_history(c->sql, c->arena, c->principal.tenant_id, wallet_id, page,
                            &history->entries, &history->count));
    while (history->count && history->entries[history->count - 1].posted_at < from)
        history->count--; /* the stretch was not counted to its end */
    return OK;
}

/* The rows of one journal: few, and no chain to walk. */
static int read_journal(struct call *c, id_t64 wallet_id, const struct wallet_history_query *query,
                        struct wallet_history *history)
{
    struct journal journal;
    int64_t skip = (query->page - 1) * query->per_page;
    int error =
        ledger_read_journal(c->sql, c->arena, c->principal.tenant_id, query->journal_id, &journal);

    if (error == ERR_LEDGER_JOURNAL_NOT_FOUND) {
        history->entries = ARENA_NEW(c->arena, struct ledger_entry);
        return OK;
    }
    TRY(error);
    history->entries = ARENA_ARRAY(c->arena, struct ledger_entry, journal.transfer_count + 1);
    bool in_time = (!query->from || journal.posted_at >= query->from) &&
                   (!query->until || journal.posted_at <= query->until);
    for (size_t i = journal.transfer_count; i-- > 0 && in_time;) {
        const struct transfer *transfer = &journal.transfers[i];
        bool debit = transfer->debit_account == wallet_id;
        struct ledger_entry entry = ledger_entry_of(&journal, i, debit);
        if ((!debit && transfer->credit_account != wallet_id) || !is_listed(&entry))
            continue;
        int64_t row = history->total++;
        if (row >= skip && row < skip + query->per_page)
            history->entries[history->count++] = entry;
    }
    return OK;
}

int wallet_history_read(struct call *c, id_t64 wallet_id, const struct wallet_history_query *query,
                        struct wallet_history *ret_history)
{
    int64_t wanted = (query->page - 1) * query->per_page;
    struct stretch stretch;
    struct count count;

    *ret_history = (struct wallet_history){.has_total = true};
    if (query->journal_id)
        return read_journal(c, wallet_id, query, ret_history);
    TRY(stretch_of(c, wallet_id, query, &stretch));
    TRY(count_rows(c, wallet_id, stretch, wanted, &count));
    ret_history->has_total = count.complete;
    ret_history->total = count.rows;
    ret_history->entries = ARENA_NEW(c->arena, struct ledger_entry);
    if (count.place < 0)
        return count.complete ? OK
                              : call_refuse_text(c, ERR_OUT_OF_RANGE, "page",
                                                 "is too far back; narrow the dates");
    stretch.first = count.place;
    int64_t left = count.complete ? count.rows - wanted : query->per_page;
    return read_rows(c, wallet_id, stretch, left < query->per_page ? left : query->per_page,
                     query->from, ret_history);
}
