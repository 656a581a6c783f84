/* tests/unit/store_fixture.h - fs/store: a throw-away store with its service key. */
#ifndef DEPFS_TEST_STORE_FIXTURE_H
#define DEPFS_TEST_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "crypto/kdf.h"
#include "crypto/secret.h"
#include "fs/store/store.h"

struct fix {
	char top[64];	/* throw-away folder */
	char store[80]; /* top "/store" */
	char key[96];	/* top "/key" */
	char spec[104]; /* "file:" key */
	uint8_t id[UUID_LEN];
};

static inline int fix_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void fix_rm(const char *path)
{
	(void)nftw(path, fix_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A folder and names, nothing made in it. */
static inline int fix_names(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	(void)snprintf(f->top, sizeof(f->top), "%s/depfs-store-XXXXXX",
		       getenv("TMPDIR") && strlen(getenv("TMPDIR")) < 30 ? getenv("TMPDIR")
									 : "/tmp");
	if (!mkdtemp(f->top))
		return -1;
	(void)snprintf(f->store, sizeof(f->store), "%s/store", f->top);
	(void)snprintf(f->key, sizeof(f->key), "%s/key", f->top);
	(void)snprintf(f->spec, sizeof(f->spec), "file:%s", f->key);
	*state = f;
	return 0;
}

/* The same, with a store. */
static inline int fix_setup(void **state)
{
	struct err err = {0};
	struct fix *f;
	int r;

	if (fix_names(state) < 0)
		return -1;
	f = *state;
	r = store_create(f->store, f->spec, f->id, &err);
	if (r < 0)
		print_error("store_create: %s\n", err_text(&err, r));
	return r;
}

static inline int fix_teardown(void **state)
{
	struct fix *f = *state;

	fix_rm(f->top);
	free(f);
	return 0;
}

static inline int fix_group(void **state)
{
	struct err err = {0};

	(void)state;
	return secret_init(&err) < 0 ? -1 : 0;
}

/* fix_path() - "STORE/.depfs/NAME", valid until the eighth call after. */
static inline const char *fix_path(const struct fix *f, const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *out = paths[next++ % 8];

	(void)snprintf(out, sizeof(paths[0]), "%s/.depfs/%s", f->store, name);
	return out;
}

/* Success has no sentence; a refusal has one. */
static inline int fix_judged(int r, const struct err *err)
{
	if (r < 0 && !err->text[0])
		fail_msg("%s without a sentence", strerrorname_np(-r));
	if (r == 0 && err->text[0])
		fail_msg("success with a sentence: %s", err->text);
	return r;
}

static inline int fix_open_err(const struct fix *f, enum store_mode mode, struct store **ret_store,
			       struct err *err)
{
	memset(err, 0, sizeof(*err));
	return fix_judged(store_open(f->store, mode, f->spec, ret_store, err), err);
}

static inline int fix_try_open(const struct fix *f, enum store_mode mode, struct store **ret_store)
{
	struct err err;

	return fix_open_err(f, mode, ret_store, &err);
}

static inline struct store *fix_open(const struct fix *f, enum store_mode mode)
{
	struct store *s = NULL;
	struct err err;

	if (fix_open_err(f, mode, &s, &err) < 0)
		fail_msg("store_open: %s", err.text);
	return s;
}

static inline struct store_txn *fix_begin(struct store *s, enum store_access access)
{
	struct store_txn *t = NULL;
	struct err err = {0};

	assert_int_equal(fix_judged(store_begin(s, access, &t, &err), &err), 0);
	return t;
}

/* One record in one transaction; the outcome of the commit. */
static inline int fix_try_put(struct store *s, enum store_table table, const char *key,
			      const char *value, enum store_durability how, struct err *err)
{
	struct store_txn *t = fix_begin(s, STORE_WRITE);

	memset(err, 0, sizeof(*err));
	assert_int_equal(store_put(t, table, key, strlen(key), value, strlen(value), err), 0);
	return fix_judged(store_commit(t, how, err), err);
}

static inline void fix_put(struct store *s, enum store_table table, const char *key,
			   const char *value, enum store_durability how)
{
	struct err err;

	if (fix_try_put(s, table, key, value, how, &err) < 0)
		fail_msg("put %s: %s", key, err.text);
}

/* fix_get() - the record as text, "" when there is none; valid until the next call. */
static inline const char *fix_get(struct store *s, enum store_table table, const char *key)
{
	static char out[4096];
	struct store_txn *t = fix_begin(s, STORE_READ);
	const uint8_t *value;
	struct err err = {0};
	size_t len = 0;
	int r = store_get(t, table, key, strlen(key), &value, &len, &err);

	if (r < 0 && r != -ENOENT)
		fail_msg("get %s: %s", key, err.text);
	assert_true(len < sizeof(out));
	if (r == 0)
		memcpy(out, value, len);
	out[len] = '\0';
	store_abort(t);
	return out;
}

static inline bool fix_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static inline size_t fix_read(const char *path, void *out, size_t capacity)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	n = read(fd, out, capacity);
	assert_true(n >= 0);
	close(fd);
	return (size_t)n;
}

static inline void fix_write(const char *path, const void *in, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	assert_int_equal(write(fd, in, len), len);
	close(fd);
}

/* A hash over names, modes and contents of all below @path: equal means nothing was changed. */
static struct {
	uint8_t sum[SHA256_LEN];
} fix_tree;

static inline int fix_tree_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	static uint8_t content[4u << 20];
	size_t len = type == FTW_F ? fix_read(path, content, sizeof(content)) : 0;
	uint8_t one[SHA256_LEN];
	const struct kdf_part parts[] = {
		{path, strlen(path) + 1},
		{&st->st_mode, sizeof(st->st_mode)},
		{content, len},
	};

	(void)ftw;
	if (sha256(parts, 3, one) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(one); i++) /* whatever the order of the walk */
		fix_tree.sum[i] ^= one[i];
	return 0;
}

static inline void fix_tree_sum(const struct fix *f, uint8_t ret_sum[static SHA256_LEN])
{
	memset(&fix_tree, 0, sizeof(fix_tree));
	assert_int_equal(nftw(f->top, fix_tree_one, 16, FTW_PHYS), 0);
	memcpy(ret_sum, fix_tree.sum, SHA256_LEN);
}

#endif
