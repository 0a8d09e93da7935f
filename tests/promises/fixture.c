/* promises/fixture.c: see promises/fixture.h. */
#include "promises/fixture.h"

#include "promises/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/log_section.h"

/* --- set-up --- */

static void count_line(void *context, segj_log_level_t level, const char *message)
{
    fixture_t *f = context;
    assert_non_null(message);
    assert_in_range(level, SEGJ_LOG_DEBUG, SEGJ_LOG_ERROR);
    f->logged[level]++;
    (void)snprintf(f->lines[level], sizeof f->lines[level], "%s", message);
}

int set_up(void **state)
{
    fixture_t *f = calloc(1, sizeof *f);
    if (f == NULL)
        return -1;
    f->root = make_temp_directory();
    f->directory = join_path(f->root.text, "journal");
    small_config(&f->config, f->directory.text);
    f->config.storage = watch_begin();
    watch_seen()->quick = true;
    f->config.log = count_line;
    f->config.log_context = f;
    *state = f;
    return 0;
}

int tear_down(void **state)
{
    fixture_t *f = *state;
    oversized_abandon(f->journal);
    segj_buffer_free(&f->value);
    remove_tree(f->root.text);
    free(f);
    return 0;
}

/* --- the journal --- */

oversized_config_t config_of_place(const fixture_t *f)
{
    oversized_config_t config;
    oversized_config_init(&config);
    config.native_version = 1;
    config.directory = f->config.directory;
    config.index_partition = f->config.index_partition;
    config.value_partition = f->config.value_partition;
    config.storage = f->config.storage;
    return config;
}

void open_journal(fixture_t *f)
{
    assert_null(f->journal);
    assert_ok(oversized_open(&f->config, &f->journal));
    assert_non_null(f->journal);
}

void close_journal(fixture_t *f)
{
    oversized_t *journal = f->journal;
    f->journal = NULL;
    assert_ok(oversized_close(journal));
}

void abandon_journal(fixture_t *f)
{
    oversized_abandon(f->journal);
    f->journal = NULL;
}

void close_and_open(fixture_t *f)
{
    close_journal(f);
    open_journal(f);
}

void abandon_and_open(fixture_t *f)
{
    abandon_journal(f);
    open_journal(f);
}

void refuse_open(fixture_t *f, segj_status_t status)
{
    oversized_t *journal = (oversized_t *)(void *)f;
    assert_status(oversized_open(&f->config, &journal), status);
    assert_null(journal);
}

void refuse_open_untouched(fixture_t *f, segj_status_t status)
{
    path_t before = join_path(f->root.text, "before");
    bool exists = path_exists(f->directory.text);
    if (exists)
        copy_tree(f->directory.text, before.text);
    refuse_open(f, status);
    assert_int_equal(path_exists(f->directory.text), exists);
    if (!exists)
        return;
    assert_trees_equal(f->directory.text, before.text);
    remove_tree(before.text);
}

path_t index_path(const fixture_t *f, uint64_t section)
{
    return section_path(f->directory.text, f->config.index_partition, section);
}

path_t values_path(const fixture_t *f, uint64_t section)
{
    return section_path(f->directory.text, f->config.value_partition, section);
}

path_t snapshot(const fixture_t *f)
{
    path_t copy = join_path(f->root.text, "snapshot");
    copy_tree(f->directory.text, copy.text);
    return copy;
}

void assert_untouched(const fixture_t *f, path_t before)
{
    if (path_exists(join_path(before.text, f->config.index_partition).text))
        share_owner(f->directory.text, before.text, f->config.index_partition);
    assert_trees_equal(f->directory.text, before.text);
    remove_tree(before.text);
}

uint64_t watermark_on_disk(const fixture_t *f, uint64_t section)
{
    bytes_t file = read_file(index_path(f, section).text);
    assert_true(file.size >= tested_index_data());
    uint64_t watermark =
        tested_version() == 2 ? log_watermark(&file, section) : effective_watermark(file.data + HEADER_BLOCK, section);
    free_bytes(&file);
    return watermark;
}

void flip_byte(const char *path, uint64_t offset)
{
    bytes_t file = read_file(path);
    assert_true(offset < file.size);
    uint8_t flipped = file.data[offset] ^ 0xFFu;
    free_bytes(&file);
    write_file_at(path, offset, &flipped, 1);
}

/* --- samples --- */

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

static uint64_t seed_of(uint64_t section, uint64_t position, unsigned salt)
{
    return mix(mix(mix(section) + position) + salt);
}

void fill_noise(uint8_t *bytes, size_t size, uint64_t seed)
{
    for (size_t i = 0; i < size; i++) {
        if (i % 8 == 0)
            seed = mix(seed);
        bytes[i] = (uint8_t)(seed >> (i % 8 * 8));
    }
}

size_t sample_value_size(uint64_t section, uint64_t position, unsigned salt)
{
    return (size_t)(seed_of(section, position, salt) % SAMPLE_VALUE_LIMIT);
}

void sample_value(uint64_t section, uint64_t position, unsigned salt, uint8_t *value)
{
    fill_noise(value, sample_value_size(section, position, salt), seed_of(section, position, salt) + 1);
}

