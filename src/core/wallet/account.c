/*
 * The life of a wallet: opened with its provider's account number when the provider answers,
 * without it and with a request in the outbox when not; its status mirrored in the flags of its
 * ledger account; closed only when empty.
 */
#include "core/wallet/account.h"

#include "base/json_build.h"
#include "base/log.h"
#include "core/identity/organisation.h"
#include "core/identity/user.h"
#include "core/life_cycle.h"
#include "core/outbox.h"
#include "core/provider/providers.h"
#include "core/wallet/customer.h"
#include "core/wallet/events.h"
#include "core/wallet/funds.h"

/* ---- Checks ---- */

/* The caller acts in the organisation; for somebody else's account only as its administrator, and
 * only for its own people. */
static int check_owner(struct call *c, const struct wallet_opening *opening, struct user *user)
{
    struct organisation organisation;
    bool own = opening->user_id == 0 || opening->user_id == c->principal.user_id;

    TRY(organisation_require(c, opening->organisation_id, own ? ROLE_ANY : ROLE_ORG_ADMIN,
                             "org_id"));
    TRY(organisation_get(c, opening->organisation_id, "org_id", &organisation));
    TRY(organisation_require_active(c, opening->organisation_id, "org_id"));
    *user = (struct user){0};
    if (!opening->user_id)
        return 0;
    return user_get_of_organisation(c, opening->user_id, opening->organisation_id, "user_id", user);
}

static int check_asset(struct call *c, struct wallet_opening *opening)
{
    bool crypto = strcmp(opening->kind, "internal_crypto") == 0;

    opening->asset = asset_find_any_case(opening->currency);
    if (!opening->asset)
        return call_refuse(c, ERR_UNKNOWN_CURRENCY, "currency");
    if ((opening->asset->kind == ASSET_CRYPTO) != crypto)
        return call_refuse_text(c, ERR_NOT_ALLOWED, "currency",
                                crypto ? "must be a token for this kind of account"
                                       : "must be an ISO 4217 currency for this kind of account");
    return 0;
}

static int check_provider(struct call *c, struct wallet_opening *opening)
{
    bool naira = strcmp(opening->asset->code, "NGN") == 0;

    if (str_empty(opening->provider)) {
        opening->provider = naira ? STR("squadco") : STR("bridge");
        return 0;
    }
    if (str_eq_nocase(opening->provider, STR("squadco")) && naira)
        opening->provider = STR("squadco");
    else if (str_eq_nocase(opening->provider, STR("bridge")) && !naira)
        opening->provider = STR("bridge");
    else
        return call_refuse_text(c, ERR_NOT_ALLOWED, "provider",
                                "does not offer accounts in this currency");
    return 0;
}

static int check_initial_balance(struct call *c, const struct wallet_opening *opening)
{
    money_t ignored;

    if (!opening->has_initial_balance || decimal_is_zero(opening->initial_balance))
        return 0;
    if (opening->initial_balance.coefficient < 0)
        return call_refuse_text(c, ERR_OUT_OF_RANGE, "initial_balance", "must not be negative");
    TRY(wallet_amount(c, opening->initial_balance, opening->asset, "initial_balance", &ignored));
    if (!c->principal.staff)
        return call_refuse_text(
            c, ERR_FORBIDDEN, "initial_balance",
            "Only an administrator of the platform opens an account with money.");
    return 0;
}

static int check(struct call *c, struct wallet_opening *opening, struct user *user)
{
    TRY(check_asset(c, opening));
    TRY(check_provider(c, opening));
    TRY(check_initial_balance(c, opening));
    TRY(check_owner(c, opening, user));
    if (opening->customer_id) {
        struct provider_customer customer;
        TRY(customer_get_for_caller(c, opening->customer_id, "customer_id", &customer));
        if (customer.onboarded_at && customer.organisation_id != opening->organisation_id)
            return call_refuse_text(c, ERR_INVALID, "customer_id",
                                    "is a customer of another organisation");
    }
    return 0;
}

