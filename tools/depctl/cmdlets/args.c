/* tools/depctl/cmdlets/args.c - the parser of a cmdlet's parameters, by PowerShell's rules. */
#include "tools/depctl/cmdlets/args.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/depctl/cli/cmd.h"

#define SWALLOWED                                                                  \
	"a shell reads $true and $false as its own variables: write true or false" \
	", or quote them"

struct parser {
	const char *cmdlet;
	const struct cmdlet_param *params;
	struct cmdlet_value *values;
	char **at; /* next word */
};

void cmdlet_value_fini(struct cmdlet_value *v)
{
	free(v->buffer);
	*v = (struct cmdlet_value){0};
}

/*
 * The name behind a dash, or NULL when @word is a value. Text copied from a web page often has an
 * en dash, em dash or horizontal bar (U+2013 to U+2015), which PowerShell takes as well.
 */
static const char *param_name(const char *word)
{
	const char *name = NULL;

	if (word[0] == '-')
		name = word + 1;
	else if (strncmp(word, "\xe2\x80", 2) == 0 && word[2] >= '\x93' && word[2] <= '\x95')
		name = word + 3;
	return name && isalpha((unsigned char)*name) ? name : NULL;
}

static int usage_error(const struct parser *p, const char *sentence, const char *name,
		       size_t name_len)
{
	return cmd_usage_error(p->cmdlet, "-%.*s: %s", (int)name_len, name, sentence);
}

/* The parameter that @name names in full, or the only one that begins so. -1: reported on
 * stderr. */
static int param_find(const struct parser *p, const char *name, size_t len)
{
	char several[256] = "";
	size_t at = 0;
	int found = -1, count = 0;

	for (int i = 0; p->params[i].name; i++) {
		if (strncasecmp(p->params[i].name, name, len) != 0)
			continue;
		if (!p->params[i].name[len])
			return i;
		found = i;
		count++;
		if (at < sizeof(several))
			at += (size_t)snprintf(several + at, sizeof(several) - at, " -%s",
					       p->params[i].name);
	}
	if (count == 1)
		return found;
	if (count == 0)
		(void)cmd_usage_error(p->cmdlet, "no parameter is named '%.*s'", (int)len, name);
	else
		(void)cmd_usage_error(p->cmdlet, "parameter '%.*s' is ambiguous, it may be:%s",
				      (int)len, name, several);
	return -1;
}

static bool bool_parse(const char *text, bool *ret_on)
{
	static const char *const words[] = {"$false", "false", "0", "$true", "true", "1"};

	for (size_t i = 0; i < 6; i++) {
		if (strcasecmp(text, words[i]) == 0) {
			*ret_on = i >= 3;
			return true;
		}
	}
	return false;
}

/* Cuts the list at commas, blanks, quotes, and the signs of @( ). */
static void list_cut(struct cmdlet_value *v)
{
	char *save = NULL;

	for (char *item = strtok_r(v->buffer, ", \t@()\"'", &save); item;
	     item = strtok_r(NULL, ", \t@()\"'", &save)) {
		if (v->n_items < CMDLET_LIST_MAX)
			v->items[v->n_items] = item;
		v->n_items++;
	}
}

static bool list_continues(const char *so_far, const char *next)
{
	size_t len = strlen(so_far);

	if (!next || param_name(next))
		return false;
	if (strncmp(so_far, "@(", 2) == 0 && so_far[len - 1] != ')')
		return true;
	return (len > 0 && so_far[len - 1] == ',') || next[0] == ',';
}

/* A list continues in the next word after a comma, before one, and until @( is closed. */
static int take_list(struct parser *p, const char *first, struct cmdlet_value *v)
{
	v->buffer = strdup(first);
	while (v->buffer && list_continues(v->buffer, *p->at)) {
		char *more = NULL;

		if (asprintf(&more, "%s %s", v->buffer, *p->at) < 0)
			more = NULL;
		free(v->buffer);
		v->buffer = more;
		p->at++;
	}
	if (!v->buffer)
		return cmd_refuse(-ENOMEM, NULL);
	list_cut(v);
	return CMD_OK;
}

/* @value: NULL when none was given. */
static int take(struct parser *p, int i, const char *value)
{
	const struct cmdlet_param *param = &p->params[i];
	struct cmdlet_value *v = &p->values[i];
	size_t len = strlen(param->name);

	if (v->given)
		return usage_error(p, "given twice", param->name, len);
	v->given = true;
	switch (param->type) {
	case CMDLET_SWITCH:
		v->on = true;
		if (value && !bool_parse(value, &v->on))
			return usage_error(p, SWALLOWED, param->name, len);
		return CMD_OK;
	case CMDLET_BOOL:
		if (!value || !bool_parse(value, &v->on))
			return usage_error(p, "true or false is needed; " SWALLOWED, param->name,
					   len);
		return CMD_OK;
	case CMDLET_LIST:
		if (!value)
			return usage_error(p, "a value is missing", param->name, len);
		return take_list(p, value, v);
	case CMDLET_TEXT:
	default:
		if (!value)
			return usage_error(p, "a value is missing", param->name, len);
		v->text = value;
		return CMD_OK;
	}
}

static int take_named(struct parser *p, const char *name)
{
	const char *colon = strchr(name, ':'), *value = NULL;
	size_t len = colon ? (size_t)(colon - name) : strlen(name);
	int i = param_find(p, name, len);

	if (i < 0)
		return CMD_USAGE;
	if (colon && colon[1])
		value = colon + 1;
	else if (colon && p->params[i].type == CMDLET_SWITCH)
		value = ""; /* "-Confirm:$false", where the shell has replaced $false by nothing */
	else if (p->params[i].type != CMDLET_SWITCH && *p->at && !param_name(*p->at) &&
		 strcmp(*p->at, "--json") != 0)
		value = *p->at++;
	else if (colon && p->params[i].type == CMDLET_TEXT)
		value = ""; /* -Description:"" */
	return take(p, i, value);
}

static int take_positional(struct parser *p, const char *word)
{
	for (int i = 0; p->params[i].name; i++)
		if (p->params[i].positional && !p->values[i].given)
			return take(p, i, word);
	return cmd_usage_error(p->cmdlet, "'%s' belongs to no parameter", word);
}

int cmdlet_parse(const struct cmdlet_param *params, char **argv, struct cmdlet_value *ret_values,
		 bool *ret_json)
{
	struct parser p = {
		.cmdlet = argv[0], .params = params, .values = ret_values, .at = argv + 1};

	while (*p.at) {
		const char *word = *p.at++, *name = param_name(word);
		int r = CMD_OK;

		if (strcmp(word, "--json") == 0)
			*ret_json = true;
		else if (name)
			r = take_named(&p, name);
		else if (word[0] == '-' && word[1] == '-')
			r = cmd_usage_error(p.cmdlet, "%s: unknown option", word);
		else
			r = take_positional(&p, word);
		if (r != CMD_OK)
			return r;
	}
	return CMD_OK;
}
