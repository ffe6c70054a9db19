/* Wallets and their entries in PCX's words: what several of the virtual-account groups answer. */
#ifndef DIALECT_PCX_WALLET_WIRE_H
#define DIALECT_PCX_WALLET_WIRE_H

#include "core/wallet/wallet.h"
#include "dialect/pcx/wire.h"

/* Reads the balances; in the call's arena. */
int pcx_wallet(struct call *c, const struct wallet *wallet, struct pcx_virtual_account **ret_wire);
int pcx_wallets(struct call *c, const struct wallet *wallets, size_t count,
                struct pcx_virtual_account_array *ret_wire);
int pcx_wallet_details(struct call *c, const struct wallet_detail *details, size_t count,
                       struct pcx_admin_virtual_account_array *ret_wire);

struct pcx_virtual_account_transaction *pcx_entry(struct call *c, const struct wallet_entry *entry);
struct pcx_virtual_account_transaction_array
pcx_entries(struct call *c, const struct wallet_entry *entries, size_t count);

/* ---- Pages: what lists are asked for, and what they answer ---- */

/* `name` binds the cursor: the list, and what it is filtered by. */
struct pcx_page_request {
    struct str name;
    struct str cursor;
    bool has_limit;
    int64_t limit;
};
/* The parameters of a list operation's input. */
#define PCX_PAGE(in, list_name)             \
    (&(struct pcx_page_request){            \
        .name = (list_name),                \
        .cursor = (in)->last_evaluated_key, \
        .has_limit = (in)->has_limit,       \
        .limit = (in)->limit,               \
    })

int pcx_wallet_page(struct call *c, const struct wallet_filter *filter,
                    const struct pcx_page_request *request,
                    struct pcx_virtual_account_array *ret_data, struct str *ret_cursor);
int pcx_entry_page(struct call *c, const struct wallet_entry_filter *filter,
                   const struct pcx_page_request *request,
                   struct pcx_virtual_account_transaction_array *ret_data, struct str *ret_cursor);

#endif
