/* lessons/tell.c: every way in which a story may be cut off; see lessons/story.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lessons/story.h"

enum { LEVELS = 4, SAMPLES = 32, SEEN_LIMIT = 1 << 18 };

/* Where a tell() is, so that a failure can be placed. */
typedef struct place {
    unsigned cut, units;
    uint64_t mask;
    crash_fill_t fill;
} place_t;

static place_t trail[LEVELS];
static size_t depth;
static unsigned long verified;

int tell_teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < depth; i++)
        print_error("  act %zu: cut after %u changes, of %u units kept %" PRIx64 ", fill %d\n", i + 1, trail[i].cut,
                    trail[i].units, trail[i].mask, (int)trail[i].fill);
    depth = 0;
    return 0;
}

unsigned long tell_verified(void)
{
    return verified;
}

/* The same story on a disk of its own. */
static story_t copy_story(const story_t *story, crashdisk_t *disk)
{
    story_t copy = *story;
    copy.journal = NULL;
    copy.disk = disk;
    copy.config.storage = disk_storage(disk);
    return copy;
}

typedef void (*then_t)(story_t *copy, const void *context);

static void choose(const story_t *story, crash_t crash, place_t *place, then_t then, const void *context)
{
    place->mask = crash.mask;
    place->fill = crash.fill;
    story_t copy = copy_story(story, disk_crash(story->disk, crash));
    then(&copy, context);
    story_end(&copy);
}

static void choose_fills(const story_t *story, crash_t crash, place_t *place, bool every, then_t then,
                         const void *context)
{
    static const crash_fill_t fills[] = {FILL_SHORT, FILL_ZEROS, FILL_GARBAGE};
    for (size_t i = 0; i < 3; i++) {
        crash.fill = fills[i];
        if (every || crash.mask % 3 == i)
            choose(story, crash, place, then, context);
    }
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed ^ *seed >> 29;
}

/* All choices where there are few units. Otherwise all, none, each alone, all but each, and some more. */
static void each_choice(const story_t *story, bool sectors, place_t *place, then_t then, const void *context)
{
    unsigned units = disk_units(story->disk, sectors);
    crash_t crash = {.sectors = sectors};
    uint64_t all = units >= 64 ? UINT64_MAX : (UINT64_C(1) << units) - 1;
    uint64_t seed = units;
    place->units = units;
    if (units == 0) {
        choose(story, crash, place, then, context);
        return;
    }
    if (units <= SUBSET_UNITS) {
        for (crash.mask = 0; crash.mask <= all; crash.mask++)
            choose_fills(story, crash, place, units <= 3, then, context);
        return;
    }
    for (unsigned i = 0; i < 2 * 64 + 2 + SAMPLES; i++) {
        if (i < 64 && i < units)
            crash.mask = UINT64_C(1) << i;
        else if (i >= 64 && i < 128 && i - 64 < units)
            crash.mask = all & ~(UINT64_C(1) << (i - 64));
        else if (i >= 128)
            crash.mask = i == 128 ? 0 : i == 129 ? all : next_random(&seed) & all;
        else
            continue;
        choose_fills(story, crash, place, i == 128 || i == 129, then, context);
    }
}

/* --- what was seen --- */

/* Fingerprints of the disks and models that a tell() has gone on from: many power cuts leave the same. */
static uint64_t seen[SEEN_LIMIT];
static size_t seen_count;

static uint64_t fingerprint(const story_t *story, size_t acts_left)
{
    uint64_t hash = disk_fingerprint(story->disk) + acts_left;
    for (size_t i = 0; i < story->chapter_count; i++) {
        const chapter_t *chapter = &story->chapters[i];
        uint64_t fields[] = {chapter->section, chapter->count, chapter->floor,
                             (uint64_t)chapter->there << 2 | (uint64_t)chapter->doomed << 1 | chapter->gone};
        for (size_t k = 0; k < sizeof fields / sizeof fields[0]; k++)
            hash = (hash ^ fields[k]) * UINT64_C(0x100000001b3) + (hash >> 29);
        for (size_t k = 0; k < chapter->count; k++)
            hash = (hash ^ chapter->ids[k]) * UINT64_C(0x100000001b3) + (hash >> 29);
    }
    return hash | 1;
}

