/* tools/depctl/cli/change.c - the daemon's answer to a change, printed as text or as one object. */
#include "tools/depctl/cli/change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/policy/policy.h"
#include "tools/depctl/client/fields.h"
#include "tools/depctl/output/json.h"
#include "tools/depctl/output/text.h"

void change_details(const char *lines)
{
	while (*lines) {
		size_t len = strcspn(lines, "\n");
		CLEANUP(free_mem_p) char *line = strndup(lines, len);

		if (line)
			out_line("%s", line);
		lines += len + (lines[len] == '\n');
	}
}

void change_warn(const char *answer)
{
	size_t len;

	for (; (answer = policy_warning_next(answer, &len)); answer += len) {
		const char *colon = memmem(answer, len, ": ", 2), *text = strchr(colon, ',') + 2;

		fprintf(stderr, "depctl: warning: %.*s: %.*s\n", (int)(colon - answer), answer,
			(int)(answer + len - text), text);
	}
}

json_t *change_details_json(const char *lines)
{
	CLEANUP(fields_fini) struct fields f = {0};
	char *copy = strdup(lines);

	if (!copy || fields_parse(copy, &f) < 0)
		return json_null();
	return fields_json(&f);
}

int change_report(const struct cmd_env *env, const char *answer, const char *name, const char *id)
{
	size_t first_len = strcspn(answer, "\n");
	const char *rest = answer + first_len + (answer[first_len] == '\n');
	CLEANUP(free_mem_p) char *first = strndup(answer, first_len);
	json_t *object;

	if (!env->json) {
		change_details(answer);
		return CMD_OK;
	}
	object = json_object();
	out_set(object, "done", out_text_json(first));
	if (name)
		out_set(object, "policy", out_text_json(name));
	if (id)
		out_set(object, "id", out_text_json(id));
	if (*rest)
		out_set(object, "details", change_details_json(rest));
	out_json(object);
	return CMD_OK;
}
