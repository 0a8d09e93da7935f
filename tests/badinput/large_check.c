/* badinput/large_check.c: looking at a damaged journal; see badinput/large.h. */
#include "badinput/large.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void check_right(large_t *large, oversized_t *journal, uint64_t record)
{
    uint8_t entry[LARGE_ENTRY_MOST];
    uint8_t expected_entry[LARGE_ENTRY_MOST];
    uint8_t expected[LARGE_VALUE_MOST];
    segj_buffer_t value = {NULL, 0, 0};
    assert_ok(oversized_read(journal, LARGE_SECTION, record, entry, &value));
    large_entry(large, record, expected_entry);
    assert_memory_equal(entry, expected_entry, large->shape.entry_size);
    size_t size = large_value(large, record, expected);
    assert_int_equal(value.size, size);
    if (size > 0)
        assert_memory_equal(value.data, expected, size);
    segj_buffer_free(&value);
}

void forget_pages(large_t *large)
{
    assert_ok(oversized_get(large->reader, LARGE_OTHER, 0, NULL, NULL));
}

/* The sentence holds what begins with this text, and then no further digit. */
static void check_number(const char *text)
{
    const char *found = strstr(segj_last_error(), text);
    if (found == NULL || (found[strlen(text)] >= '0' && found[strlen(text)] <= '9'))
        fail_msg("the last error does not name \"%s\": %s", text, segj_last_error());
}

void check_damaged_page(large_t *large, uint64_t record, uint64_t page)
{
    char text[48];
    segj_status_t status = oversized_get(large->reader, LARGE_SECTION, record, NULL, NULL);
    check_status(status, SEGJ_ERR_CORRUPT, "oversized_get", __FILE__, __LINE__);
    assert_sentence(large->paths[IN_INDEX].text);
    (void)snprintf(text, sizeof text, "offset %" PRIu64, INDEX_DATA_OFFSET + page * large->physical);
    check_number(text);
    (void)snprintf(text, sizeof text, "page %" PRIu64, page);
    check_number(text);
}

void check_damaged_value(large_t *large, uint64_t record)
{
    char text[48];
    segj_buffer_t value = {NULL, 0, 0};
    segj_status_t status = oversized_read(large->reader, LARGE_SECTION, record, NULL, &value);
    check_status(status, SEGJ_ERR_CHECKSUM, "oversized_read", __FILE__, __LINE__);
    assert_int_equal(value.size, 0);
    segj_buffer_free(&value);
    assert_sentence(large->paths[IN_VALUES].text);
    (void)snprintf(text, sizeof text, "offset %" PRIu64, VALUES_DATA_OFFSET + large->offsets[record]);
    check_number(text);
}

segj_status_t probe(large_t *large, uint64_t *records, uint64_t *lost)
{
    oversized_t *journal = NULL;
    large->opens++;
    segj_status_t status = oversized_open(&large->config, &journal);
    *records = *lost = 0;
    if (status != SEGJ_OK) {
        assert_null(journal);
        return status;
    }
    assert_ok(oversized_count(journal, LARGE_SECTION, records));
    *lost = oversized_recovery(journal)->synced_records_lost;
    oversized_abandon(journal);
    return SEGJ_OK;
}

segj_status_t probe_strict(large_t *large)
{
    uint64_t records;
    uint64_t lost;
    large->config.strict = true;
    segj_status_t status = probe(large, &records, &lost);
    large->config.strict = false;
    return status;
}

/* The files are what a journal leaves that has these records and is at rest. */
static void check_at_rest(large_t *large, uint64_t records)
{
    uint64_t index_size = 0;
    uint64_t values_size = 0;
    uint64_t pages = (records * large->record_size + large->shape.page_size - 1) / large->shape.page_size;
    assert_int_equal(large->storage->file_size(large->files[IN_INDEX], &index_size), 0);
    assert_int_equal(large->storage->file_size(large->files[IN_VALUES], &values_size), 0);
    assert_int_equal(index_size, INDEX_DATA_OFFSET + pages * large->physical);
    assert_int_equal(values_size, VALUES_DATA_OFFSET + large->offsets[records]);
}

void try_large(large_t *large, uint64_t records)
{
    oversized_t *journal = NULL;
    uint64_t count = 0;
    oversized_abandon(large->reader); /* its lock is shared */
    large->config.read_only = false;
    for (int again = 0; again < 2; again++) {
        large->opens++;
        large->config.strict = again == 1;
        assert_ok(oversized_open(&large->config, &journal));
        assert_ok(oversized_count(journal, LARGE_SECTION, &count));
        assert_int_equal(count, records);
        for (uint64_t record = 0; record < records; record += record + 20 < records ? 19 : 1)
            check_right(large, journal, record);
        oversized_abandon(journal);
        check_at_rest(large, records);
    }
    restore_all(large);
    large->config.strict = false;
    large->config.read_only = true;
    assert_ok(oversized_open(&large->config, &large->reader));
}
