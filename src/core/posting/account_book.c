/* A hash table with open addressing that is never more than half full. */
#include "core/posting/account_book.h"

struct known_account {
    struct str number; /* absent: the place is free */
    struct wallet_key wallet;
    int error; /* ERR_NOT_FOUND: there is none of this number */
};

struct account_book {
    struct call *c;
    struct known_account *known;
    size_t mask;
};

struct account_book *account_book_new(struct call *c,
                                      const struct posting_instruction *instructions, size_t count)
{
    struct account_book *book = ARENA_NEW(c->arena, struct account_book);
    size_t names = 0, size = 16;

    for (size_t i = 0; i < count; i++)
        names += instructions[i].party_count + 2; /* the primary account, and a source of funds */
    while (size < 2 * names)
        size *= 2;
    *book = (struct account_book){
        .c = c, .known = ARENA_ARRAY(c->arena, struct known_account, size), .mask = size - 1};
    return book;
}

/* FNV-1a, 64 bit. Numbers that collide on purpose cost one call of their sender time, and nobody
 * else's. */
static size_t hash(struct str text)
{
    uint64_t value = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < text.len; i++)
        value = (value ^ (unsigned char)text.ptr[i]) * UINT64_C(0x100000001b3);
    return (size_t)(value ^ value >> 32);
}

int account_book_find(struct account_book *book, struct str number, struct wallet_key *ret_wallet)
{
    size_t place = hash(number) & book->mask;

    while (str_present(book->known[place].number) && !str_eq(book->known[place].number, number))
        place = (place + 1) & book->mask;
    struct known_account *known = &book->known[place];
    if (!str_present(known->number)) {
        known->error = wallet_find_number(book->c, number, &known->wallet);
        if (known->error && known->error != ERR_NOT_FOUND)
            return known->error;
        known->number = number;
    }
    *ret_wallet = known->wallet;
    return known->error;
}
