/*
 * package/cost/work.h: the same work in C and in C++, for callgrind to compare. Each function does its thing `times` times
 * on a journal in memory, and ends the program where a call fails.
 */
#ifndef TESTS_PACKAGE_COST_WORK_H
#define TESTS_PACKAGE_COST_WORK_H

#include "segjournal/oversized.h"

enum { WORK_ENTRY = 8, WORK_VALUE = 100, WORK_SECTION = 7 };

/* A function of its own, with a name that callgrind shows. */
#if defined(__GNUC__) || defined(__clang__)
#define WORK __attribute__((noinline))
#else
#define WORK
#endif

#ifdef __cplusplus
extern "C" {
#endif

WORK void c_append(oversized_t *journal, unsigned long times);
WORK void c_get(oversized_t *journal, unsigned long times);
WORK void c_read(oversized_t *journal, unsigned long times);
WORK void c_view(oversized_t *journal, unsigned long times);
WORK void c_walk(oversized_t *journal, unsigned long times);
WORK void c_walk_values(oversized_t *journal, unsigned long times);
WORK void c_batch(oversized_t *journal, unsigned long times);

WORK void cpp_append(oversized_t *journal, unsigned long times);
WORK void cpp_get(oversized_t *journal, unsigned long times);
WORK void cpp_read(oversized_t *journal, unsigned long times);
WORK void cpp_view(oversized_t *journal, unsigned long times);
WORK void cpp_walk(oversized_t *journal, unsigned long times);
WORK void cpp_walk_values(oversized_t *journal, unsigned long times);
WORK void cpp_batch(oversized_t *journal, unsigned long times);

#ifdef __cplusplus
}
#endif

#endif
