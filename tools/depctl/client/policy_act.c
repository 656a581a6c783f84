/* tools/depctl/client/policy_act.c - policies created, changed and assigned by control files. */
#include "tools/depctl/client/policy_act.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/base/shell.h"

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "out of memory");
}

static int write_named(struct client *ctl, const char *name, const char *file, const char *command,
		       char **ret_answer, struct err *err)
{
	CLEANUP(free_mem_p) char *path = client_join(POLICIES, name, file);

	return path ? client_write(ctl, path, command, ret_answer, err) : no_memory(err);
}

/* The file key_ids takes two ids divided by a blank, so an id has none. */
static int key_check(const char *key, struct err *err)
{
	if (!*key)
		return err_set(err, -EINVAL, "a key id is empty");
	if (key[strcspn(key, " \t\r\n")])
		return err_set(err, -EINVAL, "a key id has no blanks: '%s'", key);
	return 0;
}

static int keys_named(struct client *ctl, const char *name, const char *const keys[2],
		      char **ret_answer, struct err *err)
{
	CLEANUP(free_mem_p) char *both = NULL;

	if (asprintf(&both, "%s %s", keys[0], keys[1]) < 0) {
		both = NULL;
		return no_memory(err);
	}
	return write_named(ctl, name, "key_ids", both, ret_answer, err);
}

static int draft_exists(struct client *ctl, const char *name, int r, struct err *err)
{
	CLEANUP(free_mem_p) char *path = NULL, *word = NULL;

	if (asprintf(&path, "%s/.depfs/%s/%s", client_mount(ctl), POLICIES, name) < 0) {
		path = NULL;
		return no_memory(err);
	}
	word = malloc(SHELL_WORD_LEN(strlen(path)));
	if (!word)
		return no_memory(err);
	shell_word(path, word, SHELL_WORD_LEN(strlen(path)));
	return err_set(err, r,
		       "there is a draft named '%s' already: write its key_ids, or remove "
		       "it with rmdir %s",
		       name, word);
}

static int draft_make(struct client *ctl, const char *name, struct err *err)
{
	CLEANUP(free_mem_p) char *path = client_join(POLICIES, name, NULL);
	CLEANUP(policy_view_fini) struct policy_view there = {0};
	int r;

	if (!path)
		return no_memory(err);
	r = client_mkdir(ctl, path, err);
	if (r != -EEXIST)
		return r;
	if (policy_view_find(ctl, name, &there, NULL) == 0 &&
	    strcmp(policy_view_get(&there, "state"), "draft") == 0)
		return draft_exists(ctl, policy_view_get(&there, "name"), r, err);
	return err_set(err, r, "there is a policy named '%s' already", name);
}

static int draft_fill(struct client *ctl, const struct policy_new *want, char **ret_answer,
		      struct err *err)
{
	int r = 0;

	if (want->kind)
		r = write_named(ctl, want->name, "kind", want->kind, NULL, err);
	if (r == 0 && want->description)
		r = write_named(ctl, want->name, "description", want->description, NULL, err);
	return r < 0 ? r : keys_named(ctl, want->name, want->keys, ret_answer, err);
}

/* Removes the draft. @r: the error that led here, which is returned; @err is prefixed if the draft
 * cannot be removed. */
static int draft_drop(struct client *ctl, const char *name, int r, struct err *err)
{
	CLEANUP(free_mem_p) char *path = client_join(POLICIES, name, NULL);
	struct err why = {0};

	if (path && client_rmdir(ctl, path, &why) < 0)
		return err_prefix(err, r, "a draft is left over (%s)", err_text(&why, r));
	return r;
}

int policy_act_create(struct client *ctl, const struct policy_new *want, char **ret_answer,
		      struct err *err)
{
	int r = client_name_check("the name of a policy", want->name, err);

	for (int i = 0; r == 0 && i < 2; i++)
		r = key_check(want->keys[i], err);
	if (r < 0)
		return r;

	r = draft_make(ctl, want->name, err);
	if (r == 0) {
		r = draft_fill(ctl, want, ret_answer, err);
		if (r < 0)
			r = draft_drop(ctl, want->name, r, err);
	}
	return r;
}

int policy_act_try_create(struct client *ctl, const struct policy_new *want, char **ret_answer,
			  struct err *err)
{
	CLEANUP(free_mem_p) char *command = NULL;
	int r = client_name_check("the name of a policy", want->name, err);

	for (int i = 0; r == 0 && i < 2; i++)
		r = key_check(want->keys[i], err);
	if (r < 0)
		return r;
	if (asprintf(&command, DRY_RUN "name=%s\nkeys=%s %s\nkind=%s\ndescription=%s", want->name,
		     want->keys[0], want->keys[1], want->kind ? want->kind : "multi-workload",
		     want->description ? want->description : "") < 0) {
		command = NULL;
		return no_memory(err);
	}
	return client_write(ctl, "create", command, ret_answer, err);
}

int policy_act_write(struct client *ctl, const struct policy_view *v, const char *file,
		     const char *command, char **ret_answer, struct err *err)
{
	return write_named(ctl, policy_view_get(v, "name"), file, command, ret_answer, err);
}

int policy_act_keys(struct client *ctl, const struct policy_view *v, const char *const keys[2],
		    char **ret_answer, struct err *err)
{
	for (int i = 0; i < 2; i++) {
		int r = key_check(keys[i], err);

		if (r < 0)
			return r;
	}
	return keys_named(ctl, policy_view_get(v, "name"), keys, ret_answer, err);
}

int policy_act_rename(struct client *ctl, const struct policy_view *v, const char *new_name,
		      char **ret_answer, struct err *err)
{
	CLEANUP(free_mem_p) char *from = client_join(POLICIES, policy_view_get(v, "name"), NULL);
	CLEANUP(free_mem_p) char *to = client_join(POLICIES, new_name, NULL);
	int r = client_name_check("the name of a policy", new_name, err);

	if (r < 0)
		return r;
	if (!from || !to)
		return no_memory(err);
	r = client_rename(ctl, from, to, err);
	if (r < 0)
		return r;
	if (asprintf(ret_answer, "policy %s is now named %s", policy_view_get(v, "name"),
		     new_name) < 0) {
		*ret_answer = NULL;
		return no_memory(err);
	}
	return 0;
}

int policy_act_assign(struct client *ctl, const char *path, const struct policy_view *v,
		      unsigned how, char **ret_answer, struct err *err)
{
	char command[64];

	(void)snprintf(command, sizeof(command), "%s%s%s", how & ASSIGN_DRY_RUN ? DRY_RUN : "",
		       policy_view_get(v, "id"), how & ASSIGN_BY_FORCE ? " force" : "");
	return client_write(ctl, path, command, ret_answer, err);
}
