/*
 * Identifiers. Every record has one int64 key, unique in the database, ordered by time of creation and
 * below 2^53 (so that it is a safe JSON integer for the dialects that send integers). What clients see
 * is derived from it: PCX and platform show "<prefix>_<13 base-32 digits>", VaultsPay the integer,
 * FinCode a UUID. Nothing secret rests on an id being hard to guess; ownership is always checked.
 */
#ifndef BASE_ID_H
#define BASE_ID_H

#include "base/time.h"

typedef int64_t id_t64;

/* Kinds of record that have an id, with the prefix of their text form (ids.def). */
enum id_kind {
    ID_NONE = 0,
#define ID_KIND(symbol, prefix, meaning) ID_##symbol,
#include "base/ids.def"
#undef ID_KIND
    ID_KIND_COUNT
};

/* Node (0..63) tells processes on one database apart. Call once before the first id_new. */
void id_set_node(unsigned node);
/* Bits from the top: 47 of time in units of 8 us since 2025-01-01, 6 of node. Safe from any thread. */
id_t64 id_new(void);
/* Ids made before this instant of the clock are smaller. */
id_t64 id_at(usec_t instant);

/* "pay_01h8x3k9m2f7q" */
struct str id_print(struct arena *arena, enum id_kind kind, id_t64 id);
/* False unless `text` is exactly what id_print makes for this kind. */
bool id_parse(enum id_kind kind, struct str text, id_t64 *ret_id);
/* RFC 9562 version 8 UUID that carries the kind and the id. */
struct str id_print_uuid(struct arena *arena, enum id_kind kind, id_t64 id);
bool id_parse_uuid(enum id_kind kind, struct str text, id_t64 *ret_id);

#endif
