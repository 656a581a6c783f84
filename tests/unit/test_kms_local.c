/* tests/unit/test_kms_local.c - local vaults: each outcome has its cause. */
#include "tests/unit/kms_fixture.h"

#include <sys/wait.h>

/* The plain way: what is wrapped opens, under the version that the wrap reports. */
static void wrap_and_unwrap_return_the_key(void **state)
{
	struct fix *f = *state;
	struct key_id id;

	assert_int_equal(f->wrapped_len, 256);
	assert_int_equal(key_id_parse(f->id_a, &id, NULL), 0);
	assert_int_equal(strlen(id.version), 32);
	assert_int_equal(fix_unwrap(f, f->id_a), KMS_OK);
}

/* Ids are case-blind (kms/README.md, Key ids), and answers carry the spelling of the creation. */
static void names_are_found_in_any_case(void **state)
{
	struct fix *f = *state;
	char key_id[KEY_ID_MAX];

	assert_int_equal(fix_wrap(f, "local://HOT/keys/kEY_01", key_id), KMS_OK);
	assert_string_equal(key_id, f->id_a);
}

/* Every rule for root keys reads one of these fields (kms/vault/key_fit.h). */
static void describe_tells_every_attribute(void **state)
{
	struct fix *f = *state;
	struct kms_key_info info;
	struct local_create options = {.kty = "RSA",
				       .bits = 3072,
				       .ops = LOCAL_OP_WRAP,
				       .purgeable = true,
				       .not_before = 1000,
				       .expires = 253402300799};
	char key_id[KEY_ID_MAX];

	assert_int_equal(fix_describe(f, KEY_A, &info), KMS_OK);
	assert_string_equal(info.id, f->id_a);
	assert_string_equal(info.kty, "RSA");
	assert_int_equal(info.bits, 2048);
	assert_true(info.can_wrap && info.can_unwrap && info.enabled && !info.purgeable);
	assert_true(info.expires == 0 && info.not_before == 0);
	assert_string_equal(info.recovery_level, LOCAL_LEVEL_DEFAULT);

	fix_create(f, "local://hot/keys/odd", options, key_id);
	assert_int_equal(fix_describe(f, "local://hot/keys/odd", &info), KMS_OK);
	assert_int_equal(info.bits, 3072);
	assert_true(info.can_wrap && !info.can_unwrap && info.purgeable);
	assert_int_equal(info.not_before, 1000);
	assert_int_equal(info.expires, 253402300799);
	assert_string_equal(info.recovery_level, LOCAL_LEVEL_PURGEABLE);
}

/* An unreachable vault, not a denying one: with both gone the availability key may serve. */
static void missing_vault_is_transient(void **state)
{
	struct fix *f = *state;
	char away[128];
	struct kms_key_info info;

	(void)snprintf(away, sizeof(away), "%s.away", f->dir);
	assert_int_equal(rename(fix_path(f, "hot"), away), 0);
	assert_int_equal(fix_describe(f, KEY_A, &info), KMS_TRANSIENT);
	assert_int_equal(fix_unwrap(f, f->id_a), KMS_TRANSIENT);
	assert_int_equal(fix_describe(f, KEY_B, &info), KMS_OK); /* the other vault does not care */
	fix_write(fix_path(f, "hot"), "a file", 6);
	assert_int_equal(fix_unwrap(f, f->id_a), KMS_TRANSIENT);
	assert_int_equal(unlink(fix_path(f, "hot")), 0);
	assert_int_equal(rename(away, fix_path(f, "hot")), 0);
	assert_int_equal(fix_unwrap(f, f->id_a), KMS_OK);
}

/* A vault whose folder this user may not read is out of reach too. Root reads all, so a child that
 * is not root asks. */
static void unreadable_vault_is_transient(void **state)
{
	struct fix *f = *state;
	int status;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(f->dir, 0755), 0);
	pid = fork();
	if (pid == 0) {
		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(99);
		_exit((int)fix_unwrap(f, f->id_a));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), KMS_TRANSIENT);
}

