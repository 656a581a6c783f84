/* tests/unit/test_engine.c - the engine opened over good and bad records, and events of damage. */
#include "tests/unit/engine_fixture.h"

#include "fs/jobs/jobs_internal.h"
#include "fs/policy/policies_internal.h"

static void a_check_period_of_zero_is_refused(void **state)
{
	struct fix *f = *state;

	fix_close(f);
	f->key_check_s = 0;
	REFUSED(f, -EINVAL, fix_try_open(f));
	f->key_check_s = 60;
	fix_open(f);
	assert_int_equal(f->e->key_check_s, 60);
	assert_true(f->e->started > 0);
}

/* Writes past the engine, as a later depfs, or a program that has the service key, might. */
static void put(struct fix *f, enum store_table table, const void *key, size_t key_len,
		const void *value, size_t len)
{
	CLEANUP(store_abort_p) struct store_txn *txn = NULL;

	DONE(f, store_begin(f->e->store, STORE_WRITE, &txn, &f->err));
	if (value)
		DONE(f, store_put(txn, table, key, key_len, value, len, &f->err));
	else
		DONE(f, store_del(txn, table, key, key_len, &f->err));
	DONE(f, store_commit(STEAL(txn), STORE_COMMIT_SNAPSHOT, &f->err));
}

static void reopen_refuses(struct fix *f, int expected, const char *says)
{
	int r;

	fix_close(f);
	r = fix_try_open(f);
	if (r != expected || !strstr(f->err.text, says))
		fail_msg("%s: %s", errno_name(r), f->err.text);
	f->err.text[0] = '\0';
}

/* A record of a version or with a flag that this depfs does not know is not guessed at. */
static void records_of_a_later_depfs_are_refused(void **state)
{
	struct fix *f = *state;
	uint8_t buf[RECORD_MAX];
	struct policy *p;
	size_t len;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	p = f->e->policies->tables.policies[0];
	assert_int_equal(policy_record_encode(&p->rec, buf, &len), 0);
	buf[7] |= 0x80; /* flags, DEPP's table */
	put(f, TABLE_POLICIES, p->rec.id, UUID_LEN, buf, len);
	reopen_refuses(f, -ENOTSUP, "later depfs");
}

static void damaged_records_are_refused(void **state)
{
	struct fix *f = *state;
	uint8_t buf[RECORD_MAX];
	struct policy *p;
	size_t len;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	p = f->e->policies->tables.policies[0];
	assert_int_equal(policy_record_encode(&p->rec, buf, &len), 0);
	put(f, TABLE_POLICIES, p->rec.id, UUID_LEN, buf, len - 1);
	reopen_refuses(f, -EBADMSG, "policy record");
}

/* Without its newest key a policy could take no new data: better not to start than to find out. */
static void a_missing_key_record_is_refused(void **state)
{
	uint8_t key[KEY_TABLE_KEY_LEN];
	struct fix *f = *state;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	key_table_key(f->e->policies->tables.policies[0]->rec.id, 1, key);
	put(f, TABLE_KEYS, key, sizeof(key), NULL, 0);
	reopen_refuses(f, -EBADMSG, "generation 1");
}

static void a_key_record_of_no_policy_is_refused(void **state)
{
	uint8_t key[KEY_TABLE_KEY_LEN], buf[RECORD_MAX];
	struct key_record rec;
	struct fix *f = *state;
	size_t len;

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	rec = *f->e->policies->tables.policies[0]->keys[0];
	rec.policy_id[0] ^= 1;
	assert_int_equal(key_record_encode(&rec, buf, &len), 0);
	key_table_key(rec.policy_id, 1, key);
	put(f, TABLE_KEYS, key, sizeof(key), buf, len);
	reopen_refuses(f, -EBADMSG, "key record");
}

static void an_assignment_to_no_policy_is_refused(void **state)
{
	const struct assignment_record rec = {.policy_id = {7}};
	uint8_t buf[RECORD_MAX];
	struct fix *f = *state;
	size_t len;

	assert_int_equal(assignment_record_encode(&rec, buf, &len), 0);
	put(f, TABLE_ASSIGNMENTS, "tenant", 6, buf, len);
	reopen_refuses(f, -EBADMSG, "tenant");
}

/* A failed open in between must not make a crash look like a clean stop. */
static void a_failed_open_keeps_the_mark_of_a_crash(void **state)
{
	const struct assignment_record rec = {.policy_id = {7}};
	struct fix *f = *state;
	uint8_t buf[RECORD_MAX];
	struct store_txn *txn;
	struct store *s;
	size_t len;

	assert_int_equal(assignment_record_encode(&rec, buf, &len), 0);
	put(f, TABLE_ASSIGNMENTS, "tenant", 6, buf, len);
	engine_close(STEAL(f->e), false);
	REFUSED(f, -EBADMSG, fix_try_open(f));
	DONE(f, store_open(f->store, STORE_SERVE, f->service, &s, &f->err));
	assert_true(store_unclean_since(s) > 0);
	DONE(f, store_begin(s, STORE_WRITE, &txn, &f->err));
	DONE(f, store_del(txn, TABLE_ASSIGNMENTS, "tenant", 6, &f->err));
	DONE(f, store_commit(txn, STORE_COMMIT_SNAPSHOT, &f->err));
	store_close(s, true);
	fix_open(f);
	assert_int_equal(store_unclean_since(f->e->store), 0);
}

