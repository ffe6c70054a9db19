/* Wallets and their entries in PCX's words: what several of the virtual-account groups answer. */
#ifndef DIALECT_PCX_WALLET_WIRE_H
#define DIALECT_PCX_WALLET_WIRE_H

#include "core/wallet/wallet.h"
#include "generated/pcx.h"

/* Reads the balances; in the call's arena. */
int pcx_wallet(struct call *c, const struct wallet *wallet, struct pcx_virtual_account **ret_wire);
int pcx_wallets(struct call *c, const struct wallet *wallets, size_t count,
                struct pcx_virtual_account_array *ret_wire);
int pcx_wallet_details(struct call *c, const struct wallet_detail *details, size_t count,
                       struct pcx_admin_virtual_account_array *ret_wire);

struct pcx_virtual_account_transaction *pcx_entry(struct call *c, const struct wallet_entry *entry);
struct pcx_virtual_account_transaction_array
pcx_entries(struct call *c, const struct wallet_entry *entries, size_t count);

/* An optional id of a filter: 0 when it was not sent. Refused with ERR_NOT_FOUND for `field`. */
int pcx_optional_id(struct call *c, enum id_kind kind, struct str text, const char *field,
                    id_t64 *ret_id);
/* Calendar dates, both inclusive, to [from, until); 0 when not sent. */
int pcx_date_range(struct call *c, struct str start_date, struct str end_date, usec_t *ret_from,
                   usec_t *ret_until);

/* Cuts a list that was read with one row more than the page to the page; the cursor is absent at
 * the end. */
struct str pcx_page_end(struct call *c, struct str list, const struct page *page, size_t *count,
                        id_t64 (*id_at)(const void *rows, size_t index), const void *rows);
id_t64 pcx_wallet_id_at(const void *rows, size_t index);
id_t64 pcx_wallet_detail_id_at(const void *rows, size_t index);
id_t64 pcx_entry_id_at(const void *rows, size_t index);
/* count, and the cursor at the top level and in meta. */
struct pcx_page_meta *pcx_page_meta(struct call *c, size_t count, struct str cursor);

/* Rows one page of a list has by default. */
#define PCX_PAGE_LIMIT 20

/* The list envelopes all have these members. */
#define PCX_FINISH_LIST(c, out, rows_count, cursor)               \
    do {                                                          \
        (out)->has_count = true;                                  \
        (out)->count = (int64_t)(rows_count);                     \
        (out)->last_evaluated_key = (cursor);                     \
        (out)->meta = pcx_page_meta((c), (rows_count), (cursor)); \
    } while (0)

#endif
