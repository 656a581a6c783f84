/* tests/unit/test_dek.c - a file's data key opens where it belongs and nowhere else. */
#include "tests/unit/crypto_test.h"

#include <pthread.h>

static struct wrap_key *dep_kek(void)
{
	return key_of(0x40, KDF_DEP_DEK_WRAP);
}

/* DEKs are the same when they yield the same keys. */
static void assert_same_dek(const struct dek *a, const struct dek *b)
{
	assert_memory_equal(a->block_key, b->block_key, DEK_LEN);
	assert_memory_equal(a->mac_key, b->mac_key, HEADER_MAC_LEN);
}

static void assert_refused(const struct wrap_key *kek, const struct header *hdr)
{
	struct dek *dek = NULL;

	assert_int_equal(dek_unwrap(kek, hdr, &dek), -EBADMSG);
	assert_null(dek);
}

/* Bytes from vectors/golden.py: which keys a reader in another language must derive. */
static void dek_keys_match_golden(void **state)
{
	struct header hdr = fixed_header();
	struct wrap_key *kek = dep_kek();
	struct dek *dek = fixed_dek(kek, &hdr);
	uint8_t want[32];

	(void)state;
	assert_int_equal(
		hex_decode("240e507e1a7035d9d75b23c91b2753a0453fefa460afab7fc13e5b037851c828", want,
			   32),
		0);
	assert_memory_equal(dek->block_key, want, 32);
	assert_int_equal(
		hex_decode("0f217751f241fa9dd0936269b2d57f598ad57d935a48a6600525f322ece7dde5", want,
			   32),
		0);
	assert_memory_equal(dek->mac_key, want, 32);
	dek_free(dek);
	wrap_key_put(kek);
}

static void dek_unwraps_to_the_same_keys(void **state)
{
	struct header hdr = fixed_header();
	struct wrap_key *kek = dep_kek();
	struct dek *dek = NULL, *back = NULL;

	(void)state;
	assert_int_equal(dek_new(&dek), 0);
	assert_int_equal(dek_wrap(dek, kek, &hdr), 0);
	assert_int_equal(dek_unwrap(kek, &hdr, &back), 0);
	assert_same_dek(dek, back);
	dek_free(dek);
	dek_free(back);
	wrap_key_put(kek);
}

/* A policy change re-wraps the header; the data blocks must stay readable. */
static void dek_rewraps_under_another_policy(void **state)
{
	struct wrap_key *old_kek = dep_kek(), *new_kek = key_of(0x80, KDF_DEP_DEK_WRAP);
	struct header old_hdr = fixed_header(), new_hdr;
	struct dek *dek = fixed_dek(old_kek, &old_hdr), *back = NULL;

	(void)state;
	new_hdr = old_hdr;
	ascending(0xc0, new_hdr.ref.policy_id, UUID_LEN);
	new_hdr.ref.generation = 1;
	assert_int_equal(dek_wrap(dek, new_kek, &new_hdr), 0);
	assert_memory_not_equal(old_hdr.wrapped_dek, new_hdr.wrapped_dek, HEADER_WRAP_LEN);
	assert_int_equal(dek_unwrap(new_kek, &new_hdr, &back), 0);
	assert_same_dek(dek, back);
	assert_refused(old_kek, &new_hdr);
	assert_refused(new_kek, &old_hdr);
	dek_free(dek);
	dek_free(back);
	wrap_key_put(old_kek);
	wrap_key_put(new_kek);
}

static void dek_new_never_repeats(void **state)
{
	struct dek *deks[32];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(deks); i++) {
		assert_int_equal(dek_new(&deks[i]), 0);
		assert_memory_not_equal(deks[i]->block_key, deks[i]->mac_key, DEK_LEN);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(deks[i]->block_key, deks[j]->block_key, DEK_LEN);
	}
	for (size_t i = 0; i < COUNT_OF(deks); i++)
		dek_free(deks[i]);
	dek_free(NULL);
}

