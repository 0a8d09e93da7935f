/*
 * badinput/test_every_place.c: every page in every other's place, every frame in every other's, and whole files in the
 * places of others, in journals of 64 KiB and more.
 *
 * Pages and frames are bound to their section and their place: neither verifies elsewhere. Files say of which section,
 * kind, page size and record size they are, and are refused where one of these is another's. What they do not say is of
 * which journal they are. So the files of a section may be taken for those of another journal's section of the same
 * number and configuration; and where an index comes with another journal's values file, what is promised is what the
 * checksums show: a value that is given was written at this very place, section, offset and size, into this very values
 * file.
 *
 *     SEGJ_EVERY=N   one in N pairs; otherwise one in STRIDE
 */
#include "badinput/large.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || !defined(__OPTIMIZE__)
#define STRIDE 4999
#else
#define STRIDE 307
#endif

static size_t stride;
static uint64_t pairs;

/* --- pages --- */

static void put_page(large_t *large, size_t place, size_t page)
{
    poke(large, IN_INDEX, INDEX_DATA_OFFSET + place * large->physical,
         large->sample.index.data + INDEX_DATA_OFFSET + page * large->physical, large->physical);
}

static bool touches(const large_t *large, uint64_t record, size_t page)
{
    uint64_t begin = record * large->record_size;
    uint64_t end = begin + large->record_size;
    uint64_t start = (uint64_t)page * large->shape.page_size;
    return begin < start + large->shape.page_size && end > start;
}

/* Few of them are tried all. */
static bool is_chosen(uint64_t number, uint64_t all)
{
    return all < 1000 || number % stride == 0;
}

/* Of one < other. */
static void check_swapped_pages(large_t *large, size_t one, size_t other)
{
    uint64_t records;
    uint64_t lost;
    uint64_t begin = (uint64_t)one * large->shape.page_size;
    uint64_t kept = large->shape.records;
    while (kept > 0 && (touches(large, kept - 1, one) || touches(large, kept - 1, other)))
        kept--;
    forget_pages(large);
    check_damaged_page(large, begin / large->record_size, one);
    /* The first record that ends in the other page and does not begin in the one. */
    uint64_t record = (uint64_t)other * large->shape.page_size / large->record_size;
    if (record * large->record_size >= begin + large->shape.page_size)
        check_damaged_page(large, record, other);
    if (pairs % 8 != 0 && kept == large->shape.records)
        return;
    assert_ok(probe(large, &records, &lost));
    assert_int_equal(records, kept);
    assert_int_equal(lost, large->shape.records - kept);
    set_watermark(large, records_within(large, begin));
    assert_ok(probe(large, &records, &lost));
    assert_int_equal(records, records_within(large, begin));
    assert_int_equal(lost, 0);
    restore_watermark(large);
}

static void each_pair_of_pages(void **state)
{
    large_t large;
    uint64_t number = 0;
    make_large(&large, *state);
    pairs = 0;
    for (size_t one = 0; one < large.pages; one++)
        for (size_t other = one + 1; other < large.pages; other++) {
            if (!is_chosen(number++, (uint64_t)large.pages * large.pages / 2))
                continue;
            put_page(&large, one, other);
            put_page(&large, other, one);
            check_swapped_pages(&large, one, other);
            put_page(&large, one, one);
            put_page(&large, other, other);
            pairs++;
        }
    print_message("%zu pages, %" PRIu64 " of %" PRIu64 " pairs\n", large.pages, pairs, number);
    drop_large(&large);
}

/* --- frames --- */

static size_t frame_size(const large_t *large, uint64_t record)
{
    return (size_t)(large->offsets[record + 1] - large->offsets[record]);
}

/* Exchanges two frames; where their sizes differ, what lies between them moves. */
static void swap_frames(large_t *large, uint64_t one, uint64_t other, uint8_t *scratch)
{
    const uint8_t *frames = large->sample.values.data + VALUES_DATA_OFFSET;
    size_t begin = (size_t)large->offsets[one];
    size_t middle = begin + frame_size(large, one);
    size_t second = (size_t)large->offsets[other];
    uint8_t *at = scratch;
    memcpy(at, frames + second, frame_size(large, other));
    at += frame_size(large, other);
    memcpy(at, frames + middle, second - middle);
    at += second - middle;
    memcpy(at, frames + begin, frame_size(large, one));
    poke(large, IN_VALUES, VALUES_DATA_OFFSET + begin, scratch, (size_t)large->offsets[other + 1] - begin);
}

