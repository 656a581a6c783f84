/* kms/azure/wipe_internal.h - memory for libcurl and jansson that is wiped when they free it. */
#ifndef DEPFS_KMS_AZURE_WIPE_INTERNAL_H
#define DEPFS_KMS_AZURE_WIPE_INTERNAL_H

#include <stddef.h>

/*
 * Both libraries copy their input: a token into a request, a key into a JSON string. The copies
 * cannot lie on the secure heap, but they are wiped after use (crypto/README.md, Secrets in
 * memory). Memory of malloc() may be freed by wipe_free(), and the other way round.
 */
void *wipe_malloc(size_t len);
void *wipe_calloc(size_t n, size_t len);
void *wipe_realloc(void *p, size_t len);
char *wipe_strdup(const char *text);
void wipe_free(void *p);

/* wipe_setup_json() - jansson uses these functions from now on; repeated calls do nothing. */
void wipe_setup_json(void);

#endif
