/*
 * Repeated failures: five wrong passwords in a row lock an account for half an hour, and too many
 * from one address within a quarter of an hour are refused without looking. A locked account
 * answers like that also for the right password. For workers: failures are written at once,
 * although the call itself is refused.
 */
#ifndef CORE_IDENTITY_LOCKOUT_H
#define CORE_IDENTITY_LOCKOUT_H

#include "core/call.h"
#include "core/identity/user.h"

#define LOCKOUT_FAILURES 5
#define LOCKOUT_PERIOD (30 * USEC_PER_MINUTE)
#define LOCKOUT_ADDRESS_FAILURES 100
#define LOCKOUT_ADDRESS_WINDOW (15 * USEC_PER_MINUTE)

/*
 * The whole of a password check: address, account, password (Argon2id), in this order; counts a
 * failure. `user` NULL: nobody has that name; takes as long as a wrong password, and five failures
 * lock it out as they do a person, if `nobody` (user_nobody of the name) is not 0. 0, ERR_LOCKED_OUT
 * or ERR_WRONG_CREDENTIALS, neither refused on the call.
 */
int lockout_check_password(struct call *c, const struct user *user, id_t64 nobody,
                           struct str password);
/* The same where something else than a password was to prove the person, and was found right or
 * wrong. */
int lockout_check_proof(struct call *c, const struct user *user, id_t64 nobody, bool right);
/* The same for secrets that are not passwords (client secrets): only addresses are counted. */
int lockout_check_address(struct call *c);
void lockout_count_address(struct call *c);
/* After a successful login, in the writer: forgets the failures. */
int lockout_clear(struct call *c, const struct user *user);

#endif
