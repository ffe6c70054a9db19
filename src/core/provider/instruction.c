/*
 * Instructions to providers: written with the call that wants them, sent by the outbox, ended by an
 * answer, a callback or a poll, whichever is first. The reference the provider sees is made from
 * the instruction's id, so sending twice is the same instruction to it.
 */
#include "core/provider/instruction.h"

#include "base/json_build.h"
#include "base/log.h"
#include "core/app.h"
#include "core/work.h"
#include "store/sql.h"

#define LONGEST_POLL USEC_PER_HOUR
#define FIRST_POLL (15 * USEC_PER_SEC)
#define LONGEST_RESEND (5 * USEC_PER_MINUTE)
/* Attempts after which a provider that takes nothing is worth an alert. */
#define ATTEMPTS_TO_ALERT 10

#define ROW_SELF struct provider_instruction
ROW_TYPE(provider_instruction, PROVIDER_INSTRUCTION_ROW);
#undef ROW_SELF

#define INSTRUCTION_BODY_ROW(F) \
    F(INTEGER, id)              \
    F(INTEGER, tenant_id)       \
    F(SECRET, body)
ROW_STRUCT(instruction_body, INSTRUCTION_BODY_ROW);
#define ROW_SELF struct instruction_body
ROW_TYPE(instruction_body, INSTRUCTION_BODY_ROW);
#undef ROW_SELF

typedef int apply_function(struct call *c, id_t64 subject_id,
                           const struct provider_outcome *outcome);

#define PROVIDER_OPERATION(name, operation, apply) apply_function apply;
#include "core/provider_operations.def"
#undef PROVIDER_OPERATION

static const struct instruction_kind {
    const char *name;
    const char *operation;
    apply_function *apply;
} kinds[] = {
#define PROVIDER_OPERATION(name, operation, apply) {#name, #operation, apply},
#include "core/provider_operations.def"
#undef PROVIDER_OPERATION
};

static const struct instruction_kind *find_kind(struct str name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (str_is(name, kinds[i].name))
            return &kinds[i];
    return NULL;
}

int outbox_instruct(struct call *c, const char *provider, const char *operation, id_t64 subject_id,
                    struct str body_json)
{
    const struct provider *known = provider_find(str_from(provider));
    if (!known || !find_kind(str_from(operation)))
        return call_refuse(c, ERR_UNKNOWN_PROVIDER, "provider");
    struct provider_instruction row = {
        .id = id_new(),
        .tenant_id = c->principal.tenant_id,
        .provider = str_from(known->name),
        .operation = str_from(operation),
        .subject_id = subject_id,
        .body = body_json,
        .status = STR("queued"),
        .created_at = c->now,
        .updated_at = c->now,
    };
    TRY(sql_insert(c->sql, "provider_instruction", &provider_instruction_row, &row));
    return outbox_add(c, "instruction", NULL, row.id, c->now);
}

int instruction_get(struct call *c, id_t64 instruction_id,
                    struct provider_instruction *ret_instruction)
{
    return sql_one(c->sql, c->arena, &provider_instruction_row, ret_instruction,
                   ROW_SELECT(PROVIDER_INSTRUCTION_ROW) " FROM provider_instruction"
                                                        " WHERE tenant_id = ? AND id = ?",
                   sql_int(c->principal.tenant_id), sql_int(instruction_id));
}

int provider_find_instruction(struct call *c, const char *operation, id_t64 subject_id,
                              struct provider_instruction *ret_instruction)
{
    return sql_one(
        c->sql, c->arena, &provider_instruction_row, ret_instruction,
        ROW_SELECT(PROVIDER_INSTRUCTION_ROW) " FROM provider_instruction WHERE tenant_id = ? AND "
                                             "subject_id = ?"
                                             " AND operation = ? ORDER BY id DESC LIMIT 1",
        sql_int(c->principal.tenant_id), sql_int(subject_id), sql_text(str_from(operation)));
}

