/*
 * Reading what was posted: an account's history along its chain, journals by id and by their texts.
 * A page costs its own length, however long the table is: the chain is entered at its head, at a
 * known transfer or at a waypoint, and every step is one look-up by key.
 */
#include "ledger/internal.h"

#define ENTRY_ROW(F)           \
    F(INTEGER, id)             \
    F(INTEGER, leg)            \
    F(INTEGER, kind)           \
    F(INTEGER, flags)          \
    F(INTEGER, debit_account)  \
    F(INTEGER, credit_account) \
    F(INTEGER, amount)         \
    F(INTEGER, pending_id)     \
    F(INTEGER, reason)         \
    F(INTEGER, debit_prev)     \
    F(INTEGER, credit_prev)    \
    F(INTEGER, debit_balance)  \
    F(INTEGER, credit_balance) \
    F(INTEGER, posted_at)      \
    F(INTEGER, actor_id)       \
    F(INTEGER, effective_at)   \
    F(INTEGER, reverses)       \
    F(TEXT, key)               \
    F(TEXT, description)       \
    F(TEXT, reference)         \
    F(TEXT, interaction_id)    \
    F(TEXT, metadata)
ROW_STRUCT(ledger_entry_, ENTRY_ROW);
#define ROW_SELF struct ledger_entry_
ROW_TYPE(ledger_entry_, ENTRY_ROW);
#undef ROW_SELF

static const char chain_query[] =
    "WITH RECURSIVE chain (step, id) AS ("
    " SELECT CAST(1 AS BIGINT), CAST(? AS BIGINT)"
    " UNION ALL"
    " SELECT c.step + 1, CASE WHEN t.debit_account = ? THEN t.debit_prev ELSE t.credit_prev END"
    " FROM chain c JOIN ledger_transfers t ON t.id = c.id WHERE c.step < ? AND t.tenant_id = ?) "
    "SELECT t.id, t.leg, t.kind, t.flags, t.debit_account, t.credit_account, t.amount, "
    "t.pending_id, t.reason, t.debit_prev, t.credit_prev, t.debit_balance, t.credit_balance, "
    "t.posted_at, j.actor_id, j.effective_at, j.reverses, j.key, j.description, j.reference, "
    "j.interaction_id, j.metadata "
    "FROM chain c JOIN ledger_transfers t ON t.id = c.id "
    "LEFT JOIN ledger_journals j ON j.id = t.id - t.leg "
    "WHERE t.tenant_id = ? ORDER BY c.step";

static bool moves_posted(enum transfer_kind kind)
{
    return kind == TRANSFER_POSTED || kind == TRANSFER_POST;
}

static struct ledger_entry entry_from_row(const struct ledger_entry_ *row, id_t64 account_id)
{
    bool is_debit = row->debit_account == account_id;
    enum transfer_kind kind = (enum transfer_kind)row->kind;
    money_t after = is_debit ? row->debit_balance : row->credit_balance;
    money_t change = !moves_posted(kind) ? 0 : is_debit ? -row->amount : row->amount;
    return (struct ledger_entry){
        .transfer_id = row->id,
        .journal_id = row->id - row->leg,
        .account_id = account_id,
        .other_account = is_debit ? row->credit_account : row->debit_account,
        .kind = kind,
        .flags = (unsigned)row->flags,
        .is_debit = is_debit,
        .amount = row->amount,
        .balance_before = after - change,
        .balance_after = after,
        .pending_id = row->pending_id,
        .reason = (int)row->reason,
        .posted_at = row->posted_at,
        .effective_at = row->effective_at ? row->effective_at : row->posted_at,
        .actor_id = row->actor_id,
        .reverses = row->reverses,
        .key = row->key,
        .description = row->description,
        .reference = row->reference,
        .interaction_id = row->interaction_id,
        .metadata = row->metadata,
    };
}

static id_t64 previous(const struct ledger_entry_ *row, id_t64 account_id)
{
    return row->debit_account == account_id ? row->debit_prev : row->credit_prev;
}

