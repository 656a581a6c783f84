/* tests/unit/test_hash.c - the hash table of all rooms: what is in it is found, come what may. */
#include "tests/unit/crypto_test.h"

#include <sys/resource.h>

#include "crypto/base/hash.h"

#define MANY 200000

struct number {
	uint32_t n;
	bool in, seen;
	struct hash_entry entry; /* not first: HASH_OWNER() has something to do */
};

static struct number numbers[MANY];

static uint64_t hash_of(const struct hash_table *t, uint32_t n)
{
	return hash_bytes(t->seed, &n, sizeof(n));
}

static void insert(struct hash_table *t, uint32_t n)
{
	numbers[n] = (struct number){.n = n, .in = true};
	hash_insert(t, &numbers[n].entry, hash_of(t, n));
}

static bool finds(const struct hash_table *t, uint32_t n)
{
	for (struct hash_entry *e = hash_first(t, hash_of(t, n)); e; e = hash_next(e))
		if (HASH_OWNER(e, struct number, entry)->n == n)
			return true;
	return false;
}

/* hash_after() comes by each entry that is in, once. */
static void assert_walk_is_complete(const struct hash_table *t, size_t n)
{
	size_t seen = 0;

	for (struct hash_entry *e = hash_after(t, NULL); e; e = hash_after(t, e), seen++) {
		struct number *number = HASH_OWNER(e, struct number, entry);

		assert_true(number->in);
		assert_false(number->seen);
		number->seen = true;
	}
	assert_int_equal(seen, n);
	assert_int_equal(t->n, n);
}

static void hash_finds_what_is_in_and_nothing_else(void **state)
{
	struct hash_table t;

	(void)state;
	assert_int_equal(hash_table_init(&t), 0);
	assert_null(hash_after(&t, NULL));
	for (uint32_t n = 0; n < MANY; n++)
		insert(&t, n);
	assert_true(t.n_buckets >= MANY);
	for (uint32_t n = 0; n < MANY; n += 2) {
		hash_remove(&t, &numbers[n].entry);
		hash_remove(&t, &numbers[n].entry); /* twice is once */
		numbers[n].in = false;
	}
	for (uint32_t n = 0; n < MANY; n++)
		assert_int_equal(finds(&t, n), n % 2);
	assert_walk_is_complete(&t, MANY / 2);
	hash_table_fini(&t);
	assert_null(hash_after(&t, NULL));
	hash_table_fini(&t);
}

/* Distinct keys may share a hash: hash_next() goes on among them, and past others of the bucket. */
static void hash_keeps_apart_what_collides(void **state)
{
	struct hash_table t;
	size_t found = 0;

	(void)state;
	assert_int_equal(hash_table_init(&t), 0);
	for (uint32_t n = 0; n < 100; n++) {
		numbers[n] = (struct number){.n = n, .in = true};
		hash_insert(&t, &numbers[n].entry, n % 2 ? 7 : 7 + (UINT64_C(1) << 32));
	}
	for (struct hash_entry *e = hash_first(&t, 7); e; e = hash_next(e), found++)
		assert_int_equal(HASH_OWNER(e, struct number, entry)->n % 2, 1);
	assert_int_equal(found, 50);
	assert_walk_is_complete(&t, 100);
	hash_table_fini(&t);
}

/* An insertion follows what is durable already, so it must not fail. */
static void hash_insert_does_without_memory(void **state)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	(void)state;
	skip(); /* their own allocators do not return NULL */
#else
	struct rlimit before, none;
	struct hash_table t;

	(void)state;
	assert_int_equal(hash_table_init(&t), 0);
	assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
	none = (struct rlimit){0, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_AS, &none), 0);
	for (uint32_t n = 0; n < MANY; n++)
		insert(&t, n);
	assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
	assert_true(t.n_buckets < MANY); /* it did want to grow */
	for (uint32_t n = 0; n < MANY; n++)
		assert_true(finds(&t, n));
	assert_walk_is_complete(&t, MANY);
	hash_table_fini(&t);
#endif
}

/* Else one who knows one table's order knows every table's. */
static void hash_seed_differs_by_table(void **state)
{
	struct hash_table a, b;

	(void)state;
	assert_int_equal(hash_table_init(&a), 0);
	assert_int_equal(hash_table_init(&b), 0);
	assert_true(a.seed != b.seed);
	assert_true(hash_of(&a, 1) != hash_of(&b, 1));
	hash_table_fini(&a);
	hash_table_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_finds_what_is_in_and_nothing_else),
		cmocka_unit_test(hash_keeps_apart_what_collides),
		cmocka_unit_test(hash_insert_does_without_memory),
		cmocka_unit_test(hash_seed_differs_by_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
