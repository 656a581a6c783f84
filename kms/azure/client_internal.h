/* kms/azure/client_internal.h - struct azure: the parts of the client, which azure.c makes. */
#ifndef DEPFS_KMS_AZURE_CLIENT_INTERNAL_H
#define DEPFS_KMS_AZURE_CLIENT_INTERNAL_H

#include "kms/azure/azure.h"
#include "kms/azure/challenge_internal.h"
#include "kms/azure/config_internal.h"
#include "kms/azure/http_internal.h"
#include "kms/azure/token_internal.h"

/* All constant between azure_new() and azure_free(); each part has its own lock. */
struct azure {
	struct azure_config *config;
	struct http *http;
	struct circuits *circuits;
	struct token_cache *tokens;
	struct challenge_cache *challenges;
};

#endif