/* `limit` entries along the chain from `start` on; *ret_next is where it goes on (0: nowhere). */
int ledger_walk(struct sql *sql, struct arena *arena, const struct ledger_chain *chain,
                id_t64 start, size_t limit, struct ledger_entry **ret_entries, size_t *ret_count,
                id_t64 *ret_next)
{
    struct ledger_entry_ *rows;
    *ret_count = 0;
    *ret_entries = NULL;
    *ret_next = start;
    if (start == 0 || limit == 0)
        return OK;
    TRY(sql_all(sql, arena, &ledger_entry__row, &rows, ret_count, chain_query, sql_int(start),
                sql_int(chain->account_id), sql_int((int64_t)limit), sql_int(chain->tenant_id),
                sql_int(chain->tenant_id)));
    *ret_entries = ARENA_ARRAY(arena, struct ledger_entry, *ret_count);
    for (size_t i = 0; i < *ret_count; i++)
        (*ret_entries)[i] = entry_from_row(&rows[i], chain->account_id);
    *ret_next = *ret_count ? previous(&rows[*ret_count - 1], chain->account_id) : 0;
    return OK;
}

#define CHAIN_ROW(F) \
    F(INTEGER, head) \
    F(INTEGER, entries)
ROW_STRUCT(ledger_chain_, CHAIN_ROW);
#define ROW_SELF struct ledger_chain_
ROW_TYPE(ledger_chain_, CHAIN_ROW);
#undef ROW_SELF

int ledger_chain_of(struct sql *sql, struct arena *arena, id_t64 tenant_id, id_t64 account_id,
                    struct ledger_chain *ret_chain)
{
    struct ledger_chain_ row;
    TRY(sql_one(sql, arena, &ledger_chain__row, &row,
                "SELECT head, entries FROM ledger_counters WHERE id = ? AND tenant_id = ?",
                sql_int(account_id), sql_int(tenant_id)));
    *ret_chain = (struct ledger_chain){
        .tenant_id = tenant_id, .account_id = account_id, .head = row.head, .entries = row.entries};
    return OK;
}

int ledger_entry_at(struct sql *sql, struct arena *arena, const struct ledger_chain *chain,
                    int64_t entry, id_t64 *ret_id)
{
    *ret_id = 0;
    if (entry < 1)
        return OK;
    int64_t waypoint =
        (entry + LEDGER_WAYPOINT_EVERY - 1) / LEDGER_WAYPOINT_EVERY * LEDGER_WAYPOINT_EVERY;
    id_t64 start = chain->head;
    int64_t start_entry = chain->entries;
    if (waypoint < chain->entries) {
        TRY(sql_integer(sql, &start,
                        "SELECT transfer_id FROM ledger_waypoints "
                        "WHERE account_id = ? AND entry = ? AND tenant_id = ?",
                        sql_int(chain->account_id), sql_int(waypoint), sql_int(chain->tenant_id)));
        start_entry = waypoint;
    }
    if (start_entry == entry) {
        *ret_id = start;
        return OK;
    }
    struct ledger_entry *entries;
    size_t count;
    return ledger_walk(sql, arena, chain, start, (size_t)(start_entry - entry), &entries, &count,
                       ret_id);
}

int ledger_own_transfer(struct sql *sql, struct arena *arena, const struct ledger_chain *chain,
                        id_t64 transfer_id, struct ledger_entry *ret_entry, id_t64 *ret_next)
{
    struct ledger_entry_ *rows;
    size_t count;
    TRY(sql_all(sql, arena, &ledger_entry__row, &rows, &count, chain_query, sql_int(transfer_id),
                sql_int(chain->account_id), sql_int(1), sql_int(chain->tenant_id),
                sql_int(chain->tenant_id)));
    if (count == 0 ||
        (rows->debit_account != chain->account_id && rows->credit_account != chain->account_id))
        return ERR_NOT_FOUND;
    *ret_entry = entry_from_row(rows, chain->account_id);
    *ret_next = previous(rows, chain->account_id);
    return OK;
}

/* Where the chain goes on behind `before`. */
static int enter_behind(struct sql *sql, struct arena *arena, const struct ledger_chain *chain,
                        id_t64 before, id_t64 *ret_start)
{
    struct ledger_entry entry;
    if (before == 0 || before == INT64_MAX) {
        *ret_start = chain->head;
        return OK;
    }
    return ledger_own_transfer(sql, arena, chain, before, &entry, ret_start);
}

