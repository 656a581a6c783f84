/* tests/unit/test_azure_reply.c - a vault's and a token service's answers, friendly and hostile. */
#include "tests/unit/azure_fixture.h"

#define KEY_ID(version) KEY "/" version

static const char *value_of(size_t bytes)
{
	static char text[1024];

	memset(text, 'A', (bytes * 4 + 2) / 3);
	text[(bytes * 4 + 2) / 3] = '\0';
	return text;
}

static int wrapped(const char *asked, const char *key_id, const char *value, struct err *err)
{
	CLEANUP(secret_free_p) struct secret *body = NULL;
	struct key_id id = fix_key(asked);
	struct kms_wrapped w;
	char text[2048];
	int r;

	(void)snprintf(text, sizeof(text), "{\"kid\":\"%s\",\"value\":\"%s\"}", key_id, value);
	body = fix_body(text);
	r = akv_reply_wrapped(body, &id, &w, err);
	if (r == 0)
		assert_int_equal(w.len, strlen(value) * 3 / 4);
	return r;
}

/* The "kid" of a reply becomes the key id that a copy is opened with: an unchecked one could make
 * it unreadable, or send it to another vault. */
static void key_id_of_a_reply_is_checked(void **state)
{
	static const struct {
		const char *asked, *key_id;
		int r;
	} rows[] = {
		{KEY, KEY_ID(V32), 0},
		{KEY, "https://HOT.vault.azure.net:443/keys/root-1/" V32, 0},
		{KEY_ID(V32), KEY_ID(V32), 0},
		{KEY_ID(V32), KEY_ID(OTHER32), -EPROTO},
		{KEY, KEY, -EPROTO},
		{KEY, "https://cold.vault.azure.net/keys/Root-1/" V32, -EPROTO},
		{KEY, "https://" VAULT ":444/keys/Root-1/" V32, -EPROTO},
		{KEY, "https://" VAULT "/keys/Root-2/" V32, -EPROTO},
		{KEY, "https://" VAULT "/secrets/Root-1/" V32, -EPROTO},
		{KEY, "local://hot/keys/Root-1/" V32, -EPROTO},
		{KEY, KEY_ID("short"), -EPROTO},
		{KEY, KEY_ID(V32) "/x", -EPROTO},
		{KEY, KEY_ID(V32) "?a", -EPROTO},
		{KEY, "", -EPROTO},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct err err = {0};

		if (wrapped(rows[i].asked, rows[i].key_id, value_of(256), &err) != rows[i].r)
			fail_msg("row %zu: %s", i, err.text);
		if (rows[i].r < 0)
			fix_says(&err, "the answer");
	}
}

static void wrapped_keys_have_an_rsa_length(void **state)
{
	struct err err = {0};

	(void)state;
	assert_int_equal(wrapped(KEY, KEY_ID(V32), value_of(384), &err), 0);
	assert_int_equal(wrapped(KEY, KEY_ID(V32), value_of(512), &err), 0);
	assert_int_equal(wrapped(KEY, KEY_ID(V32), value_of(255), &err), -EPROTO);
	fix_says(&err, "255 bytes");
	assert_int_equal(wrapped(KEY, KEY_ID(V32), value_of(513), &err), -EPROTO);
	assert_int_equal(wrapped(KEY, KEY_ID(V32), "", &err), -EPROTO);
	assert_int_equal(wrapped(KEY, KEY_ID(V32), "AAA=", &err), -EPROTO);
}

static void unwrapped_keys_come_whole_or_not_at_all(void **state)
{
	static const struct {
		const char *body;
		int r;
	} rows[] = {
		{"{\"kid\":\"" KEY_ID(V32) "\",\"value\":\"a2V5\"}", 0},
		{"{\"kid\":\"" KEY_ID(OTHER32) "\",\"value\":\"a2V5\"}", -EPROTO},
		{"{\"kid\":\"" KEY_ID(V32) "\",\"value\":\"\"}", -EPROTO},
		{"{\"kid\":\"" KEY_ID(V32) "\",\"value\":\"a2V\"}", -EPROTO}, /* bits left over */
		{"{\"kid\":\"" KEY_ID(V32) "\",\"value\":\"a\"}", -EPROTO},
		{"{\"kid\":\"" KEY_ID(V32) "\",\"value\":\"a+/5\"}", -EPROTO},
		{"{\"kid\":\"" KEY_ID(V32) "\",\"value\":null}", -EPROTO},
		{"{\"kid\":\"" KEY_ID(V32) "\"}", -EPROTO},
		{"{\"value\":\"a2V5\"}", -EPROTO},
		{"[]", -EPROTO},
		{"{", -EPROTO},
		{"", -EPROTO},
	};
	struct key_id id = fix_key(KEY_ID(V32));

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		CLEANUP(secret_free_p) struct secret *body = fix_body(rows[i].body);
		CLEANUP(secret_free_p) struct secret *key = NULL;
		struct err err = {0};

		assert_int_equal(akv_reply_unwrapped(body, &id, &key, &err), rows[i].r);
		assert_int_equal(rows[i].r == 0, key != NULL);
		if (key)
			assert_memory_equal(secret_bytes(key), "key", 3);
		else
			assert_true(err.text[0] != '\0');
	}
}

