/*
 * threads/test_follow_orders.c: a follower and a writer take turns in every order with three changes of turn: what is shown
 * is right and in order after each of them, and in the end it is what the journal has.
 *
 * A turn is some calls of the storage. The follower makes `before` of them, the writer `some`, the follower `between`, the
 * writer the rest, and the follower the rest. So a cut, or any part of one, falls between any two reads of the follower,
 * and the follower looks at every state in which the writer's calls leave the files. SEGJ_ORDERS_MORE=1 plays all numbers
 * of calls, and not every eighth.
 */
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "segjournal/follow.h"
#include "support/mirror.h"
#include "threads/team.h"

enum { WRITER, FOLLOWER, ACTORS, ALL = 1000000, VALUE = 40, BETWEEN = 24 };

/* --- turns --- */

static struct {
    sem_t turn[ACTORS];
    bool ended[ACTORS];
    uint64_t left[ACTORS]; /* calls until the turn ends */
    uint64_t made[ACTORS]; /* calls of its turns so far */
    bool playing;
} turns;

static _Thread_local int actor = -1;

static void give_turn(int to)
{
    (void)sem_post(&turns.turn[to]);
}

static void await_turn(int who)
{
    while (sem_wait(&turns.turn[who]) != 0) {
    }
}

/* The orders of a play: who makes how many calls. */
typedef struct leg {
    int who;
    uint64_t calls;
} leg_t;

static leg_t legs[8];
static size_t leg_now;

static void next_leg(void)
{
    leg_now++;
    turns.left[legs[leg_now].who] = legs[leg_now].calls;
    give_turn(legs[leg_now].who);
}

/* Before each call of the storage. */
static void step(void)
{
    if (!turns.playing || actor < 0)
        return;
    while (turns.left[actor] == 0) { /* whose turn it is when it has ended gives it on */
        next_leg();
        await_turn(actor);
    }
    turns.left[actor]--;
    turns.made[actor]++;
}

/* --- the storage, which asks before its calls --- */

static const segj_storage_t *inner;

static int file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    step();
    return inner->file_open(partition, name, mode, opened);
}

static int file_remove(segj_partition_t *partition, const char *name)
{
    step();
    return inner->file_remove(partition, name);
}

static int file_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    step();
    return inner->file_read(file, offset, buffer, size, done);
}

/* Large writes come in two halves. */
static int file_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
{
    step();
    if (count == 1 && slices[0].size > 1) {
        const segj_slice_t half = {slices[0].data, slices[0].size / 2};
        return inner->file_write(file, offset, &half, 1, done);
    }
    return inner->file_write(file, offset, slices, count, done);
}

static int file_size_(segj_file_t *file, uint64_t *size)
{
    step();
    return inner->file_size(file, size);
}

static int file_truncate(segj_file_t *file, uint64_t size)
{
    step();
    return inner->file_truncate(file, size);
}

static int partition_list(segj_partition_t *partition, segj_list_visit_t visit, void *context)
{
    step();
    return inner->partition_list(partition, visit, context);
}

/* --- what is played --- */

typedef struct play {
    const char *name;
    void (*write)(oversized_t *journal);
    uint64_t stable; /* records of section 1 that no step of it takes away */
    uint8_t version;
    segj_storage_t storage;
    segj_storage_t *memory;
    oversized_config_t config;
    oversized_t *journal;
    oversized_follower_t *follower;
    mirror_t mirror;
    char wrong[256];
} play_t;

/* All records are of one size; the entry has the value's number. */
static uint64_t number;

static void append(oversized_t *journal, uint64_t section, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint8_t entry[SMALL_ENTRY];
        uint8_t value[VALUE];
        number++;
        put_u64(entry, number);
        memset(value, (int)(number & 0xFF), sizeof value);
        put_u64(value, number);
        if (oversized_append(journal, section, entry, value, sizeof value, NULL, NULL) != SEGJ_OK)
            abort();
    }
}

static void must(segj_status_t status)
{
    if (status != SEGJ_OK)
        abort();
}

static void cut_and_append(oversized_t *journal)
{
    must(oversized_rewind_section_to(journal, 1, 2));
    append(journal, 1, 3);
    must(oversized_sync(journal, 1));
}

