/* tools/depctl/commands/key.c - depctl key: local vaults and their keys; of keys in Azure, show and
 * check only. */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "tools/depctl/cli/cmd.h"
#include "tools/depctl/commands/commands.h"
#include "tools/depctl/commands/key_azure.h"
#include "tools/depctl/commands/key_show.h"

/* One call of a subcommand, parsed. */
struct key_call {
	const struct cmd_env *env;
	const char *act;
	char command[32]; /* "key create" */
	const char *uri;
	struct key_id id;
	char **rest; /* operands behind the URI, ended by NULL */
	struct local_create create;
	unsigned ops; /* of deny and allow */
	bool size_given;
};

static int key_usage(const struct key_call *c, const char *sentence, const char *what)
{
	return cmd_usage_error(c->command, "%s: %s", what, sentence);
}

static int refuse(const struct key_call *c, int r, struct err *err)
{
	return cmd_refuse(err_prefix(err, r, "%s", c->uri ? c->uri : c->env->vaults_dir), err);
}

/* Reports what was done, as text or an object. @id: of the key, or of the version that was made. */
static int done(const struct key_call *c, const char *words, const char *id)
{
	if (c->env->json)
		printf("{\"act\": \"%s\", \"id\": \"%s\"}\n", c->act, id);
	else
		printf("%s %s\n", words, id);
	return CMD_OK;
}

static int verdict(const struct key_call *c, const char *words, int r, struct err *err)
{
	char id[KEY_ID_MAX];

	if (r < 0)
		return refuse(c, r, err);
	key_id_format(&c->id, id);
	return done(c, words, id);
}

static int run_create(struct key_call *c)
{
	char new_id[KEY_ID_MAX];
	struct err err = {0};
	int r;

	if (!c->size_given && strcmp(c->create.kty, "EC") == 0)
		c->create.bits = 0;
	r = local_key_create(c->env->vaults_dir, &c->id, &c->create, new_id, &err);
	if (r < 0)
		return refuse(c, r, &err);
	fprintf(stderr,
		"depctl: note: a local vault keeps its keys in plain files, which root on this "
		"machine can read: it is for trying out\n");
	return done(c, "created", new_id);
}

static int run_rotate(struct key_call *c)
{
	char new_id[KEY_ID_MAX];
	struct err err = {0};
	int r = local_key_rotate(c->env->vaults_dir, &c->id, new_id, &err);

	return r < 0 ? refuse(c, r, &err) : done(c, "rotated to", new_id);
}

static int run_enable(struct key_call *c)
{
	struct err err = {0};

	return verdict(c, "enabled", local_key_enable(c->env->vaults_dir, &c->id, &err), &err);
}

static int run_disable(struct key_call *c)
{
	struct err err = {0};

	return verdict(c, "disabled", local_key_disable(c->env->vaults_dir, &c->id, &err), &err);
}

static int run_delete(struct key_call *c)
{
	struct err err = {0};
	int r = local_key_delete(c->env->vaults_dir, &c->id, &err);

	return verdict(c, "deleted, and can be recovered:", r, &err);
}

static int run_recover(struct key_call *c)
{
	struct err err = {0};

	return verdict(c, "recovered", local_key_recover(c->env->vaults_dir, &c->id, &err), &err);
}

/* "get,wrapKey" as a set; 0: a name in it is not an operation. */
static unsigned ops_parse(const char *list)
{
	CLEANUP(free_mem_p) char *copy = strdup(list);
	unsigned ops = 0;
	char *save = NULL;

	for (char *name = copy ? strtok_r(copy, ",", &save) : NULL; name;
	     name = strtok_r(NULL, ",", &save)) {
		unsigned op = local_op_parse(name);

		if (op == 0)
			return 0;
		ops |= op;
	}
	return ops;
}

/* Operations as operands or by --ops; none named means all three. */
static int rest_ops(struct key_call *c)
{
	for (char **arg = c->rest; *arg; arg++) {
		unsigned ops = ops_parse(*arg);

		if (ops == 0)
			return key_usage(c, "the operations are get, wrapKey and unwrapKey", *arg);
		c->ops |= ops;
	}
	if (c->ops == 0)
		c->ops = LOCAL_OP_ALL;
	return CMD_OK;
}

/* @done: "denied" or "allowed". */
static int ops_change(struct key_call *c, const char *done,
		      int (*change)(const char *vaults_dir, const struct key_id *id, unsigned ops,
				    struct err *err))
{
	char words[16 + LOCAL_OPS_TEXT_LEN], ops[LOCAL_OPS_TEXT_LEN];
	struct err err = {0};
	int r = rest_ops(c);

