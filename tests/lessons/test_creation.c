/*
 * lessons/test_creation.c: files that are being made, and files that are being removed.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "lessons/story.h"

enum { GARBAGE = 0x6B };

/* --- a08, b21: headers that did not get finished --- */

/* The header of section 1, and zeros, as long as a file without data is. */
static size_t make_header(uint8_t *header, uint8_t kind)
{
    identity_t identity = {.version = 1, .kind = kind, .section = 1};
    if (kind == IDENTITY_INDEX) {
        identity.page_size = SMALL_PAGE;
        identity.record_size = SMALL_RECORD;
    }
    memset(header, 0, INDEX_DATA_OFFSET);
    encode_identity(header, &identity);
    return kind == IDENTITY_INDEX ? INDEX_DATA_OFFSET : VALUES_DATA_OFFSET;
}

/* A disk with these files of section 1. */
static void begin_with_files(story_t *story, const uint8_t *index, size_t index_size, const uint8_t *values,
                             size_t values_size)
{
    story_begin(story);
    (void)story_chapter(story, 1);
    disk_put(story->disk, ON_INDEX(1), index, index_size);
    disk_put(story->disk, ON_VALUES(1), values, values_size);
}

/* `kind`'s file is what is given, the other one a whole header. */
static void begin_with_file(story_t *story, uint8_t kind, const uint8_t *bytes, size_t size)
{
    uint8_t other[INDEX_DATA_OFFSET];
    if (kind == IDENTITY_INDEX)
        begin_with_files(story, bytes, size, other, make_header(other, IDENTITY_VALUES));
    else
        begin_with_files(story, other, make_header(other, IDENTITY_INDEX), bytes, size);
}

static void expect_new(uint8_t kind, const uint8_t *bytes, size_t size)
{
    story_t story;
    begin_with_file(&story, kind, bytes, size);
    story_verify(&story);
    story_expect(&story, 1, 1);
    story_end(&story);
}

static void expect_refused(uint8_t kind, const uint8_t *bytes, size_t size, segj_status_t status)
{
    story_t story;
    begin_with_file(&story, kind, bytes, size);
    crashdisk_t *before = disk_snapshot(story.disk);
    for (int i = 0; i < 2; i++)
        assert_status(oversized_open(&story.config, &story.journal), status);
    assert_disks_equal(story.disk, before);
    disk_free(before);
    story_end(&story);
}

/*
 * A process killed between the making of a file and its header left the reference implementation a file of zeros, and
 * no section of the whole journal could be opened any more. Of a file that cannot hold data yet, whatever is there of
 * its header, in order or not, is a new and empty section.
 */
static void a08_a_file_without_a_whole_header_is_a_new_section(void **state)
{
    static const size_t there[] = {0, 1, 3, 4, 5, 6, 8, 16, 28, 31, 32, 511, 512, 4095};
    uint8_t header[INDEX_DATA_OFFSET];
    uint8_t bytes[INDEX_DATA_OFFSET];
    for (uint8_t kind = IDENTITY_INDEX; kind <= IDENTITY_VALUES; kind++) {
        size_t whole = make_header(header, kind);
        for (size_t i = 0; i < sizeof there / sizeof there[0]; i++) {
            memset(bytes, 0, sizeof bytes);
            memcpy(bytes, header, there[i]);
            expect_new(kind, bytes, there[i]);
            if (there[i] != 4 && there[i] != 5) /* with zeros these are a version's number */
                expect_new(kind, bytes, whole);
            memset(bytes, GARBAGE, there[i]);
            expect_new(kind, bytes, there[i]);
            expect_new(kind, bytes, whole);
        }
    }
}

/*
 * What is no crash's doing is not healed: another format's file, another version's, and a file that is longer than its
 * header and has none. The open fails each time and touches nothing.
 */
static void a08_a_foreign_file_or_one_with_data_and_no_header_is_refused(void **state)
{
    uint8_t bytes[INDEX_DATA_OFFSET + 1];
    for (uint8_t kind = IDENTITY_INDEX; kind <= IDENTITY_VALUES; kind++) {
        size_t whole = make_header(bytes, kind);
        memcpy(bytes, "CWIC", 4);
        expect_refused(kind, bytes, whole, SEGJ_ERR_MISMATCH);
        expect_refused(kind, bytes, 8, SEGJ_ERR_MISMATCH);
        memcpy(bytes, "CWIK", 4);
        expect_refused(kind, bytes, whole, SEGJ_ERR_MISMATCH);
        memcpy(bytes, "SEGJ\0\3", 6);
        expect_refused(kind, bytes, whole, SEGJ_ERR_MISMATCH);
        expect_refused(kind, bytes, 6, SEGJ_ERR_MISMATCH);
        memset(bytes, 0, sizeof bytes);
        expect_refused(kind, bytes, whole + 1, SEGJ_ERR_CORRUPT);
        memset(bytes, GARBAGE, sizeof bytes);
        expect_refused(kind, bytes, whole + 1, SEGJ_ERR_CORRUPT);
    }
}

static bool create_two(story_t *story)
{
    return story_open(story) && story_append(story, 1) && story_append(story, 2) && story_sync(story, 2) &&
           story_append(story, 1) && story_sync(story, 1);
}

