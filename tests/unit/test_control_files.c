/* tests/unit/test_control_files.c - what each virtual file shows and takes. */
#include "tests/unit/control_fixture.h"

#include "fs/control/control_internal.h"

/* Every row has its mode from the table and the size 0; nothing but these rows exists. */
static void rows_have_the_modes_of_the_page(void **state)
{
	static const struct {
		const char *path;
		mode_t mode;
	} rows[] = {
		{"", S_IFDIR | 0750},
		{"version", S_IFREG | 0440},
		{"workloads", S_IFREG | 0440},
		{"README", S_IFREG | 0440},
		{"status", S_IFREG | 0440},
		{"assignment", S_IFREG | 0660},
		{"create", S_IFREG | 0660},
		{"renew", S_IFREG | 0660},
		{"policies", S_IFDIR | 0770},
		{"policies/P", S_IFDIR | 0770},
		{"policies/P/id", S_IFREG | 0440},
		{"policies/P/name", S_IFREG | 0660},
		{"policies/P/kind", S_IFREG | 0660},
		{"policies/P/description", S_IFREG | 0660},
		{"policies/P/enabled", S_IFREG | 0660},
		{"policies/P/key_ids", S_IFREG | 0660},
		{"policies/P/refresh", S_IFREG | 0660},
		{"policies/P/rotate", S_IFREG | 0660},
		{"policies/P/check", S_IFREG | 0660},
		{"policies/P/purge", S_IFREG | 0660},
		{"policies/P/remove", S_IFREG | 0660},
		{"policies/P/status", S_IFREG | 0440},
		{"policies/P/last_error", S_IFREG | 0440},
		{"mailboxes", S_IFDIR | 0770},
		{"mailboxes/u1", S_IFDIR | 0770},
		{"mailboxes/u1/policy", S_IFREG | 0660},
		{"mailboxes/u1/last_error", S_IFREG | 0440},
		{"jobs", S_IFDIR | 0770},
		{"scan", S_IFREG | 0660},
		{"events", S_IFREG | 0440},
		{"metrics", S_IFREG | 0440},
		{"last_error", S_IFREG | 0440},
		{"error_log", S_IFREG | 0440},
	};
	struct fix *f = *state;
	struct vtree_attr attr;

	assert_int_equal(make(f, "P"), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (look(f, rows[i].path, &attr) < 0 || attr.mode != rows[i].mode)
			fail_msg("%s: mode %o", rows[i].path, attr.mode);
		assert_int_equal(attr.size, 0);
		assert_true(attr.uid == 0 && attr.gid == ADMIN && attr.nlink == 1);
	}
	assert_int_equal(look(f, "jobs/1", &attr), -ENOENT);
}

/* The kernel keeps the length of a write as the file's size: the next lookup is of another node. */
static void a_write_changes_the_epoch_of_writable_files(void **state)
{
	struct fix *f = *state;
	struct vtree_attr before, after;

	assert_int_equal(make(f, "P"), 0);
	assert_int_equal(look(f, "policies/P/description", &before), 0);
	put_ok(f, "policies/P/description", "for Europe");
	assert_int_equal(look(f, "policies/P/description", &after), 0);
	assert_int_equal(after.node, before.node);
	assert_int_equal(after.epoch, before.epoch + 1);
	assert_int_not_equal(put(f, "policies/P/kind", "nonsense"), 0);
	assert_int_equal(look(f, "policies/P/description", &before), 0);
	assert_int_equal(after.epoch, before.epoch);
	assert_int_equal(look(f, "policies/P/status", &after), 0);
	assert_int_equal(after.epoch, 0);
}

/* A row without a test fails here, and so does one that can be neither read nor written. */
static void every_row_shows_and_writable_rows_store(void **state)
{
	static const enum ctl_kind kinds[] = {CTL_TOP, CTL_POLICY, CTL_MAILBOX, CTL_JOB};
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		for (const struct ctl_row *row = ctl_rows(kinds[i]); row->name; row++, n++) {
			bool special = row->flags & (CTL_FOLDER | CTL_STREAM);

			assert_true(special == !row->show);
			assert_true(special || !row->store == !(row->mode & 0200));
		}
	assert_int_equal(n, 15 + 13 + 2 + 4);
}

static void version_names_format_and_store(void **state)
{
	struct fix *f = *state;
	char id[UUID_TEXT_LEN], want[128];

	uuid_encode(store_format_of(f->engine->store)->store_id, id);
	(void)snprintf(want, sizeof(want), "depfs: %s\nformat: 1\nstore: %s\n", DEPFS_VERSION, id);
	assert_string_equal(get(f, "version"), want);
}

