/*
 * Posting journals: check, apply in memory, queue the rows. Invariant: a journal's transfers are
 * queued one after the other with consecutive ids, or not at all.
 */
#include "ledger/internal.h"

static void apply_to_counters(const struct transfer *transfer, const struct movement *movement)
{
    struct ledger_account *debit = &movement->debit->account;
    struct ledger_account *credit = &movement->credit->account;
    switch (transfer->kind) {
    case TRANSFER_POSTED:
        debit->debits_posted += movement->amount;
        credit->credits_posted += movement->amount;
        break;
    case TRANSFER_PENDING:
        debit->debits_pending += movement->amount;
        credit->credits_pending += movement->amount;
        break;
    case TRANSFER_POST:
    case TRANSFER_VOID:
    case TRANSFER_EXPIRE:
        debit->debits_pending -= movement->released;
        credit->credits_pending -= movement->released;
        debit->debits_posted += movement->amount;
        credit->credits_posted += movement->amount;
        break;
    }
    assert(debit->debits_pending >= 0 && credit->credits_pending >= 0);
}

static void extend_chain(struct ledger *ledger, struct slot *slot, id_t64 transfer_id,
                         usec_t posted_at)
{
    slot->head = transfer_id;
    slot->entries++;
    if (slot->entries % LEDGER_WAYPOINT_EVERY != 0)
        return;
    struct ledger_waypoint_ *waypoint = queue_push(&ledger->waypoints);
    *waypoint = (struct ledger_waypoint_){
        .account_id = slot->account.id,
        .posted_at = posted_at,
        .transfer_id = transfer_id,
        .tenant_id = slot->account.tenant_id,
        .entry = slot->entries,
    };
}

static void settle_or_add_hold(struct ledger *ledger, const struct transfer *transfer,
                               const struct movement *movement, id_t64 id, id_t64 tenant_id)
{
    switch (transfer->kind) {
    case TRANSFER_POSTED:
        break;
    case TRANSFER_PENDING:
        assert(transfer->timeout >= 0 && transfer->timeout < 36500 * USEC_PER_DAY);
        ledger_add_hold(ledger,
                        &(struct ledger_hold_){
                            .id = id,
                            .tenant_id = tenant_id,
                            .debit_account = movement->debit->account.id,
                            .credit_account = movement->credit->account.id,
                            .amount = movement->amount,
                            .expires_at = transfer->timeout ? ledger->now + transfer->timeout : 0,
                            .state = HOLD_OPEN,
                        });
        break;
    case TRANSFER_POST:
        ledger_resolve_hold(ledger, movement->hold, movement->hold_index, HOLD_POSTED,
                            movement->amount, id);
        break;
    case TRANSFER_VOID:
        ledger_resolve_hold(ledger, movement->hold, movement->hold_index, HOLD_VOIDED, 0, id);
        break;
    case TRANSFER_EXPIRE:
        ledger_resolve_hold(ledger, movement->hold, movement->hold_index, HOLD_EXPIRED, 0, id);
        break;
    }
}

static void queue_dated(struct ledger *ledger, const struct ledger_account *account,
                        const struct journal *journal, id_t64 transfer_id, usec_t posted_at,
                        money_t amount)
{
    struct ledger_dated_ *dated = queue_push(&ledger->dated);
    *dated = (struct ledger_dated_){
        .account_id = account->id,
        .effective_at = journal->effective_at,
        .transfer_id = transfer_id,
        .tenant_id = journal->tenant_id,
        .posted_at = posted_at,
        .amount = amount,
    };
}

struct place {
    id_t64 journal_id;
    size_t leg;
    usec_t posted_at;
};

static void post_transfer(struct ledger *ledger, const struct journal *journal,
                          const struct transfer *transfer, const struct movement *movement,
                          struct place place)
{
    struct slot *debit = movement->debit, *credit = movement->credit;
    id_t64 id = place.journal_id + (id_t64)place.leg;
    ledger_touch_slot(ledger, debit, movement->debit_index);
    ledger_touch_slot(ledger, credit, movement->credit_index);
    apply_to_counters(transfer, movement);
    settle_or_add_hold(ledger, transfer, movement, id, journal->tenant_id);

