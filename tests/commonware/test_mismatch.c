/*
 * commonware/test_mismatch.c: files of another configuration. Nothing in commonware files says how large pages and
 * records are, and the rule by which an index ends would cut those of another size to nothing. So they are recognised
 * by what they hold, and the open changes no byte.
 */
#include "commonware/story.h"

#include <stdio.h>
#include <string.h>

static void another_page_size_is_found_and_named(void **state)
{
    story_t *story = *state;
    const uint16_t asked[] = {1, 19, 20, 32, 63, 65, 76, 128, 4084, UINT16_MAX};
    story_make(story, 12);
    for (size_t i = 0; i < COUNT_OF(asked); i++) {
        story->config.page_size = asked[i];
        story_refuse(story, SEGJ_ERR_MISMATCH, "the page size is 64 bytes, expected ");
    }
    story->config.page_size = SMALL_PAGE;
    story_open(story);
    story_check(story, STORY_SECTION, 0, 11);
}

/* One record fills its page in part; the largest page has 65,547 bytes on disk. */
static void every_page_size_is_recognised(void **state)
{
    story_t *story = *state;
    const uint16_t made[] = {1, 2, 12, 20, 100, 4084, 4096, 65000, UINT16_MAX};
    for (size_t i = 0; i < COUNT_OF(made); i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "the page size is %u bytes, expected 64 bytes", (unsigned)made[i]);
        story->config.page_size = made[i];
        story_make(story, 1);
        story->config.page_size = SMALL_PAGE;
        /* A checksum of one byte is soon right by chance; the record is not, then. */
        story_refuse(story, SEGJ_ERR_MISMATCH, made[i] < 12 ? NULL : text);
        remove_tree(story->directory.text);
    }
}

static void another_record_size_is_found(void **state)
{
    story_t *story = *state;
    const uint32_t asked[] = {0, 1, 4, 7, 9, 12, 16, 20, 28, 48, 100, 188, 1000, UINT16_MAX};
    const uint64_t counts[] = {1, 2, 3, 4, 5, 16, 64, 200};
    for (size_t k = 0; k < COUNT_OF(counts); k++) {
        story->config.entry_size = SMALL_ENTRY;
        story_make(story, counts[k]);
        for (size_t i = 0; i < COUNT_OF(asked); i++) {
            story->config.entry_size = asked[i];
            story_refuse(story, SEGJ_ERR_MISMATCH, counts[k] > 1 ? "the record size is 20" : NULL);
            char sizes[96];
            (void)snprintf(sizes, sizeof sizes, "entry_size is 8 bytes, config.entry_size is %u bytes",
                           (unsigned)asked[i]);
            story_refuse(story, SEGJ_ERR_MISMATCH, counts[k] > 1 ? sizes : "config.entry_size is ");
        }
        remove_tree(story->directory.text);
    }
}

/* Also when they were written beyond one reading of pages, and with pages that records fill exactly. */
static void a_multiple_of_the_record_size_is_found(void **state)
{
    story_t *story = *state;
    const uint64_t counts[] = {2, 4, 100, 10000};
    for (size_t k = 0; k < COUNT_OF(counts); k++) {
        story->config.entry_size = SMALL_ENTRY;
        story->config.page_size = 40;
        story_make(story, counts[k]);
        for (uint32_t times = 2; times <= counts[k] && times <= 50; times++) {
            story->config.entry_size = SMALL_RECORD * times - LOCATION_BYTES;
            story_refuse(story, SEGJ_ERR_MISMATCH, "the record size is 20");
        }
        remove_tree(story->directory.text);
    }
}

static void partitions_in_each_others_place_are_a_mismatch(void **state)
{
    story_t *story = *state;
    story_make(story, 5);
    story->config.index_partition = "test_values";
    story->config.value_partition = "test_index";
    story_refuse(story, SEGJ_ERR_MISMATCH, "an index page of 64 bytes");
}

