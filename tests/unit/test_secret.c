/* tests/unit/test_secret.c - key bytes stay on the secure heap, and are gone when they are freed.
 */
#include "tests/unit/crypto_test.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <openssl/crypto.h>

#include "crypto/block.h"
#include "crypto/secret.h"

static int setup_heap(void **state)
{
	struct err err = {0};
	int r = secret_init(&err);

	(void)state;
	if (r < 0)
		(void)fprintf(stderr, "%s\n", err.text);
	return r < 0 ? r : 0; /* 1: not locked, as in a container without the right */
}

/* A crash must not write keys to a file, nor another process of the user read them. */
static void secret_init_forbids_dumps(void **state)
{
	struct rlimit limit;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
	assert_int_equal(limit.rlim_cur, 0);
	assert_int_equal(limit.rlim_max, 0);
	assert_int_equal(prctl(PR_GET_DUMPABLE), 0);
}

static void secrets_lie_on_the_secure_heap(void **state)
{
	struct secret *s = NULL;
	struct dek *dek = NULL;
	struct wrap_key *kek = key_of(1, KDF_DEP_DEK_WRAP);
	void *p = secret_alloc(10);

	(void)state;
	assert_int_equal(secret_new(32, &s), 0);
	assert_int_equal(dek_new(&dek), 0);
	assert_int_equal(CRYPTO_secure_allocated(secret_bytes(s)), 1);
	assert_int_equal(CRYPTO_secure_allocated(s), 1);
	assert_int_equal(CRYPTO_secure_allocated(dek), 1);
	assert_int_equal(CRYPTO_secure_allocated(kek), 1);
	assert_int_equal(CRYPTO_secure_allocated(p), 1);
	secret_free(s);
	dek_free(dek);
	wrap_key_put(kek);
	secret_free_mem(p, 10);
}

static void secret_new_is_zeroed_and_new_from_copies(void **state)
{
	uint8_t in[100];
	struct secret *s = NULL;

	(void)state;
	ascending(1, in, sizeof(in));
	for (int i = 0; i < 3; i++) { /* later rounds get memory that was in use */
		assert_int_equal(secret_new(sizeof(in), &s), 0);
		assert_int_equal(secret_len(s), sizeof(in));
		assert_true(bytes_are_zero(secret_bytes(s), sizeof(in)));
		secret_free(s);
		assert_int_equal(secret_new_from(in, sizeof(in), &s), 0);
		assert_memory_equal(secret_bytes(s), in, sizeof(in));
		secret_free(s);
	}
	assert_int_equal(secret_new_from(in, 0, &s), 0);
	assert_int_equal(secret_len(s), 0);
	secret_free(s);
	secret_free(NULL);
	secret_free_mem(NULL, 0);
}

static void secret_new_random_never_repeats(void **state)
{
	struct secret *a = NULL, *b = NULL;

	(void)state;
	assert_int_equal(secret_new_random(32, &a), 0);
	assert_int_equal(secret_new_random(32, &b), 0);
	assert_memory_not_equal(secret_bytes(a), secret_bytes(b), 32);
	secret_free(a);
	secret_free(b);
}

static void random_bytes_never_repeat(void **state)
{
	uint8_t a[16], b[16];

	(void)state;
	assert_int_equal(random_bytes(a, sizeof(a)), 0);
	assert_int_equal(random_bytes(b, sizeof(b)), 0);
	assert_memory_not_equal(a, b, sizeof(a));
}

static void secret_shrink_wipes_the_rest(void **state)
{
	struct secret *s = NULL;

	(void)state;
	assert_int_equal(secret_new(64, &s), 0);
	memset(secret_bytes(s), 0x5a, 64);
	secret_shrink(s, 64);
	assert_int_equal(secret_len(s), 64);
	secret_shrink(s, 20);
	assert_int_equal(secret_len(s), 20);
	assert_int_equal(secret_bytes(s)[19], 0x5a);
	assert_true(bytes_are_zero(secret_bytes(s) + 20, 44));
	secret_free(s);
}

