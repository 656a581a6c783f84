/* tests/unit/kms_fixture.h - a throw-away folder of local vaults with keys in it, for test_kms_*.c.
 */
#ifndef DEPFS_TEST_KMS_FIXTURE_H
#define DEPFS_TEST_KMS_FIXTURE_H

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

#include "crypto/secret.h"
#include "kms/kms.h"
#include "kms/local/local.h"

#define KEY_A "local://hot/keys/Key_01"
#define KEY_B "local://cold/keys/key-2"

struct fix {
	char dir[64]; /* the vaults */
	struct kms *kms;
	char id_a[KEY_ID_MAX], id_b[KEY_ID_MAX]; /* first versions */
	uint8_t wrapped[KMS_WRAP_MAX];		 /* DEP_KEY under id_a */
	size_t wrapped_len;
};

static const uint8_t DEP_KEY[32] = "thirty-two bytes, known by heart";

static inline struct key_id fix_id(const char *text)
{
	struct key_id id;

	assert_int_equal(local_uri_parse(text, &id, NULL), 0);
	return id;
}

static inline struct local_create fix_rsa(void)
{
	return (struct local_create){
		.kty = "RSA", .bits = 2048, .ops = LOCAL_OP_WRAP | LOCAL_OP_UNWRAP};
}

static inline void fix_create(struct fix *f, const char *uri, struct local_create options,
			      char key_id[static KEY_ID_MAX])
{
	struct key_id id = fix_id(uri);
	struct err err = {0};
	int r = local_key_create(f->dir, &id, &options, key_id, &err);

	if (r < 0)
		fail_msg("create %s: %s", uri, err_text(&err, r));
}

/* An outcome, with the claim that every refusal says why and names the key. */
static inline enum kms_outcome fix_judged(enum kms_outcome o, const struct err *err)
{
	if (o != KMS_OK && !strstr(err->text, "key"))
		fail_msg("%s without a sentence: '%s'", kms_outcome_name(o), err->text);
	if (o == KMS_OK && err->text[0])
		fail_msg("ok with a sentence: '%s'", err->text);
	return o;
}

static inline enum kms_outcome fix_wrap(struct fix *f, const char *key_id,
					char ret_key_id[KEY_ID_MAX])
{
	CLEANUP(secret_free_p) struct secret *key = NULL;
	struct err err = {0};

	assert_int_equal(secret_new_from(DEP_KEY, sizeof(DEP_KEY), &key), 0);
	return fix_judged(
		kms_wrap(f->kms, key_id, key, f->wrapped, &f->wrapped_len, ret_key_id, NULL, &err),
		&err);
}

/* Opens f->wrapped; with KMS_OK the key is the one that was wrapped. */
static inline enum kms_outcome fix_unwrap_err(const struct fix *f, const char *key_id,
					      struct err *err)
{
	CLEANUP(secret_free_p) struct secret *key = NULL;
	enum kms_outcome o =
		kms_unwrap(f->kms, key_id, f->wrapped, f->wrapped_len, &key, NULL, err);

	if (o != KMS_OK)
		return assert_null(key), o;
	assert_int_equal(secret_len(key), sizeof(DEP_KEY));
	assert_memory_equal(secret_bytes(key), DEP_KEY, sizeof(DEP_KEY));
	return o;
}

static inline enum kms_outcome fix_unwrap(const struct fix *f, const char *key_id)
{
	struct err err = {0};

	return fix_judged(fix_unwrap_err(f, key_id, &err), &err);
}

static inline enum kms_outcome fix_describe(struct fix *f, const char *key_id,
					    struct kms_key_info *info)
{
	struct err err = {0};

	return fix_judged(kms_describe(f->kms, key_id, info, NULL, &err), &err);
}

/* Making RSA keys is slow, so the two are made once a program, and each test gets a copy. */
static struct fix fix_template;

static inline int fix_setup_group(void **state)
{
	struct fix *f = &fix_template;
	struct kms_config config = {.vaults_dir = f->dir};

	(void)state;
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/depfs-kms-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(kms_new(&config, &f->kms, NULL), 0);
	fix_create(f, KEY_A, fix_rsa(), f->id_a);
	fix_create(f, KEY_B, fix_rsa(), f->id_b);
	assert_int_equal(fix_wrap(f, KEY_A, f->id_a), KMS_OK);
	return 0;
}

static inline int fix_setup(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));
	struct kms_config config = {.vaults_dir = f->dir};
	char command[256];

	assert_non_null(f);
	*f = fix_template;
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/depfs-kms-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(command, sizeof(command), "cp -a %s/. %s/", fix_template.dir, f->dir);
	assert_int_equal(system(command), 0);
	assert_int_equal(kms_new(&config, &f->kms, NULL), 0);
	*state = f;
	return 0;
}

static inline int fix_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline int fix_teardown(void **state)
{
	struct fix *f = *state;

	assert_int_equal(nftw(f->dir, fix_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
	kms_free(f->kms);
	free(f);
	return 0;
}

static inline int fix_teardown_group(void **state)
{
	(void)state;
	assert_int_equal(nftw(fix_template.dir, fix_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
	kms_free(fix_template.kms);
	return 0;
}

/* A path below the vaults; one at a time. */
static inline const char *fix_path(const struct fix *f, const char *below)
{
	static _Thread_local char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", f->dir, below);
	return path;
}

static inline size_t fix_read(const char *path, char *out, size_t out_len)
{
	CLEANUP(close_fd_p) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, out, out_len);
	assert_true(n >= 0 && (size_t)n < out_len);
	return (size_t)n;
}

static inline void fix_write(const char *path, const char *in, size_t in_len)
{
	CLEANUP(close_fd_p) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, in, in_len), in_len);
}

#endif