/* ---- Asking the provider ---- */

static bool asks_for_address(const struct wallet_opening *opening)
{
    return opening->asset->kind == ASSET_CRYPTO;
}

static void put_person(struct buf *body, const struct wallet_opening *opening,
                       const struct user *user)
{
    json_put_unless_empty(body, "first_name", str_or(opening->first_name, user->first_name));
    json_put_unless_empty(body, "last_name", str_or(opening->last_name, user->last_name));
    json_put_unless_empty(body, "email", str_or(opening->email, user->email));
    json_put_unless_empty(body, "phone_number", str_or(opening->phone, user->phone));
    json_put_unless_empty(body, "date_of_birth", user->date_of_birth);
    json_put_unless_empty(body, "address", user->address);
    if (str_eq_nocase(user->id_type, STR("bvn")))
        json_put_unless_empty(body, "bvn", user->id_number);
    else if (str_eq_nocase(user->additional_id_type, STR("bvn")))
        json_put_unless_empty(body, "bvn", user->additional_id_number);
}

static int describe(struct call *c, struct wallet_opening *opening, const struct user *user)
{
    struct organisation organisation;
    struct buf body = json_object(c->arena);
    const struct wallet wallet = {.customer_id = opening->customer_id,
                                  .organisation_id = opening->organisation_id,
                                  .user_id = opening->user_id};
    bool business = str_present(opening->customer_type) ? str_is(opening->customer_type, "business")
                                                        : opening->user_id == 0;

    TRY(organisation_get(c, opening->organisation_id, "org_id", &organisation));
    json_put(&body, "customer_identifier", call_id(c, ID_ACCOUNT, opening->wallet_id));
    json_put(&body, "customer_type", business ? STR("business") : STR("individual"));
    json_put(&body, "business_name", str_or(opening->organisation_name, organisation.name));
    put_person(&body, opening, user);
    json_put(&body, "currency", str_from(opening->asset->code));
    json_put_unless_empty(&body, "network", opening->payment_rail);
    TRY(wallet_put_customer(c, &body, &wallet));
    opening->request_json = json_object_end(&body);
    return 0;
}

int wallet_prepare_opening(struct call *c, struct wallet_opening *opening)
{
    struct user user;

    TRY(check(c, opening, &user));
    opening->wallet_id = id_new();
    TRY(describe(c, opening, &user));

    int error = provider_ask(c->app, c->arena, opening->provider,
                             asks_for_address(opening) ? "create_wallet" : "create_virtual_account",
                             call_id(c, ID_ACCOUNT, opening->wallet_id), opening->request_json,
                             &opening->outcome);
    /* What cannot be asked with these details now cannot be asked with them later. */
    opening->without_number = error == ERR_NOT_FOUND || error == ERR_REQUIRED;
    if (error) {
        /* The account is opened all the same; who it is for does not depend on its number. */
        log_warn("a provider gave no account number", LOG_STR("provider", opening->provider),
                 LOG_CSTR("error", error_name(error)));
        opening->outcome = (struct provider_outcome){.status = PROVIDER_RETRY};
    }
    if (opening->outcome.status == PROVIDER_FAILED)
        return call_refuse_text(c, ERR_PROVIDER_REFUSED, NULL,
                                "The provider refused to open the account: %.*s",
                                STR_FMT(opening->outcome.reason));
    return 0;
}

/* ---- Opening ---- */

static struct str text_of(const struct json *data, const char *path)
{
    struct str text = json_text(json_get(data, path));

    return str_empty(text) ? STR_NONE : text;
}

