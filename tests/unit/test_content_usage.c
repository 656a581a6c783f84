/* tests/unit/test_content_usage.c - files counted while they change, over files in memory. */
#include "tests/unit/crypto_test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fs/content/file.h"
#include "fs/content/usage.h"

#define GENERATIONS 3

struct counted {
	struct usage *u;
	struct scope *scope;
	struct wrap_key *kek;
};

/* A file of a name, so that its last name can go. */
struct one {
	struct inode inode;
	struct file f;
	char path[64];
};

static void write_header(struct counted *c, struct one *o, uint32_t generation, uint64_t size)
{
	struct header hdr = fixed_header();
	uint8_t bytes[HEADER_LEN];
	struct dek *dek;

	hdr.ref.generation = generation;
	dek = fixed_dek(c->kek, &hdr);
	assert_int_equal(header_encode(&hdr, dek, bytes), 0);
	dek_free(dek);
	assert_int_equal(pwrite(o->f.fd, bytes, sizeof(bytes), 0), HEADER_LEN);
	assert_int_equal(ftruncate(o->f.fd, (off_t)file_disk_len(size)), 0);
}

static struct one *make(struct counted *c, uint32_t generation, uint64_t size)
{
	struct one *o = calloc(1, sizeof(*o));

	assert_non_null(o);
	(void)snprintf(o->path, sizeof(o->path), "/tmp/depfs-usage-XXXXXX");
	o->f.fd = mkstemp(o->path);
	assert_true(o->f.fd >= 0);
	file_lock_init(&o->f.lock);
	o->f.inode = &o->inode;
	atomic_store(&o->inode.scope, c->scope);
	write_header(c, o, generation, size);
	return o;
}

static void drop(struct one *o)
{
	(void)close(o->f.fd);  /* what it held is no matter */
	(void)unlink(o->path); /* some tests did */
	file_lock_fini(&o->f.lock);
	free(o);
}

static int setup(void **state)
{
	struct counted *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	assert_int_equal(usage_new(&c->u), 0);
	c->scope = calloc(1, sizeof(*c->scope) + 1);
	assert_non_null(c->scope);
	c->scope->workload = WORKLOAD_CHAT;
	c->kek = key_of(0x40, KDF_DEP_DEK_WRAP);
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	struct counted *c = *state;

	usage_free(c->u);
	wrap_key_put(c->kek);
	free(c->scope);
	free(c);
	return 0;
}

static int count(struct counted *c, struct one *o)
{
	struct usage_file ignored;

	return usage_count(c->u, o->f.fd, WORKLOAD_CHAT, &ignored);
}

/* Ends the scan: files and bytes of each generation. */
static void assert_sums(struct counted *c, const uint64_t *files, const uint64_t *bytes)
{
	uint64_t got_files[GENERATIONS + 1] = {0}, got_bytes[GENERATIONS + 1] = {0};
	struct scan_result res = {0};

	assert_int_equal(usage_scan_end(c->u, &res), 0);
	for (size_t n = 0; n < res.n_rows; n++) {
		assert_int_equal(res.rows[n].workload, WORKLOAD_CHAT);
		assert_in_range(res.rows[n].ref.generation, 1, GENERATIONS);
		got_files[res.rows[n].ref.generation] += res.rows[n].files;
		got_bytes[res.rows[n].ref.generation] += res.rows[n].bytes;
	}
	for (int g = 1; g <= GENERATIONS; g++) {
		assert_int_equal(got_files[g], files[g - 1]);
		assert_int_equal(got_bytes[g], bytes[g - 1]);
	}
	scan_result_fini(&res);
}

/* Hard links, and a file that moved in front of the walk, are come to more than once. */
static void a_file_counts_once(void **state)
{
	struct counted *c = *state;
	struct one *a = make(c, 1, 100), *b = make(c, 2, 5000);

	assert_int_equal(usage_scan_begin(c->u), 0);
	assert_int_equal(count(c, a), 1);
	assert_int_equal(count(c, a), 0);
	assert_int_equal(count(c, b), 1);
	assert_sums(c, (uint64_t[]){1, 1, 0}, (uint64_t[]){100, 5000, 0});
	drop(a);
	drop(b);
}

