/*
 * Balances and statements at any time. The chain of an account is in order of posting; a place in
 * it is found by bisecting its waypoints. Entries whose effective date is another are exceptions,
 * kept apart in ledger_dated, so that an effective balance is the posted one corrected by the few
 * exceptions: nothing that was stored is ever rewritten.
 */
#include "ledger/internal.h"

/* A point in the order of a statement: between entries, just behind (instant, transfer). */
struct point {
    usec_t instant;
    id_t64 transfer_id;
};

static bool behind(usec_t instant, id_t64 transfer_id, struct point point)
{
    return instant > point.instant || (instant == point.instant && transfer_id > point.transfer_id);
}

#define PLACE_ROW(F)        \
    F(INTEGER, transfer_id) \
    F(INTEGER, posted_at)
ROW_STRUCT(ledger_place_, PLACE_ROW);
#define ROW_SELF struct ledger_place_
ROW_TYPE(ledger_place_, PLACE_ROW);
#undef ROW_SELF

static int read_waypoint(struct sql *sql, struct arena *arena, const struct ledger_chain *chain,
                         int64_t number, struct ledger_place_ *ret_place)
{
    return sql_one(sql, arena, &ledger_place__row, ret_place,
                   "SELECT transfer_id, posted_at FROM ledger_waypoints "
                   "WHERE account_id = ? AND entry = ? AND tenant_id = ?",
                   sql_int(chain->account_id), sql_int(number * LEDGER_WAYPOINT_EVERY),
                   sql_int(chain->tenant_id));
}

/* How many of the chain's entries are not behind the point, and the balance after them. */
static int count_up_to(struct sql *sql, struct arena *arena, const struct ledger_chain *chain,
                       struct point point, int64_t *ret_entries, money_t *ret_balance)
{
    /* Waypoints 1..low are not behind; the first that is behind, or the head, is where to walk
     * from. */
    int64_t low = 0, high = chain->entries / LEDGER_WAYPOINT_EVERY + 1;
    id_t64 start = chain->head;
    int64_t start_entry = chain->entries;
    while (high - low > 1) {
        struct ledger_place_ place;
        int64_t middle = low + (high - low) / 2;
        TRY(read_waypoint(sql, arena, chain, middle, &place));
        if (behind(place.posted_at, place.transfer_id, point)) {
            high = middle;
            start = place.transfer_id;
            start_entry = middle * LEDGER_WAYPOINT_EVERY;
        } else {
            low = middle;
        }
    }
    *ret_entries = 0;
    *ret_balance = 0;
    struct ledger_entry *entries;
    size_t count;
    id_t64 next;
    TRY(ledger_walk(sql, arena, chain, start, LEDGER_WAYPOINT_EVERY + 1, &entries, &count, &next));
    for (size_t i = 0; i < count; i++) {
        if (behind(entries[i].posted_at, entries[i].transfer_id, point))
            continue;
        *ret_entries = start_entry - (int64_t)i;
        *ret_balance = entries[i].balance_after;
        return OK;
    }
    return OK;
}

/* What the exceptions change: those that belong before the point, less those that were posted
 * before it. */
static int correction(struct sql *sql, const struct ledger_chain *chain, struct point point,
                      money_t *ret_correction)
{
    money_t belong, posted;
    TRY(sql_integer(sql, &belong,
                    "SELECT CAST(SUM(amount) AS BIGINT) FROM ledger_dated WHERE account_id = ? "
                    "AND tenant_id = ? AND (effective_at < ? OR (effective_at = ? "
                    "AND transfer_id <= ?))",
                    sql_int(chain->account_id), sql_int(chain->tenant_id), sql_int(point.instant),
                    sql_int(point.instant), sql_int(point.transfer_id)));
    TRY(sql_integer(sql, &posted,
                    "SELECT CAST(SUM(amount) AS BIGINT) FROM ledger_dated WHERE account_id = ? "
                    "AND tenant_id = ? AND (posted_at < ? OR (posted_at = ? "
                    "AND transfer_id <= ?))",
                    sql_int(chain->account_id), sql_int(chain->tenant_id), sql_int(point.instant),
                    sql_int(point.instant), sql_int(point.transfer_id)));
    *ret_correction = belong - posted;
    return OK;
}

