#include "fs/walk/purge_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/inode/inoset.h"
#include "fs/policy/purge.h"
#include "fs/walk/walk_internal.h"

struct purge_list {
	pthread_mutex_t lock; /* guards the rest */
	struct inoset listed;
	struct receipt *receipt;
	int failed; /* -ENOMEM: the list may lack a file; 0: it is complete */
};

static void list_free(struct purge_list *l)
{
	if (!l)
		return;
	receipt_give_up(l->receipt);
	inoset_fini(&l->listed);
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
}

int purge_list_begin(struct walk *w, struct job *j, struct err *err)
{
	struct purge_list *l;
	int r;

	if (job_of(j)->kind != JOB_PURGE)
		return 0;
	l = calloc(1, sizeof(*l));
	if (!l)
		return err_set(err, -ENOMEM, "no memory for the list of files");
	(void)pthread_mutex_init(&l->lock, NULL);
	r = receipt_begin(w->v->policies, j, &l->receipt, err);
	if (r < 0)
		list_free(l);
	else
		w->purge_list = l;
	return r;
}

void purge_list_add(struct walk *w, struct job *j, const struct usage_file *file, int dir_fd,
		    const char *name)
{
	struct purge_list *l = w->purge_list;
	char path[WALK_PATH_LEN];
	int r;

	if (memcmp(file->ref.policy_id, job_of(j)->policy_id, UUID_LEN) != 0)
		return;
	walk_path(w, dir_fd, name, path);
	pthread_mutex_lock(&l->lock);
	r = inoset_add(&l->listed, file->dev, file->ino);
	if (r > 0)
		receipt_file(l->receipt, path);
	else if (r < 0)
		l->failed = r;
	pthread_mutex_unlock(&l->lock);
}

int purge_list_end(struct walk *w, const struct scan_result *res, struct err *err)
{
	struct purge_list *l = w->purge_list;
	int r;

	if (!l)
		return 0;
	r = l->failed ? err_set(err, l->failed, "no memory for the list of files")
		      : receipt_end(STEAL(l->receipt), res, err);
	purge_list_give_up(w);
	return r;
}

void purge_list_give_up(struct walk *w)
{
	list_free(STEAL(w->purge_list));
}
