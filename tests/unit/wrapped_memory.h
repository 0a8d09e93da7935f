/*
 * unit/wrapped_memory.h: allocations that fail when a test says so. For programs with LINK_WRAP: malloc calloc realloc.
 */
#ifndef TESTS_UNIT_WRAPPED_MEMORY_H
#define TESTS_UNIT_WRAPPED_MEMORY_H

/** The allocation after so many fails, and every one behind it; -1: none. Of the calling thread's doing alone. */
extern int allocations_left;

#endif
