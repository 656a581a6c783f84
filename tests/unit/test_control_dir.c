/* tests/unit/test_control_dir.c - listings, nodes and names, while others change them. */
#include "tests/unit/control_fixture.h"

static void listing_has_every_row_once(void **state)
{
	static const char *const want[] = {
		".",	      "..",	"version", "workloads",	 "README",    "status",
		"assignment", "create", "renew",   "policies",	 "mailboxes", "jobs",
		"scan",	      "events", "metrics", "last_error", "error_log"};
	struct fix *f = *state;
	struct entries *e = calloc(1, sizeof(*e));
	struct vtree_attr attr;

	assert_non_null(e);
	assert_int_equal(more(f, "", 512, e), sizeof(want) / sizeof(*want));
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		assert_string_equal(e->names[i], want[i]);
		if (i >= 2) { /* what is listed is what a lookup finds */
			assert_int_equal(look(f, want[i], &attr), 0);
			assert_int_equal(attr.node, e->nodes[i]);
		}
	}
	assert_int_equal(e->nodes[0], VTREE_ROOT);
	assert_int_equal(e->nodes[1], VTREE_ROOT);
	assert_int_equal(more(f, "", 512, e), 0);
	free(e);
}

static void dot_and_dotdot_name_the_folder_and_its_parent(void **state)
{
	struct fix *f = *state;
	struct entries *e = calloc(1, sizeof(*e));

	assert_non_null(e);
	assert_int_equal(make(f, "P"), 0);
	assert_int_equal(more(f, "policies/P", 512, e), 15);
	assert_int_equal(e->nodes[0], node_of(f, "policies/P"));
	assert_int_equal(e->nodes[1], node_of(f, "policies"));
	e->off = 0;
	assert_int_equal(more(f, "mailboxes/u", 512, e), 4);
	assert_int_equal(e->nodes[1], node_of(f, "mailboxes"));
	free(e);
}

/* paged() - one entry a call gives the same as all at once. */
static void paged(struct fix *f, const char *path, size_t n)
{
	struct entries *e = calloc(1, sizeof(*e)), *all = calloc(1, sizeof(*all));

	assert_true(e && all);
	assert_int_equal(more(f, path, 512, all), n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(more(f, path, 1, e), 1);
		assert_string_equal(e->names[0], all->names[i]);
	}
	assert_int_equal(more(f, path, 1, e), 0);
	free(all);
	free(e);
}

/* Offsets are exact, of rows and of folders. */
static void listing_goes_on_from_any_offset(void **state)
{
	struct fix *f = *state;
	char name[16];

	for (int i = 0; i < 9; i++) {
		(void)snprintf(name, sizeof(name), "p%d", i);
		assert_int_equal(make(f, name), 0);
	}
	paged(f, "", 17);
	paged(f, "policies", 11);
	paged(f, "policies/p3", 15);
}

/* What was there from first to last is listed exactly once, whatever goes on around it. */
static void listing_is_stable_under_change(void **state)
{
	struct fix *f = *state;
	struct entries *e = calloc(1, sizeof(*e));
	uint64_t policies = node_of(f, "policies");
	char name[16];
	int seen[20] = {0};

	assert_non_null(e);
	for (int i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof(name), "p%02d", i);
		assert_int_equal(make(f, name), 0);
	}
	for (int i = 0; more(f, "policies", 3, e) > 0; i++) {
		for (size_t k = 0; k < e->n; k++)
			if (e->names[k][0] == 'p')
				seen[atoi(e->names[k] + 1)]++;
		if (i == 1) { /* p00 .. p03 were listed: drop one of these and one to come */
			assert_int_equal(ops->rmdir(f->control, policies, "p01", &ROOT), 0);
			assert_int_equal(ops->rmdir(f->control, policies, "p11", &ROOT), 0);
			assert_int_equal(make(f, "a new one"), 0);
		}
	}
	for (int i = 0; i < 20; i++)
		if (i != 11 && seen[i] != 1)
			fail_msg("p%02d was listed %d times", i, seen[i]);
	assert_int_equal(seen[11], 0);
	free(e);
}

