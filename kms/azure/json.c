/* kms/azure/json.c - an answer parsed by jansson, and members read from it. */
#include "kms/azure/json_internal.h"

#include <errno.h>
#include <string.h>

int json_take_object(struct secret *body, json_t **ret_object, struct err *err)
{
	json_t *root;

	if (!body || secret_len(body) == 0)
		return err_set(err, -EPROTO, "the answer is empty");
	root = json_loadb((const char *)secret_bytes(body), secret_len(body),
			  JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(root)) {
		json_decref(root);
		return err_set(err, -EPROTO, "the answer does not parse as a JSON object");
	}
	*ret_object = root;
	return 0;
}

const char *json_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

int64_t json_number(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	const char *text = json_string_value(value);
	size_t len = text ? strlen(text) : 0;

	if (json_is_integer(value))
		return json_integer_value(value);
	if (len == 0 || len > 12 || strspn(text, "0123456789") != len)
		return -1;
	return strtoll(text, NULL, 10);
}
