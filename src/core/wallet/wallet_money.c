/*
 * How wallets move money: the journals behind deposits, withdrawals, transfers and payments.
 * Nothing here decides whether a movement is allowed; the ledger does, and its refusal becomes the
 * call's.
 */
#include "core/wallet/wallet.h"

#include "core/reasons.h"

int wallet_amount(struct call *c, struct decimal amount, const struct asset *asset,
                  const char *field, money_t *ret_amount)
{
    int error = money_from_decimal(amount, asset, ret_amount);

    if (error)
        return call_refuse(c, error, field);
    return *ret_amount > 0 ? 0 : call_refuse(c, ERR_AMOUNT_NOT_POSITIVE, field);
}

int wallet_post(struct call *c, struct transfer *transfers, size_t count, struct str description,
                struct str reference, const char *field, id_t64 *ret_journal)
{
    struct journal journal = {
        .tenant_id = c->principal.tenant_id,
        .description = description,
        .reference = reference,
        .interaction_id = c->interaction_id,
        .actor_id = c->principal.user_id ? c->principal.user_id : c->principal.credential_id,
        .transfers = transfers,
        .transfer_count = count,
    };
    int error = ledger_post_journal(c->ledger, &journal, NULL, NULL);

    if (error)
        return call_ledger_error(c, error, field);
    if (ret_journal)
        *ret_journal = journal.id;
    return 0;
}

int wallet_hold(struct call *c, const struct wallet *wallet, id_t64 credit_account, money_t amount,
                money_t fee, int reason, struct str reference, const char *field,
                struct wallet_hold *ret_hold)
{
    struct transfer transfers[2] = {{.kind = TRANSFER_PENDING,
                                     .debit_account = wallet->id,
                                     .credit_account = credit_account,
                                     .amount = amount,
                                     .reason = reason}};
    size_t count = 1;

    if (fee) {
        id_t64 income;
        TRY(ledger_system_account(c->ledger, wallet->tenant_id, (int)wallet->asset,
                                  LEDGER_FEE_INCOME, STR_NONE, &income));
        transfers[count++] = (struct transfer){.kind = TRANSFER_PENDING,
                                               .debit_account = wallet->id,
                                               .credit_account = income,
                                               .amount = fee,
                                               .reason = REASON_FEE};
    }
    TRY(wallet_post(c, transfers, count, STR_NONE, reference, field, &ret_hold->journal_id));
    ret_hold->amount_id = transfers[0].id;
    ret_hold->fee_id = fee ? transfers[1].id : 0;
    return 0;
}

static int settle(struct call *c, const struct wallet_hold *hold, enum transfer_kind kind,
                  int reason, struct str reference)
{
    struct transfer transfers[2];
    size_t count = 0;

    if (hold->amount_id)
        transfers[count++] =
            (struct transfer){.kind = kind, .pending_id = hold->amount_id, .reason = reason};
    if (hold->fee_id)
        transfers[count++] =
            (struct transfer){.kind = kind, .pending_id = hold->fee_id, .reason = REASON_FEE};
    if (count == 0)
        return 0;
    return wallet_post(c, transfers, count, STR_NONE, reference, NULL, NULL);
}

int wallet_post_hold(struct call *c, const struct wallet_hold *hold, int reason,
                     struct str reference)
{
    return settle(c, hold, TRANSFER_POST, reason, reference);
}

int wallet_void_hold(struct call *c, const struct wallet_hold *hold, int reason,
                     struct str reference)
{
    return settle(c, hold, TRANSFER_VOID, reason, reference);
}
