/*
 * Two writers on a storage whose locks exclude nobody, in every order of their calls: what was acknowledged is there in
 * the end. One exception is made, and counted: a call of the former owner that began before the other one claimed the
 * journal, and was carried out behind it, may harm what the new owner writes; never what either had acknowledged
 * before.
 */
#include "failure/turns.h"

#include <string.h>

enum { BEFORE = 2, APPENDS_MOST = 2 };

typedef struct writer {
    oversized_t *journal;
    segj_status_t opened, last; /* last: the first failure behind the open */
    unsigned acknowledged;      /* records */
} writer_t;

static writer_t writers[2];
static uint64_t excused;
static unsigned appends; /* of each */

static void config_of(oversized_config_t *config, const segj_storage_t *storage)
{
    small_config(config, "turns");
    config->storage = storage;
}

static uint64_t id_of(int writer, unsigned record)
{
    return 100 * (uint64_t)(writer + 1) + record;
}

static void open_for(int writer, const segj_storage_t *storage)
{
    oversized_config_t config;
    config_of(&config, storage);
    writers[writer].opened = oversized_open(&config, &writers[writer].journal);
}

/* Appends and syncs, a record each. */
static void write_as(int number)
{
    writer_t *writer = &writers[number];
    uint8_t entry[SMALL_ENTRY];
    uint8_t value[40];
    for (unsigned i = 0; i < appends && writer->last == SEGJ_OK; i++) {
        put_u64(entry, id_of(number, i));
        memset(value, number * 16 + (int)i, sizeof value);
        writer->last = oversized_append(writer->journal, 1, entry, value, sizeof value, NULL, NULL);
        if (writer->last == SEGJ_OK)
            writer->last = oversized_sync(writer->journal, 1);
        writer->acknowledged += writer->last == SEGJ_OK;
    }
}

static void close_as(int number)
{
    writer_t *writer = &writers[number];
    segj_status_t status = oversized_close(writer->journal);
    writer->last = writer->last == SEGJ_OK ? status : writer->last;
    writer->journal = NULL;
}

static void prepare(void *context, const segj_storage_t *storage)
{
    (void)context;
    memset(writers, 0, sizeof writers);
    open_for(0, storage);
    assert_ok(writers[0].opened);
    for (uint64_t i = 0; i < BEFORE; i++)
        append_filled(writers[0].journal, 1, i, 9, 40, NULL);
    assert_ok(oversized_sync(writers[0].journal, 1));
}

static void prepare_and_close(void *context, const segj_storage_t *storage)
{
    prepare(context, storage);
    assert_ok(oversized_close(writers[0].journal));
    memset(writers, 0, sizeof writers);
}

static void go_on(void *context, const segj_storage_t *storage)
{
    (void)context;
    (void)storage;
    write_as(0);
}

/* With a record that its close syncs. */
static void leave(void *context, const segj_storage_t *storage)
{
    static const uint8_t bytes[40] = {0};
    (void)context;
    (void)storage;
    writers[0].last = oversized_append(writers[0].journal, 1, bytes, bytes, sizeof bytes, NULL, NULL);
    close_as(0);
}

static void come(int number, const segj_storage_t *storage)
{
    open_for(number, storage);
    if (writers[number].opened == SEGJ_OK)
        write_as(number);
}

static void come_first(void *context, const segj_storage_t *storage)
{
    (void)context;
    come(0, storage);
}

static void come_second(void *context, const segj_storage_t *storage)
{
    (void)context;
    come(1, storage);
}

/* --- what must be there --- */

static bool holds(oversized_t *journal, uint64_t id, int fill)
{
    uint64_t count = 0;
    segj_buffer_t value = {0};
    bool found = false;
    assert_ok(oversized_count(journal, 1, &count));
    for (uint64_t i = 0; i < count && !found; i++) {
        uint8_t entry[SMALL_ENTRY];
        if (oversized_read(journal, 1, i, entry, &value) != SEGJ_OK || get_u64(entry) != id || value.size != 40)
            continue;
        found = true;
        for (size_t k = 0; k < value.size; k++)
            found = found && ((const uint8_t *)value.data)[k] == fill;
    }
    segj_buffer_free(&value);
    return found;
}

static bool is_kept(oversized_t *journal, int number)
{
    bool kept = true;
    for (unsigned i = 0; i < writers[number].acknowledged; i++)
        kept = kept && holds(journal, id_of(number, i), number * 16 + (int)i);
    return kept;
}

static bool say(bool right, const char *what)
{
    if (!right)
        print_error("%s: A has %u acknowledged, then %s; B's open %s, %u acknowledged, then %s\n", what,
                    writers[0].acknowledged, segj_status_name(writers[0].last), segj_status_name(writers[1].opened),
                    writers[1].acknowledged, segj_status_name(writers[1].last));
    return right;
}

static bool was_told(int number)
{
    const writer_t *writer = &writers[number];
    return writer->opened == SEGJ_ERR_LOCKED || (writer->opened == SEGJ_OK && writer->last == SEGJ_ERR_POISONED);
}

static bool judge(void *context, const segj_storage_t *storage)
{
    oversized_config_t config;
    oversized_t *journal = NULL;
    (void)context;
    bool behind[2] = {turns_wrote_behind(0), turns_wrote_behind(1)};
    config_of(&config, storage);
    bool right = say(oversized_open(&config, &journal) == SEGJ_OK, segj_last_error());
    for (uint64_t i = 0; i < BEFORE && right; i++)
        right = say(holds(journal, i, 9), "what was synced before is gone");
    for (int i = 0; i < 2 && right; i++) {
        bool kept = is_kept(journal, i);
        excused += !kept && behind[1 - i];
        right = say(kept || behind[1 - i], i == 0 ? "A's are gone" : "B's are gone");
    }
    /* Who wrote behind the other one is told so. */
    for (int i = 0; i < 2 && right; i++)
        right = say(!behind[i] || was_told(i), "who wrote behind the other one was not told");
    oversized_abandon(journal);
    for (int i = 0; i < 2; i++)
        oversized_abandon(writers[i].journal);
    memset(writers, 0, sizeof writers);
    return right;
}

static void a_writer_that_comes_loses_nothing_of_the_one_that_is_there(void **state)
{
    const turns_play_t play = {
        .prepare = prepare, .act = {go_on, come_second}, .judge = judge, .locks_exclude_nobody = true};
    appends = APPENDS_MOST;
    assert_true(turns_all(&play) > 100);
}

static void a_writer_that_comes_beside_a_close_loses_nothing(void **state)
{
    const turns_play_t play = {
        .prepare = prepare, .act = {leave, come_second}, .judge = judge, .locks_exclude_nobody = true};
    appends = 1;
    assert_true(turns_all(&play) > 100);
}

static void two_that_come_together_lose_nothing(void **state)
{
    const turns_play_t play = {
        .prepare = prepare_and_close, .act = {come_first, come_second}, .judge = judge, .locks_exclude_nobody = true};
    appends = 1;
    assert_true(turns_all(&play) > 100);
    print_message("  %llu runs had a call that was carried out behind the other one's claim, and lost something\n",
                  (unsigned long long)excused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_writer_that_comes_loses_nothing_of_the_one_that_is_there),
        cmocka_unit_test(a_writer_that_comes_beside_a_close_loses_nothing),
        cmocka_unit_test(two_that_come_together_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
