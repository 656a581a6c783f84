/* tests/unit/test_control_refuse.c - what is refused, with which errno and sentence, and that
 * nothing changed. */
#include "tests/unit/control_fixture.h"

#include <grp.h>
#include <signal.h>
#include <sys/wait.h>

/* All that writes may change, as text. */
static void picture(struct fix *f, char out[static TEXT_MAX])
{
	static const char *const files[] = {
		"assignment",
		"mailboxes/u1/policy",
		"policies/P/kind",
		"policies/P/description",
		"policies/P/enabled",
		"policies/P/key_ids",
		"policies/D/kind",
		"policies/D/status",
		"policies/D/description",
		"policies/B/kind",
		"policies/B/enabled",
		"policies/B/key_ids",
	};
	size_t len = 0;

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		len += (size_t)snprintf(out + len, TEXT_MAX - len, "%s\n%s", files[i],
					get(f, files[i]));
}

/* Policies P (the tenant's), B (assigned to mailbox b) and the draft D. */
static void populate(struct fix *f)
{
	make_policy(f, "P", "multi-workload");
	make_policy(f, "B", "mailbox");
	assert_int_equal(make(f, "D"), 0);
	put_ok(f, "assignment", "P");
	put_ok(f, "mailboxes/b/policy", "B");
}

struct refusal {
	const char *path, *in;
	int r;
	const char *sentence; /* a part of it */
};

static const struct refusal refusals[] = {
	{"assignment", "absent", -ENOENT, "absent"},
	{"assignment", "00000000-0000-4000-8000-000000000000", -ENOENT, "00000000"},
	{"assignment", "B", -EINVAL, "mailbox"},
	{"assignment", "D", -EINVAL, ""},
	{"assignment", "", -EINVAL, "nothing was written"},
	{"assignment", " \n", -EINVAL, "nothing was written"},
	{"assignment", "P\nP", -EINVAL, "one line"},
	{"assignment", "P\tP", -EINVAL, "one line"},
	{"assignment", "\377\376", -EINVAL, "UTF-8"},
	{"assignment", "\300\200", -EINVAL, "UTF-8"},
	{"assignment", "a\355\240\200", -EINVAL, "UTF-8"},
	{"assignment", "\302\233[31m", -EINVAL, "UTF-8"},
	{"assignment", "\033[31mred", -EINVAL, "control"},
	{"policies/P/kind", "mailbox", -EBUSY, ""},
	{"policies/D/kind", "sharepoint", -EINVAL, "multi-workload or mailbox"},
	{"policies/P/enabled", "0", -EBUSY, "assigned"},
	{"policies/P/enabled", "2", -EINVAL, "write 1 or 0"},
	{"policies/P/enabled", "yes", -EINVAL, "write 1 or 0"},
	{"policies/B/enabled", "0", -EBUSY, "assigned"},
	{"policies/D/enabled", "1", -EINVAL, ""},
	{"policies/P/key_ids", KEY_A, -EINVAL, "two key ids"},
	{"policies/P/key_ids", BOTH " " KEY_A, -EINVAL, "two key ids"},
	{"policies/P/key_ids", KEY_A " " KEY_A, -EINVAL, "vault"},
	{"policies/D/key_ids", "nonsense local://x", -EINVAL, "nonsense"},
	{"policies/D/key_ids", KEY_A " local://cold/keys/missing", -ENOKEY, "missing"},
	{"policies/P/refresh", "0", -EINVAL, "write 1"},
	{"policies/P/refresh", "11", -EINVAL, "write 1"},
	{"policies/D/refresh", "1", -EINVAL, ""},
	{"policies/P/check", "please", -EINVAL, "write 1"},
	{"policies/D/check", "1", -EINVAL, ""},
	{"mailboxes/u1/policy", "P", -EINVAL, "multi-workload"},
	{"mailboxes/u1/policy", "D", -EINVAL, ""},
	{"mailboxes/u1/policy", "absent", -ENOENT, "absent"},
};

