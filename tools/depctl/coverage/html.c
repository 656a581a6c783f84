/* tools/depctl/coverage/html.c - the coverage as one HTML page for an auditor. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fs/workload/workload.h"
#include "tools/depctl/client/policy_view.h"
#include "tools/depctl/coverage/coverage.h"

/*
 * The colours are Okabe and Ito's, which colour-blind readers can tell apart. Each key has one
 * colour on the whole page, and colour alone carries no information: every bar has its numbers
 * below it.
 */
static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	"style-src 'unsafe-inline'\">\n"
	"<meta name=\"color-scheme\" content=\"light dark\">\n"
	"<title>Encryption coverage</title>\n<style>\n"
	":root { --paper: #fff; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --bar: #eaeef2;\n"
	"  --k0: #6e7781; --k1: #0072b2; --k2: #d55e00; --k3: #009e73; --k4: #cc79a7;\n"
	"  --k5: #e69f00; --k6: #56b4e9 }\n"
	"@media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --ink: #e6edf3;\n"
	"  --soft: #9da7b3; --line: #30363d; --bar: #21262d; --k0: #8b949e; --k1: #4aa8e0;\n"
	"  --k2: #f08a4b; --k3: #35c49a; --k4: #e39cc4; --k5: #f2b93b; --k6: #8accf5 } }\n"
	"* { box-sizing: border-box }\n"
	"body { margin: 0 auto; padding: 2rem 1.25rem 3rem; max-width: 60rem;\n"
	"  background: var(--paper); color: var(--ink);\n"
	"  font: 1rem/1.5 system-ui, sans-serif }\n"
	"h1 { margin: 0; font-size: 1.7rem } h2 { margin: 2.4rem 0 .4rem; font-size: 1.2rem }\n"
	"h3 { margin: 1.6rem 0 .4rem; font-size: 1rem }\n"
	"p { margin: .4rem 0; max-width: 46rem } .soft { color: var(--soft) }\n"
	"dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem;\n"
	"  margin: 1rem 0 } dt { color: var(--soft) } dd { margin: 0; overflow-wrap: anywhere }\n"
	".bar { display: flex; height: 1.5rem; border-radius: .3rem; overflow: hidden;\n"
	"  background: var(--bar); gap: 2px }\n"
	".bar span { min-width: 3px }\n"
	".wide { overflow-x: auto }\n"
	"table { width: 100%; border-collapse: collapse; margin: .6rem 0 1rem;\n"
	"  font-variant-numeric: tabular-nums }\n"
	"caption { text-align: left; color: var(--soft); padding-bottom: .2rem }\n"
	"th, td { padding: .35rem .6rem .35rem 0; text-align: left; vertical-align: top;\n"
	"  border-bottom: 1px solid var(--line); overflow-wrap: anywhere }\n"
	"thead th { color: var(--soft); font-weight: 600; white-space: nowrap }\n"
	"tbody th { font-weight: 400 } .n { text-align: right; white-space: nowrap }\n"
	".key { display: inline-block; width: .8rem; height: .8rem; border-radius: .2rem;\n"
	"  margin-right: .5rem }\n"
	".id { font: .85em ui-monospace, monospace; color: var(--soft) }\n"
	".warn { border-left: .3rem solid var(--k2); padding-left: .8rem }\n"
	"@media print { body { padding: 0; max-width: none; font-size: 10pt } \n"
	"  * { print-color-adjust: exact; -webkit-print-color-adjust: exact }\n"
	"  section { break-inside: avoid } }\n"
	"</style>\n</head>\n<body>\n<main>\n";

/* Escaped: a name may hold markup and control characters. */
static void text(FILE *out, const char *in)
{
	for (; *in; in++) {
		unsigned char c = (unsigned char)*in;

		if (c == '&')
			(void)fputs("&amp;", out);
		else if (c == '<')
			(void)fputs("&lt;", out);
		else if (c == '>')
			(void)fputs("&gt;", out);
		else if (c == '"')
			(void)fputs("&quot;", out);
		else if (c < 0x20 || c == 0x7f)
			(void)fputs("\xef\xbf\xbd", out);
		else
			(void)fputc(c, out);
	}
}

static bool same_key(const struct coverage_row *a, const struct coverage_row *b)
{
	return a->generation == b->generation &&
	       strcmp(a->policy_id ?: "", b->policy_id ?: "") == 0;
}

/* The number of a key's colour: 0 for the service key; 1 to 6 in turn for the other keys, in the
 * order of their first row. */
