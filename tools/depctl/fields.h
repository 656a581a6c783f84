/* tools/depctl/fields.h - `key: value` lines of a control file, taken apart. */
#ifndef DEPFS_DEPCTL_FIELDS_H
#define DEPFS_DEPCTL_FIELDS_H

#include <jansson.h>
#include <stddef.h>

#include "crypto/base/cleanup.h"

struct field {
	const char *name, *value; /* into the text */
};

struct fields {
	char *text; /* owned, cut into pieces */
	struct field *items;
	size_t count;
};

/* fields_parse() - takes @text over, whatever the outcome. A line without ": " is a name with an
 * empty value. -ENOMEM. */
int fields_parse(char *text, struct fields *ret_fields) MUST_CHECK;
void fields_fini(struct fields *f);
/* fields_get() - borrowed; NULL: no such name. */
const char *fields_get(const struct fields *f, const char *name);
/* fields_json() - an object; counts are numbers, all else is text. */
json_t *fields_json(const struct fields *f);

#endif
