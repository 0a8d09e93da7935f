/* badinput/large.c: see the header. */
#include "badinput/large.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char directory[] = "large";

#define SHAPES(level)                                                                                                  \
    {level, 64, 0, 1200, 1}, {level, 64, 8, 1000, 2}, {level, 64, 600, 100, 3}, {level, 4084, 0, 1200, 4},             \
        {level, 4084, 8, 1000, 5}, {level, 4084, 600, 100, 6}, {level, 65535, 0, 1200, 7}, {level, 65535, 8, 1000, 8}, \
    {                                                                                                                  \
        level, 65535, 600, 120, 9                                                                                      \
    }

const shape_t large_shapes[] = {SHAPES(0), SHAPES(1)};
const size_t large_shape_count = COUNT_OF(large_shapes);

const char *shape_name(const shape_t *shape)
{
    static char names[COUNT_OF(large_shapes)][64];
    size_t at = 0;
    while (at + 1 < large_shape_count && &large_shapes[at] != shape)
        at++;
    (void)snprintf(names[at], sizeof names[at], "%s, pages of %u, entries of %u",
                   shape->compression != 0 ? "zstd" : "plain", (unsigned)shape->page_size, (unsigned)shape->entry_size);
    return names[at];
}

int run_shapes(const char *name, void (*test)(void **state), bool compressed)
{
    struct CMUnitTest tests[COUNT_OF(large_shapes)] = {{NULL, NULL, NULL, NULL, NULL}};
    size_t count = 0;
    for (size_t i = 0; i < large_shape_count; i++)
        if ((large_shapes[i].compression != 0) == compressed)
            tests[count++] = (struct CMUnitTest){shape_name(&large_shapes[i]), test, NULL, NULL,
                                                 (void *)(uintptr_t)&large_shapes[i]};
    return _cmocka_run_group_tests(name, tests, count, NULL, NULL);
}

size_t large_stride(size_t otherwise)
{
    const char *every = getenv("SEGJ_EVERY");
    size_t stride = every != NULL ? strtoul(every, NULL, 10) : otherwise;
    return stride > 0 && stride < otherwise ? stride : otherwise;
}

/* --- what is in it --- */

static uint64_t mix(uint64_t word)
{
    word = (word ^ word >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    word = (word ^ word >> 27) * UINT64_C(0x94D049BB133111EB);
    return word ^ word >> 31;
}

static void fill(uint8_t *bytes, size_t size, uint64_t seed)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(mix(seed + i / 8) >> 8 * (i % 8));
}

/* Many have the same size: what lies in another's place is only taken for it where it is as long. */
size_t large_value(const large_t *large, uint64_t record, uint8_t value[LARGE_VALUE_MOST])
{
    static const size_t sizes[] = {24, 24, 0, 41, 24, 63};
    size_t size = sizes[record % COUNT_OF(sizes)];
    fill(value, size, (large->shape.seed << 40) + (record << 8));
    return size;
}

void large_entry(const large_t *large, uint64_t record, uint8_t entry[LARGE_ENTRY_MOST])
{
    fill(entry, large->shape.entry_size, (large->shape.seed << 40) + (record << 8) + 0x80);
}

uint64_t records_within(const large_t *large, uint64_t bytes)
{
    uint64_t records = bytes / large->record_size;
    return records < large->shape.records ? records : large->shape.records;
}

/* --- making it --- */

static void append_part(large_t *large, uint64_t from, uint64_t to)
{
    oversized_t *journal;
    uint8_t entry[LARGE_ENTRY_MOST];
    uint8_t value[LARGE_VALUE_MOST];
    assert_ok(oversized_open(&large->config, &journal));
    for (uint64_t record = from; record < to; record++) {
        size_t size = large_value(large, record, value);
        oversized_location_t location;
        large_entry(large, record, entry);
        assert_ok(oversized_append(journal, LARGE_SECTION, entry, value, size, NULL, &location));
        large->offsets[record] = location.offset;
        large->offsets[record + 1] = location.offset + location.size;
        if (record % 37 == 5) /* a page that grew between two syncs has both of its slots */
            assert_ok(oversized_sync(journal, LARGE_SECTION));
    }
    assert_ok(oversized_close(journal));
}

static void append_beside(large_t *large)
{
    oversized_t *journal;
    uint8_t entry[LARGE_ENTRY_MOST] = {0};
    assert_ok(oversized_open(&large->config, &journal));
    assert_ok(oversized_append(journal, LARGE_OTHER, entry, "beside", 6, NULL, NULL));
    assert_ok(oversized_close(journal));
}

static void open_files(large_t *large)
{
    const segj_storage_t *storage = large->storage;
    const char *names[] = {large->config.index_partition, large->config.value_partition};
    bytes_t *samples[] = {&large->sample.index, &large->sample.values};
    char name[17];
    (void)snprintf(name, sizeof name, "%016" PRIx64, (uint64_t)LARGE_SECTION);
    for (size_t side = 0; side < 2; side++) {
        uint64_t size = 0;
        size_t done = 0;
        large->paths[side] = section_path(directory, names[side], LARGE_SECTION);
        segj_partition_t **partition = &large->partitions[side];
        segj_file_t **file = &large->files[side];
        assert_int_equal(storage->partition_open(storage->context, directory, names[side], partition), 0);
        assert_int_equal(storage->file_open(*partition, name, SEGJ_OPEN_WRITE, file), 0);
        assert_int_equal(storage->file_size(*file, &size), 0);
        *samples[side] = (bytes_t){malloc((size_t)size), (size_t)size};
        assert_non_null(samples[side]->data);
        assert_int_equal(storage->file_read(*file, 0, samples[side]->data, (size_t)size, &done), 0);
        assert_int_equal(done, size);
    }
}

