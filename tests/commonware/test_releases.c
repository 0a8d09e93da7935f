/*
 * commonware/test_releases.c: what open makes of the release of commonware-storage that has been at work in a directory:
 * headers of new files, values without records, and whether the last value decides where a section ends.
 */
#include "commonware/story.h"

#include <string.h>
#include <unistd.h>

static void check_header(const char *path, size_t data)
{
    uint8_t header[COMMONWARE_V1] = {0};
    bytes_t file = read_file(path);
    encode_commonware_header(header, data, 0);
    assert_true(file.size >= data);
    assert_memory_equal(file.data, header, data);
    free_bytes(&file);
}

static void check_new_section(const story_t *story, uint64_t section, size_t data)
{
    check_header(section_path(story->directory.text, story->config.index_partition, section).text, data);
    check_header(section_path(story->directory.text, story->config.value_partition, section).text, data);
}

/* --- headers of new files --- */

static void a_new_journal_has_the_header_that_was_asked_for(void **state)
{
    story_t *story = *state;
    for (uint8_t header = 0; header < 2; header++) {
        size_t data = header == 0 ? COMMONWARE_V0 : COMMONWARE_V1;
        story->config.commonware_header = header;
        story_open(story);
        story_append(story, 3, 0, 4);
        assert_ok(oversized_sync(story->journal, 3));
        check_new_section(story, 3, data);
        story_drop(story);
        story->config.commonware_header = 1 - header; /* what there is counts */
        story_open(story);
        story_check(story, 3, 0, 4);
        story_append(story, 4, 0, 4);
        assert_ok(oversized_sync(story->journal, 4));
        check_new_section(story, 4, data);
        story_drop(story);
        remove_tree(story->directory.text);
    }
}

static void the_newest_section_is_followed(void **state)
{
    story_t *story = *state;
    story_write(story, COMMONWARE_V1, COMMONWARE_V1, 3);
    story_open(story);
    story_append(story, STORY_SECTION + 1, 0, 3);
    assert_ok(oversized_sync(story->journal, STORY_SECTION + 1));
    check_new_section(story, STORY_SECTION + 1, COMMONWARE_V1);
    story_drop(story);
    story_open(story);
    story_check(story, STORY_SECTION, 0, 2);
    story_check(story, STORY_SECTION + 1, 0, 3);
}

/* A file that is missing, or shorter than any header, gets the header that new files have. */
static void a_file_without_a_header_follows_too(void **state)
{
    story_t *story = *state;
    uint8_t header[COMMONWARE_V1] = {0};
    encode_commonware_header(header, COMMONWARE_V1, 0);
    for (size_t size = 0; size <= COMMONWARE_V0; size++) {
        for (int i = 0; i < 2; i++) {
            const path_t *path = i == 0 ? &story->index : &story->values;
            story_write(story, COMMONWARE_V1, COMMONWARE_V1, 0);
            story_open(story);
            story_append(story, STORY_SECTION + 1, 0, 2);
            assert_ok(oversized_sync(story->journal, STORY_SECTION + 1));
            story_drop(story);
            assert_int_equal(unlink(path->text), 0);
            if (size < COMMONWARE_V0 || i == 0)
                write_file(path->text, header, size % COMMONWARE_V0);
            story_open(story);
            story_check(story, STORY_SECTION + 1, 0, 2);
            check_new_section(story, STORY_SECTION, COMMONWARE_V1);
            story_drop(story);
            remove_tree(story->directory.text);
        }
    }
}

/* --- a header of which only the size was written --- */

static void a_size_without_its_bytes_is_a_new_file(void **state)
{
    story_t *story = *state;
    static const char magic[] = "CWI";
    const size_t sizes[] = {9, 12, 100, COMMONWARE_V1 - 1, COMMONWARE_V1};
    for (size_t i = 0; i < COUNT_OF(sizes) * 8; i++) {
        uint8_t bytes[COMMONWARE_V1] = {0};
        const path_t *path = i % 2 == 0 ? &story->index : &story->values;
        memcpy(bytes, magic, i / 2 % 4);
        story_write(story, COMMONWARE_V1, COMMONWARE_V1, 0);
        write_file(path->text, bytes, sizes[i / 8]);
        story_open(story);
        assert_int_equal(story_count(story, STORY_SECTION), 0);
        check_header(path->text, COMMONWARE_V1);
        story_append(story, STORY_SECTION, 0, 5);
        assert_ok(oversized_sync(story->journal, STORY_SECTION));
        story_drop(story);
        story_open(story);
        story_check(story, STORY_SECTION, 0, 5);
        story_drop(story);
        remove_tree(story->directory.text);
    }
}

