/*
 * command/command.h: the commands of `segj`, and what they share: options, what they answer, and how they find a
 * journal.
 */
#ifndef SEGJ_COMMAND_COMMAND_H
#define SEGJ_COMMAND_COMMAND_H

#include <getopt.h>
#include <stdbool.h>

#include "segjournal/tools.h"

/** What the program answers. */
typedef enum answer {
    ANSWER_FINE = 0,   /**< done; what was looked at is clean */
    ANSWER_USAGE = 1,  /**< the command line is wrong */
    ANSWER_FAILED = 2, /**< it could not be done */
    ANSWER_REPAIR = 3, /**< an open would repair the journal */
    ANSWER_DAMAGED = 4 /**< synced records are lost, or an open is refused */
} answer_t;

/** How bytes are shown. */
typedef enum show { SHOW_NONE, SHOW_HEX, SHOW_TEXT, SHOW_U64, SHOW_BASE64, SHOW_RAW } show_t;

/** What entries of imported records hold. */
typedef enum fill { FILL_ZERO, FILL_NAME, FILL_NUMBER } fill_t;

/** What a command line says. */
typedef struct options {
    const char *command;
    const char *directory;
    const char *range;             /* the second argument; NULL: not given */
    const char *index, *values;    /* partitions */
    const segj_storage_t *storage; /* cluster.h; NULL: files */
    bool json, reverse, help;
    bool yes;       /* removals need no word more */
    bool dry;       /* nothing may be changed */
    bool follow;    /* what comes is wanted too */
    uint64_t most;  /* records; UINT64_MAX: all */
    uint64_t bytes; /* that are kept; UINT64_MAX: all */
    uint64_t free_bytes;
    uint64_t limit;   /* bytes a second; 0: none */
    uint32_t threads; /* 0: as many as there are processors */
    show_t entry, value;
    /* Of a journal whose files do not tell. */
    bool commonware, compressed;
    bool bare;                      /* values whose entries are lost are wanted too */
    bool format;                    /* commonware or not was said */
    uint64_t entry_size, page_size; /* UINT64_MAX: not given */
    /* Of copies that are stored in another way. */
    uint64_t level, version; /* of zstd, and of the native format; UINT64_MAX: not given */
    uint64_t first_section, last_section;
    /* Of exports and imports. */
    const char *to, *name; /* a directory, and a template; NULL: not given */
    bool tar, lines;
    fill_t fill;
    char **more; /* the arguments after the second one */
    int more_count;
} options_t;

/** A command. */
typedef struct command {
    const char *name;
    const char *letters;           /* its options, by their short names: of those in options.c */
    const char *arguments;         /* as the usage shows them */
    const char *summary;           /* in a line */
    const char *help;              /* the rest of --help, with an example */
    bool takes_range, needs_range; /* a second argument */
    bool takes_more;               /* and more after it */
    bool values;                   /* it is about values */
    answer_t (*run)(const options_t *options);
} command_t;

/* commands.c: all of them, the last one without a name. */
extern const command_t commands[];

answer_t command_stat(const options_t *options);
answer_t command_list(const options_t *options);
answer_t command_tail(const options_t *options);
answer_t command_watch(const options_t *options);
answer_t command_get(const options_t *options);
answer_t command_verify(const options_t *options);
answer_t command_copy(const options_t *options);
answer_t command_prune(const options_t *options);
answer_t command_retain(const options_t *options);
answer_t command_salvage(const options_t *options);
answer_t command_rewind(const options_t *options);
answer_t command_recover(const options_t *options);
answer_t command_map(const options_t *options);
answer_t command_dump(const options_t *options);
answer_t command_load(const options_t *options);
answer_t command_export(const options_t *options);
answer_t command_import(const options_t *options);
answer_t command_completion(const options_t *options);

/* options.c */
/** An option. */
typedef struct known_option {
    char letter;
    struct option option;
    const char *text;  /* as the help shows it */
    const char *words; /* that it may be given; NULL: others */
} known_option_t;
/** All of them; the last one has no letter. */
extern const known_option_t known_options[];
/** Whether an option has its long name alone. */
bool option_is_long(char letter);
/** Whether a command has an option. */
bool command_has(const command_t *command, char letter);
/** Reads a command line, without the program's name. False: it is wrong, which has been said. */
bool options_read(const command_t *command, int count, char **arguments, options_t *options);
/** Prints a command's help. */
void options_help(const command_t *command);

/* output.c */
/** To standard output; what goes wrong there is seen at the end. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void print_bytes(const void *bytes, size_t size);
/** To standard error, with the command's name. Gives the answer back. */
answer_t complain(answer_t answer, const char *format, ...) __attribute__((format(printf, 2, 3)));
/** The user at the terminal says yes to a question; false where there is no terminal. */
bool is_agreed(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** The library's sentence, and what to do next where that is known. */
answer_t complain_of(const options_t *options, segj_status_t status);
/** Bytes as the command line asks for; text is made harmless for a terminal. */
void print_shown(const void *bytes, size_t size, show_t show);
/** Bytes in a word: "1.5 GB". */
void bytes_text(uint64_t bytes, char *text, size_t size);
/** The same as text that the caller frees; NULL: out of memory. */
char *shown_text(const void *bytes, size_t size, show_t show);

/** Records of one section, or all records. */
typedef struct range {
    bool all;
    uint64_t section;
    uint64_t first, last; /* last: included; UINT64_MAX: to the end */
} range_t;

/* stat.c */
/** Looks at the journal of a command line. ANSWER_FINE, and the caller frees the inspection; else the reason was
 *  printed. */
answer_t inspect(const options_t *options, oversized_inspection_t **found);
/** The same, and opens the journal for reading. */
answer_t open_for_reading(const options_t *options, oversized_t **journal, oversized_config_t *config);
/** The same for changes: what an open would refuse or lose is refused. */
answer_t open_for_writing(const options_t *options, oversized_t **journal);
/** Opens it with a line of progress. A signal during the open ends the program, and the journal is closed before. */
segj_status_t open_followed(oversized_config_t *config, oversized_t **journal);
/** Synced records that the journal has lost: of the range that is all, or goes to the end of its section. */
answer_t count_lost(const options_t *options, const oversized_t *journal, const range_t *range, uint64_t *lost);
/** Tells of them; the answer with that, where it is fine without. */
answer_t tell_lost(const options_t *options, const oversized_t *journal, const range_t *range, answer_t answer);
/** Makes a configuration fit the sections that are there: new ones become like these. What no file tells stays. */
void configure_as_found(const oversized_inspection_t *found, oversized_config_t *config);
answer_t health_answer(oversized_health_t health);
const char *health_word(oversized_health_t health);

/* record.c */
/** A record that is shown. */
typedef struct record {
    uint64_t section, position;
    const void *entry;
    size_t entry_size;
    oversized_location_t stored;
    const void *value; /* NULL: it is not shown */
    size_t value_size;
    bool told, synced; /* whether it is synced is told */
} record_t;
/** Prints a line. False: out of memory. */
bool record_print(const options_t *options, const record_t *record);

/* range.c */
/** Reads "N", "N:P", "N:P-Q", "N:P-" or, NULL, nothing, which is all. */
bool range_read(const char *text, range_t *range);

#endif
