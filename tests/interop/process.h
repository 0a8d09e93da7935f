/*
 * interop/process.h: two programs at a time: one that is killed, and two that want the same directory.
 */
#ifndef INTEROP_PROCESS_H
#define INTEROP_PROCESS_H

#include "interop/random.h"

/** Runs a program with its output in the file `told`, and kills it when that has a size that is drawn; or it ends. */
void kill_amid_work(draw_t *draw, const char *told, char *const *command);

/**
 * Has a journal of the commonware format open: appends a record to section 1, syncs, prints "held", and closes when its
 * input ends. It waits for the directory where another has it. Answers 0 where all that went well.
 */
int hold_journal(const char *directory);
/** The journal is held by another program, and open says so; 0 where it does. */
int refused_journal(const char *directory);

#endif /* INTEROP_PROCESS_H */
