/*
 * badinput/test_emptied.c: of a section one file has lost its header, or is gone, while the other one holds data. Both
 * headers are durable before any data follows, so that no crash leaves the first: it is refused, with nothing changed
 * and a sentence that names both files. Values without an index file a crash may leave: they are removed, which the log
 * says, and refused where strict is set.
 */
#include "badinput/badinput.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SECTIONS = 3, RECORDS = 7 };

static path_t index_of(const place_t *place, uint64_t section)
{
    return section_path(place->directory.text, place->config.index_partition, section);
}

static path_t values_of(const place_t *place, uint64_t section)
{
    return section_path(place->directory.text, place->config.value_partition, section);
}

static void zero_file(const char *path, size_t size)
{
    static const uint8_t zeros[INDEX_DATA_OFFSET];
    write_file(path, zeros, size);
}

static void expect_both_named(const place_t *place, uint64_t section)
{
    char name[17];
    (void)snprintf(name, sizeof name, "%016" PRIx64, section);
    assert_sentence(index_of(place, section).text, place->config.value_partition, name, "bytes of data", "copy");
}

/* --- index files --- */

/* Each section by itself, and what lies before it and behind it, in each of the shapes that an emptied file has. */
static void an_emptied_index_file_is_refused(void **state)
{
    place_t *place = *state;
    static const size_t lengths[] = {0, 1, 31, 32, 4095, 4096, 4112, 8192, 12287};
    fill_journal(&place->config, SECTIONS, RECORDS);
    for (uint64_t section = 1; section <= SECTIONS; section++) {
        path_t path = index_of(place, section);
        bytes_t whole = read_file(path.text);
        for (size_t i = 0; i < COUNT_OF(lengths); i++) {
            write_file(path.text, whole.data, lengths[i]);
            assert_refused(&place->config, place->root.text, SEGJ_ERR_CORRUPT);
            expect_both_named(place, section);
            zero_file(path.text, lengths[i]);
            assert_refused(&place->config, place->root.text, SEGJ_ERR_CORRUPT);
            expect_both_named(place, section);
        }
        zero_file(path.text, INDEX_DATA_OFFSET);
        assert_refused(&place->config, place->root.text, SEGJ_ERR_CORRUPT);
        expect_both_named(place, section);
        write_file(path.text, whole.data, whole.size);
        free_bytes(&whole);
    }
    check_journal(&place->config, SECTIONS, RECORDS);
}

static void all_index_files_emptied_are_refused(void **state)
{
    place_t *place = *state;
    fill_journal(&place->config, SECTIONS, RECORDS);
    for (uint64_t section = 1; section <= SECTIONS; section++)
        resize_file(index_of(place, section).text, 0);
    assert_refused(&place->config, place->root.text, SEGJ_ERR_CORRUPT);
    expect_both_named(place, 1);
}

/* A checkpoint that does without a section's records does not do without its files. */
static void an_emptied_index_file_is_refused_under_a_checkpoint(void **state)
{
    place_t *place = *state;
    oversized_checkpoint_t checkpoint = {1, 2, 0};
    fill_journal(&place->config, SECTIONS, RECORDS);
    resize_file(index_of(place, 3).text, 0);
    place->config.checkpoint = &checkpoint;
    assert_refused(&place->config, place->root.text, SEGJ_ERR_CORRUPT);
}

/* Without a byte behind the headers it is a creation that a crash has cut off. */
static void emptied_files_without_data_are_new(void **state)
{
    place_t *place = *state;
    oversized_t *journal = NULL;
    fill_journal(&place->config, SECTIONS, RECORDS);
    resize_file(index_of(place, 2).text, 0);
    resize_file(values_of(place, 2).text, VALUES_DATA_OFFSET);
    assert_ok(oversized_open(&place->config, &journal));
    append_samples(journal, 2, RECORDS);
    assert_ok(oversized_close(journal));
    check_journal(&place->config, SECTIONS, RECORDS);
}

/* --- values files --- */

static void drop_watermark(const place_t *place, uint64_t section)
{
    static const uint8_t zeros[2 * HEADER_BLOCK];
    write_file_at(index_of(place, section).text, HEADER_BLOCK, zeros, sizeof zeros);
}

