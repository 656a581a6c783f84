#include "fs/options.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
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
	       "  -o list_control         list .depfs in the top folder; it is found by name in "
	       "any "
	       "case\n"
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

static int add_kernel(struct options *o, const char *word)
{
	size_t old_len = o->kernel ? strlen(o->kernel) : 0, len = old_len + strlen(word) + 2;
	char *longer = realloc(o->kernel, len);

	if (!longer)
		return -ENOMEM;
	/* The buffer has the size that this needs. */
	(void)snprintf(longer + old_len, len - old_len, "%s%s", old_len ? "," : "", word);
	o->kernel = longer;
	return 0;
}

/* ---- options with a value ---- */

/* One of depfs's own options: how its value is parsed, and where it is stored. */
struct row {
	const char *name;
	int (*parse)(const struct row *row, const char *value, void *ret_value, struct err *err);
	size_t offset; /* in struct options */
	unsigned min, max;
	const char *what; /* names a number in its error */
};

static int parse_text(const struct row *row, const char *value, void *ret_value, struct err *err)
{
	char **at = ret_value;

	(void)row, (void)err; /* checked where it is used */
	free(*at);
	*at = strdup(value);
	return *at ? 0 : -ENOMEM;
}

static int parse_path(const struct row *row, const char *value, void *ret_value, struct err *err)
{
	return *value == '/' ? parse_text(row, value, ret_value, err)
			     : err_set(err, -EINVAL, "-o %s=%s: an absolute path is needed",
				       row->name, value);
}

/* A group by number or name. */
static int parse_group(const struct row *row, const char *value, void *ret_value, struct err *err)
{
	gid_t *ret_gid = ret_value;
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
		return err_set(err, -EINVAL, "-o %s=%s: no such group", row->name, value);
	*ret_gid = g->gr_gid;
	return 0;
}

static int parse_number(const struct row *row, const char *value, void *ret_value, struct err *err)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || n < row->min || n > row->max)
		return err_set(err, -EINVAL, "-o %s=%s: %s from %u to %u is needed", row->name,
			       value, row->what, row->min, row->max);
	*(unsigned *)ret_value = (unsigned)n;
	return 0;
}

static int parse_switch(const struct row *row, const char *value, void *ret_value, struct err *err)
{
	if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
		return err_set(err, -EINVAL, "-o %s=%s: on or off is needed", row->name, value);
	*(bool *)ret_value = strcmp(value, "on") == 0;
	return 0;
}

#define AT(field) offsetof(struct options, field)

/* To add an option: a field in options.h, a row here, a line in options_usage(), and depfs(8). */
static const struct row rows[] = {
	{"service_key", parse_text, AT(service_key), 0, 0, NULL},
	{"vaults", parse_path, AT(vaults_dir), 0, 0, NULL},
	{"vault_domains", parse_text, AT(vault_domains), 0, 0, NULL},
	{"ca_file", parse_path, AT(ca_file), 0, 0, NULL},
	{"credential", parse_text, AT(credential), 0, 0, NULL},
	{"vault_timeout", parse_number, AT(vault_timeout_s), 1, 300, "a number of seconds"},
	{"key_check", parse_number, AT(key_check_s), 1, 86400, "a number of seconds"},
	{"job_rate", parse_number, AT(job_rate), 0, UINT_MAX, "a number of files a second"},
	{"events_size", parse_number, AT(events_mib), 0, UINT_MAX, "a number of MiB"},
	{"admin_gid", parse_group, AT(admin_gid), 0, 0, NULL},
	{"system_gid", parse_group, AT(system_gid), 0, 0, NULL},
	{"writeback", parse_switch, AT(writeback), 0, 0, NULL},
};

/* -ENOENT: no option of depfs takes a value under this name. */
static int parse_valued(struct options *o, const char *name, const char *value, struct err *err)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(name, rows[i].name) == 0) {
			o->has_system_gid |= rows[i].offset == AT(system_gid);
			return rows[i].parse(&rows[i], value, (char *)o + rows[i].offset, err);
		}
	return -ENOENT;
}

/* ---- options without a value ---- */

