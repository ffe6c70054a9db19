/*
 * Money: a count of an asset's minor units (cents, kobo, satoshi). An amount without its asset means
 * nothing, so the two travel together. The largest amount is 2^53 - 1 minor units: exact also in the
 * double-based JSON readers of clients, and far from where a sum of two could overflow.
 */
#ifndef BASE_MONEY_H
#define BASE_MONEY_H

#include "base/decimal.h"
#include "base/error.h"

typedef int64_t money_t; /* minor units */

#define MONEY_MAX ((money_t)9007199254740991) /* 2^53 - 1 */

enum asset_kind { ASSET_FIAT, ASSET_CRYPTO };

/* One row of assets.def. Assets are identified everywhere by their index, stored by their code. */
struct asset {
    int id;           /* stable: ISO 4217 numeric for fiat, 2000 + n for the declared ones */
    const char *code; /* ISO 4217 alphabetic, or USDC, USDT, BTC, ETH ... */
    unsigned scale;   /* decimals of the minor unit */
    enum asset_kind kind;
    const char *name;
};

/* NULL when unknown. Codes are matched in upper case only (asset_find_any_case takes either). */
const struct asset *asset_find(struct str code);
const struct asset *asset_find_any_case(struct str code);
const struct asset *asset_by_id(int id);
/* Calls `visit` for each known asset. */
size_t asset_count(void);
const struct asset *asset_at(size_t index);

/*
 * Major units as written -> minor units. ERR_AMOUNT_PRECISION: more decimals than the asset has;
 * ERR_AMOUNT_OVERFLOW: beyond MONEY_MAX. Zero and negative values convert: whether they are allowed
 * is the caller's rule.
 */
int money_from_decimal(struct decimal value, const struct asset *asset, money_t *ret_money);
/* Of totals too: many accounts together, or the turnover of one, exceed MONEY_MAX. */
struct decimal money_to_decimal(money_t money, const struct asset *asset);
/* amount * factor, rounded to the minor unit; ERR_AMOUNT_OVERFLOW. */
int money_multiply(money_t amount, struct decimal factor, enum rounding mode, money_t *ret_money);
/* Converts at `rate` (units of `to` for one unit of `from`); ERR_AMOUNT_OVERFLOW. */
int money_convert(money_t amount, const struct asset *from, struct decimal rate,
                  const struct asset *to, enum rounding mode, money_t *ret_money);
/* The same of a share (0..1) of the amount, none of them negative: rounded down once, at the end. */
int money_convert_share(money_t amount, const struct asset *from, struct decimal rate,
                        const struct asset *to, struct decimal share, money_t *ret_money);
int money_add(money_t a, money_t b, money_t *ret_sum);

#endif
