/* tests/fuzz/fuzz_vault_json.c - any bytes as key.json and vault.json: what is read can be written.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kms/local/record_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One folder name for all inputs; a record must bear it, so most mutations fail on other fields. */
#define FOLDER "k"

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_key(const char *in, size_t in_len)
{
	CLEANUP(local_key_free_p) struct local_key *key = NULL;
	CLEANUP(local_key_free_p) struct local_key *again = NULL;
	CLEANUP(free_mem_p) char *text = NULL;
	struct err err = {0};

	if (local_key_decode(in, in_len, FOLDER, &key, &err) < 0) {
		require(err.text[0] != '\0' && !key);
		return;
	}
	require(key->n_versions > 0);
	require(local_key_encode(key, &text) == 0);
	require(local_key_decode(text, strlen(text), FOLDER, &again, NULL) == 0);
	require(again->n_versions == key->n_versions && again->ops == key->ops);
	require(memcmp(again->versions, key->versions, key->n_versions * sizeof(*key->versions)) ==
		0);
}

static void check_rules(const char *in, size_t in_len)
{
	struct local_rules rules, again;
	CLEANUP(free_mem_p) char *text = NULL;

	if (local_rules_decode(in, in_len, &rules, NULL) < 0)
		return;
	require(local_rules_encode(&rules, &text) == 0);
	require(local_rules_decode(text, strlen(text), &again, NULL) == 0);
	require(memcmp(&rules, &again, sizeof(rules)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_key((const char *)data, size);
	check_rules((const char *)data, size);
	return 0;
}
