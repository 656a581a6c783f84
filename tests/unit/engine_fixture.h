/* tests/unit/engine_fixture.h - a throw-away store with vaults and its policy engine, for
 * test_{engine,keyring,policy,assignment}*.c. */
#ifndef DEPFS_TEST_ENGINE_FIXTURE_H
#define DEPFS_TEST_ENGINE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "fs/engine/engine.h"
#include "fs/store/service_key.h"
#include "kms/local/local.h"

#define KEY_A	  "local://hot/keys/a"
#define KEY_B	  "local://cold/keys/b"
#define KEY_A2	  "local://hot/keys/a2" /* a second one in the same vault */
#define KEY_C	  "local://spare/keys/c"
#define KEY_D	  "local://shelf/keys/d"
#define KEY_EC	  "local://hot/keys/ec"
#define KEY_WRAP  "local://hot/keys/wrap-only"
#define KEY_SOON  "local://hot/keys/expires"
#define KEY_PURGE "local://hot/keys/purgeable"
#define KEY_9999  "local://hot/keys/year-9999"

struct fix {
	char dir[64]; /* vaults/, store/, service.key */
	char vaults[96], store[96], service[112];
	unsigned key_check_s;
	bool strict;
	struct engine *e;
	struct err err;
};

static const struct actor WHO = {.uid = 11, .gid = 22, .pid = 33};
static const char *const AB[2] = {KEY_A, KEY_B};
static const char *const CD[2] = {KEY_C, KEY_D};

static inline struct key_id fix_key(const char *uri)
{
	struct key_id id;

	assert_int_equal(local_uri_parse(uri, &id, NULL), 0);
	return id;
}

static inline void fix_make(const char *vaults, const char *uri, struct local_create options)
{
	struct key_id id = fix_key(uri);
	char key_id[KEY_ID_MAX];
	struct err err = {0};
	int r = local_key_create(vaults, &id, &options, key_id, &err);

	if (r < 0)
		fail_msg("create %s: %s", uri, err_text(&err, r));
}

static inline int fix_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline void fix_rmtree(const char *path)
{
	(void)nftw(path, fix_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* Where fix_copy() copies to: nftw(3) passes no argument. */
static struct {
	const char *to;
	size_t from_len;
} fix_copying;

static inline int fix_copy_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	CLEANUP(close_fd_p) int in = -1;
	CLEANUP(close_fd_p) int out = -1;
	char to[256];
	ssize_t n = 1;

	(void)ftw;
	(void)snprintf(to, sizeof(to), "%s%s", fix_copying.to, path + fix_copying.from_len);
	if (type == FTW_D)
		return mkdir(to, st->st_mode & 07777);
	in = open(path, O_RDONLY | O_CLOEXEC);
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st->st_mode & 07777);
	if (in < 0 || out < 0)
		return -1;
	while (n > 0)
		n = sendfile(out, in, NULL, 1u << 20);
	return n < 0 ? -1 : 0;
}

/* Folders and files alone; a thousand times, so without a process for each. */
static inline void fix_copy(const char *from, const char *to)
{
	fix_copying.to = to;
	fix_copying.from_len = strlen(from);
	if (nftw(from, fix_copy_one, 16, FTW_PHYS) != 0)
		fail_msg("copy %s to %s: %s", from, to, strerror(errno));
}

/* Each act syncs several files, a thousand times where faults are counted down: in memory that is
 * seconds, on a disk minutes. */
static inline const char *fix_base(void)
{
	return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

/* Making RSA keys is slow: they are made once a program, and each test gets a copy. */
static char fix_template[64];

static inline int fix_setup_group(void **state)
{
	const struct local_create rsa = {
		.kty = "RSA", .bits = 2048, .ops = LOCAL_OP_WRAP | LOCAL_OP_UNWRAP};
	struct local_create odd = rsa;

	(void)state;
	(void)unsetenv("SSL_CERT_FILE"); /* 140 certificates, read by each engine_open() */
	(void)!secret_init(NULL);	 /* works unprotected too, where memory may not be locked */
	(void)snprintf(fix_template, sizeof(fix_template), "%s/depfs-engine-XXXXXX", fix_base());
	assert_non_null(mkdtemp(fix_template));
	fix_make(fix_template, KEY_A, rsa);
	fix_make(fix_template, KEY_B, rsa);
	fix_make(fix_template, KEY_A2, rsa);
	fix_make(fix_template, KEY_C, rsa);
	fix_make(fix_template, KEY_D, rsa);
	fix_make(fix_template, KEY_EC, (struct local_create){.kty = "EC", .ops = rsa.ops});
	odd.ops = LOCAL_OP_WRAP;
	fix_make(fix_template, KEY_WRAP, odd);
	odd = rsa;
	odd.expires = time(NULL) + 86400;
	fix_make(fix_template, KEY_SOON, odd);
	odd.expires = INT64_C(253402300799);
	fix_make(fix_template, KEY_9999, odd);
	odd = rsa;
	odd.purgeable = true;
	fix_make(fix_template, KEY_PURGE, odd);
	return 0;
}

static inline int fix_teardown_group(void **state)
{
	(void)state;
	fix_rmtree(fix_template);
	return 0;
}

static inline int fix_try_open(struct fix *f)
{
	const struct engine_config config = {.store_path = f->store,
					     .service_spec = f->service,
					     .vaults_dir = f->vaults,
					     .key_check_s = f->key_check_s,
					     .strict = f->strict};

	f->err.text[0] = '\0';
	return engine_open(&config, &f->e, &f->err);
}

static inline void fix_open(struct fix *f)
{
	int r = fix_try_open(f);

	if (r < 0)
		fail_msg("engine_open: %s", err_text(&f->err, r));
}

static inline void fix_close(struct fix *f)
{
	engine_close(STEAL(f->e), true);
}

static inline void fix_restart(struct fix *f)
{
	fix_close(f);
	fix_open(f);
}

static inline int fix_setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));
	uint8_t store_id[UUID_LEN];
	int r;

	assert_non_null(f);
	(void)snprintf(f->dir, sizeof(f->dir), "%s/depfs-engine-XXXXXX", fix_base());
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->vaults, sizeof(f->vaults), "%s/vaults", f->dir);
	(void)snprintf(f->store, sizeof(f->store), "%s/store", f->dir);
	(void)snprintf(f->service, sizeof(f->service), "file:%s/service.key", f->dir);
	fix_copy(fix_template, f->vaults);
	r = store_create(f->store, f->service, store_id, &f->err);
	if (r < 0)
		fail_msg("store_create: %s", err_text(&f->err, r));
	f->key_check_s = 3600; /* a test calls the checker when it wants it */
	fix_open(f);
	*state = f;
	return 0;
}