static void unknown_key_or_version_is_not_found(void **state)
{
	struct fix *f = *state;
	struct kms_key_info info;
	char key_id[KEY_ID_MAX];

	assert_int_equal(fix_describe(f, "local://hot/keys/none", &info), KMS_NOT_FOUND);
	assert_int_equal(fix_wrap(f, "local://hot/keys/none", key_id), KMS_NOT_FOUND);
	(void)snprintf(key_id, sizeof(key_id), "%s/%032d", KEY_A, 0);
	assert_int_equal(fix_describe(f, key_id, &info), KMS_NOT_FOUND);
	assert_int_equal(fix_unwrap(f, key_id), KMS_NOT_FOUND);
	/* files of the vault's own are no keys */
	assert_int_equal(fix_describe(f, "local://hot/keys/log", &info), KMS_NOT_FOUND);
}

/* Soft delete: gone for every request, whole again after recover. */
static void deleted_key_is_not_found_until_recovered(void **state)
{
	struct fix *f = *state;
	struct key_id id = fix_id(KEY_A);
	struct local_create options = fix_rsa();
	struct kms_key_info info;
	char key_id[KEY_ID_MAX];

	assert_int_equal(local_key_recover(f->dir, &id, NULL), -EINVAL);
	assert_int_equal(local_key_delete(f->dir, &id, NULL), 0);
	assert_int_equal(fix_describe(f, KEY_A, &info), KMS_NOT_FOUND);
	assert_int_equal(fix_unwrap(f, f->id_a), KMS_NOT_FOUND);
	assert_int_equal(local_key_delete(f->dir, &id, NULL), -ENOENT);
	assert_int_equal(local_key_rotate(f->dir, &id, key_id, NULL), -ENOENT);
	assert_int_equal(local_key_disable(f->dir, &id, NULL), -ENOENT);
	assert_int_equal(local_deny(f->dir, &id, LOCAL_OP_ALL, NULL), -ENOENT);
	assert_int_equal(local_key_create(f->dir, &id, &options, key_id, NULL), -EEXIST);
	assert_int_equal(local_key_recover(f->dir, &id, NULL), 0);
	assert_int_equal(fix_unwrap(f, f->id_a), KMS_OK);
}

/* A disabled key is a deliberate no; describing it still tells why, as Key Vault's get does. */
static void disabled_key_is_denied(void **state)
{
	struct fix *f = *state;
	struct key_id id = fix_id(KEY_A);
	struct kms_key_info info;
	struct err err = {0};
	char key_id[KEY_ID_MAX];

	assert_int_equal(local_key_disable(f->dir, &id, NULL), 0);
	assert_int_equal(fix_unwrap_err(f, f->id_a, &err), KMS_DENIED);
	assert_int_equal(kms_errno(KMS_DENIED, &err), -EKEYREVOKED); /* kms/vault/outcome.h */
	assert_int_equal(fix_wrap(f, KEY_A, key_id), KMS_DENIED);
	assert_int_equal(fix_describe(f, KEY_A, &info), KMS_OK);
	assert_false(info.enabled);
	assert_int_equal(local_key_enable(f->dir, &id, NULL), 0);
	assert_int_equal(fix_unwrap(f, f->id_a), KMS_OK);
}

static void disabled_version_is_denied_alone(void **state)
{
	struct fix *f = *state;
	struct key_id id = fix_id(KEY_A), first = fix_id(f->id_a);
	struct kms_key_info info;
	char second[KEY_ID_MAX], key_id[KEY_ID_MAX];

	assert_int_equal(local_key_rotate(f->dir, &id, second, NULL), 0);
	assert_int_equal(local_key_disable(f->dir, &first, NULL), 0);
	assert_int_equal(fix_unwrap(f, f->id_a), KMS_DENIED);
	assert_int_equal(fix_describe(f, f->id_a, &info), KMS_OK);
	assert_false(info.enabled);
	assert_int_equal(fix_describe(f, KEY_A, &info), KMS_OK);
	assert_true(info.enabled);
	assert_int_equal(fix_wrap(f, KEY_A, key_id), KMS_OK);
	assert_string_equal(key_id, second);
	assert_int_equal(local_key_enable(f->dir, &first, NULL), 0);
	assert_int_equal(fix_wrap(f, f->id_a, key_id), KMS_OK);
}

