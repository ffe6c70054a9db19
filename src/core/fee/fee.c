/*
 * Fee configurations and quotes. A configuration is checked once, when it is written, so that a
 * quote only calculates: a fixed fee and the bounds of a percentage are whole minor units of their
 * asset.
 *
 * Quotes read the table inside the call's own transaction: an index look-up of no rows or few,
 * which sees a change the moment it is committed and needs no cache to be told.
 */
#include "core/fee/fee.h"

#include "store/sql.h"

#define ROW_SELF struct fee_configuration
ROW_TYPE(fee_configuration, FEE_CONFIGURATION_ROW);
#undef ROW_SELF

#define FEE_SELECT ROW_SELECT(FEE_CONFIGURATION_ROW) " FROM fee_configuration WHERE tenant_id = ?"

static const struct decimal hundred = {100, 0};

/* ---- Quotes ---- */

static int part_amount(const struct fee_configuration *fee, const struct asset *asset,
                       money_t amount, money_t *ret_fee)
{
    struct decimal factor;
    /* Exact wherever it fits: a hundred percent has no room for all the decimals. */
    unsigned scale = fee->fee_value.scale + 2u;

    if (!str_is(fee->fee_structure, "percentage"))
        return money_from_decimal(fee->fee_value, asset, ret_fee);
    if (!decimal_divide(fee->fee_value, hundred,
                        scale < DECIMAL_MAX_DIGITS ? scale : DECIMAL_MAX_DIGITS, ROUND_HALF_UP,
                        &factor))
        return ERR_AMOUNT_OVERFLOW;
    TRY(money_multiply(amount, factor, ROUND_HALF_UP, ret_fee));
    if (fee->min_fee != FEE_NOT_SET && *ret_fee < fee->min_fee)
        *ret_fee = fee->min_fee;
    if (fee->max_fee != FEE_NOT_SET && *ret_fee > fee->max_fee)
        *ret_fee = fee->max_fee;
    return 0;
}

int fee_quote(struct call *c, const struct asset *asset, const char *transaction_type,
              money_t amount, struct fee_quote *ret_quote)
{
    struct fee_configuration *fees;
    size_t count;

    TRY(sql_all(c->sql, c->arena, &fee_configuration_row, &fees, &count,
                FEE_SELECT " AND asset = ? AND transaction_type = ? ORDER BY fee_type",
                sql_int(c->principal.tenant_id), sql_int(asset->id),
                sql_text(str_from(transaction_type))));
    *ret_quote = (struct fee_quote){0};
    if (count == 0)
        return 0;
    ret_quote->parts = ARENA_ARRAY(c->arena, struct fee_part, count);
    ret_quote->part_count = count;
    for (size_t i = 0; i < count; i++) {
        struct fee_part *part = &ret_quote->parts[i];
        int error = part_amount(&fees[i], asset, amount, &part->amount);

        part->fee_id = fees[i].id;
        part->fee_type = fees[i].fee_type;
        if (!error)
            error = money_add(ret_quote->fee, part->amount, &ret_quote->fee);
        if (error)
            return call_refuse(c, error, "amount");
    }
    return 0;
}

/* ---- Configurations ---- */

/* An amount of the asset that is not negative; -1 when not sent. */
static int bound(struct call *c, bool present, struct decimal value, const struct asset *asset,
                 const char *field, money_t *ret_money)
{
    *ret_money = FEE_NOT_SET;
    if (!present)
        return 0;

    int error = money_from_decimal(value, asset, ret_money);
    if (error)
        return call_refuse(c, error, field);
    if (*ret_money < 0)
        return call_refuse(c, ERR_OUT_OF_RANGE, field);
    return 0;
}

static int check_value(struct call *c, const struct fee_request *request, const struct asset *asset)
{
    money_t fixed;

    if (request->fee_value.coefficient < 0)
        return call_refuse(c, ERR_OUT_OF_RANGE, "fee_value");
    if (str_is(request->fee_structure, "percentage")) {
        if (decimal_compare(request->fee_value, hundred) > 0)
            return call_refuse_text(c, ERR_OUT_OF_RANGE, "fee_value",
                                    "must be at most 100 for a percentage");
        return 0;
    }
    if (!str_is(request->fee_structure, "fixed_amount"))
        return call_refuse(c, ERR_NOT_ALLOWED, "fee_structure");

    int error = money_from_decimal(request->fee_value, asset, &fixed);
    return error ? call_refuse(c, error, "fee_value") : 0;
}

