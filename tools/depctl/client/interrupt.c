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

/* One that the caller ignores, as nohup(1) does, would wait too where it is blocked. */
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

bool interrupt_waits(void)
{
	sigset_t waiting, set = held_set();

	if (sigpending(&waiting) < 0)
		return false;
	for (size_t i = 0; i < N_HELD; i++)
		if (sigismember(&set, held[i]) == 1 && sigismember(&waiting, held[i]) == 1)
			return true;
	return false;
}
