/* tools/depctl/output/json.c - JSON values built and printed; any bytes made UTF-8. */
#include "tools/depctl/output/json.h"

#include <string.h>

#include "crypto/base/utf8.h"
#include "tools/depctl/output/or_die_internal.h"

/* Bytes that are not UTF-8 become U+FFFD, since jansson refuses them. */
static json_t *json_of_bytes(const char *text)
{
	CLEANUP(free_mem_p) char *safe = or_die(malloc(strlen(text) * 3 + 1));
	size_t at = 0;

	while (*text) {
		uint32_t c;
		size_t n = utf8_next(text, &c);

		memcpy(safe + at, n ? text : UTF8_REPLACEMENT, n ? n : 3);
		at += n ? n : 3;
		text += n ? n : 1;
	}
	return or_die(json_stringn(safe, at));
}

json_t *out_text_json(const char *text)
{
	json_t *j;

	if (!text)
		return json_null();
	j = json_string(text);
	return j ? j : json_of_bytes(text);
}

void out_set(json_t *object, const char *name, json_t *value)
{
	if (json_object_set_new(object, name, value) < 0)
		(void)or_die(NULL);
}

void out_append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) < 0)
		(void)or_die(NULL);
}

void out_json(json_t *value)
{
	CLEANUP(json_decref_p) json_t *owned = or_die(value);

	if (json_dumpf(owned, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY) == 0)
		putchar('\n');
}

void out_field_name(const char *name, char *out, size_t out_len)
{
	size_t i = 0;

	for (; name[i] && i + 1 < out_len; i++)
		out[i] = name[i] == ' ' || name[i] == '-' ? '_' : name[i];
	out[i] = '\0';
}