/* The table of workloads (fs/README.md, Workloads), columns under their heads. */
static void workloads_shows_every_workload(void **state)
{
	struct fix *f = *state;
	const char *text = get(f, "workloads");

	assert_int_equal(strncmp(text, "FOLDER         WORKLOAD", 23), 0);
	assert_has(text, "\nmailbox/<id>/  mailbox   mailbox  yes      re-wrapped");
	assert_has(text, "\nsignals/       signals   workload yes      re-wrapped");
	assert_has(text, "\nchat/          chat      workload yes      left  ");
	assert_has(text, "\nedm/           edm       workload yes      left  ");
	assert_has(text, "\nanything else  other     workload no       stays ");
}

static void readme_tells_how_to_begin(void **state)
{
	struct fix *f = *state;
	const char *text = get(f, "README");

	assert_has(text, "cd '/srv/mail/.depfs'");
	assert_has(text, "mkdir");
	assert_has(text, "depfs-control(5)");
}

static void status_counts_policies_by_state(void **state)
{
	struct fix *f = *state;
	const char *text;

	make_policy(f, "EUR Policy", "multi-workload");
	make_policy(f, "Board", "mailbox");
	assert_int_equal(make(f, "later"), 0);
	put_ok(f, "policies/Board/enabled", "0");
	put_ok(f, "assignment", "eur policy");
	assert_int_equal(audit_sync(f->engine->audit, NULL), 0);
	text = get(f, "status");
	assert_has(text, "version: " DEPFS_VERSION "\n");
	assert_has(text, "mount: /srv/mail\n");
	assert_has(text, f->store);
	assert_has(text, "mounted since: 20");
	assert_has(text, "requests waiting: 7\n");
	assert_has(text, "policies: 3\npolicies draft: 1\n");
	assert_has(text, "policies disabled: 1\n");
	assert_has(text, "tenant policy: EUR Policy\n");
	assert_has(text, "root keys: 4\nroot keys failing: 0\n");
	assert_has(text, "last stop: clean\n");
	assert_has(text, "\nevents: ");
	assert_has(text, "last event: {");
	assert_lacks(text, "events: 0\n");
}

/* With one vault down files still open, and `status` shows which root key fails. */
static void status_names_a_failing_root_key(void **state)
{
	struct fix *f = *state;
	struct key_id id = fix_key(KEY_B);
	struct local_fault down = {.outcome = KMS_TRANSIENT};

	make_policy(f, "EUR Policy", "multi-workload");
	assert_int_equal(local_fault_set(f->vaults, &id, down, NULL), 0);
	assert_true(put(f, "policies/EUR Policy/check", "1") < 0);
	assert_has(get(f, "status"), "root keys failing: 1\nroot key failing 1: EUR Policy key 2, "
				     "transient at 20");
	assert_has(get(f, "policies/EUR Policy/status"), "key 2 outcome: transient\n");
	assert_has(get(f, "policies/EUR Policy/status"), "key 2 why: ");
}

/* A draft becomes a policy by its two keys, and each value is seen at once. */
static void policy_files_show_what_was_written(void **state)
{
	struct fix *f = *state;
	struct policy_info info;
	char id[UUID_TEXT_LEN + 1], want[256];

	assert_int_equal(make(f, "EUR"), 0);
	assert_string_equal(get(f, "policies/EUR/kind"), "multi-workload\n");
	assert_string_equal(get(f, "policies/EUR/enabled"), "0\n");
	assert_string_equal(get(f, "policies/EUR/key_ids"), "none\n");
	assert_string_equal(get(f, "policies/EUR/description"), "\n");
	assert_string_equal(get(f, "policies/EUR/refresh"), "none\n");
	assert_string_equal(get(f, "policies/EUR/check"), "none\n");
	assert_string_equal(get(f, "policies/EUR/last_error"), "none\n");
	assert_has(get(f, "policies/EUR/status"), "state: draft\n");

	put_ok(f, "policies/EUR/kind", "mailbox\n");
	assert_string_equal(get(f, "policies/EUR/kind"), "mailbox\n");
	put_ok(f, "policies/EUR/key_ids", KEY_A "\n" KEY_B "\n");
	assert_has(f->answer, "ok: policy EUR created: key 1 version none -> ");
	put_ok(f, "policies/EUR/description", "  f\303\274r die Gesch\303\244ftsf\303\274hrung \n");
	assert_string_equal(get(f, "policies/EUR/description"),
			    "f\303\274r die Gesch\303\244ftsf\303\274hrung\n");
	put_ok(f, "policies/EUR/description", "\n");
	assert_string_equal(get(f, "policies/EUR/description"), "\n");
	assert_string_equal(get(f, "policies/EUR/enabled"), "1\n");

	assert_int_equal(policy_get(f->engine->policies, "EUR", &info, NULL), 0);
	uuid_encode(info.id, id);
	(void)snprintf(want, sizeof(want), "%s\n", id);
	assert_string_equal(get(f, "policies/EUR/id"), want);
	(void)snprintf(want, sizeof(want), KEY_A " %.32s\n" KEY_B " %.32s\n",
		       strrchr(info.roots[0].copy_key_id, '/') + 1,
		       strrchr(info.roots[1].copy_key_id, '/') + 1);
	assert_string_equal(get(f, "policies/EUR/key_ids"), want);
}