#define BUNDLE(kty, ops, n, attributes)                                               \
	"{\"key\":{\"kid\":\"" KEY_ID(V32) "\",\"kty\":\"" kty "\",\"key_ops\":[" ops \
					   "],\"n\":\"" n                             \
					   "\",\"e\":\"AQAB\"},\"attributes\":{" attributes "}}"

static void key_bundles_are_described(void **state)
{
	CLEANUP(secret_free_p)
	struct secret *body =
		fix_body(BUNDLE("RSA-HSM", "\"wrapKey\",\"unwrapKey\",\"get\"", "AIA",
				"\"enabled\":true,\"created\":5,\"updated\":6,\"exp\":9,\"nbf\":7,"
				"\"recoveryLevel\":\"CustomizedRecoverable+ProtectedSubscription\","
				"\"recoverableDays\":7,\"hsmPlatform\":\"2\""));
	CLEANUP(secret_free_p) struct secret *poor = fix_body(BUNDLE("EC", "\"sign\"", "", ""));
	struct key_id id = fix_key(KEY);
	struct azure_key key;

	(void)state;
	assert_int_equal(akv_reply_key(body, &id, &key, NULL), 0);
	assert_string_equal(key.info.id, KEY_ID(V32));
	assert_string_equal(key.info.kty, "RSA-HSM");
	assert_int_equal(key.info.bits, 8); /* 0x0080: the leading zero does not count */
	assert_string_equal(key.operations, "wrapKey,unwrapKey,get");
	assert_true(key.info.can_wrap && key.info.can_unwrap && key.info.enabled);
	assert_false(key.info.purgeable);
	assert_int_equal(key.info.expires, 9);
	assert_int_equal(key.info.not_before, 7);
	assert_int_equal(key.recoverable_days, 7);
	/* what a vault does not say is no reason for trust */
	assert_int_equal(akv_reply_key(poor, &id, &key, NULL), 0);
	assert_true(key.info.purgeable);
	assert_false(key.info.enabled || key.info.can_wrap || key.info.can_unwrap);
	assert_int_equal(key.info.bits, 0);
}

/* An expiry that is not understood must not pass for none, nor an odd word for protection. */
static void limits_of_a_key_are_understood_or_refused(void **state)
{
	static const struct {
		const char *attributes;
		int r;
		int64_t expires, not_before;
		bool purgeable;
	} rows[] = {
		{"\"recoveryLevel\":\"Recoverable\"", 0, 0, 0, false},
		{"\"recoveryLevel\":\"Recoverable+Purgeable\"", 0, 0, 0, true},
		{"\"recoveryLevel\":\"recoverable+purgeable\"", 0, 0, 0, true},
		{"\"recoveryLevel\":\"Protected\"", 0, 0, 0, true},
		{"\"exp\":null,\"nbf\":null", 0, 0, 0, true},
		{"\"exp\":1700000000,\"nbf\":\"1600000000\"", 0, 1700000000, 1600000000, true},
		{"\"exp\":9223372036854775807,\"nbf\":0", 0, INT64_MAX, 1, true},
		{"\"exp\":0", 0, 1, 0, true},
		{"\"exp\":-1,\"nbf\":-9223372036854775808", 0, 1, 1, true},
		{"\"exp\":1700000000.0", -EPROTO, 0, 0, false},
		{"\"exp\":1e308", -EPROTO, 0, 0, false},
		{"\"exp\":\"2023-11-14\"", -EPROTO, 0, 0, false},
		{"\"exp\":\"\"", -EPROTO, 0, 0, false},
		{"\"exp\":true", -EPROTO, 0, 0, false},
		{"\"nbf\":[4102444800]", -EPROTO, 0, 0, false},
		{"\"exp\":9223372036854775808", -EPROTO, 0, 0, false},
	};
	struct key_id id = fix_key(KEY);

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		CLEANUP(secret_free_p) struct secret *body = NULL;
		struct azure_key key;
		struct err err = {0};
		char text[512];

		(void)snprintf(text, sizeof(text), BUNDLE("RSA", "", "", "%s"), rows[i].attributes);
		body = fix_body(text);
		if (akv_reply_key(body, &id, &key, &err) != rows[i].r)
			fail_msg("%s: not %d, %s", rows[i].attributes, rows[i].r, err.text);
		if (rows[i].r < 0)
			continue;
		assert_int_equal(key.info.expires, rows[i].expires);
		assert_int_equal(key.info.not_before, rows[i].not_before);
		assert_int_equal(key.info.purgeable, rows[i].purgeable);
	}
}

