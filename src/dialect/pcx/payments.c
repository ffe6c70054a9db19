/* PCX payments. Single records are answered bare, lists as {data, meta}. */
#include "core/identity/organisation.h"
#include "core/payment/payment.h"

#include "dialect/pcx/wire.h"
#include "generated/pcx.h"

static struct str_array read_strings(struct call *c, struct str json_text_list)
{
    const struct json *list;
    struct str_array strings = {0};

    if (!str_present(json_text_list) || json_parse(c->arena, json_text_list, &list) != OK)
        return strings;
    strings.count = json_count(list);
    strings.items = ARENA_ARRAY(c->arena, struct str, strings.count + 1);
    for (size_t i = 0; i < strings.count; i++)
        strings.items[i] = json_text(json_at(list, i));
    return strings;
}

static void show(struct call *c, const struct payment *p, struct pcx_payment *out)
{
    *out = (struct pcx_payment){
        .payment_id = call_id(c, ID_PAYMENT, p->id),
        .currency = p->currency,
        .user_id = call_id(c, ID_USER, p->user_id),
        .status = p->status,
        .direction = p->direction,
        .payment_method = p->payment_method,
        .org_id = call_id(c, ID_ORGANISATION, p->organisation_id),
        .beneficiary_id = call_id(c, ID_BENEFICIARY, p->beneficiary_id),
        .transaction_id = call_id(c, ID_TRANSACTION, p->transaction_id),
        .target_currency = p->target_currency,
        .from_currency = p->from_currency,
        .region_id = p->region_id,
        .payment_path_method = p->payment_path_method,
        .bank_account = p->bank_account,
        .card_details = p->card_details,
        .mobile_money_details = p->mobile_money_details,
        .payer_details = p->payer_details,
        .recipient_info = p->recipient_info,
        .metadata = p->metadata,
        .user_metadata = p->user_metadata,
        .webhook_metadata = p->webhook_metadata,
        .fee_ids = read_strings(c, p->fee_ids),
        .provider = p->provider,
        .provider_payment_id = p->provider_payment_id,
        .provider_status = p->provider_status,
        .provider_data = p->provider_data,
        .has_payout_initiated = true,
        .payout_initiated = p->payout_initiated,
        .payout_id = p->payout_id,
        .instructions = p->instructions,
        .comments = p->comments,
        .created_at = call_time(c, p->created_at),
        .updated_at = call_time(c, p->updated_at),
    };
    pcx_write_amount(&out->has_amount, &out->amount, p->amount, p->currency);
    pcx_write_amount(&out->has_target_amount, &out->target_amount, p->target_amount,
                     p->target_currency);
    pcx_write_amount(&out->has_total_fees, &out->total_fees, p->fee_amount, p->currency);
}

int pcx_create_payment(struct call *c, const struct pcx_create_payment_in *in,
                       struct pcx_create_payment_out *out)
{
    const struct pcx_create_payment_body *body = in->body;
    struct payment payment = {
        .direction = body->direction,
        .payment_method = body->payment_method,
        .currency = body->currency,
        .target_currency = body->target_currency,
        .from_currency = body->from_currency,
        .region_id = body->region_id,
        .provider = body->provider,
        .provider_config_id = body->provider_config_id,
        .bank_account = body->bank_account,
        .card_details = body->card_details,
        .mobile_money_details = body->mobile_money_details,
        .payer_details = body->payer_details,
        .recipient_info = body->recipient_info,
        .metadata = body->metadata,
        .user_metadata = body->user_metadata,
        .instructions = body->instructions,
        .comments = body->comments,
    };
    struct payment_request request = {.amount = body->amount,
                                      .has_target_amount = body->has_target_amount,
                                      .target_amount = body->target_amount};

    TRY(pcx_read_optional_id(c, ID_ORGANISATION, body->org_id, "org_id", &payment.organisation_id));
    TRY(pcx_read_id(c, ID_BENEFICIARY, body->beneficiary_id, "beneficiary_id",
                    &payment.beneficiary_id));
    TRY(pcx_read_optional_id(c, ID_RATE, body->org_rate_id, "org_rate_id", &request.rate_id));
    TRY(pcx_read_optional_id(c, ID_ACCOUNT, body->source_account_id, "source_account_id",
                             &request.source_wallet_id));
    TRY(payment_create(c, &request, &payment));
    show(c, &payment, out);
    return OK;
}

/* ---- Lists ---- */

