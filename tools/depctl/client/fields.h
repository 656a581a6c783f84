/* tools/depctl/client/fields.h - the `key: value` lines of a control file. */
#ifndef DEPFS_DEPCTL_CLIENT_FIELDS_H
#define DEPFS_DEPCTL_CLIENT_FIELDS_H

#include <jansson.h>
#include <stddef.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"

struct client;

struct field {
	const char *name, *value; /* into fields.text */
};

struct fields {
	char *text; /* owned; line ends and ": " are NUL */
	struct field *items;
	size_t count;
};

/* fields_parse() - takes @text over, on failure too. A line without ": " is a name with an empty
 * value; empty lines are skipped. -ENOMEM. */
int fields_parse(char *text, struct fields *ret_fields) MUST_CHECK;
/* fields_read() - the control file @path; errors of client_read(), -ENOMEM, with a sentence. */
int fields_read(struct client *ctl, const char *path, struct fields *ret_fields,
		struct err *err) MUST_CHECK;
void fields_fini(struct fields *f);

/* fields_get() - of the first line with that name, borrowed; NULL: there is none. */
const char *fields_get(const struct fields *f, const char *name);
/* fields_print() - as they came, control characters escaped. */
void fields_print(const struct fields *f);
/* fields_json() - an object; blanks of a name become '_', counts are numbers, all else is text. */
json_t *fields_json(const struct fields *f);

#endif
