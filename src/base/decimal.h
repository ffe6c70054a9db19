/*
 * Exact decimal numbers as they stand on the wire: value = coefficient / 10^scale. No floating point
 * comes near them. Trailing zeros of the fraction are dropped when parsing, so equal values compare
 * equal member by member.
 */
#ifndef BASE_DECIMAL_H
#define BASE_DECIMAL_H

#include "base/arena.h"

#define DECIMAL_MAX_DIGITS 18

struct decimal {
    int64_t coefficient; /* |coefficient| < 10^18 */
    uint8_t scale;       /* 0..18 */
};

enum rounding { ROUND_DOWN, ROUND_UP, ROUND_HALF_UP, ROUND_HALF_EVEN };

/* JSON number syntax without exponent. False: not such a number, or more than 18 significant digits. */
bool decimal_parse(struct str text, struct decimal *ret_value);
/* Shortest exact form: "1000", "0.015", "-2.5". At least min_fraction decimals. */
struct str decimal_print(struct arena *arena, struct decimal value, unsigned min_fraction);
/* Writes the same into `out` (at least 32 bytes); returns the length. */
size_t decimal_write(char *out, struct decimal value, unsigned min_fraction);
int decimal_compare(struct decimal a, struct decimal b);
struct decimal decimal_from_i64(int64_t value);
static inline bool decimal_is_zero(struct decimal value)
{
    return value.coefficient == 0;
}
/* a + b; false on overflow. */
bool decimal_add(struct decimal a, struct decimal b, struct decimal *ret_sum);
/* a * b and a / b to `scale` decimals; false on overflow or division by zero. */
bool decimal_multiply(struct decimal a, struct decimal b, unsigned scale, enum rounding mode,
                      struct decimal *ret_product);
bool decimal_divide(struct decimal a, struct decimal b, unsigned scale, enum rounding mode,
                    struct decimal *ret_quotient);
/* Quotient of 128-bit integers in the given mode; divisor > 0. */
__int128 divide_rounded(__int128 dividend, __int128 divisor, enum rounding mode);

#endif
