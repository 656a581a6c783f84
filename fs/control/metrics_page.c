/* fs/control/metrics_page.c - Prometheus' text format, version 0.0.4: families, samples,
 * labels. */
#include <inttypes.h>
#include <stdarg.h>

#include "fs/control/metrics_internal.h"

void page_family(struct metrics_page *p, const char *name, enum metric_type type, const char *help)
{
	static const char *const types[] = {"counter", "gauge", "histogram"};

	p->family = name;
	(void)fprintf(p->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, types[type]);
}

/* In a label's value a backslash, a quote and a line end are escaped, and nothing else. */
static void put_label(FILE *out, const char *name, const char *value)
{
	(void)fprintf(out, "%s=\"", name);
	for (; *value; value++)
		switch (*value) {
		case '\\':
		case '"':
			(void)fprintf(out, "\\%c", *value);
			break;
		case '\n':
			(void)fputs("\\n", out);
			break;
		default:
			(void)fputc(*value, out);
		}
	(void)fputc('"', out);
}

static void put_labels(struct metrics_page *p, const char *suffix, const char *le, va_list labels)
{
	const char *name;

	(void)fprintf(p->out, "%s%s{", p->family, suffix);
	put_label(p->out, "mount", p->c->mount);
	while ((name = va_arg(labels, const char *))) {
		(void)fputc(',', p->out);
		put_label(p->out, name, va_arg(labels, const char *));
	}
	if (le) {
		(void)fputc(',', p->out);
		put_label(p->out, "le", le);
	}
	(void)fputs("} ", p->out);
}

void page_count(struct metrics_page *p, uint64_t value, ...)
{
	va_list labels;

	va_start(labels, value);
	put_labels(p, "", NULL, labels);
	va_end(labels);
	(void)fprintf(p->out, "%" PRIu64 "\n", value);
}

void page_value(struct metrics_page *p, double value, ...)
{
	va_list labels;

	va_start(labels, value);
	put_labels(p, "", NULL, labels);
	va_end(labels);
	(void)fprintf(p->out, "%.15g\n", value);
}

void page_single(struct metrics_page *p, const char *name, enum metric_type type, const char *help,
		 double value)
{
	page_family(p, name, type, help);
	page_value(p, value, NULL);
}

uint64_t histogram_count(const struct metric_histogram *h)
{
	uint64_t n = 0;

	for (unsigned b = 0; b < METRIC_BUCKETS; b++)
		n += h->buckets[b];
	return n;
}

static void put_sample(struct metrics_page *p, const char *suffix, const char *le, double value,
		       va_list labels)
{
	va_list again;

	va_copy(again, labels);
	put_labels(p, suffix, le, again);
	va_end(again);
	(void)fprintf(p->out, "%.15g\n", value);
}

void page_histogram(struct metrics_page *p, const struct metric_histogram *h, ...)
{
	uint64_t n = 0;
	va_list labels;
	char le[32];

	va_start(labels, h);
	for (unsigned b = 0; b < METRIC_BUCKETS; b++) {
		n += h->buckets[b];
		if (b + 1 < METRIC_BUCKETS)
			(void)snprintf(le, sizeof(le), "%g", (double)metric_bound_ns(b) / 1e9);
		put_sample(p, "_bucket", b + 1 < METRIC_BUCKETS ? le : "+Inf", (double)n, labels);
	}
	put_sample(p, "_sum", NULL, (double)h->sum_ns / 1e9, labels);
	put_sample(p, "_count", NULL, (double)n, labels);
	va_end(labels);
}
