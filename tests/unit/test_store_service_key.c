/* tests/unit/test_store_service_key.c - fs/store: the service key's file and the keys derived. */
#include "tests/unit/store_fixture.h"

#include "fs/store/service_key.h"

#define KEY_HEX	 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define STORE_ID "01234567-89ab-4cde-8f01-23456789abcd"
#define KEY_LINE "depfs-service-key 1 " STORE_ID " " KEY_HEX "\n"

/* A known key file in place of the random one. */
static int setup_known(void **state)
{
	struct fix *f;

	if (fix_names(state) < 0)
		return -1;
	f = *state;
	assert_int_equal(uuid_decode(STORE_ID, f->id), 0);
	fix_write(f->key, KEY_LINE, strlen(KEY_LINE));
	return 0;
}

static int load(const struct fix *f, struct err *err)
{
	struct service_key *sk = NULL;
	int r;

	memset(err, 0, sizeof(*err));
	r = fix_judged(service_key_load(f->spec, f->id, &sk, err), err);
	service_key_free(sk);
	return r;
}

static int load_text(const struct fix *f, const char *text, size_t len)
{
	struct err err;
	int r;

	fix_write(f->key, text, len);
	r = load(f, &err);
	if (r < 0 && !strstr(err.text, f->key))
		fail_msg("the sentence does not name the file: %s", err.text);
	return r;
}

/* What every header's scope id and every record's MAC hang on. Made with Python's hmac: HKDF with
 * an empty salt and kdf.h's info strings over bytes 0 to 31. */
static void service_key_load_derives_known_keys(void **state)
{
	static const uint8_t want_id[] = {0x24, 0x32, 0x2d, 0x7f, 0x56, 0x5d, 0xd3, 0xa5,
					  0x3d, 0x97, 0xc0, 0xad, 0x5d, 0x19, 0xa5, 0x92};
	static const uint8_t want_mac[] = {0xab, 0x8b, 0x73, 0x89, 0x48, 0x08, 0xf5, 0x9a,
					   0x56, 0xae, 0x0a, 0xa2, 0x80, 0x61, 0x8d, 0x09};
	const struct kdf_part parts[] = {{"meta", 5}, {"abc", 3}};
	uint8_t id[SCOPE_ID_LEN], mac[RECORD_MAC_LEN];
	struct service_key *sk = NULL;
	struct fix *f = *state;
	struct err err = {0};

	assert_int_equal(fix_judged(service_key_load(f->spec, f->id, &sk, &err), &err), 0);
	assert_int_equal(service_scope_id(sk, "mailbox/u1", id), 0);
	assert_memory_equal(id, want_id, sizeof(id));
	assert_int_equal(service_record_mac(sk, parts, 2, mac), 0);
	assert_memory_equal(mac, want_mac, sizeof(mac));
	service_key_free(sk);
}

/* One key for DEKs and another for availability keys: neither opens what the other sealed. */
static void service_key_wraps_are_apart(void **state)
{
	uint8_t in[WRAP_KEY_LEN] = {1}, sealed[WRAP_LEN], out[WRAP_KEY_LEN];
	struct service_key *sk = NULL;
	struct fix *f = *state;

	assert_int_equal(service_key_load(f->spec, f->id, &sk, NULL), 0);
	assert_int_equal(wrap_seal(service_key_dek_wrap(sk), NULL, 0, in, sealed), 0);
	assert_int_equal(wrap_open(service_key_dek_wrap(sk), NULL, 0, sealed, out), 0);
	assert_memory_equal(in, out, sizeof(in));
	assert_int_equal(wrap_open(service_key_avail_wrap(sk), NULL, 0, sealed, out), -EBADMSG);
	service_key_free(sk);
}

/* Read access to the file is read access to the store. */
static void service_key_load_refuses_files_open_to_others(void **state)
{
	static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610, 0601, 0644, 0660};
	struct fix *f = *state;
	struct err err;

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(chmod(f->key, modes[i]), 0);
		assert_int_equal(load(f, &err), -EPERM);
		assert_non_null(strstr(err.text, "chmod 600"));
	}
	assert_int_equal(chmod(f->key, 0400), 0);
	assert_int_equal(load(f, &err), 0);
}

/* Another user could change the file behind our back. */
static void service_key_load_refuses_other_owners(void **state)
{
	struct fix *f = *state;
	struct err err;

	if (geteuid() != 0)
		skip(); /* only root can give a file away */
	assert_int_equal(chown(f->key, 12345, -1), 0);
	assert_int_equal(load(f, &err), -EPERM);
	assert_non_null(strstr(err.text, "12345"));
}

static void service_key_load_refuses_the_key_of_another_store(void **state)
{
	struct fix *f = *state;
	struct err err;

	f->id[15] ^= 1;
	assert_int_equal(load(f, &err), -EKEYREJECTED);
	assert_non_null(strstr(err.text, STORE_ID));
}

/* A file cut by a full disk or an editor must never be half a key. */
static void service_key_load_refuses_every_other_length(void **state)
{
	struct fix *f = *state;

	for (size_t len = 0; len < strlen(KEY_LINE); len++)
		assert_int_equal(load_text(f, KEY_LINE, len), -EBADMSG);
	assert_int_equal(load_text(f, KEY_LINE "\n", strlen(KEY_LINE) + 1), -EBADMSG);
	assert_int_equal(load_text(f, KEY_LINE KEY_LINE, 2 * strlen(KEY_LINE)), -EBADMSG);
}