	if (r != CMD_OK)
		return r;
	local_ops_format(c->ops, ops);
	(void)snprintf(words, sizeof(words), "%s %s on", done, ops);
	return verdict(c, words, change(c->env->vaults_dir, &c->id, c->ops, &err), &err);
}

static int run_deny(struct key_call *c)
{
	return ops_change(c, "denied", local_deny);
}

static int run_allow(struct key_call *c)
{
	return ops_change(c, "allowed", local_allow);
}

static int number_parse(const char *text, unsigned max, unsigned *ret_n)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || errno != 0 || n > max)
		return -EINVAL;
	*ret_n = (unsigned)n;
	return 0;
}

/* "transient", "denied 200", "slow 200", "none" */
static int fault_parse(const struct key_call *c, struct local_fault *ret_fault)
{
	const char *kind = c->rest[0], *ms = kind ? c->rest[1] : NULL;
	struct local_fault fault = {0};

	if (!kind)
		return key_usage(
			c, "transient, damaged, not-found, denied, slow MS or none is missing",
			c->uri);
	if (c->rest[1] && c->rest[2])
		return key_usage(c, "one operand too many", c->rest[2]);
	if (strcmp(kind, "slow") == 0 && !ms)
		return key_usage(c, "how many milliseconds is missing", kind);
	if (strcmp(kind, "slow") != 0 && local_fault_parse(kind, &fault.outcome) < 0)
		return key_usage(c, "not transient, damaged, not-found, denied, slow MS or none",
				 kind);
	if (ms && number_parse(ms, LOCAL_DELAY_MAX_MS, &fault.delay_ms) < 0)
		return key_usage(c, "not a delay of 0 to 600000 milliseconds", ms);
	*ret_fault = fault;
	return CMD_OK;
}

static int run_fault(struct key_call *c)
{
	struct local_fault fault;
	char words[64];
	struct err err = {0};
	int r = fault_parse(c, &fault);

	if (r != CMD_OK)
		return r;
	(void)snprintf(words, sizeof(words), "fault %s, delay %u ms, on",
		       local_fault_name(fault.outcome), fault.delay_ms);
	return verdict(c, words, local_fault_set(c->env->vaults_dir, &c->id, fault, &err), &err);
}

static bool is_azure(const struct key_id *id)
{
	return strcmp(id->scheme, "https") == 0;
}

static int run_show(struct key_call *c)
{
	if (is_azure(&c->id))
		return azure_show(c->env, &c->id);
	return key_show(c->env, &c->id);
}

static int run_check(struct key_call *c)
{
	if (!c->id.name[0])
		return key_usage(c, "names a vault; a key is meant", c->uri);
	return key_check(c->env, &c->id);
}

static int run_list(struct key_call *c)
{
	if (c->uri && c->id.name[0])
		return key_usage(c, "names a key; a vault is meant, as in local://VAULT", c->uri);
	return key_list(c->env, c->uri ? c->id.vault : NULL);
}

/* "2027-01-31", "2027-01-31T12:00:00Z" or "@SECONDS" since the epoch, UTC. */
static int date_parse(const char *text, int64_t *ret_when)
{
	static const char *const formats[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ", "@%s"};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm tm = {0};
		const char *end = strptime(text, formats[i], &tm);
		int day = tm.tm_mday;
		time_t when;

		if (!end || *end)
			continue;
		when = formats[i][0] == '@' ? (time_t)strtoll(text + 1, NULL, 10) : timegm(&tm);
		if (when <= 0 || (formats[i][0] != '@' && tm.tm_mday != day))
			return -EINVAL; /* timegm() makes March of 30 February */
		*ret_when = when;
		return 0;
	}
	return -EINVAL;
}

enum key_option {
	OPT_SIZE = 1,
	OPT_TYPE,
	OPT_OPS,
	OPT_EXPIRES,
	OPT_NOT_BEFORE,
	OPT_PURGEABLE,
};

static const struct option create_options[] = {
	{"size", required_argument, NULL, OPT_SIZE},
	{"type", required_argument, NULL, OPT_TYPE},
	{"ops", required_argument, NULL, OPT_OPS},
	{"expires", required_argument, NULL, OPT_EXPIRES},
	{"not-before", required_argument, NULL, OPT_NOT_BEFORE},
	{"purgeable", no_argument, NULL, OPT_PURGEABLE},
	{NULL, 0, NULL, 0},
};

static const struct option ops_options[] = {
	{"ops", required_argument, NULL, OPT_OPS},
	{NULL, 0, NULL, 0},
};

static const struct option no_options[] = {{NULL, 0, NULL, 0}};

