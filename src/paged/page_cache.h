/*
 * paged/page_cache.h: verified pages in memory, shared by the readers of one or more journals.
 *
 * A page is known by an owner's id and its number. Bytes under one id only ever grow: a change that shortens or
 * replaces a section takes a new id, so that a page that arrives late can only land where no reader looks any more. A
 * page may have been read while it was partial; a reader that needs more bytes than it has misses, and puts the longer
 * page in.
 *
 * Reading a page in is done by its reader, in a frame that it has reserved and that no other reader can see; there is
 * nothing to wait for and nothing to leak when it fails.
 */
#ifndef SEGJ_PAGED_PAGE_CACHE_H
#define SEGJ_PAGED_PAGE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/process.h"
#include "segjournal/oversized.h"

/** Before the cache is used in a process: in a child of the one that used it before, it becomes an empty cache of the
 *  child's own. */
void segj_page_cache_claim(segj_page_cache_t *cache);
/** Its value in this process, after the claim, is in no other; NULL where the system has no such word. */
const segj_process_word_t *segj_page_cache_word(const segj_page_cache_t *cache);

/* References may be taken and given back in any process. */
void segj_page_cache_retain(segj_page_cache_t *cache);
uint16_t segj_page_cache_page_size(const segj_page_cache_t *cache);

/** An id that no one had before. */
uint64_t segj_page_cache_id(segj_page_cache_t *cache);

/** Copies `size` bytes from `from` of a page; false when the cache does not have them. */
bool segj_page_cache_read(segj_page_cache_t *cache, uint64_t id, uint64_t page, size_t from, size_t size, void *to);

/** A frame of page_size + 12 bytes, the caller's own until it is published or cancelled; NULL when all are in use. */
uint8_t *segj_page_cache_reserve(segj_page_cache_t *cache);
void segj_page_cache_publish(segj_page_cache_t *cache, uint8_t *frame, uint64_t id, uint64_t page, uint16_t length);
void segj_page_cache_cancel(segj_page_cache_t *cache, uint8_t *frame);

#endif