    money_t moved = transfer->kind == TRANSFER_VOID || transfer->kind == TRANSFER_EXPIRE
                        ? movement->released
                        : movement->amount;
    struct ledger_transfer_ *row = queue_push(&ledger->transfers);
    row->id = id;
    row->tenant_id = journal->tenant_id;
    row->leg = (int64_t)place.leg;
    row->legs = place.leg == 0 ? (int64_t)journal->transfer_count : 0;
    row->kind = (int64_t)transfer->kind;
    row->flags = (int64_t)transfer->flags;
    row->debit_account = debit->account.id;
    row->credit_account = credit->account.id;
    row->amount = moved;
    row->pending_id = movement->hold ? movement->hold->row.id : 0;
    row->reason = transfer->reason;
    row->debit_prev = debit->head;
    row->credit_prev = credit->head;
    row->debit_balance = ledger_balance(&debit->account);
    row->credit_balance = ledger_balance(&credit->account);
    row->posted_at = place.posted_at;

    extend_chain(ledger, debit, id, place.posted_at);
    extend_chain(ledger, credit, id, place.posted_at);
    if (journal->effective_at && journal->effective_at != place.posted_at && movement->amount &&
        transfer->kind != TRANSFER_PENDING) {
        queue_dated(ledger, &debit->account, journal, id, place.posted_at, -movement->amount);
        queue_dated(ledger, &credit->account, journal, id, place.posted_at, movement->amount);
    }
}

/* Is there anything to say about the journal that its transfers do not? */
static bool says_something(const struct journal *journal, usec_t posted_at)
{
    return str_present(journal->key) || str_present(journal->description) ||
           str_present(journal->reference) || str_present(journal->interaction_id) ||
           str_present(journal->metadata) || journal->actor_id || journal->reverses ||
           (journal->effective_at && journal->effective_at != posted_at);
}

static struct ledger_journal_ *queue_said(struct ledger *ledger, const struct journal *journal,
                                          id_t64 journal_id, usec_t posted_at,
                                          const uint8_t body_hash[LEDGER_HASH_SIZE])
{
    struct arena *texts = ledger->texts;
    struct ledger_journal_ *said = queue_push(&ledger->journals);
    *said = (struct ledger_journal_){
        .id = journal_id,
        .tenant_id = journal->tenant_id,
        .key = arena_copy(texts, journal->key),
        .description = arena_copy(texts, journal->description),
        .reference = arena_copy(texts, journal->reference),
        .interaction_id = arena_copy(texts, journal->interaction_id),
        .metadata = arena_copy(texts, journal->metadata),
        .actor_id = journal->actor_id,
        .effective_at = journal->effective_at == posted_at ? 0 : journal->effective_at,
        .reverses = journal->reverses,
    };
    if (body_hash)
        said->body_hash =
            arena_copy(texts, (struct str){(const char *)body_hash, LEDGER_HASH_SIZE});
    return said;
}

/* Links the journal to the one before it. Its transfers are the last ones in the queue. */
static void seal(struct ledger *ledger, struct tenant *tenant, const struct journal *journal,
                 id_t64 journal_id, usec_t posted_at, const struct ledger_journal_ *said)
{
    size_t count = journal->transfer_count;
    struct ledger_transfer_ *first = queue_at(&ledger->transfers, ledger->transfers.count - count);
    usec_t one = 0, *expires = &one;
    if (count > 1)
        expires = ARENA_ARRAY(ledger->texts, usec_t, count);
    for (size_t i = 0; i < count; i++)
        if (first[i].kind == TRANSFER_PENDING && journal->transfers[i].timeout)
            /* cppcheck-suppress objectIndex ; count is 1 when there is one only */
            expires[i] = ledger->now + journal->transfers[i].timeout;
    uint8_t *hash = arena_alloc(ledger->texts, LEDGER_HASH_SIZE);
    chain_hash(&ledger->hasher, tenant->hash, first, expires, count, said, hash);
    first->hash = (struct str){(const char *)hash, LEDGER_HASH_SIZE};

    memcpy(tenant->hash, hash, LEDGER_HASH_SIZE);
    tenant->journals++;
    tenant->last_journal = journal_id;
    tenant->last_posted_at = posted_at;
}