static void a_longer_file_of_zeros_is_refused(void **state)
{
    story_t *story = *state;
    static const uint8_t zeros[COMMONWARE_V1 + 1];
    for (int i = 0; i < 2; i++) {
        story_write(story, COMMONWARE_V1, COMMONWARE_V1, 0);
        write_file((i == 0 ? &story->index : &story->values)->text, zeros, sizeof zeros);
        story_refuse(story, SEGJ_ERR_CORRUPT, i == 0 ? "test_index/" : "test_values/");
        remove_tree(story->directory.text);
    }
}

/* --- values without records --- */

/* A first release keeps them, and new frames follow; a newer one cuts them. */
static void values_without_records_stay_or_go(void **state)
{
    story_t *story = *state;
    for (int newer = 0; newer < 2; newer++) {
        size_t data = newer ? COMMONWARE_V1 : COMMONWARE_V0;
        oversized_location_t location;
        story_write(story, data, data, 5);
        resize_file(story->index.text, data);
        story->config.read_only = true;
        story_open(story);
        story_drop(story);
        assert_int_equal(file_size(story->values.text), data + 5 * STORY_FRAME);
        story->config.read_only = false;
        story_open(story);
        assert_int_equal(file_size(story->values.text), newer ? data : data + 5 * STORY_FRAME);
        story_append(story, STORY_SECTION, 0, 3);
        assert_ok(oversized_get(story->journal, STORY_SECTION, 0, NULL, &location));
        assert_int_equal(location.offset, newer ? 0 : 5 * STORY_FRAME);
        assert_ok(oversized_sync(story->journal, STORY_SECTION));
        story_drop(story);
        story_open(story);
        story_check(story, STORY_SECTION, 0, 3);
        story_drop(story);
        remove_tree(story->directory.text);
    }
}

/* --- the last value --- */

static void spoil_last_value(const story_t *story, size_t data, uint64_t count)
{
    spoil(story->values.text, data + (count - 1) * STORY_FRAME + 3);
}

/* Its checksum decides by default where a newer release has been at work, and where it is asked for. */
static void the_last_value_decides_as_in_the_release(void **state)
{
    story_t *story = *state;
    const struct {
        size_t data;
        oversized_verify_t verify;
        uint64_t left;
    } cases[] = {
        {COMMONWARE_V0, OVERSIZED_VERIFY_DEFAULT, 5}, {COMMONWARE_V1, OVERSIZED_VERIFY_DEFAULT, 4},
        {COMMONWARE_V0, OVERSIZED_VERIFY_RANGES, 5},  {COMMONWARE_V1, OVERSIZED_VERIFY_RANGES, 5},
        {COMMONWARE_V0, OVERSIZED_VERIFY_TAIL, 4},    {COMMONWARE_V1, OVERSIZED_VERIFY_TAIL, 4},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        story_write(story, cases[i].data, cases[i].data, 5);
        spoil_last_value(story, cases[i].data, 5);
        story->config.verify = cases[i].verify;
        story_open(story);
        assert_int_equal(story_count(story, STORY_SECTION), cases[i].left);
        story_drop(story);
        remove_tree(story->directory.text);
    }
}

/* A directory that a newer release has opened, whose files are all of the first kind, shows it by `.hold`, which is empty
 * where that program made it. One that this library has made tells nothing. */
static void the_programs_own_lock_file_shows_it_too(void **state)
{
    story_t *story = *state;
    story->config.storage = NULL;
    for (int made_by_the_program = 0; made_by_the_program < 2; made_by_the_program++) {
        story_write(story, COMMONWARE_V0, COMMONWARE_V0, 5);
        if (made_by_the_program)
            write_file(join_path(story->directory.text, ".hold").text, "", 0);
        for (int i = 0; i < 2; i++) {
            story_open(story);
            assert_int_equal(story_count(story, STORY_SECTION), 5);
            story_drop(story);
        }
        spoil_last_value(story, COMMONWARE_V0, 5);
        story_open(story);
        assert_int_equal(story_count(story, STORY_SECTION), made_by_the_program ? 4 : 5);
        story_drop(story);
        remove_tree(story->directory.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_new_journal_has_the_header_that_was_asked_for),
        STORY(the_newest_section_is_followed),
        STORY(a_file_without_a_header_follows_too),
        STORY(a_size_without_its_bytes_is_a_new_file),
        STORY(a_longer_file_of_zeros_is_refused),
        STORY(values_without_records_stay_or_go),
        STORY(the_last_value_decides_as_in_the_release),
        STORY(the_programs_own_lock_file_shows_it_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
