/*
 * The rules a transfer is checked against, in the order of errors.def. Invariant: when ledger_check
 * returns 0 the movement can be applied without any further question; when it does not, nothing was
 * changed.
 */
#include "ledger/internal.h"

/* Lifetime totals stay below half of int64, so that a sum of two never overflows. */
#define COUNTER_MAX (INT64_MAX / 2)

static int check_amount(const struct transfer *transfer)
{
    bool settles = transfer->kind != TRANSFER_POSTED && transfer->kind != TRANSFER_PENDING;
    if (transfer->amount < 0 || (transfer->amount == 0 && !settles))
        return ERR_LEDGER_AMOUNT_NOT_POSITIVE;
    if (transfer->amount > MONEY_MAX)
        return ERR_LEDGER_AMOUNT_OVERFLOW;
    return OK;
}

static int check_open(const struct ledger *ledger, const struct hold *hold, enum transfer_kind kind)
{
    switch ((enum ledger_hold_state)hold->row.state) {
    case HOLD_OPEN:
        break;
    case HOLD_POSTED:
        return ERR_LEDGER_PENDING_ALREADY_POSTED;
    case HOLD_VOIDED:
        return ERR_LEDGER_PENDING_ALREADY_VOIDED;
    case HOLD_EXPIRED:
        return ERR_LEDGER_PENDING_EXPIRED;
    }
    bool expired = hold->row.expires_at != 0 && hold->row.expires_at <= ledger->now;
    if (kind == TRANSFER_EXPIRE)
        assert(expired);
    else if (expired)
        return ERR_LEDGER_PENDING_EXPIRED;
    return OK;
}

/* Post, void, expire. The accounts' own rules were checked when the hold was accepted. */
static int check_settlement(struct ledger *ledger, id_t64 tenant_id,
                            const struct transfer *transfer, struct movement *movement)
{
    struct hold *hold;
    TRY(ledger_hold(ledger, tenant_id, transfer->pending_id, &hold, &movement->hold_index));
    TRY(check_open(ledger, hold, transfer->kind));
    if (transfer->amount > hold->row.amount)
        return ERR_LEDGER_PENDING_AMOUNT_EXCEEDED;
    if (transfer->kind != TRANSFER_POST && transfer->amount != 0 &&
        transfer->amount != hold->row.amount)
        return ERR_LEDGER_PENDING_VOID_PARTIAL;
    if ((transfer->debit_account && transfer->debit_account != hold->row.debit_account) ||
        (transfer->credit_account && transfer->credit_account != hold->row.credit_account))
        return ERR_LEDGER_PENDING_ACCOUNTS_DIFFER;
    TRY(ledger_slot(ledger, hold->row.debit_account, &movement->debit, &movement->debit_index));
    TRY(ledger_slot(ledger, hold->row.credit_account, &movement->credit, &movement->credit_index));
    movement->hold = hold;
    movement->released = hold->row.amount;
    if (transfer->kind == TRANSFER_POST)
        movement->amount = transfer->amount ? transfer->amount : hold->row.amount;
    return OK;
}

static int find_accounts(struct ledger *ledger, id_t64 tenant_id, const struct transfer *transfer,
                         struct movement *movement)
{
    int error =
        ledger_slot(ledger, transfer->debit_account, &movement->debit, &movement->debit_index);
    if (error == ERR_NOT_FOUND)
        return ERR_LEDGER_DEBIT_ACCOUNT_NOT_FOUND;
    TRY(error);
    error =
        ledger_slot(ledger, transfer->credit_account, &movement->credit, &movement->credit_index);
    if (error == ERR_NOT_FOUND)
        return ERR_LEDGER_CREDIT_ACCOUNT_NOT_FOUND;
    TRY(error);
    const struct ledger_account *debit = &movement->debit->account;
    const struct ledger_account *credit = &movement->credit->account;
    if (debit == credit)
        return ERR_LEDGER_ACCOUNTS_SAME;
    if (debit->tenant_id != tenant_id || credit->tenant_id != tenant_id)
        return ERR_LEDGER_TENANTS_DIFFER;
    if (debit->asset != credit->asset)
        return ERR_LEDGER_ASSETS_DIFFER;
    return OK;
}