static inline int fix_teardown(void **state)
{
	struct fix *f = *state;

	engine_close(f->e, true);
	fix_rmtree(f->dir);
	free(f);
	return 0;
}

/* A refusal has its errno and a sentence. */
static inline void fix_refused_at(struct fix *f, int r, int expected, const char *call, int line)
{
	if (r != expected)
		fail_msg("line %d: %s is %s, not %s: %s", line, call, errno_name(r),
			 errno_name(expected), f->err.text);
	if (r < 0 && !f->err.text[0])
		fail_msg("line %d: %s refuses without a sentence", line, call);
	f->err.text[0] = '\0';
}
#define REFUSED(f, expected, call) fix_refused_at(f, call, expected, #call, __LINE__)
#define DONE(f, call)		   fix_refused_at(f, call, 0, #call, __LINE__)

static inline void fix_policy(struct fix *f, const char *name, enum policy_kind kind)
{
	DONE(f, policy_create(f->e->policies, name, AB, kind, "", &WHO, &f->err));
}

static inline struct policy_info fix_info(struct fix *f, const char *p)
{
	struct policy_info info;

	DONE(f, policy_get(f->e->policies, p, &info, &f->err));
	return info;
}

static inline struct wrap_ref fix_ref(struct fix *f, const char *p)
{
	struct policy_info info = fix_info(f, p);
	struct wrap_ref ref = {.generation = info.generation};

	memcpy(ref.policy_id, info.id, UUID_LEN);
	return ref;
}

/* A fault set in a vault. "" as key: the whole vault. */
static inline void fix_fault(struct fix *f, const char *uri, enum kms_outcome o, unsigned delay_ms)
{
	struct key_id id = fix_key(uri);

	DONE(f, local_fault_set(f->vaults, &id, (struct local_fault){o, delay_ms}, &f->err));
}

static inline void fix_disable(struct fix *f, const char *uri)
{
	struct key_id id = fix_key(uri);

	DONE(f, local_key_disable(f->vaults, &id, &f->err));
}

static inline void fix_enable(struct fix *f, const char *uri)
{
	struct key_id id = fix_key(uri);

	DONE(f, local_key_enable(f->vaults, &id, &f->err));
}

static inline void fix_rotate(struct fix *f, const char *uri, char key_id[static KEY_ID_MAX])
{
	struct key_id id = fix_key(uri);

	DONE(f, local_key_rotate(f->vaults, &id, key_id, &f->err));
}

/* How many lines of a file hold all of the words. */
static inline unsigned fix_count_lines(const char *path, const char *word, const char *other)
{
	CLEANUP(fclose_p) FILE *in = fopen(path, "re");
	char line[8192];
	unsigned n = 0;

	while (in && fgets(line, sizeof(line), in))
		if (strstr(line, word) && strstr(line, other))
			n++;
	return n;
}

/* Requests of one operation that a vault has answered. */
static inline unsigned fix_asked(const struct fix *f, const char *vault, const char *op)
{
	char path[160];

	(void)snprintf(path, sizeof(path), "%s/%s/log", f->vaults, vault);
	return fix_count_lines(path, op, "");
}

/* Events whose line holds all of the words. */
static inline unsigned fix_events(struct fix *f, const char *event, const char *a, const char *b)
{
	static char buf[1 << 20];
	char quoted[80];
	uint64_t seq = 1;
	unsigned n = 0;

	(void)snprintf(quoted, sizeof(quoted), "\"event\":\"%s\"", event);
	assert_int_equal(audit_sync(f->e->audit, NULL), 0);
	for (;;) {
		ssize_t len = audit_read(f->e->audit, seq, buf, sizeof(buf) - 1, &seq, &f->err);

		assert_true(len >= 0);
		if (len == 0)
			return n;
		buf[len] = '\0';
		for (char *save, *line = strtok_r(buf, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save))
			if (strstr(line, quoted) && strstr(line, a) && strstr(line, b))
				n++;
	}
}

static inline int fix_get(struct fix *f, const struct wrap_ref *ref, enum request_class class)
{
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;

	f->err.text[0] = '\0';
	return keyring_get(f->e->keyring, ref, class, NULL, &kek, &f->err);
}

static inline int fix_peek(struct fix *f, const struct wrap_ref *ref, enum request_class class)
{
	CLEANUP(wrap_key_put_p) struct wrap_key *kek = NULL;

	return keyring_peek(f->e->keyring, ref, class, &kek);
}

#endif
