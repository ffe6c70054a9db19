/* Fee configurations, and what a transaction would cost. */
#include "core/fee/fee.h"

#include "dialect/pcx/wallet_wire.h"

static struct fee_request request_of(const struct pcx_fee_configuration_request *body)
{
    return (struct fee_request){.currency = body->currency,
                                .transaction_type = body->transaction_type,
                                .fee_type = body->fee_type,
                                .fee_structure = body->fee_structure,
                                .fee_value = body->fee_value,
                                .has_min_fee = body->has_min_fee,
                                .min_fee = body->min_fee,
                                .has_max_fee = body->has_max_fee,
                                .max_fee = body->max_fee};
}

static struct decimal bound(money_t fee, const struct asset *asset)
{
    return fee == FEE_NOT_SET ? (struct decimal){0} : money_to_decimal(fee, asset);
}

static struct pcx_fee_configuration wire_fee(struct call *c, const struct fee_configuration *fee)
{
    const struct asset *asset = asset_by_id((int)fee->asset);

    return (struct pcx_fee_configuration){
        .currency = str_from(asset->code),
        .transaction_type = fee->transaction_type,
        .fee_type = fee->fee_type,
        .fee_structure = fee->fee_structure,
        .fee_value = fee->fee_value,
        .has_min_fee = fee->min_fee != FEE_NOT_SET,
        .min_fee = bound(fee->min_fee, asset),
        .has_max_fee = fee->max_fee != FEE_NOT_SET,
        .max_fee = bound(fee->max_fee, asset),
        .fee_id = call_id(c, ID_FEE, fee->id),
        .created_at = call_time(c, fee->created_at),
        .updated_at = call_time(c, fee->updated_at),
    };
}

static struct pcx_fee_configuration *wire(struct call *c, const struct fee_configuration *fee)
{
    struct pcx_fee_configuration *wire = ARENA_NEW(c->arena, struct pcx_fee_configuration);

    *wire = wire_fee(c, fee);
    return wire;
}

int pcx_create_fee_configuration(struct call *c, const struct pcx_create_fee_configuration_in *in,
                                 struct pcx_create_fee_configuration_out *out)
{
    const struct fee_request request = request_of(in->body);
    struct fee_configuration fee;

    TRY(fee_create(c, &request, &fee));
    out->data = wire(c, &fee);
    return 0;
}

int pcx_list_fee_configurations(struct call *c, const struct pcx_list_fee_configurations_in *in,
                                struct pcx_list_fee_configurations_out *out)
{
    struct fee_configuration *fees;
    size_t count;

    (void)in;
    TRY(fee_list(c, &fees, &count));
    out->data.items = ARENA_ARRAY(c->arena, struct pcx_fee_configuration, count);
    out->data.count = count;
    for (size_t i = 0; i < count; i++)
        out->data.items[i] = wire_fee(c, &fees[i]);
    PCX_FINISH_LIST(c, out, count, STR_NONE);
    return 0;
}

int pcx_get_fee_configuration(struct call *c, const struct pcx_get_fee_configuration_in *in,
                              struct pcx_get_fee_configuration_out *out)
{
    struct fee_configuration fee;
    id_t64 id;

    TRY(call_parse_id(c, ID_FEE, in->fee_id, "fee_id", &id));
    TRY(fee_get(c, id, &fee));
    out->data = wire(c, &fee);
    return 0;
}

int pcx_update_fee_configuration(struct call *c, const struct pcx_update_fee_configuration_in *in,
                                 struct pcx_update_fee_configuration_out *out)
{
    const struct fee_request request = request_of(in->body);
    struct fee_configuration fee;
    id_t64 id;

    TRY(call_parse_id(c, ID_FEE, in->fee_id, "fee_id", &id));
    TRY(fee_replace(c, id, &request, &fee));
    out->data = wire(c, &fee);
    return 0;
}

int pcx_delete_fee_configuration(struct call *c, const struct pcx_delete_fee_configuration_in *in,
                                 struct pcx_delete_fee_configuration_out *out)
{
    id_t64 id;

    TRY(call_parse_id(c, ID_FEE, in->fee_id, "fee_id", &id));
    TRY(fee_delete(c, id));
    out->data = STR("{}");
    return 0;
}

int pcx_preview_transaction_fee(struct call *c, const struct pcx_preview_transaction_fee_in *in,
                                struct pcx_preview_transaction_fee_out *out)
{
    const struct asset *asset = asset_find_any_case(in->body->currency);
    struct fee_quote quote;
    money_t amount, total;

    if (!asset)
        return call_refuse(c, ERR_UNKNOWN_CURRENCY, "currency");
    if (str_empty(str_trim(in->body->transaction_type)))
        return call_refuse(c, ERR_REQUIRED, "transaction_type");
    TRY(wallet_amount(c, in->body->amount, asset, "amount", &amount));
    TRY(fee_quote(c, asset, arena_cstr(c->arena, in->body->transaction_type), amount, &quote));
    if (money_add(amount, quote.fee, &total))
        return call_refuse(c, ERR_AMOUNT_OVERFLOW, "amount");
    out->data = ARENA_NEW(c->arena, struct pcx_fee_preview);
    *out->data = (struct pcx_fee_preview){.has_fee_amount = true,
                                          .fee_amount = money_to_decimal(quote.fee, asset),
                                          .fee_currency = str_from(asset->code),
                                          .has_total_amount = true,
                                          .total_amount = money_to_decimal(total, asset)};
    return 0;
}