static void return_results(const struct ledger *ledger, struct journal *journal, id_t64 journal_id,
                           usec_t posted_at)
{
    size_t count = journal->transfer_count;
    const struct ledger_transfer_ *rows =
        queue_at(&ledger->transfers, ledger->transfers.count - count);
    journal->id = journal_id;
    journal->posted_at = posted_at;
    for (size_t i = 0; i < count; i++) {
        journal->transfers[i].id = rows[i].id;
        journal->transfers[i].amount = rows[i].amount;
        journal->transfers[i].debit_account = rows[i].debit_account;
        journal->transfers[i].credit_account = rows[i].credit_account;
        journal->transfers[i].debit_balance_after = rows[i].debit_balance;
        journal->transfers[i].credit_balance_after = rows[i].credit_balance;
    }
}

/* What a journal with a key is posted under. */
struct keyed {
    uint8_t body_hash[LEDGER_HASH_SIZE];
    id_t64 key_hash;
};

static int post_all(struct ledger *ledger, struct tenant *tenant, struct journal *journal,
                    const struct keyed *keyed, size_t *ret_index)
{
    usec_t posted_at = ledger->now > tenant->last_posted_at ? ledger->now : tenant->last_posted_at;
    struct place place = {.posted_at = posted_at};
    TRY(ledger_take_ids(ledger, tenant, journal->transfer_count, posted_at, &place.journal_id));
    for (; place.leg < journal->transfer_count; place.leg++) {
        const struct transfer *transfer = &journal->transfers[place.leg];
        struct movement movement;
        int error = ledger_check(ledger, journal->tenant_id, transfer, &movement);
        if (error) {
            if (ret_index)
                *ret_index = place.leg;
            return error;
        }
        post_transfer(ledger, journal, transfer, &movement, place);
    }
    const struct ledger_journal_ *said = NULL;
    if (says_something(journal, posted_at))
        said = queue_said(ledger, journal, place.journal_id, posted_at,
                          keyed ? keyed->body_hash : NULL);
    seal(ledger, tenant, journal, place.journal_id, posted_at, said);
    return_results(ledger, journal, place.journal_id, posted_at);
    if (keyed)
        ledger_queue_key(ledger, keyed->key_hash, ledger->journals.count - 1,
                         ledger->transfers.count - journal->transfer_count);
    return OK;
}

/* Sets *ret_done when the key is known: then the result is the first outcome. */
static int check_key(struct ledger *ledger, struct journal *journal, struct keyed *keyed,
                     bool *ret_done)
{
    struct key_place place = {0};
    ledger_body_hash(journal, keyed->body_hash);
    int error = ledger_replay_key(ledger, journal, keyed->body_hash, &place);
    keyed->key_hash = place.hash;
    *ret_done = place.found || error;
    journal->replayed = place.found && error != ERR_LEDGER_KEY_MISMATCH;
    return error;
}

int ledger_post_journal(struct ledger *ledger, struct journal *journal, size_t *ret_index,
                        bool *ret_replayed)
{
    struct tenant *tenant;
    uint32_t tenant_index;
    struct keyed keyed;
    bool has_key = str_present(journal->key), done = false;
    int error;
    if (ret_index)
        *ret_index = 0;
    if (ret_replayed)
        *ret_replayed = false;
    journal->replayed = false;
    if (journal->transfer_count == 0)
        return ERR_LEDGER_EMPTY_JOURNAL;
    if (journal->transfer_count > LEDGER_JOURNAL_MAX)
        return ERR_LEDGER_POSTING_TOO_LARGE;
    TRY(ledger_tenant(ledger, journal->tenant_id, &tenant, &tenant_index));
    if (has_key) {
        error = check_key(ledger, journal, &keyed, &done);
        if (ret_replayed)
            *ret_replayed = journal->replayed;
        if (done)
            return error;
    }
    const struct mark before = ledger_here(ledger);
    ledger_touch_tenant(ledger, tenant, tenant_index);
    error = post_all(ledger, tenant, journal, has_key ? &keyed : NULL, ret_index);
    if (error)
        ledger_rewind_to(ledger, &before);
    return error;
}

int ledger_post_chain(struct ledger *ledger, struct journal *journals, size_t count,
                      int *ret_errors)
{
    const struct mark before = ledger_here(ledger);
    size_t refused = 0;
    int error = OK;
    for (; refused < count; refused++) {
        error = ledger_post_journal(ledger, &journals[refused], NULL, NULL);
        if (error)
            break;
    }
    if (error)
        ledger_rewind_to(ledger, &before);
    for (size_t i = 0; ret_errors && i < count; i++)
        ret_errors[i] = !error ? OK : i == refused ? error : ERR_LEDGER_CHAIN_FAILED;
    return error;
}
