/* crypto/seeded_hash.h - the hash of tables in memory: FNV-1a from a random start; never stored. */
#ifndef DEPFS_CRYPTO_SEEDED_HASH_H
#define DEPFS_CRYPTO_SEEDED_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/secret.h"

/* hash_seed() - a random start, so that names which collide cannot be chosen. */
static inline int hash_seed(uint64_t *ret_seed)
{
	return random_bytes(ret_seed, sizeof(*ret_seed));
}

static inline uint64_t hash_bytes(uint64_t hash, const void *in, size_t len)
{
	const unsigned char *at = in;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
	return hash ^ (hash >> 29); /* the low bits choose the bucket: mix the high ones in */
}

#endif
