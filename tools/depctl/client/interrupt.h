/* tools/depctl/client/interrupt.h - an act that was begun is carried through and its verdict
 * printed, whatever signal asks depctl to end meanwhile. SIGQUIT is left alone: it ends depctl at
 * once. */
#ifndef DEPFS_DEPCTL_CLIENT_INTERRUPT_H
#define DEPFS_DEPCTL_CLIENT_INTERRUPT_H

#include <stdbool.h>

/*
 * interrupt_hold() - from now on SIGINT, SIGTERM and SIGHUP wait; again is fine
 * The daemon decides an act whether its caller waits or not, so who is interrupted would never
 * learn the verdict. main() ends without letting them through: the exit status is the verdict.
 */
void interrupt_hold(void);
/* interrupt_release() - what waited takes effect here; for what may be left before its end. */
void interrupt_release(void);
/* interrupt_waits() - somebody wants depctl to end: between two acts is a good moment. */
bool interrupt_waits(void);

#endif
