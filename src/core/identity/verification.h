/*
 * Codes sent to people to prove an address or allow a step: six digits, kept as a MAC, for a
 * limited time and a limited number of tries. One live code per purpose and subject; a new one
 * replaces it.
 */
#ifndef CORE_IDENTITY_VERIFICATION_H
#define CORE_IDENTITY_VERIFICATION_H

#include "core/call.h"

#define VERIFICATION_ATTEMPTS 5
/* Every code may be guessed at VERIFICATION_ATTEMPTS times, so codes are few as well. */
#define VERIFICATION_CODES 5
#define VERIFICATION_WINDOW USEC_PER_HOUR

/* In the writer. *ret_code goes into an outbox_message and nowhere else. `purpose`: "confirm",
 * "reset", "otp", ... `subject`: whose it is, an e-mail address or an id as text. ERR_RATE_LIMITED,
 * not refused on the call: VERIFICATION_CODES were made within VERIFICATION_WINDOW; the last one
 * stays good. */
int verification_create(struct call *c, const char *purpose, struct str subject, usec_t lifetime,
                        struct str *ret_code);
/*
 * Is it the code? For workers (prepare steps): a wrong try is counted at once, although the call is
 * refused. ERR_CODE_MISMATCH (also when none was sent, so that the answer does not tell who there is),
 * ERR_CODE_EXPIRED (the right one, but too old, or after too many tries); not refused on the call.
 */
int verification_check(struct call *c, const char *purpose, struct str subject, struct str code);
/* In the writer: uses the code up. The same errors; a code that is gone already is none. */
int verification_consume(struct call *c, const char *purpose, struct str subject, struct str code);

#endif