/* The three operations, as an outcome each. */
static unsigned denied_now(struct fix *f)
{
	struct kms_key_info info;
	char key_id[KEY_ID_MAX];
	struct fix keep = *f; /* wrap overwrites f->wrapped */
	unsigned denied = 0;

	denied |= fix_describe(f, KEY_A, &info) == KMS_DENIED ? LOCAL_OP_GET : 0;
	denied |= fix_wrap(f, KEY_A, key_id) == KMS_DENIED ? LOCAL_OP_WRAP : 0;
	*f = keep;
	denied |= fix_unwrap(f, f->id_a) == KMS_DENIED ? LOCAL_OP_UNWRAP : 0;
	return denied;
}

static void deny_works_per_operation_on_key_and_vault(void **state)
{
	struct fix *f = *state;
	const char *uris[] = {KEY_A, "local://hot"};

	for (size_t i = 0; i < 2; i++) {
		struct key_id id = fix_id(uris[i]);

		assert_int_equal(denied_now(f), 0);
		for (unsigned op = LOCAL_OP_GET; op <= LOCAL_OP_UNWRAP; op <<= 1) {
			assert_int_equal(local_deny(f->dir, &id, op, NULL), 0);
			assert_int_equal(denied_now(f), op);
			assert_int_equal(local_allow(f->dir, &id, op, NULL), 0);
		}
		assert_int_equal(local_deny(f->dir, &id, LOCAL_OP_WRAP, NULL), 0);
		assert_int_equal(local_deny(f->dir, &id, LOCAL_OP_UNWRAP, NULL), 0);
		assert_int_equal(denied_now(f), LOCAL_OP_WRAP | LOCAL_OP_UNWRAP);
		assert_int_equal(local_allow(f->dir, &id, LOCAL_OP_ALL, NULL), 0);
		assert_int_equal(local_deny(f->dir, &id, 0, NULL), -EINVAL);
		assert_int_equal(local_deny(f->dir, &id, 8, NULL), -EINVAL);
	}
	assert_int_equal(denied_now(f), 0);
}

/* A copy that this version did not wrap: damaged, whatever is wrong with it. */
static void foreign_bytes_are_damaged(void **state)
{
	struct fix *f = *state;
	struct key_id id = fix_id(KEY_A);
	char second[KEY_ID_MAX];

	assert_int_equal(local_key_rotate(f->dir, &id, second, NULL), 0);
	assert_int_equal(fix_unwrap(f, second), KMS_DAMAGED);
	assert_int_equal(fix_unwrap(f, f->id_b), KMS_DAMAGED);
	for (f->wrapped_len = 0; f->wrapped_len < 256; f->wrapped_len += 51)
		assert_int_equal(fix_unwrap(f, f->id_a), KMS_DAMAGED);
	f->wrapped_len = 257;
	assert_int_equal(fix_unwrap(f, f->id_a), KMS_DAMAGED);
	f->wrapped_len = 256;
	for (size_t i = 0; i < 256; i++) {
		f->wrapped[i] ^= 0x10;
		assert_int_equal(fix_unwrap(f, f->id_a), KMS_DAMAGED);
		f->wrapped[i] ^= 0x10;
	}
	assert_int_equal(fix_unwrap(f, f->id_a), KMS_OK);
}

/* An unversioned unwrap would open today and be damage after the next rotation. */
static void unwrap_needs_a_version(void **state)
{
	struct fix *f = *state;

	assert_int_equal(fix_unwrap(f, KEY_A), KMS_MISCONFIGURED);
}

/* Key Vault's asymmetry (kms/README.md, Keys): outside nbf..exp no new wraps, old data still opens.
 */
