/* tests/unit/test_inode_inoset.c - a set of inode numbers agrees with the simplest one there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "fs/inode/inoset.h"

#define NUMBERS 20000

/* A file counted twice, or not at all, would be a wrong proof. */
static void inoset_remembers_each_number_of_each_device(void **state)
{
	static uint8_t there[2][NUMBERS];
	struct inoset set = {0};

	(void)state;
	srandom(4);
	for (unsigned i = 0; i < 10 * NUMBERS; i++) {
		dev_t dev = (dev_t)random() % 2;
		ino_t no = (ino_t)random() % NUMBERS, ino = no * (dev ? 97 : 1);
		uint8_t *was = &there[dev][no];

		assert_int_equal(inoset_has(&set, dev, ino), *was);
		if (random() % 3) {
			assert_int_equal(inoset_add(&set, dev, ino), !*was);
			*was = 1;
		} else {
			assert_int_equal(inoset_remove(&set, dev, ino), *was);
			*was = 0;
		}
	}
	inoset_fini(&set);
	assert_false(inoset_has(&set, 0, 1));
	assert_false(inoset_remove(&set, 0, 1));
}

/* Neighbours share an entry: a million files must not cost tens of megabytes. */
static void inoset_is_small_for_neighbours(void **state)
{
	struct inoset set = {0};

	(void)state;
	for (ino_t ino = 1; ino <= 1000000; ino++)
		assert_int_equal(inoset_add(&set, 5, ino), 1);
	assert_in_range(set.n_used, 15625, 15626);
	assert_in_range(set.capacity, set.n_used, 65536);
	inoset_fini(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inoset_remembers_each_number_of_each_device),
		cmocka_unit_test(inoset_is_small_for_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
