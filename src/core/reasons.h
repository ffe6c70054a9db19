/* Reason codes of transfers (reasons.def). */
#ifndef CORE_REASONS_H
#define CORE_REASONS_H

enum reason {
    REASON_NONE = 0,
#define REASON(symbol, number, name) REASON_##symbol = (number),
#include "core/reasons.def"
#undef REASON
};

/* "withdrawal"; "" for a number that is no reason. */
const char *reason_name(int reason);

#endif
