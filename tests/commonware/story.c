/* commonware/story.c: see the header. */
#include "commonware/story.h"

#include <stdlib.h>
#include <string.h>

int story_set_up(void **state)
{
    story_t *story = calloc(1, sizeof *story);
    if (story == NULL)
        return -1;
    story->root = make_temp_directory();
    story->directory = join_path(story->root.text, "journal");
    small_config(&story->config, story->directory.text);
    story->index = section_path(story->directory.text, story->config.index_partition, STORY_SECTION);
    story->values = section_path(story->directory.text, story->config.value_partition, STORY_SECTION);
    story->recorder = recorder_new(segj_storage_posix());
    story->config.storage = recorder_storage(story->recorder);
    story->config.format = SEGJ_FORMAT_COMMONWARE;
    story->config.native_version = 0;
    *state = story;
    return 0;
}

int story_tear_down(void **state)
{
    story_t *story = *state;
    oversized_abandon(story->journal);
    recorder_free(story->recorder);
    remove_tree(story->root.text);
    free(story);
    return 0;
}

void story_open(story_t *story)
{
    assert_null(story->journal);
    assert_ok(oversized_open(&story->config, &story->journal));
}

void story_drop(story_t *story)
{
    oversized_abandon(story->journal);
    story->journal = NULL;
}

void story_append(story_t *story, uint64_t section, uint64_t first, uint64_t last)
{
    for (uint64_t i = first; i <= last; i++) {
        uint64_t position = UINT64_MAX;
        (void)append_filled(story->journal, section, i, (uint8_t)i, STORY_VALUE, &position);
        assert_int_equal(position, i);
    }
}

void story_check(const story_t *story, uint64_t section, uint64_t first, uint64_t last)
{
    for (uint64_t i = first; i <= last; i++)
        check_filled(story->journal, section, i, i, (uint8_t)i, STORY_VALUE);
}

uint64_t story_count(const story_t *story, uint64_t section)
{
    uint64_t count = UINT64_MAX;
    assert_ok(oversized_count(story->journal, section, &count));
    return count;
}

void story_make(story_t *story, uint64_t count)
{
    story_open(story);
    story_append(story, STORY_SECTION, 0, count - 1);
    assert_ok(oversized_sync(story->journal, STORY_SECTION));
    story_drop(story);
}

void story_refuse(story_t *story, segj_status_t expected, const char *text)
{
    path_t copy = join_path(story->root.text, "before");
    oversized_config_t config = story->config;
    copy_tree(story->directory.text, copy.text);
    for (int read_only = 1; read_only >= 0; read_only--) {
        config.read_only = read_only == 1;
        assert_status(oversized_open(&config, &story->journal), expected);
        assert_null(story->journal);
        if (text != NULL && strstr(segj_last_error(), text) == NULL)
            fail_msg("\"%s\" is not in \"%s\"", text, segj_last_error());
        assert_trees_equal(story->directory.text, copy.text);
    }
    remove_tree(copy.text);
}

void spoil(const char *path, uint64_t offset)
{
    bytes_t file = read_file(path);
    assert_true(offset < file.size);
    uint8_t byte = (uint8_t)~file.data[offset];
    free_bytes(&file);
    write_file_at(path, offset, &byte, 1);
}

static void make_partitions(const story_t *story)
{
    make_directory(story->directory.text);
    make_directory(join_path(story->directory.text, story->config.index_partition).text);
    make_directory(join_path(story->directory.text, story->config.value_partition).text);
}

/* The records' bytes: ids 0, 1, ... */
static bytes_t make_records(const oversized_location_t *locations, size_t count)
{
    bytes_t records = {malloc(count * SMALL_RECORD + 1), count * SMALL_RECORD};
    assert_non_null(records.data);
    for (size_t i = 0; i < count; i++) {
        uint8_t entry[SMALL_ENTRY];
        put_u64(entry, i);
        encode_record(records.data + i * SMALL_RECORD, entry, sizeof entry, locations[i]);
    }
    return records;
}

void story_write(const story_t *story, size_t index_data, size_t values_data, uint64_t count)
{
    oversized_location_t locations[64];
    segj_slice_t values[64];
    uint8_t bytes[64][STORY_VALUE];
    assert_true(count <= 64);
    for (size_t i = 0; i < count; i++) {
        locations[i] = (oversized_location_t){i * STORY_FRAME, STORY_FRAME};
        values[i] = (segj_slice_t){bytes[i], STORY_VALUE};
        memset(bytes[i], (int)i, STORY_VALUE);
    }
    make_partitions(story);
    bytes_t records = make_records(locations, (size_t)count);
    write_commonware_index(story->index.text, index_data, SMALL_PAGE, records.data, records.size);
    write_commonware_values(story->values.text, values_data, values, (size_t)count);
    free_bytes(&records);
}

void story_write_locations(const story_t *story, const oversized_location_t *locations, size_t count, size_t values)
{
    make_partitions(story);
    bytes_t records = make_records(locations, count);
    write_commonware_index(story->index.text, COMMONWARE_V0, SMALL_PAGE, records.data, records.size);
    write_commonware_values(story->values.text, COMMONWARE_V0, NULL, 0);
    resize_file(story->values.text, COMMONWARE_V0 + values);
    free_bytes(&records);
}
