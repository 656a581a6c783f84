/* tools/depctl/commands/key_azure.c - depctl key show of keys in Azure, and depctl key check. */
#include "tools/depctl/commands/key_azure.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "crypto/secret.h"
#include "fs/policy/policy.h"
#include "kms/azure/diagnose.h"
#include "kms/azure/keys.h"
#include "tools/depctl/commands/key_print.h"
#include "tools/depctl/output/text.h"

/* A mount takes these settings from its options, depctl from the environment (depfs-azure(5)). */
int azure_kms_open(const struct cmd_env *env, struct kms **ret_kms, struct err *err)
{
	const struct kms_config config = {.vaults_dir = env->vaults_dir};
	int r = secret_init(err); /* 1: it works, but keys may be swapped out */

	return r < 0 ? r : kms_new(&config, ret_kms, err);
}

static int refuse(enum kms_outcome o, const struct err *err)
{
	return cmd_refuse(kms_errno(o, err), err);
}

static void print_text(const struct azure_key *key, const struct azure_version *list, size_t n)
{
	char date[KEY_DATE_LEN];

	printf("id: %s\n", key->info.id);
	printf("type: %s\n", key->info.kty);
	printf("size: %u\n", key->info.bits);
	printf("operations: %s\n", key->operations);
	printf("enabled: %s\n", key->info.enabled ? "yes" : "no");
	printf("created: %s\n", key_date_text(key->created, "unknown", date));
	printf("updated: %s\n", key_date_text(key->updated, "unknown", date));
	printf("not before: %s\n", key_date_text(key->info.not_before, "none", date));
	printf("expires: %s\n", key_date_text(key->info.expires, "none", date));
	printf("recovery level: %s\n", key->info.recovery_level);
	if (key->recoverable_days > 0)
		printf("recoverable days: %d\n", key->recoverable_days);
	if (key->hsm_platform[0])
		printf("hsm platform: %s\n", key->hsm_platform);
	printf("exportable: %s\n", key->exportable ? "yes" : "no");
	for (size_t i = 0; i < n; i++)
		printf("version: %s %s %s\n", list[i].version,
		       key_date_text(list[i].created, "unknown", date),
		       list[i].enabled ? "enabled" : "disabled");
}

static json_t *date_json(int64_t when)
{
	char date[KEY_DATE_LEN];

	return when == 0 ? json_null() : json_string(key_date_text(when, "", date));
}

/* @list: NULL: the versions could not be listed, and are printed as null. */
static int print_json(const struct azure_key *key, const struct azure_version *list, size_t n)
{
	json_t *versions = list ? json_array() : json_null(), *root;

	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(versions,
					    json_pack("{s:s, s:o, s:b}", "version", list[i].version,
						      "created", date_json(list[i].created),
						      "enabled", list[i].enabled));
	root = json_pack("{s:s, s:s, s:I, s:s, s:b, s:o, s:o, s:o, s:o, s:s, s:i, s:s, s:b, s:o}",
			 "id", key->info.id, "type", key->info.kty, "size",
			 (json_int_t)key->info.bits, "operations", key->operations, "enabled",
			 key->info.enabled, "created", date_json(key->created), "updated",
			 date_json(key->updated), "not_before", date_json(key->info.not_before),
			 "expires", date_json(key->info.expires), "recovery_level",
			 key->info.recovery_level, "recoverable_days", key->recoverable_days,
			 "hsm_platform", key->hsm_platform, "exportable", key->exportable,
			 "versions", versions);
	if (!root)
		return cmd_refuse(-ENOMEM, NULL); /* no object was made for lack of memory */
	(void)json_dumpf(root, stdout, 0);	  /* out_flush() sees what could not be written */
	printf("\n");
	json_decref(root);
	return CMD_OK;
}

int azure_show(const struct cmd_env *env, const struct key_id *id)
{
	CLEANUP(kms_free_p) struct kms *kms = NULL;
	CLEANUP(free_mem_p) struct azure_version *list = NULL;
	struct azure_key key;
	char text[KEY_ID_MAX];
	struct err err = {0};
	size_t n = 0;
	enum kms_outcome o;
	int r = azure_kms_open(env, &kms, &err);

	if (r < 0)
		return cmd_refuse(r, &err);
	key_id_format(id, text);
	o = azure_key_get(kms_azure(kms), text, &key, &err);
	if (o != KMS_OK)
		return refuse(o, (err_prefix(&err, 0, "key %s", text), &err));
	/* without the permission "list" everything but the versions is shown */
	if (!id->version[0] && azure_key_versions(kms_azure(kms), text, &list, &n, &err) != KMS_OK)
		fprintf(stderr, "depctl: note: versions cannot be listed: %s\n", err.text);
	if (env->json)
		return print_json(&key, list, n);
	print_text(&key, list, n);
	return CMD_OK;
}

int azure_remedy_print(const struct cmd_env *env, enum azure_step step,
		       const struct azure_finding *f)
{
	if (!env->json && out_flush() < 0)
		return cmd_refuse(-EIO, NULL);
	fprintf(stderr, "depctl: %s: %s\n", azure_step_name(step), f->remedy);
	return CMD_REFUSED;
}

/* The first step of azure_diagnose() that fails; false: none does. */
static bool cause_find(struct kms *kms, const char *key_id, enum azure_step *ret_step,
		       struct azure_finding *ret_finding)
{
	for (*ret_step = 0; *ret_step < AZURE_STEP_END; (*ret_step)++) {
		azure_diagnose(kms_azure(kms), key_id, *ret_step, ret_finding);
		if (ret_finding->outcome != KMS_OK)
			return true;
	}
	return false;
}

/* Lines "name: outcome" as text, or as one object. @remedy: NULL: there is none. */
static void report_print(const struct cmd_env *env, char *report, int r, const char *remedy)
{
	json_t *root = env->json ? json_object() : NULL;
	char *save = NULL;

	for (char *line = strtok_r(report, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *colon = strstr(line, ": ");

		if (!env->json) {
			printf("%s\n", line);
		} else if (colon) {
			*colon = '\0';
			(void)json_object_set_new(root, line, json_string(colon + 2));
		}
	}
	if (env->json) {
		(void)json_object_set_new(root, "usable", json_boolean(r == 0));
		if (remedy)
			(void)json_object_set_new(root, "remedy", json_string(remedy));
		(void)json_dumpf(root, stdout, JSON_PRESERVE_ORDER);
		printf("\n");
		json_decref(root);
	}
}

int key_check(const struct cmd_env *env, const struct key_id *id)
{
	CLEANUP(kms_free_p) struct kms *kms = NULL;
	char report[POLICY_OUTCOME_MAX] = "", text[KEY_ID_MAX];
	struct azure_finding cause = {0};
	struct key_id newest = *id;
	enum azure_step step = 0;
	struct err err = {0};
	bool found;
	int r = azure_kms_open(env, &kms, &err);

	if (r < 0)
		return cmd_refuse(r, &err);
	key_id_format(id, text);
	r = root_key_check(kms, text, false, report, &err);
	/* Remedies are about the newest version: for one that does not exist there is none. */
	newest.version[0] = '\0';
	key_id_format(&newest, text);
	found = r < 0 && strcmp(id->scheme, "https") == 0 && cause_find(kms, text, &step, &cause);
	report_print(env, report, r, cause.remedy);
	if (r == 0)
		return CMD_OK;
	if (!found)
		return cmd_refuse(r, &err);
	return azure_remedy_print(env, step, &cause); /* the report has the cause */
}
