/* Exact decimals on 64 bits, products and quotients through 128. */
#include "base/decimal.h"

#include <assert.h>

static const int64_t power_of_ten[DECIMAL_MAX_DIGITS + 1] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
};

static const int64_t coefficient_end = INT64_C(1000000000000000000); /* 10^18 */

static struct decimal normalised(int64_t coefficient, unsigned scale)
{
    while (scale > 0 && coefficient % 10 == 0) {
        coefficient /= 10;
        scale--;
    }
    return (struct decimal){.coefficient = coefficient, .scale = (uint8_t)scale};
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* JSON grammar: -? (0 | [1-9][0-9]*) (. [0-9]+)? */
bool decimal_parse(struct str text, struct decimal *ret_value)
{
    size_t i = 0;
    bool negative = text.len > 0 && text.ptr[0] == '-';
    if (negative)
        i++;
    size_t integer_start = i;
    while (i < text.len && is_digit(text.ptr[i]))
        i++;
    size_t integer_end = i;
    if (integer_end == integer_start)
        return false;
    if (text.ptr[integer_start] == '0' && integer_end - integer_start > 1)
        return false;
    size_t fraction_start = i, fraction_end = i;
    if (i < text.len && text.ptr[i] == '.') {
        fraction_start = ++i;
        while (i < text.len && is_digit(text.ptr[i]))
            i++;
        fraction_end = i;
        if (fraction_end == fraction_start)
            return false;
    }
    if (i != text.len)
        return false;
    while (fraction_end > fraction_start && text.ptr[fraction_end - 1] == '0')
        fraction_end--;
    size_t scale = fraction_end - fraction_start;
    if (scale > DECIMAL_MAX_DIGITS)
        return false;
    int64_t coefficient = 0;
    for (size_t k = integer_start; k < fraction_end; k++) {
        if (k == integer_end)
            k = fraction_start;
        if (k >= fraction_end)
            break;
        if (coefficient >= coefficient_end / 10)
            return false;
        coefficient = coefficient * 10 + (text.ptr[k] - '0');
    }
    *ret_value = (struct decimal){.coefficient = negative ? -coefficient : coefficient,
                                  .scale = (uint8_t)scale};
    return true;
}

size_t decimal_write(char *out, struct decimal value, unsigned min_fraction)
{
    assert(value.scale <= DECIMAL_MAX_DIGITS && min_fraction <= DECIMAL_MAX_DIGITS);
    struct decimal shortest = normalised(value.coefficient, value.scale);
    uint64_t magnitude =
        shortest.coefficient < 0 ? -(uint64_t)shortest.coefficient : (uint64_t)shortest.coefficient;
    unsigned scale = shortest.scale;
    char digits[20];
    unsigned count = 0;
    do {
        digits[count++] = (char)('0' + magnitude % 10);
        magnitude /= 10;
    } while (magnitude > 0);
    while (count <= scale)
        digits[count++] = '0';
    size_t len = 0;
    if (shortest.coefficient < 0)
        out[len++] = '-';
    while (count > scale)
        out[len++] = digits[--count];
    if (scale > 0 || min_fraction > 0)
        out[len++] = '.';
    while (count > 0)
        out[len++] = digits[--count];
    for (unsigned i = scale; i < min_fraction; i++)
        out[len++] = '0';
    return len;
}

struct str decimal_print(struct arena *arena, struct decimal value, unsigned min_fraction)
{
    char text[48];
    size_t len = decimal_write(text, value, min_fraction);
    return arena_copy(arena, (struct str){text, len});
}

int decimal_compare(struct decimal a, struct decimal b)
{
    __int128 left = (__int128)a.coefficient * power_of_ten[b.scale];
    __int128 right = (__int128)b.coefficient * power_of_ten[a.scale];
    return left < right ? -1 : left > right;
}

struct decimal decimal_from_i64(int64_t value)
{
    assert(value > -coefficient_end && value < coefficient_end);
    return (struct decimal){.coefficient = value, .scale = 0};
}

__int128 divide_rounded(__int128 dividend, __int128 divisor, enum rounding mode)
{
    assert(divisor > 0);
    __int128 quotient = dividend / divisor;
    __int128 remainder = dividend % divisor;
    if (remainder == 0)
        return quotient;
    int away = dividend < 0 ? -1 : 1;
    __int128 magnitude = remainder < 0 ? -remainder : remainder;
    /* Compared against the other part, since twice the remainder could overflow. */
    __int128 rest = divisor - magnitude;
    switch (mode) {
    case ROUND_DOWN:
        return quotient;
    case ROUND_UP:
        return quotient + away;
    case ROUND_HALF_UP:
        return magnitude >= rest ? quotient + away : quotient;
    case ROUND_HALF_EVEN:
        if (magnitude == rest)
            return quotient % 2 != 0 ? quotient + away : quotient;
        return magnitude > rest ? quotient + away : quotient;
    }
    __builtin_unreachable();
}

static bool from_128(__int128 coefficient, unsigned scale, struct decimal *ret_value)
{
    if (coefficient <= -(__int128)coefficient_end || coefficient >= (__int128)coefficient_end)
        return false;
    *ret_value = normalised((int64_t)coefficient, scale);
    return true;
}

bool decimal_add(struct decimal a, struct decimal b, struct decimal *ret_sum)
{
    unsigned scale = a.scale > b.scale ? a.scale : b.scale;
    __int128 sum = (__int128)a.coefficient * power_of_ten[scale - a.scale] +
                   (__int128)b.coefficient * power_of_ten[scale - b.scale];
    while (scale > 0 && sum % 10 == 0) {
        sum /= 10;
        scale--;
    }
    return from_128(sum, scale, ret_sum);
}

bool decimal_multiply(struct decimal a, struct decimal b, unsigned scale, enum rounding mode,
                      struct decimal *ret_product)
{
    assert(scale <= DECIMAL_MAX_DIGITS);
    __int128 product = (__int128)a.coefficient * b.coefficient; /* below 10^36 */
    unsigned have = (unsigned)a.scale + b.scale;
    while (have > scale + DECIMAL_MAX_DIGITS && product % 10 == 0) {
        product /= 10;
        have--;
    }
    if (have > scale) {
        unsigned drop = have - scale;
        __int128 divisor = power_of_ten[drop > DECIMAL_MAX_DIGITS ? DECIMAL_MAX_DIGITS : drop];
        for (unsigned i = DECIMAL_MAX_DIGITS; i < drop; i++)
            divisor *= 10;
        product = divide_rounded(product, divisor, mode);
        have = scale;
    }
    return from_128(product, have, ret_product);
}

bool decimal_divide(struct decimal a, struct decimal b, unsigned scale, enum rounding mode,
                    struct decimal *ret_quotient)
{
    assert(scale <= DECIMAL_MAX_DIGITS);
    if (b.coefficient == 0)
        return false;
    /* a/10^as / (b/10^bs) = a * 10^(bs - as + scale) / b, to `scale` decimals */
    int shift = (int)b.scale - (int)a.scale + (int)scale;
    __int128 dividend = a.coefficient, divisor = b.coefficient;
    for (; shift > 0; shift--)
        if (__builtin_mul_overflow(dividend, (__int128)10, &dividend))
            return false;
    for (; shift < 0; shift++)
        if (__builtin_mul_overflow(divisor, (__int128)10, &divisor))
            return false;
    if (divisor < 0) {
        divisor = -divisor;
        dividend = -dividend;
    }
    return from_128(divide_rounded(dividend, divisor, mode), scale, ret_quotient);
}
