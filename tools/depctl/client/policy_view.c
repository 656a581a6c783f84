/* tools/depctl/client/policy_view.c - policies found by name or id, walked, and given as JSON. */
#include "tools/depctl/client/policy_view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "crypto/base/bytes.h"
#include "tools/depctl/output/json.h"
#include "tools/depctl/output/nearest.h"

void policy_view_fini(struct policy_view *v)
{
	free(v->description);
	fields_fini(&v->status);
	v->description = NULL;
}

const char *policy_view_get(const struct policy_view *v, const char *name)
{
	const char *value = fields_get(&v->status, name);

	return value ? value : "";
}

const char *policy_view_key(const struct policy_view *v, int no, const char *field)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "key %d%s%s", no, field ? " " : "", field ? field : "");
	return policy_view_get(v, name);
}

static int read_file(struct client *ctl, const char *name, const char *file, char **ret_text,
		     struct err *err)
{
	CLEANUP(free_mem_p) char *path = client_join(POLICIES, name, file);

	if (!path)
		return err_set(err, -ENOMEM, "out of memory");
	return client_read(ctl, path, ret_text, err);
}

/* @name: of the folder, as it is spelled there. */
static int view_read(struct client *ctl, const char *name, struct policy_view *ret_view,
		     struct err *err)
{
	CLEANUP(policy_view_fini) struct policy_view v = {0};
	char *status = NULL;
	int r;

	r = read_file(ctl, name, "description", &v.description, err);
	if (r < 0)
		return r;
	v.description[strcspn(v.description, "\n")] = '\0';
	r = read_file(ctl, name, "status", &status, err);
	if (r < 0)
		return r;
	r = fields_parse(status, &v.status);
	if (r < 0)
		return err_set(err, r, "out of memory");
	*ret_view = v;
	v = (struct policy_view){0};
	return 0;
}

static int unknown(const struct client_names *names, const char *p, struct err *err)
{
	struct nearest near = {0};

	for (size_t i = 0; i < names->count; i++)
		nearest_offer(&near, p, names->names[i]);
	return err_set(err, -ENOENT, "there is no policy '%s'%s%s%s", p,
		       near.word ? "; did you mean '" : "", near.word ? near.word : "",
		       near.word ? "'?" : "");
}

static int find_id(struct client *ctl, const struct client_names *names, const char *id,
		   struct policy_view *ret_view, struct err *err)
{
	for (size_t i = 0; i < names->count; i++) {
		CLEANUP(free_mem_p) char *text = NULL;

		if (read_file(ctl, names->names[i], "id", &text, NULL) < 0)
			continue; /* removed or renamed meanwhile */
		text[strcspn(text, "\n")] = '\0';
		if (strcasecmp(text, id) == 0)
			return view_read(ctl, names->names[i], ret_view, err);
	}
	return unknown(names, id, err);
}

int policy_view_find(struct client *ctl, const char *p, struct policy_view *ret_view,
		     struct err *err)
{
	CLEANUP(client_names_fini) struct client_names names = {0};
	uint8_t id[UUID_LEN];
	int r;

	r = client_name_check("the name of a policy", p, err);
	if (r < 0)
		return r;
	r = client_list(ctl, POLICIES, &names, err);
	if (r < 0)
		return r;
	if (uuid_decode(p, id) == 0) /* no policy has a name of this form */
		return find_id(ctl, &names, p, ret_view, err);
	for (size_t i = 0; i < names.count; i++)
		if (strcasecmp(names.names[i], p) == 0)
			return view_read(ctl, names.names[i], ret_view, err);
	return unknown(&names, p, err);
}

int policy_view_each(struct client *ctl, policy_view_fn fn, void *arg, struct err *err)
{
	CLEANUP(client_names_fini) struct client_names names = {0};
	int r = client_list(ctl, POLICIES, &names, err);

	for (size_t i = 0; r == 0 && i < names.count; i++) {
		CLEANUP(policy_view_fini) struct policy_view v = {0};

		r = view_read(ctl, names.names[i], &v, err);
		if (r == -ENOENT || r == -ESTALE) /* removed or renamed after the listing */
			r = 0;
		else if (r == 0)
			r = fn(arg, &v);
	}
	return r;
}

static json_t *known_json(const char *value, const char *unknown_value)
{
	return *value && strcmp(value, unknown_value) != 0 ? out_text_json(value) : json_null();
}

static json_t *key_json(const struct policy_view *v, int no)
{
	json_t *key = json_object();
	const char *why = policy_view_key(v, no, "why");

	out_set(key, "id", out_text_json(policy_view_key(v, no, NULL)));
	out_set(key, "version", known_json(policy_view_key(v, no, "version"), "none"));
	out_set(key, "outcome", known_json(policy_view_key(v, no, "outcome"), "not asked yet"));
	out_set(key, "when", known_json(policy_view_key(v, no, "when"), "never"));
	out_set(key, "why", known_json(why, ""));
	return key;
}

json_t *policy_view_json(const struct policy_view *v)
{
	static const char *const texts[] = {"name", "id", "kind", "state"};
	static const char *const counts[] = {"mailboxes", "generation"};
	json_t *object = json_object(), *keys = json_array();

	for (size_t i = 0; i < 4; i++)
		out_set(object, texts[i], out_text_json(policy_view_get(v, texts[i])));
	out_set(object, "description", out_text_json(v->description));
	out_set(object, "enabled", json_boolean(strcmp(policy_view_get(v, "enabled"), "1") == 0));
	out_set(object, "assigned",
		json_boolean(strcmp(policy_view_get(v, "assigned"), "yes") == 0));
	for (size_t i = 0; i < 2; i++)
		out_set(object, counts[i],
			json_integer(strtoll(policy_view_get(v, counts[i]), NULL, 10)));
	out_set(object, "created", out_text_json(policy_view_get(v, "created")));
	out_set(object, "proved", known_json(policy_view_get(v, "proved"), "never"));
	for (int no = 1; no <= 2; no++)
		if (*policy_view_key(v, no, NULL))
			out_append(keys, key_json(v, no));
	out_set(object, "keys", keys);
	return object;
}