static void ranges_that_overlap_or_decrease_are_a_mismatch(void **state)
{
    story_t *story = *state;
    const oversized_location_t wrong[][4] = {
        {{0, 20}, {19, 20}, {39, 20}, {59, 20}},  {{0, 20}, {20, 20}, {0, 20}, {60, 20}},
        {{20, 20}, {0, 20}, {40, 20}, {60, 20}},  {{0, 20}, {20, 20}, {40, 20}, {40, 20}},
        {{0, 100}, {20, 20}, {40, 20}, {60, 20}}, {{60, 20}, {40, 20}, {20, 20}, {0, 20}},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        story_write_locations(story, wrong[i], 4, 100);
        story_refuse(story, SEGJ_ERR_MISMATCH, NULL);
        remove_tree(story->directory.text);
    }
}

/* The last records of a long section, and the first ones; what lies between them is not read. */
static void ranges_are_looked_at_at_both_ends_of_a_long_section(void **state)
{
    story_t *story = *state;
    static oversized_location_t locations[20000];
    for (size_t i = 0; i < COUNT_OF(locations); i++)
        locations[i] = (oversized_location_t){20 * i, 20};
    const size_t spoilt[] = {1, 1000, 19000, 19999};
    for (size_t i = 0; i < COUNT_OF(spoilt); i++) {
        locations[spoilt[i]].offset -= 10;
        story_write_locations(story, locations, COUNT_OF(locations), 20 * COUNT_OF(locations));
        story_refuse(story, SEGJ_ERR_MISMATCH, NULL);
        remove_tree(story->directory.text);
        locations[spoilt[i]].offset += 10;
    }
    story_write_locations(story, locations, COUNT_OF(locations), 20 * COUNT_OF(locations));
    story_open(story);
    assert_int_equal(story_count(story, STORY_SECTION), COUNT_OF(locations));
}

/* Appends that failed, and records that are gone, leave bytes that belong to nobody. */
static void ranges_with_gaps_are_none(void **state)
{
    story_t *story = *state;
    const oversized_location_t gaps[][3] = {
        {{1, 20}, {21, 20}, {41, 20}},
        {{0, 20}, {30, 20}, {55, 4}},
        {{1000000, 20}, {2000000, 20}, {3000000, 30}},
    };
    for (size_t i = 0; i < COUNT_OF(gaps); i++) {
        uint64_t size = 0;
        story_write_locations(story, gaps[i], 3, 3000030);
        story_open(story);
        assert_int_equal(story_count(story, STORY_SECTION), 3);
        assert_ok(oversized_value_size(story->journal, STORY_SECTION, &size));
        assert_int_equal(size, gaps[i][2].offset + gaps[i][2].size);
        assert_int_equal(file_size(story->values.text), COMMONWARE_V0 + size);
        story_drop(story);
        remove_tree(story->directory.text);
    }
}

/* Locations that no append has made do not say another record size; they are no records. */
static void an_impossible_last_record_is_dropped(void **state)
{
    story_t *story = *state;
    const oversized_location_t wrong[] = {{20, 3}, {20, 0}, {UINT64_MAX - 10, 100}, {0, 3}};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        const oversized_location_t locations[2] = {{0, 20}, wrong[i]};
        story_write_locations(story, locations, 2, 40);
        story_open(story);
        assert_int_equal(story_count(story, STORY_SECTION), 1);
        story_drop(story);
        remove_tree(story->directory.text);
    }
}

/* The first sync of a section was interrupted: whatever it left of the page, the section is empty. */
static void a_torn_first_page_is_no_mismatch(void **state)
{
    story_t *story = *state;
    for (uint64_t at = COMMONWARE_V0; at < COMMONWARE_V0 + SMALL_PAGE; at += 3) {
        story_make(story, 3);
        spoil(story->index.text, at < COMMONWARE_V0 + 60 ? at : COMMONWARE_V0 + SMALL_PAGE + 3);
        story_open(story);
        assert_int_equal(story_count(story, STORY_SECTION), 0);
        story_drop(story);
        remove_tree(story->directory.text);
    }
}

