/*
 * External accounts. The provider is asked before anything is written, so that what is linked can
 * be paid to. Numbers are encrypted at rest; a blind index of them finds an account that is linked
 * already.
 */
#include "core/wallet/external_account.h"

#include "base/json_build.h"
#include "core/outbox.h"
#include "core/provider/providers.h"

#define ROW_SELF struct external_account
ROW_TYPE(external_account, EXTERNAL_ACCOUNT_ROW);
#undef ROW_SELF

#define EXTERNAL_SELECT \
    ROW_SELECT(EXTERNAL_ACCOUNT_ROW) " FROM external_account WHERE tenant_id = ?"

/* ---- Fields ---- */

static int require(struct call *c, struct str value, const char *field)
{
    return str_empty(str_trim(value)) ? call_refuse(c, ERR_REQUIRED, field) : 0;
}

static bool is_digits(struct str s, size_t least, size_t most)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return s.len >= least && s.len <= most;
}

static int require_digits(struct call *c, struct str value, const char *field, size_t least,
                          size_t most)
{
    TRY(require(c, value, field));
    return is_digits(value, least, most) ? 0 : call_refuse(c, ERR_BAD_FORMAT, field);
}

/* ISO 13616: letters and digits, and the whole number modulo 97 is 1 with the first four moved to
 * the end. */
static bool iban_valid(struct str iban)
{
    int remainder = 0;

    if (iban.len < 15 || iban.len > 34)
        return false;
    for (size_t i = 0; i < iban.len; i++) {
        char ch = iban.ptr[(i + 4) % iban.len];
        int value;
        if (ch >= '0' && ch <= '9')
            value = ch - '0';
        else if (ch >= 'A' && ch <= 'Z')
            value = ch - 'A' + 10;
        else
            return false;
        remainder = (remainder * (value < 10 ? 10 : 100) + value) % 97;
    }
    return remainder == 1;
}

static struct str without_spaces(struct call *c, struct str s)
{
    struct buf out = buf_new(c->arena, s.len + 1);

    if (!str_present(s))
        return s;
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] != ' ')
            buf_add_char(&out, s.ptr[i]);
    return buf_str(&out);
}

/* GBP: 12-34-56 is how people write it, 123456 how it is sent. */
static struct str without_hyphens(struct call *c, struct str s)
{
    struct buf out = buf_new(c->arena, s.len + 1);

    if (!str_present(s))
        return s;
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] != '-' && s.ptr[i] != ' ')
            buf_add_char(&out, s.ptr[i]);
    return buf_str(&out);
}

static int check_fields(struct call *c, struct external_account_link *link,
                        const struct asset *asset)
{
    if (strcmp(asset->code, "USD") == 0) {
        TRY(require_digits(c, link->account_number, "account_number", 4, 17));
        TRY(require_digits(c, link->routing_number, "routing_number", 9, 9));
        TRY(require(c, link->account_type, "account_type"));
        return 0;
    }
    if (strcmp(asset->code, "GBP") == 0) {
        link->sort_code = without_hyphens(c, link->sort_code);
        TRY(require_digits(c, link->sort_code, "sort_code", 6, 6));
        return require_digits(c, link->account_number, "account_number", 6, 8);
    }
    if (strcmp(asset->code, "EUR") == 0) {
        link->iban = without_spaces(c, link->iban);
        TRY(require(c, link->iban, "iban"));
        if (!iban_valid(link->iban))
            return call_refuse(c, ERR_BAD_FORMAT, "iban");
        TRY(require(c, link->bic, "bic"));
        return link->bic.len == 8 || link->bic.len == 11 ? 0
                                                         : call_refuse(c, ERR_BAD_FORMAT, "bic");
    }
    return call_refuse_text(c, ERR_NOT_ALLOWED, "currency", "must be USD, GBP or EUR");
}

