/* tests/unit/test_azure_challenge.c - which host may get a token: challenges, domains, authorities.
 */
#include "tests/unit/azure_fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define TENANT	"11111111-aaaa-4aaa-8aaa-111111111111"
#define TENANT2 "22222222-bbbb-4bbb-8bbb-222222222222"
#define LOGIN	"authorization=\"https://login.microsoftonline.com/" TENANT "\""

static void challenge_parse_walks_its_forms(void **state)
{
	static const struct {
		const char *field;
		int r;
		const char *authority, *resource;
	} rows[] = {
		{"Bearer " LOGIN ", resource=\"https://vault.azure.net\"", 0,
		 "login.microsoftonline.com", "https://vault.azure.net"},
		{"bearer resource=https://vault.azure.net," LOGIN, 0, "login.microsoftonline.com",
		 "https://vault.azure.net"},
		{"PoP x=\"y\", Bearer " LOGIN " , scope=\"https://managedhsm.azure.net/.default\"",
		 0, "login.microsoftonline.com", "https://managedhsm.azure.net"},
		{"Bearer authorization=\"https://LOGIN.windows.net:443/dstsv2/" TENANT
		 "/x\", resource=\"https://Vault.azure.net/\"",
		 0, "login.windows.net", "https://vault.azure.net"},
		{"Bearer authorization_uri=\"https://login.windows.net/" TENANT
		 "\", resource=\"https://vault.azure.net\"",
		 0, "login.windows.net", "https://vault.azure.net"},
		{"", -EPROTO, NULL, NULL},
		{"Bearer", -EPROTO, NULL, NULL},
		{"Basic " LOGIN ", resource=\"https://vault.azure.net\"", -EPROTO, NULL, NULL},
		{"Bearer " LOGIN, -EPROTO, NULL, NULL},
		{"Bearer " LOGIN ", resource=\"http://vault.azure.net\"", -EPROTO, NULL, NULL},
		{"Bearer " LOGIN ", resource=\"https://vault.azure.net:444\"", -EPROTO, NULL, NULL},
		{"Bearer " LOGIN ", resource=\"https://vault.azure.net/a\"", -EPROTO, NULL, NULL},
		{"Bearer " LOGIN ", resource=\"https://a@vault.azure.net\"", -EPROTO, NULL, NULL},
		{"Bearer authorization=\"http://login.microsoftonline.com/" TENANT
		 "\", resource=\"https://vault.azure.net\"",
		 -EPROTO, NULL, NULL},
		{"Bearer authorization=\"https://login.microsoftonline.com\", "
		 "resource=\"https://vault.azure.net\"",
		 -EPROTO, NULL, NULL},
		{"Bearer authorization=\"https://login.microsoftonline.com/a?b\", "
		 "resource=\"https://vault.azure.net\"",
		 -EPROTO, NULL, NULL},
		{"Bearer " LOGIN ", resource=\"https://vault.azure.net", 0,
		 "login.microsoftonline.com",
		 "https://vault.azure.net"}, /* cut: still checked below */
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct challenge c = {0};
		struct err err = {0};
		int r = challenge_parse(rows[i].field, &c, &err);

		if (r != rows[i].r)
			fail_msg("row %zu: %d, %s", i, r, err.text);
		assert_int_equal(r < 0, err.text[0] != '\0');
		if (r < 0)
			continue;
		assert_string_equal(c.authority, rows[i].authority);
		assert_string_equal(c.resource, rows[i].resource);
		assert_string_equal(c.tenant, TENANT);
	}
}