/* The snapshot has every record a header needs: state/ may be lost. */
static void state_lost_and_all_policies_come_back(void **state)
{
	struct fix *f = *state;
	struct wrap_ref ref;
	char path[160];

	fix_policy(f, "P", POLICY_MULTI_WORKLOAD);
	DONE(f, assign_tenant(f->e->policies, "P", ASSIGN_PROVED, &WHO, &f->err));
	ref = fix_ref(f, "P");
	fix_close(f);
	(void)snprintf(path, sizeof(path), "%s/.depfs/state", f->store);
	fix_rmtree(path);
	fix_open(f);
	assert_true(fix_info(f, "P").assigned_tenant);
	assert_int_equal(fix_get(f, &ref, REQUEST_USER), 0);
}

/* A file read in a loop is one event a minute, another block or file is another event. */
static void damage_is_reported_once_a_minute(void **state)
{
	struct fix *f = *state;

	for (int i = 0; i < 1000; i++) {
		damage_report(f->e->damage, "mailbox/u1/a", 7, "block");
		damage_report(f->e->damage, "mailbox/u1/a", 8, "block");
		damage_report(f->e->damage, "mailbox/u1/b", 7, "header");
	}
	assert_int_equal(fix_events(f, "block-damaged", "\"outcome\":\"EIO\"", ""), 3);
	assert_int_equal(fix_events(f, "block-damaged", "mailbox/u1/a",
				    "\"block\":8,\"offset\":32256,"), /* 3808 + 7 * 4064 */
			 1);
	assert_int_equal(fix_events(f, "block-damaged", "mailbox/u1/b", "header"), 1);
}

/* The memory of it is bounded, and so is what one flood may add to the log: the rest is counted,
 * and none is left out of the count. */
static void wide_damage_is_counted_beyond_its_allowance(void **state)
{
	struct fix *f = *state;
	char path[64], count[64];
	unsigned reported;

	for (int i = 0; i < 3000; i++) {
		(void)snprintf(path, sizeof(path), "edm/%d", i);
		damage_report(f->e->damage, path, 0, "block");
	}
	reported = fix_events(f, "block-damaged", "", "");
	assert_in_range(reported, 1000, 1100);
	fix_close(f); /* which reports all counts */
	fix_open(f);
	(void)snprintf(count, sizeof(count), "\"count\":%u,", 3000 - reported);
	assert_int_equal(fix_events(f, "events-coalesced", "\"of\":\"block-damaged\"", count), 1);
}

/* An act that hangs on a vault holds up the next one, which gives up with a sentence. */
static void a_second_act_gives_up_when_the_first_takes_too_long(void **state)
{
	struct fix *f = *state;

	f->e->policies->act_lock.wait_ms = 50;
	f->e->policies->act_lock.held = true;
	REFUSED(f, -EBUSY, policy_create_draft(f->e->policies, "D", &WHO, &f->err));
	REFUSED(f, -EBUSY, unassign_tenant(f->e->policies, &WHO, &f->err));
	f->e->policies->act_lock.held = false;
	DONE(f, policy_create_draft(f->e->policies, "D", &WHO, &f->err));
	assert_int_equal(fix_events(f, "policy-draft", "\"outcome\":\"EBUSY\"", "\"D\""), 1);
}

struct crowd {
	struct fix *f;
	atomic_bool stop;
	atomic_int failures;
	uint8_t policies[2][UUID_LEN];
};

/* A target is always one of the two, whole. */
static void *watch(void *arg)
{
	struct crowd *c = arg;
	const struct scope *s;
	struct policy_info info;
	struct wrap_ref ref;

	if (scope_of_path(c->f->e->scopes, "mailbox/u1/x", &s) < 0)
		atomic_fetch_add(&c->failures, 1);
	while (!atomic_load(&c->stop)) {
		target_resolve(c->f->e->policies, s, &ref);
		if (ref.generation != 1 || (!wrap_ref_is_service(&ref) &&
					    memcmp(ref.policy_id, c->policies[0], UUID_LEN) != 0 &&
					    memcmp(ref.policy_id, c->policies[1], UUID_LEN) != 0))
			atomic_fetch_add(&c->failures, 1);
		if (policy_get(c->f->e->policies, "M", &info, NULL) < 0)
			atomic_fetch_add(&c->failures, 1);
	}
	return NULL;
}

