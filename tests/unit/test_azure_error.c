/* tests/unit/test_azure_error.c - kms/README.md, Refusals, row by row: what a refusal means. */
#include "tests/unit/azure_fixture.h"

#define FORBIDDEN(inner) \
	"{\"error\":{\"code\":\"Forbidden\",\"innererror\":{\"code\":\"" inner "\"}}}"
#define CODE(code) "{\"error\":{\"code\":\"" code "\",\"message\":\"Caller: appid=1\"}}"

/* The availability key is used or refused by these outcomes: a row read wrongly hands data out, or
 * takes it away. */
static void akv_error_judge_walks_the_table(void **state)
{
	static const struct {
		int status;
		const char *body;
		enum akv_operation act;
		enum kms_outcome outcome;
		int r;
		bool retry;
		const char *words;
	} rows[] = {
		{400, CODE("BadParameter"), AKV_UNWRAP, KMS_DAMAGED, -EBADMSG, false,
		 "does not open"},
		{400, CODE("BadParameter"), AKV_WRAP, KMS_MISCONFIGURED, -EINVAL, false,
		 "OAEP-256"},
		{400, "", AKV_GET, KMS_MISCONFIGURED, -EINVAL, false, "(400)"},
		{401, CODE("Unauthorized"), AKV_GET, KMS_DENIED, -EACCES, false, "fresh token"},
		{401, "", AKV_UNWRAP, KMS_DENIED, -EACCES, false, "clock"},
		{403, FORBIDDEN("ForbiddenByPolicy"), AKV_GET, KMS_DENIED, -EACCES, false,
		 "policy"},
		{403, FORBIDDEN("ForbiddenByRbac"), AKV_GET, KMS_DENIED, -EACCES, false, "role"},
		{403, FORBIDDEN("ForbiddenByFirewall"), AKV_GET, KMS_DENIED, -EACCES, false,
		 "firewall"},
		{403, FORBIDDEN("ForbiddenByConnection"), AKV_GET, KMS_DENIED, -EACCES, false,
		 "private link"},
		{403, FORBIDDEN("AccessDenied"), AKV_GET, KMS_DENIED, -EACCES, false, "denied"},
		{403, FORBIDDEN("KeyDisabled"), AKV_UNWRAP, KMS_DENIED, -EKEYREVOKED, false,
		 "disabled"},
		{403, FORBIDDEN("KeyOperationForbidden"), AKV_WRAP, KMS_MISCONFIGURED, -EINVAL,
		 false, "not made for"},
		{403, FORBIDDEN("KeyNotYetValidOrExpired"), AKV_WRAP, KMS_MISCONFIGURED, -EINVAL,
		 false, "expired"},
		{403, FORBIDDEN("SomethingNew"), AKV_WRAP, KMS_DENIED, -EACCES, false,
		 "SomethingNew"},
		{403, "", AKV_UNWRAP, KMS_DENIED, -EACCES, false, "(403)"},
		{403, "<html>", AKV_UNWRAP, KMS_DENIED, -EACCES, false, "(403)"},
		{404, CODE("KeyNotFound"), AKV_UNWRAP, KMS_NOT_FOUND, -ENOKEY, false, "deleted"},
		{404, CODE("VaultNotFound"), AKV_GET, KMS_NOT_FOUND, -ENOKEY, false,
		 "vault is gone"},
		{404, "", AKV_GET, KMS_NOT_FOUND, -ENOKEY, false, "(404)"},
		{407, "", AKV_GET, KMS_TRANSIENT, -EAGAIN, false, "proxy"},
		{408, "", AKV_GET, KMS_TRANSIENT, -EAGAIN, true, "(408)"},
		{409, CODE("Conflict"), AKV_GET, KMS_MISCONFIGURED, -EINVAL, false, "recovered"},
		{429, CODE("Throttled"), AKV_UNWRAP, KMS_TRANSIENT, -EAGAIN, true, "too often"},
		{500, CODE("InternalServerError"), AKV_UNWRAP, KMS_TRANSIENT, -EAGAIN, true,
		 "(500"},
		{502, "", AKV_UNWRAP, KMS_TRANSIENT, -EAGAIN, true, "(502"},
		{503, "", AKV_UNWRAP, KMS_TRANSIENT, -EAGAIN, true, "(503"},
		{504, "<html>", AKV_UNWRAP, KMS_TRANSIENT, -EAGAIN, true, "(504"},
		{302, "", AKV_UNWRAP, KMS_MISCONFIGURED, -EINVAL, false, "not followed"},
		{307, "", AKV_WRAP, KMS_MISCONFIGURED, -EINVAL, false, "not followed"},
		{204, "", AKV_GET, KMS_MISCONFIGURED, -EINVAL, false, "none of Key Vault's"},
		{418, "", AKV_GET, KMS_MISCONFIGURED, -EINVAL, false, "none of Key Vault's"},
		{-7, "", AKV_GET, KMS_MISCONFIGURED, -EINVAL, false, "none of Key Vault's"},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		CLEANUP(secret_free_p) struct secret *body = fix_body(rows[i].body);
		struct akv_error e;
		struct err err = {0};
		struct verdict v;

		akv_error_parse(rows[i].status, body, &e);
		v = akv_error_judge(&e, rows[i].act, &err);
		if (v.outcome != rows[i].outcome || v.retry != rows[i].retry)
			fail_msg("row %zu: %s, retry %d", i, kms_outcome_name(v.outcome), v.retry);
		assert_int_equal(kms_errno(v.outcome, &err), rows[i].r);
		(void)err_prefix(&err, -EACCES, "key k"); /* as callers widen it */
		assert_int_equal(kms_errno(v.outcome, &err), rows[i].r);
		fix_says(&err, rows[i].words);
		assert_null(strstr(err.text, "Caller")); /* kms/README.md, Refusals */
	}
}

