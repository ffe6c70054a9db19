/*
 * The life of a withdrawal. Every step goes through the table of states; only the steps into an end
 * state settle the hold, so it is settled once, however often a provider repeats itself.
 */
#include "core/wallet/withdrawal.h"

#include "base/json_build.h"
#include "core/fee/fee.h"
#include "core/life_cycle.h"
#include "core/outbox.h"
#include "core/provider/providers.h"
#include "core/reasons.h"
#include "core/wallet/customer.h"
#include "core/wallet/events.h"
#include "core/wallet/external_account.h"

#define ROW_SELF struct withdrawal
ROW_TYPE(withdrawal, WITHDRAWAL_ROW);
#undef ROW_SELF

#define WITHDRAWAL_SELECT ROW_SELECT(WITHDRAWAL_ROW) " FROM withdrawal WHERE tenant_id = ?"

static bool is_naira(const struct withdrawal *withdrawal)
{
    return str_is(withdrawal->provider, "sarepay");
}

/* ---- Reading ---- */

static int found(struct call *c, int error, const char *field)
{
    if (error == ERR_NOT_FOUND)
        return call_refuse_text(c, ERR_NOT_FOUND, field, "The withdrawal was not found.");
    return error;
}

int withdrawal_get(struct call *c, id_t64 withdrawal_id, const char *field,
                   struct withdrawal *ret_withdrawal)
{
    return found(c,
                 sql_one(c->sql, c->arena, &withdrawal_row, ret_withdrawal,
                         WITHDRAWAL_SELECT " AND id = ?", sql_int(c->principal.tenant_id),
                         sql_int(withdrawal_id)),
                 field);
}

int withdrawal_get_by_reference(struct call *c, struct str provider_reference, const char *field,
                                struct withdrawal *ret_withdrawal)
{
    return found(c,
                 sql_one(c->sql, c->arena, &withdrawal_row, ret_withdrawal,
                         WITHDRAWAL_SELECT " AND provider_reference = ? ORDER BY id DESC LIMIT 1",
                         sql_int(c->principal.tenant_id), sql_text(provider_reference)),
                 field);
}

/* A withdrawal with its entry. An entry that is no withdrawal is there, but in no state that allows
 * this. */
static int load(struct call *c, id_t64 id, struct withdrawal *withdrawal,
                struct wallet_entry *entry)
{
    int error;

    TRY(wallet_entry_get(c, id, "transaction_id", entry));
    error = sql_one(c->sql, c->arena, &withdrawal_row, withdrawal, WITHDRAWAL_SELECT " AND id = ?",
                    sql_int(c->principal.tenant_id), sql_int(id));
    if (error == ERR_NOT_FOUND)
        return call_refuse_text(c, ERR_WRONG_STATE, "transaction_id",
                                "The transaction is not a withdrawal.");
    return error;
}

static int load_naira(struct call *c, id_t64 id, struct withdrawal *withdrawal,
                      struct wallet_entry *entry)
{
    TRY(load(c, id, withdrawal, entry));
    if (!is_naira(withdrawal))
        return call_refuse_text(c, ERR_WRONG_STATE, "transaction_id",
                                "Only withdrawals in NGN are decided by an administrator.");
    return 0;
}

/* ---- Steps ---- */

/* Withdrawal and entry always carry the same status. */
static int move(struct call *c, struct withdrawal *withdrawal, struct wallet_entry *entry,
                const char *event)
{
    bool same;
    struct str state;

    TRY(life_cycle_step(c, &withdrawal_life_cycle, withdrawal->status, event, "transaction_id",
                        &state));
    same = str_eq(state, withdrawal->status);
    withdrawal->status = state;
    withdrawal->updated_at = c->now;
    TRY(sql_update(c->sql, "withdrawal", &withdrawal_row, withdrawal));
    if (same)
        return 0;
    TRY(wallet_update_entry(c, entry, state));
    return wallet_entry_event(c, entry);
}

static struct wallet_hold hold_of(const struct wallet_entry *entry)
{
    return (struct wallet_hold){
        .journal_id = entry->journal_id, .amount_id = entry->hold_id, .fee_id = entry->fee_hold_id};
}

static struct str amount_text(struct call *c, const struct wallet_entry *entry)
{
    const struct asset *asset = asset_by_id((int)entry->asset);

    return decimal_print(c->arena, money_to_decimal(entry->amount, asset), asset->scale);
}