static int skip_entries(struct sql *sql, struct arena *arena, const struct ledger_chain *chain,
                        size_t skip, id_t64 *start)
{
    if (skip == 0)
        return OK;
    if (*start == chain->head)
        return ledger_entry_at(sql, arena, chain, chain->entries - (int64_t)skip, start);
    struct ledger_entry *entries;
    size_t count;
    return ledger_walk(sql, arena, chain, *start, skip, &entries, &count, start);
}

int ledger_read_history(struct sql *sql, struct arena *arena, id_t64 tenant_id, id_t64 account_id,
                        struct ledger_page page, struct ledger_entry **ret_entries,
                        size_t *ret_count)
{
    struct ledger_chain chain;
    id_t64 next;
    TRY(ledger_chain_of(sql, arena, tenant_id, account_id, &chain));
    TRY(enter_behind(sql, arena, &chain, page.before, &next));
    TRY(skip_entries(sql, arena, &chain, page.skip, &next));
    *ret_entries = ARENA_ARRAY(arena, struct ledger_entry, page.limit);
    *ret_count = 0;
    while (next && *ret_count < page.limit) {
        struct ledger_entry *some;
        size_t some_count;
        TRY(ledger_walk(sql, arena, &chain, next, page.limit - *ret_count, &some, &some_count,
                        &next));
        for (size_t i = 0; i < some_count; i++)
            if (!page.kinds || page.kinds & 1u << some[i].kind)
                (*ret_entries)[(*ret_count)++] = some[i];
    }
    return OK;
}

int ledger_count_history(struct sql *sql, id_t64 tenant_id, id_t64 account_id, int64_t *ret_count)
{
    return sql_integer(sql, ret_count,
                       "SELECT entries FROM ledger_counters WHERE id = ? AND tenant_id = ?",
                       sql_int(account_id), sql_int(tenant_id));
}

/* ---- Journals ---- */

int ledger_journal_rows(struct sql *sql, struct arena *arena, id_t64 tenant_id, id_t64 journal_id,
                        struct ledger_transfer_ **ret_rows, size_t *ret_count)
{
    TRY(sql_all(sql, arena, &ledger_transfer__row, ret_rows, ret_count,
                "SELECT " LEDGER_TRANSFER_COLUMNS " FROM ledger_transfers f "
                "JOIN ledger_transfers t ON t.id >= f.id AND t.id < f.id + f.legs "
                "WHERE f.id = ? AND f.leg = 0 AND f.tenant_id = ? ORDER BY t.id",
                sql_int(journal_id), sql_int(tenant_id)));
    return *ret_count ? OK : ERR_LEDGER_JOURNAL_NOT_FOUND;
}

static int read_said(struct sql *sql, struct arena *arena, struct journal *journal)
{
    struct ledger_journal_ said;
    int error = sql_one(sql, arena, &ledger_journal__row, &said,
                        "SELECT id, tenant_id, key, body_hash, description, reference, "
                        "interaction_id, metadata, actor_id, effective_at, reverses "
                        "FROM ledger_journals WHERE id = ? AND tenant_id = ?",
                        sql_int(journal->id), sql_int(journal->tenant_id));
    if (error == ERR_NOT_FOUND)
        return OK;
    TRY(error);
    journal->key = said.key;
    journal->body_hash = said.body_hash;
    journal->description = said.description;
    journal->reference = said.reference;
    journal->interaction_id = said.interaction_id;
    journal->metadata = said.metadata;
    journal->actor_id = said.actor_id;
    journal->reverses = said.reverses;
    if (said.effective_at)
        journal->effective_at = said.effective_at;
    return OK;
}

int ledger_read_journal(struct sql *sql, struct arena *arena, id_t64 tenant_id, id_t64 journal_id,
                        struct journal *ret_journal)
{
    struct ledger_transfer_ *rows;
    size_t count;
    TRY(ledger_journal_rows(sql, arena, tenant_id, journal_id, &rows, &count));
    *ret_journal = (struct journal){
        .id = journal_id,
        .tenant_id = tenant_id,
        .posted_at = rows[0].posted_at,
        .effective_at = rows[0].posted_at,
        .transfers = ARENA_ARRAY(arena, struct transfer, count),
        .transfer_count = count,
    };
    for (size_t i = 0; i < count; i++)
        ret_journal->transfers[i] = (struct transfer){
            .id = rows[i].id,
            .kind = (enum transfer_kind)rows[i].kind,
            .flags = (unsigned)rows[i].flags,
            .debit_account = rows[i].debit_account,
            .credit_account = rows[i].credit_account,
            .amount = rows[i].amount,
            .pending_id = rows[i].pending_id,
            .reason = (int)rows[i].reason,
            .debit_balance_after = rows[i].debit_balance,
            .credit_balance_after = rows[i].credit_balance,
        };
    return read_said(sql, arena, ret_journal);
}

