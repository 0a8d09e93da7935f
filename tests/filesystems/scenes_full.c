/* filesystems/scenes_full.c: a disk without room: filled, pruned, rewound, opened, and left so by killed processes. */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "filesystems/scenes.h"

/* --- what scenarios share --- */

/* Ten sections share the room, in such a way that the last ones are reached before it is full. */
void scene_begin(const scene_t *scene, filler_t *filler)
{
    filler_begin(filler, scene->place.text, scene->kind, UINT64_C(5) << 19);
    filler->copies_on_write = scene->cow;
}

static void open_and_fill(filler_t *filler, bool to_the_last_byte)
{
    filler_open(filler, 0);
    filler_fill(filler, to_the_last_byte);
}

/* Frees half of the sections, and the room is there for the rest. A file system may need a moment for it. */
static void prune_half_and_go_on(filler_t *filler)
{
    unsigned newest = filler_newest(filler);
    filler_prune(filler, (newest + 1) / 2);
    (void)filler_judge(filler, true);
    bool room = false;
    for (unsigned tries = 0; tries < 50 && !room; tries++) {
        room = filler_append(filler, newest, FILLER_LARGE / 2) && filler_sync(filler, newest);
        if (!room)
            (void)nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL);
    }
    assert_true(room);
    for (unsigned i = 0; i < 10; i++)
        assert_true(filler_append(filler, newest, 1000 + i));
    assert_true(filler_sync(filler, newest));
    (void)filler_judge(filler, true);
}

void scene_close_and_open_strict(filler_t *filler)
{
    filler_close(filler);
    filler_open(filler, FILLER_STRICT);
    assert_int_equal(oversized_recovery(filler->journal)->synced_records_lost, 0);
    (void)filler_judge(filler, true);
}

/* A process that fills the journal, and kills itself before so many operations, or, 0, when there is no room left. */
static void fill_and_be_killed(filler_t *filler, unsigned operations)
{
    int status = 0;
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)alarm(SCENE_SECONDS);
        filler->operations = operations;
        open_and_fill(filler, false);
        (void)raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* --- a full disk --- */

void scene_fills_to_the_last_byte(scene_t *scene)
{
    filler_t filler;
    scene_begin(scene, &filler);
    open_and_fill(&filler, true);
    take_the_rest(scene->others.text);
    uint64_t live = filler_judge(&filler, true);
    unsigned newest = filler_newest(&filler);
    if (filler_rewind(&filler, newest, filler.noted->sections[newest].synced)) {
        scene_close_and_open_strict(&filler);
    } else { /* what is in memory has no room, and no room to be dropped */
        oversized_abandon(filler.journal);
        filler_open(&filler, 0);
    }
    TELL(scene, "%llu records, %u refusals", (unsigned long long)live, (unsigned)filler.noted->refusals);
    remove_tree(scene->others.text);
    prune_half_and_go_on(&filler);
    scene_close_and_open_strict(&filler);
    filler_end(&filler);
}

void scene_prunes_on_a_full_disk_and_goes_on(scene_t *scene)
{
    filler_t filler;
    scene_begin(scene, &filler);
    open_and_fill(&filler, false);
    take_the_rest(scene->others.text);
    (void)filler_judge(&filler, true);
    prune_half_and_go_on(&filler);
    scene_close_and_open_strict(&filler);
    TELL(scene, "%u refusals", (unsigned)filler.noted->refusals);
    filler_end(&filler);
}

/* Drops what could not be written, then half of what could, then opens what that leaves. */
void scene_rewinds_on_a_full_disk(scene_t *scene)
{
    filler_t filler;
    scene_begin(scene, &filler);
    open_and_fill(&filler, false);
    take_the_rest(scene->others.text);
    unsigned newest = filler_newest(&filler);
    const filled_t *filled = &filler.noted->sections[newest];
    uint32_t synced = filled->synced, dropped = filled->count - synced;
    if (filler_rewind(&filler, newest, synced)) {
        (void)filler_judge(&filler, true);
        assert_true(filler_rewind(&filler, newest, synced / 2) || scene->cow);
    }
    (void)filler_judge(&filler, true);
    if (scene->cow)
        prune_half_and_go_on(&filler); /* it makes room, and rewinds go on */
    assert_true(filler_rewind(&filler, newest, synced / 3));
    scene_close_and_open_strict(&filler);
    TELL(scene, "%u records that had no room, %u that had%s", (unsigned)dropped, (unsigned)synced,
         filler.noted->unrewound > 0 ? "; no room to rewind in before sections were pruned" : "");
    filler_end(&filler);
}

