/*
 * commonware/test_containers.c: files of both containers, side by side; those whose making a crash has interrupted;
 * those whose header is damaged.
 */
#include "commonware/story.h"

#include <string.h>

static const size_t containers[2] = {COMMONWARE_V0, COMMONWARE_V1};

/* Records are read, appended and taken back, and the files stay what they are. */
static void both_containers_go_on_as_found(void **state)
{
    story_t *story = *state;
    for (size_t i = 0; i < 4; i++) {
        size_t index_data = containers[i / 2];
        size_t values_data = containers[i % 2];
        section_image_t image;
        story_write(story, index_data, values_data, 5);
        bytes_t before = read_file(story->values.text);
        story_open(story);
        story_check(story, STORY_SECTION, 0, 4);
        story_append(story, STORY_SECTION, 5, 12);
        assert_ok(oversized_sync(story->journal, STORY_SECTION));
        story_check(story, STORY_SECTION, 0, 12);
        load_section(&story->config, STORY_SECTION, &image);
        assert_int_equal(image.records, 13);
        free_section(&image);
        assert_ok(oversized_rewind(story->journal, STORY_SECTION, 6 * SMALL_RECORD));
        story_append(story, STORY_SECTION, 6, 7);
        story_drop(story);
        story_open(story);
        assert_int_equal(story_count(story, STORY_SECTION), 6);
        story_check(story, STORY_SECTION, 0, 5);
        assert_int_equal(file_size(story->index.text), index_data + 2 * STORY_PHYSICAL);
        bytes_t after = read_file(story->values.text);
        assert_int_equal(after.size, values_data + 6 * STORY_FRAME);
        assert_memory_equal(after.data, before.data, before.size);
        free_bytes(&after);
        free_bytes(&before);
        story_drop(story);
        remove_tree(story->directory.text);
    }
}

/* A recovery cuts them at the same records. */
static void both_containers_are_cut_alike(void **state)
{
    story_t *story = *state;
    for (size_t i = 0; i < 4; i++) {
        size_t index_data = containers[i / 2];
        size_t values_data = containers[i % 2];
        story_write(story, index_data, values_data, 10);
        resize_file(story->values.text, values_data + 4 * STORY_FRAME + 3);
        story_open(story);
        assert_int_equal(story_count(story, STORY_SECTION), 4);
        story_check(story, STORY_SECTION, 0, 3);
        assert_int_equal(file_size(story->values.text), values_data + 4 * STORY_FRAME);
        assert_int_equal(file_size(story->index.text), index_data + 2 * STORY_PHYSICAL);
        story_append(story, STORY_SECTION, 4, 9);
        assert_ok(oversized_close(story->journal));
        story->journal = NULL;
        story_open(story);
        story_check(story, STORY_SECTION, 0, 9);
        story_drop(story);
        remove_tree(story->directory.text);
    }
}

static void new_sections_are_of_the_first_container_beside_such(void **state)
{
    story_t *story = *state;
    uint8_t header[COMMONWARE_V0];
    story_write(story, COMMONWARE_V0, COMMONWARE_V1, 3);
    encode_commonware_header(header, COMMONWARE_V0, 0);
    story_open(story);
    story_append(story, 9, 0, 3);
    assert_ok(oversized_sync(story->journal, 9));
    const char *partitions[2] = {story->config.index_partition, story->config.value_partition};
    for (size_t i = 0; i < 2; i++) {
        bytes_t file = read_file(section_path(story->directory.text, partitions[i], 9).text);
        assert_memory_equal(file.data, header, sizeof header);
        assert_true(file.size % STORY_FRAME == COMMONWARE_V0 || file.size == COMMONWARE_V0 + 2 * STORY_PHYSICAL);
        free_bytes(&file);
    }
}

/* One write makes the header whole: a crash within it never leaves eight bytes that are none. */
static void a_header_is_one_write_and_durable_before_data(void **state)
{
    story_t *story = *state;
    story_open(story);
    recorder_clear(story->recorder);
    story_append(story, 7, 0, 0);
    assert_changes(story->recorder, "create test_index/7; create test_values/7; write test_index/7 0+8; "
                                    "write test_values/7 0+8; sync test_index/7; sync test_values/7");
}

static void check_made_new(story_t *story, const uint8_t *bytes, size_t size, size_t data)
{
    const path_t *paths[2] = {&story->index, &story->values};
    for (size_t i = 0; i < 2; i++) {
        story_write(story, COMMONWARE_V0, COMMONWARE_V0, 0);
        write_file(paths[i]->text, bytes, size);
        story_open(story);
        assert_int_equal(story_count(story, STORY_SECTION), 0);
        assert_int_equal(file_size(paths[i]->text), data);
        story_append(story, STORY_SECTION, 0, 5);
        assert_ok(oversized_sync(story->journal, STORY_SECTION));
        story_drop(story);
        story_open(story);
        story_check(story, STORY_SECTION, 0, 5);
        section_image_t image;
        load_section(&story->config, STORY_SECTION, &image);
        assert_int_equal(image.records, 6);
        free_section(&image);
        story_drop(story);
        remove_tree(story->directory.text);
    }
}

