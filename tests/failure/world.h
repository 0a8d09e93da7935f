/*
 * failure/world.h: a journal on a storage that fails, a model of what it must hold, and the steps that a scenario is
 * made of. A step makes one call of the library (reading and replaying: a row of them), looks at what it gives, and
 * carries the model along when it succeeds. When it fails the model stays, because the journal has to stay as it was.
 *
 * Sections are numbered 0 to 7. Every value is different, and follows from its record's id.
 */
#ifndef TESTS_FAILURE_WORLD_H
#define TESTS_FAILURE_WORLD_H

#include "failure/disk.h"
#include "failure/faulty.h"
#include "support/support.h"

enum { MODEL_SECTIONS = 8, MODEL_RECORDS = 96 };

typedef enum step_kind {
    DO_END, /* of a list of steps */
    DO_OPEN,
    DO_OPEN_READ_ONLY,
    DO_OPEN_ANY_PAGE_SIZE, /* page_size 0: as the files have it */
    DO_OPEN_CHECKPOINT,    /* oldest `extra`, `section`, `size` records */
    DO_CLOSE,
    DO_ABANDON,
    DO_DESTROY,
    DO_APPEND,  /* a value of `size` bytes to `section` */
    DO_APPENDV, /* the same, in `extra` pieces */
    DO_BATCH,   /* `extra` records at once, values of `size`, `size` + 1, ... bytes */
    DO_STREAM,  /* a value of `size` bytes, written in pieces of `extra` */
    DO_SYNC,
    DO_SYNC_START,
    DO_SYNC_WAIT, /* for what was started last */
    DO_SYNC_ALL,
    DO_SYNC_SECTIONS, /* `section`, the next one, and one that is not there */
    DO_FLUSH,
    DO_PRUNE,           /* below `section` */
    DO_REWIND,          /* `section` to `size` records */
    DO_REWIND_SECTION,  /* the same */
    DO_ACKNOWLEDGE,     /* what was lost */
    DO_DISCARD,         /* what was set aside of it */
    DO_READ,            /* every record by read, get, get_value, last */
    DO_READ_TOGETHER,   /* every record of a section by read_values, then get_values */
    DO_READ_IN_PIECES,  /* every value by a reader, `size` bytes at a time; `extra`: verified first */
    DO_VERIFY,          /* everything */
    DO_COPY,            /* everything, into a directory beside */
    DO_COPY_BESIDE,     /* everything, from the files of whatever is open */
    DO_COPY_INTO,       /* everything, compressed, into another one */
    DO_INSPECT,         /* whatever is open */
    DO_SALVAGE,         /* whatever is open, into a storage that does not fail */
    DO_VIEW,            /* every record by view, every value by view_value */
    DO_SCAN,            /* the same as the next, with values */
    DO_REPLAY,          /* from record `size` of `section`, reading `extra` bytes ahead */
    DO_SCAN_BACK,       /* every record and value from the end of `section` down, reading `extra` bytes at a time */
    DO_TEAR,            /* an append like DO_APPEND that the storage fails with EIO after half of its one write */
    HARM_VALUES,        /* the last byte of the values file is gone, `size` records stay */
    HARM_NO_VALUES,     /* the values file is gone, `size` records stay (0 or what there are) */
    HARM_VALUES_HEADER, /* the values file is emptied, and its header gone */
    HARM_HEADER,        /* the last `size` bytes of the index file are gone, which held no record */
    HARM_INDEX_JUNK,    /* bytes behind the end of the index file */
    HARM_JUNK,          /* bytes behind the end of both files */
    HARM_ORPHAN,        /* a values file without an index file */
    HARM_INDEX,         /* version 2: the index file is gone, and no record is */
    HARM_REMOVAL,       /* version 2: a removal of the section was cut off, its index file is gone */
    HARM_NO_INDEX,      /* a values partition, empty, where there is no journal */
    HARM_DICTIONARY,    /* the dictionary is damaged: `extra` 1, in the values file; 2, in the index file */
    HARM_CREATION,      /* both files end within their dictionaries, and there were no records */
    HARM_HOLE,          /* commonware: index page `extra` is damaged, `size` records stay where open cuts there */
    MAKE_COUNTS /* commonware: the partition "counts" of an archive counts all records; `extra`: of sections that
                           are not there */
} step_kind_t;

typedef struct step {
    step_kind_t kind;
    uint64_t section;
    uint32_t size;
    uint32_t times; /* so often; 0: once */
    uint64_t extra;
} step_t;

typedef struct model_record {
    uint64_t id;
    uint32_t size;
    oversized_location_t location;
} model_record_t;

/** What is known of a section: it has `least` to `count` records; mostly the two are equal. */
typedef struct model_section {
    bool listed;
    bool may_be_missing; /* it is listed or not */
    bool durable;        /* its names were covered by a completed sync */
    size_t count, least;
    size_t synced; /* covered by a completed sync */
    model_record_t records[MODEL_RECORDS];
} model_section_t;

typedef struct model {
    uint64_t next_id;
    model_section_t sections[MODEL_SECTIONS];
} model_t;

typedef struct world {
    const segj_storage_t *disk; /* beneath the faulty storage */
    faulty_t faulty;
    oversized_config_t config;
    oversized_t *journal; /* NULL: not open */
    model_t model;
    segj_buffer_t value, scratch;
    oversized_ticket_t tickets[MODEL_SECTIONS]; /* of the last sync_start of each section */
    size_t ticketed[MODEL_SECTIONS];            /* records that it answers for */
    unsigned warnings, errors;                  /* lines logged */
    bool read_only;                             /* as the journal was opened last */
    bool unrepaired;                            /* that open found no room to repair every section */
    bool under_test;                            /* library_running is set by steps from now on */
    void (*around)(bool entering);              /* NULL, or called before and behind each call of a step under test */
} world_t;

/** Set while a call of a step under test runs; not while a test looks at what came of it. */
extern bool library_running;

/** `disk` outlives the world. NULL configure: small_config() with buffers of a few records. */
void world_init(world_t *w, const segj_storage_t *disk, void (*configure)(oversized_config_t *config));
/** The journal is closed. */
void world_free(world_t *w);

/** From here on faults strike, in the steps alone. */
void begin_test(world_t *w, fault_t fault);

/** A step that adds records. */
bool appends(const step_t *step);

/** One step, once. */
segj_status_t take_step(world_t *w, const step_t *step);

/** The steps of a list, each of which succeeds. */
void take_steps(world_t *w, const step_t *steps);

/** What readers see is within what the model says. */
void check_world(world_t *w);

/** The step failed and left unknown what became of it: the model allows all that the contract does, to readers. */
void allow_partial(world_t *w, const step_t *step);

/** The journal was left without a close that succeeded, maybe in the midst of a step (or NULL): what a new open may
 *  find. */
void allow_loss(world_t *w, const step_t *step);

/** Opens the journal, which must succeed, checks it against the model, and makes the model say what is there. */
void reopen(world_t *w);

/** A number for the sections and their counts, as the model has them. */
uint64_t model_digest(const model_t *model);

#endif /* TESTS_FAILURE_WORLD_H */
