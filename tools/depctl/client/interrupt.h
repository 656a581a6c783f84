/* tools/depctl/client/interrupt.h - signals that would end depctl, held while an act is under way,
 * so that its verdict is printed. SIGQUIT is not held: it ends depctl at once. */
#ifndef DEPFS_DEPCTL_CLIENT_INTERRUPT_H
#define DEPFS_DEPCTL_CLIENT_INTERRUPT_H

#include <stdbool.h>

/*
 * interrupt_hold() - blocks SIGINT, SIGTERM and SIGHUP, but for ignored ones; may be called again
 * The daemon carries an act through whether its caller waits or not, so a caller that ends early
 * would not learn the verdict. main() returns with the signals still blocked: the exit status is
 * the verdict.
 */
void interrupt_hold(void);
/* interrupt_release() - unblocks the signals, and a pending one takes effect: for what may be left
 * early. */
void interrupt_release(void);
/* interrupt_pending() - whether a signal has arrived while held, so that an act of several steps
 * can end between two steps. */
bool interrupt_pending(void);

#endif