/* refuse() - try one row; its sentence must be in all three places. */
static void refuse(struct fix *f, const struct refusal *row)
{
	char beside[512], *slash;
	int r = put(f, row->path, row->in);

	if (r != row->r)
		fail_msg("%s <- %s: %s, %s", row->path, row->in, errno_name(r), f->answer);
	assert_has(f->answer, row->sentence);
	assert_true(strlen(f->answer) > 10 && strchr(f->answer, '\n')[1] == '\0');
	f->answer[strlen(f->answer) - 1] = '\0';

	(void)snprintf(beside, sizeof(beside), "%s", row->path);
	slash = strrchr(beside, '/');
	(void)strcpy(slash ? slash + 1 : beside, "last_error");
	assert_has(get(f, beside), errno_name(r));
	assert_has(get(f, beside), row->path);
	assert_has(get(f, beside), f->answer);
	assert_has(get(f, "error_log"), f->answer);
}

/* Each refusal has its errno, a sentence in three places, and no effect. */
static void refusals_say_why_and_change_nothing(void **state)
{
	struct fix *f = *state;
	char before[TEXT_MAX], after[TEXT_MAX];

	populate(f);
	picture(f, before);
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		refuse(f, &refusals[i]);
		picture(f, after);
		assert_string_equal(before, after);
	}
}

/* Too long, NUL, and in two pieces: what only a program can write. */
static void writes_that_are_no_command_are_refused(void **state)
{
	struct fix *f = *state;
	struct vtree_file *file;
	static char big[1 << 20];
	char text[TEXT_MAX];

	assert_int_equal(make(f, "D"), 0);
	memset(big, 'x', sizeof(big));
	file = handle(f, "policies/D/description", O_RDWR);
	assert_int_equal(ops->write(file, big, 4097, 0, &ROOT), -EINVAL);
	drain(file, text, 0);
	assert_has(text, "4096");
	assert_int_equal(ops->write(file, big, sizeof(big), 0, &ROOT), -EINVAL);
	assert_int_equal(ops->write(file, big, 4096, 0, &ROOT), -EINVAL); /* over 1024 */
	assert_int_equal(ops->write(file, big, 1025, 0, &ROOT), -EINVAL);
	assert_int_equal(ops->write(file, "a\0b", 3, 0, &ROOT), -EINVAL);
	assert_int_equal(ops->write(file, "\0", 1, 0, &ROOT), -EINVAL);
	assert_int_equal(ops->write(file, "rest", 4, 5, &ROOT), -EINVAL);
	drain(file, text, 0);
	assert_has(text, "one write");
	assert_string_equal(get(f, "policies/D/description"), "\n");
	assert_int_equal(ops->write(file, big, 1024, 0, &ROOT), 1024);
	assert_int_equal(strlen(get(f, "policies/D/description")), 1025);
	ops->release(file);
}

/* A handle does what it was opened for, and files without a store are never opened for writing. */
static void handles_keep_to_their_mode(void **state)
{
	struct fix *f = *state;
	struct vtree_file *file;
	char buf[8];

	file = handle(f, "assignment", O_RDONLY);
	assert_int_equal(ops->write(file, "none", 4, 0, &ROOT), -EBADF);
	ops->release(file);
	file = handle(f, "assignment", O_WRONLY);
	assert_int_equal(ops->read(file, buf, 8, 0), -EBADF);
	ops->release(file);
	assert_int_equal(ops->open(f->control, node_of(f, "README"), O_WRONLY, &ROOT, &file),
			 -EACCES);
	assert_has(get(f, "last_error"), "cannot be written");
	assert_int_equal(ops->open(f->control, node_of(f, "events"), O_RDWR, &ROOT, &file),
			 -EACCES);
	assert_int_equal(ops->open(f->control, node_of(f, "policies"), O_WRONLY, &ROOT, &file),
			 -EISDIR);
	file = handle(f, "policies", O_RDONLY);
	assert_int_equal(ops->read(file, buf, 8, 0), -EISDIR);
	ops->release(file);
}