static void check_swapped_frames(large_t *large, uint64_t one, uint64_t other)
{
    uint64_t records;
    uint64_t lost;
    check_damaged_value(large, one);
    check_damaged_value(large, other);
    if (other > one + 1 && frame_size(large, one) != frame_size(large, other))
        check_damaged_value(large, one + 1);
    else if (other > one + 1)
        check_right(large, large->reader, one + 1);
    if (pairs % 16 != 0)
        return;
    set_watermark(large, one);
    assert_ok(probe(large, &records, &lost));
    assert_int_equal(records, one);
    assert_int_equal(lost, 0);
    restore_watermark(large);
}

static void each_pair_of_frames(void **state)
{
    const shape_t *shape = *state;
    large_t large;
    uint64_t number = 0;
    if (shape->page_size != 4084)
        return; /* values files do not know of pages */
    make_large(&large, shape);
    uint8_t *scratch = malloc(large.sample.values.size);
    assert_non_null(scratch);
    pairs = 0;
    for (uint64_t one = 0; one < shape->records; one++)
        for (uint64_t other = one + 1; other < shape->records; other++) {
            if (!is_chosen(number++, (uint64_t)shape->records * shape->records / 2))
                continue;
            size_t begin = VALUES_DATA_OFFSET + (size_t)large.offsets[one];
            swap_frames(&large, one, other, scratch);
            check_swapped_frames(&large, one, other);
            restore(&large, IN_VALUES, begin, VALUES_DATA_OFFSET + (size_t)large.offsets[other + 1] - begin);
            pairs++;
        }
    print_message("%u frames, %" PRIu64 " of %" PRIu64 " pairs\n", (unsigned)shape->records, pairs, number);
    free(scratch);
    drop_large(&large);
}

/* --- files of other sections --- */

static void refuse_foreign(large_t *large, side_t named)
{
    uint64_t records;
    uint64_t lost;
    assert_status(probe(large, &records, &lost), SEGJ_ERR_MISMATCH);
    assert_sentence(large->paths[named].text);
}

static segj_file_t *open_beside(const large_t *large, side_t side)
{
    char name[17];
    segj_file_t *file = NULL;
    (void)snprintf(name, sizeof name, "%016" PRIx64, (uint64_t)LARGE_OTHER);
    assert_int_equal(large->storage->file_open(large->partitions[side], name, SEGJ_OPEN_WRITE, &file), 0);
    return file;
}

/* Both sections' files of one partition in each other's place. */
static void swap_files(large_t *large, side_t side)
{
    const segj_storage_t *storage = large->storage;
    const bytes_t *mine = side == IN_INDEX ? &large->sample.index : &large->sample.values;
    segj_file_t *file = open_beside(large, side);
    uint64_t size = 0;
    size_t done = 0;
    assert_int_equal(storage->file_size(file, &size), 0);
    uint8_t *other = malloc((size_t)size);
    segj_slice_t slice = {mine->data, mine->size};
    assert_non_null(other);
    assert_int_equal(storage->file_read(file, 0, other, (size_t)size, &done), 0);
    cut_to(large, side, 0);
    poke(large, side, 0, other, (size_t)size);
    assert_int_equal(storage->file_truncate(file, 0), 0);
    assert_int_equal(storage->file_write(file, 0, &slice, 1, &done), 0);
    storage->file_close(file);
    free(other);
}

/* Section 9's file behind a header that says 7: no page and no frame of it is right there. */
static void rename_section(large_t *large, side_t side)
{
    uint8_t block[HEADER_BLOCK];
    identity_t identity = {1, IDENTITY_VALUES, large->shape.compression != 0, 0, 0, LARGE_SECTION};
    if (side == IN_INDEX)
        identity = (identity_t){1, IDENTITY_INDEX, 0, large->shape.page_size, large->record_size, LARGE_SECTION};
    encode_identity(block, &identity);
    poke(large, side, 0, block, sizeof block);
}

