/* tools/depctl/commands/key_print.c - keys and local vaults as text or JSON. */
#include "tools/depctl/commands/key_print.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

const char *key_date_text(int64_t when, const char *none, char out[static KEY_DATE_LEN])
{
	time_t t = when;
	struct tm tm;

	if (when == 0)
		return none;
	if (!gmtime_r(&t, &tm) || strftime(out, KEY_DATE_LEN, "%FT%TZ", &tm) == 0)
		(void)snprintf(out, KEY_DATE_LEN, "@%lld", (long long)when); /* year beyond int */
	return out;
}

static const char *yes_no(bool b)
{
	return b ? "yes" : "no";
}

/* The id with the version that is asked for, else with the newest. */
static void id_text(const struct key_id *id, const struct local_key *key, char out[KEY_ID_MAX])
{
	struct key_id full = *id;

	memcpy(full.name, key->name, sizeof(key->name));
	(void)snprintf(full.version, sizeof(full.version), "%s",
		       local_key_version(key, id->version)->version);
	key_id_format(&full, out);
}

static bool version_wanted(const struct key_id *id, const struct local_version *v)
{
	return !id->version[0] || strcmp(id->version, v->version) == 0;
}

static void rules_print_text(const struct local_rules *rules)
{
	char ops[LOCAL_OPS_TEXT_LEN];

	local_ops_format(rules->denied, ops);
	printf("denied: %s\n", ops);
	printf("fault: %s\n", local_fault_name(rules->fault.outcome));
	printf("delay_ms: %u\n", rules->fault.delay_ms);
}

void key_print_text(const struct key_id *id, const struct local_key *key)
{
	char text[KEY_ID_MAX], ops[LOCAL_OPS_TEXT_LEN], date[KEY_DATE_LEN];

	id_text(id, key, text);
	local_ops_format(key->ops, ops);
	printf("id: %s\n", text);
	printf("type: %s\n", key->kty);
	printf("size: %u\n", key->bits);
	printf("operations: %s\n", ops);
	printf("enabled: %s\n", yes_no(key->enabled));
	printf("created: %s\n", key_date_text(key->created, "unknown", date));
	printf("not before: %s\n", key_date_text(key->not_before, "none", date));
	printf("expires: %s\n", key_date_text(key->expires, "none", date));
	printf("deleted: %s\n", key_date_text(key->deleted, "no", date));
	printf("recovery level: %s\n", key->recovery_level);
	rules_print_text(&key->rules);
	for (size_t i = key->n_versions; i-- > 0;) { /* the newest first */
		const struct local_version *v = &key->versions[i];

		if (version_wanted(id, v))
			printf("version: %s %s %s\n", v->version,
			       key_date_text(v->created, "unknown", date),
			       v->enabled ? "enabled" : "disabled");
	}
}

/* A date of a JSON object: null when there is none. */
static void date_print_json(const char *name, int64_t when)
{
	char date[KEY_DATE_LEN];

	if (when == 0)
		printf(", \"%s\": null", name);
	else
		printf(", \"%s\": \"%s\"", name, key_date_text(when, "", date));
}

static void ops_print_json(const char *name, unsigned ops)
{
	const char *comma = "";

	printf(", \"%s\": [", name);
	for (unsigned op = LOCAL_OP_GET; op <= LOCAL_OP_UNWRAP; op <<= 1)
		if (ops & op) {
			printf("%s\"%s\"", comma, local_op_name(op));
			comma = ", ";
		}
	printf("]");
}

static void rules_print_json(const struct local_rules *rules)
{
	ops_print_json("denied", rules->denied);
	printf(", \"fault\": \"%s\", \"delay_ms\": %u", local_fault_name(rules->fault.outcome),
	       rules->fault.delay_ms);
}

static void versions_print_json(const struct key_id *id, const struct local_key *key)
{
	const char *comma = "";

	printf(", \"versions\": [");
	for (size_t i = key->n_versions; i-- > 0;) {
		const struct local_version *v = &key->versions[i];

		if (!version_wanted(id, v))
			continue;
		printf("%s{\"version\": \"%s\"", comma, v->version);
		date_print_json("created", v->created);
		printf(", \"enabled\": %s}", v->enabled ? "true" : "false");
		comma = ", ";
	}
	printf("]");
}

void key_print_json(const struct key_id *id, const struct local_key *key)
{
	char text[KEY_ID_MAX];

	id_text(id, key, text);
	printf("{\"id\": \"%s\", \"type\": \"%s\", \"size\": %u", text, key->kty, key->bits);
	ops_print_json("operations", key->ops);
	printf(", \"enabled\": %s", key->enabled ? "true" : "false");
	date_print_json("created", key->created);
	date_print_json("not_before", key->not_before);
	date_print_json("expires", key->expires);
	date_print_json("deleted", key->deleted);
	printf(", \"recovery_level\": \"%s\"", key->recovery_level);
	rules_print_json(&key->rules);
	versions_print_json(id, key);
	printf("}");
}

static const char *key_state(const struct local_key *key)
{
	if (key->deleted != 0)
		return "deleted";
	return key->enabled && local_key_version(key, "")->enabled ? "enabled" : "disabled";
}

void key_print_row(const struct key_id *id, const struct local_key *key)
{
	char text[KEY_ID_MAX], ops[LOCAL_OPS_TEXT_LEN];

	id_text(id, key, text);
	printf("%s %s-%u %s", text, key->kty, key->bits, key_state(key));
	if (key->rules.denied != 0) {
		local_ops_format(key->rules.denied, ops);
		printf(" denied=%s", ops);
	}
	if (key->rules.fault.outcome != KMS_OK)
		printf(" fault=%s", local_fault_name(key->rules.fault.outcome));
	if (key->rules.fault.delay_ms != 0)
		printf(" delay_ms=%u", key->rules.fault.delay_ms);
	printf("\n");
}

void vault_print_text(const struct key_id *id, const struct local_rules *rules, char **keys)
{
	printf("vault: local://%s\n", id->vault);
	rules_print_text(rules);
	for (; *keys; keys++)
		printf("key: %s\n", *keys);
}

void vault_print_json(const struct key_id *id, const struct local_rules *rules, char **keys)
{
	const char *comma = "";

	printf("{\"vault\": \"local://%s\"", id->vault);
	rules_print_json(rules);
	printf(", \"keys\": [");
	for (; *keys; keys++, comma = ", ")
		printf("%s\"%s\"", comma, *keys);
	printf("]}");
}
