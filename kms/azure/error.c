/* kms/azure/error.c - the table of a vault's refusals (kms/README.md, Refusals), and their
 * parser. */
#include "kms/azure/error_internal.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "kms/azure/cause_internal.h"
#include "kms/azure/json_internal.h"

#define INNER_MAX 8 /* how deep innererror may nest */

#define ANY	   0u
#define ONLY(op)   (1u << (op))
#define ANY_STATUS 0

/* The first row that fits counts. Code or inner code NULL: any. */
static const struct row {
	int status, status_to;
	const char *code, *inner;
	unsigned operations; /* for which requests it holds */
	enum kms_outcome outcome;
	int r; /* 0: the outcome's errno */
	bool retry;
	unsigned cause; /* enum azure_cause, or http_fault */
	const char *sentence;
} rows[] = {
	{400, 400, NULL, NULL, ONLY(AKV_UNWRAP), KMS_DAMAGED, 0, false, AZURE_REQUEST,
	 "the wrapped key does not open with this version"},
	{400, 400, NULL, NULL, ONLY(AKV_WRAP), KMS_MISCONFIGURED, 0, false, AZURE_REQUEST,
	 "the vault takes the request for malformed: the key may be unfit for RSA-OAEP-256"},
	{400, 400, NULL, NULL, ANY, KMS_MISCONFIGURED, 0, false, AZURE_REQUEST,
	 "the vault takes the request for malformed"},
	{401, 401, NULL, NULL, ANY, KMS_DENIED, 0, false, AZURE_TOKEN_REFUSED,
	 "the vault does not accept a fresh token: check the tenant, and this machine's clock"},
	{403, 403, NULL, "ForbiddenByPolicy", ANY, KMS_DENIED, 0, false, AZURE_POLICY,
	 "the vault's access policy does not allow it"},
	{403, 403, NULL, "ForbiddenByRbac", ANY, KMS_DENIED, 0, false, AZURE_RBAC,
	 "no role assignment allows it (a new one takes minutes to count)"},
	{403, 403, NULL, "ForbiddenByFirewall", ANY, KMS_DENIED, 0, false, AZURE_NETWORK,
	 "the vault's firewall does not let this machine's address in"},
	{403, 403, NULL, "ForbiddenByConnection", ANY, KMS_DENIED, 0, false, AZURE_NETWORK,
	 "the vault has no public access, and no private link leads there"},
	{403, 403, NULL, "AccessDenied", ANY, KMS_DENIED, 0, false, AZURE_DENIED,
	 "access is denied"},
	{403, 403, NULL, "KeyDisabled", ANY, KMS_DENIED, -EKEYREVOKED, false, AZURE_KEY_DISABLED,
	 "the key or its version is disabled"},
	{403, 403, NULL, "KeyOperationForbidden", ANY, KMS_MISCONFIGURED, 0, false, AZURE_KEY_OPS,
	 "the key is not made for this operation"},
	{403, 403, NULL, "KeyNotYetValidOrExpired", ANY, KMS_MISCONFIGURED, 0, false,
	 AZURE_KEY_DATES, "the key is not valid yet, or has expired"},
	{403, 403, NULL, NULL, ANY, KMS_DENIED, 0, false, AZURE_DENIED, "access is denied"},
	{404, 404, "VaultNotFound", NULL, ANY, KMS_NOT_FOUND, 0, false, AZURE_VAULT_GONE,
	 "the vault is gone"},
	{404, 404, NULL, NULL, ANY, KMS_NOT_FOUND, 0, false, AZURE_KEY_GONE,
	 "the vault has no such key or version; it may be deleted, and recoverable"},
	{407, 407, NULL, NULL, ANY, KMS_TRANSIENT, 0, false, HTTP_PROXY,
	 "the proxy asks for a password: check https_proxy"},
	{408, 408, NULL, NULL, ANY, KMS_TRANSIENT, 0, true, AZURE_LATER,
	 "the vault saw no request in time"},
	{409, 409, NULL, NULL, ANY, KMS_MISCONFIGURED, 0, false, AZURE_KEY_BUSY,
	 "the key is being deleted or recovered"},
	{429, 429, NULL, NULL, ANY, KMS_TRANSIENT, 0, true, AZURE_LATER,
	 "the vault is asked too often"},
	{500, 599, NULL, NULL, ANY, KMS_TRANSIENT, 0, true, AZURE_LATER,
	 "the vault is out of order"},
	{300, 399, NULL, NULL, ANY, KMS_MISCONFIGURED, 0, false, AZURE_STRANGE,
	 "the vault sends us elsewhere, which no vault does: not followed"},
	{ANY_STATUS, 999, NULL, NULL, ANY, KMS_MISCONFIGURED, 0, false, AZURE_STRANGE,
	 "the answer is none of Key Vault's"},
};

static bool code_fits(const char *wanted, const char *code)
{
	return !wanted || strcmp(wanted, code) == 0;
}

static const struct row *row_find(const struct akv_error *e, enum akv_operation operation)
{
	const struct row *row = rows;

	while (e->status < row->status || e->status > row->status_to ||
	       !code_fits(row->code, e->code) || !code_fits(row->inner, e->inner) ||
	       (row->operations != ANY && !(row->operations & ONLY(operation))))
		row++; /* the last row fits every status and code */
	return row;
}

struct verdict akv_error_judge(const struct akv_error *e, enum akv_operation operation,
			       struct err *err)
{
	const struct row *row = row_find(e, operation);

	(void)err_set(err, row->r ? row->r : kms_outcome_errno(row->outcome), "%s (%d%s%s%s%s)",
		      row->sentence, e->status, e->code[0] ? " " : "", e->code,
		      e->inner[0] ? ", " : "", e->inner);
	(void)azure_set_cause(err, row->cause, 0);
	return (struct verdict){.outcome = row->outcome, .retry = row->retry};
}

/* Codes are quoted in sentences, so only plain words are taken. The answer's message is not read:
 * it names the caller's identity, which other users of this machine must not learn (kms/README.md,
 * Refusals). */
static void code_take(const char *text, char out[static AKV_CODE_LEN])
{
	size_t len = text ? strlen(text) : 0;

	if (len == 0 || len >= AKV_CODE_LEN)
		return;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '_' && text[i] != '-')
			return;
	memcpy(out, text, len + 1);
}

void akv_error_parse(int status, struct secret *body, struct akv_error *ret_error)
{
	CLEANUP(json_decref_p) json_t *root = NULL;
	const json_t *at;

	*ret_error = (struct akv_error){.status = status < 0 || status > 999 ? 0 : status};
	if (json_take_object(body, &root, NULL) < 0)
		return;
	at = json_object_get(root, "error");
	code_take(json_text(at, "code"), ret_error->code);
	for (unsigned i = 0; i < INNER_MAX; i++) {
		at = json_object_get(at, "innererror");
		code_take(json_text(at, "code"), ret_error->inner);
	}
}
