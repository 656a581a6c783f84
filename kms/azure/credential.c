/* kms/azure/credential.c - checks of the configured credential that need no network. */
#include "kms/azure/credential_internal.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "kms/azure/assertion_internal.h"
#include "kms/azure/secret_file_internal.h"
#include "kms/azure/token_fetch_internal.h"

/* A client secret of Entra neither begins with a quotation mark nor holds blanks: these come from a
 * line in quotes, or from a file of several lines. Return: 0; 1: it looks wrong, as @err says. */
static int shape_check(const struct azure_config *c, struct secret *file, struct err *err)
{
	struct secret *secret = c->client_secret ? c->client_secret : file;
	const uint8_t *bytes = secret_bytes(secret);
	const char *name = c->client_secret ? "AZURE_CLIENT_SECRET" : c->client_secret_file;

	if (bytes[0] == '"' || bytes[0] == '\'')
		return (void)err_set(err, 0, "%s begins with a quotation mark", name), 1;
	for (size_t i = 0; i < secret_len(secret); i++)
		if (bytes[i] <= ' ' || bytes[i] > '~')
			return (void)err_set(err, 0, "%s holds a blank or another odd character",
					     name),
			       1;
	return 0;
}

static int secret_check(const struct azure_config *c, struct err *err)
{
	CLEANUP(secret_free_p) struct secret *file = NULL;
	int r = c->client_secret ? 0
				 : secret_file_read(c->client_secret_file, CREDENTIAL_FILE_MAX,
						    SECRET_FILE_PRIVATE, &file, err);

	return r < 0 ? r : shape_check(c, file, err);
}

int credential_check(const struct azure_config *c, struct err *err)
{
	CLEANUP(secret_free_p) struct secret *made = NULL;
	int r;

	switch (c->kind) {
	case CREDENTIAL_SECRET:
		return secret_check(c, err);
	case CREDENTIAL_CERTIFICATE:
		return assertion_make(c, "https://check", time(NULL), &made, err);
	case CREDENTIAL_WORKLOAD:
		return secret_file_read(c->federated_file, CREDENTIAL_FILE_MAX,
					SECRET_FILE_SHORT_LIVED, &made, err);
	case CREDENTIAL_MANAGED:
		r = managed_check(c, err);
		if (r < 0 || !c->passed_over[0])
			return r;
		return (void)err_set(err, 0, "%s", c->passed_over), 1;
	default:
		return err_set(err, -ENOTSUP, "Azure is switched off (credential=none)");
	}
}
