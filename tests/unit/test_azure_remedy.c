/* tests/unit/test_azure_remedy.c - what doctor advises goes by the cause, the credential and the
 * vault; and hosts that were not asked are not counted as asked. */
#include "tests/unit/azure_fixture.h"

#include <stdlib.h>

#include "kms/azure/remedy_internal.h"

#define HSM_KEY "https://pool.managedhsm.azure.net/keys/k"
#define TOKEN	AZURE_OF_TOKEN

/* A remedy that has nothing to do with what was found sends people to the wrong place. */
static void azure_remedy_goes_by_the_cause(void **state)
{
	static const struct {
		unsigned cause;
		enum credential_kind kind;
		const char *variable, *words;
	} rows[] = {
		{HTTP_DNS, CREDENTIAL_SECRET, NULL, "step"},
		{HTTP_DNS | TOKEN, CREDENTIAL_SECRET, NULL, "DNS resolve the token service"},
		{HTTP_DNS | TOKEN, CREDENTIAL_MANAGED, NULL, "IDENTITY_ENDPOINT"},
		{HTTP_CONNECT, CREDENTIAL_SECRET, NULL, "reach the vault"},
		{HTTP_CONNECT, CREDENTIAL_SECRET, "https_proxy", "check the proxy"},
		{HTTP_TIMEOUT | TOKEN, CREDENTIAL_SECRET, "all_proxy", "check the proxy"},
		{HTTP_TIMEOUT | TOKEN, CREDENTIAL_SECRET, NULL, "reach the token service"},
		{HTTP_CONNECT | TOKEN, CREDENTIAL_MANAGED, "https_proxy", "AZURE_TENANT_ID"},
		{HTTP_PROXY, CREDENTIAL_SECRET, NULL, "check the proxy"},
		{HTTP_TLS, CREDENTIAL_SECRET, "https_proxy", "vault's certificate by ca_file="},
		{HTTP_TLS | TOKEN, CREDENTIAL_SECRET, NULL, "token service's certificate"},
		{HTTP_BROKEN, CREDENTIAL_SECRET, NULL, "stands between"},
		{HTTP_TOO_LARGE, CREDENTIAL_SECRET, NULL, "no key vault"},
		{HTTP_TOO_LARGE | TOKEN, CREDENTIAL_SECRET, NULL, "no token service"},
		{AZURE_LATER, CREDENTIAL_SECRET, NULL, "vault's metrics"},
		{AZURE_LATER | TOKEN, CREDENTIAL_SECRET, NULL, "Microsoft's service health"},
		{AZURE_LATER | TOKEN, CREDENTIAL_MANAGED, NULL, "platform's service"},
		{AZURE_STRANGE | TOKEN, CREDENTIAL_SECRET, NULL, "portal"},
		{AZURE_STRANGE | TOKEN, CREDENTIAL_MANAGED, NULL, "no identity endpoint"},
		{AZURE_REQUEST, CREDENTIAL_SECRET, NULL, "type RSA"},
		{AZURE_REQUEST, CREDENTIAL_SECRET, "DEPFS_AZURE_API_VERSION",
		 "take DEPFS_AZURE_API_VERSION away"},
		{AZURE_FILE, CREDENTIAL_SECRET, NULL, "DEPFS_CLIENT_SECRET_FILE"},
		{AZURE_FILE, CREDENTIAL_WORKLOAD, NULL, "AZURE_FEDERATED_TOKEN_FILE"},
		{AZURE_CREDENTIAL | TOKEN, CREDENTIAL_SECRET, NULL, "new secret in Entra"},
		{AZURE_CREDENTIAL | TOKEN, CREDENTIAL_CERTIFICATE, NULL,
		 "register the certificate"},
		{AZURE_CREDENTIAL | TOKEN, CREDENTIAL_WORKLOAD, NULL, "federated credential"},
		{AZURE_IDENTITY | TOKEN, CREDENTIAL_MANAGED, NULL, "assign a managed identity"},
		{0, CREDENTIAL_SECRET, NULL, "step"},
	};
	const struct key_id id = fix_key(KEY);

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		const char *variable = rows[i].variable;
		const struct azure_config c = {
			.kind = rows[i].kind,
			.api_version_is_set =
				variable && strcmp(variable, "DEPFS_AZURE_API_VERSION") == 0,
		};
		const struct err why = {.cause = rows[i].cause};
		const char *words = rows[i].words, *remedy;

		if (variable)
			assert_int_equal(setenv(variable, "http://127.0.0.1:9", 1), 0);
		remedy = azure_remedy(&c, &id, AZURE_STEP_DNS, &why);
		if (strcmp(words, "step") == 0) /* that of the step */
			words = "a vault that was deleted loses its name";
		if (!strstr(remedy, words))
			fail_msg("row %zu: '%s' does not say '%s'", i, remedy, words);
		if (variable)
			assert_int_equal(unsetenv(variable), 0);
	}
}

/* The fields of the configuration that a remedy may name. */
static void azure_remedy_names_the_variable_that_is_set(void **state)
{
	char set[] = "x";
	const struct azure_config client = {.kind = CREDENTIAL_MANAGED, .client = set};
	const struct azure_config authority = {.kind = CREDENTIAL_SECRET, .authority = set};
	const struct key_id id = fix_key(KEY);
	struct err why = {.cause = AZURE_IDENTITY | TOKEN};

	(void)state;
	assert_non_null(strstr(azure_remedy(&client, &id, AZURE_STEP_TOKEN, &why),
			       "AZURE_CLIENT_ID to this machine"));
	why.cause = HTTP_DNS | TOKEN;
	assert_non_null(strstr(azure_remedy(&authority, &id, AZURE_STEP_TOKEN, &why),
			       "AZURE_AUTHORITY_HOST"));
}

