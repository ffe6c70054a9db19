/*
 * Journals as operators look for them and undo them. Posting is the business of the capabilities;
 * here is what concerns any journal, whoever posted it.
 */
#ifndef CORE_JOURNALS_JOURNALS_H
#define CORE_JOURNALS_JOURNALS_H

#include "core/call.h"
#include "ledger/ledger.h"

/* A journal, and what each of its transfers moved between which kinds of account. */
struct journal_view {
    struct journal journal;
    struct journal_leg {
        const struct asset *asset;
        int debit_code, credit_code; /* enum ledger_account_code */
    } * legs;
};

/* What is absent, 0 or NULL does not filter; the rest narrow each other. reason, amount and asset
 * hold for one transfer together. An amount needs its asset. */
struct journal_filter {
    struct str key, reference, interaction_id;
    int reason;
    const struct asset *asset;
    money_t amount;
    usec_t from, to; /* posted from <= instant < to */
};
/* Newest first, up to page->limit. *ret_next: where the next page starts (page->before), 0 when
 * there is none; with filters that match little, a page may be short before the end. */
int journal_search(struct call *c, const struct journal_filter *filter, const struct page *page,
                   struct journal_view **ret_views, size_t *ret_count, id_t64 *ret_next);
/* ERR_LEDGER_JOURNAL_NOT_FOUND for `field`. */
int journal_get(struct call *c, id_t64 journal_id, const char *field,
                struct journal_view *ret_view);

/*
 * Posts the opposite of a journal, and entries on the wallets it touches. ERR_WRONG_STATE for
 * `field` when the journal holds money for something that is under way (posting or voiding the hold
 * is that thing's business), or what ledger_reverse refuses with.
 */
int journal_reverse(struct call *c, id_t64 journal_id, struct str reason, const char *field,
                    struct journal_view *ret_view);

/* "customer", "settlement", "fee income"...: what an account is for. */
const char *ledger_code_name(int code);

#endif
