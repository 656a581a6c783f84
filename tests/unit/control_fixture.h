/* tests/unit/control_fixture.h - a store with vaults, its engine and its control directory, for
 * test_control_*.c. */
#ifndef DEPFS_TEST_CONTROL_FIXTURE_H
#define DEPFS_TEST_CONTROL_FIXTURE_H

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

#include "crypto/secret.h"
#include "fs/control/control.h"
#include "fs/engine/engine.h"
#include "kms/local/local.h"

#define KEY_A	 "local://hot/keys/a"
#define KEY_B	 "local://cold/keys/b"
#define BOTH	 KEY_A " " KEY_B
#define ADMIN	 4242 /* the admin group; of no user on a machine that runs tests */
#define TEXT_MAX 65536

static const struct vtree_ops *const ops = &control_vtree_ops;

struct fix {
	char dir[64]; /* vaults/, store/, service.key */
	char vaults[96], store[96];
	struct engine *engine;
	struct control *control;
	char answer[TEXT_MAX]; /* to the last put() */
};

static const struct actor ROOT = {.uid = 0, .gid = 0, .pid = 1};
/* Pid 0: in no /proc, so that uid and gid alone decide. */
static const struct actor MEMBER = {.uid = 1000, .gid = ADMIN};

static inline struct key_id fix_key(const char *text)
{
	struct key_id id;

	assert_int_equal(local_uri_parse(text, &id, NULL), 0);
	return id;
}

static inline void fix_create(const char *vaults, const char *uri)
{
	struct local_create rsa = {
		.kty = "RSA", .bits = 2048, .ops = LOCAL_OP_WRAP | LOCAL_OP_UNWRAP};
	struct key_id id = fix_key(uri);
	char key_id[KEY_ID_MAX];
	struct err err = {0};
	int r = local_key_create(vaults, &id, &rsa, key_id, &err);

	if (r < 0)
		fail_msg("create %s: %s", uri, err_text(&err, r));
}

static inline int fix_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

/* Making RSA keys is slow: they are made once a program, and each test gets a copy. */
static char fix_template[64];

static inline int fix_setup_group(void **state)
{
	(void)state;
	assert_true(secret_init(NULL) >= 0); /* 1: works, where memory may not be locked too */
	(void)snprintf(fix_template, sizeof(fix_template), "/tmp/depfs-control-XXXXXX");
	assert_non_null(mkdtemp(fix_template));
	fix_create(fix_template, KEY_A);
	fix_create(fix_template, KEY_B);
	return 0;
}

static inline int fix_teardown_group(void **state)
{
	(void)state;
	assert_int_equal(nftw(fix_template, fix_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
	return 0;
}

static inline void fix_gauges(void *arg, struct control_gauges *ret_gauges)
{
	(void)arg;
	*ret_gauges = (struct control_gauges){.requests_waiting = 7, .inodes_cached = 11};
}

static inline void fix_open(struct fix *f)
{
	char spec[128];
	struct engine_config config = {.store_path = f->store,
				       .service_spec = spec,
				       .vaults_dir = f->vaults,
				       .key_check_s = 3600};
	struct control_config control = {
		.admin_gid = ADMIN, .mount = "/srv/mail", .gauges = fix_gauges};
	struct err err = {0};
	int r;

	(void)snprintf(spec, sizeof(spec), "file:%s/service.key", f->dir);
	r = engine_open(&config, &f->engine, &err);
	if (r < 0)
		fail_msg("engine: %s", err_text(&err, r));
	control.engine = f->engine;
	assert_int_equal(control_new(&control, &f->control, &err), 0);
}

static inline void fix_close(struct fix *f)
{
	control_free(f->control);
	engine_close(f->engine, true);
}

static inline int fix_setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));
	uint8_t store_id[UUID_LEN];
	char command[256], spec[128];
	struct err err = {0};
	int r;

	assert_non_null(f);
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/depfs-control-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->vaults, sizeof(f->vaults), "%s/vaults", f->dir);
	(void)snprintf(f->store, sizeof(f->store), "%s/store", f->dir);
	(void)snprintf(spec, sizeof(spec), "file:%s/service.key", f->dir);
	(void)snprintf(command, sizeof(command), "cp -a %s %s", fix_template, f->vaults);
	assert_int_equal(system(command), 0);
	r = store_create(f->store, spec, store_id, &err);
	if (r < 0)
		fail_msg("store: %s", err_text(&err, r));
	fix_open(f);
	*state = f;
	return 0;
}