/*
 * Includes what mount(8) and fstab(5) may add. FUSE asks the kernel for no access times, no version
 * of an inode and no lazy times (fuse_init_inode() and fuse_fill_super_common() of the kernel), so
 * words about those change nothing: access times are those of the store's filesystem.
 */
static const struct {
	const char *word;
	enum {
		TO_LIBFUSE, /* for the kernel */
		IGNORED,    /* for mount(8) itself, or without effect on FUSE */
	} what;
} words[] = {
	{"rw", TO_LIBFUSE},	    {"suid", TO_LIBFUSE},    {"nosuid", TO_LIBFUSE},
	{"dev", TO_LIBFUSE},	    {"nodev", TO_LIBFUSE},   {"exec", TO_LIBFUSE},
	{"noexec", TO_LIBFUSE},	    {"atime", TO_LIBFUSE},   {"noatime", TO_LIBFUSE},
	{"sync", TO_LIBFUSE},	    {"async", TO_LIBFUSE},   {"dirsync", TO_LIBFUSE},
	{"defaults", IGNORED},	    {"auto", IGNORED},	     {"noauto", IGNORED},
	{"user", IGNORED},	    {"nouser", IGNORED},     {"users", IGNORED},
	{"nousers", IGNORED},	    {"group", IGNORED},	     {"nogroup", IGNORED},
	{"owner", IGNORED},	    {"noowner", IGNORED},    {"_netdev", IGNORED},
	{"nofail", IGNORED},	    {"fuse", IGNORED},	     {"default_permissions", IGNORED},
	{"relatime", IGNORED},	    {"norelatime", IGNORED}, {"strictatime", IGNORED},
	{"nostrictatime", IGNORED}, {"diratime", IGNORED},   {"nodiratime", IGNORED},
	{"lazytime", IGNORED},	    {"nolazytime", IGNORED}, {"iversion", IGNORED},
	{"noiversion", IGNORED},    {"mand", IGNORED}, /* mandatory locks left the kernel with
							  Linux 5.15 */
	{"nomand", IGNORED},	    {"silent", IGNORED},     {"loud", IGNORED},
};

static bool is_comment(const char *word)
{
	static const char *const begins[] = {"x-", "X-", "comment=", "user="};

	for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++)
		if (strncmp(word, begins[i], strlen(begins[i])) == 0)
			return true;
	return !*word;
}

/* parse_plain() - -ENOENT: no such word. */
static int parse_plain(struct options *o, const char *word, struct err *err)
{
	if (strcmp(word, "remount") == 0)
		return err_set(
			err, -EINVAL,
			"-o remount: a mount's options stay as they are; unmount it, and mount "
			"it with others");
	if (strcmp(word, "allow_other") == 0) {
		o->allow_other = true;
		return 0;
	}
	if (strcmp(word, "nosymfollow") == 0 || strcmp(word, "symfollow") == 0) {
		o->no_symfollow = word[0] == 'n';
		return 0;
	}
	if (strcmp(word, "strict") == 0) {
		o->strict = true;
		return 0;
	}
	if (strcmp(word, "list_control") == 0) {
		o->list_control = true;
		return 0;
	}
	if (strcmp(word, "ro") == 0) {
		o->read_only = true;
		return add_kernel(o, word);
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(word, words[i].word) == 0)
			return words[i].what == TO_LIBFUSE ? add_kernel(o, word) : 0;
	return -ENOENT;
}

static int parse_word(struct options *o, char *word, struct err *err)
{
	char *equals = strchr(word, '=');
	int r;

	if (is_comment(word))
		return 0;
	if (!equals) {
		r = parse_plain(o, word, err);
		return r == -ENOENT
			       ? err_set(err, -EINVAL,
					 "-o %s: unknown option, or its value is missing", word)
			       : r;
	}
	if (!equals[1])
		return err_set(err, -EINVAL, "-o %s: its value is missing", word);
	*equals = '\0';
	r = parse_valued(o, word, equals + 1, err);
	*equals = '=';
	return r == -ENOENT ? err_set(err, -EINVAL, "-o %s: unknown option", word) : r;
}

/*
 * Split by hand, at commas, without quoting. fuse_opt_parse(3) would add "\," but prints errors of
 * its own on standard error and checks no ranges; getsubopt(3) has no quoting either, and would
 * save only this loop.
 */
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
