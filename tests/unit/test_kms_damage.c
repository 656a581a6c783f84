/* tests/unit/test_kms_damage.c - vaults whose files were damaged, and many callers at once. */
#include "tests/unit/kms_fixture.h"

#include <pthread.h>
#include <sys/wait.h>

#define KEY_JSON   "hot/key_01/key.json"
#define VAULT_JSON "hot/vault.json"

/* A damaged record may still parse to something (a fault, another version): then the outcome is
 * any, but it has its sentence, and a key that is handed out is the right one. */
static void damage_every_byte(struct fix *f, const char *file)
{
	static const char flips[] = {0x01, 0x20, (char)0x80};
	char path[256], good[4096], bad[4096];
	size_t len;

	(void)snprintf(path, sizeof(path), "%s", fix_path(f, file));
	len = fix_read(path, good, sizeof(good));
	for (size_t i = 0; i < len; i++)
		for (size_t k = 0; k < sizeof(flips); k++) {
			memcpy(bad, good, len);
			bad[i] ^= flips[k];
			fix_write(path, bad, len);
			(void)fix_unwrap(f, f->id_a); /* judged by the fixture */
		}
	fix_write(path, good, len);
	assert_int_equal(fix_unwrap(f, f->id_a), KMS_OK);
}

/* A record cut short is our trouble, never a denial, and the sentence names the file. */
static void cut_at_every_length(struct fix *f, const char *file)
{
	char path[256], good[4096];
	size_t len;

	(void)snprintf(path, sizeof(path), "%s", fix_path(f, file));
	len = fix_read(path, good, sizeof(good));
	for (size_t i = 0; i < len; i++) {
		struct err err = {0};

		fix_write(path, good, i);
		assert_int_equal(fix_unwrap_err(f, f->id_a, &err), KMS_MISCONFIGURED);
		assert_non_null(strstr(err.text, path));
	}
	fix_write(path, good, len);
	assert_int_equal(fix_unwrap(f, f->id_a), KMS_OK);
}

static void key_record_damaged_at_every_byte(void **state)
{
	damage_every_byte(*state, KEY_JSON);
}

static void key_record_cut_at_every_length(void **state)
{
	cut_at_every_length(*state, KEY_JSON);
}

static void vault_record_damaged_and_cut(void **state)
{
	struct fix *f = *state;
	struct key_id hot = fix_id("local://hot");

	assert_int_equal(local_deny(f->dir, &hot, LOCAL_OP_WRAP, NULL), 0);
	damage_every_byte(f, VAULT_JSON);
	cut_at_every_length(f, VAULT_JSON);
}

/* What parses as JSON but is no record of ours is refused as a whole. */
static void foreign_records_are_misconfigured(void **state)
{
	static const char *const texts[] = {
		"{}", "[]", "null", "\"key\"", "{\"format\":1}", "{\"format\":1,\"format\":1}",
	};
	struct fix *f = *state;
	char path[256];

	(void)snprintf(path, sizeof(path), "%s", fix_path(f, KEY_JSON));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		fix_write(path, texts[i], strlen(texts[i]));
		assert_int_equal(fix_unwrap(f, f->id_a), KMS_MISCONFIGURED);
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(fix_unwrap(f, f->id_a), KMS_NOT_FOUND);
	assert_int_equal(mkfifo(path, 0600), 0); /* opening it must not hang */
	assert_int_equal(fix_unwrap(f, f->id_a), KMS_MISCONFIGURED);
}

static void record_that_is_too_large_is_not_read(void **state)
{
	struct fix *f = *state;

	assert_int_equal(truncate(fix_path(f, KEY_JSON), 256 * 1024 + 1), 0);
	assert_int_equal(fix_unwrap(f, f->id_a), KMS_MISCONFIGURED);
}

static void pem_path(const struct fix *f, char out[static 256])
{
	struct key_id id = fix_id(f->id_a);

	(void)snprintf(out, 256, "%s/hot/key_01/%s.pem", f->dir, id.version);
}

/* Damage of the vault's private key is not damage of the copy: the copy must not count as damaged.
 */
static void pem_damaged_at_every_byte_is_misconfigured(void **state)
{
	struct fix *f = *state;
	char path[256], good[4096];
	size_t len;

	pem_path(f, path);
	len = fix_read(path, good, sizeof(good));
	for (size_t i = 0; i < len; i++) {
		struct err err = {0};

		good[i] ^= 0x02;
		fix_write(path, good, len);
		assert_int_equal(fix_unwrap_err(f, f->id_a, &err), KMS_MISCONFIGURED);
		assert_non_null(strstr(err.text, path));
		good[i] ^= 0x02;
		if (i % 97 == 0) {
			fix_write(path, good, i);
			assert_int_equal(fix_unwrap(f, f->id_a), KMS_MISCONFIGURED);
		}
	}
	fix_write(path, good, len);
	assert_int_equal(fix_unwrap(f, f->id_a), KMS_OK);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(fix_unwrap(f, f->id_a), KMS_NOT_FOUND);
}