static int list(struct call *c, const struct payment_filter *filter, int64_t limit,
                struct str cursor, struct pcx_payment_array *ret_data,
                struct pcx_list_meta **ret_meta)
{
    struct pcx_list_meta *meta = ARENA_NEW(c->arena, struct pcx_list_meta);
    struct payment *rows;
    struct page page;
    size_t count;
    struct str list =
        arena_printf(c->arena, "payments|%lld|%lld|%d|%.*s|%.*s", (long long)filter->user_id,
                     (long long)filter->organisation_id, filter->any_organisation,
                     STR_FMT(filter->status), STR_FMT(filter->entity_type));

    TRY(call_page(c, list, cursor, "last_evaluated_key", limit, &page));
    TRY(payment_list(c, filter, &page, &rows, &count));
    TRY(payment_count(c, filter, &meta->total_count));
    meta->last_evaluated_key = call_page_end(c, list, &page, rows, &count);
    meta->has_more = str_present(meta->last_evaluated_key);
    meta->has_count = meta->has_total_count = meta->has_has_more = true;
    meta->count = (int64_t)count;
    ret_data->items = ARENA_ARRAY(c->arena, struct pcx_payment, count + 1);
    ret_data->count = count;
    for (size_t i = 0; i < count; i++)
        show(c, &rows[i], &ret_data->items[i]);
    *ret_meta = meta;
    return OK;
}

int pcx_list_my_payments(struct call *c, const struct pcx_list_my_payments_in *in,
                         struct pcx_list_my_payments_out *out)
{
    struct payment_filter filter = {.user_id = c->principal.user_id, .status = in->status};

    return list(c, &filter, in->limit, in->last_evaluated_key, &out->data, &out->meta);
}

int pcx_list_all_payments(struct call *c, const struct pcx_list_all_payments_in *in,
                          struct pcx_list_all_payments_out *out)
{
    struct payment_filter filter = {0};

    return list(c, &filter, in->limit, in->last_evaluated_key, &out->data, &out->meta);
}

int pcx_list_payments_by_status(struct call *c, const struct pcx_list_payments_by_status_in *in,
                                struct pcx_list_payments_by_status_out *out)
{
    struct payment_filter filter = {.status = in->status};

    return list(c, &filter, in->limit, in->last_evaluated_key, &out->data, &out->meta);
}

int pcx_list_all_org_payments(struct call *c, const struct pcx_list_all_org_payments_in *in,
                              struct pcx_list_all_org_payments_out *out)
{
    struct payment_filter filter = {.any_organisation = true};

    return list(c, &filter, in->limit, in->last_evaluated_key, &out->data, &out->meta);
}

static int organisation_filter(struct call *c, struct str org_id, struct payment_filter *ret_filter)
{
    TRY(call_parse_id(c, ID_ORGANISATION, org_id, "org_id", &ret_filter->organisation_id));
    return organisation_require(c, ret_filter->organisation_id, ROLE_ORG_ADMIN, "org_id");
}

int pcx_list_payments_by_organisation(struct call *c,
                                      const struct pcx_list_payments_by_organisation_in *in,
                                      struct pcx_list_payments_by_organisation_out *out)
{
    struct payment_filter filter = {0};

    TRY(organisation_filter(c, in->org_id, &filter));
    return list(c, &filter, in->limit, in->last_evaluated_key, &out->data, &out->meta);
}

int pcx_list_org_payments_by_status(struct call *c,
                                    const struct pcx_list_org_payments_by_status_in *in,
                                    struct pcx_list_org_payments_by_status_out *out)
{
    struct payment_filter filter = {.status = in->status};

    TRY(organisation_filter(c, in->org_id, &filter));
    return list(c, &filter, in->limit, in->last_evaluated_key, &out->data, &out->meta);
}

int pcx_list_org_payments_by_entity_type(struct call *c,
                                         const struct pcx_list_org_payments_by_entity_type_in *in,
                                         struct pcx_list_org_payments_by_entity_type_out *out)
{
    struct payment_filter filter = {.entity_type = in->entity_type};

    TRY(organisation_filter(c, in->org_id, &filter));
    return list(c, &filter, in->limit, in->last_evaluated_key, &out->data, &out->meta);
}

/* ---- One payment ---- */

int pcx_get_payment(struct call *c, const struct pcx_get_payment_in *in,
                    struct pcx_get_payment_out *out)
{
    struct payment payment;
    id_t64 id;

    TRY(call_parse_id(c, ID_PAYMENT, in->payment_id, "payment_id", &id));
    TRY(payment_get(c, id, &payment));
    show(c, &payment, out);
    return OK;
}

int pcx_get_payment_by_transaction_id(struct call *c,
                                      const struct pcx_get_payment_by_transaction_id_in *in,
                                      struct pcx_get_payment_by_transaction_id_out *out)
{
    struct payment payment;
    id_t64 id;

