/* support/support.c: see support.h. */
#include "support/support.h"

#include <stdlib.h>
#include <string.h>

#include "support/commonware.h"
#include "support/log.h"

/* SEGJ_TEST_ONLY names the test functions that are wanted, SEGJ_TEST_SKIP those that are not, with * and ?: every program
 * takes them. */
__attribute__((constructor)) static void take_filter(void)
{
    const char *only = getenv("SEGJ_TEST_ONLY");
    if (only != NULL && only[0] != '\0')
        cmocka_set_test_filter(only);
    const char *skip = getenv("SEGJ_TEST_SKIP");
    if (skip != NULL && skip[0] != '\0')
        cmocka_set_skip_filter(skip);
}

/* --- statuses --- */

void check_status(segj_status_t actual, segj_status_t expected, const char *call, const char *file, int line)
{
    if (actual == expected)
        return;
    print_error("%s\n  answers %s, expected %s\n", call, segj_status_name(actual), segj_status_name(expected));
    print_error("  last error: %s\n", segj_last_error());
    _fail(file, line);
}
/* --- journals --- */

segj_format_t tested_format(void)
{
    const char *name = getenv("SEGJ_TEST_FORMAT");
    return name != NULL && strcmp(name, "commonware") == 0 ? SEGJ_FORMAT_COMMONWARE : SEGJ_FORMAT_NATIVE;
}

uint8_t tested_version(void)
{
    const char *name = getenv("SEGJ_TEST_FORMAT");
    if (tested_format() != SEGJ_FORMAT_NATIVE)
        return 0;
    return name != NULL && strcmp(name, "native2") == 0 ? 2 : 1;
}

size_t tested_head(size_t entry_size)
{
    return tested_version() == 2 ? LOG_HEAD + entry_size : 0;
}

uint64_t tested_frame_end(oversized_location_t location, size_t entry_size)
{
    return location.offset + tested_head(entry_size) + location.size;
}

void not_in_version_2(void)
{
    if (tested_version() == 2)
        SKIP("version 2 writes other bytes, or loses less");
}

void for_version_1_only(void)
{
    for_native_only();
    if (tested_version() == 2)
        SKIP("version 1 of the native format alone has this");
}

void not_on_cluster(const char *why)
{
    if (file_was_changed != NULL)
        SKIP(why);
}

void for_native_only(void)
{
    if (tested_format() != SEGJ_FORMAT_NATIVE)
        SKIP("the native format alone has this");
}

uint64_t tested_index_data(void)
{
    return tested_format() == SEGJ_FORMAT_NATIVE ? INDEX_DATA_OFFSET : COMMONWARE_V0;
}

uint64_t tested_values_data(void)
{
    return tested_format() == SEGJ_FORMAT_NATIVE ? VALUES_DATA_OFFSET : COMMONWARE_V0;
}

uint32_t tested_sector(void)
{
    const char *size = getenv("SEGJ_TEST_SECTOR");
    return size != NULL && tested_version() == 2 ? (uint32_t)strtoul(size, NULL, 10) : 0;
}

bool tested_follows(uint64_t offset, uint64_t end)
{
    uint64_t sector = tested_sector();
    uint64_t taken = sector > 0 ? (tested_values_data() + end) % sector : 0;
    return offset == end || (taken > 0 && offset == end - taken + sector + FRAME_CHECKSUM);
}

void small_config(oversized_config_t *config, const char *directory)
{
    oversized_config_init(config);
    config->format = tested_format();
    config->native_version = tested_version();
    config->sector_size = tested_sector();
    config->directory = directory;
    config->index_partition = "test_index";
    config->value_partition = "test_values";
    config->entry_size = SMALL_ENTRY;
    config->page_size = SMALL_PAGE;
    config->page_cache_pages = 8;
    config->index_write_buffer = 1024;
    config->value_write_buffer = 1024;
}

oversized_location_t append_filled(oversized_t *journal, uint64_t section, uint64_t id, uint8_t fill, size_t size,
                                   uint64_t *position)
{
    uint8_t entry[SMALL_ENTRY];
    put_u64(entry, id);
    uint8_t *value = need_memory(size);
    memset(value, fill, size);
    oversized_location_t location = {UINT64_MAX, 0};
    assert_ok(oversized_append(journal, section, entry, value, size, position, &location));
    free(value);
    return location;
}

static void check_fill(const segj_buffer_t *value, uint8_t fill, size_t size)
{
    assert_int_equal(value->size, size);
    const uint8_t *bytes = value->data;
    for (size_t i = 0; i < size; i++)
        assert_int_equal(bytes[i], fill);
}

void check_filled(oversized_t *journal, uint64_t section, uint64_t position, uint64_t id, uint8_t fill, size_t size)
{
    uint8_t entry[SMALL_ENTRY] = {0};
    oversized_location_t location = {UINT64_MAX, 0};
    segj_buffer_t value = {NULL, 0, 0};
    assert_ok(oversized_get(journal, section, position, entry, &location));
    assert_int_equal(get_u64(entry), id);
    assert_ok(oversized_get_value(journal, section, location, &value));
    check_fill(&value, fill, size);
    memset(entry, 0, sizeof entry);
    assert_ok(oversized_read(journal, section, position, entry, &value));
    assert_int_equal(get_u64(entry), id);
    check_fill(&value, fill, size);
    segj_buffer_free(&value);
}