static bool is_new(uint64_t hash)
{
    size_t at = (size_t)(hash >> 20) % SEEN_LIMIT;
    while (seen[at] != 0) {
        if (seen[at] == hash)
            return false;
        at = (at + 1) % SEEN_LIMIT;
    }
    assert_true(seen_count < SEEN_LIMIT / 2);
    seen[at] = hash;
    seen_count++;
    return true;
}

/** A function of the test's, to be called on each copy that is unlike those before. */
typedef struct on_copy {
    then_t then;
    const void *context;
} on_copy_t;

static void call_on_new(story_t *copy, const void *context)
{
    const on_copy_t *wanted = context;
    if (is_new(fingerprint(copy, 0)))
        wanted->then(copy, wanted->context);
}

static void begin_anew(void)
{
    seen_count = 0;
    memset(seen, 0, sizeof seen);
}

void story_each_crash(const story_t *story, bool sectors, void (*then)(story_t *copy, const void *context),
                      const void *context)
{
    const on_copy_t wanted = {then, context};
    begin_anew();
    trail[0] = (place_t){0};
    depth = 1;
    each_choice(story, sectors, &trail[0], call_on_new, &wanted);
    depth = 0;
}

/* --- acts --- */

/** The acts that are left. */
typedef struct script {
    const act_t *acts;
    size_t count;
} script_t;

static void play(story_t *story, const void *context);

/* What becomes of the disk when the act is over. */
static void end_act(story_t *story, const act_t *act, place_t *place, const script_t *rest)
{
    story_kill(story);
    if (act->end == POWER_AT_END || act->end == POWER_ANYWHERE) {
        each_choice(story, act->sectors, place, play, rest);
        return;
    }
    disk_restore_power(story->disk);
    if (act->end == LOST_ANYWHERE)
        disk_lose_write_back(story->disk, ON_ANYTHING);
    play(story, rest);
}

/* One act that ends after so many changes; false when there was no change left to cut. */
static bool play_cut(const story_t *start, const script_t *script, unsigned cut)
{
    const act_t *act = script->acts;
    script_t rest = {script->acts + 1, script->count - 1};
    size_t level = depth++;
    trail[level] = (place_t){.cut = cut};
    story_t story = copy_story(start, disk_clone(start->disk));
    disk_cut_power_after(story.disk, cut);
    bool done = act->play(&story);
    bool was_cut = !disk_powered(story.disk);
    if (!done && !was_cut)
        fail_msg("the act failed, and the power was there");
    end_act(&story, act, &trail[level], &rest);
    story_end(&story);
    depth--;
    return was_cut;
}

static void play(story_t *story, const void *context)
{
    const script_t *script = context;
    if (!is_new(fingerprint(story, script->count)))
        return;
    if (script->count == 0) {
        story_verify(story);
        verified++;
        return;
    }
    assert_true(depth < LEVELS);
    if (script->acts->end == POWER_AT_END) {
        (void)play_cut(story, script, UINT32_MAX);
        return;
    }
    for (unsigned cut = 0; play_cut(story, script, cut); cut++)
        continue;
}

void tell(const story_t *start, const act_t *acts, size_t count)
{
    script_t script = {acts, count};
    depth = 0;
    begin_anew();
    story_t story = copy_story(start, disk_clone(start->disk));
    play(&story, &script);
    story_end(&story);
    depth = 0;
}

void tell_new(const act_t *acts, size_t count)
{
    story_t story;
    story_begin(&story);
    tell(&story, acts, count);
    story_end(&story);
}
