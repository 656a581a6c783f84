/* tools/depctl/cli/usage.c - --help, `depctl help` and usage errors, from the table of
 * subcommands. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tools/depctl/cli/cmd.h"
#include "tools/depctl/output/nearest.h"

/*
 * The table names the functions of the subcommands, and these call the functions here for their
 * usage errors. So main() passes the table by cmd_table_set(): to include it would be a circle.
 */
static struct {
	const struct cmd_row *rows;
	size_t n;
} table;

void cmd_table_set(const struct cmd_row *rows, size_t n)
{
	table.rows = rows;
	table.n = n;
}

bool cmd_is_cmdlet(const struct cmd_row *row)
{
	return row->command[strcspn(row->command, "- ")] == '-';
}

const struct cmd_row *cmd_find(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < table.n; i++) {
		const struct cmd_row *row = &table.rows[i];

		if (strcspn(row->command, " ") != len || strncasecmp(row->command, name, len) != 0)
			continue;
		if (cmd_is_cmdlet(row) || strncmp(row->command, name, len) == 0)
			return row;
	}
	return NULL;
}

static bool row_is(const struct cmd_row *row, const char *command, size_t len)
{
	return strncasecmp(row->command, command, len) == 0 &&
	       (row->command[len] == '\0' || row->command[len] == ' ');
}

/* The part of @command that rows begin with: all of it, else its first word, else nothing. */
static size_t known_len(const char *command)
{
	size_t lens[] = {strlen(command), strcspn(command, " ")};

	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < table.n; k++)
			if (lens[i] > 0 && row_is(&table.rows[k], command, lens[i]))
				return lens[i];
	return 0;
}

static void row_print(FILE *out, const char *before, const struct cmd_row *row)
{
	fprintf(out, "%s depctl %s%s%s\n", before, row->command, *row->operands ? " " : "",
		row->operands);
}

static void general(FILE *out)
{
	fputs("usage: depctl [-m MOUNT] [--json] [--wait] [--vaults DIR] COMMAND [ARGUMENT...]\n"
	      "       depctl -h | --help | -V | --version\n",
	      out);
}

bool cmd_usage_known(const char *command)
{
	return known_len(command) == strlen(command);
}

int cmd_usage(const char *command)
{
	size_t len = command ? known_len(command) : 0;

	if (len == 0)
		general(stdout);
	for (size_t i = 0; i < table.n; i++) {
		if (len > 0 && !row_is(&table.rows[i], command, len))
			continue;
		row_print(stdout, len > 0 ? "usage:" : " ", &table.rows[i]);
		printf("          %s\n", table.rows[i].meaning);
	}
	if (len == 0)
		fputs("\nP is the name or the id of a policy. MOUNT: -m, else DEPFS_MOUNT, else "
		      "the only depfs mount there is.\n"
		      "More in depctl(1).\n",
		      stdout);
	return CMD_OK;
}

int cmd_usage_error(const char *command, const char *fmt, ...)
{
	const char *before = "usage:";
	size_t len = command ? known_len(command) : 0;
	va_list args;

	fputs("depctl: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	if (len == 0) {
		general(stderr);
		fputs("Try: depctl help\n", stderr);
	}
	for (size_t i = 0; len > 0 && i < table.n; i++) {
		if (!row_is(&table.rows[i], command, len))
			continue;
		row_print(stderr, before, &table.rows[i]);
		before = "      ";
	}
	return CMD_USAGE;
}

int cmd_unknown(const char *first, const char *word)
{
	size_t first_len = first ? strlen(first) + 1 : 0;
	struct nearest near = {0};
	char words[64][40], hint[64] = "";

	for (size_t i = 0; i < table.n && i < sizeof(words) / sizeof(words[0]); i++) {
		const char *command = table.rows[i].command;

		if (first &&
		    (strncmp(command, first, first_len - 1) != 0 || command[first_len - 1] != ' '))
			continue;
		(void)snprintf(words[i], sizeof(words[i]), "%.*s",
			       (int)strcspn(command + first_len, " "), command + first_len);
		nearest_offer(&near, word, words[i]);
	}
	if (near.word)
		(void)snprintf(hint, sizeof(hint), "; did you mean '%s'?", near.word);
	return first ? cmd_usage_error(first, "%s %s: there is no such command%s", first, word,
				       hint)
		     : cmd_usage_error(NULL, "there is no command '%s'%s", word, hint);
}

int cmd_usage_count(const char *command, int n, int wanted)
{
	return cmd_usage_error(
		command, "%s: wrong number of arguments, %d instead of %d%s", command, n, wanted,
		n > wanted && wanted > 0 ? " (a name with blanks needs quotes)" : "");
}

/* @word is no option. */
static int usage_option(const char *command, const char *word)
{
	return cmd_usage_error(command, "%s: %s: no such option", command, word);
}

/* The word that getopt_long() refused. A printable optopt is an option of one letter, since long
 * options have other values; it is shown alone, because optind passes a word of several letters
 * only at the last of them. */
static const char *refused_word(char **argv, char letter[static 3])
{
	if (optopt <= ' ' || optopt >= 0x7f)
		return argv[optind - 1];
	letter[0] = '-';
	letter[1] = (char)optopt;
	letter[2] = '\0';
	return letter;
}

int cmd_usage_getopt(const char *command, int option, char **argv)
{
	char letter[3];

	if (option == ':')
		return cmd_usage_error(command, "%s: %s: its value is missing", command,
				       argv[optind - 1]);
	return usage_option(command, refused_word(argv, letter));
}

int cmd_operands(int argc, char **argv, int n, const char *const **ret_operands)
{
	char **at = argv + 1;

	if (argc > 1 && strcmp(argv[1], "--") == 0) {
		at++;
		argc--;
	} else if (argc > 1 && argv[1][0] == '-' && argv[1][1]) {
		return usage_option(argv[0], argv[1]);
	}
	if (argc - 1 != n)
		return cmd_usage_count(argv[0], argc - 1, n);
	*ret_operands = (const char *const *)at;
	return CMD_OK;
}

int cmd_refuse(int r, const struct err *err)
{
	fprintf(stderr, "depctl: %s\n", err_text(err, r));
	return CMD_REFUSED;
}

bool cmd_wants_help(int argc, char **argv)
{
	return argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
			     strcmp(argv[1], "-?") == 0); /* PowerShell's option for help */
}
