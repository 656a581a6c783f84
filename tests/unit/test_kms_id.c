/* tests/unit/test_kms_id.c - key ids, and the table from outcome to name and errno. */
#include "tests/unit/kms_fixture.h"

#define V32 "0123456789abcdef0123456789ABCDEF"
#define N127                                                                \
	"k23456789012345678901234567890123456789012345678901234567890"      \
	"12345678901234567890123456789012345678901234567890123456789012345" \
	"67"

struct row {
	const char *in;
	const char *out; /* NULL: refused */
};

static const struct row rows[] = {
	{"local://hot/keys/Key_01", "local://hot/keys/Key_01"},
	{"LOCAL://Hot/KEYS/Key_01", "local://hot/keys/Key_01"},
	{"local://hot/keys/k/" V32, "local://hot/keys/k/0123456789abcdef0123456789abcdef"},
	{"https://V.vault.azure.net/keys/k", "https://v.vault.azure.net/keys/k"},
	{"https://v.vault.azure.net:443/keys/k", "https://v.vault.azure.net/keys/k"},
	{"https://v.vault.azure.net:08443/keys/k", "https://v.vault.azure.net:8443/keys/k"},
	{"https://localhost:8443/keys/k", "https://localhost:8443/keys/k"},
	{"local://hot/keys/" N127, "local://hot/keys/" N127},
	{"local://hot/keys/" N127 "x", NULL},
	{"", NULL},
	{"hot/keys/k", NULL},
	{"://hot/keys/k", NULL},
	{"http://v.vault.azure.net/keys/k", NULL},
	{"local", NULL},
	{"local://", NULL},
	{"local:///keys/k", NULL},
	{"local://hot", NULL},
	{"local://hot/", NULL},
	{"local://hot/keys", NULL},
	{"local://hot/keys/", NULL},
	{"local://hot/keys//", NULL},
	{"local://hot/secrets/k", NULL},
	{"local://hot/keys/k/", NULL},
	{"local://hot/keys/k/0123", NULL},
	{"local://hot/keys/k/" V32 "0", NULL},
	{"local://hot/keys/k/g123456789abcdef0123456789abcdef", NULL},
	{"local://hot/keys/k/" V32 "/", NULL},
	{"local://hot/keys/k.json", NULL},
	{"local://hot/keys/..", NULL},
	{"local://../keys/k", NULL},
	{"local://-hot/keys/k", NULL},
	{"local://hot.d/keys/k", NULL},
	{"local://hot:1/keys/k", NULL},
	{"local://hot/keys/k ", NULL},
	{"local://hot/keys/k\n", NULL},
	{"local://hot/keys/k\xc3\xa4", NULL},
	{"https://user@v.vault.azure.net/keys/k", NULL},
	{"https://v.vault.azure.net/keys/k?api-version=7.4", NULL},
	{"https://v.vault.azure.net/keys/k#x", NULL},
	{"https://v.vault.azure.net./keys/k", NULL},
	{"https://v..net/keys/k", NULL},
	{"https://-v.net/keys/k", NULL},
	{"https://v_v.net/keys/k", NULL},
	{"https://v.net:/keys/k", NULL},
	{"https://v.net:0/keys/k", NULL},
	{"https://v.net:65536/keys/k", NULL},
	{"https://v.net:1x/keys/k", NULL},
	{"https://[::1]/keys/k", NULL},
};

/* An id decides which key wraps: each spelling has one canonical form, each other text a reason. */
static void key_id_parse_walks_its_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct key_id id, again;
		struct err err = {0};
		char out[KEY_ID_MAX];
		int r = key_id_parse(rows[i].in, &id, &err);

		if (r != (rows[i].out ? 0 : -EINVAL))
			fail_msg("'%s': %d %s", rows[i].in, r, err.text);
		if (r < 0) {
			assert_true(err.text[0]);
			continue;
		}
		key_id_format(&id, out);
		assert_string_equal(out, rows[i].out);
		assert_int_equal(key_id_parse(out, &again, NULL), 0);
		assert_memory_equal(&id, &again, sizeof(id));
	}
}

/* A text that never ends must not be read past what an id may hold. */
static void key_id_parse_refuses_what_is_too_long(void **state)
{
	struct key_id id;
	struct err err = {0};
	char text[KEY_ID_MAX + 8];

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(key_id_parse(text, &id, &err), -EINVAL);
	assert_non_null(strstr(err.text, "longer"));
}

/* A policy needs two different keys: a version or a letter's case makes no second key. */
static void key_id_same_key_looks_past_version_and_case(void **state)
{
	struct key_id a, b, c, d;

	(void)state;
	assert_int_equal(key_id_parse("local://hot/keys/Key", &a, NULL), 0);
	assert_int_equal(key_id_parse("local://HOT/keys/kEY/" V32, &b, NULL), 0);
	assert_int_equal(key_id_parse("local://cold/keys/Key", &c, NULL), 0);
	assert_int_equal(key_id_parse("https://hot/keys/Key", &d, NULL), 0);
	assert_true(key_id_same_key(&a, &b));
	assert_false(key_id_same_key(&a, &c));
	assert_false(key_id_same_key(&a, &d));
}

