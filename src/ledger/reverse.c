/*
 * Reversal: an opposite journal that names the one it undoes. Invariant: a journal is reversed at
 * most once (ledger_journals.reverses is unique), and nothing that was posted is ever edited.
 */
#include "ledger/internal.h"

/* Also finds journals of this batch that are not in the table yet. */
static int find_rows(struct ledger *ledger, struct arena *arena, id_t64 tenant_id,
                     id_t64 journal_id, const struct ledger_transfer_ **ret_rows, size_t *ret_count)
{
    for (size_t i = ledger->transfers.count; i-- > 0;) {
        const struct ledger_transfer_ *row = queue_at(&ledger->transfers, i);
        if (row->id == journal_id && row->leg == 0 && row->tenant_id == tenant_id) {
            struct ledger_transfer_ *copy =
                ARENA_ARRAY(arena, struct ledger_transfer_, (size_t)row->legs);
            memcpy(copy, row, (size_t)row->legs * sizeof(*row));
            *ret_rows = copy;
            *ret_count = (size_t)row->legs;
            return OK;
        }
    }
    struct ledger_transfer_ *rows;
    TRY(ledger_journal_rows(ledger->sql, arena, tenant_id, journal_id, &rows, ret_count));
    *ret_rows = rows;
    return OK;
}

static int check_not_reversed(struct ledger *ledger, id_t64 tenant_id, id_t64 journal_id)
{
    const struct ledger_journal_ *queued = ledger->journals.items;
    for (size_t i = 0; i < ledger->journals.count; i++)
        if (queued[i].reverses == journal_id && queued[i].tenant_id == tenant_id)
            return ERR_LEDGER_ALREADY_REVERSED;
    int64_t by;
    int error = sql_integer(ledger->sql, &by,
                            "SELECT id FROM ledger_journals WHERE tenant_id = ? "
                            "AND reverses = ? AND reverses > 0",
                            sql_int(tenant_id), sql_int(journal_id));
    if (error == ERR_NOT_FOUND)
        return OK;
    return error ? error : ERR_LEDGER_ALREADY_REVERSED;
}

/* The opposite of one transfer, if it left anything to undo. */
static int opposite(struct ledger *ledger, id_t64 tenant_id, const struct ledger_transfer_ *row,
                    unsigned flags, struct transfer *ret_transfer, bool *ret_any)
{
    *ret_any = false;
    switch ((enum transfer_kind)row->kind) {
    case TRANSFER_POSTED:
    case TRANSFER_POST:
        *ret_transfer = (struct transfer){
            .kind = TRANSFER_POSTED,
            .flags = flags,
            .debit_account = row->credit_account,
            .credit_account = row->debit_account,
            .amount = row->amount,
            .reason = (int)row->reason,
        };
        *ret_any = true;
        break;
    case TRANSFER_PENDING: {
        struct ledger_hold hold;
        TRY(ledger_get_hold(ledger, tenant_id, row->id, &hold));
        *ret_transfer = (struct transfer){
            .kind = TRANSFER_VOID, .pending_id = row->id, .reason = (int)row->reason};
        *ret_any = hold.state == HOLD_OPEN;
        break;
    }
    case TRANSFER_VOID:
    case TRANSFER_EXPIRE:
        break;
    }
    return OK;
}

/* Last transfer first: what a later leg passed on is back before an earlier leg needs it. */
static int make_opposites(struct ledger *ledger, struct arena *arena, id_t64 journal_id,
                          unsigned flags, struct journal *reversal)
{
    const struct ledger_transfer_ *rows;
    size_t count;
    TRY(find_rows(ledger, arena, reversal->tenant_id, journal_id, &rows, &count));
    reversal->transfers = ARENA_ARRAY(arena, struct transfer, count);
    reversal->transfer_count = 0;
    for (size_t i = count; i-- > 0;) {
        bool any;
        TRY(opposite(ledger, reversal->tenant_id, &rows[i], flags,
                     &reversal->transfers[reversal->transfer_count], &any));
        reversal->transfer_count += any;
    }
    return OK;
}

/* A replay must find the same body although the holds have changed since: it stands for "undo this
 * one". */
static struct str reversal_body(struct arena *arena, id_t64 journal_id, unsigned flags)
{
    struct transfer what = {.pending_id = journal_id, .flags = flags};
    struct journal body = {.reverses = journal_id, .transfers = &what, .transfer_count = 1};
    uint8_t *hash = arena_alloc(arena, LEDGER_HASH_SIZE);
    ledger_journal_hash(&body, hash);
    return (struct str){(const char *)hash, LEDGER_HASH_SIZE};
}

static int replay(struct ledger *ledger, struct arena *arena, struct journal *reversal,
                  id_t64 first, bool *ret_replayed)
{
    const struct ledger_transfer_ *rows;
    TRY(find_rows(ledger, arena, reversal->tenant_id, first, &rows, &reversal->transfer_count));
    reversal->transfers = ARENA_ARRAY(arena, struct transfer, reversal->transfer_count);
    return ledger_post_journal(ledger, reversal, NULL, ret_replayed);
}

int ledger_reverse(struct ledger *ledger, struct arena *arena, id_t64 journal_id, unsigned flags,
                   struct journal *reversal, bool *ret_replayed)
{
    struct tenant *tenant;
    uint32_t tenant_index;
    reversal->reverses = journal_id;
    if (!str_present(reversal->body_hash))
        reversal->body_hash = reversal_body(arena, journal_id, flags);
    if (ret_replayed)
        *ret_replayed = false;
    TRY(ledger_tenant(ledger, reversal->tenant_id, &tenant, &tenant_index));
    if (str_present(reversal->key)) {
        id_t64 first;
        TRY(ledger_find_key(ledger, reversal->tenant_id, reversal->key, reversal->body_hash,
                            &first));
        if (first)
            return replay(ledger, arena, reversal, first, ret_replayed);
    }
    TRY(make_opposites(ledger, arena, journal_id, flags, reversal));
    TRY(check_not_reversed(ledger, reversal->tenant_id, journal_id));
    return ledger_post_journal(ledger, reversal, NULL, NULL);
}
