/* tools/depctl/commands/key_show.c - depctl key show and list, for local vaults. */
#include "tools/depctl/commands/key_show.h"

#include <errno.h>
#include <stdio.h>

#include "tools/depctl/commands/key_print.h"

static int refuse(const struct key_id *id, int r, struct err *err)
{
	char text[KEY_ID_MAX];

	key_id_format(id, text);
	return cmd_refuse(err_prefix(err, r, "%s", text), err);
}

static int show_vault(const struct cmd_env *env, const struct key_id *id)
{
	CLEANUP(free_mem_p) char **keys = NULL;
	struct local_rules rules;
	struct err err = {0};
	int r = local_vault_show(env->vaults_dir, id, &rules, &err);

	if (r == 0)
		r = local_list(env->vaults_dir, id->vault, &keys, &err);
	if (r < 0)
		return refuse(id, r, &err);
	if (!env->json) {
		vault_print_text(id, &rules, keys);
		return CMD_OK;
	}
	vault_print_json(id, &rules, keys);
	printf("\n");
	return CMD_OK;
}

int key_show(const struct cmd_env *env, const struct key_id *id)
{
	CLEANUP(local_key_free_p) struct local_key *key = NULL;
	struct err err = {0};
	int r;

	if (!id->name[0])
		return show_vault(env, id);
	r = local_key_show(env->vaults_dir, id, &key, &err);
	if (r == 0 && !local_key_version(key, id->version))
		r = err_set(&err, -ENOENT, "the key has no such version");
	if (r < 0)
		return refuse(id, r, &err);
	if (!env->json) {
		key_print_text(id, key);
		return CMD_OK;
	}
	key_print_json(id, key);
	printf("\n");
	return CMD_OK;
}

/* State of a list that is being printed. */
struct listing {
	const char *comma; /* before the next object */
	int exit;	   /* CMD_REFUSED once a key or vault could not be read */
};

static void list_key(const struct cmd_env *env, const struct key_id *id, struct listing *l)
{
	CLEANUP(local_key_free_p) struct local_key *key = NULL;
	char text[KEY_ID_MAX];
	struct err err = {0};
	int r = local_key_show(env->vaults_dir, id, &key, &err);

	if (r < 0) { /* reported; the other keys are listed all the same */
		key_id_format(id, text);
		l->exit = cmd_refuse(err_prefix(&err, r, "%s", text), &err);
	} else if (env->json) {
		printf("%s", l->comma);
		key_print_json(id, key);
		l->comma = ",\n ";
	} else {
		key_print_row(id, key);
	}
}

static void list_vault(const struct cmd_env *env, const char *vault, struct listing *l)
{
	CLEANUP(free_mem_p) char **keys = NULL;
	struct key_id id = {.scheme = "local"};
	struct err err = {0};
	int r = local_list(env->vaults_dir, vault, &keys, &err);

	if (r < 0) {
		l->exit = cmd_refuse(err_prefix(&err, r, "local://%s", vault), &err);
		return;
	}
	(void)snprintf(id.vault, sizeof(id.vault), "%s", vault);
	for (size_t i = 0; keys[i]; i++) {
		(void)snprintf(id.name, sizeof(id.name), "%s", keys[i]);
		list_key(env, &id, l);
	}
}

int key_list(const struct cmd_env *env, const char *vault)
{
	CLEANUP(free_mem_p) char **vaults = NULL;
	struct listing l = {.comma = "", .exit = CMD_OK};
	struct err err = {0};
	int r;

	if (!vault) {
		r = local_list(env->vaults_dir, NULL, &vaults, &err);
		if (r < 0)
			return cmd_refuse(err_prefix(&err, r, "vaults in %s", env->vaults_dir),
					  &err);
	}
	if (env->json)
		printf("[");
	if (vault)
		list_vault(env, vault, &l);
	for (size_t i = 0; vaults && vaults[i]; i++)
		list_vault(env, vaults[i], &l);
	if (env->json)
		printf("]\n");
	return l.exit;
}
