/*
 * bench/engine_external.c: engines that are programs of their own, written in any language. They take turns with the
 * built-in ones, which answer the same commands (serve.c).
 *
 * THE PROTOCOL
 *
 * The benchmark is told of the program with `--external LABEL=PROGRAM` (may be given several times) and starts a fresh
 * process for every turn:
 *
 *     PROGRAM DIRECTORY RANDOM-POOL JSON-POOL
 *
 * DIRECTORY exists and is empty, or holds what an earlier process of the same program left there (only `open` or
 * `first` follows then). The program reads commands from standard input, one a line, words separated by single spaces,
 * and answers each with exactly one line on standard output, which it flushes. It ends at `quit` or at the end of the
 * input, with exit status 0, without closing its store properly. Standard error is shown as it is. Answers:
 *
 *     ok [TEXT]          done
 *     time SECONDS       done; this long, by a monotonic clock, at least 9 digits behind the point
 *     none REASON        this engine has no such thing; the row stays empty. Right for every command it does not know
 *     error REASON       it went wrong; the turn ends and the row is marked
 *
 * RECORDS. A store is a list of records with positions 0, 1, 2, ... Record i is an entry or key of 8 bytes, i
 * big-endian, and a value of SIZE bytes: those of the pool file that begin at
 *
 *     offset(i) = ((i * 0x9E3779B97F4A7C15 mod 2^64) >> 47) * 8
 *
 * Both pool files are 1 MiB + 64 KiB long, so that offset(i) + SIZE always fits. Read the pool into memory at start;
 * values are handed to the store from there (no work to make them is timed). SIZE 0 is an empty value.
 *
 * READS. What is read is consumed: the exclusive or of the value's 64-bit words, all of them, goes into a variable that
 * the compiler cannot drop. That is the caller's share, the same for all; an engine that hands out pointers into memory
 * may do so. Where reads are random, thread t (0, 1, ...) takes its positions from splitmix64:
 *
 *     state = SEED + t * 1000003;   for each read:
 *         state += 0x9E3779B97F4A7C15;  z = state;
 *         z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;  z = z ^ (z >> 31);
 *         position = z mod TOTAL
 *
 * COMMANDS
 *
 *     options            -> ok TEXT: the engine's version and the options it runs with, for the report. First command.
 *     pool random|json   -> ok. Which pool values come from; random before the first of these.
 *     compress 0|1       -> ok. Whether the store is to compress (zstd at its default level, or what it has); before
 *                           `create`. 0 before the first of these. `none` where it cannot.
 *     create SIZE        -> ok. Makes a store in DIRECTORY and opens it, appends record 0 and makes it durable, so that
 *                           what is timed next begins with a store that exists.
 *     append FIRST COUNT SIZE EVERY -> time. Appends the records FIRST to FIRST + COUNT - 1 and makes them durable: after
 *                           each EVERY records, and at the end; EVERY 0: at the end alone. Between two such points the
 *                           program may batch as it likes. At such a point every record before it survives a power cut
 *                           (fsync, fdatasync or the like has returned).
 *     close              -> ok. Closes the store properly. May put it in order for reading (compaction).
 *     end                -> time. The same, where it is timed: the store compresses, and all is stored so when it answers.
 *     open               -> time. Opens the store.
 *     first POSITION     -> time. Opens the store and reads that record, then closes it, untimed.
 *     warm TOTAL         -> ok. Prepares for reading: loads an index, fills caches, by reading everything once.
 *     random COUNT TOTAL SEED THREADS -> time. COUNT random reads, THREADS threads making COUNT / THREADS each, of a store
 *                           with TOTAL records. The clock starts before the threads and stops when all have ended.
 *     scan TOTAL         -> time. Reads all values in order.
 *     replay TOTAL       -> time. Visits all records in order, without their values: the sum of all entries, and of all
 *                           value sizes, is built up. The sum of the entries must be TOTAL * (TOTAL - 1) / 2.
 *     verify TOTAL SIZE  -> ok. Reads everything, in order and at 10,000 random positions, and compares each entry and
 *                           value with what it must be; `error` at the first difference. Not timed.
 *     beside COUNT TOTAL SEED SIZE BATCH MILLISECONDS -> ok READ-SECONDS APPENDED. COUNT random reads of the records below
 *                           TOTAL by one thread, while another appends BATCH records and makes them durable every
 *                           MILLISECONDS (later where it cannot keep up), until the reads have ended.
 *     latency FIRST COUNT SIZE -> ok P50 P99 P999 MAX, in seconds. One thread appends COUNT records one by one, each
 *                           timed by itself and visible to readers when its append returns; another makes everything
 *                           durable, again and again, as fast as it can.
 *     quit               -> no answer.
 *
 * Commands are sent in an order that makes sense: create, append, close; open, verify, close; first; open, warm,
 * random, scan, close. TOTAL counts record 0 as well.
 */
#include <unistd.h>

#include "bench.h"

void bench_external_run(const bench_t *bench, const bench_contender_t *contender, const char *directory)
{
    (void)execl(contender->program, contender->program, directory, bench->pools[0], bench->pools[1], (char *)NULL);
    perror(contender->program);
    _exit(127);
}