static int put_payee(struct call *c, struct buf *body, const struct withdrawal *withdrawal)
{
    json_open(body, "payee", '{');
    json_put_unless_empty(body, "name", withdrawal->beneficiary_name);
    json_put_unless_empty(body, "bank_code", withdrawal->bank_code);
    json_put_unless_empty(body, "account_number", withdrawal->account_number);
    json_put_unless_empty(body, "wallet_address", withdrawal->to_address);
    if (!str_empty(withdrawal->to_address))
        json_put_unless_empty(body, "network", withdrawal->payment_rail);
    if (withdrawal->external_account_id) {
        struct external_account account;
        TRY(external_account_read(c, withdrawal->external_account_id, &account));
        json_put_unless_empty(body, "external_account_id", account.provider_account_id);
    }
    json_close(body, '}');
    return 0;
}

static int instruct(struct call *c, const struct withdrawal *withdrawal,
                    const struct wallet_entry *entry)
{
    struct buf body = json_object(c->arena);
    struct wallet wallet;
    bool crypto = !str_empty(withdrawal->to_address);

    TRY(wallet_get(c, withdrawal->wallet_id, NULL, &wallet));
    json_put(&body, "amount", amount_text(c, entry));
    json_put(&body, "currency",
             str_or(withdrawal->token, str_from(asset_by_id((int)withdrawal->asset)->code)));
    json_put(&body, "rail", crypto ? STR("crypto") : STR("bank_transfer"));
    json_put(&body, "narration", str_or(entry->description, entry->reference));
    if (!is_naira(withdrawal))
        TRY(wallet_put_customer(c, &body, &wallet));
    TRY(put_payee(c, &body, withdrawal));
    return outbox_instruct(c, withdrawal->provider.ptr, "withdrawal_payout", withdrawal->id,
                           json_object_end(&body));
}

/* ---- Making one ---- */

static bool is_digits(struct str s, size_t len)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return s.len == len;
}

static int check_naira(struct call *c, const struct withdrawal_destination *to)
{
    if (str_empty(to->bank_code))
        return call_refuse(c, ERR_REQUIRED, "bank_code");
    if (str_empty(to->account_number))
        return call_refuse(c, ERR_REQUIRED, "beneficiary_account_number");
    if (to->bank_code.len > 6 || !is_digits(to->bank_code, to->bank_code.len))
        return call_refuse(c, ERR_BAD_FORMAT, "bank_code");
    if (!is_digits(to->account_number, 10))
        return call_refuse_text(c, ERR_BAD_FORMAT, "beneficiary_account_number",
                                "must be 10 digits");
    return 0;
}

/* Who pays it out, and whether that provider can reach the destination. */
static int route(struct call *c, const struct wallet *wallet,
                 const struct withdrawal_destination *to, struct withdrawal *withdrawal)
{
    const struct asset *asset = wallet_asset(wallet);
    struct external_account account = {0};

    withdrawal->provider = STR("bridge");
    if (!str_empty(to->to_address))
        return 0;
    if (to->external_account_id) {
        TRY(external_account_get_for_caller(c, to->external_account_id, "external_account_id",
                                            &account));
        if (account.asset != asset->id)
            return call_refuse(c, ERR_CURRENCY_MISMATCH, "external_account_id");
    }
    if (strcmp(asset->code, "NGN") == 0) {
        withdrawal->provider = STR("sarepay");
        if (!to->external_account_id)
            return check_naira(c, to);
        withdrawal->bank_code = account.sort_code;
        withdrawal->account_number = account.account_number;
        return 0;
    }
    if (to->external_account_id)
        return 0;
    return call_refuse_text(c, ERR_REQUIRED, "external_account_id",
                            "is required for withdrawals other than in NGN");
}

static struct withdrawal describe(struct call *c, const struct wallet *wallet,
                                  const struct withdrawal_destination *to)
{
    return (struct withdrawal){
        .tenant_id = wallet->tenant_id,
        .wallet_id = wallet->id,
        .status = STR("pending"),
        .asset = wallet->asset,
        .external_account_id = to->external_account_id,
        .beneficiary_name = to->beneficiary_name,
        .bank_code = to->bank_code,
        .account_number = to->account_number,
        .to_address = to->to_address,
        .payment_rail = to->payment_rail,
        .token = str_empty(to->to_address) ? STR_NONE
                                           : str_from(asset_find_any_case(to->currency)->code),
        .requested_by = c->principal.user_id,
        .created_at = c->now,
        .updated_at = c->now,
    };
}

/* Holds the money, writes entry and withdrawal, and instructs the provider unless it has to be
 * approved. */
static int place(struct call *c, const struct wallet *wallet, struct withdrawal *withdrawal,
                 struct wallet_entry *entry, bool approved)
{
    const struct asset *asset = wallet_asset(wallet);
    struct fee_quote quote;
    struct wallet_hold hold;
    id_t64 settlement;

