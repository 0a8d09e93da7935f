/* unit/blob.c: see the header. */
#include "unit/blob.h"

#include <stdlib.h>
#include <string.h>

static void lock(blob_t *blob)
{
    segj_lock(&blob->rig->shared.state);
}

static void unlock(blob_t *blob)
{
    segj_unlock(&blob->rig->shared.state);
}

size_t blob_physical(const blob_t *blob)
{
    return segj_page_physical(blob->paged.page_size);
}

/* --- making --- */

blob_t *blob_new(uint16_t page_size, size_t pages)
{
    blob_t *blob = calloc(1, sizeof *blob);
    assert_non_null(blob);
    blob->rig = rig_new((rig_sizes_t){.page_size = page_size, .index_capacity = pages * segj_page_physical(page_size)});
    blob->file = rig_create(blob->rig, &blob->rig->shared.index, BLOB_SECTION);
    blob->file.data = BLOB_DATA;
    rig_cut(blob->rig, &blob->rig->shared.index, BLOB_SECTION, BLOB_DATA);
    assert_ok(segj_paged_open(&blob->paged, &blob->rig->shared.pages, &blob->file, page_size, SEGJ_CHECKSUM_PLACED, 0));
    blob->synced = rig_read(blob->rig, &blob->rig->shared.index, BLOB_SECTION);
    return blob;
}

static void discard(blob_t *blob)
{
    lock(blob);
    segj_paged_discard(&blob->paged, &blob->rig->shared.pages);
    segj_pool_free(&blob->rig->shared.pages);
    unlock(blob);
    assert_int_equal(blob->rig->shared.budget.used, 0);
}

void blob_free(blob_t *blob)
{
    discard(blob);
    segj_io_close(&blob->file);
    free_bytes(&blob->synced);
    rig_free(blob->rig);
    free(blob);
}

segj_status_t blob_reopen(blob_t *blob, uint64_t length)
{
    discard(blob);
    segj_status_t status = segj_paged_open(&blob->paged, &blob->rig->shared.pages, &blob->file, blob->paged.page_size,
                                           SEGJ_CHECKSUM_PLACED, length);
    free_bytes(&blob->synced); /* who opens a section has made it durable */
    blob->synced = rig_read(blob->rig, &blob->rig->shared.index, BLOB_SECTION);
    blob->synced_length = status == SEGJ_OK ? length : 0;
    return status;
}

/* --- bytes --- */

uint8_t blob_byte(uint64_t position)
{
    return (uint8_t)(position * 31 + position / 251 + 1);
}

void blob_bytes(uint64_t position, uint8_t *to, size_t size)
{
    for (size_t i = 0; i < size; i++)
        to[i] = blob_byte(position + i);
}

/* --- steps --- */

segj_status_t blob_try_append(blob_t *blob, size_t size)
{
    segj_pool_t *pool = &blob->rig->shared.pages;
    segj_status_t status = segj_paged_reserve(&blob->paged, pool, &blob->file, size);
    if (status != SEGJ_OK)
        return status;
    uint8_t *bytes = malloc(size + 1);
    assert_non_null(bytes);
    blob_bytes(blob->paged.length, bytes, size);
    lock(blob);
    segj_paged_put(&blob->paged, bytes, size);
    unlock(blob);
    free(bytes);
    return SEGJ_OK;
}

void blob_append(blob_t *blob, size_t size)
{
    assert_ok(blob_try_append(blob, size));
    check_protected(blob);
}

segj_status_t blob_try_drain(blob_t *blob)
{
    return segj_paged_drain(&blob->paged, &blob->rig->shared.pages, &blob->file, false);
}

void blob_drain(blob_t *blob)
{
    assert_ok(blob_try_drain(blob));
    check_protected(blob);
}

segj_paged_capture_t blob_capture(blob_t *blob)
{
    segj_paged_capture_t capture;
    assert_ok(segj_paged_capture(&blob->paged, &blob->rig->shared.pages, &capture));
    blob->captured_length = blob->paged.length;
    return capture;
}

void blob_write(blob_t *blob, segj_paged_capture_t *capture)
{
    assert_ok(segj_paged_write(&blob->paged, &blob->file, capture));
    check_protected(blob);
}

void blob_finish(blob_t *blob, const segj_paged_capture_t *capture, bool synced)
{
    lock(blob);
    segj_paged_finish(&blob->paged, &blob->rig->shared.pages, capture, synced);
    unlock(blob);
    if (!synced)
        return;
    free_bytes(&blob->synced);
    blob->synced = rig_read(blob->rig, &blob->rig->shared.index, BLOB_SECTION);
    blob->synced_length = blob->captured_length;
}

void blob_sync(blob_t *blob)
{
    segj_paged_capture_t capture = blob_capture(blob);
    blob_write(blob, &capture);
    blob_finish(blob, &capture, true);
}