void sample_entry(uint64_t section, uint64_t position, unsigned salt, uint8_t *entry, size_t size)
{
    fill_noise(entry, size, seed_of(section, position, salt) + 2);
}

static size_t entry_size_of(const oversized_t *journal)
{
    return oversized_record_size(journal) - OVERSIZED_LOCATION_SIZE;
}

/* The entry that a sample has, to be freed. */
static uint8_t *make_entry(const oversized_t *journal, uint64_t section, uint64_t position, unsigned salt)
{
    size_t size = entry_size_of(journal);
    uint8_t *entry = malloc(size + 1);
    assert_non_null(entry);
    sample_entry(section, position, salt, entry, size);
    return entry;
}

oversized_location_t append_sample(oversized_t *journal, uint64_t section, unsigned salt)
{
    uint64_t count = count_of(journal, section);
    uint64_t end = value_size_of(journal, section);
    size_t size = sample_value_size(section, count, salt);
    uint8_t value[SAMPLE_VALUE_LIMIT];
    uint8_t *entry = make_entry(journal, section, count, salt);
    uint64_t position = UINT64_MAX;
    oversized_location_t location = {UINT64_MAX, 0};
    sample_value(section, count, salt, value);
    assert_ok(oversized_append(journal, section, entry, value, size, &position, &location));
    free(entry);
    assert_int_equal(position, count);
    assert_true(tested_follows(location.offset, end));
    assert_true(location.size >= FRAME_CHECKSUM);
    assert_int_equal(value_size_of(journal, section), tested_frame_end(location, entry_size_of(journal)));
    return location;
}

void put_samples(oversized_t *journal, uint64_t section, uint64_t count, unsigned salt)
{
    uint64_t first = 0;
    segj_status_t status = oversized_count(journal, section, &first);
    assert_true(status == SEGJ_OK || status == SEGJ_ERR_NO_SECTION);
    for (uint64_t i = first; i < first + count; i++) {
        uint8_t entry[SMALL_ENTRY + 1];
        uint8_t value[SAMPLE_VALUE_LIMIT];
        sample_entry(section, i, salt, entry, sizeof entry);
        sample_value(section, i, salt, value);
        assert_ok(oversized_append(journal, section, entry, value, sample_value_size(section, i, salt), NULL, NULL));
    }
}

void append_samples(oversized_t *journal, uint64_t section, uint64_t count, unsigned salt)
{
    for (uint64_t i = 0; i < count; i++)
        append_sample(journal, section, salt);
}

static void check_value(const segj_buffer_t *found, uint64_t section, uint64_t position, unsigned salt)
{
    uint8_t value[SAMPLE_VALUE_LIMIT];
    assert_int_equal(found->size, sample_value_size(section, position, salt));
    assert_true(found->capacity >= found->size);
    sample_value(section, position, salt, value);
    if (found->size > 0)
        assert_memory_equal(found->data, value, found->size);
}

void check_sample(oversized_t *journal, uint64_t section, uint64_t position, unsigned salt)
{
    size_t size = entry_size_of(journal);
    uint8_t *expected = make_entry(journal, section, position, salt);
    uint8_t *entry = calloc(1, size + 1);
    oversized_location_t location = {UINT64_MAX, 0};
    segj_buffer_t value = {NULL, 0, 0};
    assert_non_null(entry);
    assert_ok(oversized_get(journal, section, position, entry, &location));
    assert_memory_equal(entry, expected, size);
    assert_ok(oversized_get_value(journal, section, location, &value));
    check_value(&value, section, position, salt);
    memset(entry, 0, size + 1);
    assert_ok(oversized_read(journal, section, position, entry, &value));
    assert_memory_equal(entry, expected, size);
    check_value(&value, section, position, salt);
    segj_buffer_free(&value);
    free(entry);
    free(expected);
}

void check_samples(oversized_t *journal, uint64_t section, uint64_t first, uint64_t last, unsigned salt)
{
    for (uint64_t position = first; position < last; position++)
        check_sample(journal, section, position, salt);
}

static void check_last(oversized_t *journal, uint64_t section, uint64_t count, unsigned salt)
{
    size_t size = entry_size_of(journal);
    uint8_t *entry = calloc(1, size + 1);
    oversized_location_t location = {UINT64_MAX, 0};
    assert_non_null(entry);
    if (count == 0) {
        assert_status(oversized_last(journal, section, entry, &location), SEGJ_END);
    } else {
        uint8_t *expected = make_entry(journal, section, count - 1, salt);
        assert_ok(oversized_last(journal, section, entry, &location));
        assert_memory_equal(entry, expected, size);
        assert_int_equal(tested_frame_end(location, entry_size_of(journal)), value_size_of(journal, section));
        free(expected);
    }
    free(entry);
}

void check_section(oversized_t *journal, uint64_t section, uint64_t count, unsigned salt)
{
    uint64_t size = UINT64_MAX;
    assert_int_equal(count_of(journal, section), count);
    assert_ok(oversized_size(journal, section, &size));
    assert_int_equal(size, count * oversized_record_size(journal));
    check_samples(journal, section, 0, count, salt);
    assert_status(oversized_get(journal, section, count, NULL, NULL), SEGJ_ERR_NO_RECORD);
    check_last(journal, section, count, salt);
}

