/* fs/jobs/jobs.c - the jobs of one open store: loaded, freed. */
#include <errno.h>
#include <stdlib.h>

#include "fs/jobs/jobs_internal.h"

int jobs_new(const struct jobs_config *config, struct jobs **ret_jobs, struct err *err)
{
	struct jobs *jobs = calloc(1, sizeof(*jobs));
	int r;

	if (!jobs)
		return err_set(err, -ENOMEM, "no memory for the jobs");
	jobs->store = config->store;
	jobs->audit = config->audit;
	jobs->key_check_s = config->key_check_s;
	jobs->rate = config->rate;
	(void)pthread_mutex_init(&jobs->write, NULL);
	(void)pthread_mutex_init(&jobs->lock, NULL);
	(void)pthread_cond_init(&jobs->changed, NULL);
	r = jobs_load(jobs, err);
	if (r < 0)
		jobs_free(jobs);
	else
		*ret_jobs = jobs;
	return r;
}

void jobs_free(struct jobs *jobs)
{
	if (!jobs)
		return;
	for (struct job *j = jobs->first, *next; j; j = next) {
		next = j->next;
		job_free(j);
	}
	(void)pthread_mutex_destroy(&jobs->write);
	(void)pthread_mutex_destroy(&jobs->lock);
	(void)pthread_cond_destroy(&jobs->changed);
	free(jobs);
}
