/*
 * crash/script.h: a history as a text: what is done to a journal, what fails meanwhile, and where it is crashed. A
 * script is made from a seed, or read from what an earlier run printed; every choice is in it, and any of its steps can
 * be left out.
 *
 *     history page=64 numbers=1; open 812; append 2 300; sync 2 /sync:1:EIO:0:drop; burst 1 9 !cut:3:some:zeros:77
 *
 * reads: pages of 64 bytes, the second set of section numbers; open with settings number 812; append 300 bytes to the
 * section at index 2; sync it, and its first sync call fails with EIO and drops what the cache held; nine small records
 * for index 1, and before the third changing call of that the power fails: of what is not durable, some is kept (seed
 * 77), zeros where bytes were lost.
 */
#ifndef CRASH_SCRIPT_H
#define CRASH_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "support/simdisk.h"

typedef enum step_kind {
    STEP_OPEN,           /* amount: settings; where the journal is open it is abandoned before */
    STEP_APPEND,         /* amount: bytes of the value */
    STEP_BURST,          /* amount: records with small values */
    STEP_SYNC,           /* */
    STEP_SYNC_ALL,       /* */
    STEP_REWIND,         /* amount: 256ths of the records that stay; or one of REWIND_... */
    STEP_REWIND_SECTION, /* the same */
    STEP_PRUNE,          /* everything below the index's section */
    STEP_READ,           /* amount: which record, and how */
    STEP_REPLAY,         /* amount: from which record */
    STEP_CHECK,          /* everything is looked at */
    STEP_CLOSE,          /* */
    STEP_PIECES,         /* amount: bytes of a value that comes in three pieces */
    STEP_BATCH,          /* amount: records that are appended together */
    STEP_START,          /* a sync is started */
    STEP_WAIT,           /* for the one that was started last */
    STEP_FLUSH,          /* */
    STEPS
} step_kind_t;

enum { REWIND_BEYOND = 256, REWIND_UNEVEN = 257, REWIND_NOTHING = 258, REWINDS = 259 };

/** One failing call: the nth of its kind within the step. */
typedef struct step_fault {
    simdisk_call_t call;
    unsigned nth;   /* from 1; 0: none */
    int code;       /* 0: a short transfer */
    unsigned limit; /* bytes that are transferred all the same */
    bool drop;      /* of a sync: what the cache held is dropped */
    bool lasting;   /* and every later one of the step */
} step_fault_t;

typedef enum crash_kind { CRASH_NONE, CRASH_CUT, CRASH_KILL, CRASH_DROP, CRASHES } crash_kind_t;

/** Which of the units that are not durable a power cut keeps. */
typedef enum crash_pattern {
    KEEP_NONE,
    KEEP_ALL,
    KEEP_SOME, /* one in two */
    KEEP_FEW,  /* one in eight */
    KEEP_MOST, /* seven in eight */
    KEEP_ONE,
    KEEP_ALL_BUT_ONE,
    PATTERNS
} crash_pattern_t;

typedef struct step_crash {
    crash_kind_t kind; /* CRASH_DROP: the process is killed, and write-back of what it left fails in part */
    unsigned call;     /* before the nth changing call of the step; 0, or more than there are: behind the step */
    crash_pattern_t pattern;
    simdisk_fill_t fill;
    uint32_t seed;
} step_crash_t;

typedef struct step {
    step_kind_t kind;
    unsigned slot; /* index of the section */
    uint32_t amount;
    step_fault_t fault;
    step_crash_t crash;
} step_t;

#define SCRIPT_NUMBERS 3 /* sets of section numbers */

typedef struct script {
    uint16_t page_size;
    unsigned numbers;
    bool readers; /* threads that read beside */
    bool shorts;  /* every fourth transfer is a short one */
    bool tear;    /* power cuts tear sectors */
    bool log;     /* new sections are of version 2, but for every fourth life's, which are of version 1; those of every
                     second life keep values apart */
    bool spoil;   /* power cuts turn sectors to garbage that were being written */
    step_t *steps;
    size_t count;
} script_t;

/** What kind of history is made from a seed. */
typedef struct script_options {
    bool readers, tear, spoil, faults, log;
} script_options_t;

script_t *script_generate(uint64_t seed, const script_options_t *options);
script_t *script_copy(const script_t *script);
void script_free(script_t *script);

/** The text, to be freed. */
char *script_print(const script_t *script);
/** NULL: *wrong says where it is no script. */
script_t *script_parse(const char *text, const char **wrong);

const char *step_name(step_kind_t kind);
const char *pattern_name(crash_pattern_t pattern);

static inline uint64_t script_mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    hash ^= hash >> 32;
    hash *= UINT64_C(0xD6E8FEB86659FD93);
    return hash ^ hash >> 29;
}

#endif