static int fill(struct call *c, const struct fee_request *request, struct fee_configuration *fee)
{
    const struct asset *asset = asset_find_any_case(request->currency);

    if (!asset)
        return call_refuse(c, ERR_UNKNOWN_CURRENCY, "currency");
    if (str_empty(str_trim(request->fee_type)))
        return call_refuse(c, ERR_REQUIRED, "fee_type");
    TRY(check_value(c, request, asset));
    TRY(bound(c, request->has_min_fee, request->min_fee, asset, "min_fee", &fee->min_fee));
    TRY(bound(c, request->has_max_fee, request->max_fee, asset, "max_fee", &fee->max_fee));
    if (fee->min_fee != FEE_NOT_SET && fee->max_fee != FEE_NOT_SET && fee->min_fee > fee->max_fee)
        return call_refuse_text(c, ERR_OUT_OF_RANGE, "min_fee", "must not be above max_fee");
    fee->tenant_id = c->principal.tenant_id;
    fee->asset = asset->id;
    fee->transaction_type = request->transaction_type;
    fee->fee_type = str_trim(request->fee_type);
    fee->fee_structure = request->fee_structure;
    fee->fee_value = request->fee_value;
    fee->updated_at = c->now;
    return 0;
}

/* Another configuration of the same pair with the same label? */
static int refuse_duplicate(struct call *c, const struct fee_configuration *fee)
{
    int64_t others;

    TRY(sql_integer(c->sql, &others,
                    "SELECT COUNT(*) FROM fee_configuration WHERE tenant_id = ? AND asset = ?"
                    " AND transaction_type = ? AND fee_type = ? AND id <> ?",
                    sql_int(fee->tenant_id), sql_int(fee->asset), sql_text(fee->transaction_type),
                    sql_text(fee->fee_type), sql_int(fee->id)));
    return others ? call_refuse(c, ERR_DUPLICATE, "fee_type") : 0;
}

int fee_create(struct call *c, const struct fee_request *request, struct fee_configuration *ret_fee)
{
    struct fee_configuration fee = {.id = id_new(), .created_at = c->now};

    TRY(fill(c, request, &fee));
    TRY(refuse_duplicate(c, &fee));
    TRY(sql_insert(c->sql, "fee_configuration", &fee_configuration_row, &fee));
    *ret_fee = fee;
    return 0;
}

int fee_get(struct call *c, id_t64 fee_id, struct fee_configuration *ret_fee)
{
    int error = sql_one(c->sql, c->arena, &fee_configuration_row, ret_fee, FEE_SELECT " AND id = ?",
                        sql_int(c->principal.tenant_id), sql_int(fee_id));

    return error == ERR_NOT_FOUND ? call_refuse(c, ERR_NOT_FOUND, "fee_id") : error;
}

int fee_replace(struct call *c, id_t64 fee_id, const struct fee_request *request,
                struct fee_configuration *ret_fee)
{
    struct fee_configuration fee;

    TRY(fee_get(c, fee_id, &fee));
    TRY(fill(c, request, &fee));
    TRY(refuse_duplicate(c, &fee));
    TRY(sql_update(c->sql, "fee_configuration", &fee_configuration_row, &fee));
    *ret_fee = fee;
    return 0;
}

int fee_delete(struct call *c, id_t64 fee_id)
{
    struct fee_configuration fee;

    TRY(fee_get(c, fee_id, &fee));
    return sql_run(c->sql, "DELETE FROM fee_configuration WHERE tenant_id = ? AND id = ?",
                   sql_int(fee.tenant_id), sql_int(fee.id));
}

int fee_list(struct call *c, struct fee_configuration **ret_fees, size_t *ret_count)
{
    return sql_all(c->sql, c->arena, &fee_configuration_row, ret_fees, ret_count,
                   FEE_SELECT " ORDER BY id", sql_int(c->principal.tenant_id));
}
