/*
 * The account numbers one call names, each looked up once: thousands of instructions name few
 * accounts. Private to core/posting.
 */
#ifndef CORE_POSTING_ACCOUNT_BOOK_H
#define CORE_POSTING_ACCOUNT_BOOK_H

#include "core/posting/posting.h"
#include "core/wallet/wallet.h"

struct account_book;

/* With room for every number of the instructions; in the call's arena. */
struct account_book *account_book_new(struct call *c,
                                      const struct posting_instruction *instructions, size_t count);
/* As wallet_find_number. */
int account_book_find(struct account_book *book, struct str number, struct wallet_key *ret_wallet);

#endif