/* The same by way of the disk: creations torn at every sector and every change, out of order too. */
static void b21_a_creation_torn_anywhere_opens(void **state)
{
    const act_t acts[] = {{create_two, POWER_ANYWHERE, true}};
    tell_new(acts, 1);
}

/* --- a13: removals that others can see --- */

typedef struct remover {
    oversized_t *journal;
    bool prune;
    segj_status_t status;
} remover_t;

static void *remove_sections(void *argument)
{
    remover_t *remover = argument;
    remover->status =
        remover->prune ? oversized_prune(remover->journal, 6, NULL) : oversized_rewind(remover->journal, 1, 0);
    return NULL;
}

/* Sections 1 and 5, two records each. */
static void begin_with_two_sections(story_t *story)
{
    story_begin(story);
    assert_true(story_open(story));
    assert_true(story_append_many(story, 1, 2));
    assert_true(story_append_many(story, 5, 2));
    assert_true(story_sync(story, 1));
    assert_true(story_sync(story, 5));
}

static pthread_t start_removal(story_t *story, remover_t *remover)
{
    pthread_t thread;
    disk_inject(story->disk, (disk_fault_t){CALL_REMOVE, ON_INDEX(5), 0, 1, ACTION_PARK, 0, 0});
    assert_int_equal(pthread_create(&thread, NULL, remove_sections, remover), 0);
    disk_await_parked(story->disk);
    return thread;
}

/*
 * While the reference implementation removed a file, others could still list it and open it, and by that make it anew.
 * From the moment a removal works on the disk readers find the section gone, and nobody else can open the journal.
 */
static void a13_a_section_that_is_being_removed_is_gone_for_everybody(void **state)
{
    story_t story;
    oversized_t *second = NULL;
    begin_with_two_sections(&story);
    remover_t remover = {story.journal, true, SEGJ_END};
    pthread_t thread = start_removal(&story, &remover);
    uint64_t section = 0;
    assert_status(oversized_get(story.journal, 5, 0, NULL, NULL), SEGJ_ERR_PRUNED);
    assert_status(oversized_oldest_section(story.journal, &section), SEGJ_END);
    assert_status(oversized_open(&story.config, &second), SEGJ_ERR_LOCKED);
    disk_release(story.disk);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_ok(remover.status);
    assert_status(oversized_append(story.journal, 5, "entry-01", "v", 1, NULL, NULL), SEGJ_ERR_PRUNED);
    assert_false(disk_exists(story.disk, ON_INDEX(1)) || disk_exists(story.disk, ON_INDEX(5)));
    assert_false(disk_exists(story.disk, ON_VALUES(1)) || disk_exists(story.disk, ON_VALUES(5)));
    story_end(&story);
}

typedef struct appender {
    story_t *story;
    bool done;
} appender_t;

static void *append_to_five(void *argument)
{
    appender_t *appender = argument;
    appender->done = story_append(appender->story, 5);
    return NULL;
}

static void verify_copy(story_t *copy, const void *context)
{
    (void)context;
    story_verify(copy);
}

/* A section that is appended to while its removal is under way begins anew behind the removal, and not within it. */
static void a13_a_section_comes_back_only_behind_its_removal(void **state)
{
    story_t story;
    pthread_t appending;
    begin_with_two_sections(&story);
    remover_t remover = {story.journal, false, SEGJ_END};
    pthread_t removing = start_removal(&story, &remover);
    *story_chapter(&story, 1) = (chapter_t){.section = 1, .there = true};
    *story_chapter(&story, 5) = (chapter_t){.section = 5};
    appender_t appender = {&story, false};
    assert_int_equal(pthread_create(&appending, NULL, append_to_five, &appender), 0);
    disk_release(story.disk);
    assert_int_equal(pthread_join(removing, NULL), 0);
    assert_int_equal(pthread_join(appending, NULL), 0);
    assert_ok(remover.status);
    assert_true(appender.done);
    story_expect(&story, 5, 1);
    story_each_crash(&story, false, verify_copy, NULL);
    assert_true(story_sync(&story, 5));
    story_crash(&story, crash_keep_none());
    story_verify(&story);
    story_end(&story);
}

static bool remove_and_make_again(story_t *story)
{
    return story_open(story) && story_append_many(story, 1, 2) && story_append_many(story, 2, 2) &&
           story_sync(story, 2) && story_sync(story, 1) && story_rewind(story, 1, 1) && story_append(story, 2) &&
           story_sync(story, 2) && story_prune(story, 2);
}

/* And whatever the power cut takes of removals and creations, no record of before comes back under the same name. */
static void a13_nothing_of_a_removed_section_comes_back_under_its_name(void **state)
{
    const act_t acts[] = {{remove_and_make_again, POWER_ANYWHERE, false}};
    tell_new(acts, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a08_a_file_without_a_whole_header_is_a_new_section),
        cmocka_unit_test(a08_a_foreign_file_or_one_with_data_and_no_header_is_refused),
        TOLD(b21_a_creation_torn_anywhere_opens),
        cmocka_unit_test(a13_a_section_that_is_being_removed_is_gone_for_everybody),
        TOLD(a13_a_section_comes_back_only_behind_its_removal),
        TOLD(a13_nothing_of_a_removed_section_comes_back_under_its_name),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    printf("%lu disks verified\n", tell_verified());
    return failed;
}
