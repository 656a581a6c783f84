/* tests/unit/test_store_in_use.c - fs/store: the record "in-use", by which recovery chooses files.
 */
#include "tests/unit/store_fixture.h"

#include "fs/store/store_internal.h"

static int64_t in_use(struct store *s)
{
	int64_t since = -1;

	assert_int_equal(in_use_get(s, &since, NULL), 0);
	return since;
}

/* A stop is clean or not, of several unclean ones the first counts, until recovery is done. */
static void store_unclean_since_keeps_the_first_crash(void **state)
{
	struct fix *f = *state;
	struct store *s = fix_open(f, STORE_SERVE);
	int64_t first;

	assert_true(store_unclean_since(s) == 0);
	store_close(s, false);
	s = fix_open(f, STORE_SERVE);
	first = store_unclean_since(s);
	assert_true(first > 0 && first <= time(NULL));
	store_close(s, false);
	sleep(1); /* so that a later time would be another number */
	s = fix_open(f, STORE_SERVE);
	assert_true(store_unclean_since(s) == first);
	assert_int_equal(store_recovered(s, NULL), 0);
	store_close(s, false);
	s = fix_open(f, STORE_SERVE);
	assert_true(store_unclean_since(s) > first);
	store_close(s, true);
	s = fix_open(f, STORE_SERVE);
	assert_true(store_unclean_since(s) == 0);
	store_close(s, true);
}

/* Tools report it too, and change nothing. */
static void store_unclean_since_is_seen_by_readers(void **state)
{
	struct store *s = fix_open(*state, STORE_SERVE);
	int64_t since = in_use(s);

	store_close(s, false);
	for (unsigned i = 0; i < 2; i++) {
		s = fix_open(*state, STORE_READ_ONLY);
		assert_true(store_unclean_since(s) == since);
		store_close(s, true);
	}
}

/* Clocks that agree, up to rounding, or a wall clock that is set forward: nothing is written. */
static void in_use_stays_while_the_clock_is_not_set_back(void **state)
{
	static const struct clocks nows[] = {
		{1000, 500}, {1005, 505}, {1004, 505}, {1010, 511}, {1100, 505},
	};
	struct store *s = fix_open(*state, STORE_SERVE);
	int64_t before = in_use(s);

	for (size_t i = 0; i < sizeof(nows) / sizeof(nows[0]); i++) {
		struct clocks last = {1000, 500};

		in_use_compare(s, &last, nows[i]);
		assert_true(in_use(s) == before);
		assert_true(last.wall_s == nows[i].wall_s && last.mono_s == nows[i].mono_s);
	}
	store_close(s, true);
}

/* Files written after the wall clock was set back have older times than the open: the record goes
 * back with it, also where recovery sets it anew. */
static void in_use_follows_a_clock_that_is_set_back(void **state)
{
	struct store *s = fix_open(*state, STORE_SERVE);
	int64_t opened = in_use(s);
	struct clocks last = {opened, 500}, now = {opened - 3600, 505};

	in_use_compare(s, &last, now);
	assert_true(in_use(s) == opened - 3600 - 5 - 1);
	assert_true(last.wall_s == now.wall_s);
	in_use_compare(s, &last, (struct clocks){now.wall_s + 5, 510});
	assert_true(in_use(s) == opened - 3606);
	assert_int_equal(store_recovered(s, NULL), 0);
	assert_true(in_use(s) == opened - 3606);
	store_close(s, false);
	s = fix_open(*state, STORE_SERVE);
	assert_true(store_unclean_since(s) == opened - 3606);
	store_close(s, true);
}

/* A clock set to the epoch must not yield 0, which says that there is nothing to recover. */
static void in_use_is_never_zero(void **state)
{
	struct store *s = fix_open(*state, STORE_SERVE);
	struct clocks last = {in_use(s), 500};

	in_use_compare(s, &last, (struct clocks){0, 505});
	assert_true(in_use(s) == 1);
	store_close(s, true);
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, fix_setup, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE(store_unclean_since_keeps_the_first_crash),
		STORE(store_unclean_since_is_seen_by_readers),
		STORE(in_use_stays_while_the_clock_is_not_set_back),
		STORE(in_use_follows_a_clock_that_is_set_back),
		STORE(in_use_is_never_zero),
	};

	return cmocka_run_group_tests(tests, fix_group, NULL);
}