static void window_stops_wrap_but_not_unwrap(void **state)
{
	struct fix *f = *state;
	struct local_create soon = fix_rsa(), late = fix_rsa();
	char key_id[KEY_ID_MAX];

	soon.not_before = time(NULL) + 3600;
	late.expires = time(NULL) + 5; /* making its key takes a second or two on a busy machine */
	fix_create(f, "local://hot/keys/soon", soon, key_id);
	assert_int_equal(fix_wrap(f, "local://hot/keys/soon", key_id), KMS_MISCONFIGURED);
	fix_create(f, "local://hot/keys/late", late, key_id);
	while (fix_wrap(f, "local://hot/keys/late", key_id) == KMS_OK)
		(void)usleep(50000);
	assert_true(time(NULL) >= late.expires);
	assert_int_equal(fix_wrap(f, "local://hot/keys/late", key_id), KMS_MISCONFIGURED);
	assert_int_equal(fix_unwrap(f, key_id), KMS_OK);
}

static void key_ops_and_type_are_minded(void **state)
{
	struct fix *f = *state;
	struct local_create wrap_only = fix_rsa();
	struct local_create ec = {.kty = "EC", .ops = LOCAL_OP_WRAP | LOCAL_OP_UNWRAP};
	struct kms_key_info info;
	char key_id[KEY_ID_MAX], key_id_2[KEY_ID_MAX];
	struct key_id id = fix_id("local://hot/keys/ec");

	wrap_only.ops = LOCAL_OP_WRAP;
	fix_create(f, "local://hot/keys/half", wrap_only, key_id);
	assert_int_equal(fix_wrap(f, "local://hot/keys/half", key_id), KMS_OK);
	assert_int_equal(fix_unwrap(f, key_id), KMS_MISCONFIGURED);
	fix_create(f, "local://hot/keys/ec", ec, key_id);
	assert_int_equal(fix_describe(f, key_id, &info), KMS_OK);
	assert_string_equal(info.kty, "EC");
	assert_int_equal(fix_wrap(f, key_id, key_id_2), KMS_MISCONFIGURED);
	assert_int_equal(local_key_rotate(f->dir, &id, key_id_2, NULL), 0);
	assert_string_not_equal(key_id, key_id_2);
}

/* Two vaults are two: whatever is done to one, the other answers. */
static void vaults_fail_independently(void **state)
{
	static const struct local_fault all[] = {
		{KMS_TRANSIENT, 0}, {KMS_NOT_FOUND, 0}, {KMS_DENIED, 0}};
	struct fix *f = *state;
	struct key_id hot = fix_id("local://hot"), cold = fix_id("local://cold");
	struct kms_key_info info;

	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(local_fault_set(f->dir, &hot, all[i], NULL), 0);
		assert_int_equal(fix_describe(f, KEY_A, &info), all[i].outcome);
		assert_int_equal(fix_describe(f, KEY_B, &info), KMS_OK);
	}
	assert_int_equal(local_fault_set(f->dir, &hot, (struct local_fault){0}, NULL), 0);
	assert_int_equal(local_fault_set(f->dir, &cold, all[0], NULL), 0);
	assert_int_equal(fix_describe(f, KEY_A, &info), KMS_OK);
	assert_int_equal(fix_describe(f, KEY_B, &info), KMS_TRANSIENT);
}

/* Each fault by hand, on the key and on its vault, and what each operation answers. */
static void faults_answer_by_their_table(void **state)
{
	static const enum kms_outcome table[][4] = {
		/* set,          describe,      wrap,          unwrap */
		{KMS_TRANSIENT, KMS_TRANSIENT, KMS_TRANSIENT, KMS_TRANSIENT},
		{KMS_NOT_FOUND, KMS_NOT_FOUND, KMS_NOT_FOUND, KMS_NOT_FOUND},
		{KMS_DENIED, KMS_DENIED, KMS_DENIED, KMS_DENIED},
		{KMS_DAMAGED, KMS_OK, KMS_OK, KMS_DAMAGED},
		{KMS_OK, KMS_OK, KMS_OK, KMS_OK},
	};
	const char *uris[] = {KEY_A, "local://hot"};
	struct fix *f = *state;
	struct kms_key_info info;
	char key_id[KEY_ID_MAX];

	for (size_t i = 0; i < 10; i++) {
		struct key_id id = fix_id(uris[i / 5]);
		const enum kms_outcome *row = table[i % 5];
		struct local_fault fault = {.outcome = row[0]};

		assert_int_equal(local_fault_set(f->dir, &id, fault, NULL), 0);
		assert_int_equal(fix_describe(f, KEY_A, &info), row[1]);
		assert_int_equal(fix_wrap(f, KEY_A, key_id), row[2]);
		assert_int_equal(fix_unwrap(f, f->id_a), row[3]);
	}
}

