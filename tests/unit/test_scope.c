/* tests/unit/test_scope.c - the path decides: workloads, mailboxes, and ids that never change. */
#include "tests/unit/engine_fixture.h"

static const struct scope *of(struct fix *f, const char *path)
{
	const struct scope *s;

	assert_int_equal(scope_of_path(f->e->scopes, path, &s), 0);
	return s;
}

/* The table in fs/README.md, Workloads, row by row. */
static void first_folder_decides_the_workload(void **state)
{
	static const struct {
		const char *path, *name;
		enum workload workload;
		bool covered, rewraps;
	} rows[] = {
		{"mailbox/u1/cur/1", "mailbox/u1", WORKLOAD_MAILBOX, true, true},
		{"mailbox/stray", "mailbox", WORKLOAD_MAILBOX, true, true},
		{"signals/x", "signals", WORKLOAD_SIGNALS, true, true},
		{"chat/media/a/b", "chat", WORKLOAD_CHAT, true, false},
		{"edm/db", "edm", WORKLOAD_EDM, true, false},
		{"planner/x", "planner", WORKLOAD_OTHER, false, false},
		{"Chat/x", "Chat", WORKLOAD_OTHER, false, false},
		{"chat2/x", "chat2", WORKLOAD_OTHER, false, false},
		{"chat", "", WORKLOAD_OTHER, false, false}, /* a file at the top */
		{"/edm//db", "edm", WORKLOAD_EDM, true, false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct scope *s = of(*state, rows[i].path);

		assert_string_equal(s->name, rows[i].name);
		assert_int_equal(s->workload, rows[i].workload);
		assert_int_equal(workload_covered(s->workload), rows[i].covered);
		assert_int_equal(workload_rewraps_existing(s->workload), rows[i].rewraps);
	}
	assert_string_equal(workload_name(WORKLOAD_EDM), "edm");
	assert_string_equal(workload_name(WORKLOAD_OTHER), "other");
}

/* Only below mailbox/<id>/ is there a mailbox to have a policy of its own. */
static void mailbox_is_named_below_its_folder(void **state)
{
	assert_string_equal(of(*state, "mailbox/u1/x")->mailbox, "u1");
	assert_ptr_equal(of(*state, "mailbox/u1/x"), of(*state, "mailbox/u1/a/b/c"));
	assert_null(of(*state, "mailbox/x")->mailbox);
	assert_null(of(*state, "chat/u1/x")->mailbox);
	assert_null(of(*state, "planner/mailbox/u1/x")->mailbox);
}

/* The kernel enters folder by folder, tools ask by path: both mean the same scope. */
static void entering_and_path_agree(void **state)
{
	struct fix *f = *state;
	struct scope_table *t = f->e->scopes;
	const struct scope *s = scope_root(t);

	assert_ptr_equal(s, of(f, "file"));
	assert_int_equal(scope_enter(t, s, "mailbox", &s), 0);
	assert_ptr_equal(s, of(f, "mailbox/file"));
	assert_int_equal(scope_enter(t, s, "u1", &s), 0);
	assert_int_equal(scope_enter(t, s, "mailbox", &s), 0);
	assert_ptr_equal(s, of(f, "mailbox/u1/file"));
}

/* The id goes into headers: another mount computes the same, another scope another. */
static void id_is_a_keyed_hash_of_the_name(void **state)
{
	struct fix *f = *state;
	const struct scope *s = of(f, "mailbox/u1/x");
	uint8_t id[SCOPE_ID_LEN];

	assert_int_equal(service_scope_id(store_service_key(f->e->store), "mailbox/u1", id), 0);
	assert_memory_equal(s->id, id, SCOPE_ID_LEN);
	assert_memory_not_equal(s->id, of(f, "mailbox/u2/x")->id, SCOPE_ID_LEN);
	assert_memory_not_equal(s->id, of(f, "mailbox/x")->id, SCOPE_ID_LEN);
}

#define MAILBOXES 10000

static void *enter_all(void *arg)
{
	const struct scope **seen = calloc(MAILBOXES, sizeof(*seen));
	char path[64];

	for (int i = 0; i < MAILBOXES; i++) {
		(void)snprintf(path, sizeof(path), "mailbox/user%d/x", i);
		if (scope_of_path(arg, path, &seen[i]) < 0)
			seen[i] = NULL;
	}
	return seen;
}

/* Many threads meet the same folders at once; each scope is made once, and numbered without gaps.
 */
static void scopes_are_made_once_by_many_threads(void **state)
{
	struct fix *f = *state;
	uint8_t *numbers = calloc(MAILBOXES + 2, 1);
	const struct scope **seen[4];
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, enter_all, f->e->scopes), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], (void **)&seen[i]), 0);
	for (int n = 0; n < MAILBOXES; n++) {
		assert_non_null(seen[0][n]);
		for (int i = 1; i < 4; i++)
			assert_ptr_equal(seen[i][n], seen[0][n]);
		assert_true(seen[0][n]->index < MAILBOXES + 2); /* the top and mailbox/ too */
		assert_int_equal(numbers[seen[0][n]->index]++, 0);
	}
	for (int i = 0; i < 4; i++)
		free(seen[i]);
	free(numbers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(first_folder_decides_the_workload, fix_setup,
						fix_teardown),
		cmocka_unit_test_setup_teardown(mailbox_is_named_below_its_folder, fix_setup,
						fix_teardown),
		cmocka_unit_test_setup_teardown(entering_and_path_agree, fix_setup, fix_teardown),
		cmocka_unit_test_setup_teardown(id_is_a_keyed_hash_of_the_name, fix_setup,
						fix_teardown),
		cmocka_unit_test_setup_teardown(scopes_are_made_once_by_many_threads, fix_setup,
						fix_teardown),
	};

	return cmocka_run_group_tests(tests, fix_setup_group, fix_teardown_group) ? 1 : 0;
}
