/* tools/depctl/client/interrupt.c - SIGINT, SIGTERM and SIGHUP blocked, unblocked, looked for. */
#include "tools/depctl/client/interrupt.h"

#include <signal.h>
#include <stddef.h>

static const int held[] = {SIGINT, SIGTERM, SIGHUP};
#define N_HELD (sizeof(held) / sizeof(held[0]))

static bool is_ignored(int no)
{
	struct sigaction now;

	return sigaction(no, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

/* The signals to hold, but for ignored ones (nohup(1) ignores SIGHUP): a blocked signal becomes
 * pending even if it is ignored, sigpending(2). */
static sigset_t held_set(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < N_HELD; i++)
		if (!is_ignored(held[i]))
			sigaddset(&set, held[i]);
	return set;
}

void interrupt_hold(void)
{
	sigset_t set = held_set();

	(void)sigprocmask(SIG_BLOCK, &set, NULL); /* fails for a wrong "how" only */
}

void interrupt_release(void)
{
	sigset_t set = held_set();

	(void)sigprocmask(SIG_UNBLOCK, &set, NULL); /* as above */
}

bool interrupt_pending(void)
{
	sigset_t pending, set = held_set();

	if (sigpending(&pending) < 0)
		return false;
	for (size_t i = 0; i < N_HELD; i++)
		if (sigismember(&set, held[i]) == 1 && sigismember(&pending, held[i]) == 1)
			return true;
	return false;
}