static unsigned colour_of(const struct coverage *cov, const struct coverage_row *row)
{
	unsigned n = 0;

	if (!row->policy_id)
		return 0;
	for (const struct coverage_row *at = cov->rows; !same_key(at, row); at++) {
		bool first = at->policy_id;

		for (const struct coverage_row *b = cov->rows; first && b < at; b++)
			first = !same_key(b, at);
		n += first;
	}
	return 1 + n % 6;
}

static void bar(FILE *out, const struct coverage *cov, const char *workload, uint64_t files)
{
	char name[256];
	const char *comma = "";

	(void)fprintf(out, "<div class=\"bar\" role=\"img\" aria-label=\"%s: ", workload);
	for (size_t i = 0; i < cov->n_rows; i++) {
		if (strcmp(cov->rows[i].workload, workload) != 0)
			continue;
		coverage_name(&cov->rows[i], name, sizeof(name));
		(void)fprintf(out, "%s%.1f%% ", comma, coverage_percent(cov->rows[i].files, files));
		text(out, name);
		comma = "; ";
	}
	(void)fputs("\">", out);
	for (size_t i = 0; i < cov->n_rows; i++)
		if (strcmp(cov->rows[i].workload, workload) == 0)
			(void)fprintf(out,
				      "<span style=\"flex:%.4f;background:var(--k%u)\"></span>",
				      coverage_percent(cov->rows[i].files, files),
				      colour_of(cov, &cov->rows[i]));
	(void)fputs("</div>\n", out);
}

static void row(FILE *out, const struct coverage *cov, const struct coverage_row *r, uint64_t files)
{
	char size[COVERAGE_SIZE_LEN];

	coverage_size(r->bytes, size);
	(void)fprintf(out,
		      "<tr><th scope=\"row\"><span class=\"key\" style=\"background:var(--k%u)\">"
		      "</span>",
		      colour_of(cov, r));
	text(out, r->policy_id ? (r->policy ?: "removed policy") : "service key (no policy)");
	if (r->policy_id) {
		(void)fputs("<br><span class=\"id\">", out);
		text(out, r->policy_id);
		(void)fputs("</span></th>", out);
		(void)fprintf(out, "<td class=\"n\">%u</td>", r->generation);
	} else {
		(void)fputs("</th><td class=\"n\">&ndash;</td>", out);
	}
	(void)fprintf(out,
		      "<td class=\"n\">%" PRIu64 "</td><td class=\"n\">%.1f%%</td>"
		      "<td class=\"n\">%s</td></tr>\n",
		      r->files, coverage_percent(r->files, files), size);
}

static void workload_section(FILE *out, const struct coverage *cov, const char *name)
{
	uint64_t files, bytes;
	char size[COVERAGE_SIZE_LEN];

	coverage_sum(cov, name, &files, &bytes);
	coverage_size(bytes, size);
	(void)fprintf(out, "<section>\n<h3>%s</h3>\n", name);
	if (!files) {
		(void)fputs("<p class=\"soft\">No files.</p>\n</section>\n", out);
		return;
	}
	bar(out, cov, name, files);
	(void)fprintf(out,
		      "<div class=\"wide\"><table>\n<caption>%s: %" PRIu64 " file%s, %s</caption>\n"
		      "<thead><tr><th scope=\"col\">Key</th>"
		      "<th scope=\"col\" class=\"n\">Generation</th>"
		      "<th scope=\"col\" class=\"n\">Files</th>"
		      "<th scope=\"col\" class=\"n\">Share</th>"
		      "<th scope=\"col\" class=\"n\">Size</th></tr></thead>\n<tbody>\n",
		      name, files, files == 1 ? "" : "s", size);
	for (size_t i = 0; i < cov->n_rows; i++)
		if (strcmp(cov->rows[i].workload, name) == 0)
			row(out, cov, &cov->rows[i], files);
	(void)fputs("</tbody>\n</table></div>\n</section>\n", out);
}

static void pair(FILE *out, const char *term, const char *value)
{
	(void)fprintf(out, "<dt>%s</dt><dd>", term);
	text(out, value);
	(void)fputs("</dd>\n", out);
}

