/*
 * threads/family.h: a process, its journal, and its children, which have that too. One at a time.
 */
#ifndef TESTS_THREADS_FAMILY_H
#define TESTS_THREADS_FAMILY_H

#include <sys/types.h>

#include "segjournal/follow.h"
#include "threads/team.h"

enum { FAMILY_SECTION = 3, FAMILY_OTHER = 4, FAMILY_SECONDS = 120, FAMILY_FILL = 'v', FAMILY_SIZE = 100 };

/** A journal, what was made from it, and how many records it has. */
typedef struct family {
    path_t root;
    oversized_config_t config;
    char directory[PATH_LIMIT];
    oversized_t *journal;
    oversized_t *caller;
    oversized_writer_t *writer;
    oversized_reader_t *reader;
    oversized_replay_t *replay;
    oversized_follower_t *follower;
    oversized_view_t view;
    oversized_ticket_t ticket;
    oversized_location_t location;
    uint64_t records;
} family_t;

extern family_t family;

int family_set_up(void **state);
int family_tear_down(void **state);
/** Opens the journal, with some records in two sections, all of them synced. */
void family_open(void);
/** Closes and opens it: all is there, and nothing was to be repaired. */
void family_reopen(void);
/** Appends records to the section, and syncs. */
void family_add(uint64_t count);
/** The section has the records that were added. */
void family_check(void);
/** Makes one of everything that is made from a journal. */
void family_make_handles(void);
/** Uses what the parent made to the end: no child has changed it. */
void family_use_handles(void);

/* --- the journal's storage: files of the system, with a gate before the writes, or before the syncs --- */

void gate_of_writes(void);
void gate_of_syncs(void);
/** Waits until somebody stands at it. */
void await_gate(void);
void open_gate(void);

/* --- children, of which each has FAMILY_SECONDS --- */

/** Does something in a child: it answers the line in which it found something wrong, or 0. */
pid_t begin_child(int (*work)(void));
bool child_is_well(pid_t child);
/** The child was well. */
void end_child(pid_t child);
/** Both. */
void in_child(int (*work)(void));

#define EXPECT(holds)                                                                                                  \
    do {                                                                                                               \
        if (!(holds))                                                                                                  \
            return __LINE__;                                                                                           \
    } while (0)

/** The descriptors that this process has below the journal's directory; -1: nobody knows. */
int family_descriptors(void);
/** Of a child: SEGJ_ERR_INVALID, with the number of the process that opened the journal. */
bool is_refused(segj_status_t status);

/* What children do. */
int close_here(void); /* and no descriptor is left */
int abandon_here(void);
int destroy_here(void);
int destroy_with_here(void);
int change_here(void);
int open_locked(void); /* the journal is open elsewhere */
int open_free(void);   /* and this one is not */

/** Every public call, as a child makes it first. */
typedef struct family_call {
    const char *name;
    int (*make)(void);
} family_call_t;

extern const family_call_t family_calls[];
extern const size_t family_call_count;

#endif /* TESTS_THREADS_FAMILY_H */
