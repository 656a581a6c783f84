/* tests/unit/store_look.h - fs/store: a store with records of all sizes, and the outcome of opening
 * it. */
#ifndef DEPFS_TEST_STORE_LOOK_H
#define DEPFS_TEST_STORE_LOOK_H

#include "tests/unit/store_fixture.h"

#include <sys/wait.h>

#define PAGE 4096

/* Runs @fn in a process of its own: a crash in LMDB is an outcome too. */
static inline int in_child(const struct fix *f, int (*fn)(const struct fix *f))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(fn(f));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status))
		fail_msg("killed by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

/* Exit status: the outcome of opening the store and reading its records. */
enum look {
	LOOK_WHOLE,   /* opened, every record right */
	LOOK_REFUSED, /* one sentence */
	LOOK_WRONG,   /* opened, but a record lacks or differs */
	LOOK_SILENT,  /* refused without a sentence, or with an odd errno */
};

#define RECORDS 40 /* some with values long enough for overflow pages */

static inline void record_of(int i, char key[static 16], char value[static 4000])
{
	(void)snprintf(key, 16, "policy-%02d", i);
	memset(value, 'a' + i % 26, 3999);
	value[i % 4 == 0 ? 3999 : 100] = '\0';
}

static inline int look(const struct fix *f)
{
	char key[16], value[4000];
	struct err err = {0};
	struct store *s;
	int r = store_open(f->store, STORE_READ_ONLY, f->spec, &s, &err);

	if (r < 0 && (!err.text[0] || (r != -EBADMSG && r != -ENOTSUP && r != -EKEYREJECTED)))
		return LOOK_SILENT;
	if (r < 0)
		return LOOK_REFUSED;
	for (int i = 0; r == 0 && i < RECORDS; i++) {
		record_of(i, key, value);
		r = strcmp(fix_get(s, TABLE_POLICIES, key), value);
	}
	store_close(s, true);
	return r == 0 ? LOOK_WHOLE : LOOK_WRONG;
}

/* A store with records of all sizes and some pages freed again. */
static inline int setup_filled(void **state)
{
	char key[16], value[4000];
	struct store_txn *t;
	struct store *s;

	if (fix_setup(state) < 0)
		return -1;
	s = fix_open(*state, STORE_SERVE);
	t = fix_begin(s, STORE_WRITE);
	for (int i = 0; i < RECORDS; i++) {
		record_of(i, key, value);
		assert_int_equal(
			store_put(t, TABLE_POLICIES, key, strlen(key), value, strlen(value), NULL),
			0);
	}
	assert_int_equal(store_commit(t, STORE_COMMIT_SNAPSHOT, NULL), 0);
	fix_put(s, TABLE_JOBS, "j", "v", STORE_COMMIT);
	store_close(s, true);
	assert_int_equal(look(*state), LOOK_WHOLE);
	return 0;
}

#endif
