#include "fs/options.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "fs/audit/audit.h"

const char *options_usage(void)
{
	return "usage: depfs STORE MOUNT [-f] [-o OPTION[,OPTION...]]\n"
	       "  -f                      stay in the foreground, log to standard error\n"
	       "  -o service_key=file:PATH  the store's service key (default "
	       "/var/lib/depfs/keys/UUID.key)\n"
	       "  -o vaults=DIR           folder of the local vaults (default "
	       "/var/lib/depfs/vaults)\n"
	       "  -o key_check=SECONDS    prove access to the root keys again this often (default "
	       "60)\n"
	       "  -o vault_domains=A[:B...]  hosts below these are Azure vaults too\n"
	       "  -o ca_file=PATH         certificate authorities instead of the system's\n"
	       "  -o credential=KIND      auto (default), client-secret, certificate, "
	       "workload-identity,\n"
	       "                          managed-identity, or none: no Azure, no network\n"
	       "  -o vault_timeout=SECONDS  of one call of a vault, retries included (default 30)\n"
	       "  -o job_rate=FILES_PER_S limit of a job that re-wraps existing files (default 0: "
	       "none)\n"
	       "  -o events_size=MIB      about so much of the audit log is kept (default 1024; 0: "
	       "all)\n"
	       "  -o admin_gid=GROUP      group that may use MOUNT/.depfs (default 0)\n"
	       "  -o system_gid=GROUP     group whose requests count as system requests\n"
	       "  -o writeback=on|off     kernel write-back cache (default on)\n"
	       "  -o strict               refuse root keys that can be purged\n"
	       "  -o ro, allow_other, ... options of mount(8)\n";
}

void options_fini(struct options *o)
{
	free(o->service_key);
	free(o->vaults_dir);
	free(o->vault_domains);
	free(o->ca_file);
	free(o->credential);
	free(o->kernel);
	*o = (struct options){0};
}

static int set_text(char **at, const char *value)
{
	free(*at);
	*at = strdup(value);
	return *at ? 0 : -ENOMEM;
}

static int add_kernel(struct options *o, const char *word)
{
	size_t old_len = o->kernel ? strlen(o->kernel) : 0, len = old_len + strlen(word) + 2;
	char *longer = realloc(o->kernel, len);

	if (!longer)
		return -ENOMEM;
	(void)snprintf(longer + old_len, len - old_len, "%s%s", old_len ? "," : "",
		       word); /* sized above */
	o->kernel = longer;
	return 0;
}

/* A group by number or name. */
static int parse_group(const char *name, const char *value, gid_t *ret_gid, struct err *err)
{
	const struct group *g;
	char *end;
	unsigned long gid;

	errno = 0;
	gid = strtoul(value, &end, 10);
	if (*value >= '0' && *value <= '9' && !*end && !errno && gid < UINT_MAX) {
		*ret_gid = (gid_t)gid;
		return 0;
	}
	g = getgrnam(value);
	if (!g)
		return err_set(err, -EINVAL, "-o %s=%s: no such group", name, value);
	*ret_gid = g->gr_gid;
	return 0;
}

/* @what: "a number of seconds" */
static int parse_number(const char *name, const char *value, const char *what, unsigned min,
			unsigned max, unsigned *ret_n, struct err *err)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || n < min || n > max)
		return err_set(err, -EINVAL, "-o %s=%s: %s from %u to %u is needed", name, value,
			       what, min, max);
	*ret_n = (unsigned)n;
	return 0;
}

static int parse_writeback(const char *value, bool *ret_on, struct err *err)
{
	if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
		return err_set(err, -EINVAL, "-o writeback=%s: on or off is needed", value);
	*ret_on = strcmp(value, "on") == 0;
	return 0;
}

static int set_path(char **at, const char *name, const char *value, struct err *err)
{
	return *value == '/'
		       ? set_text(at, value)
		       : err_set(err, -EINVAL, "-o %s=%s: an absolute path is needed", name, value);
}

/* Of Azure; the values are judged in kms/. */
static int parse_azure(struct options *o, const char *name, const char *value, struct err *err)
{
	if (strcmp(name, "vault_domains") == 0)
		return set_text(&o->vault_domains, value);
	if (strcmp(name, "ca_file") == 0)
		return set_path(&o->ca_file, name, value, err);
	if (strcmp(name, "credential") == 0)
		return set_text(&o->credential, value);
	if (strcmp(name, "vault_timeout") == 0)
		return parse_number(name, value, "a number of seconds", 1, 300, &o->vault_timeout_s,
				    err);
	return -ENOENT;
}

