/*
 * failure/sites.h: places in the library's sources where a call is made that can fail: of the storage, or of the
 * allocator. Programs that say LINK_SITES are linked with the library's sources compiled once more, with
 * failure/sites_within.h put before them: there each such place has a site_t, and notes when it is passed. So a test
 * can say of every place whether its call has failed; a place that is new in the sources is in the count by itself.
 */
#ifndef TESTS_FAILURE_SITES_H
#define TESTS_FAILURE_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum site_kind { SITE_STORAGE, SITE_MEMORY, SITE_KINDS } site_kind_t;

typedef struct site {
    const char *file, *function, *call;
    int line;
    site_kind_t kind;
    uint64_t passed, failed; /* times */
} site_t;

/** The thread is at this place, until site_leave(). */
void site_enter(site_t *site);
void site_leave(site_kind_t kind);

/** The call that is under way fails. */
void site_failed(site_kind_t kind);

/** A place whose call no scenario makes fail, and why. */
typedef struct site_excuse {
    const char *file; /* the end of its name */
    const char *function, *call;
    const char *reason;
} site_excuse_t;

/** Prints "N of M call sites failed" and each that has not; true when those are excused, no excuse is idle, and no
 *  call failed at a place that is unknown. */
bool sites_all_failed(site_kind_t kind, const site_excuse_t *excuses, size_t count);

#endif /* TESTS_FAILURE_SITES_H */