static struct str fingerprint(struct call *c, const struct asset *asset,
                              const struct external_account_link *link)
{
    struct str number = str_present(link->iban) ? link->iban : link->account_number;
    struct str bank = str_or(link->routing_number, str_or(link->sort_code, STR("")));
    struct str plain =
        arena_printf(c->arena, "%s %.*s %.*s", asset->code, STR_FMT(bank), STR_FMT(number));

    return store_blind_index(sql_store(c->sql), c->arena, STR("external_account.number"), plain);
}

static int refuse_linked(struct call *c, id_t64 customer_id, struct str print)
{
    int64_t others;

    TRY(sql_integer(c->sql, &others,
                    "SELECT COUNT(*) FROM external_account WHERE tenant_id = ? AND customer_id = ?"
                    " AND fingerprint = ? AND unlinked_at = 0",
                    sql_int(c->principal.tenant_id), sql_int(customer_id), sql_text(print)));
    return others ? call_refuse_text(c, ERR_DUPLICATE, "account_number",
                                     "The account is linked already.")
                  : 0;
}

/* ---- Linking ---- */

static struct str request_json(struct call *c, const struct external_account_link *link,
                               const struct provider_customer *customer, const struct asset *asset)
{
    struct buf body = json_object(c->arena);
    struct str name = str_present(customer->first_name)
                          ? arena_printf(c->arena, "%.*s %.*s", STR_FMT(customer->first_name),
                                         STR_FMT(customer->last_name))
                          : customer->email;

    json_put_unless_empty(&body, "customer_id", customer->provider_customer_id);
    json_put(&body, "currency", str_from(asset->code));
    json_open(&body, "payee", '{');
    json_put(&body, "name", name);
    json_put(&body, "owner_type", customer->customer_type);
    json_put_unless_empty(&body, "bank_name", link->bank_name);
    json_put_unless_empty(&body, "account_number", link->account_number);
    json_put_unless_empty(&body, "routing_number", link->routing_number);
    json_put_unless_empty(&body, "sort_code", link->sort_code);
    json_put_unless_empty(&body, "checking_or_savings", link->account_type);
    json_put_unless_empty(&body, "iban", link->iban);
    json_put_unless_empty(&body, "bic", link->bic);
    if (str_present(link->iban))
        json_put(&body, "country", (struct str){link->iban.ptr, 2});
    json_close(&body, '}');
    return json_object_end(&body);
}

static struct str last_four(const struct external_account_link *link)
{
    struct str number = str_present(link->iban) ? link->iban : link->account_number;

    return number.len <= 4 ? number : (struct str){number.ptr + number.len - 4, 4};
}

static int ask(struct call *c, struct external_account_link *link,
               const struct provider_customer *customer, const struct asset *asset)
{
    struct external_account *account = &link->account;
    struct provider_outcome outcome = {0};
    const struct json *data = NULL;

    TRY(provider_require(c, STR("bridge"), "create_external_account",
                         call_id(c, ID_EXTERNAL_ACCOUNT, account->id),
                         request_json(c, link, customer, asset), NULL, &outcome));
    account->provider_account_id = outcome.provider_reference;
    if (str_present(outcome.data_json) && json_parse(c->arena, outcome.data_json, &data) == 0)
        account->provider_account_id =
            str_or(json_text(json_get(data, "external_account_id")), outcome.provider_reference);
    return 0;
}

int external_account_prepare(struct call *c, struct external_account_link *link)
{
    struct provider_customer customer;
    const struct asset *asset = asset_find_any_case(link->currency);

    if (!asset)
        return call_refuse(c, ERR_UNKNOWN_CURRENCY, "currency");
    TRY(customer_get_for_caller(c, link->customer_id, "customer_id", &customer));
    TRY(check_fields(c, link, asset));
    link->account = (struct external_account){
        .id = id_new(),
        .tenant_id = c->principal.tenant_id,
        .organisation_id = customer.organisation_id,
        .customer_id = customer.id,
        .provider = STR("bridge"),
        .asset = asset->id,
        .bank_name = link->bank_name,
        .account_number = link->account_number,
        .sort_code = link->sort_code,
        .routing_number = link->routing_number,
        .account_type = link->account_type,
        .iban = link->iban,
        .bic = link->bic,
        .last_four = last_four(link),
        .fingerprint = fingerprint(c, asset, link),
    };
    TRY(refuse_linked(c, customer.id, link->account.fingerprint));
    return ask(c, link, &customer, asset);
}