static void files_of_another_section(void **state)
{
    const shape_t *shape = *state;
    for (int kind = 0; kind < 3; kind++) { /* index files, values files, both */
        large_t large;
        uint64_t records;
        uint64_t lost;
        make_large(&large, shape);
        for (int side = IN_INDEX; side <= IN_VALUES; side++)
            if (kind == 2 || side == kind)
                swap_files(&large, (side_t)side);
        refuse_foreign(&large, kind == IN_VALUES ? IN_VALUES : IN_INDEX);
        for (int side = IN_INDEX; side <= IN_VALUES; side++)
            if (kind == 2 || side == kind)
                rename_section(&large, (side_t)side);
        assert_int_equal(large.storage->file_remove(large.partitions[IN_INDEX], "0000000000000009"), 0);
        assert_int_equal(large.storage->file_remove(large.partitions[IN_VALUES], "0000000000000009"), 0);
        assert_ok(probe(&large, &records, &lost));
        assert_int_equal(records, 0);
        assert_int_equal(lost, kind == IN_VALUES ? shape->records : 0);
        drop_large(&large);
    }
}

/* --- files of other journals --- */

static void put_file(large_t *large, side_t side, const large_t *from)
{
    const bytes_t *file = side == IN_INDEX ? &from->sample.index : &from->sample.values;
    cut_to(large, side, 0);
    poke(large, side, 0, file->data, file->size);
}

static bool has_frame(const large_t *large, oversized_location_t location, uint64_t *record)
{
    for (*record = 0; *record < large->shape.records; ++*record)
        if (large->offsets[*record] == location.offset && frame_size(large, *record) == location.size)
            return true;
    return false;
}

/* Reads everything of an index of one journal over the values of another. */
static void read_mixture(large_t *large, const large_t *values)
{
    oversized_t *journal = NULL;
    uint64_t records = 0;
    segj_buffer_t value = {NULL, 0, 0};
    segj_status_t status = oversized_open(&large->config, &journal);
    if (status != SEGJ_OK) {
        check_status(status, SEGJ_ERR_MISMATCH, "oversized_open", __FILE__, __LINE__);
        return;
    }
    assert_ok(oversized_count(journal, LARGE_SECTION, &records));
    for (uint64_t i = 0; i < records; i++) {
        uint8_t expected[LARGE_VALUE_MOST];
        oversized_location_t location;
        uint64_t record;
        assert_ok(oversized_get(journal, LARGE_SECTION, i, NULL, &location));
        status = oversized_read(journal, LARGE_SECTION, i, NULL, &value);
        if (status != SEGJ_OK) {
            assert_true(status == SEGJ_ERR_CHECKSUM || status == SEGJ_ERR_RANGE);
            continue;
        }
        assert_true(has_frame(values, location, &record));
        assert_int_equal(value.size, large_value(values, record, expected));
        if (value.size > 0)
            assert_memory_equal(value.data, expected, value.size);
    }
    segj_buffer_free(&value);
    oversized_abandon(journal);
}

static void mix_journals(const shape_t *one, const shape_t *other)
{
    large_t large;
    large_t source;
    bool alike = one->page_size == other->page_size && one->entry_size == other->entry_size;
    make_large(&large, one);
    make_large(&source, other);
    put_file(&large, IN_INDEX, &source);
    if (!alike)
        refuse_foreign(&large, IN_INDEX);
    else
        read_mixture(&large, &large);
    restore_all(&large);
    put_file(&large, IN_VALUES, &source);
    read_mixture(&large, &source);
    put_file(&large, IN_INDEX, &source);
    if (!alike)
        refuse_foreign(&large, IN_INDEX);
    else
        read_mixture(&large, &source);
    drop_large(&source);
    drop_large(&large);
}

static void files_of_another_journal(void **state)
{
    const shape_t *shape = *state;
    shape_t twin = *shape;
    twin.seed += 100; /* the same sizes and places, other bytes */
    mix_journals(shape, &twin);
    for (size_t i = 0; i < large_shape_count; i++)
        if (&large_shapes[i] != shape)
            mix_journals(shape, &large_shapes[i]);
}

int main(void)
{
    int failed = 0;
    stride = large_stride(STRIDE);
    for (int compressed = 0; compressed < 2; compressed++) {
        failed += run_shapes("each pair of pages", each_pair_of_pages, compressed != 0);
        failed += run_shapes("each pair of frames", each_pair_of_frames, compressed != 0);
        failed += run_shapes("files of another section", files_of_another_section, compressed != 0);
        failed += run_shapes("files of another journal", files_of_another_journal, compressed != 0);
    }
    return failed;
}