static inline int fix_teardown(void **state)
{
	struct fix *f = *state;

	fix_close(f);
	assert_int_equal(nftw(f->dir, fix_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
	free(f);
	return 0;
}

/* look() - walk @path as the kernel does; the attributes of what lies there. */
static inline int look(struct fix *f, const char *path, struct vtree_attr *ret_attr)
{
	char copy[1024], *rest = NULL;
	uint64_t node = VTREE_ROOT;
	int r = ops->getattr(f->control, node, ret_attr);

	(void)snprintf(copy, sizeof(copy), "%s", path);
	for (char *part = strtok_r(copy, "/", &rest); part && r == 0;
	     part = strtok_r(NULL, "/", &rest)) {
		r = ops->lookup(f->control, node, part, ret_attr);
		node = ret_attr->node;
	}
	return r;
}

static inline uint64_t node_of(struct fix *f, const char *path)
{
	struct vtree_attr attr;
	int r = look(f, path, &attr);

	if (r < 0)
		fail_msg("%s: %s", path, strerror(-r));
	return attr.node;
}

static inline struct vtree_file *handle(struct fix *f, const char *path, int flags)
{
	struct vtree_file *file = NULL;
	int r = ops->open(f->control, node_of(f, path), flags, &ROOT, &file);

	if (r < 0)
		fail_msg("open %s: %s", path, strerror(-r));
	return file;
}

/* drain() - read on in small pieces from @off, as cat(1) would; text ends with NUL. */
static inline size_t drain(struct vtree_file *file, char *out, off_t off)
{
	size_t len = 0;
	ssize_t n;

	while ((n = ops->read(file, out + len, 700, off + (off_t)len)) > 0) {
		len += (size_t)n;
		assert_true(len < TEXT_MAX - 700);
	}
	assert_int_equal(n, 0);
	out[len] = '\0';
	return len;
}

/* get() - what a file shows; good until the next one. */
static inline const char *get(struct fix *f, const char *path)
{
	static _Thread_local char text[TEXT_MAX];
	struct vtree_file *file = handle(f, path, O_RDONLY);

	drain(file, text, 0);
	ops->release(file);
	return text;
}

/* put_as() - one command, its answer into f->answer. Return: 0 or its negative errno. */
static inline int put_as(struct fix *f, const char *path, const char *text,
			 const struct actor *actor)
{
	struct vtree_file *file = NULL;
	ssize_t n;
	int r = ops->open(f->control, node_of(f, path), O_RDWR | O_TRUNC, actor, &file);

	if (r < 0)
		return r;
	n = ops->write(file, text, strlen(text), 0, actor);
	assert_true(n < 0 || (size_t)n == strlen(text));
	drain(file, f->answer, 0);
	ops->release(file);
	return n < 0 ? (int)n : 0;
}

static inline int put(struct fix *f, const char *path, const char *text)
{
	return put_as(f, path, text, &ROOT);
}

static inline void put_ok(struct fix *f, const char *path, const char *text)
{
	int r = put(f, path, text);

	if (r < 0)
		fail_msg("%s <- %s: %s: %s", path, text, strerror(-r), f->answer);
	if (strncmp(f->answer, "ok: ", 4) != 0)
		fail_msg("%s <- %s: answer '%s'", path, text, f->answer);
}

static inline int make(struct fix *f, const char *name)
{
	struct vtree_attr attr;

	return ops->mkdir(f->control, node_of(f, "policies"), name, &ROOT, &attr);
}

/* make_policy() - a complete one. */
static inline void make_policy(struct fix *f, const char *name, const char *kind)
{
	char path[256];

	assert_int_equal(make(f, name), 0);
	(void)snprintf(path, sizeof(path), "policies/%s/kind", name);
	put_ok(f, path, kind);
	(void)snprintf(path, sizeof(path), "policies/%s/key_ids", name);
	put_ok(f, path, BOTH "\n");
}

static inline void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no '%s' in:\n%s", part, text);
}

static inline void assert_lacks(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("'%s' is in:\n%s", part, text);
}

/* Entries of one readdir() call, at most @capacity of them. */
struct entries {
	size_t capacity, n;
	char names[512][256];
	uint64_t nodes[512], off; /* off: where to go on */
};

static inline int entries_fill(void *arg, const char *name, const struct vtree_attr *attr,
			       uint64_t next_off)
{
	struct entries *e = arg;

	if (e->n == e->capacity)
		return 1;
	(void)snprintf(e->names[e->n], sizeof(e->names[0]), "%s", name);
	e->nodes[e->n++] = attr->node;
	e->off = next_off;
	return 0;
}

/* more() - the next entries, at most @capacity; 0 at the end. */
static inline size_t more(struct fix *f, const char *path, size_t capacity, struct entries *e)
{
	e->capacity = capacity;
	e->n = 0;
	assert_int_equal(ops->readdir(f->control, node_of(f, path), e->off, entries_fill, e), 0);
	return e->n;
}

static inline bool has_entry(const struct entries *e, const char *name)
{
	for (size_t i = 0; i < e->n; i++)
		if (strcmp(e->names[i], name) == 0)
			return true;
	return false;
}

#define FIX_TEST(t) cmocka_unit_test_setup_teardown(t, fix_setup, fix_teardown)

#endif