/* What changes after the walk was there is in the sums as it is at the end, and not as it was. */
static void a_file_that_changes_is_counted_as_it_ends(void **state)
{
	struct counted *c = *state;
	struct one *still_open = make(c, 1, 100), *closed = make(c, 1, 200);

	assert_int_equal(usage_scan_begin(c->u), 0);
	assert_int_equal(count(c, still_open), 1);
	assert_int_equal(count(c, closed), 1);
	usage_open(c->u, &still_open->f);
	usage_open(c->u, &closed->f);
	write_header(c, still_open, 2, 7000);
	write_header(c, closed, 3, 10);
	usage_close(c->u, &closed->f);
	assert_int_equal(count(c, still_open), 0); /* the walk comes by again */
	assert_sums(c, (uint64_t[]){0, 1, 1}, (uint64_t[]){0, 7000, 10});
	usage_close(c->u, &still_open->f);
	drop(still_open);
	drop(closed);
}

/* Files that programs had open before the scan began are followed too. */
static void a_file_open_before_the_scan_is_counted_at_its_end(void **state)
{
	struct counted *c = *state;
	struct one *o = make(c, 1, 100);

	usage_open(c->u, &o->f);
	usage_open(c->u, &o->f); /* harmless */
	assert_int_equal(usage_scan_begin(c->u), 0);
	assert_int_equal(count(c, o), 0);
	write_header(c, o, 2, 300);
	assert_sums(c, (uint64_t[]){0, 1, 0}, (uint64_t[]){0, 300, 0});
	usage_close(c->u, &o->f);
	drop(o);
}

/* A removed file refers to no policy any more: purging may rest on that. */
static void a_removed_file_leaves_the_sums(void **state)
{
	struct counted *c = *state;
	struct one *counted = make(c, 1, 100), *linked = make(c, 1, 200);
	char link_path[80];

	(void)snprintf(link_path, sizeof(link_path), "%s-link", linked->path);
	assert_int_equal(link(linked->path, link_path), 0);
	assert_int_equal(usage_scan_begin(c->u), 0);
	assert_true(usage_is_on(c->u));
	assert_int_equal(count(c, counted), 1);
	assert_int_equal(count(c, linked), 1);
	assert_int_equal(unlink(counted->path), 0);
	usage_name_removed(c->u, counted->f.fd, WORKLOAD_CHAT);
	assert_int_equal(unlink(link_path), 0);
	usage_name_removed(c->u, linked->f.fd, WORKLOAD_CHAT); /* one name is left */
	assert_sums(c, (uint64_t[]){1, 0, 0}, (uint64_t[]){200, 0, 0});
	assert_false(usage_is_on(c->u));
	drop(counted);
	drop(linked);
}

/* A count that may have missed a file proves nothing, so it fails; the next one is not touched by
 * it. */
static void a_change_that_could_not_be_followed_fails_the_scan(void **state)
{
	struct counted *c = *state;
	struct scan_result res = {0};

	assert_int_equal(usage_scan_begin(c->u), 0);
	usage_fail(c->u, -EMFILE);
	assert_int_equal(usage_scan_end(c->u, &res), -EMFILE);
	assert_int_equal(usage_scan_begin(c->u), 0);
	assert_int_equal(usage_scan_end(c->u, &res), 0);
	scan_result_fini(&res);
}

/* A header that does not decode could name any policy: such files are counted on their own. */
static void an_unreadable_header_is_counted_as_such(void **state)
{
	struct counted *c = *state;
	struct one *o = make(c, 1, 100);
	struct scan_result res = {0};

	assert_int_equal(pwrite(o->f.fd, "X", 1, 0), 1);
	assert_int_equal(usage_scan_begin(c->u), 0);
	assert_int_equal(count(c, o), -EBADMSG);
	usage_count_unreadable(c->u);
	assert_int_equal(usage_scan_end(c->u, &res), 0);
	assert_int_equal(res.unreadable, 2);
	assert_int_equal(res.n_rows, 0);
	scan_result_fini(&res);
	drop(o);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_counts_once),
		TEST(a_file_that_changes_is_counted_as_it_ends),
		TEST(a_file_open_before_the_scan_is_counted_at_its_end),
		TEST(a_removed_file_leaves_the_sums),
		TEST(a_change_that_could_not_be_followed_fails_the_scan),
		TEST(an_unreadable_header_is_counted_as_such),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