/* The last failure stays: a success in between must not hide it from a later reader. */
static void last_error_keeps_the_newest_failure(void **state)
{
	struct fix *f = *state;

	assert_string_equal(get(f, "last_error"), "none\n");
	make_policy(f, "P", "multi-workload");
	assert_int_equal(put(f, "assignment", "first"), -ENOENT);
	put_ok(f, "assignment", "P");
	assert_has(get(f, "last_error"), "\nuid: 0\nfile: assignment\nerrno: ENOENT\nwhy: ");
	assert_has(get(f, "last_error"), "first");
	assert_int_equal(put(f, "assignment", "second"), -ENOENT);
	assert_lacks(get(f, "last_error"), "first");
	assert_string_equal(get(f, "policies/P/last_error"), "none\n"); /* the folder's own */
}

/* 256 failures are kept, oldest first, and older ones go. */
static void error_log_keeps_256(void **state)
{
	struct fix *f = *state;
	const char *at;
	char name[32];
	int n = 0;

	for (int i = 0; i < 300; i++) {
		(void)snprintf(name, sizeof(name), "absent-%03d-", i);
		assert_int_equal(put(f, "assignment", name), -ENOENT);
	}
	at = get(f, "error_log");
	assert_lacks(at, "absent-043-");
	assert_has(at, "\t0\tassignment\tENOENT\t");
	for (; *at; at = strchr(at, '\n') + 1, n++) {
		(void)snprintf(name, sizeof(name), "absent-%03d-", 44 + n);
		assert_true(strstr(at, name) && strstr(at, name) < strchr(at, '\n'));
	}
	assert_int_equal(n, 256);
}

/* Folders come and go in policies/ alone. */
static void folders_elsewhere_are_refused(void **state)
{
	struct fix *f = *state;
	uint64_t top = VTREE_ROOT, policies, mailboxes, policy;
	struct vtree_attr attr;

	make_policy(f, "P", "multi-workload");
	policies = node_of(f, "policies");
	mailboxes = node_of(f, "mailboxes");
	policy = node_of(f, "policies/P");
	assert_int_equal(ops->mkdir(f->control, top, "jobs", &ROOT, &attr), -EPERM);
	assert_has(get(f, "last_error"), "errno: EPERM\nwhy: mkdir");
	assert_has(get(f, "last_error"), "\nfile: jobs\n");
	assert_int_equal(ops->mkdir(f->control, mailboxes, "u9", &ROOT, &attr), -EPERM);
	assert_has(get(f, "last_error"), "below mailbox/");
	assert_int_equal(ops->mkdir(f->control, policy, "x", &ROOT, &attr), -EPERM);
	assert_has(get(f, "last_error"), "\nfile: policies/P/x\n");
	assert_int_equal(ops->rmdir(f->control, top, "policies", &ROOT), -EPERM);
	assert_int_equal(ops->rmdir(f->control, mailboxes, "u1", &ROOT), -EPERM);
	assert_int_equal(ops->rename(f->control, top, "policies", top, "p", &ROOT), -EPERM);
	assert_int_equal(ops->rename(f->control, policies, "P", policy, "P", &ROOT), -EPERM);
	assert_int_equal(ops->rename(f->control, policy, "kind", policies, "K", &ROOT), -EPERM);
	assert_int_equal(ops->rename(f->control, policies, "P", mailboxes, "P", &ROOT), -EPERM);
	assert_int_equal(look(f, "policies/P", &attr), 0);
}