/* A program in policies/NAME stays there when the policy is renamed. */
static void node_stays_through_a_rename(void **state)
{
	struct fix *f = *state;
	uint64_t policies = node_of(f, "policies"), node, file_node;
	struct vtree_attr attr;

	make_policy(f, "EUR", "multi-workload");
	node = node_of(f, "policies/EUR");
	file_node = node_of(f, "policies/EUR/enabled");
	assert_int_equal(ops->rename(f->control, policies, "EUR", policies, "Europe", &ROOT), 0);
	assert_int_equal(look(f, "policies/EUR", &attr), -ENOENT);
	assert_int_equal(node_of(f, "policies/Europe"), node);
	assert_int_equal(node_of(f, "policies/Europe/enabled"), file_node);
	assert_int_equal(ops->getattr(f->control, node, &attr), 0);
	/* Case alone can change, though names are case-blind elsewhere. */
	assert_int_equal(ops->rename(f->control, policies, "Europe", policies, "EUROPE", &ROOT), 0);
	assert_int_equal(look(f, "policies/Europe", &attr), -ENOENT);
	assert_int_equal(node_of(f, "policies/EUROPE"), node);
}

/* An open handle belongs to the policy, not to its name. */
static void handle_works_on_through_a_rename(void **state)
{
	struct fix *f = *state;
	uint64_t policies = node_of(f, "policies");
	struct vtree_file *file;
	char text[TEXT_MAX];

	make_policy(f, "EUR", "multi-workload");
	file = handle(f, "policies/EUR/description", O_RDWR);
	assert_int_equal(ops->rename(f->control, policies, "EUR", policies, "Europe", &ROOT), 0);
	assert_int_equal(make(f, "EUR"), 0); /* another draft takes the name */
	assert_int_equal(ops->write(file, "mine", 4, 0, &ROOT), 4);
	drain(file, text, 0);
	assert_has(text, "ok: policy Europe ");
	ops->release(file);
	assert_string_equal(get(f, "policies/Europe/description"), "mine\n");
	assert_string_equal(get(f, "policies/EUR/description"), "\n");
}

/* A node number is never used again: what the kernel cached of a removed draft reaches no other. */
static void removed_draft_leaves_stale_nodes(void **state)
{
	struct fix *f = *state;
	uint64_t policies = node_of(f, "policies"), node, file_node;
	struct vtree_file *file, *other;
	struct vtree_attr attr;

	assert_int_equal(make(f, "D"), 0);
	node = node_of(f, "policies/D");
	file_node = node_of(f, "policies/D/kind");
	file = handle(f, "policies/D/kind", O_WRONLY);
	assert_int_equal(ops->rmdir(f->control, policies, "D", &ROOT), 0);
	assert_int_equal(look(f, "policies/D", &attr), -ENOENT);
	assert_int_equal(make(f, "D"), 0);
	assert_int_not_equal(node_of(f, "policies/D"), node);
	assert_int_equal(ops->getattr(f->control, node, &attr), -ESTALE);
	assert_int_equal(ops->getattr(f->control, file_node, &attr), -ESTALE);
	assert_int_equal(ops->lookup(f->control, node, "kind", &attr), -ESTALE);
	assert_int_equal(ops->open(f->control, file_node, O_RDONLY, &ROOT, &other), -ESTALE);
	assert_int_equal(ops->write(file, "mailbox", 7, 0, &ROOT), -ENOENT);
	ops->release(file);
	assert_string_equal(get(f, "policies/D/kind"), "multi-workload\n");
}

/* Numbers that were never in use name no node. */
static void unknown_nodes_are_refused(void **state)
{
	static const uint64_t nodes[] = {0,   200,	255,	    256,
					 258, 0x7fff01, UINT64_MAX, UINT64_C(1) << 63};
	struct fix *f = *state;
	struct vtree_attr attr;

	for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); i++)
		assert_int_equal(ops->getattr(f->control, nodes[i], &attr), -ENOENT);
	assert_int_equal(ops->lookup(f->control, node_of(f, "README"), "x", &attr), -ENOTDIR);
	assert_int_equal(ops->lookup(f->control, VTREE_ROOT, "", &attr), -ENOENT);
}

/* "A policy is accepted by name or id everywhere." */
static void policy_folder_is_found_by_id(void **state)
{
	struct fix *f = *state;
	char path[128];

	assert_int_equal(make(f, "EUR"), 0);
	(void)snprintf(path, sizeof(path), "policies/%.36s", get(f, "policies/EUR/id"));
	assert_int_equal(node_of(f, path), node_of(f, "policies/EUR"));
}

static void add_mailbox(struct fix *f, const char *id)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/mailbox", f->store);
	assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
	(void)snprintf(path, sizeof(path), "%s/mailbox/%s", f->store, id);
	assert_int_equal(mkdir(path, 0700), 0);
}

