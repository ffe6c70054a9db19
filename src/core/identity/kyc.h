/*
 * What a review of a person decided (KYC), wherever the decision came from: staff, a provider's
 * callback, an internal system. One place, so that the person's status, stamps and the webhook
 * always agree.
 */
#ifndef CORE_IDENTITY_KYC_H
#define CORE_IDENTITY_KYC_H

#include "core/call.h"
#include "core/identity/user.h"

/*
 * `word` is a decision in a provider's or our own vocabulary (approved, active, declined, rejected,
 * submitted, review, expired, ...): kyc_rules in kyc.c maps it. An unknown word is kept as
 * kyc_status and changes nothing else. `reason` is for rejections; `session_id` may be absent. The
 * same decision again changes nothing and sends nothing.
 */
int kyc_decide(struct call *c, struct user *user, struct str word, struct str session_id,
               struct str reason);
/* The same for a decision that was taken elsewhere at `decided_at` and may arrive late: one that is older
 * than what is known changes nothing. */
int kyc_review(struct call *c, struct user *user, struct str word, struct str session_id,
               struct str reason, usec_t decided_at);

#endif
