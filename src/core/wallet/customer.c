/* Customers at Bridge: KYC, onboarding, and who may see them. */
#include "core/wallet/customer.h"

#include "base/json_build.h"
#include "core/identity/organisation.h"
#include "core/identity/user.h"
#include "core/provider/providers.h"
#include "core/wallet/events.h"

#define ROW_SELF struct provider_customer
ROW_TYPE(provider_customer, PROVIDER_CUSTOMER_ROW);
#undef ROW_SELF

#define CUSTOMER_SELECT \
    ROW_SELECT(PROVIDER_CUSTOMER_ROW) " FROM provider_customer WHERE tenant_id = ?"

/* What onboarding opens: bank account in the currency of Bridge's standard account, and its
 * token. */
#define INTERNAL_CURRENCY "USD"
#define INTERNAL_TOKEN "USDC"
#define INTERNAL_RAIL "ethereum"

/* ---- Reading ---- */

int customer_get(struct call *c, id_t64 customer_id, const char *field,
                 struct provider_customer *ret_customer)
{
    int error = sql_one(c->sql, c->arena, &provider_customer_row, ret_customer,
                        CUSTOMER_SELECT " AND id = ?", sql_int(c->principal.tenant_id),
                        sql_int(customer_id));

    if (error == ERR_NOT_FOUND)
        return call_refuse_text(c, ERR_NOT_FOUND, field, "The customer was not found.");
    return error;
}

static bool may_use(const struct call *c, const struct provider_customer *customer)
{
    const struct principal *caller = &c->principal;

    if (caller->staff)
        return true;
    if (caller->user_id &&
        (caller->user_id == customer->user_id || caller->user_id == customer->created_by))
        return true;
    return caller->organisation_id && caller->organisation_id == customer->organisation_id &&
           call_has_role(c, ROLE_ORG_ADMIN | ROLE_APP);
}

int customer_get_for_caller(struct call *c, id_t64 customer_id, const char *field,
                            struct provider_customer *ret_customer)
{
    TRY(customer_get(c, customer_id, field, ret_customer));
    return may_use(c, ret_customer) ? 0 : call_refuse(c, ERR_FORBIDDEN, field);
}

static int find_by_email(struct call *c, struct str email, struct provider_customer *ret_customer)
{
    return sql_one(c->sql, c->arena, &provider_customer_row, ret_customer,
                   CUSTOMER_SELECT " AND email = ? ORDER BY id DESC LIMIT 1",
                   sql_int(c->principal.tenant_id), sql_text(email));
}

int wallet_put_customer(struct call *c, struct buf *body, const struct wallet *wallet)
{
    struct provider_customer customer;
    int error;

    if (wallet->customer_id)
        error = sql_one(c->sql, c->arena, &provider_customer_row, &customer,
                        CUSTOMER_SELECT " AND id = ?", sql_int(c->principal.tenant_id),
                        sql_int(wallet->customer_id));
    else if (wallet->user_id)
        error = sql_one(c->sql, c->arena, &provider_customer_row, &customer,
                        CUSTOMER_SELECT " AND user_id = ? ORDER BY id DESC LIMIT 1",
                        sql_int(c->principal.tenant_id), sql_int(wallet->user_id));
    else
        return 0;
    if (error == ERR_NOT_FOUND)
        return 0;
    if (!error)
        json_put_unless_empty(body, "customer_id", customer.provider_customer_id);
    return error;
}

/* ---- KYC ---- */

/* Bridge wants a name; the record of the person has it when there is one. */
static struct str name_for(struct call *c, struct str email)
{
    struct user user;
    struct str rest = email;

    if (user_find_by_email(c, email, &user) == 0) {
        struct str name = user_full_name(c->arena, &user);
        if (!str_empty(str_trim(name)))
            return name;
    }
    return str_cut(&rest, '@');
}