struct ledger_entry ledger_entry_of(const struct journal *journal, size_t transfer_index,
                                    bool debit_side)
{
    const struct transfer *transfer = &journal->transfers[transfer_index];
    money_t after = debit_side ? transfer->debit_balance_after : transfer->credit_balance_after;
    money_t change = !moves_posted(transfer->kind) ? 0
                     : debit_side                  ? -transfer->amount
                                                   : transfer->amount;
    return (struct ledger_entry){
        .transfer_id = transfer->id,
        .journal_id = journal->id,
        .account_id = debit_side ? transfer->debit_account : transfer->credit_account,
        .other_account = debit_side ? transfer->credit_account : transfer->debit_account,
        .kind = transfer->kind,
        .flags = transfer->flags,
        .is_debit = debit_side,
        .amount = transfer->amount,
        .balance_before = after - change,
        .balance_after = after,
        .pending_id = transfer->pending_id,
        .reason = transfer->reason,
        .posted_at = journal->posted_at,
        .effective_at = journal->effective_at ? journal->effective_at : journal->posted_at,
        .actor_id = journal->actor_id,
        .reverses = journal->reverses,
        .key = journal->key,
        .description = journal->description,
        .reference = journal->reference,
        .interaction_id = journal->interaction_id,
        .metadata = journal->metadata,
    };
}

#define FOUND_ROW(F) F(INTEGER, id)
ROW_STRUCT(ledger_found_, FOUND_ROW);
#define ROW_SELF struct ledger_found_
ROW_TYPE(ledger_found_, FOUND_ROW);
#undef ROW_SELF

static const char *const find_queries[] = {
    [LEDGER_BY_REFERENCE] = "SELECT id FROM ledger_journals WHERE tenant_id = ? AND reference = ? "
                            "AND id < ? ORDER BY id DESC LIMIT ?",
    [LEDGER_BY_INTERACTION] = "SELECT id FROM ledger_journals WHERE tenant_id = ? "
                              "AND interaction_id = ? AND id < ? ORDER BY id DESC LIMIT ?",
};

/* A key has one journal at most. */
static int find_by_key(struct sql *sql, struct arena *arena, id_t64 tenant_id, struct str key,
                       id_t64 before, struct journal **ret_journals, size_t *ret_count)
{
    id_t64 journal_id;
    *ret_journals = ARENA_NEW(arena, struct journal);
    TRY(ledger_journal_of_key(sql, arena, tenant_id, key, &journal_id));
    *ret_count = journal_id != 0 && (before == 0 || journal_id < before);
    if (*ret_count == 0)
        return OK;
    return ledger_read_journal(sql, arena, tenant_id, journal_id, *ret_journals);
}

int ledger_find_journals(struct sql *sql, struct arena *arena, id_t64 tenant_id,
                         enum ledger_text by, struct str text, id_t64 before, size_t limit,
                         struct journal **ret_journals, size_t *ret_count)
{
    struct ledger_found_ *found;
    *ret_count = 0;
    if (limit == 0)
        return OK;
    if (by == LEDGER_BY_KEY)
        return find_by_key(sql, arena, tenant_id, text, before, ret_journals, ret_count);
    TRY(sql_all(sql, arena, &ledger_found__row, &found, ret_count, find_queries[by],
                sql_int(tenant_id), sql_text(text), sql_int(before ? before : INT64_MAX),
                sql_int((int64_t)limit)));
    *ret_journals = ARENA_ARRAY(arena, struct journal, *ret_count);
    for (size_t i = 0; i < *ret_count; i++)
        TRY(ledger_read_journal(sql, arena, tenant_id, found[i].id, &(*ret_journals)[i]));
    return OK;
}
