/*
 * The auditor: a second ledger, written for nothing but being obviously right. It keeps everything
 * in plain arrays, looks everything up by walking them, and says what the real one must answer. It
 * shares no code with src/ledger, only the words of its interface.
 *
 * It is one flat struct, so a copy is a savepoint.
 */
#ifndef TESTS_SIM_AUDITOR_H
#define TESTS_SIM_AUDITOR_H

#include "ledger/ledger.h"

#define AUDITOR_ACCOUNTS 48
#define AUDITOR_HOLDS 4096
#define AUDITOR_JOURNALS 4096
#define AUDITOR_REFUSALS 512
#define AUDITOR_LEGS 4

struct audited_account {
    id_t64 id, tenant;
    int asset;
    unsigned flags;
    int64_t overdraft, minimum, liens;
    int64_t debits_pending, debits_posted, credits_pending, credits_posted;
};

struct audited_hold {
    id_t64 id, tenant, debit, credit;
    int64_t amount;
    usec_t expires; /* 0: never */
    enum ledger_hold_state state;
};

struct audited_journal {
    id_t64 id, tenant, reverses;
    int key;  /* number of the key; -1: none */
    int body; /* number of what was asked: the same key with another body is a mismatch */
    size_t count;
    struct transfer results[AUDITOR_LEGS];
};

struct audited_refusal {
    id_t64 tenant;
    int key, body, error;
};

struct auditor {
    usec_t now;
    struct audited_account accounts[AUDITOR_ACCOUNTS];
    size_t account_count;
    struct audited_hold holds[AUDITOR_HOLDS];
    size_t hold_count;
    struct audited_journal journals[AUDITOR_JOURNALS];
    size_t journal_count;
    struct audited_refusal refusals[AUDITOR_REFUSALS];
    size_t refusal_count;
};

struct audited_account *auditor_account(struct auditor *auditor, id_t64 id);

/* What ledger_post_journal must return for this journal, and what its transfers must then say:
 * `expected` is a copy of the journal's transfers to be filled in. On 0 without a replay the books
 * have been changed; auditor_note_ids then tells the ids that the ledger chose. */
int auditor_post(struct auditor *auditor, id_t64 tenant, int key, int body,
                 struct transfer *expected, size_t count,
                 const struct audited_journal **ret_replay);
void auditor_note_ids(struct auditor *auditor, const struct journal *journal, int key, int body);
int auditor_reverse(struct auditor *auditor, id_t64 tenant, id_t64 journal_id,
                    struct transfer *expected, size_t *ret_count);
void auditor_refuse(struct auditor *auditor, id_t64 tenant, int key, int body, int error);
/* How many holds ledger_expire must release. */
size_t auditor_expire(struct auditor *auditor);
int auditor_close(struct auditor *auditor, id_t64 tenant, id_t64 account_id);

#endif
