/* PCX beneficiaries: a user's payees. Replies are bare records. */
#include "core/beneficiary/beneficiary.h"

#include "dialect/pcx/wire.h"
#include "generated/pcx.h"

static void show(struct call *c, const struct beneficiary *b, struct pcx_beneficiary *out)
{
    *out = (struct pcx_beneficiary){
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
    show(c, &beneficiary, out);
    return OK;
}

int pcx_list_beneficiaries(struct call *c, const struct pcx_list_beneficiaries_in *in,
                           struct pcx_list_beneficiaries_out *out)
{
    struct beneficiary *rows;
    struct page page;
    id_t64 owner_id;
    size_t count;

    TRY(pcx_read_optional_id(c, ID_USER, in->user_id, "user_id", &owner_id));
    if (owner_id == 0)
        owner_id = c->principal.user_id;
    if (!call_may_act_for_user(c, owner_id))
        return call_refuse(c, ERR_FORBIDDEN, "user_id");
    struct str list = arena_printf(c->arena, "beneficiaries|%lld", (long long)owner_id);
    TRY(call_page(c, list, in->last_evaluated_key, "last_evaluated_key", in->limit, &page));
    TRY(beneficiary_list(c, owner_id, &page, &rows, &count));
    out->meta = ARENA_NEW(c->arena, struct pcx_list_beneficiaries_out_meta);
    out->meta->last_evaluated_key = call_page_end(c, list, &page, rows, &count);
    out->meta->has_count = true;
    out->meta->count = (int64_t)count;
    out->data.items = ARENA_ARRAY(c->arena, struct pcx_beneficiary, count + 1);
    out->data.count = count;
    for (size_t i = 0; i < count; i++)
        show(c, &rows[i], &out->data.items[i]);
    return OK;
}

int pcx_get_beneficiary(struct call *c, const struct pcx_get_beneficiary_in *in,
                        struct pcx_get_beneficiary_out *out)
{
    struct beneficiary beneficiary;
    id_t64 id;

    TRY(call_parse_id(c, ID_BENEFICIARY, in->beneficiary_id, "beneficiary_id", &id));
    TRY(beneficiary_get(c, id, &beneficiary));
    show(c, &beneficiary, out);
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
    show(c, &b, out);
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
