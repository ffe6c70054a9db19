/*
 * Transfers between two wallets. This is the path that is called most: two look-ups by key, one of
 * the fee, one journal, one insert of both entries.
 */
#include "core/fee/fee.h"
#include "core/identity/organisation.h"
#include "core/identity/user.h"
#include "core/outbox.h"
#include "core/reasons.h"
#include "core/wallet/events.h"
#include "core/wallet/funds.h"

int wallet_check_owner(struct call *c, const struct wallet *wallet, id_t64 user_id)
{
    struct user user;
    if (user_id == wallet->user_id || user_id == c->principal.user_id)
        return 0;
    if (!c->principal.staff && !call_has_role(c, ROLE_ORG_ADMIN | ROLE_APP))
        return call_refuse(c, ERR_FORBIDDEN, "user_id");
    return user_get_of_organisation(c, user_id, wallet->organisation_id, "user_id", &user);
}

int wallet_require_mover(struct call *c, const struct wallet *wallet, id_t64 user_id,
                         const char *field)
{
    TRY(wallet_require_use(c, wallet, field));
    /* Any member may look at what belongs to all of them; spending it takes an administrator. */
    if (!wallet->user_id && wallet->organisation_id && !c->principal.app_id)
        TRY(organisation_require(c, wallet->organisation_id, ROLE_ORG_ADMIN, field));
    return wallet_check_owner(c, wallet, user_id);
}

int wallet_require_movable(struct call *c, const struct wallet *wallet, const char *field)
{
    TRY(wallet_require_active(c, wallet, field));
    return wallet->organisation_id ? organisation_require_active(c, wallet->organisation_id, field)
                                   : OK;
}

static int load(struct call *c, const struct wallet_transfer *request, struct wallet *from,
                struct wallet *to)
{
    struct str payer_status, payee_status;

    TRY(wallet_get_brief(c, request->from_wallet_id, "from_account_id", from, &payer_status));
    TRY(wallet_require_mover(c, from, request->user_id, "from_account_id"));
    if (request->from_wallet_id == request->to_wallet_id)
        return call_refuse(c, ERR_SAME_ACCOUNT, "to_account_id");
    TRY(wallet_get_brief(c, request->to_wallet_id, "to_account_id", to, &payee_status));
    if (str_present(payer_status) && !str_is(payer_status, "active"))
        return call_refuse(c, ERR_ORGANISATION_INACTIVE, "from_account_id");
    TRY(wallet_require_active(c, from, "from_account_id"));
    TRY(wallet_require_active(c, to, "to_account_id"));
    return from->asset == to->asset ? 0 : call_refuse(c, ERR_CURRENCY_MISMATCH, "to_account_id");
}

static int post(struct call *c, const struct wallet *from, const struct wallet *to, money_t amount,
                money_t fee, struct str reference, struct str description, id_t64 *ret_journal)
{
    struct transfer transfers[2] = {{.debit_account = from->id,
                                     .credit_account = to->id,
                                     .amount = amount,
                                     .reason = REASON_TRANSFER}};
    size_t count = 1;

    if (fee) {
        id_t64 income;
        TRY(ledger_system_account(c->ledger, from->tenant_id, (int)from->asset, LEDGER_FEE_INCOME,
                                  STR_NONE, &income));
        transfers[count++] = (struct transfer){.debit_account = from->id,
                                               .credit_account = income,
                                               .amount = fee,
                                               .reason = REASON_FEE};
    }
    return wallet_post(c, transfers, count, description, reference, "amount", ret_journal);
}

int wallet_transfer(struct call *c, const struct wallet_transfer *request,
                    struct wallet_entry *ret_debit)
{
    struct wallet from, to;
    struct fee_quote quote;
    money_t amount;

    TRY(load(c, request, &from, &to));
    TRY(wallet_amount(c, request->amount, wallet_asset(&from), "amount", &amount));
    TRY(fee_quote(c, wallet_asset(&from), "transfer", amount, &quote));

    struct wallet_entry entries[2] = {
        wallet_entry_for(c, &from, "debit", "transfer", "completed", amount),
        wallet_entry_for(c, &to, "credit", "transfer", "completed", amount),
    };
    entries[0].fee = quote.fee;
    entries[0].description = entries[1].description = request->description;
    /* One reference for both, so that either side finds the other. */
    entries[1].reference = entries[0].reference;
    TRY(post(c, &from, &to, amount, quote.fee, entries[0].reference, request->description,
             &entries[0].journal_id));
    entries[1].journal_id = entries[0].journal_id;
    TRY(wallet_add_entries(c, entries, 2));
    TRY(wallet_entry_events(c, entries, 2));
    if (ret_debit)
        *ret_debit = entries[0];
    return 0;
}
