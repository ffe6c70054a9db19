/* Names and sentences of errors.def. */
#include "base/error.h"

const char *error_name(int error)
{
    switch (error) {
    case OK:
        return "OK";
#define ERROR(symbol, number, ...) \
    case -(number):                \
        return #symbol;
#include "base/errors.def"
#undef ERROR
    default:
        return "UNKNOWN";
    }
}

const char *error_message(int error)
{
    switch (error) {
#define ERROR(symbol, number, pcx, vp, vp_code, fc, message) \
    case -(number):                                          \
        return message;
#include "base/errors.def"
#undef ERROR
    default:
        return "An internal error occurred.";
    }
}

bool error_is_ledger_rule(int error)
{
    return error <= -100 && error > -200;
}