static void a_file_whose_making_was_interrupted_is_made_new(void **state)
{
    story_t *story = *state;
    uint8_t zeros[COMMONWARE_V0] = {0};
    uint8_t header[COMMONWARE_V1];
    encode_commonware_header(header, COMMONWARE_V0, 0);
    for (size_t size = 0; size <= COMMONWARE_V0; size++) {
        uint8_t cut[COMMONWARE_V0] = {0};
        memcpy(cut, header, size);
        check_made_new(story, header, size, COMMONWARE_V0);
        check_made_new(story, zeros, size, COMMONWARE_V0);
        check_made_new(story, cut, sizeof cut, COMMONWARE_V0);
    }
    encode_commonware_header(header, COMMONWARE_V1, 0);
    const size_t sizes[] = {4, 6, 8, 11, 12, 100, COMMONWARE_V1};
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        check_made_new(story, header, sizes[i], COMMONWARE_V1);
    memset(header + 7, 0, sizeof header - 7);
    check_made_new(story, header, sizeof header, COMMONWARE_V1);
}

/* The values of a section without a header hold nothing; its records go, as those of a missing values file. */
static void a_values_file_that_is_new_holds_nothing(void **state)
{
    story_t *story = *state;
    story_write(story, COMMONWARE_V0, COMMONWARE_V0, 5);
    resize_file(story->values.text, 3);
    story_open(story);
    assert_int_equal(story_count(story, STORY_SECTION), 0);
    assert_int_equal(file_size(story->index.text), COMMONWARE_V0);
    assert_int_equal(file_size(story->values.text), COMMONWARE_V0);
}

static void a_damaged_header_is_corrupt_and_left_alone(void **state)
{
    story_t *story = *state;
    const struct {
        size_t container, at;
        segj_status_t expected;
    } cases[] = {
        {COMMONWARE_V0, 0, SEGJ_ERR_CORRUPT},  {COMMONWARE_V0, 3, SEGJ_ERR_CORRUPT},
        {COMMONWARE_V0, 4, SEGJ_ERR_MISMATCH}, {COMMONWARE_V0, 7, SEGJ_ERR_MISMATCH},
        {COMMONWARE_V1, 0, SEGJ_ERR_CORRUPT},  {COMMONWARE_V1, 5, SEGJ_ERR_MISMATCH},
        {COMMONWARE_V1, 6, SEGJ_ERR_CORRUPT},  {COMMONWARE_V1, 11, SEGJ_ERR_CORRUPT},
        {COMMONWARE_V1, 12, SEGJ_ERR_CORRUPT}, {COMMONWARE_V1, COMMONWARE_V1 - 1, SEGJ_ERR_CORRUPT},
    };
    for (size_t i = 0; i < 2 * COUNT_OF(cases); i++) {
        size_t at = i / 2;
        story_write(story, cases[at].container, cases[at].container, 4);
        spoil(i % 2 == 0 ? story->index.text : story->values.text, cases[at].at);
        story_refuse(story, cases[at].expected, i % 2 == 0 ? "test_index/" : "test_values/");
        remove_tree(story->directory.text);
    }
}

/* A values file without an index is removed, but not when it is something else. */
static void an_orphan_with_a_damaged_header_is_left_alone(void **state)
{
    story_t *story = *state;
    story_write(story, COMMONWARE_V0, COMMONWARE_V1, 4);
    spoil(story->values.text, 9);
    remove_file(story->index.text);
    story_refuse(story, SEGJ_ERR_CORRUPT, "test_values/");
    spoil(story->values.text, 9);
    spoil(story->values.text, 9);
    bytes_t file = read_file(story->values.text);
    encode_commonware_header(file.data, COMMONWARE_V1, 0);
    write_file(story->values.text, file.data, file.size);
    free_bytes(&file);
    story_open(story);
    assert_false(path_exists(story->values.text));
    assert_int_equal(oversized_recovery(story->journal)->orphan_sections_removed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(both_containers_go_on_as_found),
        STORY(both_containers_are_cut_alike),
        STORY(new_sections_are_of_the_first_container_beside_such),
        STORY(a_header_is_one_write_and_durable_before_data),
        STORY(a_file_whose_making_was_interrupted_is_made_new),
        STORY(a_values_file_that_is_new_holds_nothing),
        STORY(a_damaged_header_is_corrupt_and_left_alone),
        STORY(an_orphan_with_a_damaged_header_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
