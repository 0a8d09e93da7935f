/* lessons/story.c: see lessons/story.h. */
#include "lessons/story.h"

#include "support/strict.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- begin and end --- */

static void use_disk(story_t *story, crashdisk_t *disk)
{
    story->disk = disk;
    story->config.storage = disk_storage(disk);
}

void story_begin(story_t *story)
{
    *story = (story_t){.value_size = 16, .next_id = 1};
    small_config(&story->config, "journal");
    story->config.strict = true;
    use_disk(story, disk_new());
}

void story_kill(story_t *story)
{
    disk_kill(story->disk);
    oversized_abandon(story->journal);
    story->journal = NULL;
}

void story_end(story_t *story)
{
    story_kill(story);
    disk_free(story->disk);
    story->disk = NULL;
}

void story_crash(story_t *story, crash_t crash)
{
    story_kill(story);
    crashdisk_t *disk = disk_crash(story->disk, crash);
    disk_free(story->disk);
    use_disk(story, disk);
}

/* --- the model --- */

chapter_t *story_chapter(story_t *story, uint64_t section)
{
    for (size_t i = 0; i < story->chapter_count; i++)
        if (story->chapters[i].section == section)
            return &story->chapters[i];
    assert_true(story->chapter_count < STORY_SECTIONS);
    chapter_t *chapter = &story->chapters[story->chapter_count++];
    *chapter = (chapter_t){.section = section};
    return chapter;
}

void story_value(uint64_t id, uint8_t *value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        value[i] = (uint8_t)(id * 37 + i * 11 + (i >> 8) + 1);
}

/* Where the values of a chapter's first records end. */
static uint64_t end_of_values(const story_t *story, const chapter_t *chapter, size_t records)
{
    uint64_t end = 0;
    for (size_t i = 0; i < records; i++)
        end += story->sizes[chapter->ids[i]] + FRAME_CHECKSUM;
    return end;
}

/* Whether the call is done; a failure needs its reason. */
static bool settled(const story_t *story, segj_status_t status, const char *call, int line)
{
    if (status != SEGJ_OK && disk_powered(story->disk) && disk_disturbed(story->disk) == 0)
        check_status(status, SEGJ_OK, call, __FILE__, line);
    return status == SEGJ_OK;
}

#define SETTLED(call) settled(story, (call), #call, __LINE__)

/* --- changes --- */

bool story_append(story_t *story, uint64_t section)
{
    uint64_t id = story->next_id++;
    uint8_t entry[UINT8_MAX] = {0};
    uint64_t position = UINT64_MAX;
    oversized_location_t location = {UINT64_MAX, 0};
    chapter_t *chapter = story_chapter(story, section);
    assert_true(id < STORY_IDS && chapter->count < STORY_RECORDS);
    assert_in_range(story->config.entry_size, 1, sizeof entry);
    story->sizes[id] = story->value_size;
    chapter->gone = false; /* a creation that is cut off may leave an empty section */
    uint8_t *value = malloc(story->value_size + 1);
    assert_non_null(value);
    story_value(id, value, story->value_size);
    memset(entry, (int)id, sizeof entry);
    segj_status_t status =
        oversized_append(story->journal, section, entry, value, story->value_size, &position, &location);
    free(value);
    if (!SETTLED(status))
        return false;
    assert_int_equal(position, chapter->count);
    assert_int_equal(location.offset, end_of_values(story, chapter, chapter->count));
    chapter->ids[chapter->count++] = id;
    return true;
}

bool story_append_many(story_t *story, uint64_t section, size_t count)
{
    bool done = true;
    for (size_t i = 0; i < count && done; i++)
        done = story_append(story, section);
    return done;
}

static void make_durable(chapter_t *chapter)
{
    chapter->floor = chapter->count;
    chapter->there = chapter->there || chapter->count > 0;
}

bool story_sync(story_t *story, uint64_t section)
{
    if (!SETTLED(oversized_sync(story->journal, section)))
        return false;
    make_durable(story_chapter(story, section));
    return true;
}

static void doom(chapter_t *chapter)
{
    chapter->doomed = true;
    chapter->there = false;
}

static void bury(chapter_t *chapter)
{
    *chapter = (chapter_t){.section = chapter->section, .gone = true};
}

