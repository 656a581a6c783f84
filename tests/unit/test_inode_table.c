/* tests/unit/test_inode_table.c - nodes and descriptors of backing files, over a folder of files.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <dirent.h>
#include <unistd.h>

#include "fs/inode/inode.h"

#define FILES	40
#define FDS_MAX 6

struct folder {
	char path[64];
	int fd;
	struct inode_table *t;
};

static const char
	scopes[2]; /* two addresses: the table compares scopes, and never looks into one */
#define SCOPE	    ((const struct scope *)&scopes[0])
#define OTHER_SCOPE ((const struct scope *)&scopes[1])

static const char *name_of(int n)
{
	static char name[16];

	(void)snprintf(name, sizeof(name), "f%d", n);
	return name;
}

static int setup(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(f->path, sizeof(f->path), "/tmp/depfs-inode-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	f->fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->fd >= 0);
	for (int n = 0; n < FILES; n++)
		(void)close(openat(f->fd, name_of(n), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(inode_table_new(f->fd, SCOPE, FDS_MAX, &f->t, NULL), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct folder *f = *state;

	inode_table_free(f->t);
	for (int n = 0; n < FILES; n++)
		(void)unlinkat(f->fd, name_of(n), 0); /* some tests did */
	(void)close(f->fd);			      /* only read from */
	assert_int_equal(rmdir(f->path), 0);
	free(f);
	return 0;
}

static struct inode *ref_in(struct folder *f, const char *name, const struct scope *scope)
{
	int fd = openat(f->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct inode *i = NULL;
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(inode_ref(f->t, fd, &st, inode_root(f->t), name, scope, &i), 0);
	return i;
}

static struct inode *ref(struct folder *f, const char *name)
{
	return ref_in(f, name, SCOPE);
}

static unsigned fds_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	(void)closedir(dir); /* only read from */
	return n;
}

/* The kernel counts its look-ups, and forgets by number: one count too few would free a node in
 * use. */
static void nodes_live_as_long_as_the_kernels_look_ups(void **state)
{
	struct folder *f = *state;
	struct inode *i = ref(f, "f0");

	assert_ptr_equal(ref(f, "f0"), i);
	assert_ptr_equal(ref(f, "f0"), i);
	assert_int_equal(inode_table_count(f->t), 2);
	inode_forget(f->t, i, 2);
	assert_int_equal(inode_table_count(f->t), 2);
	inode_hold(f->t, i);
	inode_forget(f->t, i, 1);
	assert_int_equal(inode_table_count(f->t), 2); /* an open handle holds it */
	inode_unhold(f->t, i);
	assert_int_equal(inode_table_count(f->t), 1);
}

/* A user who looks up a million files must not take a million descriptors; each can be had again.
 */
static void descriptors_are_bounded_and_opened_again(void **state)
{
	struct folder *f = *state;
	unsigned before = fds_open();
	struct inode *nodes[FILES];
	struct stat st;
	int fd;

	for (int n = 0; n < FILES; n++)
		nodes[n] = ref(f, name_of(n));
	assert_in_range(fds_open() - before, 1, FDS_MAX);
	for (int n = 0; n < FILES; n++) {
		assert_int_equal(inode_fd(f->t, nodes[n], &fd), 0);
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_ino, nodes[n]->ino);
		inode_fd_done(f->t, nodes[n]);
	}
	assert_in_range(fds_open() - before, 1, FDS_MAX);
	for (int n = 0; n < FILES; n++)
		inode_forget(f->t, nodes[n], 1);
	assert_int_equal(fds_open(), before);
}

/* A call that uses a descriptor must not find it closed by another thread's look-ups. */
static void a_pinned_descriptor_stays_open(void **state)
{
	struct folder *f = *state;
	struct inode *i = ref(f, "f0");
	struct stat st;
	int fd;

	for (int n = 1; n < FILES; n++)
		(void)ref(f, name_of(n)); /* closed, it could be opened again */
	assert_int_equal(inode_fd(f->t, i, &fd), 0);
	for (int n = 1; n < FILES; n++)
		(void)ref(f, name_of(n));
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_ino, i->ino);
	inode_fd_done(f->t, i);
}

/* After the last name is removed nothing else leads to the file, which programs may still use. */
static void the_descriptor_of_an_unlinked_file_is_kept(void **state)
{
	struct folder *f = *state;
	struct inode *i = ref(f, "f0");
	struct stat st;
	int fd;

	inode_keep_fd(f->t, i);
	assert_int_equal(unlinkat(f->fd, "f0", 0), 0);
	for (int n = 1; n < FILES; n++)
		(void)ref(f, name_of(n));
	assert_int_equal(inode_fd(f->t, i, &fd), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_nlink, 0);
	inode_fd_done(f->t, i);
}

/* A file that a writer to the store put in the place of another must not be taken for it. */
static void a_replaced_file_is_stale(void **state)
{
	struct folder *f = *state;
	struct inode *i = ref(f, "f0");
	int fd;

	for (int n = 1; n < FILES; n++)
		(void)ref(f, name_of(n)); /* its descriptor is closed */
	assert_int_equal(renameat(f->fd, "f1", f->fd, "f0"), 0);
	assert_int_equal(inode_fd(f->t, i, &fd), -ESTALE);
}

/* A header belongs to one scope, so one inode in two of them has a node for each. */
static void a_file_in_two_scopes_has_two_nodes(void **state)
{
	struct folder *f = *state;
	struct inode *one = ref(f, "f0"), *two = ref_in(f, "f0", OTHER_SCOPE);

	assert_ptr_not_equal(one, two);
	assert_ptr_equal(ref(f, "f0"), one);
	assert_ptr_equal(ref_in(f, "f0", OTHER_SCOPE), two);
	assert_ptr_equal(inode_stripe(f->t, one), inode_stripe(f->t, two));
}

/* A revocation finds the files of a policy by their tags; one it misses would stay readable. */
static void tagged_nodes_are_found_and_held(void **state)
{
	struct folder *f = *state;
	struct inode *one = ref(f, "f1"), *two = ref(f, "f2"), **nodes = NULL;
	size_t count = 0;

	(void)ref(f, "f3");
	atomic_store(&one->policy_tag, 77);
	atomic_store(&two->policy_tag, 77);
	assert_int_equal(inode_table_tagged(f->t, 77, &nodes, &count), 0);
	assert_int_equal(count, 2);
	inode_forget(f->t, one, 1);
	inode_forget(f->t, two, 1);
	assert_int_equal(inode_table_count(f->t), 4);
	inode_unhold(f->t, nodes[0]);
	inode_unhold(f->t, nodes[1]);
	assert_int_equal(inode_table_count(f->t), 2);
	free(nodes);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nodes_live_as_long_as_the_kernels_look_ups),
		TEST(descriptors_are_bounded_and_opened_again),
		TEST(a_pinned_descriptor_stays_open),
		TEST(the_descriptor_of_an_unlinked_file_is_kept),
		TEST(a_replaced_file_is_stale),
		TEST(a_file_in_two_scopes_has_two_nodes),
		TEST(tagged_nodes_are_found_and_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
