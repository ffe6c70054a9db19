/* Turns a payment into the instruction a provider gets: who pays it out, and to which account. */
#include "core/payment/payout.h"

#include "base/json_build.h"
#include "core/outbox.h"

static const struct payment_provider {
    const char *name, *connector, *currency;
} providers[] = {
#define PAYMENT_PROVIDER(name, connector, currency) {name, connector, currency},
#include "core/payment/providers.def"
#undef PAYMENT_PROVIDER
};

#define PROVIDER_COUNT (sizeof(providers) / sizeof(providers[0]))

static const struct payment_provider *find_provider(struct str name)
{
    for (size_t i = 0; i < PROVIDER_COUNT; i++)
        if (str_is(name, providers[i].name))
            return &providers[i];
    return NULL;
}

struct str payout_settlement_name(const struct payment *payment)
{
    const struct payment_provider *provider =
        str_present(payment->provider) ? find_provider(payment->provider) : NULL;
    return provider && provider->connector[0] ? str_from(provider->connector) : STR("manual");
}

static bool pays_in(const struct payment_provider *provider, struct str currency)
{
    return provider->currency[0] == '\0' || str_is(currency, provider->currency);
}

static bool is_crypto(const struct payment *payment)
{
    return asset_find(payment->target_currency)->kind == ASSET_CRYPTO;
}

/* Account details: the payment's own bank_account or mobile_money_details win over the payee's
 * record. */
static struct str account_json(const struct payment *payment, const struct beneficiary *payee)
{
    if (str_is(payment->payment_method, "mobile_money"))
        return str_or(payment->mobile_money_details, payee->momo_details);
    return str_or(payment->bank_account, payee->bank_details);
}

static int parse_account(struct call *c, const struct payment *payment,
                         const struct beneficiary *payee, const struct json **ret_account)
{
    struct str text = account_json(payment, payee);
    *ret_account = NULL;
    return str_present(text) ? json_parse(c->arena, text, ret_account) : OK;
}

static int check_payee(struct call *c, const struct payment *payment,
                       const struct payment_provider *provider, const struct beneficiary *payee)
{
    const struct json *account;

    TRY(parse_account(c, payment, payee, &account));
    if (strcmp(provider->connector, "sarepay") == 0 &&
        (str_empty(json_text(json_get(account, "account_number"))) ||
         str_empty(json_text(json_get(account, "bank_code")))))
        return call_refuse_text(c, ERR_PREREQUISITE, "beneficiary_id",
                                "A payout in NGN needs the payee's account_number and bank_code.");
    if (strcmp(provider->connector, "bridge") == 0 && str_empty(payee->external_account_id) &&
        str_empty(json_text(json_get(account, "account_number"))) &&
        str_empty(json_text(json_get(account, "iban"))) &&
        str_empty(json_text(json_get(account, "wallet_address"))))
        return call_refuse_text(
            c, ERR_PREREQUISITE, "beneficiary_id",
            "The payee has neither an account number, an IBAN, a wallet address nor"
            " an external account.");
    return OK;
}

int payout_choose_provider(struct call *c, struct payment *payment, const struct beneficiary *payee)
{
    const struct payment_provider *provider = NULL;

    if (str_present(payment->provider)) {
        provider = find_provider(payment->provider);
        if (!provider || !pays_in(provider, payment->target_currency))
            return call_refuse_text(c, ERR_NOT_ALLOWED, "provider",
                                    "does not pay out %.*s in this installation",
                                    STR_FMT(payment->target_currency));
    } else if (str_is(payment->target_currency, "NGN")) {
        provider = find_provider(STR("sarepay"));
    } else {
        provider = find_provider(is_crypto(payment) ? STR("crypto") : STR("fiat"));
    }
    payment->provider = str_from(provider->name);
    return check_payee(c, payment, provider, payee);
}

static struct str payee_name(struct call *c, const struct beneficiary *payee)
{
    return arena_printf(c->arena, "%.*s %.*s", STR_FMT(payee->first_name),
                        STR_FMT(payee->last_name));
}

static void add_payee(struct call *c, struct buf *out, const struct beneficiary *payee,
                      const struct json *account)
{
    static const char *const details[] = {
        "account_number", "bank_code", "bank_name", "sort_code",      "routing_number",
        "iban",           "bic",       "network",   "wallet_address", "account_type",
    };

    json_put_unless_empty(
        out, "name", str_or(json_text(json_get(account, "account_name")), payee_name(c, payee)));
    json_put_unless_empty(out, "country", payee->country);
    json_put_unless_empty(out, "email", payee->email);
    json_put_unless_empty(out, "external_account_id", payee->external_account_id);
    json_put_unless_empty(
        out, "phone_number",
        str_or(json_text(json_get(account, "phone_number")), payee->phone_number));
    for (size_t i = 0; i < sizeof(details) / sizeof(details[0]); i++)
        json_put_unless_empty(out, details[i], json_text(json_get(account, details[i])));
}

int payout_instruct(struct call *c, struct payment *payment, const struct beneficiary *payee)
{
    const struct payment_provider *provider = find_provider(payment->provider);
    const struct asset *target = asset_find(payment->target_currency);
    const struct json *account;
    struct buf body = json_object(c->arena);

    if (provider->connector[0] == '\0')
        return OK;
    TRY(parse_account(c, payment, payee, &account));
    json_put(
        &body, "amount",
        decimal_print(c->arena, money_to_decimal(payment->target_amount, target), target->scale));
    json_put_unless_empty(&body, "currency", payment->target_currency);
    json_put_unless_empty(&body, "rail", payment->payment_method);
    json_put_unless_empty(&body, "narration",
                          str_or(payment->comments, call_id(c, ID_PAYMENT, payment->id)));
    json_open(&body, "payee", '{');
    add_payee(c, &body, payee, account);
    json_close(&body, '}');
    payment->payout_initiated = true;
    return outbox_instruct(c, provider->connector, "payment_payout", payment->id,
                           json_object_end(&body));
}

struct str payout_describe_payee(struct call *c, const struct beneficiary *payee)
{
    const struct json *account = NULL;
    struct buf out = json_object(c->arena);

    if (str_present(payee->bank_details) &&
        json_parse(c->arena, payee->bank_details, &account) != OK)
        account = NULL;
    add_payee(c, &out, payee, account);
    return json_object_end(&out);
}
