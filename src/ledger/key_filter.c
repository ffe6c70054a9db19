/*
 * The form that runs of keys have in the tables: entries as bytes, and their filters. Invariant: a
 * filter is a function of the entries alone, so that verification can make it again and compare.
 */
#include "ledger/keys.h"

#define ROW_SELF struct ledger_key_log_
ROW_TYPE(ledger_key_log_, KEY_LOG_ROW);
#undef ROW_SELF
#define ROW_SELF struct ledger_key_run_
ROW_TYPE(ledger_key_run_, KEY_RUN_ROW);
#undef ROW_SELF
#define ROW_SELF struct ledger_key_part_
ROW_TYPE(ledger_key_part_, KEY_PART_ROW);
#undef ROW_SELF
#define ROW_SELF struct ledger_key_entries_
ROW_TYPE(ledger_key_entries_, KEY_ENTRIES_ROW);
#undef ROW_SELF

/* ---- Filters ---- */

#define BLOCK_SIZE 64
#define BLOCK_BITS_LOG 9
#define BITS_PER_KEY 16
#define PROBES 7 /* of 9 bits each, from one 64-bit product */

size_t key_filter_size(size_t count)
{
    size_t blocks = (count * BITS_PER_KEY + 8 * BLOCK_SIZE - 1) / (8 * BLOCK_SIZE);
    return (blocks ? blocks : 1) * BLOCK_SIZE;
}

/* The leading bits of a hash are the same in all of a part: the product brings the others up. */
static size_t block_offset(size_t size, id_t64 hash)
{
    uint64_t spread = (uint64_t)hash * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)((unsigned __int128)spread * (size / BLOCK_SIZE) >> 64) * BLOCK_SIZE;
}

static uint64_t probes_of(id_t64 hash)
{
    uint64_t bits = (uint64_t)hash ^ (uint64_t)hash >> 32;
    return bits * UINT64_C(0xbf58476d1ce4e5b9) >> 1;
}

const uint8_t *key_filter_block(const uint8_t *filter, size_t size, id_t64 hash)
{
    return filter + block_offset(size, hash);
}

void key_filter_add(uint8_t *filter, size_t size, id_t64 hash)
{
    uint8_t *block = filter + block_offset(size, hash);
    uint64_t probes = probes_of(hash);
    for (int i = 0; i < PROBES; i++, probes >>= BLOCK_BITS_LOG) {
        unsigned bit = probes & ((1u << BLOCK_BITS_LOG) - 1);
        block[bit / 8] = (uint8_t)(block[bit / 8] | 1u << bit % 8);
    }
}

bool key_filter_has(const uint8_t *filter, size_t size, id_t64 hash)
{
    if (size < BLOCK_SIZE)
        return true; /* damaged: ask the entries */
    const uint8_t *block = filter + block_offset(size, hash);
    uint64_t probes = probes_of(hash);
    for (int i = 0; i < PROBES; i++, probes >>= BLOCK_BITS_LOG) {
        unsigned bit = probes & ((1u << BLOCK_BITS_LOG) - 1);
        if (!(block[bit / 8] & 1u << bit % 8))
            return false;
    }
    return true;
}

/* ---- Entries ---- */

static uint64_t little_endian(uint64_t bits)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bits = __builtin_bswap64(bits);
#endif
    return bits;
}

void key_entries_write(const struct key_entry *entries, size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t pair[2] = {little_endian((uint64_t)entries[i].hash),
                            little_endian((uint64_t)entries[i].value)};
        memcpy(out + i * KEY_ENTRY_SIZE, pair, KEY_ENTRY_SIZE);
    }
}

struct key_entry key_entry_at(struct str bytes, size_t index)
{
    uint64_t pair[2];
    memcpy(pair, bytes.ptr + index * KEY_ENTRY_SIZE, KEY_ENTRY_SIZE);
    return (struct key_entry){(id_t64)little_endian(pair[0]), (id_t64)little_endian(pair[1])};
}

void key_entries_search(struct str bytes, id_t64 hash, struct key_values *values)
{
    size_t low = 0, high = key_entries_count(bytes);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (key_entry_at(bytes, middle).hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < key_entries_count(bytes); low++) {
        struct key_entry entry = key_entry_at(bytes, low);
        if (entry.hash != hash)
            break;
        key_values_add(values, entry.value);
    }
}

void key_values_add(struct key_values *values, id_t64 value)
{
    /* Nearly always the only one: not worth room for more. */
    id_t64 *items = ARENA_ARRAY(values->arena, id_t64, values->count + 1);
    if (values->count)
        memcpy(items, values->items, values->count * sizeof(*items));
    items[values->count++] = value;
    values->items = items;
}

int key_entries_read(struct sql *sql, struct arena *arena, id_t64 id, struct str *ret_bytes)
{
    struct ledger_key_entries_ row;
    TRY(sql_one(sql, arena, &ledger_key_entries__row, &row,
                "SELECT id, entries FROM ledger_key_entries WHERE id = ?", sql_int(id)));
    *ret_bytes = row.entries;
    return OK;
}