/* Which slots are valid, from the file. */
static void learn_pages(large_t *large)
{
    large->pages = (large->sample.index.size - INDEX_DATA_OFFSET) / large->physical;
    large->facts = calloc(large->pages, sizeof *large->facts);
    assert_non_null(large->facts);
    for (size_t page = 0; page < large->pages; page++) {
        const uint8_t *physical = large->sample.index.data + INDEX_DATA_OFFSET + page * large->physical;
        page_facts_t *facts = &large->facts[page];
        uint16_t lengths[2];
        for (size_t slot = 0; slot < 2; slot++) {
            const uint8_t *at = physical + large->shape.page_size + 6 * slot;
            lengths[slot] = get_u16(at);
            if (lengths[slot] == 0 || lengths[slot] > large->shape.page_size ||
                get_u32(at + 2) != page_checksum(LARGE_SECTION, page, physical, lengths[slot]))
                lengths[slot] = 0;
        }
        facts->slot = lengths[1] > lengths[0] ? 1 : 0;
        facts->length = lengths[facts->slot];
        facts->shorter = lengths[1 - facts->slot];
        assert_true(facts->length > 0);
        assert_true(page + 1 == large->pages || facts->length == large->shape.page_size);
    }
}

void make_large(large_t *large, const shape_t *shape)
{
    memset(large, 0, sizeof *large);
    large->shape = *shape;
    large->record_size = shape->entry_size + LOCATION_BYTES;
    large->physical = (size_t)shape->page_size + PAGE_CHECKSUMS;
    large->offsets = calloc((size_t)shape->records + 1, sizeof *large->offsets);
    assert_non_null(large->offsets);
    assert_ok(segj_storage_memory_create(&large->storage));
    assert_ok(segj_page_cache_create(shape->page_size, 1, &large->cache));
    oversized_config_init(&large->config);
    large->config.native_version = 1;
    large->config.directory = directory;
    large->config.storage = large->storage;
    large->config.page_size = shape->page_size;
    large->config.page_cache = large->cache;
    large->config.entry_size = shape->entry_size;
    large->config.compression = shape->compression;
    append_part(large, 0, shape->records / 2);
    append_part(large, shape->records / 2, shape->records); /* each close has set one slot */
    append_beside(large);
    open_files(large);
    learn_pages(large);
    assert_true(large->sample.index.size + large->sample.values.size >= (size_t)64 << 10);
    assert_int_equal(effective_watermark(large->sample.index.data + HEADER_BLOCK, LARGE_SECTION), shape->records);
    large->config.read_only = true;
    assert_ok(oversized_open(&large->config, &large->reader));
}

void drop_large(large_t *large)
{
    oversized_abandon(large->reader);
    for (size_t side = 0; side < 2; side++) {
        large->storage->file_close(large->files[side]);
        large->storage->partition_close(large->partitions[side]);
    }
    segj_page_cache_release(large->cache);
    segj_storage_memory_destroy(large->storage);
    free_pair(&large->sample);
    free(large->facts);
    free(large->offsets);
}

/* --- damage --- */

void poke(large_t *large, side_t side, size_t offset, const void *bytes, size_t size)
{
    segj_slice_t slice = {bytes, size};
    size_t done = 0;
    assert_int_equal(large->storage->file_write(large->files[side], offset, &slice, 1, &done), 0);
    assert_int_equal(done, size);
}

static const bytes_t *sample_of(const large_t *large, side_t side)
{
    return side == IN_INDEX ? &large->sample.index : &large->sample.values;
}

void flip_bit(large_t *large, side_t side, size_t bit)
{
    uint8_t byte = sample_of(large, side)->data[bit / 8] ^ (uint8_t)(1u << (bit % 8));
    poke(large, side, bit / 8, &byte, 1);
}

void cut_to(large_t *large, side_t side, size_t size)
{
    assert_int_equal(large->storage->file_truncate(large->files[side], size), 0);
}

void restore(large_t *large, side_t side, size_t offset, size_t size)
{
    poke(large, side, offset, sample_of(large, side)->data + offset, size);
}

void restore_all(large_t *large)
{
    for (int side = IN_INDEX; side <= IN_VALUES; side++) {
        const bytes_t *sample = sample_of(large, (side_t)side);
        cut_to(large, (side_t)side, sample->size);
        restore(large, (side_t)side, 0, sample->size);
    }
}

void set_watermark(large_t *large, uint64_t watermark)
{
    uint8_t block[HEADER_BLOCK];
    encode_watermark(block, LARGE_SECTION, (watermark_t){watermark, 100});
    poke(large, IN_INDEX, HEADER_BLOCK, block, 16);
    memset(block, 0, 16);
    poke(large, IN_INDEX, (size_t)2 * HEADER_BLOCK, block, 16);
}

void restore_watermark(large_t *large)
{
    restore(large, IN_INDEX, HEADER_BLOCK, 16);
    restore(large, IN_INDEX, (size_t)2 * HEADER_BLOCK, 16);
}
