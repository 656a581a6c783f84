/* tests/fuzz/fuzz_key_id.c - any text: what parses as a key id formats to one canonical form. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kms/kms.h"
#include "kms/local/local.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* Parsing what was formatted gives the same bytes; an error has its sentence. */
static void check_key(const char *text)
{
	struct key_id id, again;
	struct err err = {0};
	char out[KEY_ID_MAX];

	if (key_id_parse(text, &id, &err) < 0) {
		require(err.text[0] != '\0');
		return;
	}
	key_id_format(&id, out);
	require(key_id_parse(out, &again, NULL) == 0);
	require(memcmp(&id, &again, sizeof(id)) == 0);
	require(key_id_same_key(&id, &again));
	require(strstr(id.vault, "..") == NULL && strchr(id.name, '/') == NULL);
}

static void check_uri(const char *text)
{
	struct key_id id, again;
	char out[KEY_ID_MAX];

	if (local_uri_parse(text, &id, NULL) < 0)
		return;
	key_id_format(&id, out);
	require(local_uri_parse(out, &again, NULL) == 0);
	require(memcmp(&id, &again, sizeof(id)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1); /* its own allocation, so that a read past it is seen */

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	check_key(text);
	check_uri(text);
	free(text);
	return 0;
}