/* A hostile vault must get no token for another resource, nor steer a credential elsewhere. */
static void challenge_check_refuses_foreign_resources_and_authorities(void **state)
{
	static const struct {
		const char *host, *domain, *resource, *challenge_authority, *authority, *tenant,
			*words;
	} rows[] = {
		{VAULT, "vault.azure.net", "vault.azure.net", "login.microsoftonline.com", NULL,
		 TENANT, NULL},
		{VAULT ":8443", "vault.azure.net", "vault.azure.net", "login.windows.net", NULL,
		 NULL, NULL},
		{"a.vault.corp.test", "corp.test", "vault.corp.test", "login.corp.test:99",
		 "login.corp.test:99", "contoso.example", NULL},
		/* the resource */
		{VAULT, "vault.azure.net", "azure.net", "login.windows.net", NULL, NULL,
		 "azure.net"},
		{VAULT, "vault.azure.net", "ault.azure.net", "login.windows.net", NULL, NULL,
		 "token"},
		{VAULT, "vault.azure.net", "net", "login.windows.net", NULL, NULL, "token"},
		{VAULT, "vault.azure.net", VAULT, "login.windows.net", NULL, NULL, "token"},
		{VAULT, "vault.azure.net", "managedhsm.azure.net", "login.windows.net", NULL, NULL,
		 "managedhsm"},
		{VAULT, "vault.azure.net", "t.vault.azure.net", "login.windows.net", NULL, NULL,
		 "token"}, /* "hot" ends so, but not at a dot */
		{"a.vault.corp.test", "vault.corp.test", "corp.test", "login.windows.net", NULL,
		 NULL, "token"},
		/* the authority */
		{VAULT, "vault.azure.net", "vault.azure.net", "evil.example", NULL, NULL,
		 "evil.example"},
		{VAULT, "vault.azure.net", "vault.azure.net",
		 "login.microsoftonline.com.evil.example", NULL, NULL, "evil.example"},
		{VAULT, "vault.azure.net", "vault.azure.net", "login.microsoftonline.com:8443",
		 NULL, NULL, "list"},
		{VAULT, "vault.azure.net", "vault.azure.net", "login.corp.test:98",
		 "login.corp.test:99", NULL, "list"},
		/* the credential is for one cloud, whose operator is not the other's */
		{VAULT, "vault.azure.net", "vault.azure.net", "login.partner.microsoftonline.cn",
		 NULL, NULL, "list"},
		{VAULT, "vault.azure.net", "vault.azure.net", "login.microsoftonline.us", NULL,
		 NULL, "list"},
		{"hot.vault.azure.cn", "vault.azure.cn", "vault.azure.cn",
		 "login.microsoftonline.com", NULL, NULL, "list"},
		{"hot.vault.azure.cn", "vault.azure.cn", "vault.azure.cn", "login.chinacloudapi.cn",
		 NULL, NULL, NULL},
		{"hot.managedhsm.usgovcloudapi.net", "managedhsm.usgovcloudapi.net",
		 "managedhsm.usgovcloudapi.net", "login.microsoftonline.us", NULL, NULL, NULL},
		{"a.vault.corp.test", "corp.test", "vault.corp.test", "login.microsoftonline.us",
		 NULL, NULL, NULL},
		/* configured: the credential goes there and nowhere else */
		{VAULT, "vault.azure.net", "vault.azure.net", "login.microsoftonline.us",
		 "login.microsoftonline.us", NULL, NULL},
		/* the tenant */
		{VAULT, "vault.azure.net", "vault.azure.net", "login.microsoftonline.com", NULL,
		 TENANT2, "AZURE_TENANT_ID"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct challenge c = {.tenant = TENANT};
		struct err err = {0};
		int r;

		(void)snprintf(c.resource, sizeof(c.resource), "https://%s", rows[i].resource);
		(void)snprintf(c.authority, sizeof(c.authority), "%s", rows[i].challenge_authority);
		r = challenge_check(&c, rows[i].host, rows[i].domain, rows[i].authority,
				    rows[i].tenant, &err);
		if (r != (rows[i].words ? -EPERM : 0))
			fail_msg("row %zu: %d, %s", i, r, err.text);
		if (rows[i].words)
			fix_says(&err, rows[i].words);
	}
}

static void azure_domain_knows_the_clouds_and_what_is_added(void **state)
{
	static const struct {
		const char *host, *domains, *domain;
	} rows[] = {
		{"v.vault.azure.net", NULL, "vault.azure.net"},
		{"v.vault.azure.net:8443", NULL, "vault.azure.net"},
		{"h.managedhsm.azure.net", NULL, "managedhsm.azure.net"},
		{"v.vault.azure.cn", NULL, "vault.azure.cn"},
		{"h.managedhsm.azure.cn", NULL, "managedhsm.azure.cn"},
		{"h.managedhsm.chinacloudapi.cn", NULL, "managedhsm.chinacloudapi.cn"},
		{"v.vault.usgovcloudapi.net", NULL, "vault.usgovcloudapi.net"},
		{"h.managedhsm.usgovcloudapi.net", NULL, "managedhsm.usgovcloudapi.net"},
		{"v.vault.corp.test", "a.test:Vault.corp.test", "vault.corp.test"},
		{"v.a.test", "a.test:vault.corp.test", "a.test"},
		{"vault.azure.net", NULL, NULL},
		{"evilvault.azure.net", NULL, NULL},
		{"v.vault.azure.net.evil.example", NULL, NULL},
		{"v.vault.azure.com", NULL, NULL},
		{"v.vault.corp.test", NULL, NULL},
		{"v.vault.corp.test", "corp.tes", NULL},
		{"va.test", "a.test", NULL},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		char domain[AZURE_DOMAIN_LEN] = "";

		assert_int_equal(azure_domain(rows[i].host, rows[i].domains, domain),
				 rows[i].domain != NULL);
		assert_string_equal(domain, rows[i].domain ? rows[i].domain : "");
	}
}

static void settings_that_do_not_fit_are_named(void **state)
{
	static const struct {
		struct kms_config config;
		const char *words;
		int r;
	} rows[] = {
		{{.vault_domains = "net"}, "'net'", -EINVAL},
		{{.vault_domains = "a.test:"}, "''", -EINVAL},
		{{.vault_domains = "a.test:b_c.test"}, "b_c.test", -EINVAL},
		{{.vault_domains = "https://a.test"}, "two labels", -EINVAL},
		{{.credential = "password"}, "credential=password", -EINVAL},
		{{.credential = "client-secret"}, "AZURE_TENANT_ID is not set", -EINVAL},
		{{.ca_file = "/nowhere/ca.pem"}, "/nowhere/ca.pem: No such file", -ENOENT},
		{{.ca_file = "/dev/null"}, "/dev/null: no certificate in PEM", -EINVAL},
		{{.vault_timeout_s = 301}, "vault_timeout", -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct kms *kms = NULL;
		struct err err = {0};

		assert_int_equal(kms_new(&rows[i].config, &kms, &err), rows[i].r);
		assert_null(kms);
		fix_says(&err, rows[i].words);
	}
}

/* /proc/PID/environ shows the bytes that were there at the start: they must not stay. */
static void secrets_leave_the_environment(void **state)
{
	static const struct kms_config config = {.vaults_dir = "/tmp"};
	CLEANUP(kms_free_p) struct kms *kms = NULL;
	const char *value;

	(void)state;
	assert_int_equal(setenv("AZURE_CLIENT_SECRET", "s3cret", 1), 0);
	value = getenv("AZURE_CLIENT_SECRET");
	assert_int_equal(kms_new(&config, &kms, NULL), 0);
	assert_null(getenv("AZURE_CLIENT_SECRET"));
	assert_memory_equal(value, "\0\0\0\0\0\0", 6);
}

#define SHORT 2000
#define LONG  4000 /* less than a page: its bytes and its size change together */

struct rewritten {
	char path[64];
	_Atomic bool stop;
};

/* In place, as `echo SECRET >FILE` does. */
static void *rewrite(void *arg)
{
	static char text[LONG];
	struct rewritten *w = arg;

	for (unsigned i = 0; !w->stop; i++) {
		int fd = open(w->path, O_WRONLY | O_TRUNC);
		ssize_t len = i % 2 ? LONG : SHORT;

		memset(text, i % 2 ? 'l' : 's', sizeof(text));
		assert_int_equal(write(fd, text, (size_t)len), len);
		(void)close(fd); /* what counts was written */
	}
	return NULL;
}

/* Half a secret is a wrong one: the token service would say "invalid_client", which is a denial. */
static void a_secret_that_is_rewritten_is_read_whole_or_not(void **state)
{
	struct rewritten w = {.path = "/tmp/depfs-secret.XXXXXX"};
	pthread_t writer;
	int fd = mkstemp(w.path);

	(void)state;
	assert_true(fd >= 0);
	(void)close(fd); /* empty */
	assert_int_equal(pthread_create(&writer, NULL, rewrite, &w), 0);
	for (unsigned i = 0; i < 20000; i++) {
		CLEANUP(secret_free_p) struct secret *got = NULL;
		struct err err = {0};
		int r = secret_file_read(w.path, 1 << 14, SECRET_FILE_PRIVATE, &got, &err);

		if (r == 0)
			assert_int_equal(secret_len(got), *secret_bytes(got) == 'l' ? LONG : SHORT);
		else
			fix_says(&err, w.path);
	}
	w.stop = true;
	assert_int_equal(pthread_join(writer, NULL), 0);
	assert_int_equal(unlink(w.path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(challenge_parse_walks_its_forms),
		cmocka_unit_test(challenge_check_refuses_foreign_resources_and_authorities),
		cmocka_unit_test(azure_domain_knows_the_clouds_and_what_is_added),
		cmocka_unit_test(settings_that_do_not_fit_are_named),
		cmocka_unit_test(secrets_leave_the_environment),
		cmocka_unit_test(a_secret_that_is_rewritten_is_read_whole_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
