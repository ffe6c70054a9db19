/*
 * Merging runs of keys, eight into one of the next level, a part at a time: part p of the eight
 * sources becomes parts 8p .. 8p + 7 of the target, and is gone from the sources in the same
 * transaction. So the tables always hold each key once, how far a merge got is what they hold, and
 * space is free again as it goes along.
 *
 * Pace: when a run of n keys is made, each level with a merge under way owes 2n entries; a commit
 * pays a few parts of that. Eight runs are thus merged before the next eight have come, no commit
 * waits for a whole merge, and a commit's work does not grow with the number of keys.
 */
#include "ledger/keys.h"

/* A commit of so many keys does a step more than the one that each may do. */
#define KEYS_PER_STEP 512

static bool is_idle(const struct key_run *run, int64_t level)
{
    return run->row.level == level && !run->row.target && run->row.next_part < 0;
}

/* The run that is being made at the level above; NULL: none. */
static struct key_run *target_above(const struct key_runs *runs, int64_t level)
{
    for (size_t i = 0; i < runs->count; i++)
        if (runs->runs[i]->row.level == level + 1 && runs->runs[i]->row.next_part >= 0)
            return runs->runs[i];
    return NULL;
}

static size_t sources_of(const struct key_runs *runs, id_t64 target,
                         struct key_run *ret_sources[KEY_FAN_IN])
{
    size_t count = 0;
    for (size_t i = 0; i < runs->count; i++)
        if (runs->runs[i]->row.target == target) {
            assert(count < KEY_FAN_IN);
            ret_sources[count++] = runs->runs[i];
        }
    return count;
}

/* ---- Beginning ---- */

static int begin_at(struct key_runs *runs, int64_t level)
{
    struct key_run *sources[KEY_FAN_IN];
    struct ledger_key_run_ row = {.level = level + 1};
    size_t count = 0;
    for (size_t i = 0; i < runs->count && count < KEY_FAN_IN; i++)
        if (is_idle(runs->runs[i], level))
            sources[count++] = runs->runs[i];
    if (count < KEY_FAN_IN)
        return OK;
    row.id = ++runs->last_run;
    for (size_t i = 0; i < KEY_FAN_IN; i++) {
        sources[i]->row.target = row.id;
        row.entries += sources[i]->row.entries;
        TRY(sql_run(runs->sql, "UPDATE ledger_key_runs SET target = ? WHERE id = ?",
                    sql_int(row.id), sql_int(sources[i]->row.id)));
    }
    key_runs_open(runs, &row);
    return sql_append(runs->sql, "ledger_key_runs", &ledger_key_run__row, &row);
}

int key_merge_begin(struct key_runs *runs, size_t spilled)
{
    for (int64_t level = 1; level < KEY_LEVELS; level++) {
        if (!target_above(runs, level))
            TRY(begin_at(runs, level));
        if (target_above(runs, level))
            runs->debt[level] += 2 * spilled;
    }
    return OK;
}

/* ---- One step ---- */

static struct key_entry *merge_two(const struct key_entry *a, const struct key_entry *a_end,
                                   const struct key_entry *b, const struct key_entry *b_end,
                                   struct key_entry *out)
{
    while (a < a_end && b < b_end) {
        /* Without a branch: it would be guessed wrong every other time. */
        bool second = b->hash < a->hash;
        *out++ = *(second ? b : a);
        b += second;
        a += !second;
    }
    memcpy(out, a, (size_t)(a_end - a) * sizeof(*out));
    out += a_end - a;
    memcpy(out, b, (size_t)(b_end - b) * sizeof(*out));
    return out + (b_end - b);
}

/* Eight sorted stretches of `from`, ended by ends[1..8], into one; both arrays are used up. */
static struct key_entry *merge_all(struct key_entry *from, struct key_entry *to,
                                   size_t ends[KEY_FAN_IN + 1])
{
    for (size_t stretches = KEY_FAN_IN; stretches > 1; stretches /= 2) {
        struct key_entry *out = to, *swap = from;
        for (size_t i = 0; i < stretches; i += 2) {
            out = merge_two(from + ends[i], from + ends[i + 1], from + ends[i + 1],
                            from + ends[i + 2], out);
            ends[i / 2 + 1] = (size_t)(out - to);
        }
        from = to;
        to = swap;
    }
    return from;
}

