/* tests/unit/test_scan.c - what a scan counted, its record, and which policies it lets go. */
#include "tests/unit/engine_fixture.h"

#include "fs/jobs/job.h"
#include "fs/policy/scan.h"

/* Composed by hand from scan.h's table, not by the code under test. */
static const uint8_t golden[] = {
	'D', 'E', 'P', 'C', 1, 0, 0, 0,				       /* magic, version, flags */
	7,   0,	  0,   0,   0, 0, 0, 0, 1, 0,  0,  0,  0,  0,  0,  0,  /* job, started */
	2,   0,	  0,   0,   0, 0, 0, 0, 3, 0,  0,  0,  0,  0,  0,  0,  /* ended, mailboxes */
	4,   0,	  0,   0,   0, 0, 0, 0, 1, 0,  0,  0,		       /* unreadable, rows */
	2,   0,	  0,   0,   5, 0, 0, 0,				       /* chat, generation 5 */
	1,   2,	  3,   4,   5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, /* policy */
	9,   0,	  0,   0,   0, 0, 0, 0, 0, 1,  0,  0,  0,  0,  0,  0,  /* files, bytes */
};

/* What one version wrote, every later one reads. */
static void scan_record_is_as_its_table_says(void **state)
{
	struct scan_result res = {0};
	CLEANUP(free_mem_p) uint8_t *again = NULL;
	size_t len;

	(void)state;
	assert_int_equal(scan_decode(golden, sizeof(golden), &res), 0);
	assert_true(res.job == 7 && res.started == 1 && res.ended == 2 && res.mailboxes == 3);
	assert_true(res.unreadable == 4 && res.n_rows == 1);
	assert_int_equal(res.rows[0].workload, WORKLOAD_CHAT);
	assert_true(res.rows[0].ref.generation == 5 && res.rows[0].ref.policy_id[15] == 16);
	assert_true(res.rows[0].files == 9 && res.rows[0].bytes == 256);
	assert_int_equal(scan_encode(&res, &again, &len), 0);
	assert_int_equal(len, sizeof(golden));
	assert_memory_equal(again, golden, len);
	scan_result_fini(&res);
}

/* It comes from the disk, so whatever is wrong with it is reported. */
static void scan_decode_refuses_what_is_no_record(void **state)
{
	uint8_t bad[sizeof(golden) + 1] = {0};
	struct scan_result res = {0};

	(void)state;
	memcpy(bad, golden, sizeof(golden));
	for (size_t len = 0; len <= sizeof(bad); len++)
		if (len != sizeof(golden))
			assert_int_equal(scan_decode(bad, len, &res), -EBADMSG);
	bad[4] = 2;
	assert_int_equal(scan_decode(bad, sizeof(golden), &res), -ENOTSUP);
	bad[4] = 1;
	bad[52] = WORKLOAD_COUNT;
	assert_int_equal(scan_decode(bad, sizeof(golden), &res), -EBADMSG);
	assert_null(res.rows);
}

/* Rows are found again, so that what is taken off leaves nothing behind. */
static void scan_add_takes_off_what_it_added(void **state)
{
	CLEANUP(scan_result_fini) struct scan_result res = {0};
	struct wrap_ref ref = {.policy_id = {1}, .generation = 1};
	CLEANUP(free_mem_p) uint8_t *rec = NULL;
	uint64_t files, bytes;
	size_t len;

	(void)state;
	for (uint32_t g = 1; g <= 40; g++) {
		ref.generation = g;
		assert_int_equal(scan_add(&res, WORKLOAD_EDM, &ref, 2, 100), 0);
		assert_int_equal(scan_add(&res, WORKLOAD_CHAT, &ref, 1, 1), 0);
	}
	scan_sum(&res, ref.policy_id, &files, &bytes);
	assert_true(files == 120 && bytes == 4040);
	for (uint32_t g = 1; g <= 40; g++) {
		ref.generation = g;
		assert_int_equal(scan_add(&res, WORKLOAD_EDM, &ref, -2, -100), 0);
	}
	scan_sum(&res, NULL, &files, &bytes);
	assert_true(files == 40 && bytes == 40);
	assert_int_equal(scan_encode(&res, &rec, &len), 0);
	assert_int_equal(len, 52 + 40 * 40); /* rows of nothing are left out */
}

/* ---- what a scan proves ---- */

/* A walk over a store that has @files files under @ref. */
struct walk {
	struct fix *f;
	struct wrap_ref ref;
	uint64_t files, unreadable;
	const char *assign; /* while it runs; NULL: nothing happens */
};

static int walk(void *arg, struct job *j, struct err *err)
{
	struct scan_result res = {0};
	struct walk *w = arg;

	scan_begins(w->f->e->policies, j);
	if (w->files)
		assert_int_equal(scan_add(&res, WORKLOAD_CHAT, &w->ref, (int64_t)w->files, 10), 0);
	res.unreadable = w->unreadable;
	if (w->assign) {
		assert_int_equal(
			assign_tenant(w->f->e->policies, w->assign, ASSIGN_PROVED, &WHO, err), 0);
		assert_int_equal(unassign_tenant(w->f->e->policies, &WHO, err), 0);
	}
	return scan_ends(w->f->e->policies, j, &res, err);
}

