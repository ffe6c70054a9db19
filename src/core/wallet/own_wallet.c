/* Opening wallets that no provider knows, and their limits. */
#include "core/wallet/own_wallet.h"

#include "base/digest.h"
#include "core/wallet/events.h"

#define NUMBER_DIGITS 14

/* Begins with 1..9. What a random byte above 249 would add is thrown away, so that digits are
 * even. */
static struct str random_number(struct call *c)
{
    char *text = arena_alloc(c->arena, NUMBER_DIGITS + 1);
    size_t len = 0;

    while (len < NUMBER_DIGITS) {
        uint8_t byte;
        random_bytes(&byte, sizeof(byte));
        if (byte < 250 && (len > 0 || byte % 10 > 0))
            text[len++] = (char)('0' + byte % 10);
    }
    return (struct str){text, len};
}

/* One writer serves a tenant, so a number that is free stays free until the commit. */
static int free_number(struct call *c, struct str *ret_number)
{
    int error;

    do {
        int64_t taken;
        *ret_number = random_number(c);
        error = sql_integer(c->sql, &taken,
                            "SELECT id FROM wallet WHERE account_number = ? AND tenant_id = ?"
                            " LIMIT 1",
                            sql_text(*ret_number), sql_int(c->principal.tenant_id));
    } while (error == OK);
    return error == ERR_NOT_FOUND ? OK : error;
}

int wallet_open_own(struct call *c, const struct user *owner, const struct asset *asset,
                    struct str name, struct wallet *ret_wallet)
{
    struct wallet wallet = {
        .id = id_new(),
        .tenant_id = c->principal.tenant_id,
        .organisation_id = owner->organisation_id,
        .user_id = owner->id,
        .kind = STR("currency"),
        .name = str_or(name, user_full_name(c->arena, owner)),
        .asset = asset->id,
        .status = STR("active"),
        .created_at = c->now,
        .updated_at = c->now,
    };
    struct ledger_account account = {.id = wallet.id,
                                     .tenant_id = wallet.tenant_id,
                                     .asset = asset->id,
                                     .code = LEDGER_CUSTOMER,
                                     .flags = LEDGER_NO_OVERDRAFT};

    TRY(free_number(c, &wallet.account_number));
    TRY(ledger_open_account(c->ledger, &account));
    TRY(wallet_insert(c->sql, &wallet));
    TRY(wallet_log(c, &wallet, "account.created", "success", "The account was opened.", STR_NONE));
    *ret_wallet = wallet;
    return OK;
}

static int refuse(struct call *c, int error)
{
    return error == ERR_LEDGER_ACCOUNT_CLOSED ? call_refuse(c, error, "account_id") : error;
}

int wallet_set_limits(struct call *c, const struct wallet *wallet, struct wallet_limits limits)
{
    unsigned overdraft = limits.overdraft_limit ? LEDGER_OVERDRAFT : LEDGER_NO_OVERDRAFT;
    unsigned minimum = limits.minimum_balance ? LEDGER_MINIMUM : 0;
    const unsigned all = LEDGER_OVERDRAFT | LEDGER_NO_OVERDRAFT | LEDGER_MINIMUM;

    TRY(refuse(c, ledger_set_limits(c->ledger, wallet->tenant_id, wallet->id,
                                    limits.overdraft_limit, limits.minimum_balance)));
    TRY(refuse(c, ledger_set_flags(c->ledger, wallet->tenant_id, wallet->id, overdraft | minimum,
                                   all & ~(overdraft | minimum))));
    return wallet_log(c, wallet, "account.limits", "success", "The limits of the account were set.",
                      STR_NONE);
}