static void policy_status_tells_of_both_keys(void **state)
{
	struct fix *f = *state;
	const char *text;

	make_policy(f, "EUR", "multi-workload");
	put_ok(f, "assignment", "EUR");
	put_ok(f, "policies/EUR/check", "1");
	text = get(f, "policies/EUR/status");
	assert_has(text, "name: EUR\nid: ");
	assert_has(text, "\nkind: multi-workload\nstate: ready\nenabled: 1\nassigned: yes\n"
			 "mailboxes: 0\ngeneration: 1\ncreated: 20");
	assert_has(text, "\nkey 1: " KEY_A "\nkey 1 version: ");
	assert_has(text, "\nkey 1 outcome: ok\nkey 1 when: 20");
	assert_has(text, "\nkey 2: " KEY_B "\nkey 2 version: ");
	assert_lacks(text, "why:");
}

static void enabled_goes_off_and_on(void **state)
{
	struct fix *f = *state;

	make_policy(f, "EUR", "multi-workload");
	put_ok(f, "policies/EUR/enabled", "0\n");
	assert_string_equal(f->answer, "ok: policy EUR is disabled\n");
	assert_string_equal(get(f, "policies/EUR/enabled"), "0\n");
	put_ok(f, "policies/EUR/enabled", "0"); /* idempotent */
	put_ok(f, "policies/EUR/enabled", "1");
	assert_string_equal(get(f, "policies/EUR/enabled"), "1\n");
}

/* The answer of a refresh names the old and the new version. */
static void refresh_answers_with_versions(void **state)
{
	struct fix *f = *state;
	struct key_id id = fix_key(KEY_A);
	char key_id[KEY_ID_MAX], want[96];

	make_policy(f, "EUR", "multi-workload");
	assert_int_equal(local_key_rotate(f->vaults, &id, key_id, NULL), 0);
	put_ok(f, "policies/EUR/refresh", "1");
	(void)snprintf(want, sizeof(want), " -> %s, key 2 version ", strrchr(key_id, '/') + 1);
	assert_has(f->answer, "ok: policy EUR refreshed: key 1 version ");
	assert_has(f->answer, want);
	assert_has(get(f, "policies/EUR/key_ids"), strrchr(key_id, '/') + 1);
	assert_has(get(f, "policies/EUR/refresh"), ": ");
	assert_has(f->answer, " unchanged");
	assert_null(strstr(f->answer, " unchanged, key 2")); /* key 1 alone has a new version */
	put_ok(f, "policies/EUR/refresh", "1");
	(void)snprintf(want, sizeof(want), "key 1 version %s unchanged, key 2 version ",
		       strrchr(key_id, '/') + 1);
	assert_has(f->answer, want);
	assert_null(strstr(f->answer, "->"));
}

static void check_answers_with_each_check(void **state)
{
	struct fix *f = *state;
	const char *body;

	make_policy(f, "EUR", "multi-workload");
	put_ok(f, "policies/EUR/check", "1\n");
	body = strchr(f->answer, '\n') + 1;
	assert_int_equal(strncmp(f->answer, "ok: policy EUR checked\n", 23), 0);
	assert_has(body, ": ");
	assert_string_equal(get(f, "policies/EUR/check"), body);
}

static void assignment_takes_name_id_and_none(void **state)
{
	struct fix *f = *state;
	char id[UUID_TEXT_LEN + 1], want[128];

	make_policy(f, "EUR", "multi-workload");
	assert_string_equal(get(f, "assignment"), "none\n");
	(void)snprintf(id, sizeof(id), "%s", get(f, "policies/EUR/id"));
	(void)snprintf(want, sizeof(want), "name: EUR\nid: %s", id);
	put_ok(f, "assignment", id);
	assert_string_equal(f->answer,
			    "ok: policy EUR is assigned to the tenant; job 1 re-wraps what is "
			    "there already\n");
	assert_string_equal(get(f, "assignment"), want);
	put_ok(f, "assignment", "None\n");
	assert_string_equal(get(f, "assignment"), "none\n");
	put_ok(f, "assignment", "eur");
	assert_string_equal(get(f, "assignment"), want);
}

