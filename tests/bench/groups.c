/*
 * bench/groups.c: the workloads, as commands (engine_external.c) to one contender.
 */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "data.h"

#define SMALL_COUNT 1000000
#define PAGE_COUNT 200000
#define LARGE_COUNT 16000
#define SYNCED_COUNT 1000
#define GROUPED_COUNT 20000
#define GROUPED_EVERY 100
#define READS 200000
#define EXTERNAL_PART 4
#define JSON_COUNT 50000
#define JSON_READS 50000
#define EVENT_COUNT 60000
#define REPLAY_COUNT 10000000
#define BESIDE_COUNT 50000
#define BESIDE_BATCH 50
#define BESIDE_MILLISECONDS 10
#define LATENCY_COUNT 100000
#define CRASH_COUNT 100000
#define CRASH_BELOW 2000000
#define SECTIONS 100000
#define TOGETHER_COUNT 3200
#define TURNS_COUNT 1600
#define CROWD_COUNT 1000000

const bench_row_info_t bench_rows[ROWS] = {
    [ROW_W1] = {"W1", "append 1,000,000 x 100 B, sync at the end", SMALL_COUNT, false, false},
    [ROW_W2] = {"W2", "append 200,000 x 4 KiB, sync at the end", PAGE_COUNT, false, false},
    [ROW_W3] = {"W3", "append 16,000 x 64 KiB, sync at the end", LARGE_COUNT, false, false},
    [ROW_W4] = {"W4", "append 1,000 x 1 KiB, sync after each", SYNCED_COUNT, false, false},
    [ROW_W5] = {"W5", "append 20,000 x 1 KiB, sync after each 100", GROUPED_COUNT, false, false},
    [ROW_R1] = {"R1", "random reads of 4 KiB, warm", READS, true, false},
    [ROW_R2] = {"R2", "scan of 200,000 x 4 KiB, warm", PAGE_COUNT, true, false},
    [ROW_R3] = {"R3", "random reads of 4 KiB, two threads, warm", READS, true, false},
    [ROW_O1] = {"O1", "open, and read one of 200,000 x 4 KiB", 1, false, false},
    [ROW_W2_COMPRESSED] = {"W2z", "append 50,000 x 4 KiB of JSON, compressed, sync at the end", JSON_COUNT, false,
                           false},
    [ROW_W2_PACKED] = {"W2zc", "  and closed: everything is stored compressed", JSON_COUNT, false, false},
    [ROW_R1_COMPRESSED] = {"R1z", "random reads of 4 KiB of JSON, compressed, warm", JSON_READS, true, false},
    [ROW_EVENTS_WRITTEN] = {"E1", "append 60,000 JSON events of 261 B, compressed, sync at the end", EVENT_COUNT, false,
                            false},
    [ROW_EVENTS_READ] = {"E1r", "random reads of them, warm", JSON_READS, true, false},
    [ROW_EVENTS_STORED] = {"E1s", "bytes of all files for a byte of them", 1, false, true},
    [ROW_REPLAY] = {"P1", "replay of 10,000,000 records without values", REPLAY_COUNT, true, false},
    [ROW_READS_BESIDE] = {"M1", "random reads of 4 KiB beside 50 appends and a sync every 10 ms", READS, true, false},
    [ROW_APPENDS_BESIDE] = {"M1a", "appends meanwhile (5,000 a second are asked for)", 1, true, false},
    [ROW_LATENCY_50] = {"L50", "append of 1 KiB beside a thread that always syncs: median", 1, false, false},
    [ROW_LATENCY_99] = {"L99", "  99 % are faster", 1, false, false},
    [ROW_LATENCY_999] = {"L999", "  99.9 % are faster", 1, false, false},
    [ROW_LATENCY_MAX] = {"Lmax", "  the slowest of 100,000", 1, false, false},
    [ROW_CRASH_SMALL] = {"X5", "open after a crash: 100,000 records of 100 B not synced", CRASH_COUNT, false, false},
    [ROW_CRASH_LARGE] = {"X6", "  1,000,000 records not synced", 10 * CRASH_COUNT, false, false},
    [ROW_CRASH_ABOVE_W] = {"X5w", "  100,000 records not synced, above 2,000,000 synced ones", CRASH_COUNT, false,
                           false},
    [ROW_SECTIONS] = {"S1", "open 100,000 clean sections, syncs of directories apart", SECTIONS, false, false},
    [ROW_TOGETHER_1] = {"T1", "append of 1 KiB and sync, by one thread", TOGETHER_COUNT, true, false},
    [ROW_TOGETHER_4] = {"T4", "  by 4 threads", TOGETHER_COUNT, true, false},
    [ROW_TOGETHER_16] = {"T16", "  by 16 threads", TOGETHER_COUNT, true, false},
    [ROW_TOGETHER_64] = {"T64", "  by 64 threads", TOGETHER_COUNT, true, false},
    [ROW_TOGETHER_99] = {"T99", "  by 16 threads: 99 % are faster", 1, false, false},
    [ROW_TURNS] = {"D16", "append of 1 KiB to 16 sections in turn, sync after each", TURNS_COUNT, false, false},
    [ROW_APART_4] = {"TS4", "append of 1 KiB and sync, by 4 threads, each in a section of its own", TOGETHER_COUNT,
                     true, false},
    [ROW_APART_16] = {"TS16", "  by 16 threads", TOGETHER_COUNT, true, false},
    [ROW_APART_64] = {"TS64", "  by 64 threads", TOGETHER_COUNT, true, false},
    [ROW_CROWD_1] = {"C1", "append of 100 B without sync, by one thread", CROWD_COUNT, true, false},
    [ROW_CROWD_2] = {"C2", "  by 2 threads", CROWD_COUNT, true, false},
    [ROW_CROWD_4] = {"C4", "  by 4 threads", CROWD_COUNT, true, false},
    [ROW_CROWD_8] = {"C8", "  by 8 threads", CROWD_COUNT, true, false},
    [ROW_PACK_1] = {"Z1", "append of 4 KiB of JSON, compressed, without sync, by one thread", JSON_COUNT, true, false},
    [ROW_PACK_2] = {"Z2", "  by 2 threads", JSON_COUNT, true, false},
};

