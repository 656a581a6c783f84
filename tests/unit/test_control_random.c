/* tests/unit/test_control_random.c - random bytes, into every file: for ASan. */
#include "tests/unit/control_fixture.h"

/* xorshift64: the same bytes each time, so that a failure can be repeated. */
static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Bytes of all sorts, and now and then words that almost make sense. */
static size_t random_text(uint64_t *seed, char *out, size_t capacity)
{
	static const char *const words[] = {KEY_A, KEY_B,     "1 ", "nil",
					    "P\n", "mailbox", "\t", "local://"};
	size_t len = 0, want = next_random(seed) % (next_random(seed) % 8 ? 64 : capacity);

	while (len < want) {
		uint64_t r = next_random(seed);
		const char *word = words[r >> 8 & 7];

		if (r % 4 == 0 && len + strlen(word) < capacity) {
			memcpy(out + len, word, strlen(word));
			len += strlen(word);
		} else {
			out[len++] = (char)(r >> 16);
		}
	}
	return len;
}

/* random_write() - one write into @path; when it is refused, the value is as it was. */
static void random_write(struct fix *f, const char *path, uint64_t *seed)
{
	static char in[6000];
	size_t len = random_text(seed, in, sizeof(in));
	off_t off = next_random(seed) % 8 ? 0 : (off_t)(next_random(seed) >> 1);
	struct vtree_file *file = handle(f, path, O_RDWR);
	char before[2048], text[TEXT_MAX];
	ssize_t n;

	(void)snprintf(before, sizeof(before), "%s", get(f, path));
	n = ops->write(file, in, len, off, &ROOT);
	drain(file, text, 0); /* an answer, whatever was written */
	assert_true(strlen(text) > 3);
	ops->release(file);
	if (n < 0)
		assert_string_equal(get(f, path), before);
	else
		assert_int_equal(n, len);
}

/* Nothing crashes, and what is refused leaves every value as it was. */
static void random_writes_are_harmless(void **state)
{
	static const char *const files[] = {
		"assignment",	      "policies/P/kind",    "policies/P/description",
		"policies/P/enabled", "policies/P/key_ids", "policies/D/description",
		"policies/D/kind",    "policies/D/enabled", "policies/D/key_ids",
		"policies/D/refresh", "policies/D/check",   "mailboxes/u/policy",
	};
	struct fix *f = *state;
	uint64_t seed = 0x9e3779b97f4a7c15;

	make_policy(f, "P", "multi-workload");
	assert_int_equal(make(f, "D"), 0);
	put_ok(f, "assignment", "P");
	for (int i = 0; i < 2000; i++)
		random_write(f, files[next_random(&seed) % 12], &seed);
	assert_has(get(f, "assignment"), "name: P\n");
	assert_has(get(f, "policies/D/status"), "state: draft\n");
	assert_has(get(f, "policies/P/status"), "generation: 1\n");
	assert_has(get(f, "policies/P/status"), "enabled: 1\nassigned: yes\n");
}

/* Names of all sorts, as folders and as mailboxes. */
static void random_names_are_harmless(void **state)
{
	struct fix *f = *state;
	uint64_t seed = 88172645463325252, policies = node_of(f, "policies");
	struct vtree_attr attr;
	static char name[300];

	for (int i = 0; i < 500; i++) {
		size_t len = random_text(&seed, name, sizeof(name) - 1);

		name[len] = '\0';
		for (size_t k = 0; k < len; k++) /* the kernel hands on neither of these */
			if (name[k] == '/' || name[k] == '\0')
				name[k] = '_';
		if (ops->mkdir(f->control, policies, name, &ROOT, &attr) == 0)
			assert_int_equal(ops->rmdir(f->control, policies, name, &ROOT), 0);
		(void)ops->lookup(f->control, node_of(f, "mailboxes"), name, &attr);
		(void)ops->lookup(f->control, VTREE_ROOT, name, &attr);
	}
	assert_has(get(f, "status"), "policies: 0\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIX_TEST(random_writes_are_harmless),
		FIX_TEST(random_names_are_harmless),
	};

	return cmocka_run_group_tests(tests, fix_setup_group, fix_teardown_group);
}