    TRY(fee_quote(c, asset, entry->kind.ptr, entry->amount, &quote));
    TRY(ledger_system_account(c->ledger, wallet->tenant_id, asset->id, LEDGER_SETTLEMENT,
                              wallet_settlement_name(withdrawal->provider), &settlement));
    TRY(wallet_hold(c, wallet, settlement, entry->amount, quote.fee, REASON_WITHDRAWAL,
                    entry->reference, "amount", &hold));
    withdrawal->id = entry->id;
    withdrawal->status = approved ? STR("approved") : STR("pending");
    entry->status = withdrawal->status;
    entry->fee = quote.fee;
    entry->provider = withdrawal->provider;
    entry->payment_rail = withdrawal->payment_rail;
    entry->journal_id = hold.journal_id;
    entry->hold_id = hold.amount_id;
    entry->fee_hold_id = hold.fee_id;
    TRY(wallet_add_entries(c, entry, 1));
    TRY(sql_insert(c->sql, "withdrawal", &withdrawal_row, withdrawal));
    if (approved)
        TRY(instruct(c, withdrawal, entry));
    return wallet_entry_event(c, entry);
}

static int start(struct call *c, const struct withdrawal_request *request, struct wallet *wallet,
                 money_t *amount)
{
    TRY(wallet_get(c, request->wallet_id, "account_id", wallet));
    TRY(wallet_require_mover(c, wallet, request->user_id, "account_id"));
    TRY(wallet_require_movable(c, wallet, "account_id"));
    return wallet_amount(c, request->amount, wallet_asset(wallet), "amount", amount);
}

int withdrawal_create(struct call *c, const struct withdrawal_request *request,
                      struct wallet_entry *ret_entry)
{
    struct wallet wallet;
    struct withdrawal withdrawal;
    money_t amount;

    TRY(start(c, request, &wallet, &amount));
    if (str_empty(str_trim(request->to.beneficiary_name)))
        return call_refuse(c, ERR_REQUIRED, "beneficiary_name");
    withdrawal = describe(c, &wallet, &request->to);
    TRY(route(c, &wallet, &request->to, &withdrawal));
    *ret_entry = wallet_entry_for(c, &wallet, "debit", "withdrawal", "pending", amount);
    ret_entry->description = request->description;
    return place(c, &wallet, &withdrawal, ret_entry, !is_naira(&withdrawal));
}

static int check_crypto(struct call *c, const struct wallet *wallet,
                        const struct withdrawal_destination *to)
{
    const struct asset *token = asset_find_any_case(to->currency);

    if (!token)
        return call_refuse(c, ERR_UNKNOWN_CURRENCY, "currency");
    if (!wallet_takes_token(wallet_asset(wallet), token))
        return call_refuse(c, ERR_CURRENCY_MISMATCH, "currency");
    if (str_empty(str_trim(to->payment_rail)))
        return call_refuse(c, ERR_REQUIRED, "payment_rail");
    return str_empty(str_trim(to->to_address)) ? call_refuse(c, ERR_REQUIRED, "to_address") : 0;
}

int withdrawal_create_crypto(struct call *c, const struct withdrawal_request *request,
                             struct wallet_entry *ret_entry)
{
    struct wallet wallet;
    struct withdrawal withdrawal;
    money_t amount;

    TRY(start(c, request, &wallet, &amount));
    TRY(check_crypto(c, &wallet, &request->to));
    withdrawal = describe(c, &wallet, &request->to);
    TRY(route(c, &wallet, &request->to, &withdrawal));
    *ret_entry = wallet_entry_for(c, &wallet, "debit", "crypto_withdrawal", "pending", amount);
    ret_entry->description = request->description;
    return place(c, &wallet, &withdrawal, ret_entry, true);
}

/* ---- Deciding ---- */

int withdrawal_approve(struct call *c, id_t64 withdrawal_id, struct wallet_entry *ret_entry)
{
    struct withdrawal withdrawal;
    struct wallet wallet;

    TRY(load_naira(c, withdrawal_id, &withdrawal, ret_entry));
    withdrawal.decided_by = c->principal.user_id;
    withdrawal.decided_at = c->now;
    TRY(move(c, &withdrawal, ret_entry, "approve"));
    /* The account may have been stopped since the withdrawal was asked for. */
    TRY(wallet_get(c, withdrawal.wallet_id, "transaction_id", &wallet));
    TRY(wallet_require_movable(c, &wallet, "transaction_id"));
    return instruct(c, &withdrawal, ret_entry);
}

int withdrawal_reject(struct call *c, id_t64 withdrawal_id, struct str reason,
                      struct wallet_entry *ret_entry)
{
    struct withdrawal withdrawal;
    struct wallet_hold hold;

