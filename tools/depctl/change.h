/* tools/depctl/change.h - a change said: one line for people, one object for --json. */
#ifndef DEPFS_DEPCTL_CHANGE_H
#define DEPFS_DEPCTL_CHANGE_H

#include "tools/depctl/depctl.h"
#include "tools/depctl/policy_view.h"

/**
 * change_say() - what was done
 * @answer: the daemon's; lines after the first are details, "name: outcome"
 * @name, @id: of the policy that it was done to, as they are now; NULL: none
 * Return: CMD_OK.
 */
int change_say(const struct cmd_env *env, const char *answer, const char *name, const char *id);
/* change_warn() - what the answer warns of, its lines "name: warning, text", on stderr. */
void change_warn(const char *answer);
/* change_details() - such lines alone: as they are, or as an object's members. */
void change_details(const char *lines);
json_t *change_details_json(const char *lines);

#endif