static void *act(void *arg)
{
	struct crowd *c = arg;

	for (int i = 0; i < 10; i++) {
		if (assign_tenant(c->f->e->policies, "T", ASSIGN_PROVED, &WHO, NULL) < 0 ||
		    assign_mailbox(c->f->e->policies, "u1", "M", ASSIGN_PROVED, &WHO, NULL) < 0 ||
		    policy_describe(c->f->e->policies, "M", i % 2 ? "odd" : "even", &WHO, NULL) <
			    0 ||
		    unassign_mailbox(c->f->e->policies, "u1", &WHO, NULL) < 0 ||
		    unassign_tenant(c->f->e->policies, &WHO, NULL) < 0)
			atomic_fetch_add(&c->failures, 1);
	}
	return NULL;
}

/* Two admins at once and a busy filesystem: everybody gets whole answers. */
static void acts_and_targets_run_together(void **state)
{
	struct crowd c = {.f = *state};
	pthread_t watchers[2], admins[2];

	fix_policy(c.f, "M", POLICY_MAILBOX);
	fix_policy(c.f, "T", POLICY_MULTI_WORKLOAD);
	memcpy(c.policies[0], fix_info(c.f, "M").id, UUID_LEN);
	memcpy(c.policies[1], fix_info(c.f, "T").id, UUID_LEN);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pthread_create(&watchers[i], NULL, watch, &c), 0);
		assert_int_equal(pthread_create(&admins[i], NULL, act, &c), 0);
	}
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(admins[i], NULL), 0);
	atomic_store(&c.stop, true);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(watchers[i], NULL), 0);
	assert_int_equal(atomic_load(&c.failures), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fix_setup, fix_teardown)

/* The record of an old key is there after a restart until it is dropped, from a snapshot as well.
 */
static void renewals_outlive_a_restart_until_dropped(void **state)
{
	struct renewal ren = {.file_id = {1}, .old_id = {2}, .old_wrap = {3}}, found;
	struct fix *f = *state;

	DONE(f, renewal_add(f->e->renewals, &ren, &f->err));
	fix_restart(f);
	assert_true(renewal_find(f->e->renewals, ren.file_id, &found));
	assert_memory_equal(&found, &ren, sizeof(ren));
	assert_int_equal(renewals_left(f->e->renewals), 1);
	renewals_search_begin(f->e->renewals);
	renewal_found(f->e->renewals, ren.file_id);
	renewals_search_end(f->e->renewals, SEARCHED_ALL); /* its file was found */
	DONE(f, renewals_flush(f->e->renewals, &f->err));
	renewals_search_begin(f->e->renewals);
	renewal_hold(f->e->renewals, ren.file_id);
	renewals_search_end(f->e->renewals, SEARCHED_ALL); /* not found, but open */
	renewal_unhold(f->e->renewals, ren.file_id);
	renewals_search_begin(f->e->renewals);
	renewals_search_end(f->e->renewals,
			    SEARCHED_SOME); /* not found, but something was not looked at */
	assert_int_equal(renewals_left(f->e->renewals), 1);
	renewals_search_begin(f->e->renewals);
	renewals_search_end(f->e->renewals, SEARCHED_ALL);
	DONE(f, renewals_flush(f->e->renewals, &f->err));
	assert_false(renewal_find(f->e->renewals, ren.file_id, &found));
	fix_restart(f);
	assert_false(renewal_find(f->e->renewals, ren.file_id, &found));
}

/* A job knows the files that it gave their ids, and takes no other one for its own. */
static void file_ids_tell_their_job(void **state)
{
	struct job a = {.rec.policy_id = {1}}, b = {.rec.policy_id = {2}};
	uint8_t id[FILE_ID_LEN], again[FILE_ID_LEN];

	(void)state;
	assert_int_equal(job_file_id(&a, id), 0);
	assert_int_equal(job_file_id(&a, again), 0);
	assert_memory_not_equal(id, again, FILE_ID_LEN);
	assert_true(job_file_id_is_of(&a, id));
	assert_false(job_file_id_is_of(&b, id));
	for (size_t i = 0; i < FILE_ID_LEN; i++) {
		id[i] ^= 1;
		assert_false(job_file_id_is_of(&a, id));
		id[i] ^= 1;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_check_period_of_zero_is_refused),
		T(records_of_a_later_depfs_are_refused),
		T(damaged_records_are_refused),
		T(a_missing_key_record_is_refused),
		T(a_key_record_of_no_policy_is_refused),
		T(an_assignment_to_no_policy_is_refused),
		T(a_failed_open_keeps_the_mark_of_a_crash),
		T(state_lost_and_all_policies_come_back),
		T(damage_is_reported_once_a_minute),
		T(wide_damage_is_counted_beyond_its_allowance),
		T(a_second_act_gives_up_when_the_first_takes_too_long),
		T(acts_and_targets_run_together),
		T(renewals_outlive_a_restart_until_dropped),
		T(file_ids_tell_their_job),
	};

	return cmocka_run_group_tests(tests, fix_setup_group, fix_teardown_group) ? 1 : 0;
}
