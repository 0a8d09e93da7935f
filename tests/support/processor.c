/* support/processor.c: see the header. */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* processors of a thread are beyond POSIX */
#endif
#include "support/processor.h"

#include <sched.h>
#include <stddef.h>

void stay_on_one_processor(void)
{
#if defined(__linux__)
    cpu_set_t one;
    CPU_ZERO(&one);
    int here = sched_getcpu();
    CPU_SET(here >= 0 ? (size_t)here : 0, &one);
    (void)sched_setaffinity(0, sizeof one, &one);
#endif
}
