/* Names of the reason codes. */
#include "core/reasons.h"

const char *reason_name(int reason)
{
    switch (reason) {
#define REASON(symbol, number, name) \
    case number:                     \
        return name;
#include "core/reasons.def"
#undef REASON
    default:
        return "";
    }
}
