/*
 * support/support.h: what the test programs share.
 *
 * Assertions on statuses, and small helpers that append to and check a journal; with it come temporary directories and raw
 * files (files.h), and the native format (format.h).
 *
 * Helpers do not answer with errors: where something is not as it must be they print what and where, and fail the
 * running test. The header brings those of cmocka with it, in the order that they need.
 */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include "segjournal/oversized.h"
#include "support/files.h"
#include "support/format.h"

/* --- statuses --- */

/** The call answers SEGJ_OK; otherwise the status and segj_last_error() are printed and the test fails. */
#define assert_ok(call) check_status((call), SEGJ_OK, #call, __FILE__, __LINE__)
/** The call answers exactly this status. */
#define assert_status(call, expected) check_status((call), (expected), #call, __FILE__, __LINE__)

void check_status(segj_status_t actual, segj_status_t expected, const char *call, const char *file, int line);

/* --- journals --- */

enum { SMALL_ENTRY = 8, SMALL_RECORD = 20, SMALL_PAGE = 64 };

/** The format that small_config() asks for: native, or commonware where the environment's SEGJ_TEST_FORMAT says so.
 *  CTest runs some programs both ways. */
segj_format_t tested_format(void);
/** config.native_version of the run: 2 where SEGJ_TEST_FORMAT is native2, 1 in version 1, 0 in the commonware format. */
uint8_t tested_version(void);
/** config.sector_size of the run: in version 2 what the environment's SEGJ_TEST_SECTOR says. */
uint32_t tested_sector(void);
/** Whether a frame that begins there may follow one that ends at `end`: it does at once, or is kept apart. */
bool tested_follows(uint64_t offset, uint64_t end);
/** Bytes before a frame's payload: in version 2 a head with the entry, else none. */
size_t tested_head(size_t entry_size);
/** Where the frame of a record ends. */
uint64_t tested_frame_end(oversized_location_t location, size_t entry_size);
/** Skips the test where version 2 is tested: it is about bytes, or losses, that version 1 alone has. */
void not_in_version_2(void);
/** Skips the test where version 2 or the commonware format is tested. */
void for_version_1_only(void);
/** Skips the test that runs, and says why where people look: the scripts gather these lines
 *  (cmake/skipped_tests.awk). */
#define SKIP(why) (print_message("SKIPPED: %s\n", why), skip())
/** Skips the test where the files are shadows of a cluster's (rados/suite/shadow.c), and says why it cannot run there. */
void not_on_cluster(const char *why);
/** At the beginning of a test of something that only the native format has: skips it in the other one. */
void for_native_only(void);
/** Where the data of new files begins. */
uint64_t tested_index_data(void);
uint64_t tested_values_data(void);

/** Entries of 8 bytes, pages of 64, a cache of 8 pages, write buffers of 1024 bytes, test_index and test_values. */
void small_config(oversized_config_t *config, const char *directory);

/** Appends an entry that is `id` (8 bytes, big-endian) with a value of `size` bytes that are all `fill`. */
oversized_location_t append_filled(oversized_t *journal, uint64_t section, uint64_t id, uint8_t fill, size_t size,
                                   uint64_t *position);
/** The record is there, its entry is `id` and its value is `size` times `fill`, by whichever call it is read. */
void check_filled(oversized_t *journal, uint64_t section, uint64_t position, uint64_t id, uint8_t fill, size_t size);

#endif /* TESTS_SUPPORT_H */
