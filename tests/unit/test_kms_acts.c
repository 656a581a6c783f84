/* tests/unit/test_kms_acts.c - local vaults: what each act of `depctl key` leaves behind. */
#include "tests/unit/kms_fixture.h"

/* Rotation: new wraps take the new version, old ones open with theirs for ever. */
static void rotate_keeps_old_versions(void **state)
{
	struct fix *f = *state, old = *f;
	struct key_id id = fix_id(KEY_A);
	char second[KEY_ID_MAX], key_id[KEY_ID_MAX];

	assert_int_equal(local_key_rotate(f->dir, &id, second, NULL), 0);
	assert_string_not_equal(second, f->id_a);
	assert_int_equal(fix_wrap(f, KEY_A, key_id), KMS_OK);
	assert_string_equal(key_id, second);
	assert_int_equal(fix_unwrap(f, second), KMS_OK);
	assert_int_equal(fix_unwrap(&old, old.id_a), KMS_OK);
}

/* Every refusal leaves the vault as it was: the names in it do not change. */
static void create_refuses_with_a_reason(void **state)
{
	static const struct {
		const char *uri;
		struct local_create o;
		int r;
	} table[] = {
		{KEY_A, {"RSA", 2048, LOCAL_OP_WRAP, 0, 0, false}, -EEXIST},
		{"local://hot/keys/KEY_01", {"RSA", 2048, LOCAL_OP_WRAP, 0, 0, false}, -EEXIST},
		{"local://hot/keys/n", {"RSA", 1024, LOCAL_OP_WRAP, 0, 0, false}, -EINVAL},
		{"local://hot/keys/n", {"RSA", 0, LOCAL_OP_WRAP, 0, 0, false}, -EINVAL},
		{"local://hot/keys/n", {"oct", 0, LOCAL_OP_WRAP, 0, 0, false}, -EINVAL},
		{"local://hot/keys/n", {"EC", 2048, LOCAL_OP_WRAP, 0, 0, false}, -EINVAL},
		{"local://hot/keys/n", {"RSA", 2048, 0, 0, 0, false}, -EINVAL},
		{"local://hot/keys/n", {"RSA", 2048, LOCAL_OP_GET, 0, 0, false}, -EINVAL},
		{"local://hot/keys/n", {"RSA", 2048, LOCAL_OP_WRAP, 9, 8, false}, -EINVAL},
		{"local://hot/keys/log", {"RSA", 2048, LOCAL_OP_WRAP, 0, 0, false}, -EINVAL},
		{"local://hot", {"RSA", 2048, LOCAL_OP_WRAP, 0, 0, false}, -EINVAL},
	};
	struct fix *f = *state;
	char key_id[KEY_ID_MAX];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		CLEANUP(free_mem_p) char **names = NULL;
		struct key_id id = fix_id(table[i].uri);
		struct err err = {0};

		assert_int_equal(local_key_create(f->dir, &id, &table[i].o, key_id, &err),
				 table[i].r);
		assert_true(err.text[0]);
		assert_int_equal(local_list(f->dir, "hot", &names, NULL), 0);
		assert_string_equal(names[0], "key_01");
		assert_null(names[1]);
	}
}

static void acts_refuse_what_is_not_there(void **state)
{
	const char *uris[] = {"local://gone/keys/k", "local://hot/keys/none"};
	struct fix *f = *state;
	struct key_id version = fix_id(f->id_a), bad;
	char key_id[KEY_ID_MAX];

	for (size_t i = 0; i < 2; i++) {
		struct key_id id = fix_id(uris[i]);

		assert_int_equal(local_key_rotate(f->dir, &id, key_id, NULL), -ENOENT);
		assert_int_equal(local_key_enable(f->dir, &id, NULL), -ENOENT);
		assert_int_equal(local_key_disable(f->dir, &id, NULL), -ENOENT);
		assert_int_equal(local_key_delete(f->dir, &id, NULL), -ENOENT);
		assert_int_equal(local_key_recover(f->dir, &id, NULL), -ENOENT);
		assert_int_equal(local_deny(f->dir, &id, LOCAL_OP_GET, NULL), -ENOENT);
		assert_int_equal(local_allow(f->dir, &id, LOCAL_OP_GET, NULL), -ENOENT);
	}
	assert_int_equal(local_key_rotate(f->dir, &version, key_id, NULL), -EINVAL);
	assert_int_equal(local_key_delete(f->dir, &version, NULL), -EINVAL);
	assert_int_equal(local_deny(f->dir, &version, LOCAL_OP_GET, NULL), -EINVAL);
	bad = version;
	memset(bad.version, '0', 32);
	assert_int_equal(local_key_disable(f->dir, &bad, NULL), -ENOENT);
	assert_int_equal(access(fix_path(f, "gone"), F_OK), -1); /* asking makes no vault */
}

static int modes_walk(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)ftw;
	if ((st->st_mode & 07777) != (type == FTW_D ? 0700 : 0600))
		fail_msg("%s has mode %o", path, st->st_mode & 07777);
	return 0;
}