static void take_status(struct call *c, struct provider_customer *customer,
                        const struct provider_outcome *outcome)
{
    const struct json *data = NULL;

    if (!str_present(outcome->data_json) || json_parse(c->arena, outcome->data_json, &data) != 0)
        return;
    customer->provider_customer_id =
        str_or(json_text(json_get(data, "customer_id")), customer->provider_customer_id);
    customer->tos_link = str_or(json_text(json_get(data, "tos_link")), customer->tos_link);
    customer->kyc_link = str_or(json_text(json_get(data, "kyc_link")), customer->kyc_link);
    struct str status = json_text(json_get(data, "kyc_status"));
    if (str_is(status, "approved") || str_is(status, "active"))
        customer->kyc_status = STR("accepted");
}

static int ask_for_customer(struct call *c, struct customer_kyc *kyc)
{
    struct provider_outcome outcome = {0};
    struct buf body = json_object(c->arena);
    struct provider_customer *customer = &kyc->customer;

    *customer = (struct provider_customer){
        .id = id_new(),
        .tenant_id = c->principal.tenant_id,
        .organisation_id = c->principal.organisation_id,
        .provider = STR("bridge"),
        .email = kyc->email,
        .customer_type = kyc->customer_type,
        .kyc_status = STR("pending"),
        .created_by = c->principal.user_id,
    };
    json_put(&body, "full_name", name_for(c, kyc->email));
    json_put(&body, "email", kyc->email);
    json_put(&body, "customer_type", kyc->customer_type);

    TRY(provider_require(c, STR("bridge"), "create_customer", call_id(c, ID_CUSTOMER, customer->id),
                         json_object_end(&body), NULL, &outcome));
    take_status(c, customer, &outcome);
    return 0;
}

int customer_prepare_kyc(struct call *c, struct customer_kyc *kyc)
{
    int error;

    TRY(user_normalise_email(c, kyc->email, "email", &kyc->email));
    error = find_by_email(c, kyc->email, &kyc->customer);
    if (error && error != ERR_NOT_FOUND)
        return error;
    kyc->exists = !error && may_use(c, &kyc->customer);
    return kyc->exists ? 0 : ask_for_customer(c, kyc);
}

/* The provider's word about the customer counts for the person it is. */
static int link_person(struct call *c, const struct provider_customer *customer, struct user *user)
{
    if (!str_is(customer->customer_type, "individual") ||
        str_empty(customer->provider_customer_id) ||
        str_eq(customer->provider_customer_id, user->bridge_customer_id))
        return 0;
    user->bridge_customer_id = customer->provider_customer_id;
    return user_update(c, user);
}

/* Somebody else's review must not decide about a person. */
static bool may_link(const struct call *c, const struct user *user)
{
    return call_may_act_for_user(c, user->id) ||
           (call_has_role(c, ROLE_ORG_ADMIN) &&
            call_may_act_for_organisation(c, user->organisation_id));
}

int customer_start_kyc(struct call *c, struct customer_kyc *kyc)
{
    struct provider_customer other;
    struct user user;

    if (kyc->exists)
        return 0;
    int error = find_by_email(c, kyc->email, &other);
    if (error && error != ERR_NOT_FOUND)
        return error;
    if (!error && may_use(c, &other)) {
        kyc->customer = other; /* two calls at once: the first one's customer stands */
        return 0;
    }
    error = user_find_by_email(c, kyc->email, &user);
    if (error && error != ERR_NOT_FOUND)
        return error;
    if (!error && may_link(c, &user)) {
        kyc->customer.user_id = user.id;
        TRY(link_person(c, &kyc->customer, &user));
    }
    kyc->customer.created_at = kyc->customer.updated_at = c->now;
    return sql_insert(c->sql, "provider_customer", &provider_customer_row, &kyc->customer);
}

/* ---- Onboarding ---- */

static int require_onboardable(struct call *c, const struct provider_customer *customer)
{
    if (customer->onboarded_at)
        return call_refuse_text(c, ERR_CONFLICT, "email", "The customer is onboarded already.");
    if (!str_is(customer->kyc_status, "accepted"))
        return call_refuse_text(c, ERR_CONFLICT, "email",
                                "The customer has not accepted the terms and passed KYC yet.");
    return 0;
}