/* A vault's answer is compared with the key that is known: one wrong bit makes another key. */
static void secrets_equal_sees_every_bit_and_the_length(void **state)
{
	struct secret *a = NULL, *b = NULL;

	(void)state;
	assert_int_equal(secret_new_random(32, &a), 0);
	assert_int_equal(secret_new_from(secret_bytes(a), 32, &b), 0);
	assert_true(secrets_equal(a, b));
	for (unsigned bit = 0; bit < 256; bit++) {
		secret_bytes(b)[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(secrets_equal(a, b));
		secret_bytes(b)[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	secret_shrink(b, 31);
	assert_false(secrets_equal(a, b));
	secret_free(a);
	secret_free(b);
}

/* The heap's own memory stays mapped, so one can look where a secret was. */
static void secret_free_wipes_the_bytes(void **state)
{
	struct secret *s = NULL;
	const uint8_t *at;

	(void)state;
	assert_int_equal(secret_new(256, &s), 0);
	memset(secret_bytes(s), 0x5a, 256);
	secret_shrink(s, 128);
	memset(secret_bytes(s), 0x5a, 128);
	at = secret_bytes(s);
	secret_free(s);
	/* OpenSSL keeps its list pointers in the first bytes of a free piece. */
	assert_true(bytes_are_zero(at + 32, 256 - 32));
}

/* Never malloc: a full heap is an error that the caller hears of. */
static void a_full_secure_heap_is_enomem(void **state)
{
	struct wrap_key *kek = key_of(1, KDF_DEP_DEK_WRAP), *k = NULL;
	struct header hdr = fixed_header();
	struct dek *dek = fixed_dek(kek, &hdr), *none = NULL;
	static struct dek *deks[SECRET_HEAP_LEN / 96];
	uint8_t key[WRAP_KEY_LEN] = {0};
	struct block_ctx *ctx = NULL;
	struct secret *s = NULL;
	size_t n = 0;
	int r;

	(void)state;
	assert_int_equal(secret_new(SIZE_MAX, &s), -ENOMEM);
	assert_int_equal(secret_new(SIZE_MAX - 64, &s), -ENOMEM);
	assert_int_equal(secret_new(SECRET_HEAP_LEN + 1, &s), -ENOMEM);
	while ((r = dek_new(&deks[n])) == 0)
		assert_true(++n < COUNT_OF(deks));
	assert_int_equal(r, -ENOMEM);
	assert_true(n > 10000); /* open files that fit on the heap */
	while (secret_alloc(1))
		; /* the smallest holes too; the process ends after this group */
	assert_int_equal(secret_new(32, &s), -ENOMEM);
	assert_int_equal(secret_new_random(32, &s), -ENOMEM);
	assert_int_equal(dek_unwrap(kek, &hdr, &none), -ENOMEM);
	assert_int_equal(wrap_key_new(key, KDF_DEP_DEK_WRAP, &k), -ENOMEM);
	assert_int_equal(block_ctx_new(&ctx), -ENOMEM);
	assert_null(s);
	assert_null(none);
	assert_null(k);
	assert_null(ctx);

	/* What was open goes on working. */
	assert_int_equal(dek_wrap(dek, kek, &hdr), 0);
	while (n > 0)
		dek_free(deks[--n]);
	assert_int_equal(dek_unwrap(kek, &hdr, &none), 0);
	dek_free(none);
	dek_free(dek);
	wrap_key_put(kek);
}

#if !UNDER_SANITIZER
/* How often @what lies on the usual heap, where OpenSSL's contexts are. */
static unsigned heap_holds(const uint8_t *what, size_t len)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned n = 0;
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long from, to;
		const char *at;

		if (!strstr(line, "[heap]") || sscanf(line, "%lx-%lx", &from, &to) != 2)
			continue;
		for (at = (const char *)from; (at = memmem(at, to - (unsigned long)at, what, len));
		     at++)
			n++;
	}
	(void)fclose(maps);
	return n;
}

/* AES-256's schedule starts with the key itself: found means expanded and not overwritten. */
static void no_key_stays_on_the_usual_heap(void **state)
{
	struct block_meta meta = {BLOCK_CAP, false};
	struct wrap_key *kek = key_of(1, KDF_DEP_DEK_WRAP);
	struct header hdr = fixed_header();
	struct block_ctx *ctx = NULL;
	struct dek *dek = NULL, *back = NULL;
	static uint8_t block[2 * BLOCK_LEN];
	uint8_t bytes[HEADER_LEN];
	struct secret *siv = NULL;

	(void)state;
	ascending(1, bytes, WRAP_KEY_LEN);
	assert_int_equal(secret_new(WRAP_SIV_KEY_LEN, &siv), 0);
	assert_int_equal(kdf_derive(bytes, WRAP_KEY_LEN, KDF_DEP_DEK_WRAP, secret_bytes(siv),
				    WRAP_SIV_KEY_LEN),
			 0);
	assert_int_equal(dek_new(&dek), 0);
	assert_int_equal(dek_wrap(dek, kek, &hdr), 0);
	assert_int_equal(dek_unwrap(kek, &hdr, &back), 0);
	assert_int_equal(header_encode(&hdr, dek, bytes), 0);
	assert_int_equal(heap_holds(dek->block_key, 16), 0);
	assert_int_equal(heap_holds(dek->mac_key, 16), 0);
	assert_int_equal(heap_holds(secret_bytes(siv), 16), 0);
	assert_int_equal(heap_holds(secret_bytes(siv) + 32, 16), 0);
	secret_free(siv);

	assert_int_equal(block_ctx_new(&ctx), 0);
	assert_int_equal(block_ctx_load(ctx, dek, hdr.file_id), 0);
	assert_int_equal(heap_holds(dek->block_key, 16), 0);
	assert_int_equal(block_seal(ctx, 1, meta, block, block + BLOCK_LEN), 0);
	assert_int_equal(heap_holds(dek->block_key, 16), 1); /* the search does find it */
	assert_int_equal(block_open(ctx, 1, block + BLOCK_LEN, block, &meta), 0);
	block_ctx_forget(ctx);
	assert_int_equal(heap_holds(dek->block_key, 16), 0);

	/* Another file's key was loaded in between, and only then forgotten. */
	assert_int_equal(block_ctx_load(ctx, dek, hdr.file_id), 0);
	assert_int_equal(block_seal(ctx, 1, meta, block, block + BLOCK_LEN), 0);
	assert_int_equal(block_ctx_load(ctx, back, hdr.file_id), 0);
	block_ctx_forget(ctx);
	assert_int_equal(heap_holds(dek->block_key, 16), 0);
	block_ctx_free(ctx);
	dek_free(dek);
	dek_free(back);
	wrap_key_put(kek);
}

#endif

static void *alloc_often(void *arg)
{
	for (size_t i = 1; i < 500; i++) {
		struct secret *s = NULL;

		if (secret_new_random(i % 200, &s) < 0)
			return arg;
		secret_free(s);
	}
	return NULL;
}

static void secrets_come_and_go_in_threads(void **state)
{
	pthread_t threads[4];
	void *bad;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, alloc_often, threads), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++) {
		assert_int_equal(pthread_join(threads[i], &bad), 0);
		assert_null(bad);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secret_init_forbids_dumps),
		cmocka_unit_test(secrets_lie_on_the_secure_heap),
		cmocka_unit_test(secret_new_is_zeroed_and_new_from_copies),
		cmocka_unit_test(secret_new_random_never_repeats),
		cmocka_unit_test(random_bytes_never_repeat),
		cmocka_unit_test(secret_shrink_wipes_the_rest),
		cmocka_unit_test(secrets_equal_sees_every_bit_and_the_length),
		cmocka_unit_test(secret_free_wipes_the_bytes),
#if !UNDER_SANITIZER /* their heap is elsewhere */
		cmocka_unit_test(no_key_stays_on_the_usual_heap),
#endif
		cmocka_unit_test(secrets_come_and_go_in_threads),
		cmocka_unit_test(a_full_secure_heap_is_enomem), /* last: it leaves the heap full */
	};

	return cmocka_run_group_tests(tests, setup_heap, NULL);
}