void scene_closes_and_opens_strict_on_a_full_disk(scene_t *scene)
{
    filler_t filler;
    scene_begin(scene, &filler);
    open_and_fill(&filler, false);
    unsigned newest = filler_newest(&filler);
    bool rewound = filler_rewind(&filler, newest, filler.noted->sections[newest].synced);
    take_the_rest(scene->others.text);
    if (!rewound) { /* an unclean journal, which strict accepts: nothing that was synced is lost */
        oversized_abandon(filler.journal);
        filler_open(&filler, FILLER_STRICT);
        oversized_abandon(filler.journal);
    } else {
        scene_close_and_open_strict(&filler);
        filler_close(&filler);
    }
    filler_open(&filler, FILLER_READ_ONLY);
    filler_close(&filler);
    filler_open(&filler, 0);
    prune_half_and_go_on(&filler);
    scene_close_and_open_strict(&filler);
    filler_end(&filler);
}

/* --- killed --- */

static void open_full_prune_go_on(const scene_t *scene, filler_t *filler)
{
    take_the_rest(scene->others.text);
    filler_open(filler, FILLER_READ_ONLY);
    assert_ok(oversized_close(filler->journal));
    filler_open(filler, 0); /* repairs may have no room: reads and prune do without */
    uint32_t refusals = filler->noted->refusals;
    if (filler_newest(filler) > 0)
        prune_half_and_go_on(filler);
    else
        remove_tree(scene->others.text);
    scene_close_and_open_strict(filler);
    filler->noted->refusals = refusals;
}

void scene_killed_while_it_fills(scene_t *scene)
{
    static const unsigned operations[] = {2, 9, 40, 90, 133, 187, 0};
    uint64_t records = 0;
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        filler_t filler;
        scene_begin(scene, &filler);
        fill_and_be_killed(&filler, operations[i]);
        open_full_prune_go_on(scene, &filler);
        records += filler_judge(&filler, true);
        filler_end(&filler);
        remove_tree(scene->others.text);
        remove_tree(scene->place.text);
        make_directory(scene->place.text);
    }
    TELL(scene, "%zu kills, %llu records in the end", sizeof operations / sizeof operations[0],
         (unsigned long long)records);
}

/* A process that is killed when it has made a section's files, and nothing is in them yet. */
void scene_opens_a_new_empty_pair_on_a_full_disk(scene_t *scene)
{
    filler_t filler;
    oversized_config_t config;
    scene_begin(scene, &filler);
    filler_open(&filler, 0);
    for (unsigned i = 0; i < 40; i++)
        assert_true(filler_append(&filler, i / 10, 10000));
    filler_close(&filler);
    filler_config(&filler, &config, 0);
    write_file(section_path(filler.directory.text, config.index_partition, 9).text, "", 0);
    write_file(section_path(filler.directory.text, config.value_partition, 9).text, "", 0);
    take_the_rest(scene->others.text);
    filler_open(&filler, 0);
    filler_prune(&filler, 2);
    remove_tree(scene->others.text);
    assert_true(filler_append(&filler, 9, 10000));
    assert_true(filler_sync(&filler, 9));
    scene_close_and_open_strict(&filler);
    filler_end(&filler);
}

/* The oldest section that a checkpoint keeps is the newest: everything else goes first, and makes room for the rest. */
void scene_restores_a_checkpoint_on_a_full_disk(scene_t *scene)
{
    filler_t filler;
    oversized_config_t config;
    scene_begin(scene, &filler);
    fill_and_be_killed(&filler, 0);
    take_the_rest(scene->others.text);
    unsigned newest = filler_newest(&filler);
    filled_t *filled = &filler.noted->sections[newest];
    uint32_t keep = filled->synced / 2;
    oversized_checkpoint_t checkpoint = {
        .oldest = newest, .section = newest, .index_size = (uint64_t)keep * (FILLER_ENTRY + OVERSIZED_LOCATION_SIZE)};
    filler_config(&filler, &config, 0);
    config.checkpoint = &checkpoint;
    for (unsigned i = 0; i < newest; i++)
        filler.noted->sections[i].gone = true;
    filled->count = filled->synced = keep;
    assert_ok(oversized_open(&config, &filler.journal));
    (void)filler_judge(&filler, true);
    assert_true(filler_append(&filler, newest, FILLER_LARGE));
    assert_true(filler_sync(&filler, newest));
    scene_close_and_open_strict(&filler);
    TELL(scene, "%u of %u sections and %u records stay", newest > 0, newest + 1, (unsigned)keep);
    filler_end(&filler);
}

static bool is_empty(const char *directory)
{
    names_t names = list_directory(directory);
    bool empty = names.count == 0;
    free_names(&names);
    return empty;
}

void scene_destroys_on_a_full_disk(scene_t *scene)
{
    for (unsigned round = 0; round < 10; round++) {
        filler_t filler;
        scene_begin(scene, &filler);
        filler_open(&filler, 0);
        for (unsigned i = 0; i < 40; i++)
            assert_true(filler_append(&filler, i / 5, 3000) && filler_sync(&filler, i / 5));
        if (round == 0)
            take_the_rest(scene->others.text);
        (void)filler_judge(&filler, true); /* descriptors are open for reading too */
        oversized_t *journal = filler.journal;
        filler.journal = NULL;
        assert_ok(oversized_destroy(journal));
        assert_true(is_empty(filler.directory.text));
        filler_end(&filler);
        remove_tree(scene->others.text);
    }
}