static int delete_part(struct key_runs *runs, struct key_run *run, size_t number)
{
    id_t64 entries_id = run->parts[number].entries_id;
    key_run_drop_part(run, number);
    TRY(sql_run(runs->sql, "DELETE FROM ledger_key_parts WHERE id = ?",
                sql_int(key_part_id(run->row.id, number))));
    return sql_run(runs->sql, "DELETE FROM ledger_key_entries WHERE id = ?", sql_int(entries_id));
}

/* Reads and deletes one part of each source; merged and in the arena. */
static int take_parts(struct key_runs *runs, struct key_run **sources, size_t number,
                      struct key_entry **ret_entries, size_t *ret_count)
{
    struct str bytes[KEY_FAN_IN] = {{0}};
    size_t ends[KEY_FAN_IN + 1] = {0};
    for (size_t i = 0; i < KEY_FAN_IN; i++) {
        if (sources[i]->parts[number].entries_id) {
            int error = key_entries_read(runs->sql, runs->scratch,
                                         sources[i]->parts[number].entries_id, &bytes[i]);
            if (error)
                return error == ERR_NOT_FOUND ? ERR_STORE : error;
            TRY(delete_part(runs, sources[i], number));
        }
        ends[i + 1] = ends[i] + key_entries_count(bytes[i]);
    }
    *ret_count = ends[KEY_FAN_IN];
    struct key_entry *entries = ARENA_ARRAY(runs->scratch, struct key_entry, *ret_count + 1);
    struct key_entry *other = ARENA_ARRAY(runs->scratch, struct key_entry, *ret_count + 1);
    for (size_t i = 0; i < KEY_FAN_IN; i++)
        for (size_t k = 0; k < key_entries_count(bytes[i]); k++)
            entries[ends[i] + k] = key_entry_at(bytes[i], k);
    *ret_entries = merge_all(entries, other, ends);
    return OK;
}

static int finish(struct key_runs *runs, struct key_run *target, struct key_run **sources)
{
    for (size_t i = 0; i < KEY_FAN_IN; i++) {
        TRY(sql_run(runs->sql, "DELETE FROM ledger_key_runs WHERE id = ?",
                    sql_int(sources[i]->row.id)));
        key_runs_close(runs, sources[i]);
    }
    target->row.next_part = -1;
    return OK;
}

/* Moves the next part of the sources; *ret_moved entries. */
static int step(struct key_runs *runs, struct key_run *target, size_t *ret_moved)
{
    struct key_run *sources[KEY_FAN_IN];
    size_t source_count = sources_of(runs, target->row.id, sources);
    size_t number = (size_t)target->row.next_part, from = 0;
    struct key_entry *entries;
    if (source_count != KEY_FAN_IN)
        return ERR_STORE;
    arena_reset(runs->scratch);
    TRY(take_parts(runs, sources, number, &entries, ret_moved));
    for (size_t part = number * KEY_FAN_IN; part < (number + 1) * KEY_FAN_IN; part++) {
        size_t to = from;
        while (to < *ret_moved && key_part_of(entries[to].hash, target->bits) == part)
            to++;
        TRY(key_run_write_part(runs, target, part, entries + from, to - from));
        from = to;
    }
    target->row.next_part++;
    if (target->row.next_part == INT64_C(1) << sources[0]->bits)
        TRY(finish(runs, target, sources));
    return sql_run(runs->sql, "UPDATE ledger_key_runs SET next_part = ? WHERE id = ?",
                   sql_int(target->row.next_part), sql_int(target->row.id));
}

int key_merge_some(struct key_runs *runs, size_t inserted)
{
    size_t steps = 1 + inserted / KEYS_PER_STEP;
    for (int64_t level = 1; level < KEY_LEVELS && steps > 0; level++) {
        struct key_run *target = NULL;
        while (runs->debt[level] > 0 && steps > 0 && (target = target_above(runs, level))) {
            size_t moved;
            TRY(step(runs, target, &moved));
            runs->debt[level] -= moved < runs->debt[level] ? moved : runs->debt[level];
            steps--;
        }
        if (runs->debt[level] > 0 && steps > 0 && !target)
            runs->debt[level] = 0;
    }
    return OK;
}
