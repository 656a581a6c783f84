/* fs/control/create.c - create: a policy made whole in one write. */
#include <errno.h>
#include <string.h>

#include "fs/control/control_internal.h"
#include "fs/control/files_internal.h"

enum {
	WORD_NAME,
	WORD_KEYS,
	WORD_KIND,
	WORD_DESCRIPTION,
	WORD_COUNT
};
static const char *const words[WORD_COUNT] = {"name=", "keys=", "kind=", "description="};

static const char create_usage[] =
	"name=TEXT keys=ID ID [kind=multi-workload|mailbox] [description=TEXT]";

int ctl_words(struct ctl_call *call, char *in, const char *const *names, const char **values,
	      size_t n, enum ctl_words_end ends, const char *usage)
{
	char *end = in;

	for (char *at = in; *at; at++) {
		if (at != in && !strchr(" \t\r\n", at[-1]))
			continue;
		for (size_t i = 0; i < n; i++) {
			if ((ends == CTL_WORDS_LAST_OPEN && values[n - 1]) ||
			    strncmp(at, names[i], strlen(names[i])) != 0)
				continue;
			if (values[i])
				return ctl_refuse(call, -EINVAL, "%s: %s is given twice",
						  call->ref.row->name, names[i]);
			if (at != in)
				at[-1] = '\0';
			end = at + strlen(names[i]);
			values[i] = end;
		}
	}
	if (end == in)
		return ctl_refuse(call, -EINVAL, "%s: write %s", call->ref.row->name, usage);
	for (size_t i = 0; i < n; i++) {
		char *last = values[i] ? strchr(values[i], '\0') : NULL;

		while (last && last > values[i] && strchr(" \t\r\n", last[-1]))
			*--last = '\0';
	}
	return 0;
}

int ctl_create_show(struct ctl_call *call)
{
	(void)fprintf(call->out, "%s\n", create_usage);
	return 0;
}

static int kind_of(struct ctl_call *call, const char *text, enum policy_kind *ret_kind)
{
	static const enum policy_kind kinds[] = {POLICY_MULTI_WORKLOAD, POLICY_MAILBOX};

	for (size_t i = 0; i < 2; i++) {
		if (text && strcmp(text, policy_kind_name(kinds[i])) != 0)
			continue;
		*ret_kind = kinds[i];
		return 0;
	}
	return ctl_refuse(call, -EINVAL, "create: kind=%s: it is multi-workload or mailbox", text);
}

int ctl_create_store(struct ctl_call *call, const char *in)
{
	char copy[CTL_WRITE_MAX + 1], none[] = "", *ids[2];
	const char *values[WORD_COUNT] = {0};
	enum policy_kind kind = POLICY_MULTI_WORKLOAD;
	int r;

	(void)snprintf(copy, sizeof(copy), "%s", in);
	r = ctl_words(call, copy, words, values, WORD_COUNT, CTL_WORDS_LAST_OPEN, create_usage);
	if (r == 0)
		r = kind_of(call, values[WORD_KIND], &kind);
	if (r < 0)
		return r;
	if (!values[WORD_NAME])
		return ctl_refuse(call, -EINVAL, "create: name= is missing");
	if (ctl_split(values[WORD_KEYS] ? (char *)values[WORD_KEYS] : none, ids, 2) != 2)
		return ctl_refuse(call, -EINVAL,
				  "create: keys= has two key ids, with a blank "
				  "between");
	r = policy_create(call->c->policies, values[WORD_NAME],
			  (const char *const[]){ids[0], ids[1]}, kind, values[WORD_DESCRIPTION],
			  call->actor, &call->err);
	if (r == 0)
		(void)fprintf(call->out, "ok: policy %s created\n", values[WORD_NAME]);
	return r;
}
