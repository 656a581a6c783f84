/* kms/azure/challenge_cache.c - the newest challenge of each vault, in a list under one lock. */
#include "kms/azure/challenge_internal.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

struct challenge_entry {
	struct challenge_entry *next;
	char vault[256];
	struct challenge challenge;
};

struct challenge_cache {
	pthread_mutex_t lock;
	struct challenge_entry *first; /* guarded by lock */
};

int challenge_cache_new(struct challenge_cache **ret_cache)
{
	struct challenge_cache *cc = calloc(1, sizeof(*cc));

	if (!cc)
		return -ENOMEM;
	(void)pthread_mutex_init(&cc->lock, NULL);
	*ret_cache = cc;
	return 0;
}

void challenge_cache_free(struct challenge_cache *cc)
{
	if (!cc)
		return;
	for (struct challenge_entry *e = cc->first, *next; e; e = next) {
		next = e->next;
		free(e);
	}
	(void)pthread_mutex_destroy(&cc->lock);
	free(cc);
}

static struct challenge_entry *entry_find_locked(struct challenge_cache *cc, const char *vault)
{
	struct challenge_entry *e = cc->first;

	while (e && strcmp(e->vault, vault) != 0)
		e = e->next;
	return e;
}

bool challenge_cache_find(struct challenge_cache *cc, const char *vault,
			  struct challenge *ret_challenge)
{
	struct challenge_entry *e;

	pthread_mutex_lock(&cc->lock);
	e = entry_find_locked(cc, vault);
	if (e)
		*ret_challenge = e->challenge;
	pthread_mutex_unlock(&cc->lock);
	return e != NULL;
}

void challenge_cache_keep(struct challenge_cache *cc, const char *vault, const struct challenge *c)
{
	struct challenge_entry *e;

	pthread_mutex_lock(&cc->lock);
	e = entry_find_locked(cc, vault);
	if (!e)
		e = calloc(1, sizeof(*e));
	if (e && !e->vault[0]) {
		(void)snprintf(e->vault, sizeof(e->vault), "%s", vault);
		e->next = cc->first;
		cc->first = e;
	}
	if (e)
		e->challenge = *c;
	pthread_mutex_unlock(&cc->lock);
}