static void take_number(struct call *c, struct wallet *wallet,
                        const struct provider_outcome *outcome)
{
    const struct json *data = NULL;

    if (str_present(outcome->provider_reference))
        wallet->provider_account_id = outcome->provider_reference;
    if (!str_present(outcome->data_json) || json_parse(c->arena, outcome->data_json, &data) != 0)
        return;
    wallet->account_number = str_or(text_of(data, "account_number"),
                                    str_or(text_of(data, "iban"), text_of(data, "wallet_address")));
    wallet->bank_name = text_of(data, "bank_name");
    wallet->provider_account_id =
        str_or(text_of(data, "account_id"),
               str_or(text_of(data, "wallet_id"), wallet->provider_account_id));
}

static struct str default_name(struct call *c, const struct wallet_opening *opening,
                               const struct user *user)
{
    struct organisation organisation;

    if (!str_empty(opening->name))
        return opening->name;
    if (user->id && !str_empty(user_full_name(c->arena, user)))
        return user_full_name(c->arena, user);
    if (organisation_get(c, opening->organisation_id, "org_id", &organisation) == 0)
        return organisation.name;
    return STR_NONE;
}

int wallet_open(struct call *c, const struct wallet_opening *opening, struct wallet *ret_wallet)
{
    struct wallet_opening again = *opening;
    struct user user;

    /* The provider took its time: what was checked before it was asked may no longer hold. */
    TRY(check(c, &again, &user));

    struct wallet wallet = {
        .id = opening->wallet_id,
        .tenant_id = c->principal.tenant_id,
        .organisation_id = opening->organisation_id,
        .user_id = opening->user_id,
        .customer_id = opening->customer_id,
        .kind = str_from(opening->kind),
        .name = default_name(c, opening, &user),
        .asset = again.asset->id,
        .status = STR("active"),
        .provider = again.provider,
        .payment_rail = opening->payment_rail,
        .created_at = c->now,
        .updated_at = c->now,
    };
    struct ledger_account account = {.id = wallet.id,
                                     .tenant_id = wallet.tenant_id,
                                     .asset = again.asset->id,
                                     .code = LEDGER_CUSTOMER,
                                     .flags = LEDGER_NO_OVERDRAFT};
    if (opening->outcome.status == PROVIDER_SUCCEEDED)
        take_number(c, &wallet, &opening->outcome);
    TRY(ledger_open_account(c->ledger, &account));
    TRY(wallet_insert(c->sql, &wallet));
    if (!str_present(wallet.account_number) && !opening->without_number)
        TRY(outbox_instruct(c, wallet.provider.ptr,
                            asks_for_address(&again) ? "wallet_address" : "wallet_account",
                            wallet.id, opening->request_json));
    TRY(wallet_log(c, &wallet, "account.created", "success", "The account was opened.", STR_NONE));
    if (opening->has_initial_balance)
        TRY(wallet_open_balance(c, &wallet, opening->initial_balance, "initial_balance"));
    *ret_wallet = wallet;
    return 0;
}

static int save(struct call *c, struct wallet *wallet)
{
    wallet->updated_at = c->now;
    return sql_run(c->sql,
                   "UPDATE wallet SET name = ?, status = ?, account_number = ?, bank_name = ?,"
                   " provider_account_id = ?, updated_at = ? WHERE tenant_id = ? AND id = ?",
                   sql_text(wallet->name), sql_text(wallet->status),
                   sql_text(wallet->account_number), sql_text(wallet->bank_name),
                   sql_text(wallet->provider_account_id), sql_int(wallet->updated_at),
                   sql_int(wallet->tenant_id), sql_int(wallet->id));
}

int wallet_apply_account(struct call *c, id_t64 wallet_id, const struct provider_outcome *outcome)
{
    struct wallet wallet;

    int error = wallet_find(c, wallet_id, &wallet);
    if (error == ERR_NOT_FOUND)
        return 0; /* closed meanwhile: nobody needs its number */
    TRY(error);
    if (str_present(wallet.account_number))
        return 0;
    if (outcome->status == PROVIDER_FAILED)
        return wallet_log(c, &wallet, "account.number", "failed",
                          "The provider refused an account number.", STR_NONE);
    if (outcome->status != PROVIDER_SUCCEEDED)
        return 0;
    take_number(c, &wallet, outcome);
    TRY(save(c, &wallet));
    return wallet_log(c, &wallet, "account.number", "success",
                      "The provider supplied the account number.", STR_NONE);
}