/* A change of a record that does not parse is refused and changes nothing. */
static void acts_leave_damaged_records_alone(void **state)
{
	struct fix *f = *state;
	struct key_id a = fix_id(KEY_A), hot = fix_id("local://hot");
	char key_id[KEY_ID_MAX], text[64];

	fix_write(fix_path(f, KEY_JSON), "{ damaged", 9);
	fix_write(fix_path(f, VAULT_JSON), "{ damaged", 9);
	assert_int_equal(local_key_rotate(f->dir, &a, key_id, NULL), -EBADMSG);
	assert_int_equal(local_key_disable(f->dir, &a, NULL), -EBADMSG);
	assert_int_equal(local_deny(f->dir, &a, LOCAL_OP_GET, NULL), -EBADMSG);
	assert_int_equal(local_deny(f->dir, &hot, LOCAL_OP_GET, NULL), -EBADMSG);
	assert_int_equal(fix_read(fix_path(f, KEY_JSON), text, sizeof(text)), 9);
	assert_int_equal(fix_read(fix_path(f, VAULT_JSON), text, sizeof(text)), 9);
}

#define ROTATIONS 6

static int rotate_often(const struct fix *f)
{
	struct key_id id = fix_id(KEY_A);
	char key_id[KEY_ID_MAX];

	for (int i = 0; i < ROTATIONS; i++)
		if (local_key_rotate(f->dir, &id, key_id, NULL) < 0)
			return -1;
	return 0;
}

/* Wrap with the newest version, whichever that is, and open under the id that came back. */
static int wrap_often(const struct fix *f)
{
	struct fix own = *f;
	char key_id[KEY_ID_MAX];

	for (int i = 0; i < 40; i++)
		if (fix_wrap(&own, KEY_A, key_id) != KMS_OK || fix_unwrap(&own, key_id) != KMS_OK ||
		    fix_unwrap(f, f->id_a) != KMS_OK)
			return -1;
	return 0;
}

static void *rotate_thread(void *f)
{
	return (void *)(intptr_t)rotate_often(f);
}

static void *wrap_thread(void *f)
{
	return (void *)(intptr_t)wrap_often(f);
}

static size_t versions_count(const struct fix *f)
{
	CLEANUP(local_key_free_p) struct local_key *key = NULL;
	struct key_id id = fix_id(KEY_A);

	assert_int_equal(local_key_show(f->dir, &id, &key, NULL), 0);
	return key->n_versions;
}

/* No rotation is lost and no caller sees half of one. */
static void threads_rotate_and_unwrap_at_once(void **state)
{
	struct fix *f = *state;
	pthread_t threads[4];
	void *result;

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, i < 2 ? rotate_thread : wrap_thread, f),
			0);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_null(result);
	}
	assert_int_equal(versions_count(f), 1 + 2 * ROTATIONS);
}

static void processes_rotate_and_unwrap_at_once(void **state)
{
	struct fix *f = *state;
	pid_t pids[4];
	int status;

	for (size_t i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit((i < 2 ? rotate_often(f) : wrap_often(f)) < 0);
	}
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	assert_int_equal(versions_count(f), 1 + 2 * ROTATIONS);
}

/* Of many processes that create one key one succeeds, and its key is whole. */
static void processes_create_one_key(void **state)
{
	struct fix *f = *state;
	struct key_id id = fix_id("local://new/keys/k");
	struct local_create options = fix_rsa();
	char key_id[KEY_ID_MAX];
	pid_t pids[4];
	int status, won = 0;

	for (size_t i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(-local_key_create(f->dir, &id, &options, key_id, NULL));
	}
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status));
		assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == EEXIST);
		won += WEXITSTATUS(status) == 0;
	}
	assert_int_equal(won, 1);
	assert_int_equal(fix_wrap(f, "local://new/keys/k", key_id), KMS_OK);
	assert_int_equal(fix_unwrap(f, key_id), KMS_OK);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fix_setup, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(key_record_damaged_at_every_byte),
		T(key_record_cut_at_every_length),
		T(vault_record_damaged_and_cut),
		T(foreign_records_are_misconfigured),
		T(record_that_is_too_large_is_not_read),
		T(pem_damaged_at_every_byte_is_misconfigured),
		T(acts_leave_damaged_records_alone),
		T(threads_rotate_and_unwrap_at_once),
		T(processes_rotate_and_unwrap_at_once),
		T(processes_create_one_key),
	};

	return cmocka_run_group_tests(tests, fix_setup_group, fix_teardown_group);
}
