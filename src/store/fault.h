/*
 * Faults in the SQLite file, for tests: every write, sync, truncation and deletion counts as a
 * step, and the step that is named goes wrong. Looping the step from 1 until a run meets none tries
 * every place.
 */
#ifndef STORE_FAULT_H
#define STORE_FAULT_H

#include "base/str.h"

enum fault_kind {
    FAULT_NONE,
    FAULT_FAIL,       /* the step fails with an input/output error, once */
    FAULT_CUT_SHORT,  /* a write puts half of its bytes and fails; other steps fail */
    FAULT_DISK_FULL,  /* from this step on, writes that make a file longer fail */
    FAULT_CRASH,      /* from this step on everything fails, and what was not synced is lost */
    FAULT_CRASH_TORN, /* the same, but some of the unsynced writes made it, chosen by the seed */
};

struct store_fault;

struct store_fault *store_fault_new(enum fault_kind kind, uint64_t seed);
/* Counts anew, from 1; nothing goes wrong before this is called. */
void store_fault_arm(struct store_fault *fault, long step);
/* After the store is closed. For the crashes this is where the files are put back to what had been
 * synced. */
struct store_fault *store_fault_free(struct store_fault *fault);
/* Was the step met? */
bool store_fault_happened(const struct store_fault *fault);
/* Steps counted since it was armed. */
long store_fault_steps(const struct store_fault *fault);
/* Name under which SQLite knows it. */
const char *store_fault_vfs(struct store_fault *fault);

#endif
