/*
 * unit/wrapped_syncs.h: the system's syncs, watched and failed. For programs with LINK_WRAP: fsync fdatasync syncfs.
 */
#ifndef TESTS_UNIT_WRAPPED_SYNCS_H
#define TESTS_UNIT_WRAPPED_SYNCS_H

#include <stddef.h>
#include <sys/stat.h>

enum { SYNCED_MAX = 64 };

/** Each sync that was made: 'f' fsync, 'd' fdatasync, 'a' a whole file system, and of what. Zero it to begin. */
extern struct synced {
    char kinds[SYNCED_MAX + 1];
    struct stat what[SYNCED_MAX];
    size_t count;
    int fail_code;     /* not 0: what one of them answers, */
    size_t fail_after; /* after so many that worked */
} synced;

#endif
