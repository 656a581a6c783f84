/* tools/depctl/cli/change.h - the daemon's answer to a change: lines of text, or with --json one
 * object. */
#ifndef DEPFS_DEPCTL_CLI_CHANGE_H
#define DEPFS_DEPCTL_CLI_CHANGE_H

#include <jansson.h>

#include "tools/depctl/cli/cmd.h"

/**
 * change_report() - what was done, on stdout
 * @answer: the daemon's; lines after the first are details, "name: outcome"
 * @name, @id: of the policy that was changed, after the change; NULL: none
 * With --wait it waits for the job that the answer names.
 * Return: CMD_OK; CMD_REFUSED: that job did not end as done, reported.
 */
int change_report(const struct cmd_env *env, const char *answer, const char *name, const char *id);
/* change_wait() - with --wait, until the job that @answer names, if any, has ended; as
 * change_report(). */
int change_wait(const struct cmd_env *env, const char *answer);
/* change_warn() - the warnings of an answer, its lines "name: warning, text", on stderr. */
void change_warn(const char *answer);
/* change_details() - the lines of @lines on stdout. */
void change_details(const char *lines);
/* change_details_json() - the lines "name: outcome" as members of an object; null without
 * memory. */
json_t *change_details_json(const char *lines);

#endif