bool story_rewind_section(story_t *story, uint64_t section, size_t records)
{
    chapter_t *chapter = story_chapter(story, section);
    uint64_t size = records * oversized_record_size(story->journal);
    if (records < chapter->floor)
        chapter->floor = records;
    if (!SETTLED(oversized_rewind_section(story->journal, section, size)))
        return false;
    bool shorter = records < chapter->count;
    chapter->count = records;
    if (shorter)
        chapter->floor = records;
    chapter->there = chapter->there || shorter;
    return true;
}

bool story_rewind(story_t *story, uint64_t section, size_t records)
{
    for (size_t i = 0; i < story->chapter_count; i++)
        if (story->chapters[i].section > section)
            doom(&story->chapters[i]);
    chapter_t *chapter = story_chapter(story, section);
    if (records < chapter->floor)
        chapter->floor = records;
    if (!SETTLED(oversized_rewind(story->journal, section, records * oversized_record_size(story->journal))))
        return false;
    for (size_t i = 0; i < story->chapter_count; i++)
        if (story->chapters[i].section > section)
            bury(&story->chapters[i]);
    bool shorter = records < chapter->count;
    chapter->count = records;
    if (shorter)
        chapter->floor = records;
    chapter->there = chapter->there || shorter;
    return true;
}

bool story_prune(story_t *story, uint64_t min_section)
{
    for (size_t i = 0; i < story->chapter_count; i++)
        if (story->chapters[i].section < min_section)
            doom(&story->chapters[i]);
    if (!SETTLED(oversized_prune(story->journal, min_section, NULL)))
        return false;
    for (size_t i = 0; i < story->chapter_count; i++)
        if (story->chapters[i].section < min_section)
            bury(&story->chapters[i]);
    return true;
}

bool story_close(story_t *story)
{
    oversized_t *journal = story->journal;
    story->journal = NULL;
    if (!SETTLED(oversized_close(journal)))
        return false;
    for (size_t i = 0; i < story->chapter_count; i++)
        make_durable(&story->chapters[i]);
    return true;
}

/* --- what must be there --- */

static void check_record(const story_t *story, const chapter_t *chapter, size_t position, segj_buffer_t *value)
{
    uint64_t id = chapter->ids[position];
    size_t size = story->sizes[id];
    uint8_t entry[UINT8_MAX] = {0};
    oversized_location_t location = {UINT64_MAX, 0};
    assert_ok(oversized_get(story->journal, chapter->section, position, entry, &location));
    for (size_t i = 0; i < story->config.entry_size; i++)
        if (entry[i] != (uint8_t)id)
            fail_msg("section %" PRIu64 ", record %zu: entry of record %u, not of %u", chapter->section, position,
                     (unsigned)entry[i], (unsigned)id);
    assert_int_equal(location.offset, end_of_values(story, chapter, position));
    assert_int_equal(location.size, size + FRAME_CHECKSUM);
    assert_ok(oversized_get_value(story->journal, chapter->section, location, value));
    assert_int_equal(value->size, size);
    uint8_t *expected = malloc(size + 1);
    assert_non_null(expected);
    story_value(id, expected, size);
    if (size > 0 && memcmp(expected, value->data, size) != 0)
        fail_msg("section %" PRIu64 ", record %zu: the value of another record", chapter->section, position);
    free(expected);
}

static bool is_listed(oversized_t *journal, uint64_t section)
{
    uint64_t found = 0;
    segj_status_t status =
        section == 0 ? oversized_oldest_section(journal, &found) : oversized_next_section(journal, section - 1, &found);
    return status == SEGJ_OK && found == section;
}

/* How many records the section shows: as many as the model allows. */
static uint64_t check_count(const story_t *story, const chapter_t *chapter, bool listed)
{
    uint64_t count = UINT64_MAX;
    assert_ok(oversized_count(story->journal, chapter->section, &count));
    if (listed && chapter->gone)
        fail_msg("section %" PRIu64 " is there again", chapter->section);
    if (!listed && (chapter->there || (chapter->floor > 0 && !chapter->doomed)))
        fail_msg("section %" PRIu64 " is gone", chapter->section);
    if (count > chapter->count || (listed && count < chapter->floor))
        fail_msg("section %" PRIu64 " has %" PRIu64 " records, expected %zu to %zu", chapter->section, count,
                 chapter->floor, chapter->count);
    return count;
}

