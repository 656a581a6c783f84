/* tools/depctl/output/json.h - JSON on standard output. Out of memory, its functions end depctl. */
#ifndef DEPFS_DEPCTL_OUTPUT_JSON_H
#define DEPFS_DEPCTL_OUTPUT_JSON_H

#include <jansson.h>
#include <stddef.h>

#include "crypto/base/cleanup.h"

static inline void json_decref_p(json_t **j)
{
	json_decref(*j); /* NULL is allowed */
}

/* out_text_json() - a JSON string of any bytes: each byte that is not UTF-8 becomes U+FFFD. NULL
 * gives null. A new reference. */
json_t *out_text_json(const char *text);
/* out_set() - @value (stolen) into @object. */
void out_set(json_t *object, const char *name, json_t *value);
/* out_append() - @value (stolen) to the end of @array. */
void out_append(json_t *array, json_t *value);
/* out_json() - one value (stolen), indented, keys in the order they were set, and a newline. */
void out_json(json_t *value);
/* out_field_name() - a control file's name as a JSON name: "key 1 version" becomes "key_1_version".
 * Cut at @out_len. */
void out_field_name(const char *name, char *out, size_t out_len);

#endif