/* With a watermark its loss is counted; without one it would go unsaid. */
static void an_emptied_values_file_is_refused_where_nothing_tells_of_the_loss(void **state)
{
    place_t *place = *state;
    static const size_t lengths[] = {0, 1, 32, 4095};
    fill_journal(&place->config, SECTIONS, RECORDS);
    path_t path = values_of(place, 2);
    bytes_t whole = read_file(path.text);
    drop_watermark(place, 2);
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        write_file(path.text, whole.data, lengths[i]);
        assert_refused(&place->config, place->root.text, SEGJ_ERR_CORRUPT);
        assert_sentence(path.text, place->config.index_partition, "bytes of data");
        zero_file(path.text, lengths[i]);
        assert_refused(&place->config, place->root.text, SEGJ_ERR_CORRUPT);
    }
    write_file(path.text, whole.data, whole.size);
    free_bytes(&whole);
    check_journal(&place->config, SECTIONS, RECORDS);
}

static void an_emptied_values_file_is_counted_where_a_watermark_tells(void **state)
{
    place_t *place = *state;
    oversized_t *journal = NULL;
    fill_journal(&place->config, SECTIONS, RECORDS);
    resize_file(values_of(place, 2).text, 0);
    assert_ok(oversized_open(&place->config, &journal));
    assert_int_equal(oversized_recovery(journal)->synced_records_lost, RECORDS);
    assert_int_equal(oversized_recovery(journal)->unacknowledged_records, RECORDS);
    oversized_abandon(journal);
}

/* --- values without an index --- */

typedef struct listener {
    unsigned lines, warnings;
    char last[1024];
} listener_t;

static void listen(void *context, segj_log_level_t level, const char *message)
{
    listener_t *listener = context;
    if (level < SEGJ_LOG_WARNING)
        return;
    listener->lines++;
    listener->warnings += level == SEGJ_LOG_WARNING;
    (void)snprintf(listener->last, sizeof listener->last, "%s", message);
}

static void expect_line(const listener_t *listener, const path_t *path, const char *what)
{
    char size[48];
    (void)snprintf(size, sizeof size, "%d bytes of data", RECORDS * SAMPLE_FRAME);
    assert_int_equal(listener->lines, 1);
    assert_int_equal(listener->warnings, 1);
    assert_non_null(strstr(listener->last, path->text));
    assert_non_null(strstr(listener->last, size));
    assert_non_null(strstr(listener->last, what));
}

static void values_without_an_index_are_removed_with_a_warning(void **state)
{
    place_t *place = *state;
    oversized_t *journal = NULL;
    for (uint64_t section = 1; section <= SECTIONS; section++) {
        listener_t listener = {0};
        remove_tree(place->directory.text);
        fill_journal(&place->config, SECTIONS, RECORDS);
        path_t path = values_of(place, section);
        remove_file(index_of(place, section).text);
        oversized_config_t config = place->config;
        config.log = listen;
        config.log_context = &listener;

        config.read_only = true;
        assert_ok(oversized_open(&config, &journal));
        assert_ok(oversized_close(journal));
        expect_line(&listener, &path, "would be removed");
        assert_true(path_exists(path.text));

        listener = (listener_t){0};
        config.read_only = false;
        assert_ok(oversized_open(&config, &journal));
        assert_int_equal(oversized_recovery(journal)->orphan_sections_removed, 1);
        assert_ok(oversized_close(journal));
        expect_line(&listener, &path, "is removed");
        assert_false(path_exists(path.text));
    }
}

static void values_without_an_index_are_refused_where_strict_is_set(void **state)
{
    place_t *place = *state;
    oversized_t *journal = NULL;
    for (uint64_t section = 1; section <= SECTIONS; section++) {
        remove_tree(place->directory.text);
        fill_journal(&place->config, SECTIONS, RECORDS);
        remove_file(index_of(place, section).text);
        manifest_t before = take_manifest(place->root.text);
        oversized_config_t config = place->config;
        config.strict = true;
        for (int read_only = 0; read_only < 2; read_only++) {
            config.read_only = read_only == 1;
            assert_status(oversized_open(&config, &journal), SEGJ_ERR_CORRUPT);
            assert_null(journal);
            assert_sentence(values_of(place, section).text, "140 bytes of data", "strict", "without strict");
            assert_unchanged(place->root.text, &before);
        }
        free_manifest(&before);
    }
}

