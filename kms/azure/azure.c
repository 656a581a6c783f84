/* kms/azure/azure.c - the Azure client: its parts made, joined and freed. */
#include "kms/azure/azure.h"

#include <errno.h>

#include "kms/azure/client_internal.h"
#include "kms/azure/credential_internal.h"
#include "kms/azure/wipe_internal.h"

#define PROBE_MAX_DEFAULT_S 30

int azure_new(const struct azure_options *options, const struct kms_observer *observer,
	      struct azure **ret_azure, struct err *err)
{
	CLEANUP(azure_free_p) struct azure *a = calloc(1, sizeof(*a));
	uint64_t probe_s = options->probe_max_s ? options->probe_max_s : PROBE_MAX_DEFAULT_S;
	int r;

	if (!a)
		return err_set(err, -ENOMEM, "no memory for the key services");
	wipe_setup_json();
	r = azure_config_new(options, &a->config, err);
	if (r == 0)
		r = http_new(a->config->ca_file, &a->http, err);
	if (r < 0)
		return r;
	r = circuits_new(probe_s * 1000, &a->circuits);
	if (r == 0)
		r = token_cache_new(a->config, a->http, a->circuits, observer, &a->tokens);
	if (r == 0)
		r = challenge_cache_new(&a->challenges);
	if (r < 0)
		return err_set(err, r, "no memory for the key services");
	*ret_azure = STEAL(a);
	return 0;
}

void azure_free(struct azure *a)
{
	if (!a)
		return;
	challenge_cache_free(a->challenges);
	token_cache_free(a->tokens);
	circuits_free(a->circuits);
	http_free(a->http);
	azure_config_free(a->config);
	free(a);
}

bool azure_is_off(const struct azure *a)
{
	return a->config->kind == CREDENTIAL_NONE;
}

int azure_credential_check(const struct azure *a, struct err *err)
{
	int r = credential_check(a->config, err);

	return r == 0 ? 0 : (void)err_prefix(err, r, "%s", credential_name(a->config->kind)), r;
}

struct circuits *azure_circuits(const struct azure *a)
{
	return a->circuits;
}