/* `depctl key deny local://hot` means the vault; what is managed elsewhere is refused. */
static void local_uri_parse_takes_a_vault_alone(void **state)
{
	struct key_id id;
	char out[KEY_ID_MAX];

	(void)state;
	assert_int_equal(local_uri_parse("local://hot", &id, NULL), 0);
	assert_string_equal(id.vault, "hot");
	assert_string_equal(id.name, "");
	key_id_format(&id, out);
	assert_string_equal(out, "local://hot");
	assert_int_equal(local_uri_parse("local://hot/", &id, NULL), 0);
	assert_int_equal(local_uri_parse("local://hot/keys/", &id, NULL), -EINVAL);
	assert_int_equal(local_uri_parse("https://v.vault.azure.net/keys/k", &id, NULL), -EINVAL);
}

/* Row by row: operations on policies hand these errnos to programs. */
static void outcomes_have_their_name_and_errno(void **state)
{
	static const struct {
		enum kms_outcome o;
		const char *name;
		int r;
	} table[] = {
		{KMS_OK, "ok", 0},
		{KMS_DENIED, "denied", -EACCES},
		{KMS_TRANSIENT, "transient", -EAGAIN},
		{KMS_NOT_FOUND, "not found", -ENOKEY},
		{KMS_DAMAGED, "damaged", -EBADMSG},
		{KMS_MISCONFIGURED, "misconfigured", -EINVAL},
		{KMS_MISCONFIGURED + 1, "unknown", -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_string_equal(kms_outcome_name(table[i].o), table[i].name);
		assert_int_equal(kms_outcome_errno(table[i].o), table[i].r);
	}
}

/* What a program can tell apart beyond the outcome: only where it belongs to that outcome. */
static void errno_is_finer_where_the_sentence_says_so(void **state)
{
	static const struct {
		enum kms_outcome o;
		int err_r, r;
	} table[] = {
		{KMS_DENIED, -EKEYREVOKED, -EKEYREVOKED}, {KMS_MISCONFIGURED, -EPROTO, -EPROTO},
		{KMS_TRANSIENT, -ETIMEDOUT, -ETIMEDOUT}, /* at the deadline */
		{KMS_TRANSIENT, -EIO, -EAGAIN},		  {KMS_TRANSIENT, -EKEYREVOKED, -EAGAIN},
		{KMS_DENIED, -ETIMEDOUT, -EACCES},	  {KMS_OK, -ETIMEDOUT, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct err err = {0};

		(void)err_set(&err, table[i].err_r, "a sentence");
		assert_int_equal(kms_errno(table[i].o, &err), table[i].r);
	}
}

/* With credential=none no request goes to Azure, whatever key ids are given. */
static void azure_is_switched_off_with_a_sentence(void **state)
{
	static const char key_id[] = "https://v.vault.azure.net/keys/k/" V32;
	struct fix f = {.wrapped_len = 256};
	struct kms_key_info info;
	struct kms_config config = {.vaults_dir = "relative/folder", .credential = "none"};
	struct err err = {0};
	char ret_key_id[KEY_ID_MAX];

	(void)state;
	assert_int_equal(kms_new(&config, &f.kms, NULL), 0);
	assert_false(kms_needs_network(f.kms));
	assert_int_equal(fix_describe(&f, key_id, &info), KMS_MISCONFIGURED);
	assert_int_equal(fix_wrap(&f, key_id, ret_key_id), KMS_MISCONFIGURED);
	assert_int_equal(fix_unwrap_err(&f, key_id, &err), KMS_MISCONFIGURED);
	assert_non_null(strstr(err.text, "switched off"));
	assert_non_null(strstr(err.text, "https://v.vault.azure.net/keys/k"));
	kms_free(f.kms);
}

/* A name on no list gets no request, not even one that would tell it which key is meant. */
static void hosts_outside_the_domains_are_refused_unasked(void **state)
{
	struct fix f = {.wrapped_len = 256};
	struct kms_config config = {.vaults_dir = "/tmp", .vault_domains = "vault.example.net"};
	struct kms_key_info info;
	struct err err = {0};

	(void)state;
	assert_int_equal(kms_new(&config, &f.kms, NULL), 0);
	assert_int_equal(
		kms_describe(f.kms, "https://v.evilvault.azure.net/keys/k", &info, NULL, &err),
		KMS_MISCONFIGURED);
	assert_non_null(strstr(err.text, "vault_domains="));
	assert_int_equal(kms_describe(f.kms, "https://vault.azure.net/keys/k", &info, NULL, &err),
			 KMS_MISCONFIGURED);
	assert_int_equal(kms_circuits(f.kms, NULL, 0), 0);
	kms_free(f.kms);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_id_parse_walks_its_table),
		cmocka_unit_test(key_id_parse_refuses_what_is_too_long),
		cmocka_unit_test(key_id_same_key_looks_past_version_and_case),
		cmocka_unit_test(local_uri_parse_takes_a_vault_alone),
		cmocka_unit_test(outcomes_have_their_name_and_errno),
		cmocka_unit_test(errno_is_finer_where_the_sentence_says_so),
		cmocka_unit_test(azure_is_switched_off_with_a_sentence),
		cmocka_unit_test(hosts_outside_the_domains_are_refused_unasked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