/* Private keys lie here: only the owner may read them, whatever the umask. */
static void files_are_for_the_owner_alone(void **state)
{
	struct fix *f = *state;
	struct key_id hot = fix_id("local://hot"), a = fix_id(KEY_A);
	char key_id[KEY_ID_MAX];
	mode_t old = umask(0);

	fix_create(f, "local://third/keys/k", fix_rsa(), key_id);
	assert_int_equal(local_deny(f->dir, &hot, LOCAL_OP_GET, NULL), 0);
	assert_int_equal(local_key_rotate(f->dir, &a, key_id, NULL), 0);
	(void)umask(old);
	assert_int_equal(nftw(f->dir, modes_walk, 16, FTW_PHYS), 0);
}

/* One line a call, with the request id that the caller got: this is what events point to. */
static void log_tells_each_call(void **state)
{
	struct fix *f = *state;
	CLEANUP(secret_free_p) struct secret *key = NULL;
	char id1[KMS_REQUEST_ID_LEN], id2[KMS_REQUEST_ID_LEN], text[8192], want[700];
	struct key_id a = fix_id(KEY_A);

	assert_int_equal(kms_unwrap(f->kms, f->id_a, f->wrapped, 256, &key, id1, NULL), KMS_OK);
	assert_int_equal(local_key_disable(f->dir, &a, NULL), 0);
	assert_int_equal(kms_unwrap(f->kms, f->id_a, f->wrapped, 256, &key, id2, NULL), KMS_DENIED);
	assert_int_equal(strlen(id1), 32);
	assert_string_not_equal(id1, id2);
	text[fix_read(fix_path(f, "hot/log"), text, sizeof(text))] = '\0';
	(void)snprintf(want, sizeof(want), "Z unwrapKey %s ok %s\n", f->id_a, id1);
	assert_non_null(strstr(text, want));
	(void)snprintf(want, sizeof(want), "Z unwrapKey %s denied %s\n", f->id_a, id2);
	assert_non_null(strstr(text, want));
	assert_non_null(strstr(text, "Z disable " KEY_A " ok "));
}

static void log_is_bounded(void **state)
{
	struct fix *f = *state;
	struct kms_key_info info;
	struct stat st;

	assert_int_equal(truncate(fix_path(f, "hot/log"), 1024 * 1024 - 1), 0);
	assert_int_equal(fix_describe(f, KEY_A, &info), KMS_OK); /* crosses the limit: moved away */
	assert_int_equal(fix_describe(f, KEY_A, &info), KMS_OK);
	assert_int_equal(stat(fix_path(f, "hot/log"), &st), 0);
	assert_true(st.st_size > 0 && st.st_size < 4096);
	assert_int_equal(stat(fix_path(f, "hot/log.1"), &st), 0);
	assert_true(st.st_size >= 1024 * 1024);
}

/* The log is a convenience: a vault answers though it cannot be written. */
static void unwritable_log_changes_no_answer(void **state)
{
	struct fix *f = *state;

	assert_int_equal(unlink(fix_path(f, "hot/log")), 0);
	assert_int_equal(mkdir(fix_path(f, "hot/log"), 0700), 0);
	assert_int_equal(fix_unwrap(f, f->id_a), KMS_OK);
}

/* A crash in the middle of create leaves a folder of another name; the next create clears it. */
static void create_clears_what_a_crash_left(void **state)
{
	struct fix *f = *state;
	char key_id[KEY_ID_MAX];

	assert_int_equal(mkdir(fix_path(f, "hot/new.new"), 0700), 0);
	fix_write(fix_path(f, "hot/new.new/key.json.new"), "{", 1);
	fix_create(f, "local://hot/keys/new", fix_rsa(), key_id);
	assert_int_equal(access(fix_path(f, "hot/new.new"), F_OK), -1);
	assert_int_equal(fix_wrap(f, key_id, key_id), KMS_OK);
}

static void list_names_vaults_and_keys(void **state)
{
	struct fix *f = *state;
	CLEANUP(free_mem_p) char **vaults = NULL;
	CLEANUP(free_mem_p) char **keys = NULL;
	CLEANUP(free_mem_p) char **none = NULL;
	char key_id[KEY_ID_MAX];

	fix_create(f, "local://hot/keys/another", fix_rsa(), key_id);
	assert_int_equal(local_list(f->dir, NULL, &vaults, NULL), 0);
	assert_string_equal(vaults[0], "cold");
	assert_string_equal(vaults[1], "hot");
	assert_null(vaults[2]);
	assert_int_equal(local_list(f->dir, "hot", &keys, NULL), 0);
	assert_string_equal(keys[0], "another");
	assert_string_equal(keys[1], "key_01");
	assert_null(keys[2]);
	assert_int_equal(local_list(f->dir, "none", &none, NULL), -ENOENT);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fix_setup, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(rotate_keeps_old_versions),
		T(create_refuses_with_a_reason),
		T(acts_refuse_what_is_not_there),
		T(files_are_for_the_owner_alone),
		T(log_tells_each_call),
		T(log_is_bounded),
		T(unwritable_log_changes_no_answer),
		T(create_clears_what_a_crash_left),
		T(list_names_vaults_and_keys),
	};

	return cmocka_run_group_tests(tests, fix_setup_group, fix_teardown_group);
}
