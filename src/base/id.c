/*
 * Making and printing identifiers. Invariant: ids from one process strictly increase, even when the
 * clock stands still or is set back.
 */
#include "base/id.h"

#include <assert.h>
#include <stdatomic.h>

#define NODE_BITS 6
#define UNIT_USEC 8
#define EPOCH_USEC (INT64_C(1735689600) * USEC_PER_SEC) /* 2025-01-01T00:00:00Z */
#define ID_MAX ((INT64_C(1) << 53) - 1)
#define DIGITS 13

static unsigned node_bits;
static _Atomic int64_t last_unit;

static const char *const prefixes[ID_KIND_COUNT] = {
    "",
#define ID_KIND(symbol, prefix, meaning) prefix,
#include "base/ids.def"
#undef ID_KIND
};

/* Crockford's base 32 in lower case: no i, l, o, u. */
static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

void id_set_node(unsigned node)
{
    assert(node < 1u << NODE_BITS);
    node_bits = node;
}

id_t64 id_new(void)
{
    int64_t now = (clock_now() - EPOCH_USEC) / UNIT_USEC;
    int64_t last = atomic_load_explicit(&last_unit, memory_order_relaxed);
    int64_t unit;
    do {
        unit = now > last ? now : last + 1;
    } while (!atomic_compare_exchange_weak(&last_unit, &last, unit));
    return unit << NODE_BITS | node_bits;
}

id_t64 id_at(usec_t instant)
{
    return instant > EPOCH_USEC ? (instant - EPOCH_USEC) / UNIT_USEC << NODE_BITS : 0;
}

struct str id_print(struct arena *arena, enum id_kind kind, id_t64 id)
{
    assert(kind > ID_NONE && kind < ID_KIND_COUNT);
    if (id == 0)
        return STR_NONE;
    size_t prefix_len = strlen(prefixes[kind]);
    char *text = arena_alloc(arena, prefix_len + 1 + DIGITS + 1);
    memcpy(text, prefixes[kind], prefix_len);
    text[prefix_len] = '_';
    for (int i = DIGITS - 1; i >= 0; i--) {
        text[prefix_len + 1 + (size_t)i] = alphabet[id & 31];
        id >>= 5;
    }
    return (struct str){text, prefix_len + 1 + DIGITS};
}

bool id_parse(enum id_kind kind, struct str text, id_t64 *ret_id)
{
    assert(kind > ID_NONE && kind < ID_KIND_COUNT);
    size_t prefix_len = strlen(prefixes[kind]);
    if (text.len != prefix_len + 1 + DIGITS || memcmp(text.ptr, prefixes[kind], prefix_len) != 0 ||
        text.ptr[prefix_len] != '_')
        return false;
    uint64_t value = 0;
    for (size_t i = prefix_len + 1; i < text.len; i++) {
        const char *digit = text.ptr[i] ? strchr(alphabet, text.ptr[i]) : NULL;
        if (!digit || value >> 59)
            return false;
        value = value << 5 | (uint64_t)(digit - alphabet);
    }
    if (value == 0 || value > ID_MAX)
        return false;
    *ret_id = (id_t64)value;
    return true;
}

/* splitmix64's finaliser: spreads the id so that the UUID's tail is a checksum that typing errors
 * miss. */
static uint64_t scramble(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* Layout (RFC 9562, section 5.8): 48 bits id >> 5, version 8, kind 7 + id low 5, variant, 62 bits
 * checksum. */
static void uuid_halves(enum id_kind kind, id_t64 id, uint64_t *ret_high, uint64_t *ret_low)
{
    uint64_t bits = (uint64_t)id;
    *ret_high = bits >> 5 << 16 | UINT64_C(0x8000) | (uint64_t)kind << 5 | (bits & 31);
    *ret_low = scramble(bits ^ (uint64_t)kind << 56) >> 2 | UINT64_C(1) << 63;
}

#define UUID_LENGTH ((size_t)36)

/* 8 digits of hexadecimal at once: each nibble in a byte of its own, then letters where it is above
 * 9. */
static void put_hex_8(char *out, uint32_t value)
{
    uint64_t nibbles = value;
    nibbles = (nibbles << 16 | nibbles) & UINT64_C(0x0000ffff0000ffff);
    nibbles = (nibbles << 8 | nibbles) & UINT64_C(0x00ff00ff00ff00ff);
    nibbles = (nibbles << 4 | nibbles) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    uint64_t letters = (nibbles + UINT64_C(0x0606060606060606)) >> 4 & UINT64_C(0x0101010101010101);
    uint64_t text = nibbles + UINT64_C(0x3030303030303030) + letters * ('a' - '0' - 10);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    text = __builtin_bswap64(text);
#endif
    memcpy(out, &text, sizeof(text));
}

struct str id_print_uuid(struct arena *arena, enum id_kind kind, id_t64 id)
{
    if (id == 0)
        return STR_NONE;
    uint64_t high, low;
    char digits[32];
    uuid_halves(kind, id, &high, &low);
    put_hex_8(digits, (uint32_t)(high >> 32));
    put_hex_8(digits + 8, (uint32_t)high);
    put_hex_8(digits + 16, (uint32_t)(low >> 32));
    put_hex_8(digits + 24, (uint32_t)low);
    char *text = arena_alloc(arena, UUID_LENGTH + 1);
    memcpy(text, digits, 8);
    memcpy(text + 9, digits + 8, 4);
    memcpy(text + 14, digits + 12, 4);
    memcpy(text + 19, digits + 16, 4);
    memcpy(text + 24, digits + 20, 12);
    text[8] = text[13] = text[18] = text[23] = '-';
    return (struct str){text, UUID_LENGTH};
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool id_parse_uuid(enum id_kind kind, struct str text, id_t64 *ret_id)
{
    if (text.len != 36)
        return false;
    uint64_t halves[2] = {0, 0};
    unsigned digits = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text.ptr[i] != '-')
                return false;
            continue;
        }
        int digit = hex_digit(text.ptr[i]);
        if (digit < 0)
            return false;
        halves[digits / 16] = halves[digits / 16] << 4 | (uint64_t)digit;
        digits++;
    }
    id_t64 id = (id_t64)(halves[0] >> 16 << 5 | (halves[0] & 31));
    uint64_t high, low;
    uuid_halves(kind, id, &high, &low);
    if (id <= 0 || id > ID_MAX || high != halves[0] || low != halves[1])
        return false;
    *ret_id = id;
    return true;
}
