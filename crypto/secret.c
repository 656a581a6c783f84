/* crypto/secret.c - OpenSSL's secure heap set up, used and wiped; core dumps forbidden;
 * randomness. */
#include "crypto/secret.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>

#define SECRET_HEAP_MIN_LEN 32 /* bytes of the smallest piece: one key */

struct secret {
	size_t len;
	size_t alloc_len; /* of bytes[] as allocated; secret_shrink() keeps it */
	uint8_t bytes[];
};

static int forbid_dumps(struct err *err)
{
	const struct rlimit none = {0};

	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return err_set(err, -errno, "core dumps cannot be forbidden: setrlimit: %m");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_set(err, -errno, "core dumps cannot be forbidden: prctl: %m");
	return 0;
}

int secret_init(struct err *err)
{
	int r = forbid_dumps(err);

	if (r < 0)
		return r;
	switch (CRYPTO_secure_malloc_init(SECRET_HEAP_LEN, SECRET_HEAP_MIN_LEN)) {
	case 1:
		return 0;
	case 2: /* it works, but mlock() or a guard page was refused */
		return 1;
	default:
		ERR_clear_error();
		return err_set(err, -ENOMEM, "the secure heap of %u KiB cannot be set up",
			       SECRET_HEAP_LEN >> 10);
	}
}

void *secret_alloc(size_t len)
{
	void *p = OPENSSL_secure_zalloc(len);

	if (!p)
		ERR_clear_error();
	return p;
}

void *secret_alloc_for_file(size_t len)
{
	if (CRYPTO_secure_malloc_initialized() &&
	    CRYPTO_secure_used() + len > SECRET_HEAP_LEN - SECRET_HEAP_KEPT)
		return NULL;
	return secret_alloc(len);
}

void secret_free_mem(void *p, size_t len)
{
	OPENSSL_secure_clear_free(p, len);
}

int secret_new(size_t len, struct secret **ret_secret)
{
	struct secret *s;
	size_t total;

	if (__builtin_add_overflow(sizeof(*s), len, &total))
		return -ENOMEM;
	s = secret_alloc(total);
	if (!s)
		return -ENOMEM;
	s->len = len;
	s->alloc_len = len;
	*ret_secret = s;
	return 0;
}

int secret_new_from(const void *in, size_t len, struct secret **ret_secret)
{
	int r = secret_new(len, ret_secret);

	if (r == 0 && len > 0)
		memcpy((*ret_secret)->bytes, in, len);
	return r;
}

int secret_new_random(size_t len, struct secret **ret_secret)
{
	CLEANUP(secret_free_p) struct secret *s = NULL;
	int r;

	if (len > INT_MAX)
		return -ENOMEM;
	r = secret_new(len, &s);
	if (r < 0)
		return r;
	if (RAND_priv_bytes(s->bytes, (int)len) != 1) {
		ERR_clear_error();
		return -EIO;
	}
	*ret_secret = STEAL(s);
	return 0;
}

void secret_free(struct secret *s)
{
	if (s)
		secret_free_mem(s, sizeof(*s) + s->alloc_len);
}

uint8_t *secret_bytes(struct secret *s)
{
	return s->bytes;
}

size_t secret_len(const struct secret *s)
{
	return s->len;
}

void secret_shrink(struct secret *s, size_t len)
{
	assert(len <= s->len);
	if (len >= s->len)
		return;
	OPENSSL_cleanse(s->bytes + len, s->len - len);
	s->len = len;
}

bool secrets_equal(const struct secret *a, const struct secret *b)
{
	return a->len == b->len && CRYPTO_memcmp(a->bytes, b->bytes, a->len) == 0;
}

int random_bytes(void *ret_out, size_t len)
{
	if (len > INT_MAX || RAND_bytes(ret_out, (int)len) != 1) {
		ERR_clear_error();
		return -EIO;
	}
	return 0;
}