/* Folders and assigned ones are listed; any other can be looked up, and stays unlisted. */
static void mailboxes_lists_folders_and_assigned(void **state)
{
	struct fix *f = *state;
	struct entries *e = calloc(1, sizeof(*e));
	char path[512];

	assert_non_null(e);
	assert_int_equal(more(f, "mailboxes", 512, e), 2); /* no folder mailbox yet */
	add_mailbox(f, "u1");
	add_mailbox(f, "u2");
	(void)snprintf(path, sizeof(path), "%s/mailbox/file", f->store);
	assert_int_equal(close(creat(path, 0600)), 0);
	make_policy(f, "Board", "mailbox");
	put_ok(f, "mailboxes/new@x/policy", "Board");
	put_ok(f, "mailboxes/u1/policy", "Board");
	assert_true(node_of(f, "mailboxes/only looked at") != 0);
	e->off = 0;
	assert_int_equal(more(f, "mailboxes", 512, e), 5);
	assert_true(has_entry(e, "u1") && has_entry(e, "u2") && has_entry(e, "new@x"));

	put_ok(f, "mailboxes/new@x/policy", "none");
	(void)snprintf(path, sizeof(path), "%s/mailbox/u2", f->store);
	assert_int_equal(rmdir(path), 0);
	e->off = 0;
	assert_int_equal(more(f, "mailboxes", 512, e), 3);
	assert_true(has_entry(e, "u1"));
	free(e);
}

static void mailbox_names_that_cannot_be_are_not_found(void **state)
{
	struct fix *f = *state;
	uint64_t mailboxes = node_of(f, "mailboxes");
	struct vtree_attr attr;
	char name[MAILBOX_ID_MAX + 2];

	memset(name, 'm', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(ops->lookup(f->control, mailboxes, name, &attr), -ENOENT);
	name[MAILBOX_ID_MAX] = '\0';
	assert_int_equal(ops->lookup(f->control, mailboxes, name, &attr), 0);
	assert_int_equal(ops->lookup(f->control, mailboxes, "", &attr), -ENOENT);
	assert_int_equal(ops->lookup(f->control, mailboxes, ".", &attr), -ENOENT);
	assert_int_equal(ops->lookup(f->control, mailboxes, "a\nb", &attr), -ENOENT);
	assert_int_equal(ops->lookup(f->control, mailboxes, "a\177", &attr), -ENOENT);
}

/* Ten thousand, each once, in pages; the folder is read for the first page alone. */
static void ten_thousand_mailboxes_are_listed(void **state)
{
	struct fix *f = *state;
	struct entries *e = calloc(1, sizeof(*e));
	uint8_t *seen = calloc(10000, 1);
	size_t n = 0;
	char id[16];

	assert_true(e && seen);
	for (int i = 0; i < 10000; i++) {
		(void)snprintf(id, sizeof(id), "u%04d", i);
		add_mailbox(f, id);
	}
	while (more(f, "mailboxes", 100, e) > 0)
		for (size_t i = 0; i < e->n; i++)
			if (e->names[i][0] == 'u') {
				seen[atoi(e->names[i] + 1)]++;
				n++;
			}
	assert_int_equal(n, 10000);
	for (size_t i = 0; i < 10000; i++)
		assert_int_equal(seen[i], 1);
	free(seen);
	free(e);
}

/* A restart finds the same, and starts with no failure. */
static void tree_is_the_same_after_a_restart(void **state)
{
	struct fix *f = *state;

	make_policy(f, "EUR", "multi-workload");
	put_ok(f, "assignment", "EUR");
	assert_int_equal(put(f, "assignment", "absent"), -ENOENT);
	fix_close(f);
	fix_open(f);
	assert_has(get(f, "assignment"), "name: EUR\n");
	assert_string_equal(get(f, "policies/EUR/enabled"), "1\n");
	assert_string_equal(get(f, "last_error"), "none\n");
	assert_string_equal(get(f, "error_log"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIX_TEST(listing_has_every_row_once),
		FIX_TEST(dot_and_dotdot_name_the_folder_and_its_parent),
		FIX_TEST(listing_goes_on_from_any_offset),
		FIX_TEST(listing_is_stable_under_change),
		FIX_TEST(node_stays_through_a_rename),
		FIX_TEST(handle_works_on_through_a_rename),
		FIX_TEST(removed_draft_leaves_stale_nodes),
		FIX_TEST(unknown_nodes_are_refused),
		FIX_TEST(policy_folder_is_found_by_id),
		FIX_TEST(mailboxes_lists_folders_and_assigned),
		FIX_TEST(mailbox_names_that_cannot_be_are_not_found),
		FIX_TEST(ten_thousand_mailboxes_are_listed),
		FIX_TEST(tree_is_the_same_after_a_restart),
	};

	return cmocka_run_group_tests(tests, fix_setup_group, fix_teardown_group);
}