static void policy_folders_are_refused_with_a_sentence(void **state)
{
	struct fix *f = *state;
	uint64_t policies = node_of(f, "policies");
	char name[POLICY_NAME_MAX + 2];

	make_policy(f, "EUR", "multi-workload");
	assert_int_equal(make(f, "Draft"), 0);
	assert_int_equal(make(f, "eur"), -EEXIST);
	assert_has(get(f, "last_error"), "file: policies/eur\nerrno: EEXIST\n");
	assert_int_equal(make(f, " x"), -EINVAL);
	assert_int_equal(make(f, "none"), -EINVAL);
	assert_int_equal(make(f, "a\nb"), -EINVAL);
	assert_has(get(f, "last_error"), "file: policies/a?b\n");
	assert_int_equal(make(f, "6f1d2a34-0000-4000-8000-000000000001"), -EINVAL);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(make(f, name), -ENAMETOOLONG);
	assert_int_equal(put(f, "assignment", "EUR"), 0);
	assert_int_equal(ops->rmdir(f->control, policies, "EUR", &ROOT), -EBUSY);
	assert_has(get(f, "last_error"), "file: policies/EUR\nerrno: EBUSY\nwhy: ");
	assert_has(get(f, "policies/EUR/last_error"), "errno: EBUSY");
	assert_has(get(f, "last_error"), "rmdir removes drafts only");
	make_policy(f, "Unused", "multi-workload"); /* `remove` would take it at once */
	assert_int_equal(ops->rmdir(f->control, policies, "Unused", &ROOT), -EBUSY);
	assert_has(get(f, "policies/Unused/last_error"), "write 1 to its file remove");
	assert_has(get(f, "policies/Unused/status"), "state: ready\n");
	put_ok(f, "policies/Unused/remove", "1");
	assert_int_equal(ops->rmdir(f->control, policies, "absent", &ROOT), -ENOENT);
	assert_int_equal(ops->rename(f->control, policies, "Draft", policies, "EUR", &ROOT),
			 -EEXIST);
	assert_int_equal(ops->rename(f->control, policies, "Draft", policies, "Eur", &ROOT),
			 -EEXIST);
	assert_int_equal(ops->rename(f->control, policies, "absent", policies, "x", &ROOT),
			 -ENOENT);
	assert_has(get(f, "error_log"), "policies/absent\tENOENT\t");
}

/* everything_is_refused() - to a caller outside the group, also through a handle it inherited.
 */
static void everything_is_refused(struct fix *f, const struct actor *outsider)
{
	uint64_t policies = node_of(f, "policies");
	struct vtree_file *file;
	struct vtree_attr attr;

	assert_int_equal(put_as(f, "assignment", "none", outsider), -EACCES);
	assert_has(get(f, "last_error"), "uid: 1001\nfile: assignment\nerrno: EACCES\n");
	assert_int_equal(ops->open(f->control, node_of(f, "status"), O_RDONLY, outsider, &file),
			 -EACCES);
	assert_int_equal(ops->mkdir(f->control, policies, "Q", outsider, &attr), -EACCES);
	assert_int_equal(ops->rmdir(f->control, policies, "P", outsider), -EACCES);
	assert_int_equal(ops->rename(f->control, policies, "P", policies, "Q", outsider), -EACCES);

	file = handle(f, "assignment", O_WRONLY);
	assert_int_equal(ops->write(file, "none", 4, 0, outsider), -EACCES);
	ops->release(file);
	assert_has(get(f, "assignment"), "name: P\n");
}

/* A process of no group but its own; killed and reaped by the caller. */
static pid_t sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	assert_true(pid > 0);
	return pid;
}

