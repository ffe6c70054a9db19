/*
 * The entries of payments. Invariant: what an account's completed entries add up to is what payments posted to
 * it, so that its list of movements explains its balance.
 */
#include "core/payment/payment_entry.h"

#include "core/wallet/events.h"
#include "core/wallet/wallet.h"

static bool is_outbound(const struct payment *payment)
{
    return str_is(payment->direction, "outbound");
}

static int new_entry(struct call *c, const struct payment *payment, const char *type,
                     const char *kind, const char *status, money_t amount, id_t64 journal_id,
                     struct wallet_entry *ret_entry)
{
    struct wallet wallet;

    TRY(wallet_get(c, payment->source_wallet_id, "source_account_id", &wallet));
    *ret_entry = wallet_entry_for(c, &wallet, type, kind, status, amount);
    ret_entry->payment_rail = payment->payment_method;
    ret_entry->provider = payment->provider;
    ret_entry->reference = call_id(c, ID_PAYMENT, payment->id);
    ret_entry->journal_id = journal_id;
    return OK;
}

/* Money that has moved: a line of its own, and an event. */
static int add_completed(struct call *c, const struct payment *payment, const char *type,
                         const char *kind, money_t amount, money_t fee, id_t64 journal_id,
                         id_t64 *ret_entry_id)
{
    struct wallet_entry entry;

    TRY(new_entry(c, payment, type, kind, "completed", amount, journal_id, &entry));
    entry.fee = fee;
    TRY(wallet_add_entries(c, &entry, 1));
    *ret_entry_id = entry.id;
    return wallet_entry_event(c, &entry);
}

static void take_holds(const struct payment *payment, struct wallet_entry *entry)
{
    entry->hold_id = payment->hold_amount_id;
    entry->fee_hold_id = payment->hold_fee_id;
}

int payment_entry_add(struct call *c, struct payment *payment, id_t64 journal_id)
{
    struct wallet_entry entry;

    TRY(new_entry(c, payment, "debit", "payment", "pending", payment->amount, journal_id, &entry));
    entry.fee = payment->fee_amount;
    take_holds(payment, &entry);
    payment->entry_id = entry.id;
    return wallet_add_entries(c, &entry, 1);
}

int payment_entry_hold_again(struct call *c, const struct payment *payment, id_t64 journal_id)
{
    struct wallet_entry entry;

    TRY(wallet_entry_get(c, payment->entry_id, "payment_id", &entry));
    take_holds(payment, &entry);
    entry.journal_id = journal_id;
    entry.provider = payment->provider;
    return wallet_update_entry(c, &entry, entry.status);
}

static struct str entry_status(struct str payment_status)
{
    static const struct {
        const char *payment, *entry;
    } words[] = {
        {"initiated", "pending"},     {"reviewed", "pending"},   {"confirmed", "approved"},
        {"processing", "processing"}, {"pending", "processing"}, {"completed", "completed"},
        {"failed", "failed"},         {"rejected", "rejected"},  {"canceled", "rejected"},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (str_is(payment_status, words[i].payment))
            return str_from(words[i].entry);
    return STR("pending");
}

static int follow_outbound(struct call *c, struct payment *payment, id_t64 journal_id)
{
    struct wallet_entry entry;
    id_t64 refund_id;

    if (str_is(payment->status, "refunded"))
        return add_completed(c, payment, "credit", "refund", payment->amount + payment->fee_amount,
                             0, journal_id, &refund_id);
    TRY(wallet_entry_get(c, payment->entry_id, "payment_id", &entry));
    TRY(wallet_update_entry(c, &entry, entry_status(payment->status)));
    return str_is(payment->status, "completed") ? wallet_entry_event(c, &entry) : OK;
}

static int follow_inbound(struct call *c, struct payment *payment, id_t64 journal_id)
{
    id_t64 refund_id;

    if (str_is(payment->status, "completed"))
        return add_completed(c, payment, "credit", "payment", payment->amount, payment->fee_amount,
                             journal_id, &payment->entry_id);
    if (str_is(payment->status, "refunded"))
        return add_completed(c, payment, "debit", "refund", payment->amount - payment->fee_amount,
                             0, journal_id, &refund_id);
    return OK;
}

int payment_entry_follow(struct call *c, struct payment *payment, id_t64 journal_id)
{
    if (is_outbound(payment))
        return follow_outbound(c, payment, journal_id);
    if (str_is(payment->direction, "inbound"))
        return follow_inbound(c, payment, journal_id);
    return OK;
}
