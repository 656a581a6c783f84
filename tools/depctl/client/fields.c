/* tools/depctl/client/fields.c - lines `key: value` parsed, printed, and given as JSON. */
#include "tools/depctl/client/fields.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools/depctl/client/client.h"
#include "tools/depctl/output/json.h"
#include "tools/depctl/output/text.h"

void fields_fini(struct fields *f)
{
	free(f->text);
	free(f->items);
	*f = (struct fields){0};
}

static int fields_add(struct fields *f, char *line)
{
	struct field *more = reallocarray(f->items, f->count + 1, sizeof(*more));
	char *colon = strstr(line, ": ");

	if (!more)
		return -ENOMEM;
	f->items = more;
	if (colon)
		*colon = '\0';
	f->items[f->count++] = (struct field){line, colon ? colon + 2 : ""};
	return 0;
}

int fields_parse(char *text, struct fields *ret_fields)
{
	CLEANUP(fields_fini) struct fields f = {.text = text};
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		int r = fields_add(&f, line);

		if (r < 0)
			return r;
	}
	*ret_fields = f;
	f = (struct fields){0};
	return 0;
}

int fields_read(struct client *ctl, const char *path, struct fields *ret_fields, struct err *err)
{
	char *text = NULL;
	int r = client_read(ctl, path, &text, err);

	if (r < 0)
		return r;
	r = fields_parse(text, ret_fields);
	return r < 0 ? err_set(err, r, "out of memory") : 0;
}

const char *fields_get(const struct fields *f, const char *name)
{
	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->items[i].name, name) == 0)
			return f->items[i].value;
	return NULL;
}

/* The name of a field decides, not its value: a policy may be named "12", and its name stays
 * text. */
static bool is_count(const char *name)
{
	static const char *const counts[] = {"requests waiting",
					     "root keys",
					     "root keys failing",
					     "events",
					     "mailboxes",
					     "generation",
					     "revocations",
					     "revocations under way",
					     "last revocation open files",
					     "last revocation handles",
					     "last revocation cached files",
					     "last revocation data keys wiped",
					     "last revocation policy keys wiped"};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		if (strcmp(name, counts[i]) == 0)
			return true;
	return strncmp(name, "policies", 8) == 0 || strncmp(name, "jobs ", 5) == 0;
}

static json_t *value_json(const struct field *f)
{
	char *end = NULL;
	long long n;

	if (!is_count(f->name))
		return out_text_json(f->value);
	n = strtoll(f->value, &end, 10);
	return end != f->value && !*end ? json_integer(n) : out_text_json(f->value);
}

void fields_print(const struct fields *f)
{
	for (size_t i = 0; i < f->count; i++)
		out_pair(f->items[i].name, f->items[i].value);
}

json_t *fields_json(const struct fields *f)
{
	json_t *object = json_object();
	char name[64];

	for (size_t i = 0; i < f->count; i++) {
		out_field_name(f->items[i].name, name, sizeof(name));
		out_set(object, name, value_json(&f->items[i]));
	}
	return object;
}
