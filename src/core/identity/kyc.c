/* KYC decisions: a table from words to the person's status. */
#include "core/identity/kyc.h"

#include "base/json_build.h"
#include "core/outbox.h"

enum kyc_stamp { STAMP_NONE, STAMP_SUBMITTED, STAMP_APPROVED, STAMP_REJECTED };

static const struct kyc_rule {
    const char *word;
    const char *kyc_status;
    const char *user_status;
    enum kyc_stamp stamp;
} kyc_rules[] = {
    {"approved", "approved", "active", STAMP_APPROVED},
    {"active", "approved", "active", STAMP_APPROVED},
    {"declined", "rejected", "rejected", STAMP_REJECTED},
    {"rejected", "rejected", "rejected", STAMP_REJECTED},
    {"pending", "pending", "pending_verification", STAMP_SUBMITTED},
    {"submitted", "pending", "pending_verification", STAMP_SUBMITTED},
    {"review", "pending", "pending_verification", STAMP_SUBMITTED},
    {"under_review", "pending", "pending_verification", STAMP_SUBMITTED},
    {"manual_review", "pending", "pending_verification", STAMP_SUBMITTED},
    {"awaiting_ubo", "pending", "pending_verification", STAMP_SUBMITTED},
    {"resubmission_requested", "pending", "pending_verification", STAMP_SUBMITTED},
    {"expired", "expired", "not_verified", STAMP_NONE},
    {"abandoned", "abandoned", "not_verified", STAMP_NONE},
    {"not_started", "not_started", "not_verified", STAMP_NONE},
    {"incomplete", "incomplete", "not_verified", STAMP_NONE},
};

static const struct kyc_rule *find_rule(struct str word)
{
    for (size_t i = 0; i < sizeof(kyc_rules) / sizeof(kyc_rules[0]); i++)
        if (str_is(word, kyc_rules[i].word))
            return &kyc_rules[i];
    return NULL;
}

static int tell_webhooks(struct call *c, const struct user *user)
{
    struct buf data = json_object(c->arena);
    json_put(&data, "user_id", call_id(c, ID_USER, user->id));
    json_put(&data, "kyc_status", user->kyc_status);
    json_put(&data, "reason", user->kyc_failure_reason);
    struct str event = arena_printf(c->arena, "kyc.%.*s", STR_FMT(user->kyc_status));
    return outbox_event(c, user->organisation_id, event.ptr, json_object_end(&data));
}

static bool is_known(const struct user *user, struct str word, struct str session_id)
{
    const struct kyc_rule *rule = find_rule(word);
    struct str status = rule ? str_from(rule->kyc_status) : word;
    return str_eq(status, user->kyc_status) &&
           (!str_present(session_id) || str_eq(session_id, user->kyc_session_id));
}

static int apply(struct call *c, struct user *user, struct str word, struct str session_id,
                 struct str reason, usec_t decided_at)
{
    const struct kyc_rule *rule = find_rule(word);
    user->kyc_status = rule ? str_from(rule->kyc_status) : word;
    user->kyc_session_id = str_or(session_id, user->kyc_session_id);
    user->kyc_failure_reason = STR_NONE;
    user->kyc_decided_at = decided_at;
    if (rule) {
        /* Who is blocked or deactivated was shut out for another reason. */
        if (user_may_sign_in(user))
            user->status = str_from(rule->user_status);
        if (rule->stamp == STAMP_APPROVED)
            user->kyc_approved_at = decided_at;
        if (rule->stamp == STAMP_REJECTED)
            user->kyc_failure_reason = reason;
        if (rule->stamp == STAMP_SUBMITTED && !user->kyc_submitted_at)
            user->kyc_submitted_at = decided_at;
    }
    TRY(user_update(c, user));
    return tell_webhooks(c, user);
}

int kyc_decide(struct call *c, struct user *user, struct str word, struct str session_id,
               struct str reason)
{
    return is_known(user, word, session_id) ? OK : apply(c, user, word, session_id, reason, c->now);
}

int kyc_review(struct call *c, struct user *user, struct str word, struct str session_id,
               struct str reason, usec_t decided_at)
{
    if (decided_at < user->kyc_decided_at)
        return OK;
    if (!is_known(user, word, session_id))
        return apply(c, user, word, session_id, reason, decided_at);
    if (decided_at == user->kyc_decided_at)
        return OK;
    user->kyc_decided_at = decided_at;
    return user_update(c, user);
}
