/*
 * command/following.h: what the commands that follow a journal share: what ends them, and after which failures they
 * continue.
 */
#ifndef SEGJ_COMMAND_FOLLOWING_H
#define SEGJ_COMMAND_FOLLOWING_H

#include <stdbool.h>

#include "segjournal/follow.h"

/** From here on Ctrl-C and a termination end the wait of this follower. One at a time. */
void following_begin(oversized_follower_t *follower);
/** Whether such a signal has come. */
bool following_ended(void);
/** Closes the follower. A signal that has come ends the program now, after what was printed. */
void following_end(oversized_follower_t *follower);
/** Standard output is a pipe, whose reader may go away. */
bool following_is_piped(void);
/** The reader of that pipe has gone away. */
bool following_is_unread(void);
/** A value cannot be read, and what follows can. */
bool following_goes_on(segj_status_t status);

#endif
