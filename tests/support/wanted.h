/*
 * support/wanted.h: whether it looks as if others waited for the change lock while one thread alone is there, so that
 * each buffer of values that is full is written behind the append that needs the next one. For programs with
 *     LINK_WRAP: segj_gate_is_wanted
 * in their first lines.
 */
#ifndef SUPPORT_WANTED_H
#define SUPPORT_WANTED_H

#include <stdbool.h>

/** Of the calling thread; at first not. */
extern _Thread_local bool gates_are_wanted;

#endif