/* And these are the model's. */
static size_t check_chapter(const story_t *story, const chapter_t *chapter)
{
    bool listed = is_listed(story->journal, chapter->section);
    uint64_t count = check_count(story, chapter, listed);
    uint64_t end = UINT64_MAX;
    segj_buffer_t value = {NULL, 0, 0};
    for (size_t i = 0; i < count; i++)
        check_record(story, chapter, i, &value);
    segj_buffer_free(&value);
    assert_ok(oversized_value_size(story->journal, chapter->section, &end));
    assert_int_equal(end, end_of_values(story, chapter, (size_t)count));
    segj_status_t beyond = oversized_get(story->journal, chapter->section, count, NULL, NULL);
    assert_true(beyond == (listed ? SEGJ_ERR_NO_RECORD : SEGJ_ERR_NO_SECTION) || beyond == SEGJ_ERR_PRUNED);
    return (size_t)count;
}

/* No sections but the model's; a replay gives as many records as the sections have. */
static void check_walk(story_t *story, size_t records)
{
    uint64_t section = 0;
    segj_status_t status = oversized_oldest_section(story->journal, &section);
    while (status == SEGJ_OK) {
        size_t chapters = story->chapter_count;
        (void)story_chapter(story, section);
        if (story->chapter_count != chapters)
            fail_msg("nobody made section %" PRIu64, section);
        status = oversized_next_section(story->journal, section, &section);
    }
    assert_int_equal(status, SEGJ_END);
    oversized_replay_t *replay = NULL;
    oversized_item_t item;
    assert_ok(oversized_replay_open(story->journal, 0, 0, 1, &replay));
    while (records-- > 0)
        assert_ok(oversized_replay_next(replay, &item));
    assert_status(oversized_replay_next(replay, &item), SEGJ_END);
    oversized_replay_close(replay);
}

void story_check(story_t *story)
{
    size_t records = 0;
    bool pruned = false;
    for (size_t i = 0; i < story->chapter_count; i++) {
        records += check_chapter(story, &story->chapters[i]);
        pruned = pruned || oversized_get(story->journal, 0, 0, NULL, NULL) == SEGJ_ERR_PRUNED;
    }
    if (!pruned)
        check_walk(story, records);
}

void story_expect(story_t *story, uint64_t section, size_t records)
{
    const chapter_t *chapter = story_chapter(story, section);
    assert_int_equal(check_chapter(story, chapter), records);
    assert_int_equal(chapter->count, records);
}

/* Both files end where the last record does, and of what is not there neither is. */
static void check_files(const story_t *story, const chapter_t *chapter, bool listed)
{
    disk_target_t index = ON_INDEX((int64_t)chapter->section);
    disk_target_t values = ON_VALUES((int64_t)chapter->section);
    assert_int_equal(disk_exists(story->disk, index), listed);
    assert_int_equal(disk_exists(story->disk, values), listed);
    if (!listed)
        return;
    uint64_t bytes = chapter->count * (story->config.entry_size + (uint64_t)LOCATION_BYTES);
    uint64_t pages = (bytes + story->config.page_size - 1) / story->config.page_size;
    assert_int_equal(disk_size(story->disk, index),
                     INDEX_DATA_OFFSET + pages * (story->config.page_size + (uint64_t)PAGE_CHECKSUMS));
    assert_int_equal(disk_size(story->disk, values),
                     VALUES_DATA_OFFSET + end_of_values(story, chapter, chapter->count));
}

/* What an open has shown is durable. */
static void settle_chapter(story_t *story, chapter_t *chapter)
{
    bool listed = is_listed(story->journal, chapter->section);
    chapter->count = chapter->floor = (size_t)check_count(story, chapter, listed);
    chapter->there = listed;
    chapter->gone = !listed;
    chapter->doomed = false;
}

bool story_open(story_t *story)
{
    if (!SETTLED(open_behind_a_crash(&story->config, &story->journal)))
        return false;
    /* The power may have gone in a write whose failure an open forgives: then nothing can be read, but promised it
     * is. */
    if (disk_powered(story->disk))
        story_check(story);
    for (size_t i = 0; i < story->chapter_count; i++)
        settle_chapter(story, &story->chapters[i]);
    if (!disk_powered(story->disk))
        return false;
    for (size_t i = 0; i < story->chapter_count; i++)
        check_files(story, &story->chapters[i], story->chapters[i].there);
    return true;
}

void story_verify(story_t *story)
{
    assert_true(story_open(story));
    story_crash(story, crash_keep_none());
    assert_true(story_open(story));
    for (size_t i = 0; i < story->chapter_count; i++) {
        assert_true(story_append(story, story->chapters[i].section));
        assert_true(story_sync(story, story->chapters[i].section));
    }
    story_crash(story, crash_keep_none());
    assert_true(story_open(story));
}