static void versions_are_read_page_by_page_in_their_vault_alone(void **state)
{
	static const struct {
		const char *next;
		int r;
		const char *path;
	} rows[] = {
		{"null", 0, ""},
		{"\"https://" VAULT "/keys/Root-1/versions?$skiptoken=abc\"", 0,
		 "/keys/Root-1/versions?$skiptoken=abc"},
		{"\"https://" VAULT ":443/keys/x\"", 0, "/keys/x"},
		{"\"https://evil.example/keys\"", -EPROTO, ""},
		{"\"http://" VAULT "/keys\"", -EPROTO, ""},
		{"\"https://" VAULT ".evil.example/keys\"", -EPROTO, ""},
		{"\"https://" VAULT "@evil.example/keys\"", -EPROTO, ""},
		{"\"/keys\"", -EPROTO, ""},
		{"\"x\"", -EPROTO, ""},
	};
	struct key_id id = fix_key(KEY);

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		CLEANUP(secret_free_p) struct secret *body = NULL;
		CLEANUP(free_mem_p) struct azure_version *list = NULL;
		char text[1024], next[AKV_NEXT_LEN];
		size_t n = 0;

		(void)snprintf(
			text, sizeof(text),
			"{\"value\":[{\"kid\":\"" KEY_ID(V32) "\",\"attributes\":{\"enabled\":true,"
							      "\"created\":3}}],\"nextLink\":%s}",
			rows[i].next);
		body = fix_body(text);
		if (akv_reply_versions(body, &id, &list, &n, next, NULL) != rows[i].r)
			fail_msg("row %zu", i);
		assert_string_equal(next, rows[i].path);
		assert_int_equal(n, 1);
		assert_true(list[0].enabled);
	}
}

