/* Payees: rules of the record, ownership, storage. */
#include "core/beneficiary/beneficiary.h"

#include "core/identity/organisation.h"
#include "core/identity/user.h"
#include "store/query.h"

#define ROW_SELF struct beneficiary
ROW_TYPE(beneficiary, BENEFICIARY_ROW);
#undef ROW_SELF

static const struct {
    const char *country, *currency;
} payout_currencies[] = {
#define PAYOUT_CURRENCY(country, currency) {country, currency},
#include "core/beneficiary/payout_currencies.def"
#undef PAYOUT_CURRENCY
};

static int check_country_and_currency(struct call *c, const struct beneficiary *b)
{
    bool country_known = false;
    if (!asset_find(b->currency))
        return call_refuse(c, ERR_UNKNOWN_CURRENCY, "currency");
    for (size_t i = 0; i < sizeof(payout_currencies) / sizeof(payout_currencies[0]); i++) {
        if (!str_is(b->country, payout_currencies[i].country))
            continue;
        country_known = true;
        if (str_is(b->currency, payout_currencies[i].currency))
            return OK;
    }
    if (!country_known)
        return call_refuse_text(c, ERR_NOT_ALLOWED, "country",
                                "is not a country (ISO 3166-1 alpha-2) that payouts go to");
    return call_refuse_text(c, ERR_NOT_ALLOWED, "currency", "is not paid out in %.*s",
                            STR_FMT(b->country));
}

static int check_momo(struct call *c, const struct beneficiary *b)
{
    const struct json *momo;
    if (!str_is(b->account_type, "momo"))
        return OK;
    if (!str_present(b->momo_details))
        return call_refuse(c, ERR_REQUIRED, "momo_details");
    TRY(json_parse(c->arena, b->momo_details, &momo));
    if (str_empty(json_text(json_get(momo, "network"))) &&
        str_empty(json_text(json_get(momo, "provider"))))
        return call_refuse(c, ERR_REQUIRED, "momo_details.network");
    if (str_empty(json_text(json_get(momo, "phone_number"))))
        return call_refuse(c, ERR_REQUIRED, "momo_details.phone_number");
    return OK;
}

static int check_record(struct call *c, const struct beneficiary *b)
{
    if (str_empty(str_trim(b->first_name)))
        return call_refuse(c, ERR_REQUIRED, "fname");
    if (str_empty(str_trim(b->last_name)))
        return call_refuse(c, ERR_REQUIRED, "lname");
    TRY(check_country_and_currency(c, b));
    return check_momo(c, b);
}

/* Staff may act for anybody, who has to be somebody of this tenant. */
static int check_owner(struct call *c, const struct beneficiary *b)
{
    struct user owner;
    struct organisation organisation;

    if (!call_may_act_for_user(c, b->owner_id))
        return call_refuse(c, ERR_FORBIDDEN, "beneficiary_of");
    if (b->organisation_id && !call_may_act_for_organisation(c, b->organisation_id))
        return call_refuse(c, ERR_FORBIDDEN, "org_id");
    if (b->owner_id != c->principal.user_id)
        TRY(user_get(c, b->owner_id, "beneficiary_of", &owner));
    return b->organisation_id ? organisation_get(c, b->organisation_id, "org_id", &organisation)
                              : OK;
}

int beneficiary_create(struct call *c, struct beneficiary *b)
{
    if (b->owner_id == 0)
        b->owner_id = c->principal.user_id;
    TRY(check_owner(c, b));
    TRY(check_record(c, b));
    b->id = id_new();
    b->tenant_id = c->principal.tenant_id;
    b->created_at = b->updated_at = c->now;
    return sql_insert(c->sql, "beneficiary", &beneficiary_row, b);
}

int beneficiary_load(struct call *c, id_t64 beneficiary_id, struct beneficiary *ret_beneficiary)
{
    int error = sql_one(c->sql, c->arena, &beneficiary_row, ret_beneficiary,
                        "SELECT * FROM beneficiary WHERE tenant_id = ? AND id = ?",
                        sql_int(c->principal.tenant_id), sql_int(beneficiary_id));
    return error == ERR_NOT_FOUND ? call_refuse(c, error, "beneficiary_id") : error;
}

int beneficiary_get(struct call *c, id_t64 beneficiary_id, struct beneficiary *ret_beneficiary)
{
    TRY(beneficiary_load(c, beneficiary_id, ret_beneficiary));
    if (!call_may_act_for_user(c, ret_beneficiary->owner_id))
        return call_refuse(c, ERR_FORBIDDEN, NULL);
    return OK;
}

int beneficiary_update(struct call *c, struct beneficiary *b)
{
    TRY(check_record(c, b));
    b->updated_at = c->now;
    return sql_update(c->sql, "beneficiary", &beneficiary_row, b);
}

int beneficiary_delete(struct call *c, id_t64 beneficiary_id)
{
    struct beneficiary beneficiary;
    TRY(beneficiary_get(c, beneficiary_id, &beneficiary));
    return sql_run(c->sql, "DELETE FROM beneficiary WHERE tenant_id = ? AND id = ?",
                   sql_int(c->principal.tenant_id), sql_int(beneficiary_id));
}

/* "%text%" in lower case, with LIKE's wildcards taken literally. */
static struct str pattern_of(struct call *c, struct str text)
{
    struct buf pattern = buf_new(c->arena, text.len + 8);

    buf_add_char(&pattern, '%');
    for (size_t i = 0; i < text.len; i++) {
        char letter = text.ptr[i];
        if (letter == '!' || letter == '%' || letter == '_')
            buf_add_char(&pattern, '!');
        buf_add_char(&pattern,
                     letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter);
    }
    buf_add_char(&pattern, '%');
    return buf_str(&pattern);
}

int beneficiary_list(struct call *c, const struct beneficiary_filter *filter,
                     const struct page *page, struct beneficiary **ret_rows, size_t *ret_count)
{
    struct query query =
        query_new(c->arena, ROW_SELECT(BENEFICIARY_ROW) " FROM beneficiary WHERE tenant_id = ?");

    query_bind(&query, sql_int(c->principal.tenant_id));
    query_and_id(&query, "owner_id = ?", filter->owner_id);
    query_and_id(&query, "organisation_id = ?", filter->organisation_id);
    query_and_text(&query, "beneficiary_type = ?", filter->beneficiary_type);
    if (!str_empty(filter->text))
        query_and(&query,
                  "LOWER(first_name || ' ' || last_name || ' ' || COALESCE(email, '') || ' ' ||"
                  " COALESCE(phone_number, '')) LIKE ? ESCAPE '!'",
                  sql_text(pattern_of(c, filter->text)));
    query_and(&query, "id < ?", sql_int(page->before));
    query_add(&query, " ORDER BY id DESC LIMIT ? OFFSET ?");
    query_bind(&query, sql_int(page->limit + 1));
    query_bind(&query, sql_int(filter->skip));
    return sql_all_args(c->sql, c->arena, &beneficiary_row, (void **)ret_rows, ret_count,
                        query_text(&query), query.args);
}