/* ---- Changing and closing ---- */

static const struct status_event {
    const char *status, *event;
    unsigned flags; /* of the ledger account in that status */
} status_events[] = {
    {"active", "activate", 0},
    {"inactive", "deactivate", LEDGER_FROZEN},
    {"suspended", "suspend", LEDGER_FROZEN},
    {"frozen", "suspend", LEDGER_FROZEN},
};

int wallet_set_status(struct call *c, struct wallet *wallet, struct str status)
{
    const struct status_event *event = NULL;
    const unsigned all = LEDGER_FROZEN;

    for (size_t i = 0; i < sizeof(status_events) / sizeof(status_events[0]); i++)
        if (str_is(status, status_events[i].status))
            event = &status_events[i];
    if (!event)
        return call_refuse(c, ERR_NOT_ALLOWED, "status");
    TRY(life_cycle_step(c, &account_life_cycle, wallet->status, event->event, "status",
                        &wallet->status));
    TRY(ledger_set_flags(c->ledger, wallet->tenant_id, wallet->id, event->flags,
                         all & ~event->flags));
    TRY(save(c, wallet));
    return wallet_log(c, wallet, "account.status", wallet->status.ptr,
                      "The status of the account was set.", STR_NONE);
}

int wallet_rename(struct call *c, struct wallet *wallet, struct str name)
{
    if (str_empty(str_trim(name)))
        return call_refuse(c, ERR_REQUIRED, "virtual_account_name");
    wallet->name = name;
    TRY(save(c, wallet));
    return wallet_log(c, wallet, "account.updated", "success", "The account was renamed.",
                      STR_NONE);
}

/* A deposit that may bring any amount holds nothing in the ledger, but is awaited all the same. */
static int refuse_pending(struct call *c, const struct wallet *wallet)
{
    int64_t pending;

    TRY(sql_integer(c->sql, &pending,
                    "SELECT COUNT(*) FROM wallet_entry WHERE wallet_id = ? AND tenant_id = ?"
                    " AND status = 'pending'",
                    sql_int(wallet->id), sql_int(wallet->tenant_id)));
    return pending ? call_refuse_text(c, ERR_LEDGER_ACCOUNT_NOT_EMPTY, "account_id",
                                      "An account with pending transactions cannot be closed.")
                   : 0;
}

int wallet_delete(struct call *c, struct wallet *wallet)
{
    TRY(refuse_pending(c, wallet));
    int error = ledger_close_account(c->ledger, wallet->tenant_id, wallet->id);

    if (error == ERR_LEDGER_ACCOUNT_NOT_EMPTY)
        return call_refuse(c, error, "account_id");
    if (error)
        return error;
    TRY(life_cycle_step(c, &account_life_cycle, wallet->status, "delete", "account_id",
                        &wallet->status));
    TRY(save(c, wallet));
    return wallet_log(c, wallet, "account.deleted", "success", "The account was closed.", STR_NONE);
}

int wallet_delete_all(struct call *c, id_t64 organisation_id)
{
    struct organisation organisation;
    const struct wallet_filter filter = {.organisation_id = organisation_id};
    struct page page = {.limit = 500, .before = INT64_MAX};
    struct wallet *wallets;
    size_t count;

    TRY(organisation_get(c, organisation_id, "org_id", &organisation));
    do {
        TRY(wallet_list(c, &filter, &page, &wallets, &count));
        for (size_t i = 0; i < count; i++) {
            TRY(wallet_delete(c, &wallets[i]));
            page.before = wallets[i].id;
        }
    } while (count > (size_t)page.limit);
    return 0;
}
