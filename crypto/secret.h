/* crypto/secret.h - key bytes in OpenSSL's secure heap, and the process settings that keep them
 * there. */
#ifndef DEPFS_CRYPTO_SECRET_H
#define DEPFS_CRYPTO_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"

#define SECRET_HEAP_LEN (4u << 20) /* bytes; below the usual RLIMIT_MEMLOCK of 8 MiB */
/* Bytes of the heap that only policies' keys may use, since any user can open many files. */
#define SECRET_HEAP_KEPT (512u << 10)

/* Length and bytes in one allocation on the secure heap; wiped when freed. */
struct secret;

/**
 * secret_init() - set up the secure heap and forbid core dumps; once, before the first thread
 *
 * RLIMIT_CORE 0, PR_SET_DUMPABLE 0 and CRYPTO_secure_malloc_init(SECRET_HEAP_LEN).
 * Return: 0; 1 when it works but the heap could not be locked in memory (the caller warns the
 * administrator); -ENOMEM, -EPERM with a sentence.
 */
int secret_init(struct err *err) MUST_CHECK;

/* secret_alloc() - zeroed bytes on the secure heap, for a struct with keys; NULL when full. */
void *secret_alloc(size_t len);
/* secret_alloc_for_file() - secret_alloc(); NULL also where less than SECRET_HEAP_KEPT would be
 * left, so that policies' keys find space however many files are open. */
void *secret_alloc_for_file(size_t len);
void secret_free_mem(void *p, size_t len); /* wipes; NULL is allowed */

int secret_new(size_t len, struct secret **ret_secret) MUST_CHECK; /* zeroed; -ENOMEM */
int secret_new_from(const void *in, size_t len, struct secret **ret_secret) MUST_CHECK;
/* secret_new_random() - RAND_priv_bytes(); -ENOMEM, -EIO. */
int secret_new_random(size_t len, struct secret **ret_secret) MUST_CHECK;
void secret_free(struct secret *s);
DEFINE_CLEANUP(struct secret *, secret_free)

uint8_t *secret_bytes(struct secret *s); /* borrowed */
size_t secret_len(const struct secret *s);
/* secret_shrink() - keep the first @len bytes, which must not exceed the length; wipe the rest. */
void secret_shrink(struct secret *s, size_t len);
/* secrets_equal() - same length and bytes; its time does not depend on which bytes differ. */
bool secrets_equal(const struct secret *a, const struct secret *b);

/* random_bytes() - public randomness (ids, nonces), RAND_bytes; -EIO when OpenSSL has none. */
int random_bytes(void *ret_out, size_t len) MUST_CHECK;

#endif