int instruction_find(struct call *c, const char *provider, struct str our_reference,
                     struct str provider_reference, struct provider_instruction *ret_instruction)
{
    id_t64 id;
    if (id_parse(ID_PROVIDER_REQUEST, our_reference, &id) &&
        sql_one(c->sql, c->arena, &provider_instruction_row, ret_instruction,
                ROW_SELECT(PROVIDER_INSTRUCTION_ROW) " FROM provider_instruction"
                                                     " WHERE id = ? AND provider = ?",
                sql_int(id), sql_text(str_from(provider))) == OK)
        return OK;
    if (str_empty(provider_reference))
        return ERR_NOT_FOUND;
    return sql_one(c->sql, c->arena, &provider_instruction_row, ret_instruction,
                   ROW_SELECT(PROVIDER_INSTRUCTION_ROW) " FROM provider_instruction"
                                                        " WHERE provider = ?"
                                                        " AND provider_reference = ?",
                   sql_text(str_from(provider)), sql_text(provider_reference));
}

/* ---- Outcomes ---- */

static bool has_ended(const struct provider_instruction *instruction)
{
    return str_is(instruction->status, "succeeded") || str_is(instruction->status, "failed");
}

static const char *status_after(enum provider_status status)
{
    switch (status) {
    case PROVIDER_SUCCEEDED:
        return "succeeded";
    case PROVIDER_FAILED:
        return "failed";
    case PROVIDER_PENDING:
        return "pending";
    case PROVIDER_RETRY:
        return "queued";
    }
    return "pending";
}

int provider_end_instruction(struct call *c, const char *operation, id_t64 subject_id,
                             bool succeeded)
{
    return sql_run(
        c->sql,
        "UPDATE provider_instruction SET status = ?, updated_at = ? WHERE tenant_id = ?"
        " AND subject_id = ? AND operation = ? AND status NOT IN ('succeeded', 'failed')",
        sql_text(succeeded ? STR("succeeded") : STR("failed")), sql_int(c->now),
        sql_int(c->principal.tenant_id), sql_int(subject_id), sql_text(str_from(operation)));
}

/* The first end counts. Another one moves nothing, but a person has to look at it. */
static int note_contradiction(struct call *c, const struct provider_instruction *instruction,
                              const struct provider_outcome *outcome)
{
    const char *word = status_after(outcome->status);
    bool ends = outcome->status == PROVIDER_SUCCEEDED || outcome->status == PROVIDER_FAILED;

    if (!ends || str_is(instruction->status, word))
        return OK;
    writer_audit(c, "provider_alert", id_print(c->arena, ID_PROVIDER_REQUEST, instruction->id),
                 arena_printf(c->arena, "ended as %.*s, now reported as %s",
                              STR_FMT(instruction->status), word));
    provider_alert(c->app, "a provider contradicts how an instruction ended", instruction->provider,
                   instruction->operation, instruction->id, str_from(word));
    return OK;
}

int instruction_apply(struct call *c, id_t64 instruction_id, const struct provider_outcome *outcome)
{
    struct provider_instruction instruction;
    TRY(sql_one(c->sql, c->arena, &provider_instruction_row, &instruction,
                ROW_SELECT(PROVIDER_INSTRUCTION_ROW) " FROM provider_instruction WHERE tenant_id = "
                                                     "? AND id = ?" SQL_FOR_UPDATE,
                sql_int(c->principal.tenant_id), sql_int(instruction_id)));
    if (has_ended(&instruction))
        return note_contradiction(c, &instruction, outcome);
    bool first_acceptance =
        str_is(instruction.status, "queued") && outcome->status == PROVIDER_PENDING;
    bool ends = outcome->status == PROVIDER_SUCCEEDED || outcome->status == PROVIDER_FAILED;
    TRY(sql_run(c->sql,
                "UPDATE provider_instruction SET status = ?, provider_reference = ?, reason = ?,"
                " updated_at = ? WHERE tenant_id = ? AND id = ?",
                sql_text(str_from(status_after(outcome->status))),
                sql_text(str_or(outcome->provider_reference, instruction.provider_reference)),
                sql_text(outcome->reason), sql_int(c->now), sql_int(c->principal.tenant_id),
                sql_int(instruction_id)));
    if (!ends && !first_acceptance)
        return OK;
    writer_audit(c, "provider_outcome", id_print(c->arena, ID_PROVIDER_REQUEST, instruction.id),
                 arena_printf(c->arena, "%.*s %.*s: %s", STR_FMT(instruction.provider),
                              STR_FMT(instruction.operation), status_after(outcome->status)));
    const struct instruction_kind *kind = find_kind(instruction.operation);
    return kind ? kind->apply(c, instruction.subject_id, outcome) : ERR_INTERNAL;
}

