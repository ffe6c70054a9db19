/*
 * The hash chain over a tenant's journals. The canonical bytes (version 1) are, integers as 64-bit
 * little endian: the previous hash; "CJ1" and the number of strings that follow the transfers;
 * tenant, journal id, number of transfers, posted_at; per transfer kind | flags << 8 | reason <<
 * 32, debit account, credit account, amount, pending id, debit_prev, credit_prev, debit balance,
 * credit balance, expires_at; and if anything is said about the journal: actor, effective_at,
 * reverses, then key, body hash, description, reference, interaction id and metadata, each as its
 * length (-1: absent) and its bytes.
 */
#include "ledger/internal.h"

#include <openssl/evp.h>
#include <pthread.h>

#define STRINGS 6
#define PER_TRANSFER 10
#define TRANSFERS_AT_ONCE 16

/* Fetched once: looking the algorithm up for each journal costs more than hashing it. */
static EVP_MD *sha256_algorithm;

static void fetch_sha256(void)
{
    sha256_algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    assert(sha256_algorithm);
}

static const EVP_MD *sha256(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fetch_sha256);
    return sha256_algorithm;
}

void chain_hasher_init(struct chain_hasher *hasher)
{
    hasher->context = EVP_MD_CTX_new();
    assert(hasher->context);
}

void chain_hasher_clear(struct chain_hasher *hasher)
{
    EVP_MD_CTX_free(hasher->context);
    *hasher = (struct chain_hasher){0};
}

static uint8_t *put(uint8_t *at, int64_t value)
{
    uint64_t bits = (uint64_t)value;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bits = __builtin_bswap64(bits);
#endif
    memcpy(at, &bits, sizeof(bits));
    return at + sizeof(bits);
}

static uint8_t *put_transfer(uint8_t *at, const struct ledger_transfer_ *row, usec_t expires_at)
{
    at = put(at, row->kind | row->flags << 8 | row->reason << 32);
    at = put(at, row->debit_account);
    at = put(at, row->credit_account);
    at = put(at, row->amount);
    at = put(at, row->pending_id);
    at = put(at, row->debit_prev);
    at = put(at, row->credit_prev);
    at = put(at, row->debit_balance);
    at = put(at, row->credit_balance);
    return put(at, expires_at);
}

static void update(EVP_MD_CTX *context, const void *bytes, size_t len)
{
    int good = EVP_DigestUpdate(context, bytes, len);
    assert(good);
}

static void update_str(EVP_MD_CTX *context, struct str s)
{
    uint8_t length[sizeof(int64_t)];
    put(length, str_present(s) ? (int64_t)s.len : -1);
    update(context, length, sizeof(length));
    update(context, s.ptr ? s.ptr : "", s.len);
}

static void update_said(EVP_MD_CTX *context, const struct ledger_journal_ *said)
{
    uint8_t bytes[3 * sizeof(int64_t)];
    put(put(put(bytes, said->actor_id), said->effective_at), said->reverses);
    update(context, bytes, sizeof(bytes));
    const struct str strings[STRINGS] = {said->key,       said->body_hash,      said->description,
                                         said->reference, said->interaction_id, said->metadata};
    for (size_t i = 0; i < STRINGS; i++)
        update_str(context, strings[i]);
}

void chain_hash(struct chain_hasher *hasher, const uint8_t previous[LEDGER_HASH_SIZE],
                const struct ledger_transfer_ *transfers, const usec_t *expires_at, size_t count,
                const struct ledger_journal_ *said, uint8_t ret_hash[LEDGER_HASH_SIZE])
{
    uint8_t bytes[LEDGER_HASH_SIZE + 4 + 4 * sizeof(int64_t) +
                  TRANSFERS_AT_ONCE * PER_TRANSFER * sizeof(int64_t)];
    uint8_t *at = bytes;
    memcpy(at, previous, LEDGER_HASH_SIZE);
    at += LEDGER_HASH_SIZE;
    memcpy(at, "CJ1", 3);
    at[3] = said ? STRINGS : 0;
    at = put(put(put(at + 4, transfers->tenant_id), transfers->id), (int64_t)count);
    at = put(at, transfers->posted_at);

    int good = EVP_DigestInit_ex2(hasher->context, sha256(), NULL);
    assert(good);
    for (size_t i = 0; i < count; i++) {
        at = put_transfer(at, &transfers[i], expires_at[i]);
        if ((i + 1) % TRANSFERS_AT_ONCE == 0) {
            update(hasher->context, bytes, (size_t)(at - bytes));
            at = bytes;
        }
    }
    update(hasher->context, bytes, (size_t)(at - bytes));
    if (said)
        update_said(hasher->context, said);
    good = EVP_DigestFinal_ex(hasher->context, ret_hash, NULL);
    assert(good);
}

/* ---- What a key stands for ---- */

void ledger_journal_hash(const struct journal *journal, uint8_t ret_hash[LEDGER_HASH_SIZE])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int good = context && EVP_DigestInit_ex2(context, sha256(), NULL);
    assert(good);
    for (size_t i = 0; i < journal->transfer_count; i++) {
        const struct transfer *transfer = &journal->transfers[i];
        uint8_t bytes[7 * sizeof(int64_t)], *at = bytes;
        at = put(at, (int64_t)transfer->kind | (int64_t)transfer->flags << 8);
        at = put(at, transfer->debit_account);
        at = put(at, transfer->credit_account);
        at = put(at, transfer->amount);
        at = put(at, transfer->pending_id);
        at = put(at, transfer->timeout);
        put(at, transfer->reason);
        update(context, bytes, sizeof(bytes));
    }
    uint8_t bytes[3 * sizeof(int64_t)];
    put(put(put(bytes, (int64_t)journal->transfer_count), journal->effective_at),
        journal->reverses);
    update(context, bytes, sizeof(bytes));
    update_str(context, journal->description);
    update_str(context, journal->reference);
    update_str(context, journal->metadata);
    good = EVP_DigestFinal_ex(context, ret_hash, NULL);
    assert(good);
    EVP_MD_CTX_free(context);
}

void ledger_body_hash(const struct journal *journal, uint8_t ret_hash[LEDGER_HASH_SIZE])
{
    if (str_present(journal->body_hash)) {
        assert(journal->body_hash.len == LEDGER_HASH_SIZE);
        memcpy(ret_hash, journal->body_hash.ptr, LEDGER_HASH_SIZE);
    } else {
        ledger_journal_hash(journal, ret_hash);
    }
}

id_t64 ledger_key_hash(struct chain_hasher *hasher, id_t64 tenant_id, struct str key)
{
    uint8_t hash[LEDGER_HASH_SIZE], tenant[sizeof(int64_t)];
    uint64_t bits;
    int good = EVP_DigestInit_ex2(hasher->context, sha256(), NULL);
    assert(good);
    put(tenant, tenant_id);
    update(hasher->context, tenant, sizeof(tenant));
    update(hasher->context, key.ptr, key.len);
    good = EVP_DigestFinal_ex(hasher->context, hash, NULL);
    assert(good);
    memcpy(&bits, hash, sizeof(bits));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bits = __builtin_bswap64(bits);
#endif
    bits >>= 1;
    return bits ? (id_t64)bits : 1;
}
