/* kms/local/manage.c - changes to keys and vaults that exist. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "kms/local/edit_internal.h"
#include "kms/local/local.h"

static struct local_version *version_find(struct edit *e, const char *version)
{
	for (size_t i = 0; i < e->key->n_versions; i++)
		if (strcmp(e->key->versions[i].version, version) == 0)
			return &e->key->versions[i];
	return NULL;
}

/* "enabled" of the key, or of the version that the id names; NULL: there is no such version. */
static bool *enabled_find(struct edit *e, struct err *err)
{
	struct local_version *version;

	if (!e->id.version[0])
		return &e->key->enabled;
	version = version_find(e, e->id.version);
	if (!version)
		(void)err_set(err, -ENOENT, "the key has no version %s", e->id.version);
	return version ? &version->enabled : NULL;
}

enum state {
	STATE_DISABLED,
	STATE_ENABLED
};

static int state_set(const char *vaults_dir, const struct key_id *id, enum state state,
		     struct err *err)
{
	CLEANUP(edit_fini_p) struct edit e = EDIT_NONE;
	bool *enabled;
	int r = edit_begin_live(&e, vaults_dir, id, err);

	if (r < 0)
		return r;
	enabled = enabled_find(&e, err);
	if (!enabled)
		return -ENOENT;
	*enabled = state == STATE_ENABLED;
	return edit_save(&e, state == STATE_ENABLED ? "enable" : "disable", err);
}

int local_key_enable(const char *vaults_dir, const struct key_id *id, struct err *err)
{
	return state_set(vaults_dir, id, STATE_ENABLED, err);
}

int local_key_disable(const char *vaults_dir, const struct key_id *id, struct err *err)
{
	return state_set(vaults_dir, id, STATE_DISABLED, err);
}

int local_key_delete(const char *vaults_dir, const struct key_id *id, struct err *err)
{
	CLEANUP(edit_fini_p) struct edit e = EDIT_NONE;
	int r = version_refuse(id, err); /* as in Key Vault: kms/README.md, Keys */

	if (r == 0)
		r = edit_begin_key(&e, vaults_dir, id, err);
	if (r < 0)
		return r;
	if (e.key->deleted != 0)
		return err_set(err, -ENOENT, "the key is deleted already");
	e.key->deleted = time(NULL);
	return edit_save(&e, "delete", err);
}

int local_key_recover(const char *vaults_dir, const struct key_id *id, struct err *err)
{
	CLEANUP(edit_fini_p) struct edit e = EDIT_NONE;
	int r = version_refuse(id, err);

	if (r == 0)
		r = edit_begin_key(&e, vaults_dir, id, err);
	if (r < 0)
		return r;
	if (e.key->deleted == 0)
		return err_set(err, -EINVAL, "the key is not deleted");
	e.key->deleted = 0;
	return edit_save(&e, "recover", err);
}

/* A change of the rules of a vault or a key. */
typedef void rules_change(struct local_rules *rules, const void *arg);

static int rules_edit(const char *vaults_dir, const struct key_id *id, const char *name,
		      rules_change *change, const void *arg, struct err *err)
{
	CLEANUP(edit_fini_p) struct edit e = EDIT_NONE;
	struct local_rules rules;
	int r = version_refuse(id, err);

	if (r < 0)
		return r;
	if (id->name[0]) {
		r = edit_begin_live(&e, vaults_dir, id, err);
		if (r < 0)
			return r;
		change(&e.key->rules, arg);
		return edit_save(&e, name, err);
	}
	r = edit_begin_vault(&e, vaults_dir, id, err);
	if (r == 0)
		r = vault_rules_load(&e.vault, &rules, err);
	if (r < 0)
		return r;
	change(&rules, arg);
	r = vault_rules_save(&e.vault, &rules, err);
	if (r == 0)
		edit_log(&e, name);
	return r;
}

static void rules_deny(struct local_rules *rules, const void *arg)
{
	rules->denied |= *(const unsigned *)arg;
}

static void rules_allow(struct local_rules *rules, const void *arg)
{
	rules->denied &= ~*(const unsigned *)arg;
}

static void rules_fault(struct local_rules *rules, const void *arg)
{
	rules->fault = *(const struct local_fault *)arg;
}

static int ops_check(unsigned ops, struct err *err)
{
	if (ops == 0 || (ops & ~LOCAL_OP_ALL))
		return err_set(err, -EINVAL, "the operations are get, wrapKey and unwrapKey");
	return 0;
}

int local_deny(const char *vaults_dir, const struct key_id *id, unsigned ops, struct err *err)
{
	int r = ops_check(ops, err);

	return r < 0 ? r : rules_edit(vaults_dir, id, "deny", rules_deny, &ops, err);
}

int local_allow(const char *vaults_dir, const struct key_id *id, unsigned ops, struct err *err)
{
	int r = ops_check(ops, err);

	return r < 0 ? r : rules_edit(vaults_dir, id, "allow", rules_allow, &ops, err);
}

int local_fault_set(const char *vaults_dir, const struct key_id *id, struct local_fault fault,
		    struct err *err)
{
	if (fault.outcome == KMS_MISCONFIGURED || fault.delay_ms > LOCAL_DELAY_MAX_MS)
		return err_set(err, -EINVAL, "no such fault, or a delay above %u ms",
			       LOCAL_DELAY_MAX_MS);
	return rules_edit(vaults_dir, id, "fault", rules_fault, &fault, err);
}