static void end_sleeper(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Allowed: root, the owner, the group, also as a supplementary one, which the kernel does not
 * report. Refused: a process whose groups are read and lack it. */
static void only_owner_and_group_get_in(void **state)
{
	struct fix *f = *state;
	pid_t pid = sleeper();
	struct actor outsider = {.uid = 1001, .gid = 1001, .pid = pid};
	struct actor extra = {.uid = 1001, .gid = 1001, .pid = getpid()};
	gid_t group = ADMIN;

	make_policy(f, "P", "multi-workload");
	assert_int_equal(put_as(f, "assignment", "P", &MEMBER), 0);
	everything_is_refused(f, &outsider);
	if (geteuid() == 0) {
		assert_int_equal(setgroups(1, &group), 0);
		assert_int_equal(put_as(f, "assignment", "none", &extra), 0);
		assert_int_equal(setgroups(0, NULL), 0);
		assert_int_equal(put_as(f, "assignment", "P", &extra), -EACCES);
	}
	end_sleeper(pid);
}

static int write_through(struct fix *f, const struct actor *opener, const struct actor *writer)
{
	struct vtree_file *file;
	int r = ops->open(f->control, node_of(f, "policies/D/description"), O_WRONLY, opener,
			  &file);

	if (r < 0)
		return r;
	r = (int)ops->write(file, "text", 4, 0, writer);
	ops->release(file);
	return r;
}

/* The kernel checks no right before a write to a handle that is open already: a writer that has
 * ended, or is in another pid namespace, must not get in because its groups cannot be read. */
static void writers_whose_groups_cannot_be_read_are_refused(void **state)
{
	struct fix *f = *state;
	struct actor hidden = {.uid = 1001, .gid = 1001, .pid = 0};
	struct actor ended = {.uid = 1001, .gid = 1001, .pid = sleeper()};

	assert_int_equal(make(f, "D"), 0);
	end_sleeper(ended.pid);
	assert_int_equal(write_through(f, &ROOT, &ended), -EACCES);
	assert_int_equal(write_through(f, &ROOT, &hidden), -EACCES);
	assert_int_equal(write_through(f, &MEMBER, &ended), -EACCES);
	assert_int_equal(write_through(f, &hidden, &hidden), -EACCES);
	assert_has(get(f, "policies/D/last_error"), "not known to be in the admin group");
	/* its own open was checked by the kernel */
	assert_int_equal(write_through(f, &ended, &ended), 4);
	hidden.gid = ADMIN;
	assert_int_equal(write_through(f, &ROOT, &hidden), 4);
}

/* Each control write is an event with uid and gid, also one that reaches no act. */
static void refusals_and_inherited_handles_are_events(void **state)
{
	struct fix *f = *state;
	struct vtree_file *file;
	char text[TEXT_MAX];

	assert_int_equal(make(f, "D"), 0);
	assert_int_equal(put_as(f, "policies/D/enabled", "perhaps", &MEMBER), -EINVAL);
	file = handle(f, "policies/D/description", O_WRONLY);
	assert_int_equal(ops->write(file, "by a member", 11, 0, &MEMBER), 11);
	ops->release(file);
	assert_int_equal(audit_sync(f->engine->audit, NULL), 0);
	file = handle(f, "events", O_RDONLY);
	drain(file, text, 0);
	ops->release(file);
	assert_has(text, "\"event\":\"control-refused\",\"uid\":1000,\"gid\":4242");
	assert_has(text, "\"file\":\"policies/D/enabled\"");
	assert_has(text, "\"event\":\"control-write-inherited\",\"uid\":1000");
	assert_has(text, "\"opener_uid\":0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIX_TEST(refusals_say_why_and_change_nothing),
		FIX_TEST(writes_that_are_no_command_are_refused),
		FIX_TEST(handles_keep_to_their_mode),
		FIX_TEST(last_error_keeps_the_newest_failure),
		FIX_TEST(error_log_keeps_256),
		FIX_TEST(folders_elsewhere_are_refused),
		FIX_TEST(policy_folders_are_refused_with_a_sentence),
		FIX_TEST(only_owner_and_group_get_in),
		FIX_TEST(writers_whose_groups_cannot_be_read_are_refused),
		FIX_TEST(refusals_and_inherited_handles_are_events),
	};

	return cmocka_run_group_tests(tests, fix_setup_group, fix_teardown_group);
}
