/*
 * command/progress.h: a line of progress on a terminal, and what Ctrl-C does to a long call.
 */
#ifndef SEGJ_COMMAND_PROGRESS_H
#define SEGJ_COMMAND_PROGRESS_H

#include <stddef.h>

#include "segjournal/tools.h"

/** What Ctrl-C, a termination and a hang-up do from here on. A hang-up that is ignored, as by `nohup`, stays
 *  ignored. */
void signals_catch(void (*handler)(int));
/** From here on Ctrl-C and a termination cancel the call that is under way. */
void progress_begin(void);
/** For a call's progress: draws the line where standard error is a terminal. True: cancel. */
bool progress_show(const oversized_progress_t *progress);
/** The same as the library wants it. */
bool progress_follow(void *context, const oversized_progress_t *progress);
/** The same of a call that the command makes itself, as often as it likes: it is drawn ten times a second at most. */
bool progress_count(const oversized_progress_t *progress);
/** Whether a signal has come since the beginning: calls that have no progress look here. */
bool progress_cancelled(void);
/** Takes the line away, so that something else can be printed. */
void progress_clear(void);
/** The call has ended: a signal that cancelled it ends the program now, and from here on signals do so at once. */
void progress_end(void);
/** Columns that a line may take on a terminal, 200 at most: the last ones are left free, so that neither it nor the
 *  terminal's "^C" after it begins another line. */
size_t terminal_columns(int descriptor);

#endif
