/*
 * unit/scripted.h: a storage that follows a script, call by call: short transfers, interruptions, failures, lies. It
 * has one partition with one file, whose bytes are script.bytes.
 */
#ifndef TESTS_UNIT_SCRIPTED_H
#define TESTS_UNIT_SCRIPTED_H

#include "support/support.h"

#include "storage/io.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum { STEPS_MAX = 64, CALLS_MAX = 64, SCRIPT_BYTES = 65536 };

#define WHOLE SIZE_MAX          /* moves all that was asked for */
#define TOO_MUCH (SIZE_MAX - 1) /* claims one byte more than was asked for */

/** What a call does: moves so many bytes (transfers only), then answers with the code. */
struct step {
    int code;
    size_t moves;
};

extern struct script {
    struct step steps[STEPS_MAX]; /* when they are used up, everything is done, at once and whole */
    size_t count;
    size_t next;
    uint64_t offsets[CALLS_MAX]; /* of the transfers */
    uint64_t sizes[CALLS_MAX];
    size_t transfers;
    size_t calls;
    size_t closed;             /* objects */
    size_t calls_before_close; /* of the partition closed last */
    uint8_t bytes[SCRIPT_BYTES];
    uint64_t size;      /* of the one file */
    bool gives_nothing; /* success without an object */
    const char *entries[16];
    segj_entry_kind_t kind;
    bool ignores_visitor;
} script;

extern segj_storage_t scripted;
extern const segj_io_partition_t scripted_part; /* DIR/partition, opened */
extern const segj_io_file_t scripted_file;      /* its section 1, opened */

/** Begins a script, with nothing noted and an empty file. */
void script_set(const struct step *steps, size_t count);
#define SCRIPT(...) script_set((const struct step[]){__VA_ARGS__}, COUNT_OF(((const struct step[]){__VA_ARGS__})))

/** The last error is exactly this text and the system's for the code. */
void expect_sentence(const char *text, int code);

#endif
