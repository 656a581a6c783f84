/* tools/depctl/key_azure.c - depctl key show and check for keys in Azure, and depctl doctor. */
#include "tools/depctl/key_azure.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "crypto/secret.h"
#include "fs/policy/policy.h"
#include "kms/azure/diagnose.h"
#include "kms/azure/keys.h"
#include "tools/depctl/key_print.h"
#include "tools/depctl/out.h"

/* The settings of a mount are its options; here they are the environment's, depfs-azure(5). */
static int kms_open(const struct cmd_env *env, struct kms **ret_kms, struct err *err)
{
	const struct kms_config config = {.vaults_dir = env->vaults_dir};
	int r = secret_init(err); /* 1: it works, if less well */

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

/* @list: NULL: they were not listed, which is not to say that there are none. */
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
	int r = kms_open(env, &kms, &err);

	if (r < 0)
		return cmd_refuse(r, &err);
	key_id_format(id, text);
	o = azure_key_get(kms_azure(kms), text, &key, &err);
	if (o != KMS_OK)
		return refuse(o, (err_prefix(&err, 0, "key %s", text), &err));
	/* without the permission "list" the rest is worth showing */
	if (!id->version[0] && azure_key_versions(kms_azure(kms), text, &list, &n, &err) != KMS_OK)
		fprintf(stderr, "depctl: note: versions cannot be listed: %s\n", err.text);
	if (env->json)
		return print_json(&key, list, n);
	print_text(&key, list, n);
	return CMD_OK;
}

/* Behind what was found, which is on standard output. */
static int remedy_print(const struct cmd_env *env, enum azure_step step,
			const struct azure_finding *f)
{
	if (!env->json && out_flush() < 0)
		return cmd_refuse(-EIO, NULL);
	fprintf(stderr, "depctl: %s: %s\n", azure_step_name(step), f->remedy);
	return CMD_REFUSED;
}

/* The first step on the way to the key that fails; false: none does. */
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
	int r = kms_open(env, &kms, &err);

	if (r < 0)
		return cmd_refuse(r, &err);
	key_id_format(id, text);
	r = root_key_check(kms, text, false, report, &err);
	newest.version[0] =
		'\0'; /* remedies are about it; of a version that is gone there is none */
	key_id_format(&newest, text);
	found = r < 0 && strcmp(id->scheme, "https") == 0 && cause_find(kms, text, &step, &cause);
	report_print(env, report, r, cause.remedy);
	if (r == 0)
		return CMD_OK;
	if (!found)
		return cmd_refuse(r, &err);
	return remedy_print(env, step, &cause); /* what is wrong stands in the report */
}

/* ---- doctor ---- */

/* A step's line, or member; false: it failed. */
static bool step_print(const struct cmd_env *env, enum azure_step step,
		       const struct azure_finding *f, json_t *steps)
{
	bool ok = f->outcome == KMS_OK;

	if (env->json)
		(void)json_array_append_new(
			steps, json_pack("{s:s, s:b, s:s, s:s*}", "step", azure_step_name(step),
					 "ok", ok, "finding", f->text, "remedy", f->remedy));
	else
		printf("%s: %s, %s\n", azure_step_name(step),
		       ok ? "ok" : kms_outcome_name(f->outcome), f->text);
	return ok;
}

static int walk(const struct cmd_env *env, struct kms *kms, const char *key_id, json_t *steps)
{
	for (enum azure_step step = 0; step < AZURE_STEP_END; step++) {
		struct azure_finding f;

		azure_diagnose(kms_azure(kms), key_id, step, &f);
		if (step_print(env, step, &f, steps))
			continue;
		return remedy_print(env, step, &f);
	}
	return CMD_OK;
}

int cmd_doctor(int argc, char **argv, const struct cmd_env *env)
{
	CLEANUP(kms_free_p) struct kms *kms = NULL;
	struct key_id id;
	struct err err = {0};
	json_t *steps;
	int r;

	if (cmd_wants_help(argc, argv))
		return cmd_usage("doctor");
	if (argc != 2)
		return cmd_usage_error("doctor", "doctor: one key id is needed");
	r = key_id_parse(argv[1], &id, &err);
	if (r == 0 && strcmp(id.scheme, "https") != 0)
		r = err_set(&err, -EINVAL,
			    "only keys in Azure need a doctor; see depctl key check");
	if (r < 0)
		return cmd_refuse(err_prefix(&err, r, "%s", argv[1]), &err);
	r = kms_open(env, &kms, &err);
	if (r < 0)
		return cmd_refuse(r, &err);
	steps = env->json ? json_array() : NULL;
	r = walk(env, kms, argv[1], steps);
	if (steps) {
		(void)json_dumpf(steps, stdout, 0); /* as above */
		printf("\n");
		json_decref(steps);
	}
	return r;
}