static int balance_up_to(struct sql *sql, struct arena *arena, const struct ledger_chain *chain,
                         enum ledger_basis basis, struct point point, int64_t *ret_entries,
                         money_t *ret_balance)
{
    TRY(count_up_to(sql, arena, chain, point, ret_entries, ret_balance));
    if (basis == LEDGER_AS_POSTED)
        return OK;
    money_t by;
    TRY(correction(sql, chain, point, &by));
    *ret_balance += by;
    return OK;
}

int ledger_balance_at(struct sql *sql, id_t64 tenant_id, id_t64 account_id, enum ledger_basis basis,
                      usec_t instant, money_t *ret_balance)
{
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
    struct ledger_chain chain;
    int64_t entries;
    TRY(ledger_chain_of(sql, arena, tenant_id, account_id, &chain));
    return balance_up_to(sql, arena, &chain, basis, (struct point){instant, INT64_MAX}, &entries,
                         ret_balance);
}

int ledger_count_history_until(struct sql *sql, id_t64 tenant_id, id_t64 account_id, usec_t instant,
                               int64_t *ret_count)
{
    struct arena *arena ARENA_SCOPED = arena_new(SIZE_MAX);
    struct ledger_chain chain;
    money_t balance;
    TRY(ledger_chain_of(sql, arena, tenant_id, account_id, &chain));
    return count_up_to(sql, arena, &chain, (struct point){instant, INT64_MAX}, ret_count, &balance);
}

/* ---- Statements: the chain, oldest first, merged with the exceptions ---- */

struct stream {
    struct ledger_entry *entries;
    size_t count;
    size_t at;
};

static const struct ledger_entry *peek(const struct stream *stream)
{
    return stream->at < stream->count ? &stream->entries[stream->at] : NULL;
}

/* The chain from place `next` on, a block at a time, because it is linked the other way. */
struct ascent {
    const struct ledger_chain *chain;
    int64_t next;
    struct stream block;
};

static int refill(struct sql *sql, struct arena *arena, struct ascent *ascent)
{
    if (peek(&ascent->block) || ascent->next > ascent->chain->entries)
        return OK;
    int64_t last = ascent->next + LEDGER_WAYPOINT_EVERY - ascent->next % LEDGER_WAYPOINT_EVERY;
    if (last > ascent->chain->entries)
        last = ascent->chain->entries;
    id_t64 start, before;
    struct ledger_entry *newest_first;
    size_t count;
    TRY(ledger_entry_at(sql, arena, ascent->chain, last, &start));
    TRY(ledger_walk(sql, arena, ascent->chain, start, (size_t)(last - ascent->next + 1),
                    &newest_first, &count, &before));
    ascent->block =
        (struct stream){.entries = ARENA_ARRAY(arena, struct ledger_entry, count), .count = count};
    for (size_t i = 0; i < count; i++)
        ascent->block.entries[i] = newest_first[count - 1 - i];
    ascent->next = last + 1;
    return OK;
}

#define DATED_ROW(F)        \
    F(INTEGER, transfer_id) \
    F(INTEGER, journal_id)  \
    F(INTEGER, leg)
ROW_STRUCT(ledger_exception_, DATED_ROW);
#define ROW_SELF struct ledger_exception_
ROW_TYPE(ledger_exception_, DATED_ROW);
#undef ROW_SELF

