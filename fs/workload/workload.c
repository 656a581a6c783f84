/* fs/workload/workload.c - the table of workloads, and its columns. */
#include "fs/workload/workload.h"

#include <string.h>

/* One row for each workload; fs/README.md, Workloads. */
static const struct {
	const char *name; /* the first folder of a path, but for "other" */
	bool covered, rewraps_existing;
	const char *folder, *scope, *holds;
} workloads[WORKLOAD_COUNT] = {
	[WORKLOAD_MAILBOX] = {"mailbox", true, true, "mailbox/<id>/", "mailbox",
			      "Exchange mailboxes"},
	[WORKLOAD_SIGNALS] = {"signals", true, true, "signals/", "workload",
			      "Exchange user and signal information"},
	[WORKLOAD_CHAT] = {"chat", true, false, "chat/", "workload",
			   "chat messages, media, recordings, notifications, suggestions, status "
			   "messages"},
	[WORKLOAD_EDM] = {"edm", true, false, "edm/", "workload",
			  "EDM schemas, rule packages, salts"},
	[WORKLOAD_OTHER] = {"other", false, false, "anything else", "workload",
			    "not covered by a multi-workload policy"},
};

/* The row of @w; "other" for a number that is not a workload. */
static enum workload row(enum workload w)
{
	return (unsigned)w < WORKLOAD_COUNT ? w : WORKLOAD_OTHER;
}

const char *workload_name(enum workload w)
{
	return workloads[row(w)].name;
}

bool workload_covered(enum workload w)
{
	return workloads[row(w)].covered;
}

bool workload_rewraps_existing(enum workload w)
{
	return workloads[row(w)].rewraps_existing;
}

const char *workload_folder(enum workload w)
{
	return workloads[row(w)].folder;
}

const char *workload_scope(enum workload w)
{
	return workloads[row(w)].scope;
}

const char *workload_holds(enum workload w)
{
	return workloads[row(w)].holds;
}

enum workload workload_of_folder(const char *folder, size_t len)
{
	for (enum workload w = 0; w < WORKLOAD_COUNT; w++)
		if (w != WORKLOAD_OTHER && strlen(workloads[w].name) == len &&
		    memcmp(workloads[w].name, folder, len) == 0)
			return w;
	return WORKLOAD_OTHER;
}

enum workload workload_of_name(const char *name)
{
	enum workload w = 0;

	while (w < WORKLOAD_COUNT && strcmp(workloads[w].name, name) != 0)
		w++;
	return w;
}