/* An HSM knows nothing of Key Vault's roles. */
static void azure_remedy_of_an_hsm_names_its_own_role(void **state)
{
	static const unsigned causes[] = {AZURE_RBAC, AZURE_DENIED};
	const struct azure_config c = {.kind = CREDENTIAL_SECRET};
	const struct key_id hsm = fix_key(HSM_KEY), vault = fix_key(KEY);

	(void)state;
	for (size_t i = 0; i < LENGTH(causes); i++) {
		const struct err why = {.cause = causes[i]};

		assert_non_null(strstr(azure_remedy(&c, &hsm, AZURE_STEP_PERMISSION, &why),
				       "Managed HSM Crypto Service Encryption User"));
		assert_non_null(strstr(azure_remedy(&c, &vault, AZURE_STEP_PERMISSION, &why),
				       "Key Vault Crypto Service Encryption User"));
	}
}

/* A cause must outlive what callers make of its sentence, and no other sentence may inherit it. */
static void a_cause_goes_with_its_sentence(void **state)
{
	struct err err = {0};

	(void)state;
	assert_int_equal(azure_set_cause(&err, AZURE_RBAC, err_set(&err, -EACCES, "no role")),
			 -EACCES);
	(void)err_prefix(&err, -EINVAL, "key k");
	assert_int_equal(err.cause, AZURE_RBAC);
	(void)err_set(&err, -EIO, "something else");
	assert_int_equal(err.cause, 0);
	assert_int_equal(azure_set_cause(NULL, AZURE_RBAC, -EACCES), -EACCES);
}

/* ---- which calls are counted ---- */

static void count(void *arg, const struct kms_observed *seen)
{
	(void)seen;
	++*(unsigned *)arg;
}

static unsigned observed(const char *credential, const char *key_id)
{
	CLEANUP(kms_free_p) struct kms *kms = NULL;
	CLEANUP(secret_free_p) struct secret *key = NULL;
	unsigned n = 0;
	const struct kms_config config = {.vaults_dir = "/nonexistent",
					  .credential = credential,
					  .observe = count,
					  .observe_arg = &n};
	uint8_t wrapped[KMS_WRAP_MAX] = {0};
	char ret_key_id[KEY_ID_MAX];
	struct kms_key_info info;
	size_t len;

	assert_int_equal(kms_new(&config, &kms, NULL), 0);
	assert_int_equal(secret_new_random(32, &key), 0);
	assert_int_not_equal(kms_describe(kms, key_id, &info, NULL, NULL), KMS_OK);
	assert_int_not_equal(kms_wrap(kms, key_id, key, wrapped, &len, ret_key_id, NULL, NULL),
			     KMS_OK);
	assert_int_not_equal(kms_unwrap(kms, key_id, wrapped, 256, &key, NULL, NULL), KMS_OK);
	return n;
}

/* What was never sent is no request of that host's. */
static void hosts_that_are_not_asked_are_not_counted(void **state)
{
	(void)state;
	assert_int_equal(observed("managed-identity", "https://evil.example/keys/k/" V32), 0);
	assert_int_equal(observed("none", KEY "/" V32), 0);
	assert_int_equal(observed("none", "local://hot/keys/k/" V32), 3);
	assert_int_equal(observed("none", "local://hot/keys/k"), 2); /* unwrap needs a version */
}

/* ---- endpoints of managed identities ---- */

static int checked(const char *identity, const char *imds, const char *msi, char *client,
		   struct err *err)
{
	const struct azure_config c = {.kind = CREDENTIAL_MANAGED,
				       .identity_endpoint = (char *)identity,
				       .imds_endpoint = (char *)imds,
				       .msi_endpoint = (char *)msi,
				       .client = client};

	return managed_check(&c, err);
}

/* A client id that is not sent means another identity than the one that was asked for. */
static void managed_check_refuses_what_cannot_be_meant(void **state)
{
	char client[] = "33333333-cccc-4ccc-8ccc-333333333333";
	struct err err = {0};

	(void)state;
	assert_int_equal(checked("http://h", "http://h", NULL, NULL, &err), 0);
	assert_int_equal(checked("http://h", "http://h", NULL, client, &err), -EINVAL);
	fix_says(&err, "Azure Arc has no user-assigned identities: take AZURE_CLIENT_ID away");
	assert_int_equal(checked(NULL, NULL, "http://h", client, &err), -EINVAL);
	fix_says(&err, "Cloud Shell has no");
	assert_int_equal(checked(NULL, NULL, NULL, client, &err), 0); /* instance metadata */
	assert_int_equal(checked("ftp://h", "http://h", NULL, NULL, &err), -EINVAL);
	fix_says(&err, "IDENTITY_ENDPOINT: an address http://");
	assert_int_equal(checked(NULL, NULL, "h/msi", NULL, &err), -EINVAL);
	fix_says(&err, "MSI_ENDPOINT: ");
	assert_int_equal(checked("ftp://unused", NULL, NULL, NULL, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(azure_remedy_goes_by_the_cause),
		cmocka_unit_test(azure_remedy_names_the_variable_that_is_set),
		cmocka_unit_test(azure_remedy_of_an_hsm_names_its_own_role),
		cmocka_unit_test(a_cause_goes_with_its_sentence),
		cmocka_unit_test(hosts_that_are_not_asked_are_not_counted),
		cmocka_unit_test(managed_check_refuses_what_cannot_be_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
