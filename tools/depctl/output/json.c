#include "tools/depctl/output/json.h"

#include <stdbool.h>
#include <string.h>

#include "tools/depctl/output/or_die_internal.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Length of the UTF-8 sequence at @s by its first byte; 0: it is none. */
static size_t utf8_len(const char *s)
{
	unsigned char c = (unsigned char)s[0];
	size_t len = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 0;

	if (c > 0xf4)
		return 0;
	for (size_t i = 1; i < len; i++)
		if (!is_continuation(s[i]))
			return 0;
	return len;
}

/* Surrogates and overlong forms, which a first byte does not show, are left to jansson. */
static json_t *json_of_bytes(const char *text, size_t len)
{
	CLEANUP(free_mem_p) char *safe = or_die(malloc(len * 3 + 1));
	size_t at = 0;

	for (size_t i = 0; i < len;) {
		size_t n = utf8_len(text + i);
		json_t *probe = n ? json_stringn(text + i, n) : NULL;
		bool ok = probe != NULL;

		json_decref(probe);
		memcpy(safe + at, ok ? text + i : REPLACEMENT, ok ? n : 3);
		at += ok ? n : 3;
		i += ok ? n : 1;
	}
	return or_die(json_stringn(safe, at));
}

json_t *out_text_json(const char *text)
{
	json_t *j;

	if (!text)
		return json_null();
	j = json_string(text);
	return j ? j : json_of_bytes(text, strlen(text));
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
