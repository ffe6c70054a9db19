/* PCX beneficiaries: a user's payees. Replies are bare records. */
#include "dialect/pcx/beneficiaries.h"

#include "dialect/pcx/wire.h"

static struct pcx_beneficiary shown(struct call *c, const struct beneficiary *b)
{
    return (struct pcx_beneficiary){
        .beneficiary_id = call_id(c, ID_BENEFICIARY, b->id),
        .account_type = b->account_type,
        .beneficiary_of = call_id(c, ID_USER, b->owner_id),
        .beneficiary_type = b->beneficiary_type,
        .country = b->country,
        .currency = b->currency,
        .fname = b->first_name,
        .lname = b->last_name,
        .email = b->email,
        .phone_number = b->phone_number,
        .momo_details = b->momo_details,
        .bank_details = b->bank_details,
        .loan_client_details = b->loan_client_details,
        .external_account_id = b->external_account_id,
        .created_at = call_time(c, b->created_at),
        .updated_at = call_time(c, b->updated_at),
    };
}

int pcx_page_of_beneficiaries(struct call *c, const struct beneficiary_filter *filter,
                              struct str name, const struct page *page,
                              struct pcx_beneficiary_array *ret_data, struct str *ret_cursor)
{
    struct beneficiary *rows;
    size_t count;

    TRY(beneficiary_list(c, filter, page, &rows, &count));
    *ret_cursor = call_page_end(c, name, page, rows, &count);
    ret_data->items = ARENA_ARRAY(c->arena, struct pcx_beneficiary, count + 1);
    ret_data->count = count;
    for (size_t i = 0; i < count; i++)
        ret_data->items[i] = shown(c, &rows[i]);
    return OK;
}

int pcx_create_beneficiary(struct call *c, const struct pcx_create_beneficiary_in *in,
                           struct pcx_create_beneficiary_out *out)
{
    const struct pcx_beneficiary_input *body = in->body;
    struct beneficiary beneficiary = {
        .account_type = body->account_type,
        .beneficiary_type = str_or(body->beneficiary_type, STR("payout_recipient")),
        .country = body->country,
        .currency = body->currency,
        .first_name = body->fname,
        .last_name = body->lname,
        .email = body->email,
        .phone_number = body->phone_number,
        .momo_details = body->momo_details,
        .bank_details = body->bank_details,
        .loan_client_details = body->loan_client_details,
        .external_account_id = body->external_account_id,
    };

    TRY(pcx_read_optional_id(c, ID_USER, body->beneficiary_of, "beneficiary_of",
                             &beneficiary.owner_id));
    TRY(pcx_read_optional_id(c, ID_ORGANISATION, body->org_id, "org_id",
                             &beneficiary.organisation_id));
    TRY(beneficiary_create(c, &beneficiary));
    *out = shown(c, &beneficiary);
    return OK;
}

int pcx_list_beneficiaries(struct call *c, const struct pcx_list_beneficiaries_in *in,
                           struct pcx_list_beneficiaries_out *out)
{
    struct beneficiary_filter filter = {0};
    struct page page;

    TRY(pcx_read_optional_id(c, ID_USER, in->user_id, "user_id", &filter.owner_id));
    if (filter.owner_id == 0)
        filter.owner_id = c->principal.user_id;
    if (!call_may_act_for_user(c, filter.owner_id))
        return call_refuse(c, ERR_FORBIDDEN, "user_id");
    struct str name = arena_printf(c->arena, "beneficiaries|%lld", (long long)filter.owner_id);
    TRY(call_page(c, name, in->last_evaluated_key, "last_evaluated_key", in->limit, &page));
    out->meta = ARENA_NEW(c->arena, struct pcx_list_beneficiaries_out_meta);
    TRY(pcx_page_of_beneficiaries(c, &filter, name, &page, &out->data,
                                  &out->meta->last_evaluated_key));
    out->meta->has_count = true;
    out->meta->count = (int64_t)out->data.count;
    return OK;
}

int pcx_get_beneficiary(struct call *c, const struct pcx_get_beneficiary_in *in,
                        struct pcx_get_beneficiary_out *out)
{
    struct beneficiary beneficiary;
    id_t64 id;

    TRY(call_parse_id(c, ID_BENEFICIARY, in->beneficiary_id, "beneficiary_id", &id));
    TRY(beneficiary_get(c, id, &beneficiary));
    *out = shown(c, &beneficiary);
    return OK;
}

int pcx_update_beneficiary(struct call *c, const struct pcx_update_beneficiary_in *in,
                           struct pcx_update_beneficiary_out *out)
{
    const struct pcx_beneficiary_update *body = in->body;
    struct beneficiary b;
    id_t64 id;

    TRY(call_parse_id(c, ID_BENEFICIARY, in->beneficiary_id, "beneficiary_id", &id));
    TRY(beneficiary_get(c, id, &b));
    b.account_type = str_or(body->account_type, b.account_type);
    b.beneficiary_type = str_or(body->beneficiary_type, b.beneficiary_type);
    b.country = str_or(body->country, b.country);
    b.currency = str_or(body->currency, b.currency);
    b.first_name = str_or(body->fname, b.first_name);
    b.last_name = str_or(body->lname, b.last_name);
    b.email = str_or(body->email, b.email);
    b.phone_number = str_or(body->phone_number, b.phone_number);
    b.momo_details = str_or(body->momo_details, b.momo_details);
    b.bank_details = str_or(body->bank_details, b.bank_details);
    b.loan_client_details = str_or(body->loan_client_details, b.loan_client_details);
    b.external_account_id = str_or(body->external_account_id, b.external_account_id);
    TRY(beneficiary_update(c, &b));
    *out = shown(c, &b);
    return OK;
}

int pcx_delete_beneficiary(struct call *c, const struct pcx_delete_beneficiary_in *in,
                           struct pcx_delete_beneficiary_out *out)
{
    id_t64 id;

    TRY(call_parse_id(c, ID_BENEFICIARY, in->beneficiary_id, "beneficiary_id", &id));
    TRY(beneficiary_delete(c, id));
    out->message = STR("Beneficiary deleted successfully");
    return OK;
}
