/* fs/control/about.c - version, workloads, README: what does not change while mounted. */
#include "fs/control/control_internal.h"
#include "fs/control/files_internal.h"
#include "fs/workload/workload.h"

int ctl_version_show(struct ctl_call *call)
{
	const struct store_format *format = store_format_of(call->c->store);
	char id[UUID_TEXT_LEN];

	uuid_encode(format->store_id, id);
	(void)fprintf(call->out, "depfs: %s\nformat: %u\nstore: %s\n", DEPFS_VERSION,
		      format->version, id);
	return 0;
}

static const char *on_assignment(enum workload w)
{
	return workload_rewraps_existing(w) ? "re-wrapped" : workload_covered(w) ? "left" : "stays";
}

int ctl_workloads_show(struct ctl_call *call)
{
	(void)fprintf(call->out, "%-14s %-9s %-8s %-8s %-13s %s\n", "FOLDER", "WORKLOAD", "SCOPE",
		      "COVERED", "DATA-ALREADY", "HOLDS");
	for (enum workload w = 0; w < WORKLOAD_COUNT; w++)
		(void)fprintf(call->out, "%-14s %-9s %-8s %-8s %-13s %s\n", workload_folder(w),
			      workload_name(w), workload_scope(w),
			      workload_covered(w) ? "yes" : "no", on_assignment(w),
			      workload_holds(w));
	return 0;
}

static const char readme[] =
	"This folder steers the encryption of the files beside it. One value per file; each\n"
	"write is one command, done when it returns. A write that fails says why in last_error\n"
	"beside the file, and in error_log. Everything here is in depfs-control(5).\n"
	"\n"
	"  status                 how the mount and its policies are\n"
	"  workloads              which folder is covered by what\n"
	"  assignment             the policy of the whole tenant: write its name, or none;\n"
	"                         with force behind it where its vaults do not answer\n"
	"  create                 write name=TEXT keys=ID ID: a policy, whole, in one write\n"
	"  policies/              one folder per policy: mkdir makes a draft, mv renames,\n"
	"                         rmdir removes a draft\n"
	"  policies/NAME/key_ids  write two key ids to complete a draft, or to replace the keys\n"
	"  policies/NAME/name     write another name\n"
	"  policies/NAME/kind     multi-workload or mailbox, while it is a draft\n"
	"  policies/NAME/enabled  0 or 1; an assigned policy cannot be disabled\n"
	"  policies/NAME/refresh  write 1 after a root key got a new version\n"
	"  policies/NAME/rotate   write 1 for a new generation of the policy's key\n"
	"  policies/NAME/check    write 1 to check both root keys; changes nothing\n"
	"  policies/NAME/description  what it is for, in your words\n"
	"  policies/NAME/remove   write 1 when nothing is under it, by a scan; its keys are kept\n"
	"                         for backups, unless you write force\n"
	"  policies/NAME/purge    destroys the key of a mailbox policy that both vaults deny\n"
	"  policies/NAME/status   state, generation, how each root key answered last, and what a\n"
	"                         denial did to the files\n"
	"  mailboxes/ID/policy    the policy of one mailbox: write its name, or none\n"
	"  renew                  write the path of a file or folder: fresh data keys for it\n"
	"  jobs/N/status          how far the re-wrapping of existing files has come\n"
	"  jobs/N/control         write pause, resume, cancel, retry or rate=FILES_PER_SECOND\n"
	"  jobs/N/failed          the files it could not do, and why\n"
	"  scan                   what the last count of all files found; write 1 for a new one\n"
	"  events                 the audit log, one JSON object a line, oldest first\n"
	"  metrics                counters and gauges in the text format of Prometheus,\n"
	"                         see depfs-metrics(5)\n"
	"\n"
	"With dry-run in front, commands about policies are checked and change nothing.\n"
	"A policy is named by its name or its id. To make one and use it:\n"
	"\n";

int ctl_readme_show(struct ctl_call *call)
{
	const char *mount = call->c->mount;

	(void)fputs(readme, call->out);
	(void)fprintf(call->out,
		      "  cd '%s/.depfs'\n"
		      "  mkdir 'policies/EUR Policy'\n"
		      "  echo local://vault-a/keys/k1 local://vault-b/keys/k2 >"
		      "'policies/EUR Policy/key_ids'\n"
		      "  echo 'EUR Policy' >assignment\n"
		      "  cat status last_error\n",
		      mount);
	return 0;
}