    TRY(call_parse_id(c, ID_TRANSACTION, in->transaction_id, "transaction_id", &id));
    TRY(payment_get_by_transaction(c, id, &payment));
    show(c, &payment, out);
    return OK;
}

int pcx_get_payment_by_provider_payment_id(
    struct call *c, const struct pcx_get_payment_by_provider_payment_id_in *in,
    struct pcx_get_payment_by_provider_payment_id_out *out)
{
    struct payment payment;

    TRY(payment_get_by_provider_id(c, in->provider_payment_id, &payment));
    show(c, &payment, out);
    return OK;
}

int pcx_get_payment_by_reference(struct call *c, const struct pcx_get_payment_by_reference_in *in,
                                 struct pcx_get_payment_by_reference_out *out)
{
    struct payment payment;

    TRY(payment_get_by_reference(c, in->reference, &payment));
    show(c, &payment, out);
    return OK;
}

/* Whoever made a payment may change its notes; the rest is staff's (the two snapshots of the page, both served). */
static int check_fields(struct call *c, const struct payment *payment)
{
    static const char *const notes[] = {"metadata", "instructions", "comments"};
    static const char *const fixed[] = {"total_fees", "fee_ids", "payout_initiated"};
    const struct json *body;

    if (!call_may_act_for_user(c, payment->user_id))
        return call_refuse(c, ERR_FORBIDDEN, NULL);
    TRY(json_parse(c->arena, c->raw_body, &body));
    for (size_t i = 0; i < json_count(body) && !c->principal.staff; i++) {
        const char *field = arena_cstr(c->arena, json_key_at(body, i));
        if (strcmp(field, notes[0]) != 0 && strcmp(field, notes[1]) != 0 &&
            strcmp(field, notes[2]) != 0)
            return call_refuse_text(c, ERR_FORBIDDEN, field,
                                    "Only an administrator of the platform changes %s.", field);
    }
    /* Fixed at creation for everybody: what was quoted is what is booked. */
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        if (json_get(body, fixed[i]))
            return call_refuse_text(c, ERR_NOT_ALLOWED, fixed[i],
                                    "is fixed when the payment is made");
    return OK;
}

int pcx_update_payment(struct call *c, const struct pcx_update_payment_in *in,
                       struct pcx_update_payment_out *out)
{
    const struct pcx_update_payment_body *body = in->body;
    struct payment p;
    id_t64 id;

    TRY(call_parse_id(c, ID_PAYMENT, in->payment_id, "payment_id", &id));
    TRY(payment_get(c, id, &p));
    TRY(check_fields(c, &p));
    p.provider_payment_id =
        pcx_change(c, "provider_payment_id", body->provider_payment_id, p.provider_payment_id);
    p.provider_status = pcx_change(c, "provider_status", body->provider_status, p.provider_status);
    p.provider_data = str_or(body->provider_data, p.provider_data);
    p.payment_path_method = str_or(body->payment_path_method, p.payment_path_method);
    p.payout_id = pcx_change(c, "payout_id", body->payout_id, p.payout_id);
    p.metadata = str_or(body->metadata, p.metadata);
    p.webhook_metadata = str_or(body->webhook_metadata, p.webhook_metadata);
    p.instructions = pcx_change(c, "instructions", body->instructions, p.instructions);
    p.comments = pcx_change(c, "comments", body->comments, p.comments);
    TRY(payment_change_provider(c, &p, str_or(body->provider, p.provider)));
    TRY(payment_advance(c, &p, str_or(body->status, p.status), PAYMENT_BY_STAFF));
    show(c, &p, out);
    return OK;
}

int pcx_payment_webhook_status_update(struct call *c,
                                      const struct pcx_payment_webhook_status_update_in *in,
                                      struct pcx_payment_webhook_status_update_out *out)
{
    const struct pcx_payment_webhook_status_update_body *body = in->body;
    struct payment p;
    id_t64 id;

    TRY(call_parse_id(c, ID_PAYMENT, in->payment_id, "payment_id", &id));
    TRY(payment_get(c, id, &p));
    p.provider_payment_id = str_or(body->provider_payment_id, p.provider_payment_id);
    p.provider_status = str_or(body->provider_status, p.provider_status);
    p.provider_data = str_or(body->provider_data, p.provider_data);
    p.webhook_metadata = str_or(body->webhook_metadata, p.webhook_metadata);
    TRY(payment_advance(c, &p, str_or(body->status, p.status), PAYMENT_BY_PROVIDER));
    show(c, &p, out);
    return OK;
}
