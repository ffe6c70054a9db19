/*
 * What can go wrong, one code per violated rule (errors.def). Functions that can fail return 0 or one
 * of these, which are negative. A dialect turns a code into its own status, body and text.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>

enum error {
    OK = 0,
#define ERROR(symbol, number, ...) ERR_##symbol = -(number),
#include "base/errors.def"
#undef ERROR
};

/* "INSUFFICIENT_FUNDS"; "UNKNOWN" for a number that is no error. */
const char *error_name(int error);
/* One of the ledger's rules (100..199): a refusal, and nothing of the call went wrong. */
bool error_is_ledger_rule(int error);
/* The sentence for people: "The available balance does not cover the amount." */
const char *error_message(int error);

/* Propagate: `TRY(account_get(c, id, &account));` */
#define TRY(expression)                \
    do {                               \
        int try_error_ = (expression); \
        if (try_error_)                \
            return try_error_;         \
    } while (0)

#endif