int external_account_link(struct call *c, const struct external_account_link *link,
                          struct external_account *ret_account)
{
    struct provider_customer customer;

    *ret_account = link->account;
    ret_account->created_at = c->now;
    TRY(customer_get_for_caller(c, link->customer_id, "customer_id", &customer));
    TRY(refuse_linked(c, customer.id, ret_account->fingerprint));
    return sql_insert(c->sql, "external_account", &external_account_row, ret_account);
}

/* ---- Reading and unlinking ---- */

int external_account_read(struct call *c, id_t64 account_id, struct external_account *ret_account)
{
    return sql_one(c->sql, c->arena, &external_account_row, ret_account,
                   EXTERNAL_SELECT " AND id = ?", sql_int(c->principal.tenant_id),
                   sql_int(account_id));
}

int external_account_get_for_caller(struct call *c, id_t64 account_id, const char *field,
                                    struct external_account *ret_account)
{
    struct provider_customer customer;
    int error = external_account_read(c, account_id, ret_account);

    if (error == ERR_NOT_FOUND || (!error && ret_account->unlinked_at))
        return call_refuse_text(c, ERR_NOT_FOUND, field, "The external account was not found.");
    if (error)
        return error;
    return customer_get_for_caller(c, ret_account->customer_id, field, &customer);
}

int external_account_list(struct call *c, id_t64 customer_id,
                          struct external_account **ret_accounts, size_t *ret_count)
{
    struct provider_customer customer;

    TRY(customer_get_for_caller(c, customer_id, "customer_id", &customer));
    return sql_all(c->sql, c->arena, &external_account_row, ret_accounts, ret_count,
                   EXTERNAL_SELECT " AND customer_id = ? AND unlinked_at = 0 ORDER BY id DESC",
                   sql_int(c->principal.tenant_id), sql_int(customer_id));
}

/* The provider forgets it when nothing is on its way there any more. */
int external_account_forget(struct call *c, id_t64 account_id)
{
    struct external_account account;
    struct provider_customer customer;
    struct buf body = json_object(c->arena);
    int64_t under_way;

    TRY(external_account_read(c, account_id, &account));
    TRY(sql_integer(
        c->sql, &under_way,
        "SELECT COUNT(*) FROM withdrawal WHERE tenant_id = ? AND external_account_id = ?"
        " AND status IN ('pending', 'approved', 'processing')",
        sql_int(account.tenant_id), sql_int(account_id)));
    if (!account.unlinked_at || under_way)
        return 0;
    TRY(customer_get(c, account.customer_id, NULL, &customer));
    json_put_unless_empty(&body, "customer_id", customer.provider_customer_id);
    json_put_unless_empty(&body, "external_account_id", account.provider_account_id);
    return outbox_instruct(c, "bridge", "external_account_unlink", account.id,
                           json_object_end(&body));
}

int external_account_unlink(struct call *c, id_t64 customer_id, id_t64 account_id)
{
    struct external_account account;
    struct provider_customer customer;

    TRY(customer_get_for_caller(c, customer_id, "customer_id", &customer));
    TRY(external_account_get_for_caller(c, account_id, "external_account_id", &account));
    if (account.customer_id != customer_id)
        return call_refuse_text(c, ERR_NOT_FOUND, "external_account_id",
                                "The external account was not found.");
    TRY(sql_run(c->sql,
                "UPDATE external_account SET unlinked_at = ? WHERE tenant_id = ? AND id = ?",
                sql_int(c->now), sql_int(account.tenant_id), sql_int(account.id)));
    return external_account_forget(c, account.id);
}

int wallet_apply_unlink(struct call *c, id_t64 account_id, const struct provider_outcome *outcome)
{
    (void)c;
    (void)account_id;
    (void)outcome;
    return 0;
}
