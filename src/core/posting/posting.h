/*
 * Direct postings: a client with authority moves money between accounts by their numbers. Each
 * instruction is a journal of its own with the primary account on one side and one or more
 * counterparties on the other; it succeeds or is refused by itself, and its key replays what it did
 * the first time, refusals included.
 *
 * Order of checks, as the guides give it: the fields, accounts exist, status and permission allow
 * it, currencies match, then funds.
 */
#ifndef CORE_POSTING_POSTING_H
#define CORE_POSTING_POSTING_H

#include "core/call.h"
#include "core/wallet/wallet.h"
#include "ledger/ledger.h"

struct posting_party {
    struct str account_number;
    struct str currency; /* absent: the instruction's */
    struct decimal amount;
    struct str narration;
};

enum posting_funds {
    POSTING_FUNDS_DEFAULT,   /* available balance and arranged overdraft */
    POSTING_FUNDS_AVAILABLE, /* available balance only */
    POSTING_FUNDS_FORCE,     /* beyond the arranged overdraft: needs cashier authority */
};

struct posting_instruction {
    struct str key;
    struct str account_number; /* primary */
    struct str currency;
    bool debit_primary; /* else the counterparties are debited */
    struct posting_party *parties;
    size_t party_count;
    struct str narration;
    enum posting_funds funds;
    struct str overdraft_source; /* account number that covers a shortfall; absent: none */
};

struct posting_result {
    int error;              /* 0, or the rule that refused it */
    const char *field;      /* of the instruction, when refused */
    struct journal journal; /* when error is 0: as it was posted, also by an earlier call */
};

/*
 * Executes instructions in order; ret_results has `count` places. The call itself is refused only
 * for what the caller may not do at all: ERR_FORBIDDEN when it debits an account that is not its
 * own without being a teller, ERR_LEDGER_OVERDRAFT_FORBIDDEN for a forced overdraft without cashier
 * authority.
 */
int posting_execute(struct call *c, const struct posting_instruction *instructions, size_t count,
                    struct posting_result *ret_results);

/* May the caller see what is on the wallet? Its user, and whoever has cashier authority. */
bool posting_may_see(const struct call *c, const struct wallet *wallet);

#endif