/* Codes of another party's making go into sentences and logs. */
static void akv_error_parse_takes_words_alone(void **state)
{
	static const char *const bodies[] = {
		"{\"error\":{\"code\":\"a\\nb\"}}",
		"{\"error\":{\"code\":\"%s %n\"}}",
		"{\"error\":{\"code\":7}}",
		"{\"error\":[\"code\"]}",
		"[]",
		"{\"error\":{\"code\":\"x\"},\"error\":{}}",
		"{\"error\":{\"code\":\"",
		"{\"error\":{\"code\":\"\\u0000\"}}",
	};
	CLEANUP(secret_free_p)
	struct secret *deep = fix_body("{\"error\":{\"code\":\"A\",\"innererror\":{\"code\":\"B\","
				       "\"innererror\":{\"code\":"
				       "\"C\"}}}}");
	struct akv_error e;

	(void)state;
	for (size_t i = 0; i < LENGTH(bodies); i++) {
		CLEANUP(secret_free_p) struct secret *body = fix_body(bodies[i]);

		akv_error_parse(403, body, &e);
		assert_string_equal(e.code, "");
		assert_int_equal(e.status, 403);
	}
	akv_error_parse(403, deep, &e);
	assert_string_equal(e.code, "A");
	assert_string_equal(e.inner, "C");
	akv_error_parse(403, NULL, &e);
	assert_string_equal(e.code, "");
}

/* What happens without an answer: a system error, but never a second attempt at a bad certificate.
 */
static void faults_have_their_outcome(void **state)
{
	static const struct {
		enum http_fault fault;
		enum kms_outcome outcome;
		bool retry;
	} rows[] = {
		{HTTP_DNS, KMS_TRANSIENT, true},
		{HTTP_CONNECT, KMS_TRANSIENT, true},
		{HTTP_TIMEOUT, KMS_TRANSIENT, true},
		{HTTP_BROKEN, KMS_TRANSIENT, true},
		{HTTP_TLS, KMS_TRANSIENT, false},
		{HTTP_OWN, KMS_TRANSIENT, false},
		{HTTP_TOO_LARGE, KMS_MISCONFIGURED, false},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct verdict v = verdict_of_fault(rows[i].fault);

		assert_int_equal(v.outcome, rows[i].outcome);
		assert_int_equal(v.retry, rows[i].retry);
	}
}

/* A wait that is misread is a storm, or a vault that is left alone for a day. */
static void retry_after_parse_takes_every_form(void **state)
{
	static const struct {
		const char *name, *value;
		int r;
		uint64_t ms;
	} rows[] = {
		{"Retry-After", "3", 0, 3000},
		{"retry-after", "0", 0, 0},
		{"Retry-After", "Sun, 06 Nov 1994 08:49:47 GMT", 0, 10000},
		{"Retry-After", "Sun, 06 Nov 1994 08:49:07 GMT", 0, 0}, /* past */
		{"retry-after-ms", "250", 0, 250},
		{"x-ms-retry-after-ms", "1500", 0, 1500},
		{"Retry-After", "-1", -EINVAL, 0},
		{"Retry-After", "1.5", -EINVAL, 0},
		{"Retry-After", "soon", -EINVAL, 0},
		{"Retry-After", "", -EINVAL, 0},
		{"Retry-After", "99999999999999999999", -EINVAL, 0},
		{"retry-after-ms", "Sun, 06 Nov 1994 08:49:47 GMT", -EINVAL, 0},
		{"Retry-Afterwards", "3", -ENOENT, 0},
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		uint64_t ms = 0;

		assert_int_equal(retry_after_parse(rows[i].name, rows[i].value, 784111777, &ms),
				 rows[i].r);
		assert_int_equal(ms, rows[i].ms);
	}
}

static void line(struct http_reply *reply, const char *text)
{
	http_header_line(reply, text, strlen(text));
}

/* The head of an answer: several challenges, an interim answer, ids that are no ids. */
static void header_lines_are_taken_apart(void **state)
{
	struct http_reply reply = {0};

	(void)state;
	line(&reply, "HTTP/1.1 100 Continue\r\n");
	line(&reply, "Retry-After: 9\r\n");
	line(&reply, "HTTP/1.1 401 Unauthorized\r\n");
	assert_false(reply.has_retry_after);
	line(&reply, "WWW-Authenticate: Basic realm=x\r\n");
	line(&reply, "www-authenticate:Bearer a=b\r\n");
	assert_string_equal(reply.www_authenticate, "Basic realm=x, Bearer a=b");
	line(&reply, "x-ms-request-id: 8f1c-77\r\n");
	assert_string_equal(reply.request_id, "8f1c-77");
	line(&reply, "x-ms-request-id: not an id\r\n");
	assert_string_equal(reply.request_id, "8f1c-77");
	line(&reply, "Retry-After: 1\r\n");
	line(&reply, "x-ms-retry-after-ms: 1200\r\n");
	assert_true(reply.has_retry_after);
	assert_int_equal(reply.retry_after_ms, 1200);
	line(&reply, "no colon at all\r\n");
	line(&reply, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(akv_error_judge_walks_the_table),
		cmocka_unit_test(akv_error_parse_takes_words_alone),
		cmocka_unit_test(faults_have_their_outcome),
		cmocka_unit_test(retry_after_parse_takes_every_form),
		cmocka_unit_test(header_lines_are_taken_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