static int check_flags(const struct ledger_account *debit, const struct ledger_account *credit)
{
    unsigned either = debit->flags | credit->flags;
    if (either & LEDGER_CLOSED)
        return ERR_LEDGER_ACCOUNT_CLOSED;
    if (either & LEDGER_FROZEN)
        return ERR_LEDGER_ACCOUNT_FROZEN;
    if (either & LEDGER_READ_ONLY)
        return ERR_LEDGER_ACCOUNT_READ_ONLY;
    if (debit->flags & LEDGER_CREDIT_ONLY)
        return ERR_LEDGER_ACCOUNT_CREDIT_ONLY;
    if (credit->flags & LEDGER_DEBIT_ONLY)
        return ERR_LEDGER_ACCOUNT_DEBIT_ONLY;
    return OK;
}

int ledger_check_accounts(struct ledger *ledger, id_t64 tenant_id, id_t64 debit_account,
                          id_t64 credit_account)
{
    struct ledger_account debit, credit;
    TRY(ledger_get_account(ledger, tenant_id, debit_account, &debit));
    TRY(ledger_get_account(ledger, tenant_id, credit_account, &credit));
    return check_flags(&debit, &credit);
}

/* What the limits of the account let go now; the tightest one counts. Without a limit: what is
 * available. */
static money_t debitable(const struct ledger_account *account)
{
    money_t lowest = 0;
    bool limited = account->flags & LEDGER_NO_OVERDRAFT;
    if (account->flags & LEDGER_OVERDRAFT && (!limited || -account->overdraft_limit > lowest)) {
        lowest = -account->overdraft_limit;
        limited = true;
    }
    if (account->flags & LEDGER_MINIMUM && (!limited || account->minimum_balance > lowest))
        lowest = account->minimum_balance;
    return ledger_available(account) - lowest;
}

static money_t balanced_amount(const struct transfer *transfer, const struct ledger_account *debit,
                               const struct ledger_account *credit)
{
    money_t amount = transfer->amount;
    if (transfer->flags & TRANSFER_BALANCING_DEBIT && debitable(debit) < amount)
        amount = debitable(debit);
    if (transfer->flags & TRANSFER_BALANCING_CREDIT) {
        money_t debt = -(ledger_balance(credit) + credit->credits_pending);
        if (debt < amount)
            amount = debt;
    }
    return amount;
}

static int check_limits(const struct ledger_account *debit, money_t amount)
{
    money_t left = ledger_available(debit) - amount;
    if (debit->flags & LEDGER_NO_OVERDRAFT && left < 0)
        return ERR_INSUFFICIENT_FUNDS;
    if (debit->flags & LEDGER_OVERDRAFT && left < -debit->overdraft_limit)
        return ERR_LEDGER_OVERDRAFT_EXCEEDED;
    if (debit->flags & LEDGER_MINIMUM && left < debit->minimum_balance)
        return ERR_LEDGER_MINIMUM_BALANCE;
    return OK;
}

/* Balances stay exact integers for every client, holds included, and totals stay far from the
 * edge. */
static int check_room(const struct ledger_account *debit, const struct ledger_account *credit,
                      money_t amount)
{
    money_t out = debit->debits_posted + debit->debits_pending + amount;
    money_t in = credit->credits_posted + credit->credits_pending + amount;
    if (out > COUNTER_MAX || in > COUNTER_MAX || debit->credits_posted - out < -MONEY_MAX ||
        in - credit->debits_posted > MONEY_MAX)
        return ERR_LEDGER_BALANCE_OVERFLOW;
    return OK;
}

int ledger_check(struct ledger *ledger, id_t64 tenant_id, const struct transfer *transfer,
                 struct movement *ret_movement)
{
    struct movement movement = {0};
    TRY(check_amount(transfer));
    if (transfer->kind == TRANSFER_POST || transfer->kind == TRANSFER_VOID ||
        transfer->kind == TRANSFER_EXPIRE) {
        TRY(check_settlement(ledger, tenant_id, transfer, &movement));
        *ret_movement = movement;
        return OK;
    }
    TRY(find_accounts(ledger, tenant_id, transfer, &movement));
    const struct ledger_account *debit = &movement.debit->account;
    const struct ledger_account *credit = &movement.credit->account;
    TRY(check_flags(debit, credit));
    movement.amount = balanced_amount(transfer, debit, credit);
    if (movement.amount <= 0)
        return ERR_LEDGER_NOTHING_TO_MOVE;
    if (!(transfer->flags & TRANSFER_FORCE))
        TRY(check_limits(debit, movement.amount));
    TRY(check_room(debit, credit, movement.amount));
    *ret_movement = movement;
    return OK;
}
