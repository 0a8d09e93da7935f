/*
 * crash/scripts.h: every script of up to so many operations, crashed everywhere (crash/explore.h). How far it goes is
 * in the environment (cmake/crash.sh sets it):
 *
 *   SEGJ_CRASH_LENGTH     operations of a script, 1 to 6; 1
 *   SEGJ_CRASH_DEPTH      crashes within recovery, one within the other, 0 to 5; 1
 *   SEGJ_CRASH_STATES     enough after so many states; all
 *   SEGJ_CRASH_TEAR       1: single bytes are lost or kept, not sectors
 *   SEGJ_CRASH_SPOIL      1: sectors being written may turn to garbage, with the synced bytes in them; their cost is counted
 *   SEGJ_CRASH_ONLY       one configuration: 64/plain, log/64/plain, 4084/zstd, 20/ahead, 64/parallel, ...
 *   SEGJ_CRASH_PROGRESS   1: a line to stderr every few seconds
 */
#ifndef CRASH_SCRIPTS_H
#define CRASH_SCRIPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "segjournal/oversized.h"

/** A cmocka test: all scripts in one configuration. */
void explore_all(segj_format_t format, uint16_t page_size, int compression);

/** The same in version 2 of the native format. */
void explore_log(uint16_t page_size, int compression);

/** The same, compressed, with a dictionary in each section. */
void explore_dictionary(uint16_t page_size);

/** The same with values that are kept apart (oversized_config_t.sector_size), on a disk on which a sector that was being
 *  written may turn to garbage, with the synced bytes in it: nothing that was synced is lost by that. */
void explore_sectors(uint16_t page_size);

/** The same with zeros kept behind the values (oversized_config_t.preallocate): scripts that begin with two syncs,
 *  of which the second one makes them, and go on with up to SEGJ_CRASH_LENGTH - 1 operations, at least one. */
void explore_ahead(uint8_t version, uint16_t page_size);

/** The same with records that no sync has covered behind others that one has: scripts that begin so go on with up to
 *  SEGJ_CRASH_LENGTH - 1 operations, at least one. `flushed`: the first of them were handed to the system, and full
 *  buffers are written behind the appends (support/wanted.h). */
void explore_unsynced(segj_format_t format, uint8_t version, uint16_t page_size, bool flushed);

/** The same with both files flushed at the same time (oversized_config_t.parallel_flush), the values' flush through
 *  before the index's: of the order that other syncs have the opposite. Scripts begin with a sync and one record
 *  more, and go on with up to SEGJ_CRASH_LENGTH - 1 operations, at least one. On pages of 64 bytes full buffers are
 *  written behind the appends. */
void explore_parallel(segj_format_t format, uint16_t page_size);

#endif
