/* tools/depctl/commands/doctor.c - depctl doctor: the steps of using a key in Azure, each
 * checked. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "kms/azure/diagnose.h"
#include "kms/azure/keys.h"
#include "tools/depctl/cli/cmd.h"
#include "tools/depctl/commands/commands.h"
#include "tools/depctl/commands/key_azure.h"

/* Prints a step's line, or appends its object to @steps. Return: false: the step failed. */
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
		return azure_remedy_print(env, step, &f);
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
	r = azure_kms_open(env, &kms, &err);
	if (r < 0)
		return cmd_refuse(r, &err);
	steps = env->json ? json_array() : NULL;
	r = walk(env, kms, argv[1], steps);
	if (steps) {
		(void)json_dumpf(steps, stdout,
				 0); /* out_flush() reports what could not be written */
		printf("\n");
		json_decref(steps);
	}
	return r;
}
