/**
 * @file segjournal/oversized/dictionary.h
 * Dictionaries for small values, trained.
 *
 * A part of segjournal/oversized.h, which includes it, and which says what holds for all calls.
 */
#ifndef SEGJOURNAL_OVERSIZED_DICTIONARY_H
#define SEGJOURNAL_OVERSIZED_DICTIONARY_H

#include <stddef.h>
#include <stdint.h>

#include "segjournal/oversized/config.h"
#include "segjournal/oversized/read.h"
#include "segjournal/status.h"

#ifdef __cplusplus
extern "C" {
#endif
SEGJ_EXPORT_BEGIN

/** @defgroup segj_dictionary Dictionaries
 *  What small values have in common is said once for a whole section (oversized_config_t.dictionary). A dictionary
 *  that is trained from such values does more than any text that resembles them.
 *  @{ */

/** The smallest dictionary that can be trained, in bytes. */
#define OVERSIZED_DICTIONARY_TRAINED_MIN 256u

/**
 * Trains a dictionary of at most `size` bytes, 256 to OVERSIZED_DICTIONARY_MAX, from `count` values, by zstd (ZDICT),
 * for oversized_config_t.dictionary. 4,096 bytes are enough for events of some hundred bytes. A hundred times as many
 * bytes of values as `size` make a good one, and more a hardly better one: of values that have more than 128 times
 * `size` together, or 1 MiB where that is more, some are passed over, evenly. Of each value the first 128 KiB count.
 * Values are read and not kept. It takes some ten milliseconds for a MiB of values, and memory for the values that
 * count and 10 MiB. Any thread.
 *
 * The dictionary is left in `dictionary`, to be given to segj_buffer_free(); its size is 0 where the call fails.
 *
 * Errors: SEGJ_ERR_INVALID (an argument is NULL, a size is out of range), SEGJ_ERR_COMPRESSION (the values are too
 * few, or have nothing in common), SEGJ_ERR_MEMORY.
 */
SEGJ_MUST_CHECK segj_status_t oversized_train_dictionary(const segj_slice_t *values, size_t count, size_t size,
                                                         segj_buffer_t *dictionary);

/**
 * The same from the values of a section, which are read from as many as 16 places of it; it may have any version, and
 * need not be compressed. Any thread, beside any other call.
 *
 * Errors: those, SEGJ_ERR_NO_SECTION, SEGJ_ERR_PRUNED, SEGJ_ERR_NO_RECORD (it was rewound during the call),
 * SEGJ_ERR_CORRUPT, SEGJ_ERR_CHECKSUM, SEGJ_ERR_TOO_LARGE, SEGJ_ERR_IO.
 */
SEGJ_MUST_CHECK segj_status_t oversized_train_section(oversized_t *journal, uint64_t section, size_t size,
                                                      segj_buffer_t *dictionary);

/** @} */

SEGJ_EXPORT_END
#ifdef __cplusplus
}
#endif

#endif /* SEGJOURNAL_OVERSIZED_DICTIONARY_H */