static int find_customer(struct call *c, struct customer_onboarding *onboarding)
{
    /* Anybody may start KYC for an address: who is to be onboarded, or its organisation, goes first. */
    int error = sql_one(c->sql, c->arena, &provider_customer_row, &onboarding->customer,
                        CUSTOMER_SELECT " AND email = ? ORDER BY CASE WHEN user_id = ?"
                                        " OR created_by = ? THEN 0 WHEN organisation_id = ? THEN 1"
                                        " ELSE 2 END, id DESC LIMIT 1",
                        sql_int(c->principal.tenant_id), sql_text(onboarding->email),
                        sql_int(onboarding->user_id), sql_int(onboarding->user_id),
                        sql_int(onboarding->organisation_id));

    if (error == ERR_NOT_FOUND)
        return call_refuse_text(c, ERR_CONFLICT, "email",
                                "KYC was not started for this e-mail address.");
    return error;
}

static int refresh_kyc(struct call *c, struct provider_customer *customer)
{
    struct provider_outcome outcome = {0};
    struct buf body = json_object(c->arena);

    /* Bridge makes the customer when the link was followed: without one there is nothing to ask. */
    if (str_is(customer->kyc_status, "accepted") || str_empty(customer->provider_customer_id))
        return 0;
    json_put(&body, "customer_id", customer->provider_customer_id);
    json_put_unless_empty(&body, "email", customer->email);

    TRY(provider_require(c, STR("bridge"), "get_customer", provider_new_reference(c->arena),
                         json_object_end(&body), NULL, &outcome));
    take_status(c, customer, &outcome);
    return 0;
}

static struct wallet_opening opening_for(const struct customer_onboarding *onboarding,
                                         const char *kind, const char *currency)
{
    return (struct wallet_opening){
        .kind = kind,
        .organisation_id = onboarding->organisation_id,
        .user_id = onboarding->user_id,
        .customer_id = onboarding->customer.id,
        .currency = str_from(currency),
        .email = onboarding->email,
        .first_name = onboarding->first_name,
        .last_name = onboarding->last_name,
        .phone = onboarding->phone,
        .customer_type = onboarding->customer.customer_type,
    };
}

int customer_prepare_onboarding(struct call *c, struct customer_onboarding *onboarding)
{
    TRY(user_normalise_email(c, onboarding->email, "email", &onboarding->email));
    TRY(find_customer(c, onboarding));
    TRY(refresh_kyc(c, &onboarding->customer));
    TRY(require_onboardable(c, &onboarding->customer));
    onboarding->bank = opening_for(onboarding, "internal_bank", INTERNAL_CURRENCY);
    onboarding->bank.has_initial_balance = onboarding->has_initial_balance;
    onboarding->bank.initial_balance = onboarding->initial_balance;
    onboarding->crypto = opening_for(onboarding, "internal_crypto", INTERNAL_TOKEN);
    onboarding->crypto.payment_rail = STR(INTERNAL_RAIL);
    TRY(wallet_prepare_opening(c, &onboarding->bank));
    return wallet_prepare_opening(c, &onboarding->crypto);
}

int customer_onboard(struct call *c, struct customer_onboarding *onboarding,
                     struct wallet *ret_wallet)
{
    struct provider_customer customer;
    struct wallet crypto;
    struct user user;

    TRY(customer_get(c, onboarding->customer.id, "email", &customer));
    customer.kyc_status = onboarding->customer.kyc_status;
    TRY(require_onboardable(c, &customer));
    customer.organisation_id = onboarding->organisation_id;
    customer.user_id = onboarding->user_id;
    customer.provider_customer_id = onboarding->customer.provider_customer_id;
    customer.first_name = str_or(onboarding->first_name, customer.first_name);
    customer.last_name = str_or(onboarding->last_name, customer.last_name);
    customer.phone = str_or(onboarding->phone, customer.phone);
    customer.onboarded_at = customer.updated_at = c->now;
    TRY(sql_update(c->sql, "provider_customer", &provider_customer_row, &customer));
    TRY(user_get(c, customer.user_id, "user_id", &user));
    TRY(link_person(c, &customer, &user));
    TRY(wallet_open(c, &onboarding->bank, ret_wallet));
    TRY(wallet_open(c, &onboarding->crypto, &crypto));
    return wallet_log(c, ret_wallet, "customer.onboarded", "success", "The customer was onboarded.",
                      STR_NONE);
}
