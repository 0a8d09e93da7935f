/**
 * @file segjournal/oversized/page_cache.h
 * Page caches, which several journals share.
 *
 * A part of segjournal/oversized.h, which includes it, and which says what holds for all calls.
 */
#ifndef SEGJOURNAL_OVERSIZED_PAGE_CACHE_H
#define SEGJOURNAL_OVERSIZED_PAGE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segjournal/oversized/config.h"
#include "segjournal/status.h"

#ifdef __cplusplus
extern "C" {
#endif
SEGJ_EXPORT_BEGIN

/** @defgroup segj_cache Page caches
 *  @{ */

/**
 * Makes a page cache that journals of one page size share. page_size is 1 to 65,535 bytes, pages 1 to 2^28. It takes
 * about pages * (page_size + 64) bytes, when they are first used. Any thread.
 *
 * Errors: SEGJ_ERR_INVALID, SEGJ_ERR_MEMORY.
 */
SEGJ_MUST_CHECK segj_status_t segj_page_cache_create(uint16_t page_size, uint32_t pages, segj_page_cache_t **cache);

/** Gives the maker's reference back. Journals hold references of their own. NULL is fine. */
void segj_page_cache_release(segj_page_cache_t *cache);

/** @} */

SEGJ_EXPORT_END
#ifdef __cplusplus
}
#endif

#endif /* SEGJOURNAL_OVERSIZED_PAGE_CACHE_H */
