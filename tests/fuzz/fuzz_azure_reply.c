/* tests/fuzz/fuzz_azure_reply.c - any bytes as what a vault or a token service sends: heads,
 * challenges, errors, keys, lists, tokens. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kms/azure/error_internal.h"
#include "kms/azure/hosts_internal.h"
#include "kms/azure/reply_internal.h"
#include "kms/azure/token_fetch_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define VAULT "hot.vault.azure.net"

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* Line by line, as libcurl hands them over. */
static void check_head(const uint8_t *data, size_t size)
{
	struct http_reply reply = {0};
	struct challenge c;
	struct err err = {0};

	while (size > 0) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t len = end ? (size_t)(end - data) + 1 : size;

		http_header_line(&reply, (const char *)data, len);
		data += len;
		size -= len;
	}
	if (challenge_parse(reply.www_authenticate, &c, &err) < 0) {
		require(err.text[0] != '\0');
		return;
	}
	require(strncmp(c.resource, "https://", 8) == 0 && c.authority[0] && c.tenant[0]);
	if (challenge_check(&c, VAULT, "vault.azure.net", NULL, NULL, NULL) == 0)
		require(strcmp(c.resource, "https://vault.azure.net") == 0 &&
			azure_authority_known(c.authority, "vault.azure.net"));
}

static void check_error(struct secret *body)
{
	struct akv_error e;
	struct err err = {0};

	akv_error_parse(403, body, &e);
	require(akv_error_judge(&e, AKV_UNWRAP, &err).outcome != KMS_OK && err.text[0]);
	for (const char *at = err.text; *at; at++)
		require(*at >= ' ' && *at <= '~');
}

static void check_key(struct secret *body, const struct key_id *id)
{
	CLEANUP(free_mem_p) struct azure_version *list = NULL;
	CLEANUP(secret_free_p) struct secret *key = NULL;
	struct azure_key bundle;
	struct kms_wrapped w;
	struct key_id key_id;
	char next[AKV_NEXT_LEN];
	size_t n = 0;

	if (akv_reply_key(body, id, &bundle, NULL) == 0)
		require(akv_key_id_check(bundle.info.id, id, &key_id, NULL) == 0);
	if (akv_reply_wrapped(body, id, &w, NULL) == 0)
		require(w.key_id.version[0] && strcmp(w.key_id.vault, VAULT) == 0);
	if (akv_reply_unwrapped(body, id, &key, NULL) == 0)
		require(secret_len(key) > 0);
	if (akv_reply_versions(body, id, &list, &n, next, NULL) == 0)
		require(next[0] == '\0' || next[0] == '/');
}

static void check_token(struct secret *body)
{
	struct http_reply reply = {.status = 401, .body = body};
	struct new_token got = {0};
	struct err err = {0};

	if (token_reply_parse(body, 1000, &got, NULL) == 0)
		require(got.lifetime_s > 0 && got.refresh_s >= 0 && got.refresh_s < got.lifetime_s);
	secret_free(got.token);
	require(token_refuse(&reply, "login.test", CREDENTIAL_SECRET, &err).outcome != KMS_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(secret_free_p) struct secret *body = NULL;
	struct key_id id = {.scheme = "https", .vault = VAULT, .name = "k"};

	if (size > HTTP_BODY_MAX || secret_new_from(data, size, &body) < 0)
		return 0;
	check_head(data, size);
	check_error(body);
	check_key(body, &id);
	check_token(body);
	return 0;
}
