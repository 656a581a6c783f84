/* tests/unit/test_control_race.c - many threads at once: for TSan, and for one winner. */
#include "tests/unit/control_fixture.h"

#include <pthread.h>

#define THREADS 8
#define ROUNDS	25

struct worker {
	pthread_t thread;
	struct fix *f;
	unsigned no;
	struct vtree_file *file; /* that all share, or NULL */
	int good, refused;
};

/* cmocka's asserts belong to the test's own thread: workers count, the test judges. */
static void run(struct fix *f, void *(*fn)(void *arg), struct vtree_file *file, struct worker *w)
{
	for (unsigned i = 0; i < THREADS; i++) {
		w[i] = (struct worker){.f = f, .no = i, .file = file};
		assert_int_equal(pthread_create(&w[i].thread, NULL, fn, &w[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(w[i].thread, NULL), 0);
}

static void *make_same_draft(void *arg)
{
	struct worker *w = arg;
	struct vtree_attr attr, parent;
	char name[16];

	if (ops->lookup(w->f->control, VTREE_ROOT, "policies", &parent) < 0)
		return NULL;
	for (int i = 0; i < ROUNDS; i++) {
		(void)snprintf(name, sizeof(name), w->no % 2 ? "race %d" : "RACE %d", i);
		if (ops->mkdir(w->f->control, parent.node, name, &ROOT, &attr) == 0)
			w->good++;
		else
			w->refused++;
	}
	return NULL;
}

/* Threads that make the same policy: one winner each time, the others get EEXIST and its sentence.
 */
static void same_name_has_one_winner(void **state)
{
	struct worker w[THREADS];
	struct fix *f = *state;
	int good = 0, refused = 0;

	run(f, make_same_draft, NULL, w);
	for (unsigned i = 0; i < THREADS; i++) {
		good += w[i].good;
		refused += w[i].refused;
	}
	assert_int_equal(good, ROUNDS);
	assert_int_equal(refused, ROUNDS * (THREADS - 1));
	assert_has(get(f, "last_error"), "errno: EEXIST\n");
}

static void *assign_this_or_that(void *arg)
{
	static const char *const in[] = {"P", "Q", "none", "absent"};
	struct worker *w = arg;
	struct vtree_attr attr;
	struct vtree_file *file;
	char answer[256];

	if (ops->lookup(w->f->control, VTREE_ROOT, "assignment", &attr) < 0)
		return NULL;
	for (unsigned i = 0; i < ROUNDS; i++) {
		const char *text = in[(w->no + i) % 4];
		ssize_t n, got;

		if (ops->open(w->f->control, attr.node, O_RDWR, &ROOT, &file) < 0)
			return NULL;
		n = ops->write(file, text, strlen(text), 0, &ROOT);
		got = ops->read(file, answer, sizeof(answer) - 1, 0);
		ops->release(file);
		answer[got > 0 ? got : 0] = '\0';
		w->good += (n > 0) == (strncmp(answer, "ok: ", 4) == 0) && got > 0 &&
			   (n > 0) == (strcmp(text, "absent") != 0);
	}
	return NULL;
}

/* The answer and the errno are the writer's own, never another's. */
static void each_writer_gets_its_own_answer(void **state)
{
	struct worker w[THREADS];
	struct fix *f = *state;

	make_policy(f, "P", "multi-workload");
	make_policy(f, "Q", "multi-workload");
	run(f, assign_this_or_that, NULL, w);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(w[i].good, ROUNDS);
}

static int count_fixed(void *arg, const char *name, const struct vtree_attr *attr, uint64_t off)
{
	int *fixed = arg;

	(void)attr, (void)off;
	*fixed += strncmp(name, "fixed", 5) == 0;
	return 0;
}

/* make_and_remove() - a draft's whole life, renamed in between. */
static bool make_and_remove(struct worker *w, uint64_t policies)
{
	struct control *c = w->f->control;
	char name[16], next[16];
	struct vtree_attr attr;

	(void)snprintf(name, sizeof(name), "d%u", w->no);
	(void)snprintf(next, sizeof(next), "e%u", w->no);
	return ops->mkdir(c, policies, name, &ROOT, &attr) == 0 &&
	       ops->rename(c, policies, name, policies, next, &ROOT) == 0 &&
	       ops->rmdir(c, policies, next, &ROOT) == 0;
}

/* look_around() - list, and read what may vanish meanwhile. */
static bool look_around(struct worker *w, uint64_t policies)
{
	struct control *c = w->f->control;
	struct vtree_file *file;
	struct vtree_attr attr;
	char name[16], buf[512];
	int fixed = 0, r = ops->readdir(c, policies, 0, count_fixed, &fixed);

	for (unsigned k = 0; k < THREADS; k += 2) {
		(void)snprintf(name, sizeof(name), "d%u", k);
		if (ops->lookup(c, policies, name, &attr) == 0 &&
		    ops->lookup(c, attr.node, "status", &attr) == 0 &&
		    ops->open(c, attr.node, O_RDONLY, &ROOT, &file) == 0) {
			(void)ops->read(file, buf, sizeof(buf), 0);
			ops->release(file);
		}
	}
	return r == 0 && fixed == 3;
}

static void *churn(void *arg)
{
	struct worker *w = arg;
	struct vtree_attr policies;

	if (ops->lookup(w->f->control, VTREE_ROOT, "policies", &policies) < 0)
		return NULL;
	for (int i = 0; i < ROUNDS; i++)
		w->good += w->no % 2 ? look_around(w, policies.node)
				     : make_and_remove(w, policies.node);
	return NULL;
}

/* A listing contains each entry that exists from its start to its end, while others are made and
 * removed. */
static void listings_under_churn_keep_what_stays(void **state)
{
	struct worker w[THREADS];
	struct fix *f = *state;

	assert_int_equal(make(f, "fixed 1"), 0);
	assert_int_equal(make(f, "fixed 2"), 0);
	assert_int_equal(make(f, "fixed 3"), 0);
	run(f, churn, NULL, w);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(w[i].good, ROUNDS);
}

static void *use_shared(void *arg)
{
	struct worker *w = arg;
	char buf[256];

	for (int i = 0; i < ROUNDS; i++)
		w->good += w->no % 2 ? ops->write(w->file, "none", 4, 0, &ROOT) == 4
				     : ops->read(w->file, buf, sizeof(buf), i) >= 0;
	return NULL;
}

/* One descriptor in several threads. */
static void handle_may_be_shared(void **state)
{
	struct worker w[THREADS];
	struct fix *f = *state;
	struct vtree_file *file = handle(f, "assignment", O_RDWR);

	run(f, use_shared, file, w);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(w[i].good, ROUNDS);
	ops->release(file);
}

static int count_all(void *arg, const char *name, const struct vtree_attr *attr, uint64_t off)
{
	(void)name, (void)attr, (void)off;
	++*(int *)arg;
	return 0;
}

static void *list_mailboxes(void *arg)
{
	struct worker *w = arg;
	struct vtree_attr mailboxes, attr;
	char name[24];

	if (ops->lookup(w->f->control, VTREE_ROOT, "mailboxes", &mailboxes) < 0)
		return NULL;
	for (int i = 0; i < ROUNDS; i++) {
		int n = 0;

		(void)snprintf(name, sizeof(name), "w%u-%d", w->no, i);
		w->good += ops->lookup(w->f->control, mailboxes.node, name, &attr) == 0 &&
			   ops->readdir(w->f->control, mailboxes.node, 0, count_all, &n) == 0 &&
			   n == 2 + 50;
	}
	return NULL;
}

/* A scan by one reader leaves the listing of another whole. */
static void mailboxes_listed_at_once_are_all_there(void **state)
{
	struct worker w[THREADS];
	struct fix *f = *state;
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/mailbox", f->store);
	assert_int_equal(mkdir(path, 0700), 0);
	for (int i = 0; i < 50; i++) {
		(void)snprintf(path, sizeof(path), "%s/mailbox/u%d", f->store, i);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	run(f, list_mailboxes, NULL, w);
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(w[i].good, ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIX_TEST(same_name_has_one_winner),
		FIX_TEST(each_writer_gets_its_own_answer),
		FIX_TEST(listings_under_churn_keep_what_stays),
		FIX_TEST(handle_may_be_shared),
		FIX_TEST(mailboxes_listed_at_once_are_all_there),
	};

	return cmocka_run_group_tests(tests, fix_setup_group, fix_teardown_group);
}