static void dek_unwrap_refuses_every_flipped_bit(void **state)
{
	struct header hdr = fixed_header();
	struct wrap_key *kek = dep_kek();

	(void)state;
	dek_free(fixed_dek(kek, &hdr));
	for (size_t i = 0; i < 8 * HEADER_WRAP_LEN; i++) {
		hdr.wrapped_dek[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_refused(kek, &hdr);
		hdr.wrapped_dek[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	wrap_key_put(kek);
}

enum field {
	STORE,
	FILE_,
	SCOPE,
	POLICY,
	GENERATION,
	N_FIELDS
};

/* A header like fixed_header(), another in one of its bound fields. */
static struct header other_header(enum field field)
{
	struct header hdr = fixed_header();
	uint8_t *const ids[] = {hdr.store_id, hdr.file_id, hdr.scope_id, hdr.ref.policy_id};

	if (field == GENERATION)
		hdr.ref.generation++;
	else
		ids[field][15] ^= 1;
	return hdr;
}

/*
 * Same key, two files: their wraps swapped. Write access to the backing folder must not suffice to
 * make a file open as another file, in another mailbox or store, or under an older generation's
 * name.
 */
static void dek_wraps_swapped_between_two_headers_do_not_open(void **state)
{
	struct wrap_key *kek = dep_kek();

	(void)state;
	for (enum field f = STORE; f < N_FIELDS; f++) {
		struct header a = fixed_header(), b = other_header(f), swapped;
		struct dek *dek_a = fixed_dek(kek, &a), *dek_b = NULL, *back = NULL;

		assert_int_equal(dek_new(&dek_b), 0);
		assert_int_equal(dek_wrap(dek_b, kek, &b), 0);
		assert_int_equal(dek_unwrap(kek, &b, &back), 0);
		assert_same_dek(dek_b, back);

		swapped = a;
		memcpy(swapped.wrapped_dek, b.wrapped_dek, HEADER_WRAP_LEN);
		assert_refused(kek, &swapped);
		swapped = b;
		memcpy(swapped.wrapped_dek, a.wrapped_dek, HEADER_WRAP_LEN);
		assert_refused(kek, &swapped);
		dek_free(dek_a);
		dek_free(dek_b);
		dek_free(back);
	}
	wrap_key_put(kek);
}

/* The service key's bytes under the policies' info string, or the reverse, are another key. */
static void dek_unwrap_refuses_another_purpose(void **state)
{
	struct header hdr = fixed_header();
	struct wrap_key *kek = dep_kek(), *other = key_of(0x40, KDF_SERVICE_DEK_WRAP);

	(void)state;
	dek_free(fixed_dek(kek, &hdr));
	assert_refused(other, &hdr);
	wrap_key_put(kek);
	wrap_key_put(other);
}

/* Holes, version and budget change with every write: the wrap must not be bound to them. */
static void dek_unwrap_ignores_mutable_fields(void **state)
{
	struct header hdr = fixed_header();
	struct wrap_key *kek = dep_kek();
	struct dek *dek = fixed_dek(kek, &hdr), *back = NULL;

	(void)state;
	hdr.flags = 0;
	memset(hdr.holes, 0, sizeof(hdr.holes));
	hdr.version_no++;
	hdr.budget += BUDGET_STEP;
	assert_int_equal(dek_unwrap(kek, &hdr, &back), 0);
	assert_same_dek(dek, back);
	dek_free(dek);
	dek_free(back);
	wrap_key_put(kek);
}

/* The record of a renewal must not be good for another file, or for another pair of ids. */
static void dek_old_wrap_fits_its_keys_and_ids_alone(void **state)
{
	uint8_t id[FILE_ID_LEN] = {1}, old_id[FILE_ID_LEN] = {2}, wrap[WRAP_LEN];
	struct dek *dek = NULL, *old = NULL, *back = NULL;

	(void)state;
	assert_int_equal(dek_new(&dek), 0);
	assert_int_equal(dek_new(&old), 0);
	assert_int_equal(dek_wrap_old(dek, id, old, old_id, wrap), 0);
	assert_int_equal(dek_unwrap_old(dek, id, wrap, old_id, &back), 0);
	assert_same_dek(old, back);
	dek_free(back);
	back = NULL;
	assert_int_equal(dek_unwrap_old(old, id, wrap, old_id, &back), -EBADMSG);
	assert_int_equal(dek_unwrap_old(dek, old_id, wrap, id, &back), -EBADMSG);
	for (size_t i = 0; i < WRAP_LEN; i++) {
		wrap[i] ^= 1;
		assert_int_equal(dek_unwrap_old(dek, id, wrap, old_id, &back), -EBADMSG);
		wrap[i] ^= 1;
	}
	assert_null(back);
	dek_free(dek);
	dek_free(old);
}

static void *open_often(void *arg)
{
	struct header hdr = fixed_header();

	for (int i = 0; i < 200; i++) {
		struct dek *dek = NULL, *back = NULL;
		bool ok = dek_new(&dek) == 0 && dek_wrap(dek, arg, &hdr) == 0 &&
			  dek_unwrap(arg, &hdr, &back) == 0 &&
			  memcmp(dek->block_key, back->block_key, DEK_LEN) == 0;

		dek_free(dek);
		dek_free(back);
		if (!ok)
			return arg;
	}
	return NULL;
}

/* Opens of many files share one policy key. */
static void deks_open_in_threads_at_once(void **state)
{
	struct wrap_key *kek = dep_kek();
	pthread_t threads[4];
	void *bad;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, open_often, kek), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++) {
		assert_int_equal(pthread_join(threads[i], &bad), 0);
		assert_null(bad);
	}
	wrap_key_put(kek);
}

/* A process that opens files without end cannot use up the heap that policies' keys need. */
static void deks_leave_space_for_other_keys(void **state)
{
	static struct dek *deks[SECRET_HEAP_LEN / DEK_LEN];
	struct secret *key = NULL;
	size_t n = 0;
	int r;

	(void)state;
	assert_true(secret_init(NULL) >= 0); /* 1: works, where memory may not be locked too */
	while ((r = dek_new(&deks[n])) == 0)
		n++;
	assert_int_equal(r, -ENOMEM);
	assert_true(n > 20000);
	assert_int_equal(secret_new(SECRET_HEAP_KEPT / 4, &key), 0);
	secret_free(key);
	while (n > 0)
		dek_free(deks[--n]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dek_keys_match_golden),
		cmocka_unit_test(dek_unwraps_to_the_same_keys),
		cmocka_unit_test(dek_rewraps_under_another_policy),
		cmocka_unit_test(dek_new_never_repeats),
		cmocka_unit_test(dek_unwrap_refuses_every_flipped_bit),
		cmocka_unit_test(dek_wraps_swapped_between_two_headers_do_not_open),
		cmocka_unit_test(dek_unwrap_refuses_another_purpose),
		cmocka_unit_test(dek_unwrap_ignores_mutable_fields),
		cmocka_unit_test(dek_old_wrap_fits_its_keys_and_ids_alone),
		cmocka_unit_test(deks_open_in_threads_at_once),
		cmocka_unit_test(deks_leave_space_for_other_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
