/* tests/unit/test_sign.c - crypto: Ed25519 signatures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "crypto/base/bytes.h"
#include "crypto/secret.h"
#include "crypto/sign.h"

static void hex(const char *text, uint8_t *out, size_t len)
{
	assert_int_equal(hex_decode(text, out, len), 0);
}

/* RFC 8032 section 7.1, TEST 1, 2 and 3. */
static void sign_make_gives_the_signatures_of_rfc8032(void **state)
{
	static const struct {
		const char *seed, *public_key, *msg, *sig;
	} rows[] = {
		{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
		 "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
		 "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
		 "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
		{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
		 "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
		 "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
		 "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
		{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
		 "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
		 "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
		 "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t seed[SIGN_SEED_LEN], public_key[SIGN_PUBLIC_LEN], msg[2], want[SIGN_LEN];
		uint8_t sig[SIGN_LEN];
		size_t len = strlen(rows[i].msg) / 2;
		struct sign_key *key;

		hex(rows[i].seed, seed, sizeof(seed));
		hex(rows[i].public_key, public_key, sizeof(public_key));
		hex(rows[i].msg, msg, len);
		hex(rows[i].sig, want, sizeof(want));
		assert_int_equal(sign_key_new(seed, &key), 0);
		assert_memory_equal(sign_key_public(key), public_key, SIGN_PUBLIC_LEN);
		assert_int_equal(sign_make(key, msg, len, sig), 0);
		assert_memory_equal(sig, want, SIGN_LEN);
		assert_int_equal(sign_check(public_key, msg, len, sig), 0);
		for (size_t at = 0; at < SIGN_LEN; at++) {
			sig[at] ^= 1;
			assert_int_equal(sign_check(public_key, msg, len, sig), -EBADMSG);
			sig[at] ^= 1;
		}
		public_key[0] ^= 1;
		assert_int_equal(sign_check(public_key, msg, len, sig), -EBADMSG);
		sign_key_free(key);
	}
}

static int group(void **state)
{
	struct err err = {0};

	(void)state;
	return secret_init(&err) < 0 ? -1 : 0;
}

#define MAPPING_MAX ((uintptr_t)1 << 28) /* bytes; the heap of this test is far smaller */
#define MASK	    0x5a		 /* what is looked for must not itself be found */

/* Places in writable memory, outside of the secure heap, that hold 32 bytes which
 * are @masked ^ MASK. */
static unsigned copies_outside(const uint8_t masked[static SIGN_SEED_LEN], int mem)
{
	static uint8_t chunk[1 << 16];
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned found = 0;
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		uintptr_t from, to;
		ssize_t n;

		if (sscanf(line, "%lx-%lx rw", &from, &to) != 2 || !strstr(line, " rw"))
			continue;
		if (to - from > MAPPING_MAX)
			continue; /* a sanitizer's shadow memory: terabytes of zeros */
		for (; from < to; from += (uintptr_t)n - SIGN_SEED_LEN + 1) {
			n = pread(mem, chunk, sizeof(chunk), (off_t)from);
			if (n < SIGN_SEED_LEN)
				break;
			for (ssize_t at = 0; at + SIGN_SEED_LEN <= n; at++) {
				const uint8_t *here = (const uint8_t *)from + at;
				unsigned k = 0;

				while (k < SIGN_SEED_LEN && chunk[at + k] == (masked[k] ^ MASK))
					k++;
				if (k == SIGN_SEED_LEN && !CRYPTO_secure_allocated(here) &&
				    (here < chunk || here >= chunk + sizeof(chunk)))
					found++;
			}
		}
	}
	(void)fclose(maps);
	explicit_bzero(chunk, sizeof(chunk));
	return found;
}

/* The key that signs the audit log lives as long as the mount: it must not reach swap. */
static void sign_key_leaves_the_seed_in_the_secure_heap_alone(void **state)
{
	uint8_t masked[SIGN_SEED_LEN], sig[SIGN_LEN];
	uint8_t *seed = secret_alloc(SIGN_SEED_LEN), *leak;
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	struct sign_key *key;

	(void)state;
	if (mem < 0)
		skip();
	assert_int_equal(random_bytes(masked, sizeof(masked)), 0);
	for (unsigned k = 0; k < SIGN_SEED_LEN; k++)
		seed[k] = masked[k] ^ MASK;
	assert_int_equal(sign_key_new(seed, &key), 0);
	assert_int_equal(sign_make(key, masked, sizeof(masked), sig), 0);
	assert_int_equal(copies_outside(masked, mem), 0);
	leak = malloc(SIGN_SEED_LEN);
	memcpy(leak, seed, SIGN_SEED_LEN);
	assert_int_equal(copies_outside(masked, mem), 1); /* the search finds one */
	explicit_bzero(leak, SIGN_SEED_LEN);
	free(leak);
	sign_key_free(key);
	secret_free_mem(seed, SIGN_SEED_LEN);
	(void)close(mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sign_key_leaves_the_seed_in_the_secure_heap_alone),
		cmocka_unit_test(sign_make_gives_the_signatures_of_rfc8032),
	};

	return cmocka_run_group_tests(tests, group, NULL);
}