static int read_exceptions(struct sql *sql, struct arena *arena, const struct ledger_chain *chain,
                           struct point start, usec_t to, size_t limit, struct stream *ret_stream)
{
    struct ledger_exception_ *rows;
    size_t count;
    TRY(sql_all(sql, arena, &ledger_exception__row, &rows, &count,
                "SELECT d.transfer_id, t.id - t.leg AS journal_id, t.leg FROM ledger_dated d "
                "JOIN ledger_transfers t ON t.id = d.transfer_id "
                "WHERE d.account_id = ? AND d.tenant_id = ? AND d.effective_at < ? "
                "AND (d.effective_at > ? OR (d.effective_at = ? AND d.transfer_id > ?)) "
                "ORDER BY d.effective_at, d.transfer_id LIMIT ?",
                sql_int(chain->account_id), sql_int(chain->tenant_id), sql_int(to),
                sql_int(start.instant), sql_int(start.instant), sql_int(start.transfer_id),
                sql_int((int64_t)limit)));
    *ret_stream =
        (struct stream){.entries = ARENA_ARRAY(arena, struct ledger_entry, count), .count = count};
    for (size_t i = 0; i < count; i++) {
        struct journal journal;
        TRY(ledger_read_journal(sql, arena, chain->tenant_id, rows[i].journal_id, &journal));
        size_t leg = (size_t)rows[i].leg;
        ret_stream->entries[i] = ledger_entry_of(
            &journal, leg, journal.transfers[leg].debit_account == chain->account_id);
    }
    return OK;
}

/* Where the page starts: behind `after`, or before everything from `from` on. */
static int start_of_page(struct sql *sql, struct arena *arena, const struct ledger_chain *chain,
                         const struct ledger_statement_query *query, struct point *ret_point)
{
    *ret_point = (struct point){query->from, 0};
    if (!query->after)
        return OK;
    struct ledger_entry entry;
    id_t64 next;
    TRY(ledger_own_transfer(sql, arena, chain, query->after, &entry, &next));
    *ret_point = (struct point){
        query->basis == LEDGER_AS_POSTED ? entry.posted_at : entry.effective_at, query->after};
    return OK;
}

struct merge {
    struct ascent ascent;
    struct stream exceptions;
    enum ledger_basis basis;
    usec_t to;
};

/* Is the chain's entry shown where it was posted? */
static bool shown_in_place(const struct merge *merge, const struct ledger_entry *entry)
{
    if (!(LEDGER_KINDS_POSTED & 1u << entry->kind))
        return false;
    return merge->basis == LEDGER_AS_POSTED || entry->effective_at == entry->posted_at;
}

static int next_in_place(struct sql *sql, struct arena *arena, struct merge *merge,
                         const struct ledger_entry **ret_entry)
{
    for (;;) {
        TRY(refill(sql, arena, &merge->ascent));
        *ret_entry = peek(&merge->ascent.block);
        if (!*ret_entry || (*ret_entry)->posted_at >= merge->to) {
            *ret_entry = NULL;
            return OK;
        }
        if (shown_in_place(merge, *ret_entry))
            return OK;
        merge->ascent.block.at++;
    }
}

static int next_of_both(struct sql *sql, struct arena *arena, struct merge *merge,
                        const struct ledger_entry **ret_entry)
{
    const struct ledger_entry *in_place;
    const struct ledger_entry *exception = peek(&merge->exceptions);
    TRY(next_in_place(sql, arena, merge, &in_place));
    bool take_exception =
        exception &&
        (!in_place || behind(in_place->posted_at, in_place->transfer_id,
                             (struct point){exception->effective_at, exception->transfer_id}));
    if (take_exception)
        merge->exceptions.at++;
    else if (in_place)
        merge->ascent.block.at++;
    *ret_entry = take_exception ? exception : in_place;
    return OK;
}

static int fill_page(struct sql *sql, struct arena *arena, struct merge *merge, size_t limit,
                     money_t balance, struct ledger_statement *statement)
{
    statement->entries = ARENA_ARRAY(arena, struct ledger_entry, limit);
    for (;;) {
        const struct ledger_entry *entry;
        TRY(next_of_both(sql, arena, merge, &entry));
        if (!entry)
            return OK;
        if (statement->count == limit) {
            statement->more = true;
            return OK;
        }
        struct ledger_entry *line = &statement->entries[statement->count++];
        *line = *entry;
        line->balance_before = balance;
        balance += entry->is_debit ? -entry->amount : entry->amount;
        line->balance_after = balance;
    }
}