/* Lifetimes come as numbers, as texts, or as a time of day. */
static void token_replies_are_read_in_every_dialect(void **state)
{
	static const struct {
		const char *body;
		int r;
		int64_t lifetime_s, refresh_s;
	} rows[] = {
		{"{\"access_token\":\"t\",\"expires_in\":3599,\"token_type\":\"Bearer\"}", 0, 3599,
		 3299},
		{"{\"access_token\":\"t\",\"expires_in\":\"3599\"}", 0, 3599, 3299},
		{"{\"access_token\":\"t\",\"expires_on\":\"1600\"}", 0, 600, 300},
		{"{\"access_token\":\"t\",\"expires_in\":86400}", 0, 86400, 43200},
		{"{\"access_token\":\"t\",\"expires_in\":3600,\"refresh_in\":1000}", 0, 3600, 1000},
		{"{\"access_token\":\"t\",\"expires_in\":99999999}", 0, 604800, 302400},
		{"{\"access_token\":\"t\"}", 0, 300, 150},
		{"{\"access_token\":\"t\",\"token_type\":\"pop\"}", -EPROTO, 0, 0},
		{"{\"access_token\":\"\"}", -EPROTO, 0, 0},
		{"{\"access_token\":\"a b\"}", -EPROTO, 0, 0},
		{"{\"access_token\":\"a\\r\\nX: y\"}", -EPROTO, 0, 0},
		{"{\"access_token\":7}", -EPROTO, 0, 0},
		{"{}", -EPROTO, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		CLEANUP(secret_free_p) struct secret *body = fix_body(rows[i].body);
		struct new_token got = {0};

		assert_int_equal(token_reply_parse(body, 1000, &got, NULL), rows[i].r);
		assert_int_equal(got.lifetime_s, rows[i].lifetime_s);
		assert_int_equal(got.refresh_s, rows[i].refresh_s);
		secret_free(got.token);
	}
}

/* A refused credential is a denial, a service that is down is not: revocation depends on it
 * (fs/README.md, Opening a DEP key). */
static void token_refusals_have_their_outcome(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum kms_outcome outcome;
		bool retry;
		const char *words;
	} rows[] = {
		{401, "{\"error\":\"invalid_client\",\"error_codes\":[7000215]}", KMS_DENIED, false,
		 "AADSTS7000215"},
		{401, "{\"error\":\"invalid_client\",\"error_codes\":[7000222]}", KMS_DENIED, false,
		 "expired"},
		{400, "{\"error\":\"unauthorized_client\",\"error_codes\":[700016]}", KMS_DENIED,
		 false, "AZURE_CLIENT_ID"},
		{400, "{\"error\":\"temporarily_unavailable\"}", KMS_TRANSIENT, true,
		 "temporarily"},
		{429, "", KMS_TRANSIENT, true, "429"},
		{503, "{\"error\":\"invalid_client\"}", KMS_TRANSIENT, true, "503"},
		{500, "<html>", KMS_TRANSIENT, true, "500"},
		{404, "", KMS_TRANSIENT, true, "404"},
		{410, "", KMS_TRANSIENT, true, "410"},
		{403, "", KMS_DENIED, false, "403"},
		{302, "", KMS_MISCONFIGURED, false, "302"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct http_reply reply = {.status = rows[i].status,
					   .body = fix_body(rows[i].body)};
		struct err err = {0};
		struct verdict v = token_refuse(&reply, "login.test", CREDENTIAL_SECRET, &err);

		assert_int_equal(v.outcome, rows[i].outcome);
		assert_int_equal(v.retry, rows[i].retry);
		fix_says(&err, "login.test");
		fix_says(&err, rows[i].words);
		http_reply_fini_p(&reply);
	}
}

/* The same number means a file for one kind of credential and the clock for another. */
static void token_refusals_say_what_the_number_means(void **state)
{
	static const struct {
		const char *body;
		enum credential_kind kind;
		unsigned cause;
		const char *words;
	} rows[] = {
		{"{\"error_codes\":[700024]}", CREDENTIAL_WORKLOAD, AZURE_TOKEN_FILE_OLD,
		 "the token in AZURE_FEDERATED_TOKEN_FILE has expired"},
		{"{\"error_codes\":[700024]}", CREDENTIAL_CERTIFICATE, AZURE_CLOCK, "clock"},
		{"{\"error_codes\":[50027]}", CREDENTIAL_WORKLOAD, AZURE_FILE,
		 "AZURE_FEDERATED_TOKEN_FILE names holds no valid token"},
		{"{\"error_codes\":[50027]}", CREDENTIAL_CERTIFICATE, AZURE_CREDENTIAL,
		 "(AADSTS50027)"},
		{"{\"error_codes\":[1]}", CREDENTIAL_SECRET, AZURE_CREDENTIAL, "(AADSTS1)"},
		{"{}", CREDENTIAL_MANAGED, AZURE_HEADER, "401"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct http_reply reply = {.status = 401, .body = fix_body(rows[i].body)};
		struct err err = {0};

		assert_int_equal(token_refuse(&reply, "login.test", rows[i].kind, &err).outcome,
				 KMS_DENIED);
		assert_int_equal(err.cause, rows[i].cause);
		fix_says(&err, rows[i].words);
		http_reply_fini_p(&reply);
	}
}

/* Both ways, against RFC 4648 section 10's vectors in the alphabet of section 5. */
static void base64url_follows_the_rfc(void **state)
{
	static const struct {
		const char *plain, *coded;
	} rows[] = {{"", ""},
		    {"f", "Zg"},
		    {"fo", "Zm8"},
		    {"foo", "Zm9v"},
		    {"foob", "Zm9vYg"},
		    {"fooba", "Zm9vYmE"},
		    {"foobar", "Zm9vYmFy"},
		    {"\xfb\xff\xfe", "-__-"}};
	uint8_t out[16];
	size_t len;

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		CLEANUP(sbuf_fini_p) struct sbuf b = SBUF_EMPTY;

		sbuf_base64url(&b, rows[i].plain, strlen(rows[i].plain));
		assert_string_equal(sbuf_cstr(&b), rows[i].coded);
		assert_int_equal(base64url_decode(rows[i].coded, strlen(rows[i].coded), out,
						  sizeof(out), &len),
				 0);
		assert_int_equal(len, strlen(rows[i].plain));
		assert_memory_equal(out, rows[i].plain, len);
	}
	assert_int_equal(base64url_decode("Zg==", 4, out, sizeof(out), &len), -EINVAL);
	assert_int_equal(base64url_decode("Zh", 2, out, sizeof(out), &len), -EINVAL);
	assert_int_equal(base64url_decode("Zm9v", 4, out, 2, &len), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_id_of_a_reply_is_checked),
		cmocka_unit_test(wrapped_keys_have_an_rsa_length),
		cmocka_unit_test(unwrapped_keys_come_whole_or_not_at_all),
		cmocka_unit_test(key_bundles_are_described),
		cmocka_unit_test(limits_of_a_key_are_understood_or_refused),
		cmocka_unit_test(versions_are_read_page_by_page_in_their_vault_alone),
		cmocka_unit_test(token_replies_are_read_in_every_dialect),
		cmocka_unit_test(token_refusals_have_their_outcome),
		cmocka_unit_test(token_refusals_say_what_the_number_means),
		cmocka_unit_test(base64url_follows_the_rfc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