    TRY(load_naira(c, withdrawal_id, &withdrawal, ret_entry));
    hold = hold_of(ret_entry);
    withdrawal.decided_by = c->principal.user_id;
    withdrawal.decided_at = c->now;
    withdrawal.reason = reason;
    TRY(move(c, &withdrawal, ret_entry, "reject"));
    return wallet_void_hold(c, &hold, REASON_WITHDRAWAL, ret_entry->reference);
}

int withdrawal_process(struct call *c, id_t64 withdrawal_id, struct wallet_entry *ret_entry)
{
    struct withdrawal withdrawal;
    struct provider_instruction instruction;

    TRY(load_naira(c, withdrawal_id, &withdrawal, ret_entry));
    TRY(move(c, &withdrawal, ret_entry, "process"));
    /* Approval put an instruction into the outbox, which sends it until the provider has taken it.
     * A second one would be a second payment to the provider. */
    int error = provider_find_instruction(c, "withdrawal_payout", withdrawal.id, &instruction);
    return error == ERR_NOT_FOUND ? instruct(c, &withdrawal, ret_entry) : error;
}

/* ---- Cross-rail payouts ---- */

static int refuse_second_payout(struct call *c, id_t64 entry_id)
{
    int64_t others;

    TRY(sql_integer(c->sql, &others,
                    "SELECT COUNT(*) FROM withdrawal WHERE tenant_id = ? AND source_entry_id = ?"
                    " AND status NOT IN ('failed', 'rejected')",
                    sql_int(c->principal.tenant_id), sql_int(entry_id)));
    return others ? call_refuse_text(c, ERR_CONFLICT, "transaction_id",
                                     "The payout of this transaction was triggered already.")
                  : 0;
}

int withdrawal_cross_rail(struct call *c, id_t64 entry_id, const struct withdrawal_destination *to,
                          struct wallet_entry *ret_entry)
{
    struct wallet_entry source;
    struct wallet wallet;
    struct withdrawal withdrawal;

    TRY(wallet_entry_get(c, entry_id, "transaction_id", &source));
    TRY(refuse_second_payout(c, entry_id));
    if (!str_is(source.type, "credit") || !str_is(source.status, "completed") ||
        source.amount <= source.fee)
        return call_refuse_text(c, ERR_LOCKED_BY_RULE, "transaction_id",
                                "Only a completed credit can be paid out on another rail.");
    TRY(wallet_get(c, source.wallet_id, "transaction_id", &wallet));
    TRY(wallet_require_movable(c, &wallet, "transaction_id"));
    if (!str_empty(to->to_address))
        TRY(check_crypto(c, &wallet, to));
    withdrawal = describe(c, &wallet, to);
    TRY(route(c, &wallet, to, &withdrawal));
    withdrawal.source_entry_id = entry_id;
    *ret_entry = wallet_entry_for(c, &wallet, "debit",
                                  str_empty(to->to_address) ? "withdrawal" : "crypto_withdrawal",
                                  "pending", source.amount - source.fee);
    ret_entry->description = STR("Cross-rail payout");
    return place(c, &wallet, &withdrawal, ret_entry, true);
}

/* ---- Outcomes ---- */

static int conclude(struct call *c, struct withdrawal *withdrawal, struct wallet_entry *entry,
                    bool paid)
{
    struct wallet_hold hold = hold_of(entry);

    if (paid)
        TRY(wallet_post_hold(c, &hold, REASON_WITHDRAWAL, entry->reference));
    else
        TRY(wallet_void_hold(c, &hold, REASON_WITHDRAWAL, entry->reference));
    TRY(move(c, withdrawal, entry, paid ? "complete" : "fail"));
    return withdrawal->external_account_id
               ? external_account_forget(c, withdrawal->external_account_id)
               : 0;
}

int wallet_apply_withdrawal(struct call *c, id_t64 withdrawal_id,
                            const struct provider_outcome *outcome)
{
    struct withdrawal withdrawal;
    struct wallet_entry entry;

    TRY(load(c, withdrawal_id, &withdrawal, &entry));
    /* Decided already, or (which a provider cannot know of) not yet sent: nothing to apply. */
    if (!life_cycle_next(&withdrawal_life_cycle, withdrawal.status, "accept"))
        return 0;
    if (str_present(outcome->provider_reference))
        withdrawal.provider_reference = outcome->provider_reference;
    switch (outcome->status) {
    case PROVIDER_PENDING:
        return move(c, &withdrawal, &entry, "accept");
    case PROVIDER_SUCCEEDED:
        return conclude(c, &withdrawal, &entry, true);
    case PROVIDER_FAILED:
        withdrawal.reason = outcome->reason;
        return conclude(c, &withdrawal, &entry, false);
    case PROVIDER_RETRY:
        return 0;
    }
    return 0;
}
