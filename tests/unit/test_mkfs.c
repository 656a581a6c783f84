/* tests/unit/test_mkfs.c - the program mkfs.depfs: what it prints, refuses and exits with. */
#include "crypto/base/version.h"
#include "tests/unit/store_fixture.h"

#include <libgen.h>
#include <limits.h>
#include <sys/wait.h>

struct run {
	int status;
	char out[4096], err[4096];
};

/* mkfs.depfs lies beside this test, where the build puts programs. */
static const char *program(void)
{
	static char path[PATH_MAX + 16];
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	assert_true(n > 0);
	self[n] = '\0';
	(void)snprintf(path, sizeof(path), "%s/mkfs.depfs", dirname(self));
	return path;
}

static void slurp(const char *path, char *out, size_t capacity)
{
	size_t n = fix_read(path, out, capacity - 1);

	out[n] = '\0';
}

/* Runs it with up to three arguments, NULL: no more. */
static struct run mkfs(const struct fix *f, const char *a, const char *b, const char *c)
{
	char out[160], err[160];
	struct run run = {0};
	int status;
	pid_t pid;

	(void)snprintf(out, sizeof(out), "%s.out", f->top);
	(void)snprintf(err, sizeof(err), "%s.err", f->top);
	pid = fork();
	if (pid == 0) {
		if (!freopen(out, "w", stdout) || !freopen(err, "w", stderr))
			_exit(127);
		(void)execl(program(), "mkfs.depfs", a, a ? b : NULL, b ? c : NULL, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	run.status = WEXITSTATUS(status);
	if (run.status == 127)
		fail_msg("%s cannot be run: build it first", program());
	slurp(out, run.out, sizeof(run.out));
	slurp(err, run.err, sizeof(run.err));
	(void)unlink(out);
	(void)unlink(err);
	return run;
}

/* The operator reads where the key is, and that it is to be kept; programs find the id. */
static void mkfs_makes_a_store_and_tells_where_its_key_is(void **state)
{
	struct fix *f = *state;
	struct run run = mkfs(f, "--service-key", f->spec, f->store);
	struct store_format fmt;
	char uuid[UUID_TEXT_LEN], line[64];

	assert_int_equal(run.status, 0);
	assert_string_equal(run.err, "");
	assert_int_equal(store_read_format(f->store, &fmt, NULL), 0);
	uuid_encode(fmt.store_id, uuid);
	(void)snprintf(line, sizeof(line), "\nid: %s\n", uuid);
	assert_non_null(strstr(run.out, line));
	assert_non_null(strstr(run.out, f->key));
	assert_non_null(strstr(run.out, "outside the store"));
	store_close(fix_open(f, STORE_SERVE), true);
}

/* No key byte is ever printed. */
static void mkfs_prints_no_key(void **state)
{
	struct fix *f = *state;
	struct run run = mkfs(f, "-k", f->spec, f->store);
	char line[128] = {0}, part[17] = {0};

	assert_int_equal(fix_read(f->key, line, sizeof(line) - 1), 122);
	for (size_t at = 57; at + 16 <= 121; at++) {
		memcpy(part, line + at, 16);
		assert_null(strstr(run.out, part));
		assert_null(strstr(run.err, part));
	}
}

/* One sentence, exit status 1, and nothing changed. */
static void refused(const struct fix *f, const char *spec, const char *store, const char *word)
{
	uint8_t before[SHA256_LEN], after[SHA256_LEN];
	struct run run;

	fix_tree_sum(f, before);
	run = mkfs(f, "-k", spec, store);
	assert_int_equal(run.status, 1);
	assert_string_equal(run.out, "");
	if (!strstr(run.err, word))
		fail_msg("'%s' is not in: %s", word, run.err);
	assert_memory_equal(run.err, "mkfs.depfs: ", 12);
	assert_ptr_equal(strchr(run.err, '\n'), run.err + strlen(run.err) - 1);
	fix_tree_sum(f, after);
	assert_memory_equal(before, after, SHA256_LEN);
}

static void mkfs_refuses_in_one_sentence(void **state)
{
	struct fix *f = *state;
	char path[160], spec[160];

	(void)snprintf(path, sizeof(path), "%s/none/store", f->top);
	refused(f, f->spec, path, "No such file or directory");
	(void)snprintf(spec, sizeof(spec), "file:%s/key", f->store);
	refused(f, spec, f->store, "inside the store");
	refused(f, "key", f->store, "file:PATH");
	refused(f, "file:key", f->store, "not absolute");
	assert_int_equal(mkdir(f->store, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/x", f->store);
	fix_write(path, "x", 1);
	refused(f, f->spec, f->store, "not empty");
	fix_rm(path);
	fix_write(f->key, "precious", 8);
	refused(f, f->spec, f->store, "never overwritten");
	fix_rm(f->key);
	assert_int_equal(mkfs(f, "-k", f->spec, f->store).status, 0);
	refused(f, f->spec, f->store, "is a store already");
	(void)snprintf(path, sizeof(path), "%s/mailbox", f->store);
	refused(f, "file:/tmp/none.key", path, "would lie in the store");
}

/* Usage is exit status 2 and goes to stderr; help is an answer. */
static void mkfs_tells_usage_from_refusal(void **state)
{
	struct fix *f = *state;
	struct run run;
	char want[200];

	run = mkfs(f, NULL, NULL, NULL);
	assert_int_equal(run.status, 2);
	assert_non_null(strstr(run.err, "see mkfs.depfs --help"));
	assert_int_equal(mkfs(f, "--nonsense", f->store, NULL).status, 2);
	assert_int_equal(mkfs(f, f->store, f->top, NULL).status, 2);
	assert_int_equal(mkfs(f, "--service-key", NULL, NULL).status, 2);
	assert_false(fix_exists(f->store));
	run = mkfs(f, "--help", NULL, NULL);
	assert_int_equal(run.status, 0);
	assert_non_null(strstr(run.out, "usage: mkfs.depfs"));
	assert_string_equal(run.err, "");
	run = mkfs(f, "--version", NULL, NULL);
	assert_int_equal(run.status, 0);
	(void)snprintf(want, sizeof(want), "mkfs.depfs %s\n", version_text);
	assert_string_equal(run.out, want);
	assert_ptr_equal(strstr(version_text, DEPFS_VERSION), version_text);
}

#define NAMES(test) cmocka_unit_test_setup_teardown(test, fix_names, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		NAMES(mkfs_makes_a_store_and_tells_where_its_key_is),
		NAMES(mkfs_prints_no_key),
		NAMES(mkfs_refuses_in_one_sentence),
		NAMES(mkfs_tells_usage_from_refusal),
	};

	return cmocka_run_group_tests(tests, fix_group, NULL);
}