/* --- checks --- */

bool blob_holds(blob_t *blob, uint64_t page)
{
    lock(blob);
    uint64_t offset = page * segj_page_physical(blob->paged.page_size);
    bool holds = segj_chain_find(&blob->paged.chain, offset) != NULL;
    unlock(blob);
    return holds;
}

static bool peek(blob_t *blob, uint64_t page, size_t size, uint8_t *to)
{
    lock(blob);
    bool found = segj_paged_peek(&blob->paged, page, 0, size, to);
    unlock(blob);
    assert_int_equal(found, blob_holds(blob, page));
    return found;
}

static void check_bytes(const blob_t *blob, uint64_t page, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        assert_int_equal(bytes[i], blob_byte(page * blob->paged.page_size + i));
}

void check_peek(blob_t *blob, uint64_t page, size_t size)
{
    uint8_t *bytes = calloc(1, size + 1);
    assert_non_null(bytes);
    assert_true(peek(blob, page, size, bytes));
    check_bytes(blob, page, bytes, size);
    free(bytes);
}

/* A file's physical page; NULL where the file ends before. */
static const uint8_t *page_in(const blob_t *blob, const bytes_t *file, uint64_t page)
{
    uint64_t end = BLOB_DATA + (page + 1) * blob_physical(blob);
    return end <= file->size ? file->data + end - blob_physical(blob) : NULL;
}

void check_readable(blob_t *blob)
{
    uint16_t page_size = blob->paged.page_size;
    uint8_t *bytes = malloc(page_size);
    bytes_t file = rig_read(blob->rig, &blob->rig->shared.index, BLOB_SECTION);
    assert_non_null(bytes);
    for (uint64_t page = 0; page * page_size < blob->paged.length; page++) {
        uint64_t left = blob->paged.length - page * page_size;
        size_t size = left < page_size ? (size_t)left : page_size;
        if (peek(blob, page, size, bytes)) {
            check_bytes(blob, page, bytes, size);
            continue;
        }
        const uint8_t *physical = page_in(blob, &file, page);
        assert_non_null(physical);
        assert_int_equal(decode_page(physical, page_size, BLOB_SECTION, page), page_size);
        check_bytes(blob, page, physical, page_size);
    }
    free_bytes(&file);
    free(bytes);
}

static page_slot_t slot_of(const uint8_t *bytes, uint64_t page, uint16_t length)
{
    return length == 0 ? (page_slot_t){0, 0} : make_slot(BLOB_SECTION, page, bytes, length);
}

void check_page(blob_t *blob, uint64_t page, uint16_t first, uint16_t second)
{
    uint16_t page_size = blob->paged.page_size;
    uint16_t longer = first > second ? first : second;
    bytes_t file = rig_read(blob->rig, &blob->rig->shared.index, BLOB_SECTION);
    const uint8_t *found = page_in(blob, &file, page);
    uint8_t *bytes = calloc(2, blob_physical(blob));
    assert_non_null(found);
    assert_non_null(bytes);
    uint8_t *expected = bytes + blob_physical(blob);
    blob_bytes(page * page_size, bytes, longer);
    encode_page(expected, page_size, bytes, longer, slot_of(bytes, page, first), slot_of(bytes, page, second));
    assert_memory_equal(found, expected, blob_physical(blob));
    free(bytes);
    free_bytes(&file);
}

/* The slot that counts: its offset in the physical page, 0 where none does. */
static size_t protected_slot(const blob_t *blob, const uint8_t *physical, uint64_t page, uint16_t *length)
{
    uint16_t page_size = blob->paged.page_size;
    *length = decode_page(physical, page_size, BLOB_SECTION, page);
    if (*length == 0)
        return 0;
    bool first = get_u16(physical + page_size) == *length &&
                 get_u32(physical + page_size + 2) == page_checksum(BLOB_SECTION, page, physical, *length);
    return first ? page_size : page_size + 6u;
}

void check_protected(blob_t *blob)
{
    bytes_t file = rig_read(blob->rig, &blob->rig->shared.index, BLOB_SECTION);
    const uint8_t *before;
    for (uint64_t page = 0; (before = page_in(blob, &blob->synced, page)) != NULL; page++) {
        const uint8_t *now = page_in(blob, &file, page);
        uint16_t length;
        size_t slot = protected_slot(blob, before, page, &length);
        /* Pages that no sync has covered may be in the file too: they are nobody's yet. */
        uint64_t start = page * blob->paged.page_size;
        if (slot == 0 || start >= blob->synced_length)
            continue;
        assert_non_null(now);
        assert_memory_equal(now, before, length);
        assert_memory_equal(now + slot, before + slot, 6);
    }
    free_bytes(&file);
}
