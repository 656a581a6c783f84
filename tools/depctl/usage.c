/* tools/depctl/usage.c - how depctl is typed: one table for --help, for `depctl help` and for usage
 * errors. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/depctl/depctl.h"

struct usage_row {
	const char *command; /* one or two words */
	const char *operands;
	const char *meaning;
};

#define CMDLET "M365DataAtRestEncryptionPolicy"

static const struct usage_row rows[] = {
	{"status", "", "how the mount and its policies are"},
	{"policy list", "", "all policies"},
	{"policy show", "P", "one policy: state, keys, versions, last outcomes"},
	{"policy create", "NAME KEY1 KEY2 [--kind mailbox] [--description TEXT]",
	 "make a policy of two root keys in two vaults"},
	{"policy enable", "P", "let it be assigned"},
	{"policy disable", "P", "let it no longer be assigned; what is under it stays readable"},
	{"policy refresh", "P", "take the newest version of both root keys"},
	{"policy rotate", "P",
	 "new generation of its key; a job re-wraps what is under older ones"},
	{"policy check", "P", "check both root keys; changes nothing"},
	{"policy purge", "P --reason TEXT --contact TEXT --confirm ID",
	 "destroy the key of a mailbox policy that both vaults deny: unreadable for good"},
	{"policy remove", "P [--force]",
	 "a policy without files goes; its keys stay for backups, unless by force"},
	{"policy rename", "P NEW", "give it another name"},
	{"policy describe", "P TEXT", "give it another description"},
	{"policy replace-keys", "P KEY1 KEY2", "give it other root keys"},
	{"assign", "P", "make it the tenant's policy"},
	{"unassign", "", "leave the tenant without a policy"},
	{"assignment", "", "which policy the tenant has"},
	{"mailbox assign", "ID P", "give a mailbox a policy of its own"},
	{"mailbox unassign", "ID", "let the mailbox fall to the tenant's policy"},
	{"mailbox show", "ID", "the policy in force, and where it comes from"},
	{"mailbox list", "", "all mailboxes with the policy in force"},
	{"job list", "", "re-wrapping of existing files: all jobs"},
	{"job show", "N", "one job: state, counts, rate, time left"},
	{"job watch", "N", "follow it until it ends"},
	{"job failed", "N", "the files it could not do, and why"},
	{"job pause", "N", "let it rest"},
	{"job resume", "N", "let it go on"},
	{"job cancel", "N", "end it; what is done stays done"},
	{"job retry", "N", "once more, for what is still to do"},
	{"job rate", "N FILES_PER_S", "no faster than this; 0: as fast as it can"},
	{"renew", "PATH", "fresh data keys for a file of the mount, or all below a folder"},
	{"scan", "", "count all files by policy and generation: a job"},
	{"coverage", "[--scan] [--html FILE] [PATH]",
	 "what is protected by what, as bars, from the last count, or below PATH now; FILE: a page "
	 "for an auditor"},
	{"events", "[-f]", "the audit log; -f follows it"},
	{"events --verify", "[--key HEX] [--service-key file:PATH] [STORE | FILE...]",
	 "prove the log of the mount, of a store, or in files: chain and signatures"},
	{"inspect", "FILE", "the header of a ciphertext file; needs no key"},
	{"key create",
	 "URI [--size BITS] [--type rsa|ec] [--ops LIST] [--expires DATE] [--not-before DATE] "
	 "[--purgeable]",
	 "make a root key in a local vault, and the vault"},
	{"key list", "[local://VAULT]", "vaults, or the keys of one"},
	{"key show", "URI", "one key and its versions, or a vault; in Azure too"},
	{"key check", "URI", "whether it is fit to be a root key; changes nothing"},
	{"key rotate", "URI", "add a version"},
	{"key enable", "URI", "let a key or one version of it be used"},
	{"key disable", "URI", "let it no longer be used"},
	{"key deny", "URI [--ops LIST] [OPERATION...]", "take get, wrapKey, unwrapKey away"},
	{"key allow", "URI [--ops LIST] [OPERATION...]", "give them back"},
	{"key delete", "URI", "delete softly"},
	{"key recover", "URI", "bring a deleted key back"},
	{"key fault", "URI transient|damaged|not-found|denied|none [MS] | URI slow MS",
	 "provoke an outcome, to try out what happens"},
	{"doctor", "URI",
	 "the way to a key in Azure, step by step: name, TLS, credential, token, vault, key, "
	 "permission"},
	{"help", "[COMMAND...]", "this text, or that of one command"},
	{"New-" CMDLET,
	 "-Name N -AzureKeyIDs A,B [-Description T] [-Enabled $false] [-WhatIf] [-Confirm]",
	 "policy create, in the words of Customer Key"},
	{"Set-" CMDLET,
	 "-Identity P [-Name N] [-Description T] [-Enabled $true|$false] [-Refresh | -Replace "
	 "-AzureKeyIDs A,B] [-WhatIf] [-Confirm]",
	 "change a policy"},
	{"Get-" CMDLET, "[-Identity P]", "policies as objects"},
	{"Set-" CMDLET "Assignment", "-DataEncryptionPolicy P [-WhatIf] [-Confirm]", "assign"},
	{"Get-" CMDLET "Assignment", "", "assignment"},
};

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static bool row_is(const struct usage_row *row, const char *command, size_t len)
{
	return strncasecmp(row->command, command, len) == 0 &&
	       (row->command[len] == '\0' || row->command[len] == ' ');
}

/* The part of @command that rows begin with: all of it, else its first word, else nothing. */
static size_t known_len(const char *command)
{
	size_t lens[] = {strlen(command), strcspn(command, " ")};

	for (size_t i = 0; i < 2; i++)
		for (size_t k = 0; k < N_ROWS; k++)
			if (lens[i] > 0 && row_is(&rows[k], command, lens[i]))
				return lens[i];
	return 0;
}

static void row_print(FILE *out, const char *before, const struct usage_row *row)
{
	fprintf(out, "%s depctl %s%s%s\n", before, row->command, *row->operands ? " " : "",
		row->operands);
}

static void general(FILE *out)
{
	fputs("usage: depctl [-m MOUNT] [--json] [--vaults DIR] COMMAND [ARGUMENT...]\n"
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
	for (size_t i = 0; i < N_ROWS; i++) {
		if (len > 0 && !row_is(&rows[i], command, len))
			continue;
		row_print(stdout, len > 0 ? "usage:" : " ", &rows[i]);
		printf("          %s\n", rows[i].meaning);
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
	for (size_t i = 0; len > 0 && i < N_ROWS; i++) {
		if (!row_is(&rows[i], command, len))
			continue;
		row_print(stderr, before, &rows[i]);
		before = "      ";
	}
	return CMD_USAGE;
}

int cmd_usage_count(const char *command, int n, int wanted)
{
	return cmd_usage_error(
		command, "%s: wrong number of arguments, %d instead of %d%s", command, n, wanted,
		n > wanted && wanted > 0 ? " (a name with blanks needs quotes)" : "");
}

int cmd_usage_option(const char *command, int option, const char *word)
{
	return cmd_usage_error(command, "%s: %s: %s", command, word,
			       option == ':' ? "its value is missing" : "no such option");
}

int cmd_refuse(int r, const struct err *err)
{
	fprintf(stderr, "depctl: %s\n", err_text(err, r));
	return CMD_REFUSED;
}

bool cmd_wants_help(int argc, char **argv)
{
	return argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
			     strcmp(argv[1], "-?") == 0); /* as PowerShell has it */
}