static void summary(FILE *out, struct client *ctl, const struct coverage *cov)
{
	CLEANUP(fields_fini) struct fields version = {0};
	char number[40], size[COVERAGE_SIZE_LEN];
	uint64_t files, bytes;

	(void)fputs("<h1>Encryption coverage</h1>\n"
		    "<p class=\"soft\">Which key protects which files of a depfs store, as counted "
		    "from the files' headers.</p>\n<dl>\n",
		    out);
	if (fields_read(ctl, "version", &version, NULL) == 0)
		pair(out, "Store", fields_get(&version, "store") ?: "");
	pair(out, "Mount", client_mount(ctl));
	pair(out, "Count begun", coverage_field(cov, "started"));
	pair(out, "Holds as of", coverage_field(cov, "ended"));
	if (cov->folder)
		pair(out, "Folder", cov->folder);
	else
		pair(out, "By job", coverage_field(cov, "job"));
	coverage_sum(cov, NULL, &files, &bytes);
	(void)snprintf(number, sizeof(number), "%" PRIu64, files);
	coverage_size(bytes, size);
	pair(out, "Files", number);
	pair(out, "Content", size);
	pair(out, "Mailboxes", coverage_field(cov, "mailboxes"));
	(void)fputs("</dl>\n", out);
	if (strcmp(coverage_field(cov, "unreadable"), "0") != 0)
		(void)fprintf(
			out,
			"<p class=\"warn\">%s file(s) have a header that cannot be read. They "
			"are in none of the counts below.</p>\n",
			coverage_field(cov, "unreadable"));
}

static int policy_row(void *arg, const struct policy_view *v)
{
	FILE *out = arg;

	(void)fputs("<tr><th scope=\"row\">", out);
	text(out, policy_view_get(v, "name"));
	(void)fputs("<br><span class=\"id\">", out);
	text(out, policy_view_get(v, "id"));
	(void)fputs("</span></th><td>", out);
	text(out, policy_view_get(v, "kind"));
	(void)fputs("</td><td>", out);
	text(out, policy_view_get(v, "state"));
	(void)fputs("</td><td class=\"n\">", out);
	text(out, policy_view_get(v, "generation"));
	(void)fputs("</td><td>", out);
	for (int no = 1; no <= 2; no++) {
		(void)fputs(no == 2 ? "<br>" : "", out);
		text(out, policy_view_key(v, no, NULL));
		(void)fputs(" <span class=\"id\">", out);
		text(out, policy_view_key(v, no, "version"));
		(void)fputs("</span>", out);
	}
	(void)fputs("</td></tr>\n", out);
	return 0;
}

static int policies(FILE *out, struct client *ctl, struct err *err)
{
	int r;

	(void)fputs("<section>\n<h2>Policies</h2>\n<div class=\"wide\"><table>\n"
		    "<caption>As they are when this page is written</caption>\n"
		    "<thead><tr><th scope=\"col\">Policy</th><th scope=\"col\">Kind</th>"
		    "<th scope=\"col\">State</th><th scope=\"col\" class=\"n\">Generation</th>"
		    "<th scope=\"col\">Root keys and versions</th></tr></thead>\n<tbody>\n",
		    out);
	r = policy_view_each(ctl, policy_row, out, err);
	(void)fputs("</tbody>\n</table></div>\n</section>\n", out);
	return r;
}

static int page(FILE *out, struct client *ctl, const struct coverage *cov, struct err *err)
{
	char now[32] = "";
	const time_t at = time(NULL);
	struct tm tm;
	int r;

	(void)fputs(head, out);
	summary(out, ctl, cov);
	(void)fputs(
		"<h2>By workload</h2>\n"
		"<p class=\"soft\">Every file has a data key of its own. A policy's key wraps "
		"it, or, where no policy covers the file, the store's service key: there is no "
		"file in plain text. A rotation gives a policy a new generation of its key.</p>\n",
		out);
	for (enum workload w = 0; w < WORKLOAD_COUNT; w++)
		workload_section(out, cov, workload_name(w));
	r = policies(out, ctl, err);
	if (gmtime_r(&at, &tm))
		(void)strftime(now, sizeof(now), "%Y-%m-%dT%H:%M:%SZ", &tm);
	(void)fprintf(out,
		      "</main>\n<footer><p class=\"soft\">Written %s by depctl %s.</p></footer>\n"
		      "</body>\n</html>\n",
		      now, DEPFS_VERSION);
	return r;
}

/* Written under another name and renamed, so that @path is never half a page. */
int coverage_html(struct client *ctl, const struct coverage *cov, const char *path, struct err *err)
{
	CLEANUP(free_mem_p) char *tmp = NULL;
	FILE *out;
	int fd, r;

	if (asprintf(&tmp, "%s.XXXXXX", path) < 0) {
		tmp = NULL;
		return err_set(err, -ENOMEM, "out of memory");
	}
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "%s: cannot be written: %m", path);
	out = fdopen(fd, "w");
	if (!out) {
		(void)close(fd); /* nothing was written */
		(void)unlink(tmp);
		return err_set(err, -ENOMEM, "out of memory");
	}
	r = page(out, ctl, cov, err);
	if ((fclose(out) != 0 || rename(tmp, path) < 0) && r == 0)
		r = err_set(err, -errno, "%s: cannot be written: %m", path);
	if (r < 0)
		(void)unlink(tmp); /* the first failure is the one reported */
	return r;
}