/* Every byte made one that no key file has. */
static void service_key_load_refuses_every_damaged_byte(void **state)
{
	struct fix *f = *state;
	char line[sizeof(KEY_LINE)];

	for (size_t at = 0; at < strlen(KEY_LINE); at++) {
		int r;

		memcpy(line, KEY_LINE, sizeof(line));
		line[at] = (char)(line[at] ^ 0x80);
		r = load_text(f, line, strlen(KEY_LINE));
		assert_int_equal(r, at == 18 || at == 19 ? -ENOTSUP : -EBADMSG);
	}
}

static void service_key_load_reports_a_later_version(void **state)
{
	struct fix *f = *state;
	char line[sizeof(KEY_LINE)] = KEY_LINE;

	line[18] = '2';
	assert_int_equal(load_text(f, line, strlen(line)), -ENOTSUP);
}

static void service_key_load_refuses_what_is_no_file(void **state)
{
	struct fix *f = *state;
	struct err err;

	fix_rm(f->key);
	assert_int_equal(load(f, &err), -ENOENT);
	assert_int_equal(mkdir(f->key, 0700), 0);
	assert_int_equal(load(f, &err), -EINVAL);
	fix_rm(f->key);
	assert_int_equal(mkfifo(f->key, 0600), 0); /* must not wait for a writer */
	assert_int_equal(load(f, &err), -EINVAL);
}

/* Only "file:" and an absolute path: the daemon's working folder is no place to look for keys. */
static void service_key_specs_are_file_and_absolute(void **state)
{
	static const char *const specs[] = {"",	       "file:",	     "file:key", "/tmp/key",
					    "FILE:/k", "file:/tmp/", "env:KEY"};
	struct service_key *sk = NULL;
	struct fix *f = *state;

	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		struct err err = {0};

		assert_int_equal(fix_judged(service_key_load(specs[i], f->id, &sk, &err), &err),
				 -EINVAL);
		err.text[0] = '\0';
		assert_int_equal(fix_judged(service_key_create(specs[i], f->id, &err), &err),
				 -EINVAL);
	}
}

static void service_key_default_spec_names_the_store(void **state)
{
	struct fix *f = *state;
	char spec[128];

	service_key_default_spec(f->id, spec, sizeof(spec));
	assert_string_equal(spec, "file:/var/lib/depfs/keys/" STORE_ID ".key");
}

static void service_key_create_makes_a_private_file_that_loads(void **state)
{
	struct fix *f = *state;
	struct err err = {0};
	struct stat st;

	fix_rm(f->key);
	(void)umask(0);
	assert_int_equal(fix_judged(service_key_create(f->spec, f->id, &err), &err), 0);
	(void)umask(022);
	assert_int_equal(stat(f->key, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, strlen(KEY_LINE));
	assert_int_equal(load(f, &err), 0);
}

/* Two stores must not come to share a key by a weak draw. */
static void service_key_create_draws_a_new_key_each_time(void **state)
{
	struct fix *f = *state;
	char one[128], two[128];

	fix_rm(f->key);
	assert_int_equal(service_key_create(f->spec, f->id, NULL), 0);
	assert_int_equal(fix_read(f->key, one, sizeof(one)), strlen(KEY_LINE));
	fix_rm(f->key);
	assert_int_equal(service_key_create(f->spec, f->id, NULL), 0);
	assert_int_equal(fix_read(f->key, two, sizeof(two)), strlen(KEY_LINE));
	assert_memory_equal(one, two, 57);
	assert_memory_not_equal(one + 57, two + 57, 64);
}

/* An overwritten service key is a lost store. */
static void service_key_create_never_overwrites(void **state)
{
	struct fix *f = *state;
	char now[128];
	struct err err = {0};

	assert_int_equal(fix_judged(service_key_create(f->spec, f->id, &err), &err), -EEXIST);
	assert_int_equal(fix_read(f->key, now, sizeof(now)), strlen(KEY_LINE));
	assert_memory_equal(now, KEY_LINE, strlen(KEY_LINE));
	fix_rm(f->key);
	assert_int_equal(symlink("elsewhere", f->key), 0); /* nor writes through a link */
	assert_int_equal(service_key_create(f->spec, f->id, &err), -EEXIST);
}

static void service_key_create_refuses_a_missing_folder(void **state)
{
	struct fix *f = *state;
	char spec[160];
	struct err err = {0};

	(void)snprintf(spec, sizeof(spec), "file:%s/none/key", f->top);
	assert_int_equal(fix_judged(service_key_create(spec, f->id, &err), &err), -ENOENT);
	assert_non_null(strstr(err.text, "/none"));
}

#define KNOWN(test) cmocka_unit_test_setup_teardown(test, setup_known, fix_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KNOWN(service_key_load_derives_known_keys),
		KNOWN(service_key_wraps_are_apart),
		KNOWN(service_key_load_refuses_files_open_to_others),
		KNOWN(service_key_load_refuses_other_owners),
		KNOWN(service_key_load_refuses_the_key_of_another_store),
		KNOWN(service_key_load_refuses_every_other_length),
		KNOWN(service_key_load_refuses_every_damaged_byte),
		KNOWN(service_key_load_reports_a_later_version),
		KNOWN(service_key_load_refuses_what_is_no_file),
		KNOWN(service_key_specs_are_file_and_absolute),
		KNOWN(service_key_default_spec_names_the_store),
		KNOWN(service_key_create_makes_a_private_file_that_loads),
		KNOWN(service_key_create_draws_a_new_key_each_time),
		KNOWN(service_key_create_never_overwrites),
		KNOWN(service_key_create_refuses_a_missing_folder),
	};

	return cmocka_run_group_tests(tests, fix_group, NULL);
}