static int run_walk(void *arg, struct job *j, struct err *err)
{
	return job_of(j)->kind == JOB_SCAN ? walk(arg, j, err) : 0;
}

static void scan(struct fix *f, struct walk *w)
{
	const struct job_runner runner = {.run = run_walk, .arg = w};
	struct job_info *info = calloc(1, sizeof(*info));
	uint64_t no = 0;

	w->f = f;
	DONE(f, jobs_serve(f->e->jobs, &runner, &f->err));
	DONE(f, scan_start(f->e->policies, &WHO, &no, &f->err));
	for (int i = 0; i < 1000 && (job_get(f->e->jobs, no, info, &f->err) < 0 ||
				     !job_state_is_final(info->rec.state));
	     i++)
		(void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	assert_int_equal(info->rec.state, JOB_DONE);
	free(info);
	fix_restart(f); /* ends the runner too; what counts is durable */
}

static int remove_it(struct fix *f, const char *p)
{
	return policy_remove(f->e->policies, p, REMOVE_KEEP, &WHO, &f->err);
}

/* No header can refer to what was never assigned; what was needs a proof from afterwards. */
static void a_policy_goes_when_a_scan_proves_it_empty(void **state)
{
	struct fix *f = *state;
	struct walk w = {.files = 0};

	fix_policy(f, "New", POLICY_MULTI_WORKLOAD);
	fix_policy(f, "Used", POLICY_MULTI_WORKLOAD);
	w.ref = fix_ref(f, "Used");
	DONE(f, remove_it(f, "New"));
	DONE(f, assign_tenant(f->e->policies, "Used", ASSIGN_PROVED, &WHO, &f->err));
	REFUSED(f, -EBUSY, remove_it(f, "Used"));
	scan(f, &w); /* proves nothing about a policy that is assigned */
	DONE(f, unassign_tenant(f->e->policies, &WHO, &f->err));
	REFUSED(f, -EBUSY, remove_it(f, "Used"));
	w.files = 3;
	scan(f, &w);
	REFUSED(f, -EBUSY, remove_it(f, "Used"));
	w.files = 0;
	w.assign = "Used"; /* so files may have come under it behind the scan's back */
	scan(f, &w);
	REFUSED(f, -EBUSY, remove_it(f, "Used"));
	w.assign = NULL;
	w.unreadable = 1; /* and a header that cannot be read may name any policy */
	scan(f, &w);
	REFUSED(f, -EBUSY, remove_it(f, "Used"));
	w.unreadable = 0;
	scan(f, &w);
	DONE(f, remove_it(f, "Used"));
	REFUSED(f, -ENOENT, remove_it(f, "Used"));
}

/* A backup may be older than the removal: its headers still find their key. */
static void a_tombstone_opens_old_headers_and_nothing_else(void **state)
{
	struct fix *f = *state;
	struct wrap_ref ref;
	char id[UUID_TEXT_LEN];

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	ref = fix_ref(f, "P");
	uuid_encode(ref.policy_id, id);
	DONE(f, remove_it(f, "P"));
	fix_policy(f, "P", POLICY_MAILBOX); /* the name is free */
	fix_restart(f);
	DONE(f, fix_get(f, &ref, REQUEST_USER));
	REFUSED(f, -ENOENT, policy_enable(f->e->policies, id, &WHO, &f->err));
	REFUSED(f, -ENOENT, assign_tenant(f->e->policies, id, ASSIGN_PROVED, &WHO, &f->err));
	REFUSED(f, -ENOENT, remove_it(f, id));
	assert_int_equal(fix_info(f, "P").kind, POLICY_MAILBOX);
}

static void force_leaves_no_key(void **state)
{
	struct fix *f = *state;
	struct wrap_ref ref;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	ref = fix_ref(f, "P");
	DONE(f, policy_remove(f->e->policies, "P", REMOVE_FORCE, &WHO, &f->err));
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), -ENOKEY);
	fix_restart(f);
	assert_int_equal(fix_get(f, &ref, REQUEST_SYSTEM), -ENOKEY);
}

/* Two requests at once get one scan; one that runs already may have missed something. */
static void one_queued_scan_is_enough(void **state)
{
	struct fix *f = *state;
	uint64_t first = 0, second = 0;

	DONE(f, scan_start(f->e->policies, &WHO, &first, &f->err));
	DONE(f, scan_start(f->e->policies, &WHO, &second, &f->err));
	assert_true(first && first == second);
}

#define FIX(test) cmocka_unit_test_setup_teardown(test, fix_setup, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scan_record_is_as_its_table_says),
		cmocka_unit_test(scan_decode_refuses_what_is_no_record),
		cmocka_unit_test(scan_add_takes_off_what_it_added),
		FIX(a_policy_goes_when_a_scan_proves_it_empty),
		FIX(a_tombstone_opens_old_headers_and_nothing_else),
		FIX(force_leaves_no_key),
		FIX(one_queued_scan_is_enough),
	};

	return cmocka_run_group_tests(tests, fix_setup_group, fix_teardown_group);
}