struct sent {
    id_t64 instruction_id;
    bool polled;
    struct provider_outcome outcome;
    struct str body; /* with what had to be done first; absent: as it was */
};

/* What was done first stays done: providers keep an idempotency key for a day, not for ever. */
static int keep_body(struct call *c, const struct sent *sent)
{
    struct instruction_body row = {
        .id = sent->instruction_id, .tenant_id = c->principal.tenant_id, .body = sent->body};
    if (!str_present(sent->body))
        return OK;
    return sql_update(c->sql, "provider_instruction", &instruction_body_row, &row);
}

static int record_sent(struct call *c, void *argument)
{
    const struct sent *sent = argument;
    TRY(sql_run(c->sql,
                "UPDATE provider_instruction SET attempts = attempts + ?, polls = polls + ?"
                " WHERE tenant_id = ? AND id = ?",
                sql_int(!sent->polled), sql_int(sent->polled), sql_int(c->principal.tenant_id),
                sql_int(sent->instruction_id)));
    TRY(keep_body(c, sent));
    if (sent->outcome.unknown)
        writer_audit(c, "provider_alert",
                     id_print(c->arena, ID_PROVIDER_REQUEST, sent->instruction_id),
                     sent->outcome.reason);
    return instruction_apply(c, sent->instruction_id, &sent->outcome);
}

/* ---- The outbox's work ---- */

static struct str status_body(struct arena *arena, const struct provider_instruction *instruction)
{
    if (str_empty(instruction->provider_reference))
        return STR("{}");
    struct buf out = json_object(arena);
    json_put(&out, "provider_reference", instruction->provider_reference);
    return json_object_end(&out);
}

/* What is asked when it is not known how an operation went; an operation without a row is sent
 * again. */
static const struct question {
    const char *operation, *question;
    bool is_lookup; /* asks whether the thing is there: a no means that it can be made */
} questions[] = {
    {"payout", "payout_status", false},
    {"crypto_deposit", "payout_status", false},
    {"create_virtual_account", "get_virtual_account", true},
};

static const struct question *find_question(const char *operation)
{
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++)
        if (strcmp(questions[i].operation, operation) == 0)
            return &questions[i];
    return NULL;
}

/* ERR_REQUIRED, ERR_NOT_FOUND: the provider cannot be asked, or says that there is no such
 * thing. */
static int ask_after(struct call *c, const struct provider *provider,
                     const struct provider_settings *settings,
                     const struct provider_instruction *instruction, const char *operation,
                     struct str reference, struct provider_outcome *ret_outcome)
{
    const struct question *question = find_question(operation);
    if (!question)
        return ERR_NOT_FOUND;
    struct str body = question->is_lookup ? instruction->body : status_body(c->arena, instruction);
    TRY(provider_exchange(c->app, c->arena, provider, settings, question->question, reference, body,
                          ret_outcome, NULL));
    bool absent = question->is_lookup && ret_outcome->status == PROVIDER_FAILED;
    return absent ? ERR_NOT_FOUND : OK;
}

/*
 * What was sent before may have been taken then, and a refusal now only mean that its reference was
 * used. It counts when the provider, asked, has no such payment; where it cannot be asked without
 * its own reference, its idempotency key answers for it.
 */
static int confirm_refusal(struct call *c, const struct provider *provider,
                           const struct provider_settings *settings,
                           const struct provider_instruction *instruction, const char *operation,
                           struct str reference, struct provider_outcome *outcome)
{
    const struct question *question = find_question(operation);
    struct provider_outcome answer;
    if (outcome->status != PROVIDER_FAILED || instruction->attempts == 0 || !question ||
        question->is_lookup)
        return OK;
    int error = ask_after(c, provider, settings, instruction, operation, reference, &answer);
    if (error == ERR_REQUIRED || error == ERR_NOT_FOUND || (!error && answer.absent))
        return OK;
    TRY(error);
    if (answer.status == PROVIDER_RETRY)
        answer.status = PROVIDER_PENDING;
    *outcome = answer;
    return OK;
}

/*
 * Sends what is queued and asks after what is pending. Where a provider cannot be asked without its
 * own reference, the instruction is sent again: to it the reference makes both one.
 */