int ledger_read_statement(struct sql *sql, struct arena *arena, id_t64 tenant_id, id_t64 account_id,
                          const struct ledger_statement_query *query,
                          struct ledger_statement *ret_statement)
{
    struct ledger_chain chain;
    struct point start;
    int64_t entries;
    money_t balance;
    *ret_statement = (struct ledger_statement){0};
    TRY(ledger_chain_of(sql, arena, tenant_id, account_id, &chain));
    TRY(balance_up_to(sql, arena, &chain, query->basis, (struct point){query->from, 0}, &entries,
                      &ret_statement->opening));
    TRY(balance_up_to(sql, arena, &chain, query->basis, (struct point){query->to, 0}, &entries,
                      &ret_statement->closing));
    TRY(start_of_page(sql, arena, &chain, query, &start));
    TRY(balance_up_to(sql, arena, &chain, query->basis, start, &entries, &balance));
    struct merge merge = {
        .ascent = {.chain = &chain, .next = entries + 1}, .basis = query->basis, .to = query->to};
    if (query->basis == LEDGER_AS_EFFECTIVE)
        TRY(read_exceptions(sql, arena, &chain, start, query->to, query->limit + 1,
                            &merge.exceptions));
    return fill_page(sql, arena, &merge, query->limit, balance, ret_statement);
}

/* ---- Trial balance ---- */

#define TRIAL_ROW(F)           \
    F(INTEGER, asset)          \
    F(INTEGER, code)           \
    F(TEXT, sub_name)          \
    F(INTEGER, accounts)       \
    F(INTEGER, debits_posted)  \
    F(INTEGER, credits_posted) \
    F(INTEGER, debits_pending) \
    F(INTEGER, credits_pending)
ROW_STRUCT(ledger_trial_, TRIAL_ROW);
#define ROW_SELF struct ledger_trial_
ROW_TYPE(ledger_trial_, TRIAL_ROW);
#undef ROW_SELF

int ledger_trial_balance(struct sql *sql, struct arena *arena, id_t64 tenant_id,
                         struct ledger_trial_row **ret_rows, size_t *ret_count)
{
    struct ledger_trial_ *rows;
    TRY(sql_all(sql, arena, &ledger_trial__row, &rows, ret_count,
                "SELECT a.asset, a.code, a.sub_name, COUNT(*) AS accounts, "
                "CAST(SUM(c.debits_posted) AS BIGINT) AS debits_posted, "
                "CAST(SUM(c.credits_posted) AS BIGINT) AS credits_posted, "
                "CAST(SUM(c.debits_pending) AS BIGINT) AS debits_pending, "
                "CAST(SUM(c.credits_pending) AS BIGINT) AS credits_pending "
                "FROM ledger_accounts a JOIN ledger_counters c ON c.id = a.id "
                "WHERE a.tenant_id = ? GROUP BY a.asset, a.code, a.sub_name "
                "ORDER BY a.asset, a.code, a.sub_name",
                sql_int(tenant_id)));
    *ret_rows = ARENA_ARRAY(arena, struct ledger_trial_row, *ret_count);
    for (size_t i = 0; i < *ret_count; i++)
        (*ret_rows)[i] = (struct ledger_trial_row){
            .asset = (int)rows[i].asset,
            .code = (int)rows[i].code,
            .sub_name = rows[i].sub_name,
            .accounts = rows[i].accounts,
            .debits_posted = rows[i].debits_posted,
            .credits_posted = rows[i].credits_posted,
            .debits_pending = rows[i].debits_pending,
            .credits_pending = rows[i].credits_pending,
        };
    return OK;
}
