/* The postings on a wallet, by numbered pages. Holds are not listed: they move no balance. */
#ifndef CORE_WALLET_WALLET_HISTORY_H
#define CORE_WALLET_WALLET_HISTORY_H

#include "core/wallet/wallet.h"

struct wallet_history_query {
    usec_t from, until;     /* posted from <= instant <= until; 0: no bound */
    id_t64 journal_id;      /* 0: any */
    int64_t page, per_page; /* from 1 */
};
struct wallet_history {
    struct ledger_entry *entries; /* newest first */
    size_t count;
    bool has_total; /* false: there are too many to count them for a page */
    int64_t total;
};
/* ERR_OUT_OF_RANGE for "page" where that is too far from the newest to be reached by counting. */
int wallet_history_read(struct call *c, id_t64 wallet_id, const struct wallet_history_query *query,
                        struct wallet_history *ret_history);

#endif
