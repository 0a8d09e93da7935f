/*
 * crash/scripts.h: every script of up to so many operations, crashed everywhere (crash/explore.h).
 */
#ifndef CRASH_SCRIPTS_H
#define CRASH_SCRIPTS_H

#include <stdint.h>

/** A cmocka test: explores all scripts of 1 operation, or as many as the environment's SEGJ_CRASH_LENGTH says (1 to 6). */
void explore_all(uint16_t page_size, int compression);

#endif