/* It holds nothing, or a checkpoint does without it: strict has nothing to say. */
static void strict_lets_values_pass_that_nobody_misses(void **state)
{
    place_t *place = *state;
    oversized_t *journal = NULL;
    oversized_config_t config = place->config;
    oversized_checkpoint_t checkpoint = {2, 2, RECORDS * SMALL_RECORD};
    config.strict = true;
    fill_journal(&place->config, SECTIONS, RECORDS);
    remove_file(index_of(place, 3).text);
    resize_file(values_of(place, 3).text, VALUES_DATA_OFFSET);
    assert_ok(oversized_open(&config, &journal));
    assert_int_equal(oversized_recovery(journal)->orphan_sections_removed, 1);
    assert_ok(oversized_close(journal));
    remove_file(index_of(place, 1).text);
    assert_status(oversized_open(&config, &journal), SEGJ_ERR_CORRUPT);
    config.checkpoint = &checkpoint;
    assert_ok(oversized_open(&config, &journal));
    assert_int_equal(oversized_recovery(journal)->orphan_sections_removed, 1);
    check_sample(journal, 2, RECORDS - 1);
    assert_ok(oversized_close(journal));
}

/* The reference makes the values file first, so that a crash leaves this: the values stay, and the log says so. */
static void in_the_commonware_format_values_beside_an_emptied_index_stay(void **state)
{
    place_t *place = *state;
    oversized_t *journal = NULL;
    listener_t listener = {0};
    place->config.format = SEGJ_FORMAT_COMMONWARE;
    place->config.native_version = 0;
    fill_journal(&place->config, SECTIONS, RECORDS);
    resize_file(index_of(place, 2).text, 0);
    uint64_t size = file_size(values_of(place, 2).text);
    place->config.log = listen;
    place->config.log_context = &listener;
    assert_ok(oversized_open(&place->config, &journal));
    assert_true(listener.warnings > 0);
    assert_ok(oversized_close(journal));
    assert_int_equal(file_size(values_of(place, 2).text), size);
    assert_false(path_exists(join_path(place->directory.text, ".test_index.lost").text));
}

/* No crash leaves that, of the reference's neither; but that one cuts the section to nothing, and so does this. */
static void in_the_commonware_format_an_emptied_values_file_is_refused_where_strict_is_set(void **state)
{
    place_t *place = *state;
    oversized_t *journal = NULL;
    static const size_t lengths[] = {0, 1, 7};
    place->config.format = SEGJ_FORMAT_COMMONWARE;
    place->config.native_version = 0;
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        remove_tree(place->directory.text);
        fill_journal(&place->config, SECTIONS, RECORDS);
        zero_file(values_of(place, 2).text, lengths[i]);
        oversized_config_t config = place->config;
        config.strict = true;
        assert_refused(&config, place->root.text, SEGJ_ERR_CORRUPT);
        assert_sentence(values_of(place, 2).text, place->config.index_partition, "bytes of data (strict)");
        assert_ok(oversized_open(&place->config, &journal));
        assert_ok(oversized_close(journal));
        assert_ok(oversized_open(&config, &journal));
        assert_ok(oversized_close(journal));
    }
}

/* A bound or a checkpoint does without it. */
static void strict_lets_an_emptied_values_file_pass_that_is_not_wanted(void **state)
{
    place_t *place = *state;
    oversized_t *journal = NULL;
    oversized_config_t config = place->config;
    oversized_checkpoint_t checkpoint = {1, 1, RECORDS * SMALL_RECORD};
    oversized_bound_t bound = {3, 0};
    config.format = SEGJ_FORMAT_COMMONWARE;
    config.native_version = 0;
    fill_journal(&config, SECTIONS, RECORDS);
    resize_file(values_of(place, 3).text, 0);
    config.strict = config.read_only = true;
    assert_refused(&config, place->root.text, SEGJ_ERR_CORRUPT);
    config.bound = &bound;
    assert_ok(oversized_open(&config, &journal));
    assert_ok(oversized_close(journal));
    config.bound = NULL;
    config.checkpoint = &checkpoint;
    assert_ok(oversized_open(&config, &journal));
    assert_ok(oversized_close(journal));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_place, drop_place)
    const struct CMUnitTest tests[] = {
        TEST(an_emptied_index_file_is_refused),
        TEST(all_index_files_emptied_are_refused),
        TEST(an_emptied_index_file_is_refused_under_a_checkpoint),
        TEST(emptied_files_without_data_are_new),
        TEST(an_emptied_values_file_is_refused_where_nothing_tells_of_the_loss),
        TEST(an_emptied_values_file_is_counted_where_a_watermark_tells),
        TEST(values_without_an_index_are_removed_with_a_warning),
        TEST(values_without_an_index_are_refused_where_strict_is_set),
        TEST(strict_lets_values_pass_that_nobody_misses),
        TEST(in_the_commonware_format_values_beside_an_emptied_index_stay),
        TEST(in_the_commonware_format_an_emptied_values_file_is_refused_where_strict_is_set),
        TEST(strict_lets_an_emptied_values_file_pass_that_is_not_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
