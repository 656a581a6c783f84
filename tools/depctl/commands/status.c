/* tools/depctl/commands/status.c - depctl status: the state of the mount and its policies. */
#include <string.h>

#include "tools/depctl/cli/cmd.h"
#include "tools/depctl/client/client.h"
#include "tools/depctl/client/fields.h"
#include "tools/depctl/commands/commands.h"
#include "tools/depctl/output/json.h"
#include "tools/depctl/output/text.h"

/* The last event, a line of JSON, becomes an object within the object. */
static json_t *status_json(const struct fields *f)
{
	json_t *object = fields_json(f);
	const char *last = fields_get(f, "last event");
	json_t *event = last ? json_loads(last, 0, NULL) : NULL;

	if (last)
		out_set(object, "last_event", event ? event : json_null());
	return object;
}

/* Time, kind and outcome only; the log has the other members. */
static void last_event_print(const char *line)
{
	CLEANUP(json_decref_p) json_t *event = json_loads(line, 0, NULL);
	const char *time = NULL, *kind = NULL, *outcome = NULL;

	if (json_unpack(event, "{s:s, s:s, s:s}", "time", &time, "event", &kind, "outcome",
			&outcome) < 0) {
		out_pair("last event", line); /* "none", or what a newer daemon writes */
		return;
	}
	out_line("last event: %s, %s, %s", time, kind, outcome);
}

int cmd_status(int argc, char **argv, const struct cmd_env *env)
{
	CLEANUP(client_free_p) struct client *ctl = NULL;
	CLEANUP(fields_fini) struct fields f = {0};
	struct err err = {0};
	int r;

	if (cmd_wants_help(argc, argv))
		return cmd_usage("status");
	if (argc > 1)
		return cmd_usage_error("status", "status: it takes no arguments, not '%s'",
				       argv[1]);
	r = client_open(env->mount, &ctl, &err);
	if (r == 0)
		r = fields_read(ctl, "status", &f, &err);
	if (r < 0)
		return cmd_refuse(r, &err);

	if (env->json)
		out_json(status_json(&f));
	else
		for (size_t i = 0; i < f.count; i++) {
			if (strcmp(f.items[i].name, "last event") == 0)
				last_event_print(f.items[i].value);
			else
				out_pair(f.items[i].name, f.items[i].value);
		}
	return CMD_OK;
}