static double seconds(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A slow vault waits, then answers by the state at that time, not by that of the question. */
static void slow_fault_delays_the_answer(void **state)
{
	struct fix *f = *state;
	struct key_id id = fix_id(KEY_A);
	struct local_fault slow = {.delay_ms = 300};
	struct kms_key_info info;
	double before;

	assert_int_equal(local_fault_set(f->dir, &id, slow, NULL), 0);
	before = seconds();
	assert_int_equal(fix_describe(f, KEY_A, &info), KMS_OK);
	assert_true(seconds() - before >= 0.3);
	slow.outcome = KMS_TRANSIENT;
	assert_int_equal(local_fault_set(f->dir, &id, slow, NULL), 0);
	assert_int_equal(fix_unwrap(f, f->id_a), KMS_TRANSIENT);
	slow.delay_ms = LOCAL_DELAY_MAX_MS + 1;
	assert_int_equal(local_fault_set(f->dir, &id, slow, NULL), -EINVAL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fix_setup, fix_teardown)

struct seen {
	unsigned n;
	struct kms_observed last;
	char vault[64];
};

static void see(void *arg, const struct kms_observed *o)
{
	struct seen *s = arg;

	s->n++;
	s->last = *o;
	(void)snprintf(s->vault, sizeof(s->vault), "%s", o->vault);
}

/* Metrics count by it: each call that reached a service is seen once, with its outcome. */
static void kms_observe_sees_each_call_once(void **state)
{
	struct fix *f = *state;
	struct kms_key_info info;
	struct seen seen = {0};
	struct kms_config config = {.vaults_dir = f->dir, .observe = see, .observe_arg = &seen};
	CLEANUP(kms_free_p) struct kms *kms = NULL;

	assert_int_equal(kms_new(&config, &kms, NULL), 0);
	assert_int_equal(kms_describe(kms, f->id_a, &info, NULL, NULL), KMS_OK);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.last.outcome, KMS_OK);
	assert_string_equal(kms_operation_name(seen.last.operation), "get");
	assert_string_equal(seen.vault, "hot");
	assert_int_equal(kms_describe(kms, "local://hot/keys/nothing", &info, NULL, NULL),
			 KMS_NOT_FOUND);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.last.outcome, KMS_NOT_FOUND);
	assert_int_equal(kms_describe(kms, "nonsense", &info, NULL, NULL), KMS_MISCONFIGURED);
	assert_int_equal(seen.n, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(wrap_and_unwrap_return_the_key),
		T(names_are_found_in_any_case),
		T(describe_tells_every_attribute),
		T(missing_vault_is_transient),
		T(unreadable_vault_is_transient),
		T(unknown_key_or_version_is_not_found),
		T(deleted_key_is_not_found_until_recovered),
		T(disabled_key_is_denied),
		T(disabled_version_is_denied_alone),
		T(deny_works_per_operation_on_key_and_vault),
		T(foreign_bytes_are_damaged),
		T(unwrap_needs_a_version),
		T(window_stops_wrap_but_not_unwrap),
		T(key_ops_and_type_are_minded),
		T(vaults_fail_independently),
		T(faults_answer_by_their_table),
		T(slow_fault_delays_the_answer),
		T(kms_observe_sees_each_call_once),
	};

	return cmocka_run_group_tests(tests, fix_setup_group, fix_teardown_group);
}