static int exchange(struct call *c, const struct provider_instruction *instruction,
                    const char *operation, struct sent *sent)
{
    const struct provider *provider;
    struct provider_settings settings;
    struct str reference = id_print(c->arena, ID_PROVIDER_REQUEST, instruction->id);
    TRY(providers_find(c->app, instruction->provider, &provider, &settings));
    sent->polled = str_is(instruction->status, "pending");
    if (sent->polled) {
        int error =
            ask_after(c, provider, &settings, instruction, operation, reference, &sent->outcome);
        if (error != ERR_REQUIRED && error != ERR_NOT_FOUND)
            return error;
        sent->polled = false;
    }
    TRY(provider_exchange(c->app, c->arena, provider, &settings, operation, reference,
                          instruction->body, &sent->outcome, &sent->body));
    return confirm_refusal(c, provider, &settings, instruction, operation, reference,
                           &sent->outcome);
}

/* A poll that did not get through leaves the instruction pending; "never heard of it" queues it
 * again. */
static void keep_pending(const struct provider_instruction *instruction, struct sent *sent)
{
    bool unreached = sent->outcome.status == PROVIDER_RETRY && !sent->outcome.absent;
    if (str_is(instruction->status, "pending") && unreached)
        sent->outcome.status = PROVIDER_PENDING;
}

static void raise_alerts(struct call *c, const struct provider_instruction *instruction,
                         const struct sent *sent)
{
    if (sent->outcome.unknown)
        provider_alert(
            c->app, "a provider's answer is not understood; the instruction stays pending",
            instruction->provider, instruction->operation, instruction->id, sent->outcome.reason);
    else if (sent->outcome.status == PROVIDER_RETRY &&
             instruction->attempts + 1 == ATTEMPTS_TO_ALERT)
        provider_alert(c->app, "a provider does not take an instruction", instruction->provider,
                       instruction->operation, instruction->id, sent->outcome.reason);
}

/* What the provider has taken is given time; what it may not have got is looked at sooner. */
static usec_t next_look(const struct provider_instruction *instruction, const struct sent *sent)
{
    bool taken =
        !str_empty(instruction->provider_reference) || !str_empty(sent->outcome.provider_reference);
    usec_t delay = FIRST_POLL;
    for (int64_t i = 0; i < instruction->polls && delay < LONGEST_POLL; i++)
        delay *= 2;
    if (delay > LONGEST_POLL)
        delay = LONGEST_POLL;
    if (sent->outcome.status == PROVIDER_RETRY)
        delay = outbox_backoff(instruction->attempts + 1, LONGEST_RESEND);
    else if (!taken)
        delay = outbox_backoff(instruction->attempts + instruction->polls + 1, LONGEST_POLL);
    if (sent->outcome.retry_after > delay)
        delay = sent->outcome.retry_after;
    return clock_now() + delay;
}

int provider_perform_instruction(struct call *c, const struct outbox_row *row, usec_t *ret_due)
{
    struct provider_instruction instruction;
    TRY(instruction_get(c, row->subject_id, &instruction));
    if (has_ended(&instruction))
        return OK;
    const struct instruction_kind *kind = find_kind(instruction.operation);
    if (!kind)
        return ERR_INTERNAL;
    struct sent sent = {.instruction_id = instruction.id};
    int error = exchange(c, &instruction, kind->operation, &sent);
    if (error) {
        /* Not sent: the body lacks something, or the provider is not set up. It stays, and somebody
         * is told. */
        provider_alert(c->app, "an instruction cannot be sent", instruction.provider,
                       instruction.operation, instruction.id, str_from(error_name(error)));
        return error;
    }
    keep_pending(&instruction, &sent);
    raise_alerts(c, &instruction, &sent);
    error = writer_run(c, record_sent, &sent);
    if (error) {
        provider_alert(c->app, "an outcome could not be applied; it will be asked for again",
                       instruction.provider, instruction.operation, instruction.id,
                       str_from(error_name(error)));
        return error;
    }
    if (sent.outcome.status == PROVIDER_SUCCEEDED || sent.outcome.status == PROVIDER_FAILED)
        return OK;
    *ret_due = next_look(&instruction, &sent);
    return OUTBOX_AGAIN;
}
