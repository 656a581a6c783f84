/* fs/options.h - the command line of depfs: two paths and -o options, each checked; an error names
 * the option. */
#ifndef DEPFS_OPTIONS_H
#define DEPFS_OPTIONS_H

#include <stdbool.h>
#include <sys/types.h>

#include "crypto/base/cleanup.h"
#include "crypto/base/err.h"

struct options {
	const char *store, *mount; /* as given */
	bool foreground;
	char *service_key, *vaults_dir;		    /* malloc'ed, or NULL: default */
	char *vault_domains, *ca_file, *credential; /* of Azure; malloc'ed, or NULL */
	unsigned vault_timeout_s;		    /* 0: default */
	unsigned key_check_s;
	unsigned job_rate;   /* files/s of a new job; 0: no limit */
	unsigned events_mib; /* size of the audit log, MiB; 0: no limit */
	gid_t admin_gid, system_gid;
	bool has_system_gid;
	bool writeback, read_only, strict;
	bool list_control; /* .depfs is listed in the top folder */
	bool no_symfollow; /* symbolic links are not followed, see mount(8) */
	bool allow_other;  /* -o allow_other was given; mounts by root allow it without (place.c) */
	char *kernel;	   /* malloc'ed: options for libfuse, comma-separated */
};

enum options_outcome {
	OPTIONS_RUN,
	OPTIONS_HELP,
	OPTIONS_VERSION
};

/* options_parse() - -EINVAL and a sentence that names the offending word. */
int options_parse(int argc, char **argv, struct options *ret_options,
		  enum options_outcome *ret_outcome, struct err *err) MUST_CHECK;
void options_fini(struct options *o);
const char *options_usage(void);

#endif