/* Whether a key may have such a size, type or date is decided in kms/; only the syntax here. */
static int option_take(struct key_call *c, int option, const char *value)
{
	switch (option) {
	case OPT_SIZE:
		c->size_given = true;
		if (number_parse(value, UINT_MAX, &c->create.bits) < 0)
			return key_usage(c, "not a number of bits", value);
		return CMD_OK;
	case OPT_TYPE:
		c->create.kty = strcasecmp(value, "rsa") == 0  ? "RSA"
				: strcasecmp(value, "ec") == 0 ? "EC"
							       : value;
		return CMD_OK;
	case OPT_OPS:
		c->ops = c->create.ops = ops_parse(value);
		if (c->ops == 0)
			return key_usage(c, "not a list of get, wrapKey, unwrapKey", value);
		return CMD_OK;
	case OPT_EXPIRES:
	case OPT_NOT_BEFORE:
		if (date_parse(value, option == OPT_EXPIRES ? &c->create.expires
							    : &c->create.not_before) < 0)
			return key_usage(c, "not a date, as in 2027-01-31 or 2027-01-31T12:00:00Z",
					 value);
		return CMD_OK;
	case OPT_PURGEABLE:
	default:
		c->create.purgeable = true;
		return CMD_OK;
	}
}

struct key_act {
	const char *name;
	int (*run)(struct key_call *c);
	const struct option *options;
	int uris, rest; /* operands: URIs that are needed, and those allowed behind the URI */
	bool azure;	/* for keys in Azure too, which depctl never changes */
};

static const struct key_act acts[] = {
	{"create", run_create, create_options, 1, 0, false},
	{"list", run_list, no_options, 0, 0, false},
	{"show", run_show, no_options, 1, 0, true},
	{"check", run_check, no_options, 1, 0, true},
	{"rotate", run_rotate, no_options, 1, 0, false},
	{"enable", run_enable, no_options, 1, 0, false},
	{"disable", run_disable, no_options, 1, 0, false},
	{"deny", run_deny, ops_options, 1, 3, false},
	{"allow", run_allow, ops_options, 1, 3, false},
	{"delete", run_delete, no_options, 1, 0, false},
	{"recover", run_recover, no_options, 1, 0, false},
	{"fault", run_fault, no_options, 1, 2, false},
};

static const struct key_act *act_find(const char *name)
{
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (strcmp(acts[i].name, name) == 0)
			return &acts[i];
	return NULL;
}

static int operands_take(struct key_call *c, const struct key_act *act, int argc, char **argv)
{
	struct err err = {0};

	c->rest = argv;
	if (argc == 0)
		return act->uris == 0 ? CMD_OK : key_usage(c, "a key id is missing", c->command);
	if (argc > 1 + act->rest)
		return key_usage(c, "one operand too many", argv[1 + act->rest]);
	c->uri = argv[0];
	c->rest = argv + 1;
	if (act->azure && strncasecmp(c->uri, "https:", 6) == 0
		    ? key_id_parse(c->uri, &c->id, &err) < 0
		    : local_uri_parse(c->uri, &c->id, &err) < 0)
		return cmd_refuse(err_prefix(&err, -EINVAL, "%s", c->uri), &err);
	return CMD_OK;
}

int cmd_key(int argc, char **argv, const struct cmd_env *env)
{
	const struct key_act *act = argc > 1 ? act_find(argv[1]) : NULL;
	struct key_call c = {
		.env = env,
		.create = {.kty = "RSA", .bits = 2048, .ops = LOCAL_OP_WRAP | LOCAL_OP_UNWRAP}};
	int option, r;

	if (cmd_wants_help(argc, argv))
		return cmd_usage("key");
	if (!act)
		return argc > 1
			       ? cmd_usage_error("key", "key %s: there is no such command", argv[1])
			       : cmd_usage_error("key", "key: a command is missing");
	c.act = act->name;
	(void)snprintf(c.command, sizeof(c.command), "key %s", c.act);
	if (cmd_wants_help(argc - 1, argv + 1))
		return cmd_usage(c.command);
	optind = 0; /* makes glibc's getopt start again, with this vector */
	opterr = 0;
	while ((option = getopt_long(argc - 1, argv + 1, ":", act->options, NULL)) != -1) {
		if (option == '?' || option == ':')
			return cmd_usage_getopt(c.command, option, argv + 1);
		r = option_take(&c, option, optarg);
		if (r != CMD_OK)
			return r;
	}
	r = operands_take(&c, act, argc - 1 - optind, argv + 1 + optind);
	return r != CMD_OK ? r : act->run(&c);
}