static void cut_twice(oversized_t *journal)
{
    must(oversized_rewind_section_to(journal, 1, 2));
    append(journal, 1, 2);
    must(oversized_sync(journal, 1));
    must(oversized_rewind_section_to(journal, 1, 3));
    append(journal, 1, 1);
    must(oversized_sync(journal, 1));
}

static void cut_and_make_again(oversized_t *journal)
{
    must(oversized_rewind_to(journal, 1, 4));
    append(journal, 2, 2);
    must(oversized_sync(journal, 2));
}

static void grow(oversized_t *journal)
{
    append(journal, 1, 1);
    must(oversized_flush(journal, 1));
    append(journal, 1, 2);
    must(oversized_sync(journal, 1));
    append(journal, 3, 1);
    must(oversized_sync(journal, 3));
}

static void append_batch(oversized_t *journal, uint64_t section)
{
    oversized_record_t records[3];
    uint8_t entries[3][SMALL_ENTRY];
    uint8_t values[3][VALUE];
    for (unsigned i = 0; i < 3; i++) {
        number++;
        put_u64(entries[i], number);
        memset(values[i], (int)(number & 0xFF), VALUE);
        put_u64(values[i], number);
        records[i] = (oversized_record_t){entries[i], values[i], VALUE};
    }
    must(oversized_append_batch(journal, section, records, 3, NULL, NULL));
    must(oversized_sync(journal, section));
}

static void batch_and_prune(oversized_t *journal)
{
    append_batch(journal, 2);
    must(oversized_prune(journal, 2, NULL));
}

static void cut_in_batches(oversized_t *journal)
{
    append_batch(journal, 1);
    must(oversized_rewind_section_to(journal, 1, 4)); /* a batch that somebody may be looking through */
    append_batch(journal, 1);
    must(oversized_rewind_section_to(journal, 1, 6));
}

static const char *judge(const oversized_followed_t *followed)
{
    uint8_t value[VALUE];
    if (followed->kind != OVERSIZED_FOLLOW_RECORD)
        return NULL;
    uint64_t shown = get_u64(followed->entry);
    memset(value, (int)(shown & 0xFF), sizeof value);
    put_u64(value, shown);
    if (followed->value_size != VALUE || memcmp(followed->value, value, VALUE) != 0)
        return "a record with another one's value";
    return NULL;
}

static void look(play_t *play)
{
    oversized_followed_t followed;
    for (segj_status_t status; (status = oversized_follow_next(play->follower, &followed)) != SEGJ_END;) {
        const char *wrong = status != SEGJ_OK ? segj_last_error() : judge(&followed);
        if (wrong == NULL)
            wrong = mirror_take(&play->mirror, &followed);
        if (wrong != NULL && play->wrong[0] == '\0')
            (void)snprintf(play->wrong, sizeof play->wrong, "%s: section %llu, position %llu", wrong,
                           (unsigned long long)followed.section, (unsigned long long)followed.position);
        if (wrong != NULL)
            return;
    }
}

static void act(worker_t *worker)
{
    play_t *play = worker->context;
    int who = (int)worker->number;
    actor = who;
    await_turn(who);
    if (who == WRITER)
        play->write(play->journal);
    else {
        look(play);
        if (play->wrong[0] == '\0' && mirror_count(&play->mirror, 1) < play->stable)
            (void)snprintf(play->wrong, sizeof play->wrong, "of what was synced something is not shown");
    }
    actor = -1;
    /* Its legs that are left are the other one's. */
    turns.ended[who] = true;
    turns.left[1 - who] = ALL;
    for (size_t i = leg_now + 1; i < sizeof legs / sizeof legs[0]; i++)
        legs[i] = (leg_t){1 - who, ALL};
    give_turn(1 - who);
}

static void begin(play_t *play, bool fresh)
{
    number = 0;
    assert_ok(segj_storage_memory_create(&play->memory));
    inner = play->memory;
    play->storage = *inner;
    play->storage.file_open = file_open;
    play->storage.file_remove = file_remove;
    play->storage.file_read = file_read;
    play->storage.file_write = file_write;
    play->storage.file_size = file_size_;
    play->storage.file_truncate = file_truncate;
    play->storage.partition_list = partition_list;
    small_config(&play->config, "memory");
    play->config.native_version = play->version;
    play->config.storage = &play->storage;
    assert_ok(oversized_open(&play->config, &play->journal));
    append(play->journal, 1, 4);
    append(play->journal, 2, 2);
    assert_ok(oversized_sync_all(play->journal));
    assert_ok(oversized_follow_open(&play->config, NULL, &play->follower));
    if (!fresh)
        look(play);
}

