/* Conversions between decimals on the wire and minor units, and the table of assets. */
#include "base/money.h"

#include <assert.h>

static const struct asset assets[] = {
#define ASSET(code, id, scale, kind, name) {id, #code, scale, kind, name},
#include "base/assets.def"
#undef ASSET
};

#define ASSET_COUNT (sizeof(assets) / sizeof(assets[0]))

size_t asset_count(void)
{
    return ASSET_COUNT;
}

const struct asset *asset_at(size_t index)
{
    assert(index < ASSET_COUNT);
    return &assets[index];
}

/* Found several times in each call, so by two tables made before main: codes packed into an
 * integer, hashed with open addressing; ids as they are. An entry is a row of assets[] + 1; 0 is
 * empty. */
#define CODE_SLOTS 1024
#define CODE_MAX 8
#define ID_LIMIT 4096

static uint16_t rows_by_code[CODE_SLOTS];
static uint16_t rows_by_id[ID_LIMIT];

static size_t code_slot(struct str code)
{
    uint64_t packed = 0;
    memcpy(&packed, code.ptr, code.len);
    return (size_t)(packed * UINT64_C(0x9E3779B97F4A7C15) >> 54);
}

__attribute__((constructor)) static void index_assets(void)
{
    static_assert(ASSET_COUNT < CODE_SLOTS / 2, "the table would be too full");
    for (size_t i = 0; i < ASSET_COUNT; i++) {
        struct str code = str_from(assets[i].code);
        assert(code.len > 0 && code.len <= CODE_MAX && assets[i].id < ID_LIMIT);
        size_t slot = code_slot(code);
        while (rows_by_code[slot])
            slot = (slot + 1) % CODE_SLOTS;
        rows_by_code[slot] = (uint16_t)(i + 1);
        rows_by_id[assets[i].id] = (uint16_t)(i + 1);
    }
}

const struct asset *asset_find(struct str code)
{
    if (code.len == 0 || code.len > CODE_MAX)
        return NULL;
    for (size_t slot = code_slot(code); rows_by_code[slot]; slot = (slot + 1) % CODE_SLOTS) {
        const struct asset *asset = &assets[rows_by_code[slot] - 1];
        if (str_is(code, asset->code))
            return asset;
    }
    return NULL;
}

const struct asset *asset_find_any_case(struct str code)
{
    for (size_t i = 0; i < ASSET_COUNT; i++)
        if (str_eq_nocase(code, str_from(assets[i].code)))
            return &assets[i];
    return NULL;
}

const struct asset *asset_by_id(int id)
{
    bool known = id >= 0 && id < ID_LIMIT && rows_by_id[id];
    return known ? &assets[rows_by_id[id] - 1] : NULL;
}

static __int128 ten_to(unsigned exponent)
{
    __int128 power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

static int from_128(__int128 amount, money_t *ret_money)
{
    if (amount > MONEY_MAX || amount < -(__int128)MONEY_MAX)
        return ERR_AMOUNT_OVERFLOW;
    *ret_money = (money_t)amount;
    return OK;
}

int money_from_decimal(struct decimal value, const struct asset *asset, money_t *ret_money)
{
    if (value.scale > asset->scale) {
        __int128 unit = ten_to(value.scale - asset->scale);
        if (value.coefficient % unit != 0)
            return ERR_AMOUNT_PRECISION;
        return from_128(value.coefficient / unit, ret_money);
    }
    return from_128(value.coefficient * ten_to(asset->scale - value.scale), ret_money);
}

struct decimal money_to_decimal(money_t money, const struct asset *asset)
{
    struct decimal value = {.coefficient = money, .scale = (uint8_t)asset->scale};
    while (value.scale > 0 && value.coefficient % 10 == 0) {
        value.coefficient /= 10;
        value.scale--;
    }
    return value;
}

int money_multiply(money_t amount, struct decimal factor, enum rounding mode, money_t *ret_money)
{
    __int128 product = (__int128)amount * factor.coefficient;
    return from_128(divide_rounded(product, ten_to(factor.scale), mode), ret_money);
}

/* amount / 10^from * rate * 10^to as a fraction; |amount * rate| < 2^53 * 10^18 leaves room for the
 * scales' difference */
static int conversion(money_t amount, const struct asset *from, struct decimal rate,
                      const struct asset *to, __int128 *ret_dividend, __int128 *ret_divisor)
{
    *ret_dividend = (__int128)amount * rate.coefficient;
    *ret_divisor = ten_to(rate.scale);
    if (to->scale <= from->scale)
        *ret_divisor *= ten_to(from->scale - to->scale);
    else if (__builtin_mul_overflow(*ret_dividend, ten_to(to->scale - from->scale), ret_dividend))
        return ERR_AMOUNT_OVERFLOW;
    return OK;
}

int money_convert(money_t amount, const struct asset *from, struct decimal rate,
                  const struct asset *to, enum rounding mode, money_t *ret_money)
{
    __int128 dividend, divisor;

    TRY(conversion(amount, from, rate, to, &dividend, &divisor));
    return from_128(divide_rounded(dividend, divisor, mode), ret_money);
}

/* The share of the dividend is taken in two parts, whole multiples of its unit and the rest: neither product
 * outgrows 128 bits, and flooring twice by whole divisors is flooring once by their product. */
int money_convert_share(money_t amount, const struct asset *from, struct decimal rate,
                        const struct asset *to, struct decimal share, money_t *ret_money)
{
    __int128 dividend, divisor, unit = ten_to(share.scale);

    assert(amount >= 0 && rate.coefficient >= 0 && share.coefficient >= 0);
    assert(share.coefficient <= unit);
    TRY(conversion(amount, from, rate, to, &dividend, &divisor));
    dividend = dividend / unit * share.coefficient + dividend % unit * share.coefficient / unit;
    return from_128(dividend / divisor, ret_money);
}

int money_add(money_t a, money_t b, money_t *ret_sum)
{
    return from_128((__int128)a + b, ret_sum);
}
