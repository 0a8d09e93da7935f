/*
 * bench/bench.h: what the parts of the benchmark's main process share. It knows contenders (engines and their
 * variants), rows (what is measured) and groups (the commands that a turn gives to one contender, and the rows that it
 * fills).
 */
#ifndef SEGJ_BENCH_BENCH_H
#define SEGJ_BENCH_BENCH_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "engine.h"
#include "interpose.h"

#define BENCH_CONTENDERS 32
#define BENCH_ROUNDS 100
#define BENCH_NOTE 200

/** Everything measured. Numbers are seconds, and lower is better, in every row. */
typedef enum bench_row {
    ROW_W1,
    ROW_W2,
    ROW_W3,
    ROW_W4,
    ROW_W5,
    ROW_R1,
    ROW_R2,
    ROW_R3,
    ROW_O1,
    ROW_W2_COMPRESSED,
    ROW_W2_PACKED,
    ROW_R1_COMPRESSED,
    ROW_EVENTS_WRITTEN,
    ROW_EVENTS_READ,
    ROW_EVENTS_STORED,
    ROW_REPLAY,
    ROW_READS_BESIDE,
    ROW_APPENDS_BESIDE,
    ROW_LATENCY_50,
    ROW_LATENCY_99,
    ROW_LATENCY_999,
    ROW_LATENCY_MAX,
    ROW_CRASH_SMALL,
    ROW_CRASH_LARGE,
    ROW_CRASH_ABOVE_W,
    ROW_SECTIONS,
    ROW_TOGETHER_1,
    ROW_TOGETHER_4,
    ROW_TOGETHER_16,
    ROW_TOGETHER_64,
    ROW_TOGETHER_99,
    ROW_TURNS,
    ROW_APART_4,
    ROW_APART_16,
    ROW_APART_64,
    ROW_CROWD_1,
    ROW_CROWD_2,
    ROW_CROWD_4,
    ROW_CROWD_8,
    ROW_PACK_1,
    ROW_PACK_2,
    ROWS
} bench_row_t;

typedef struct bench_row_info {
    const char *name, *title;
    uint64_t operations; /**< in one measurement, at full size */
    bool rate;           /**< shown as operations a second */
    bool share;          /**< no time: a part of something */
} bench_row_info_t;

extern const bench_row_info_t bench_rows[ROWS];

typedef struct bench_contender {
    const char *label;
    const bench_engine_t *engine; /**< NULL: a program of its own */
    const char *program;
    bool writes, reads;
    char options[512]; /**< as told */
} bench_contender_t;

typedef struct bench_measured {
    double seconds[BENCH_ROUNDS]; /**< NaN where there is none */
    uint64_t counts[BENCH_COUNTERS];
    bool counted;
    char note[BENCH_NOTE]; /**< why there is no number, or what was found */
} bench_measured_t;

typedef struct bench {
    bench_contender_t contenders[BENCH_CONTENDERS];
    unsigned contenders_count;
    bool wanted[ROWS];
    unsigned rounds;  /**< measured; one more comes before them and is discarded */
    uint64_t divisor; /**< of the sizes; 1: full size */
    const char *directory;
    char pools[2][4096]; /**< files, for programs of their own */
    bench_measured_t measured[ROWS][BENCH_CONTENDERS];
    unsigned failures;
    volatile sig_atomic_t stopped; /**< by a signal */
} bench_t;

/** operations, as divided. */
uint64_t bench_divided(const bench_t *bench, uint64_t number);

void bench_note(bench_measured_t *measured, const char *text);

/* --- session.c: a process that takes commands --- */

typedef struct bench_session {
    pid_t process;
    FILE *commands, *answers;
} bench_session_t;

bool bench_session_start(bench_session_t *session, const bench_t *bench, const bench_contender_t *contender,
                         const char *directory);
/** Sends a command, waits for the answer, a line without its end. False when the process has ended. */
bool bench_session_ask(bench_session_t *session, const char *command, char *answer, size_t room);
void bench_session_end(bench_session_t *session, bool kill_it);
/** Starts a program with its input and output connected (engine_external.c). Does not return. */
void bench_external_run(const bench_t *bench, const bench_contender_t *contender, const char *directory);

/* --- groups.c --- */

typedef struct bench_turn {
    bench_t *bench;
    bench_session_t session;
    unsigned contender, round; /**< round 0: the one that is discarded, verified and counted */
    unsigned part; /**< only one in so many operations is asked for, and the time multiplied; 0, 1: all are */
    char answer[1024];
} bench_turn_t;

typedef struct bench_group {
    const char *name;
    uint64_t rows; /**< those that it fills: bit by bit */
    bool keep;     /**< directories are kept from round to round */
    bool share;    /**< and are the same for all contenders */
    bool (*takes)(const bench_contender_t *contender);
    /** False: the turn ends here; the answer says why. */
    bool (*run)(bench_turn_t *turn);
} bench_group_t;

extern const bench_group_t bench_groups[];
extern const unsigned bench_groups_count;

/* --- turns.c --- */

/** Runs all wanted groups. */
bool bench_run(bench_t *bench);

/* --- report.c, chart.c --- */

typedef struct bench_spread {
    unsigned count;
    double low, median, high; /**< quartiles */
} bench_spread_t;

bench_spread_t bench_spread(const double *numbers, unsigned count);
/** Of the seconds of a row. */
bench_spread_t bench_row_spread(const bench_t *bench, bench_row_t row, unsigned contender);
/** Of seconds of `ours` / seconds of `other`, round by round. */
bench_spread_t bench_ratio_spread(const bench_t *bench, bench_row_t row, unsigned ours, unsigned other);
/** "0.224 s", "15.2 ms", "463 k/s". */
const char *bench_format(char *to, size_t room, const bench_t *bench, bench_row_t row, double seconds);
/** The same engine, whatever the variant. */
bool bench_same_engine(const char *label, const char *other);

void bench_report(const bench_t *bench, FILE *to);
bool bench_write_csv(const bench_t *bench, const char *path);
bool bench_write_chart(const bench_t *bench, const char *path);

#endif