void check_item(oversized_t *journal, const oversized_item_t *item, uint64_t section, uint64_t position, unsigned salt)
{
    uint8_t *expected = make_entry(journal, section, position, salt);
    segj_buffer_t value = {NULL, 0, 0};
    assert_int_equal(item->section, section);
    assert_int_equal(item->position, position);
    if (entry_size_of(journal) > 0)
        assert_memory_equal(item->entry, expected, entry_size_of(journal));
    assert_ok(oversized_get_value(journal, section, item->location, &value));
    check_value(&value, section, position, salt);
    segj_buffer_free(&value);
    free(expected);
}

void check_replay_value(oversized_replay_t *replay, uint64_t section, uint64_t position, unsigned salt)
{
    uint8_t expected[SAMPLE_VALUE_LIMIT];
    const void *value = NULL;
    size_t size = SIZE_MAX;
    sample_value(section, position, salt, expected);
    assert_ok(oversized_replay_value(replay, &value, &size));
    assert_int_equal(size, sample_value_size(section, position, salt));
    if (size > 0)
        assert_memory_equal(value, expected, size);
}

void check_replay_of(oversized_t *journal, uint64_t section, uint64_t position, uint64_t count, size_t buffer,
                     unsigned salt)
{
    oversized_replay_t *replay = NULL;
    oversized_item_t item;
    assert_ok(oversized_replay_open(journal, section, position, buffer, &replay));
    for (uint64_t at = position; at < count; at++) {
        assert_ok(oversized_replay_next(replay, &item));
        check_item(journal, &item, section, at, salt);
        check_replay_value(replay, section, at, salt);
    }
    assert_status(oversized_replay_next(replay, &item), SEGJ_END);
    oversized_replay_close(replay);
    assert_ok(oversized_replay_open_back(journal, section, OVERSIZED_END, buffer, &replay));
    for (uint64_t at = count; at-- > position;) {
        assert_ok(oversized_replay_next(replay, &item));
        check_item(journal, &item, section, at, salt);
        check_replay_value(replay, section, at, salt);
    }
    oversized_replay_close(replay);
}

void check_files(const fixture_t *f, uint64_t section, uint64_t count, unsigned salt)
{
    section_image_t image;
    load_section(&f->config, section, &image);
    assert_int_equal(image.records, count);
    size_t record_size = f->config.entry_size + LOCATION_BYTES;
    uint8_t *entry = malloc(f->config.entry_size + 1);
    assert_non_null(entry);
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *record = image.logical.data + i * record_size;
        oversized_location_t location = decode_location(record, f->config.entry_size);
        uint8_t value[SAMPLE_VALUE_LIMIT];
        sample_entry(section, i, salt, entry, f->config.entry_size);
        sample_value(section, i, salt, value);
        size_t size = sample_value_size(section, i, salt);
        assert_memory_equal(record, entry, f->config.entry_size);
        assert_int_equal(location.size, size + FRAME_CHECKSUM);
        if (size > 0)
            assert_memory_equal(image.frames.data + tested_head(f->config.entry_size) + location.offset, value, size);
    }
    free(entry);
    free_section(&image);
}

/* --- sections --- */

void check_walk(oversized_t *journal, const uint64_t *sections, size_t count)
{
    uint64_t section = 0;
    assert_true(count > 0);
    assert_ok(oversized_newest_section(journal, &section));
    assert_int_equal(section, sections[count - 1]);
    assert_ok(oversized_oldest_section(journal, &section));
    assert_int_equal(section, sections[0]);
    for (size_t i = 1; i < count; i++) {
        assert_ok(oversized_next_section(journal, section, &section));
        assert_int_equal(section, sections[i]);
    }
    assert_status(oversized_next_section(journal, section, &section), SEGJ_END);
    assert_int_equal(section, sections[count - 1]);
    for (size_t i = count - 1; i-- > 0;) {
        assert_ok(oversized_prev_section(journal, section, &section));
        assert_int_equal(section, sections[i]);
    }
    assert_status(oversized_prev_section(journal, section, &section), SEGJ_END);
    assert_int_equal(section, sections[0]);
}

void assert_no_sections(oversized_t *journal)
{
    uint64_t section = 77;
    assert_status(oversized_oldest_section(journal, &section), SEGJ_END);
    assert_status(oversized_newest_section(journal, &section), SEGJ_END);
    assert_status(oversized_next_section(journal, 0, &section), SEGJ_END);
    assert_status(oversized_prev_section(journal, UINT64_MAX, &section), SEGJ_END);
    assert_int_equal(section, 77);
}

uint64_t count_of(oversized_t *journal, uint64_t section)
{
    uint64_t count = UINT64_MAX;
    assert_ok(oversized_count(journal, section, &count));
    return count;
}

uint64_t value_size_of(oversized_t *journal, uint64_t section)
{
    uint64_t size = UINT64_MAX;
    assert_ok(oversized_value_size(journal, section, &size));
    return size;
}
