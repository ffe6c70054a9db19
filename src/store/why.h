/* Explanations of a failed start, for the operator. */
#ifndef STORE_WHY_H
#define STORE_WHY_H

#include "base/str.h"

/* Formats into memory of this thread, valid until its next call; returns `error`. */
int why(struct str *ret_why, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