/* Options with a value that are depfs's own; -ENOENT: none of them. */
static int parse_valued(struct options *o, const char *name, const char *value, struct err *err)
{
	if (strcmp(name, "service_key") == 0)
		return set_text(&o->service_key, value);
	if (strcmp(name, "vaults") == 0)
		return set_path(&o->vaults_dir, name, value, err);
	if (strcmp(name, "key_check") == 0)
		return parse_number(name, value, "a number of seconds", 1, 86400, &o->key_check_s,
				    err);
	if (strcmp(name, "job_rate") == 0)
		return parse_number(name, value, "a number of files a second", 0, UINT_MAX,
				    &o->job_rate, err);
	if (strcmp(name, "events_size") == 0)
		return parse_number(name, value, "a number of MiB", 0, UINT_MAX, &o->events_mib,
				    err);
	if (strcmp(name, "admin_gid") == 0)
		return parse_group(name, value, &o->admin_gid, err);
	if (strcmp(name, "system_gid") == 0) {
		o->has_system_gid = true;
		return parse_group(name, value, &o->system_gid, err);
	}
	if (strcmp(name, "writeback") == 0)
		return parse_writeback(value, &o->writeback, err);
	return parse_azure(o, name, value, err);
}

/* What mount(8) and fstab(5) may add: for the kernel, or for others and silently passed over. */
static bool is_kernel_word(const char *word)
{
	static const char *const words[] = {
		"rw",	      "suid",	"nosuid", "dev",     "nodev",
		"exec",	      "noexec", "atime",  "noatime", "relatime",
		"norelatime", "sync",	"async",  "dirsync", "default_permissions"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

static bool is_fstab_word(const char *word)
{
	static const char *const words[] = {"defaults", "auto",	   "noauto", "user", "nouser",
					    "users",	"_netdev", "nofail", "fuse"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return strncmp(word, "x-", 2) == 0 || strncmp(word, "comment=", 8) == 0;
}

static int parse_word(struct options *o, char *word, struct err *err)
{
	char *equals = strchr(word, '=');
	int r = -ENOENT;

	if (is_fstab_word(word) || !*word)
		return 0;
	if (strcmp(word, "ro") == 0) {
		o->read_only = true;
		return add_kernel(o, word);
	}
	if (strcmp(word, "allow_other") == 0) {
		o->allow_other = true;
		return 0;
	}
	if (strcmp(word, "strict") == 0) {
		o->strict = true;
		return 0;
	}
	if (is_kernel_word(word)) /* the kernel checks permissions in any case */
		return strcmp(word, "default_permissions") == 0 ? 0 : add_kernel(o, word);
	if (strcmp(word, "remount") == 0)
		return err_set(
			err, -EINVAL,
			"-o remount: a mount's options stay as they are; unmount it, and mount "
			"it with others");
	if (equals && !equals[1])
		return err_set(err, -EINVAL, "-o %s: its value is missing", word);
	if (equals) {
		*equals = '\0';
		r = parse_valued(o, word, equals + 1, err);
		*equals = '=';
	}
	return r == -ENOENT ? err_set(err, -EINVAL, "-o %s: unknown option%s", word,
				      equals ? "" : ", or its value is missing")
			    : r;
}

static int parse_list(struct options *o, const char *list, struct err *err)
{
	CLEANUP(free_mem_p) char *copy = strdup(list);
	char *rest = copy, *word;
	int r = copy ? 0 : -ENOMEM;

	while (r == 0 && (word = strsep(&rest, ",")))
		r = parse_word(o, word, err);
	return r;
}

static int parse_arg(struct options *o, int argc, char **argv, int *at,
		     enum options_outcome *ret_outcome, struct err *err)
{
	const char *arg = argv[*at];

	if (strcmp(arg, "-h") == 0 || strcmp(arg, "--help") == 0)
		*ret_outcome = OPTIONS_HELP;
	else if (strcmp(arg, "-V") == 0 || strcmp(arg, "--version") == 0)
		*ret_outcome = OPTIONS_VERSION;
	else if (strcmp(arg, "-f") == 0)
		o->foreground = true;
	else if (strcmp(arg, "-o") == 0)
		return ++*at < argc ? parse_list(o, argv[*at], err)
				    : err_set(err, -EINVAL, "-o: options are missing");
	else if (strncmp(arg, "-o", 2) == 0)
		return parse_list(o, arg + 2, err);
	else if (arg[0] == '-')
		return err_set(err, -EINVAL, "%s: unknown argument", arg);
	else if (!o->store)
		o->store = arg;
	else if (!o->mount)
		o->mount = arg;
	else
		return err_set(err, -EINVAL, "%s: one argument too many", arg);
	return 0;
}

int options_parse(int argc, char **argv, struct options *ret_options,
		  enum options_outcome *ret_outcome, struct err *err)
{
	struct options o = {
		.key_check_s = 60, .writeback = true, .events_mib = AUDIT_LEN_DEFAULT >> 20};
	int r = 0;

	*ret_outcome = OPTIONS_RUN;
	for (int i = 1; r == 0 && i < argc; i++)
		r = parse_arg(&o, argc, argv, &i, ret_outcome, err);
	if (r == 0 && *ret_outcome == OPTIONS_RUN && !o.mount)
		r = err_set(err, -EINVAL, "%s is missing", o.store ? "MOUNT" : "STORE");
	if (r < 0) {
		options_fini(&o);
		return r == -ENOMEM ? err_set(err, r, "out of memory") : r;
	}
	*ret_options = o;
	return 0;
}
