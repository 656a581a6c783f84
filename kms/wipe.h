/* kms/wipe.h - libcurl and jansson get memory that is wiped when they give it back. For kms/ only.
 */
#ifndef DEPFS_KMS_WIPE_H
#define DEPFS_KMS_WIPE_H

#include <stddef.h>

/*
 * Both libraries copy what they are handed: a token into a request, a key into a JSON string. Their
 * copies cannot lie on the secure heap, but none outlives its use (STYLE section 5).
 * Memory of malloc() may be freed by wipe_free(), and the other way round.
 */
void *wipe_malloc(size_t len);
void *wipe_calloc(size_t n, size_t len);
void *wipe_realloc(void *p, size_t len);
char *wipe_strdup(const char *text);
void wipe_free(void *p);

void wipe_setup_json(void); /* once a process; jansson's memory from now on */

#endif