static void either_formats_files_are_refused_by_the_other(void **state)
{
    story_t *story = *state;
    const segj_format_t formats[2] = {SEGJ_FORMAT_NATIVE, SEGJ_FORMAT_COMMONWARE};
    const char *texts[2] = {"it is a file of the commonware format, and config.format is SEGJ_FORMAT_NATIVE",
                            "it is a file of the native format, and config.format is SEGJ_FORMAT_COMMONWARE"};
    for (size_t i = 0; i < 2; i++) {
        story->config.format = formats[1 - i];
        story->config.native_version = i == 0 ? 0 : 1;
        story_make(story, 3);
        story->config.format = formats[i];
        story->config.native_version = i == 0 ? 1 : 0;
        story_refuse(story, SEGJ_ERR_MISMATCH, texts[i]);
        /* The index alone, the values alone, and values without an index. */
        path_t other = join_path(story->root.text, "other");
        copy_tree(story->directory.text, other.text);
        remove_file(story->index.text);
        story_refuse(story, SEGJ_ERR_MISMATCH, texts[i]);
        remove_tree(story->directory.text);
        copy_tree(other.text, story->directory.text);
        remove_file(story->values.text);
        story_refuse(story, SEGJ_ERR_MISMATCH, texts[i]);
        remove_tree(other.text);
        remove_tree(story->directory.text);
    }
}

/* One section of the other format is enough: sections before and behind it are not touched. */
static void a_section_of_the_other_format_refuses_the_whole_open(void **state)
{
    story_t *story = *state;
    uint8_t header[INDEX_DATA_OFFSET] = {0};
    story_open(story);
    for (uint64_t section = 1; section <= 3; section++)
        story_append(story, section, 0, 9);
    story_drop(story); /* with tails that recovery would cut or sync */
    path_t index = section_path(story->directory.text, story->config.index_partition, 2);
    encode_identity(header, &(identity_t){1, IDENTITY_INDEX, 0, SMALL_PAGE, SMALL_RECORD, 2});
    write_file(index.text, header, sizeof header);
    story_refuse(story, SEGJ_ERR_MISMATCH, "native");
}

static void settings_that_can_never_work_are_refused(void **state)
{
    story_t *story = *state;
    const int wrong[] = {-1, 3, 255};
    story->config.page_size = 0;
    assert_status(oversized_open(&story->config, &story->journal), SEGJ_ERR_INVALID);
    assert_non_null(strstr(segj_last_error(), "page_size"));
    story->config.page_size = SMALL_PAGE;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        memcpy(&story->config.verify, &wrong[i], sizeof story->config.verify);
        assert_status(oversized_open(&story->config, &story->journal), SEGJ_ERR_INVALID);
        assert_non_null(strstr(segj_last_error(), "verify"));
    }
    assert_null(story->journal);
    assert_false(path_exists(story->directory.text));
    story->config.verify = OVERSIZED_VERIFY_TAIL;
    story_open(story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(another_page_size_is_found_and_named),
        STORY(every_page_size_is_recognised),
        STORY(another_record_size_is_found),
        STORY(a_multiple_of_the_record_size_is_found),
        STORY(partitions_in_each_others_place_are_a_mismatch),
        STORY(ranges_that_overlap_or_decrease_are_a_mismatch),
        STORY(ranges_are_looked_at_at_both_ends_of_a_long_section),
        STORY(ranges_with_gaps_are_none),
        STORY(an_impossible_last_record_is_dropped),
        STORY(a_torn_first_page_is_no_mismatch),
        STORY(either_formats_files_are_refused_by_the_other),
        STORY(a_section_of_the_other_format_refuses_the_whole_open),
        STORY(settings_that_can_never_work_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