/* Where a mailbox's policy comes from, before it has a folder, in all three cases. */
static void mailbox_policy_names_its_source(void **state)
{
	struct fix *f = *state;

	assert_string_equal(get(f, "mailboxes/u1/policy"),
			    "policy: none\nid: none\nsource: service\n");
	make_policy(f, "EUR", "multi-workload");
	make_policy(f, "Board", "mailbox");
	put_ok(f, "assignment", "EUR");
	assert_has(get(f, "mailboxes/u1/policy"), "policy: EUR\nid: ");
	assert_has(get(f, "mailboxes/u1/policy"), "\nsource: tenant\n");
	put_ok(f, "mailboxes/u1/policy", "board\n");
	assert_has(f->answer,
		   "ok: mailbox u1, which has no folder yet, is assigned policy Board; job ");
	assert_has(get(f, "mailboxes/u1/policy"), "policy: Board\nid: ");
	assert_has(get(f, "mailboxes/u1/policy"), "\nsource: mailbox\n");
	assert_has(get(f, "mailboxes/u2/policy"), "\nsource: tenant\n");
	assert_has(get(f, "policies/Board/status"), "mailboxes: 1\n");
	put_ok(f, "mailboxes/u1/policy", "none");
	assert_has(get(f, "mailboxes/u1/policy"), "\nsource: tenant\n");
}

/* A handle shows what was when it was opened, from any offset, and nothing past the end. */
static void content_is_a_snapshot(void **state)
{
	struct fix *f = *state;
	struct vtree_file *file;
	char text[TEXT_MAX], buf[8];

	make_policy(f, "EUR", "multi-workload");
	file = handle(f, "assignment", O_RDONLY);
	put_ok(f, "assignment", "EUR");
	drain(file, text, 0);
	assert_string_equal(text, "none\n");
	assert_int_equal(ops->read(file, buf, 2, 3), 2);
	assert_memory_equal(buf, "e\n", 2);
	assert_int_equal(ops->read(file, buf, 8, 5), 0);
	assert_int_equal(ops->read(file, buf, 8, INT64_MAX), 0);
	assert_int_equal(ops->read(file, buf, 8, -1), -EINVAL);
	ops->release(file);
}

/* `exec 3<>file; echo X >&3; cat <&3` goes on where the write ended; a program may seek to 0. */
static void answer_is_read_from_where_the_write_ended_or_from_0(void **state)
{
	struct fix *f = *state;
	struct vtree_file *file;
	char text[TEXT_MAX];

	make_policy(f, "EUR", "multi-workload");
	file = handle(f, "assignment", O_RDWR);
	assert_int_equal(ops->write(file, "EUR\n", 4, 0, &ROOT), 4);
	drain(file, text, 4);
	assert_has(text, "ok: policy EUR is assigned to the tenant; job 1 ");
	drain(file, text, 0);
	assert_has(text, "ok: policy EUR is assigned to the tenant; job 1 ");
	assert_int_equal(ops->write(file, "absent", 6, 0, &ROOT), -ENOENT);
	drain(file, text, 0);
	assert_has(text, "absent");
	assert_lacks(text, "ok:");
	ops->release(file);
}

/* `echo 1 >>file`: the kernel puts an append after what it believes was written before. */
static void first_write_of_an_append_is_a_command(void **state)
{
	struct fix *f = *state;
	struct vtree_file *file;

	make_policy(f, "EUR", "multi-workload");
	file = handle(f, "assignment", O_WRONLY | O_APPEND);
	assert_int_equal(ops->write(file, "EUR\n", 4, 4096, &ROOT), 4);
	assert_int_equal(ops->write(file, "EUR\n", 4, 4096, &ROOT), -EINVAL);
	ops->release(file);
	assert_has(get(f, "assignment"), "name: EUR\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIX_TEST(rows_have_the_modes_of_the_page),
		FIX_TEST(a_write_changes_the_epoch_of_writable_files),
		cmocka_unit_test(every_row_shows_and_writable_rows_store),
		FIX_TEST(version_names_format_and_store),
		FIX_TEST(workloads_shows_every_workload),
		FIX_TEST(readme_tells_how_to_begin),
		FIX_TEST(status_counts_policies_by_state),
		FIX_TEST(status_names_a_failing_root_key),
		FIX_TEST(policy_files_show_what_was_written),
		FIX_TEST(policy_status_tells_of_both_keys),
		FIX_TEST(enabled_goes_off_and_on),
		FIX_TEST(refresh_answers_with_versions),
		FIX_TEST(check_answers_with_each_check),
		FIX_TEST(assignment_takes_name_id_and_none),
		FIX_TEST(mailbox_policy_names_its_source),
		FIX_TEST(content_is_a_snapshot),
		FIX_TEST(answer_is_read_from_where_the_write_ended_or_from_0),
		FIX_TEST(first_write_of_an_append_is_a_command),
	};

	return cmocka_run_group_tests(tests, fix_setup_group, fix_teardown_group);
}
