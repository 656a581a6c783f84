/* fs/control/metrics_process.c - metrics of the daemon as a process. */
#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>

#include "fs/control/metrics_internal.h"

/* The names do not begin with process_: collected through a node exporter, they would be mixed with
 * its own. */
static void show_cpu(struct metrics_page *p)
{
	struct rusage use = {0};

	(void)getrusage(RUSAGE_SELF, &use); /* fails only for a bad argument */
	page_family(p, "depfs_process_cpu_seconds_total", METRIC_COUNTER,
		    "Processor time of the daemon.");
	page_value(p, (double)use.ru_utime.tv_sec + (double)use.ru_utime.tv_usec / 1e6, "mode",
		   "user", NULL);
	page_value(p, (double)use.ru_stime.tv_sec + (double)use.ru_stime.tv_usec / 1e6, "mode",
		   "system", NULL);
}

/* proc(5): statm counts pages. */
static void show_memory(struct metrics_page *p)
{
	CLEANUP(fclose_p) FILE *f = fopen("/proc/self/statm", "re");
	double page_len = (double)sysconf(_SC_PAGESIZE);
	unsigned long size, resident;

	if (!f || fscanf(f, "%lu %lu", &size, &resident) != 2)
		return; /* no /proc: both are left out */
	page_single(p, "depfs_process_resident_memory_bytes", METRIC_GAUGE, "Memory of the daemon.",
		    (double)resident * page_len);
	page_single(p, "depfs_process_virtual_memory_bytes", METRIC_GAUGE,
		    "Address space of the daemon.", (double)size * page_len);
}

static void show_descriptors(struct metrics_page *p)
{
	struct rlimit limit = {0};
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	(void)getrlimit(RLIMIT_NOFILE, &limit); /* cannot fail */
	page_single(p, "depfs_process_max_fds", METRIC_GAUGE, "Descriptors the daemon may have.",
		    (double)limit.rlim_cur);
	if (!dir)
		return; /* no /proc */
	while (readdir(dir))
		n++;
	(void)closedir(dir); /* only read from */
	page_single(p, "depfs_process_open_fds", METRIC_GAUGE, "Descriptors the daemon has open.",
		    n - 3.0); /* ".", ".." and the listing's own */
}

void metrics_process(struct metrics_page *p)
{
	show_cpu(p);
	show_memory(p);
	show_descriptors(p);
}
