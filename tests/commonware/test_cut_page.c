/*
 * commonware/test_cut_page.c: an index file that a crash has cut within its only page holds no page any more, and must
 * open as the empty section that it is. Found by comparing with the reference: where the cut went through the second
 * slot, the first one lay where a page six bytes smaller has its second, and the open was refused as one with a wrong
 * page size.
 */
#include "commonware/story.h"

/** Where the file that is left is a whole page of six bytes less. */
#define WHOLE_SMALLER_PAGE (STORY_PHYSICAL - 6)

static void check_cut(story_t *story, uint64_t records, uint64_t size)
{
    story_make(story, records);
    resize_file(story->index.text, COMMONWARE_V0 + size);
    story_open(story);
    assert_int_equal(story_count(story, STORY_SECTION), 0);
    story_drop(story);
    remove_tree(story->directory.text);
}

static void a_page_cut_anywhere_is_no_page_of_another_size(void **state)
{
    story_t *story = *state;
    for (uint64_t size = 0; size < STORY_PHYSICAL; size++)
        for (uint64_t records = 1; records <= 3 && size != WHOLE_SMALLER_PAGE; records++)
            check_cut(story, records, size);
}

static void what_may_be_a_whole_page_of_another_size_is_left_alone(void **state)
{
    story_t *story = *state;
    story_make(story, 1);
    resize_file(story->index.text, COMMONWARE_V0 + WHOLE_SMALLER_PAGE);
    story_refuse(story, SEGJ_ERR_MISMATCH, "the page size is 58 bytes, expected 64 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(a_page_cut_anywhere_is_no_page_of_another_size),
        STORY(what_may_be_a_whole_page_of_another_size_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