static void end(play_t *play)
{
    if (play->wrong[0] == '\0')
        look(play);
    if (play->wrong[0] == '\0')
        mirror_check(&play->mirror, play->journal);
    oversized_follow_close(play->follower);
    oversized_abandon(play->journal);
    mirror_free(&play->mirror);
    segj_storage_memory_destroy(play->memory);
}

/* *made: how many calls each has made. False: it has played it wrong, which is printed. */
static bool play_order(play_t play, bool fresh, uint64_t before, uint64_t some, uint64_t between, uint64_t made[ACTORS])
{
    worker_t team[ACTORS];
    const leg_t order[] = {{FOLLOWER, before}, {WRITER, some}, {FOLLOWER, between}, {WRITER, ALL}, {FOLLOWER, ALL}};
    for (size_t i = 0; i < sizeof legs / sizeof legs[0]; i++)
        legs[i] = i < 5 ? order[i] : (leg_t){FOLLOWER, ALL};
    begin(&play, fresh);
    memset(turns.made, 0, sizeof turns.made);
    memset(turns.left, 0, sizeof turns.left);
    turns.ended[WRITER] = turns.ended[FOLLOWER] = false;
    assert_int_equal(sem_init(&turns.turn[WRITER], 0, 0), 0);
    assert_int_equal(sem_init(&turns.turn[FOLLOWER], 0, 0), 0);
    leg_now = 0;
    turns.left[legs[0].who] = legs[0].calls;
    turns.playing = true;
    give_turn(legs[0].who);
    team_run(team, ACTORS, act, &play);
    turns.playing = false;
    memcpy(made, turns.made, sizeof turns.made);
    end(&play);
    (void)sem_destroy(&turns.turn[WRITER]);
    (void)sem_destroy(&turns.turn[FOLLOWER]);
    if (play.wrong[0] != '\0')
        print_error("%s, version %u, %s: %llu calls of the follower, %llu of the writer, %llu of the follower: %s\n",
                    play.name, (unsigned)play.version, fresh ? "from the beginning" : "at the end",
                    (unsigned long long)before, (unsigned long long)some, (unsigned long long)between, play.wrong);
    return play.wrong[0] == '\0';
}

static void play_all(const play_t *play, bool fresh)
{
    uint64_t most[ACTORS];
    uint64_t made[ACTORS];
    uint64_t played = 0;
    const uint64_t stride = getenv("SEGJ_ORDERS_MORE") != NULL ? 1 : 8;
    const char *only = getenv("SEGJ_ORDERS_ONLY");
    if (only != NULL && strstr(play->name, only) == NULL)
        return;
    assert_true(play_order(*play, fresh, ALL, 0, 0, most));
    for (uint64_t before = 0; before <= most[FOLLOWER]; before++)
        for (uint64_t some = (before * 7) % stride; some <= most[WRITER] + stride; some += stride)
            for (uint64_t between = 1 + (before + some) % stride; between <= BETWEEN; between += stride) {
                if (!play_order(*play, fresh, before, some, between >= BETWEEN - stride ? ALL : between, made))
                    fail();
                played++;
            }
    print_message("  %s, version %u: %llu orders of %llu and %llu calls\n", play->name, (unsigned)play->version,
                  (unsigned long long)played, (unsigned long long)most[FOLLOWER], (unsigned long long)most[WRITER]);
}

static void each_order_shows_what_is_right(void **state)
{
    static const struct {
        const char *name;
        void (*write)(oversized_t *journal);
        uint64_t stable;
    } writes[] = {{"a cut and appends", cut_and_append, 2},
                  {"two cuts", cut_twice, 2},
                  {"a section that is made again", cut_and_make_again, 4},
                  {"appends", grow, 4},
                  {"a batch and a prune", batch_and_prune, 0},
                  {"cuts of batches", cut_in_batches, 4}};
    for_native_only();
    for (uint8_t version = 1; version <= 2; version++)
        for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++)
            for (int fresh = 0; fresh <= 1; fresh++) {
                play_t play = {
                    .name = writes[i].name, .write = writes[i].write, .stable = writes[i].stable, .version = version};
                play_all(&play, fresh == 1);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_order_shows_what_is_right)};
    return cmocka_run_group_tests_name("follow_orders", tests, NULL, NULL);
}