/* Sizes of a group that has several rows must stay in proportion. */
uint64_t bench_divided(const bench_t *bench, uint64_t number)
{
    uint64_t divided = number / bench->divisor;
    return divided > 20 || number <= 20 ? divided + (divided == 0) : 20;
}

static uint64_t sized(const bench_turn_t *turn, uint64_t number)
{
    return bench_divided(turn->bench, number);
}

/* --- asking --- */

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Any answer but an error goes. */
static bool ask_anything(bench_turn_t *turn, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool ask(bench_turn_t *turn, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool timed(bench_turn_t *turn, bench_row_t row, const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool ask_list(bench_turn_t *turn, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
static bool ask_list(bench_turn_t *turn, const char *format, va_list arguments)
{
    char command[512];
    (void)vsnprintf(command, sizeof command, format, arguments);
    return bench_session_ask(&turn->session, command, turn->answer, sizeof turn->answer);
}

static bool ask_anything(bench_turn_t *turn, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    bool answered = ask_list(turn, format, arguments);
    va_end(arguments);
    return answered && !starts(turn->answer, "error");
}

static bool ask(bench_turn_t *turn, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    bool answered = ask_list(turn, format, arguments);
    va_end(arguments);
    return answered && (starts(turn->answer, "ok") || starts(turn->answer, "time"));
}

static void record(bench_turn_t *turn, bench_row_t row, double seconds)
{
    if (turn->round > 0)
        turn->bench->measured[row][turn->contender].seconds[turn->round - 1] = seconds;
}

/* Numbers behind the answer's first word; gives how many there were. */
static unsigned numbers_of(const char *answer, double *numbers, unsigned room)
{
    unsigned count = 0;
    const char *at = strchr(answer, ' ');
    for (char *end; at != NULL && count < room; at = end) {
        numbers[count] = strtod(at, &end);
        if (end == at)
            break;
        count++;
    }
    return count;
}

static void keep_counts(bench_turn_t *turn, bench_row_t row)
{
    bench_measured_t *measured = &turn->bench->measured[row][turn->contender];
    double numbers[BENCH_COUNTERS];
    if (turn->round > 0 || !ask(turn, "counts") || numbers_of(turn->answer, numbers, BENCH_COUNTERS) != BENCH_COUNTERS)
        return;
    measured->counted = true;
    for (unsigned i = 0; i < BENCH_COUNTERS; i++)
        measured->counts[i] = (uint64_t)numbers[i];
}

static void begin_counts(bench_turn_t *turn)
{
    if (turn->round == 0)
        (void)ask_anything(turn, "counts");
}

void bench_note(bench_measured_t *measured, const char *text)
{
    (void)snprintf(measured->note, sizeof measured->note, "%.*s", (int)sizeof measured->note - 1, text);
}

static void note(bench_turn_t *turn, bench_row_t row)
{
    bench_note(&turn->bench->measured[row][turn->contender], turn->answer);
}

/* A command that answers with its time. "none" leaves the row empty, and the turn goes on. */
static bool timed(bench_turn_t *turn, bench_row_t row, const char *format, ...)
{
    va_list arguments;
    double seconds;
    begin_counts(turn);
    va_start(arguments, format);
    bool answered = ask_list(turn, format, arguments);
    va_end(arguments);
    if (answered && starts(turn->answer, "time") && numbers_of(turn->answer, &seconds, 1) == 1) {
        record(turn, row, seconds * (turn->part > 1 ? turn->part : 1));
        keep_counts(turn, row);
        return true;
    }
    note(turn, row);
    return answered && starts(turn->answer, "none");
}

/* In the discarded round everything is read back and compared. The store is closed, before as after. */
static bool verify(bench_turn_t *turn, uint64_t total, unsigned size)
{
    return turn->round > 0 ||
           (ask(turn, "open") && ask_anything(turn, "verify %" PRIu64 " %u", total, size) && ask(turn, "close"));
}

static bool close_and_verify(bench_turn_t *turn, uint64_t total, unsigned size)
{
    return turn->round > 0 || (ask(turn, "close") && verify(turn, total, size));
}

/* --- groups --- */

static bool takes_part_alone(const bench_contender_t *contender, unsigned where)
{
    return contender->engine != NULL && (contender->engine->can & where) != 0;
}

static bool writes_and_syncs(const bench_contender_t *contender)
{
    return contender->writes && !takes_part_alone(contender, BENCH_PACKS | BENCH_EVENTS_ALONE);
}

static bool writes_and_packs(const bench_contender_t *contender)
{
    return contender->writes && !takes_part_alone(contender, BENCH_SYNCS | BENCH_EVENTS_ALONE);
}

static bool writes(const bench_contender_t *contender)
{
    return contender->writes && !takes_part_alone(contender, BENCH_SYNCS | BENCH_PACKS | BENCH_EVENTS_ALONE);
}

static bool writes_events(const bench_contender_t *contender)
{
    return contender->engine != NULL && contender->writes && contender->reads &&
           !takes_part_alone(contender, BENCH_SYNCS | BENCH_PACKS);
}

static bool does_both(const bench_contender_t *contender)
{
    return contender->writes && contender->reads;
}

/* Variants differ in how they write and read alone; what takes long leaves them out. */
static bool is_plain(const bench_contender_t *contender)
{
    return does_both(contender) && (strchr(contender->label, '+') == NULL || takes_part_alone(contender, BENCH_APART));
}

static bool replays(const bench_contender_t *contender)
{
    return is_plain(contender) && (contender->engine == NULL || (contender->engine->can & BENCH_REPLAY) != 0);
}

static bool append_only(bench_turn_t *turn, bench_row_t row, uint64_t count, unsigned size, unsigned every)
{
    count = sized(turn, count);
    return ask(turn, "create %u", size) && timed(turn, row, "append 1 %" PRIu64 " %u %u", count, size, every) &&
           close_and_verify(turn, count + 1, size);
}

static bool run_w1(bench_turn_t *turn)
{
    return append_only(turn, ROW_W1, SMALL_COUNT, 100, 0);
}

static bool run_w3(bench_turn_t *turn)
{
    return append_only(turn, ROW_W3, LARGE_COUNT, 65536, 0);
}

static bool run_w4(bench_turn_t *turn)
{
    return append_only(turn, ROW_W4, SYNCED_COUNT, 1024, 1);
}

static bool run_w5(bench_turn_t *turn)
{
    return append_only(turn, ROW_W5, GROUPED_COUNT, 1024, GROUPED_EVERY);
}

/* Everybody reads the same positions in a round, but for programs of their own, which read a part of them: some are
 * slow. */
static bool read_randomly(bench_turn_t *turn, bench_row_t row, uint64_t number, uint64_t total, unsigned threads)
{
    turn->part = turn->bench->contenders[turn->contender].engine == NULL ? EXTERNAL_PART : 1;
    uint64_t reads = sized(turn, number) / turn->part;
    bool good = timed(turn, row, "random %" PRIu64 " %" PRIu64 " %u %u", reads, total, turn->round, threads);
    turn->part = 1;
    return good;
}

static bool read_all_ways(bench_turn_t *turn, uint64_t total)
{
    return timed(turn, ROW_O1, "first %" PRIu64, total / 3 + turn->round) && ask(turn, "open") &&
           ask(turn, "warm %" PRIu64, total) && read_randomly(turn, ROW_R1, READS, total, 1) &&
           timed(turn, ROW_R2, "scan %" PRIu64, total) && read_randomly(turn, ROW_R3, READS, total, 2) &&
           ask(turn, "close");
}

static bool run_w2(bench_turn_t *turn)
{
    bench_t *bench = turn->bench;
    uint64_t count = sized(turn, PAGE_COUNT);
    if (!ask(turn, "create 4096") || !timed(turn, ROW_W2, "append 1 %" PRIu64 " 4096 0", count) ||
        !ask(turn, "close") || !verify(turn, count + 1, 4096))
        return false;
    unsigned writer = turn->contender;
    if (!bench->contenders[writer].reads)
        return true;
    bool good = read_all_ways(turn, count + 1);
    for (unsigned i = 0; i < bench->contenders_count && good; i++) {
        const bench_contender_t *reader = &bench->contenders[i];
        if (reader->writes || !bench_same_engine(reader->label, bench->contenders[writer].label))
            continue;
        turn->contender = i;
        good = ask(turn, "use %s", reader->label) && verify(turn, count + 1, 4096) && read_all_ways(turn, count + 1);
    }
    return good;
}

/* Some compress when a table is full, or when they are closed. */
static bool close_timed(bench_turn_t *turn)
{
    double appended = 0;
    double closed = 0;
    (void)numbers_of(turn->answer, &appended, 1);
    if (!ask_anything(turn, "end"))
        return false;
    if (starts(turn->answer, "none")) /* it does not know how */
        return ask(turn, "close");
    if (numbers_of(turn->answer, &closed, 1) != 1)
        return false;
    record(turn, ROW_W2_PACKED, appended + closed);
    return true;
}

static bool run_compressed(bench_turn_t *turn)
{
    uint64_t count = sized(turn, JSON_COUNT);
    if (!ask(turn, "pool json"))
        return false;
    if (!ask(turn, "compress 1"))
        return starts(turn->answer, "none");
    if (!ask(turn, "create 4096") || !timed(turn, ROW_W2_COMPRESSED, "append 1 %" PRIu64 " 4096 0", count) ||
        !close_timed(turn) || !verify(turn, count + 1, 4096))
        return false;
    if (!turn->bench->contenders[turn->contender].reads)
        return true;
    return ask(turn, "open") && ask(turn, "warm %" PRIu64, count + 1) &&
           read_randomly(turn, ROW_R1_COMPRESSED, JSON_READS, count + 1, 1);
}

static bool run_events(bench_turn_t *turn)
{
    uint64_t count = sized(turn, EVENT_COUNT);
    if (!ask(turn, "pool events"))
        return false;
    if (!ask(turn, "compress 1"))
        return starts(turn->answer, "none");
    return ask(turn, "create %d", BENCH_EVENT_SIZE) &&
           timed(turn, ROW_EVENTS_WRITTEN, "append 1 %" PRIu64 " %d 0", count, BENCH_EVENT_SIZE) &&
           ask(turn, "close") && timed(turn, ROW_EVENTS_STORED, "stored %" PRIu64 " %d", count + 1, BENCH_EVENT_SIZE) &&
           verify(turn, count + 1, BENCH_EVENT_SIZE) && ask(turn, "open") && ask(turn, "warm %" PRIu64, count + 1) &&
           read_randomly(turn, ROW_EVENTS_READ, JSON_READS, count + 1, 1);
}

static bool run_replay(bench_turn_t *turn)
{
    uint64_t count = sized(turn, REPLAY_COUNT);
    if (turn->round == 0 &&
        !(ask(turn, "create 0") && ask(turn, "append 1 %" PRIu64 " 0 0", count) && ask(turn, "close")))
        return false;
    return ask(turn, "open") && timed(turn, ROW_REPLAY, "replay %" PRIu64, count + 1);
}

static bool run_beside(bench_turn_t *turn)
{
    uint64_t count = sized(turn, BESIDE_COUNT), reads = sized(turn, READS);
    double numbers[2];
    if (!ask(turn, "create 4096") || !ask(turn, "append 1 %" PRIu64 " 4096 0", count) || !ask(turn, "close"))
        return false;
    begin_counts(turn);
    if (!ask(turn, "beside %" PRIu64 " %" PRIu64 " %u 4096 %d %d", reads, count + 1, turn->round, BESIDE_BATCH,
             BESIDE_MILLISECONDS)) {
        note(turn, ROW_READS_BESIDE);
        return starts(turn->answer, "none");
    }
    if (numbers_of(turn->answer, numbers, 2) != 2)
        return false;
    record(turn, ROW_READS_BESIDE, numbers[0]);
    if (numbers[1] > 0)
        record(turn, ROW_APPENDS_BESIDE, numbers[0] / numbers[1]);
    keep_counts(turn, ROW_READS_BESIDE);
    return close_and_verify(turn, count + 1 + (uint64_t)numbers[1], 4096);
}

static bool run_latency(bench_turn_t *turn)
{
    uint64_t count = sized(turn, LATENCY_COUNT);
    double numbers[4];
    if (!ask(turn, "create 1024") || !ask(turn, "close"))
        return false;
    begin_counts(turn);
    if (!ask(turn, "latency 1 %" PRIu64 " 1024", count)) {
        note(turn, ROW_LATENCY_50);
        return starts(turn->answer, "none");
    }
    if (numbers_of(turn->answer, numbers, 4) != 4)
        return false;
    for (unsigned i = 0; i < 4; i++)
        record(turn, (bench_row_t)(ROW_LATENCY_50 + i), numbers[i]);
    keep_counts(turn, ROW_LATENCY_50);
    return close_and_verify(turn, count + 1, 1024);
}

static bool recovers(const bench_contender_t *contender)
{
    return contender->engine != NULL && contender->engine->abandon != NULL && does_both(contender) &&
           !takes_part_alone(contender, BENCH_PACKS);
}

static bool run_crash(bench_turn_t *turn, bench_row_t row, uint64_t below, uint64_t above)
{
    below = below > 0 ? sized(turn, below) : 0;
    above = sized(turn, above);
    return ask(turn, "create 100") && (below == 0 || ask(turn, "append 1 %" PRIu64 " 100 0", below)) &&
           ask(turn, "unsynced %" PRIu64 " %" PRIu64 " 100", below + 1, above) && ask(turn, "abandon") &&
           timed(turn, row, "open") && ask(turn, "report") && (note(turn, row), true);
}

static bool run_crash_small(bench_turn_t *turn)
{
    return run_crash(turn, ROW_CRASH_SMALL, 0, CRASH_COUNT);
}

static bool run_crash_large(bench_turn_t *turn)
{
    return run_crash(turn, ROW_CRASH_LARGE, 0, 10 * CRASH_COUNT);
}

static bool run_crash_above(bench_turn_t *turn)
{
    return run_crash(turn, ROW_CRASH_ABOVE_W, CRASH_BELOW, CRASH_COUNT);
}

static bool opens_sections(const bench_contender_t *contender)
{
    return contender->engine != NULL && contender->engine->open_sections != NULL;
}

static bool run_sections(bench_turn_t *turn)
{
    uint64_t sections = sized(turn, SECTIONS);
    const bench_engine_t *engine = turn->bench->contenders[turn->contender].engine;
    if (turn->round == 0 && engine->build_sections != NULL && !ask(turn, "build-sections %" PRIu64, sections))
        return false;
    return timed(turn, ROW_SECTIONS, "open-sections %" PRIu64, sections);
}

static bool syncs_together(const bench_contender_t *contender)
{
    return contender->engine != NULL && is_plain(contender);
}

static bool run_together(bench_turn_t *turn)
{
    static const unsigned threads[] = {1, 4, 16, 64};
    uint64_t first = 1;
    uint64_t count = sized(turn, TOGETHER_COUNT) / 64 * 64;
    count = count > 0 ? count : 64;
    if (!ask(turn, "create 1024"))
        return false;
    for (unsigned i = 0; i < 4; i++, first += count) {
        double numbers[2];
        if (!ask(turn, "together %u %" PRIu64 " %" PRIu64 " 1024", threads[i], first, count) ||
            numbers_of(turn->answer, numbers, 2) != 2)
            return false;
        record(turn, (bench_row_t)(ROW_TOGETHER_1 + i), numbers[0]);
        if (threads[i] == 16)
            record(turn, ROW_TOGETHER_99, numbers[1]);
    }
    return true;
}

static bool has_parts(const bench_contender_t *contender)
{
    return syncs_together(contender) && contender->engine->append_apart != NULL;
}

static bool run_apart(bench_turn_t *turn)
{
    static const unsigned threads[] = {4, 16, 64};
    uint64_t first = 1;
    uint64_t count = sized(turn, TOGETHER_COUNT) / 64 * 64;
    count = count > 0 ? count : 64;
    if (!ask(turn, "create 1024"))
        return false;
    for (unsigned i = 0; i < 3; i++, first += count)
        if (!timed(turn, (bench_row_t)(ROW_APART_4 + i), "apart %u %" PRIu64 " %" PRIu64 " 1024", threads[i], first,
                   count))
            return false;
    return true;
}

static bool run_turns(bench_turn_t *turn)
{
    uint64_t count = sized(turn, TURNS_COUNT);
    return ask(turn, "create 1024") && timed(turn, ROW_TURNS, "turns 16 1 %" PRIu64 " 1024", count);
}

/* Each round begins with the next number of threads: a device may take the first gigabyte faster than what follows. */
static bool run_crowd(bench_turn_t *turn)
{
    static const unsigned threads[] = {1, 2, 4, 8};
    uint64_t first = 1;
    uint64_t count = sized(turn, CROWD_COUNT) / 8 * 8;
    count = count > 0 ? count : 8;
    if (!ask(turn, "create 100"))
        return false;
    for (unsigned i = 0; i < 4; i++, first += count) {
        unsigned row = (turn->round + i) % 4;
        if (!timed(turn, (bench_row_t)(ROW_CROWD_1 + row), "crowd %u %" PRIu64 " %" PRIu64 " 100", threads[row], first,
                   count))
            return false;
    }
    return true;
}

static bool packs_together(const bench_contender_t *contender)
{
    return syncs_together(contender) && (contender->engine->can & BENCH_COMPRESS) != 0;
}

static bool run_packs(bench_turn_t *turn)
{
    uint64_t count = sized(turn, JSON_COUNT) / 2 * 2;
    if (!ask(turn, "pool json"))
        return false;
    if (!ask(turn, "compress 1"))
        return starts(turn->answer, "none");
    return ask(turn, "create 4096") && timed(turn, ROW_PACK_1, "crowd 1 1 %" PRIu64 " 4096", count) &&
           timed(turn, ROW_PACK_2, "crowd 2 %" PRIu64 " %" PRIu64 " 4096", count + 1, count);
}

#define ONE(row) (UINT64_C(1) << (row))
#define RANGE(first, last) ((UINT64_C(2) << (last)) - (UINT64_C(1) << (first)))

const bench_group_t bench_groups[] = {
    {"w1", ONE(ROW_W1), false, false, writes, run_w1},
    {"w2", ONE(ROW_W2) | RANGE(ROW_R1, ROW_O1), false, false, writes, run_w2},
    {"w3", ONE(ROW_W3), false, false, writes, run_w3},
    {"w4", ONE(ROW_W4), false, false, writes_and_syncs, run_w4},
    {"w5", ONE(ROW_W5), false, false, writes_and_syncs, run_w5},
    {"compressed", RANGE(ROW_W2_COMPRESSED, ROW_R1_COMPRESSED), false, false, writes_and_packs, run_compressed},
    {"events", RANGE(ROW_EVENTS_WRITTEN, ROW_EVENTS_STORED), false, false, writes_events, run_events},
    {"replay", ONE(ROW_REPLAY), true, false, replays, run_replay},
    {"beside", RANGE(ROW_READS_BESIDE, ROW_APPENDS_BESIDE), false, false, is_plain, run_beside},
    {"latency", RANGE(ROW_LATENCY_50, ROW_LATENCY_MAX), false, false, is_plain, run_latency},
    {"crash", ONE(ROW_CRASH_SMALL), false, false, recovers, run_crash_small},
    {"crash", ONE(ROW_CRASH_LARGE), false, false, recovers, run_crash_large},
    {"crash", ONE(ROW_CRASH_ABOVE_W), false, false, recovers, run_crash_above},
    {"together", RANGE(ROW_TOGETHER_1, ROW_TOGETHER_99), false, false, syncs_together, run_together},
    {"turns", ONE(ROW_TURNS), false, false, has_parts, run_turns},
    {"apart", RANGE(ROW_APART_4, ROW_APART_64), false, false, has_parts, run_apart},
    {"crowd", RANGE(ROW_CROWD_1, ROW_CROWD_8), false, false, syncs_together, run_crowd},
    {"packs", RANGE(ROW_PACK_1, ROW_PACK_2), false, false, packs_together, run_packs},
    {"sections", ONE(ROW_SECTIONS), true, true, opens_sections, run_sections},
};
const unsigned bench_groups_count = sizeof bench_groups / sizeof bench_groups[0];
