/*
 * lessons/story.h: journals on a disk that loses its power, and what must have become of their records.
 *
 * A story is a disk, a journal on it and a model. What is done through the story is noted in the model: which records a
 * section may have, how many of them it must have, whether it may be gone. Every value is made from its record's id, so
 * that a record which reads back somebody else's value is found. An open holds everything that can be read, and the
 * sizes of all files, against the model, and then takes what it found for given: what was shown once must never go.
 *
 * Functions that change something answer false when the power is gone or a fault that the test has injected came in
 * between; any other failure ends the test. The model then allows what the contract allows of a call that was cut off.
 *
 * tell() plays acts one after the other, each on every disk that a power cut or a dying process in the act before it
 * may have left, with every subset of the unsynced units where there are at most eight, and a selection of them where
 * there are more. What comes out is opened, and opened again, and appended to.
 */
#ifndef TESTS_LESSONS_STORY_H
#define TESTS_LESSONS_STORY_H

#include "lessons/crashdisk.h"

enum { STORY_SECTIONS = 6, STORY_RECORDS = 48, STORY_IDS = 256, SUBSET_UNITS = 8 };

typedef struct chapter {
    uint64_t section;
    uint64_t ids[STORY_RECORDS];
    size_t count; /* the section has at most so many */
    size_t floor; /* and at least so many */
    bool there;   /* it must be there, be it empty */
    bool doomed;  /* it may be there or not */
    bool gone;    /* it must not be there */
} chapter_t;

typedef struct story {
    crashdisk_t *disk;
    oversized_config_t config; /* small_config(), strict: a crash loses no synced data; may be changed before an open */
    oversized_t *journal;
    size_t value_size; /* of the values appended from now on: 16 */
    uint64_t next_id;
    size_t sizes[STORY_IDS]; /* of the values by id */
    chapter_t chapters[STORY_SECTIONS];
    size_t chapter_count;
} story_t;

void story_begin(story_t *story);
/** Drops the journal, if there is one, and the disk. */
void story_end(story_t *story);

/** Opens the journal, holds everything against the model, and settles the model on what was found. */
bool story_open(story_t *story);
bool story_append(story_t *story, uint64_t section);
bool story_append_many(story_t *story, uint64_t section, size_t count);
bool story_sync(story_t *story, uint64_t section);
bool story_rewind(story_t *story, uint64_t section, size_t records);
bool story_rewind_section(story_t *story, uint64_t section, size_t records);
bool story_prune(story_t *story, uint64_t min_section);
bool story_close(story_t *story);
/** The process dies: nothing more is written. The disk keeps what it sees. */
void story_kill(story_t *story);
/** The process dies, the power goes, and the story goes on with another disk. */
void story_crash(story_t *story, crash_t crash);

/** Exactly so many records: the model says so, and the journal shows it. */
void story_expect(story_t *story, uint64_t section, size_t records);
/** The journal shows what the model allows. */
void story_check(story_t *story);
/** Opens, sees that this is durable and stays as it is, appends, and sees that this is durable too. Ends with the
 *  journal open. */
void story_verify(story_t *story);

/** The model of a section; makes it. */
chapter_t *story_chapter(story_t *story, uint64_t section);
/** Makes the value of a record. */
void story_value(uint64_t id, uint8_t *value, size_t size);

/* --- acts --- */

/** How an act ends. */
typedef enum act_end {
    POWER_AT_END,   /* it comes to its end, and the power goes; or the act cuts it itself */
    POWER_ANYWHERE, /* the power goes at each change in turn */
    KILL_ANYWHERE,  /* the process dies at each change in turn; the next one finds what it had written */
    LOST_ANYWHERE   /* the same, and the device has lost what was not synced before anybody looks */
} act_end_t;

typedef struct act {
    bool (*play)(story_t *story);
    act_end_t end;
    bool sectors; /* writes tear between sectors */
} act_t;

void tell(const story_t *start, const act_t *acts, size_t count);
/** tell() from an empty disk and the small configuration. */
void tell_new(const act_t *acts, size_t count);
/** Disks that tell() has verified since the program's start. */
unsigned long tell_verified(void);

/** For cmocka_unit_test_setup_teardown: prints where a tell() was that failed. */
int tell_teardown(void **state);
#define TOLD(test) cmocka_unit_test_teardown(test, tell_teardown)

/** Calls `then` on a copy of the story for each choice among the unsynced units, after the power cut that left it. */
void story_each_crash(const story_t *story, bool sectors, void (*then)(story_t *copy, const void *context),
                      const void *context);

#endif
