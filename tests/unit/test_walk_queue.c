/* tests/unit/test_walk_queue.c - what moves while a job walks is walked too, once in a pass. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/walk/walk_internal.h"

#define MANY 70000u /* more than the queue takes */

struct moving {
	struct volume v;
	struct walk *w;
	char path[64];
	int fd;
	struct inode *folder; /* with one look-up */
};

static int setup(void **state)
{
	struct moving *m = calloc(1, sizeof(*m));
	struct stat st;
	int fd;

	assert_non_null(m);
	(void)snprintf(m->path, sizeof(m->path), "/tmp/depfs-walk-XXXXXX");
	assert_non_null(mkdtemp(m->path));
	m->fd = open(m->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(m->fd, "a", 0700), 0);
	assert_int_equal(inode_table_new(m->fd, NULL, 16, &m->v.inodes, NULL), 0);
	assert_int_equal(walk_new(&m->v, NULL, &m->w), 0);
	fd = openat(m->fd, "a", O_PATH | O_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(
		inode_ref(m->v.inodes, fd, &st, inode_root(m->v.inodes), "a", NULL, &m->folder), 0);
	walk_next_pass(m->w);
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	struct moving *m = *state;

	walk_free(m->w);
	inode_table_free(m->v.inodes);
	assert_int_equal(unlinkat(m->fd, "a", AT_REMOVEDIR), 0);
	(void)close(m->fd); /* only read from */
	assert_int_equal(rmdir(m->path), 0);
	free(m);
	return 0;
}

static void moved(struct moving *m)
{
	inode_hold(m->v.inodes, m->folder);
	walk_enqueue_folder(m->w, m->folder);
}

static unsigned dequeue_all(struct moving *m, bool *ret_lost)
{
	unsigned n = 0;
	bool due;

	for (struct inode *i; (i = walk_dequeue(m->w, ret_lost, &due)); n++)
		inode_unhold(m->v.inodes, i);
	return n;
}

/* A folder that moves to and fro must not fill the queue. */
static void a_folder_is_queued_once(void **state)
{
	struct moving *m = *state;
	bool lost;

	for (int n = 0; n < 100; n++)
		moved(m);
	assert_int_equal(dequeue_all(m, &lost), 1);
	assert_false(lost);
	moved(m); /* again, after it was taken out */
	assert_int_equal(dequeue_all(m, &lost), 1);
}

/* Where this pass has been nothing is left to do, wherever the folder goes. The next one walks
 * anew. */
static void a_folder_that_was_walked_needs_nothing_in_its_pass(void **state)
{
	struct moving *m = *state;
	int fd = openat(m->fd, "a", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool lost;

	assert_false(walk_has_passed(m->w, fd));
	walk_mark_passed(m->w, fd);
	assert_true(walk_has_passed(m->w, fd));
	moved(m);
	assert_int_equal(dequeue_all(m, &lost), 0);
	walk_next_pass(m->w);
	assert_false(walk_has_passed(m->w, fd));
	moved(m);
	assert_int_equal(dequeue_all(m, &lost), 1);
	(void)close(fd); /* only read from */
}

/* A folder without a node, or one too many, costs a pass over everything: it is reported, and once.
 */
static void a_folder_that_cannot_be_queued_is_reported_as_lost(void **state)
{
	struct moving *m = *state;
	bool lost;

	walk_enqueue_folder(m->w, NULL);
	moved(m);
	assert_int_equal(dequeue_all(m, &lost), 1);
	assert_true(lost);
	assert_int_equal(dequeue_all(m, &lost), 0);
	assert_false(lost);
}

/* The bound holds against a user who moves folders all day; nodes that do not fit are not held. */
static void the_queue_is_bounded(void **state)
{
	struct moving *m = *state;
	struct inode *nodes = calloc(MANY, sizeof(*nodes));
	unsigned fit = 0;

	assert_non_null(nodes);
	for (unsigned n = 0; n < MANY; n++) {
		nodes[n] = (struct inode){.fd = -1, .holds = 2};
		fit += walk_enqueue(m->w, &nodes[n], n % 2);
	}
	assert_int_equal(fit, 65536);
	for (unsigned n = 0; n < MANY; n++)
		assert_int_equal(nodes[n].holds, n < fit ? 2 : 1);
	m->w->n_queued = 0;
	free(nodes);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_folder_is_queued_once),
		TEST(a_folder_that_was_walked_needs_nothing_in_its_pass),
		TEST(a_folder_that_cannot_be_queued_is_reported_as_lost),
		TEST(the_queue_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
