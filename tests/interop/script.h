/*
 * interop/script.h: scripts of journal operations, which play.c plays on this library and rust/ on the crate. The
 * language is told in README.md.
 */
#ifndef INTEROP_SCRIPT_H
#define INTEROP_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { SETTING_SECTIONS = 8, SCRIPT_LINE = 512, NAME_LIMIT = 64 };

/** The crate that a script is for. */
typedef struct release {
    bool newer;     /* 2026.9.0 or later */
    bool counts;    /* as an archive */
    uint8_t header; /* the container of new journals: 0 or 1 */
} release_t;

/** What a script's journal is like; sizes in bytes. */
typedef struct setting {
    char id[NAME_LIMIT];
    uint32_t entry;
    bool fixed; /* values are arrays of value_size bytes; otherwise byte strings with their length before them */
    uint32_t value_size;
    uint16_t page;
    uint32_t cache; /* pages */
    size_t index_buffer, value_buffer;
    int zstd;                            /* level; 0: none */
    uint8_t header;                      /* the container of new journals: 0 or 1 */
    bool hole;                           /* a section ends before a damaged page, as in newer releases */
    bool counts;                         /* as an archive, where the crate counts what was synced */
    bool holed;                          /* a damaged page stays before valid ones; not in the script, either */
    bool newer;                          /* the crate is of 2026.9.0 or later; not in the script, but said besides */
    uint64_t sections[SETTING_SECTIONS]; /* all that the script may touch */
    size_t section_count;
} setting_t;

typedef enum operation_kind {
    OPERATION_OPEN,
    OPERATION_OPEN_AT,         /* section, records: what follows goes */
    OPERATION_OPEN_CHECKPOINT, /* section, records: the state in which they were the last */
    OPERATION_CLOSE,
    OPERATION_ABANDON,
    OPERATION_DESTROY,
    OPERATION_APPEND, /* section, number, size */
    OPERATION_SYNC,   /* section */
    OPERATION_SYNC_ALL,
    OPERATION_PRUNE,          /* section */
    OPERATION_REWIND,         /* section, records */
    OPERATION_REWIND_SECTION, /* section, records */
    OPERATION_REPLAY,         /* section, position */
    OPERATION_VALUE,          /* section, offset, size */
    OPERATION_DUMP,
    OPERATION_KINDS
} operation_kind_t;

typedef struct operation {
    operation_kind_t kind;
    uint64_t words[3];
    char line[SCRIPT_LINE];
} operation_t;

typedef struct script {
    setting_t setting;
    operation_t *operations;
    size_t count, capacity;
} script_t;

/** How many numbers follow the operation's name. */
size_t operation_words(operation_kind_t kind);

/** Adds an operation at the end; numbers that the operation does not take are ignored. */
void script_add(script_t *script, operation_kind_t kind, uint64_t first, uint64_t second, uint64_t third);
void script_free(script_t *script);

void script_write(const script_t *script, FILE *file);
/** Reads the next script; false at the end of the file. What is not a script ends the program, with a sentence. */
bool script_read(FILE *file, script_t *script);

/** The value that a number and a size stand for. A number below 256 gives that byte again and again, every fourth one
 *  bytes that compress well. */
void fill_bytes(uint64_t number, uint8_t *bytes, size_t size);
/** The entry of a number: the number itself, big-endian, at the end. */
void fill_entry(uint64_t number, uint8_t *bytes, size_t size);
/** FNV-1a. */
uint64_t digest_bytes(const void *bytes, size_t size);

/** Prints a sentence and ends the program. */
_Noreturn void interop_die(const char *format, ...) __attribute__((format(printf, 1, 2)));
void *interop_need(void *memory);

#endif /* INTEROP_SCRIPT_H */
