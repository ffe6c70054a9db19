/*
 * Fees: what a tenant charges for a kind of transaction in an asset. Several configurations for one
 * pair (told apart by their label, fee_type) add up; none means no fee. Each part is rounded half
 * up to the minor unit. A fee is quoted once, when the transaction is made, and stored with it:
 * later changes of the configuration do not touch what was booked.
 */
#ifndef CORE_FEE_FEE_H
#define CORE_FEE_FEE_H

#include "core/call.h"
#include "store/row.h"

/* Amounts are minor units of `asset`; -1: not set. fee_value: percent, or major units when
 * fixed. */
#define FEE_CONFIGURATION_ROW(F) \
    F(INTEGER, id)               \
    F(INTEGER, tenant_id)        \
    F(INTEGER, asset)            \
    F(TEXT, transaction_type)    \
    F(TEXT, fee_type)            \
    F(TEXT, fee_structure)       \
    F(DECIMAL, fee_value)        \
    F(INTEGER, min_fee)          \
    F(INTEGER, max_fee)          \
    F(INTEGER, created_at)       \
    F(INTEGER, updated_at)
ROW_STRUCT(fee_configuration, FEE_CONFIGURATION_ROW);

#define FEE_NOT_SET ((money_t)-1)

struct fee_part {
    id_t64 fee_id;
    struct str fee_type;
    money_t amount;
};

struct fee_quote {
    money_t fee; /* sum of the parts */
    struct fee_part *parts;
    size_t part_count;
};

/*
 * The fee of one transaction of `amount` (minor units, > 0). transaction_type: crypto_deposit,
 * crypto_withdrawal, withdrawal, deposit, transfer, or any other text the caller charges by.
 * ERR_AMOUNT_OVERFLOW.
 */
int fee_quote(struct call *c, const struct asset *asset, const char *transaction_type,
              money_t amount, struct fee_quote *ret_quote);

/*
 * As a client sends it. Refused, naming the field: an unknown currency, a negative value, a
 * percentage above 100, more decimals than the asset has, min above max. ERR_DUPLICATE: the same
 * label for the same pair.
 */
struct fee_request {
    struct str currency;
    struct str transaction_type;
    struct str fee_type;
    struct str fee_structure; /* percentage | fixed_amount */
    struct decimal fee_value;
    bool has_min_fee, has_max_fee;
    struct decimal min_fee, max_fee;
};

int fee_create(struct call *c, const struct fee_request *request,
               struct fee_configuration *ret_fee);
int fee_replace(struct call *c, id_t64 fee_id, const struct fee_request *request,
                struct fee_configuration *ret_fee);
int fee_delete(struct call *c, id_t64 fee_id);
int fee_get(struct call *c, id_t64 fee_id, struct fee_configuration *ret_fee);
int fee_list(struct call *c, struct fee_configuration **ret_fees, size_t *ret_count);

#endif
