/*
 * crash/shrink.h: makes a script that fails shorter, as long as it goes on failing.
 */
#ifndef CRASH_SHRINK_H
#define CRASH_SHRINK_H

#include "crash/script.h"

/** A script that fails too, to be freed; `failure` says how. Runs at most `runs` scripts. */
script_t *script_shrink(const script_t *script, unsigned runs, char *failure, size_t size);

#endif
