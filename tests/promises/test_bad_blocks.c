/*
 * promises/test_bad_blocks.c: a block that the system cannot read costs the records in it, and no others, however they
 * are asked for: together, by a walk, by a verification.
 */
#include "promises/fixture.h"
#include "segjournal/tools.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t bad_block;
static unsigned spared; /* so many reads of it go well first */
static segj_storage_t storage;

static int read_around(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    if (bad_block != 0 && offset < bad_block + 512 && offset + size > bad_block && (spared == 0 || spared-- == 0))
        return EIO;
    return segj_storage_posix()->file_read(file, offset, buffer, size, done);
}

enum { RECORDS = 60, SIZE = 1000 };

static void make(fixture_t *f, uint64_t block)
{
    static uint8_t value[SIZE];
    bad_block = 0;
    storage = *segj_storage_posix();
    storage.file_read = read_around;
    f->config.storage = &storage;
    open_journal(f);
    for (unsigned i = 0; i < RECORDS; i++) {
        memset(value, (int)i, sizeof value);
        assert_ok(oversized_append(f->journal, 1, "12345678", value, sizeof value, NULL, NULL));
    }
    close_and_open(f);
    bad_block = block;
}

static segj_status_t alone(fixture_t *f, uint64_t position)
{
    return oversized_read(f->journal, 1, position, NULL, &f->value);
}

static void values_read_together_fail_as_each_does(void **state)
{
    fixture_t *f = *state;
    oversized_read_request_t values[RECORDS];
    segj_buffer_t memory = SEGJ_ZERO;
    unsigned failed = 0;
    make(f, 40 * 1024);
    for (unsigned i = 0; i < RECORDS; i++)
        values[i] = (oversized_read_request_t){.position = i};
    assert_status(oversized_read_values(f->journal, 1, values, RECORDS, &memory), SEGJ_ERR_IO);
    for (unsigned i = 0; i < RECORDS; i++) {
        segj_status_t status = alone(f, i);
        failed += status != SEGJ_OK;
        if (values[i].status != status)
            print_message("record %u: %d together, %d alone\n", i, (int)values[i].status, (int)status);
    }
    assert_in_range(failed, 1, 2);
    for (unsigned i = 0; i < RECORDS; i++)
        assert_int_equal(values[i].status, alone(f, i));
    segj_buffer_free(&memory);
}

static void walk(fixture_t *f, bool back)
{
    oversized_replay_t *replay;
    oversized_item_t item;
    unsigned wrong = 0;
    assert_ok(back ? oversized_replay_open_back(f->journal, 1, OVERSIZED_END, 32768, &replay)
                   : oversized_replay_open(f->journal, 1, 0, 32768, &replay));
    while (oversized_replay_next(replay, &item) == SEGJ_OK) {
        const void *value;
        size_t size;
        segj_status_t status = oversized_replay_value(replay, &value, &size);
        if (status != SEGJ_OK)
            status = oversized_replay_value(replay, &value, &size); /* "make the call again" */
        if (status != alone(f, item.position)) {
            print_message("record %llu: %d by the walk, %d alone\n", (unsigned long long)item.position, (int)status,
                          (int)alone(f, item.position));
            wrong++;
        }
    }
    oversized_replay_close(replay);
    assert_int_equal(wrong, 0);
}

static void values_of_a_walk_fail_as_each_does(void **state)
{
    make(*state, 40 * 1024);
    walk(*state, false);
}

static void values_of_a_walk_back_fail_as_each_does(void **state)
{
    make(*state, 40 * 1024);
    walk(*state, true);
}

static bool note_damage(void *context, const oversized_damage_t *damage)
{
    bool *damaged = context;
    for (uint64_t i = 0; i < damage->records; i++)
        damaged[damage->position + i] = true;
    return false;
}

static void a_verification_tells_of_what_cannot_be_read_by_itself(void **state)
{
    fixture_t *f = *state;
    bool damaged[RECORDS] = {false};
    oversized_verify_options_t options;
    unsigned wrong = 0;
    make(f, 40 * 1024);
    oversized_verify_options_init(&options);
    options.on_damage = note_damage;
    options.context = damaged;
    assert_status(oversized_verify(f->journal, &options, NULL), SEGJ_ERR_IO);
    for (unsigned i = 0; i < RECORDS; i++)
        if (damaged[i] != (alone(f, i) != SEGJ_OK)) {
            print_message("record %u: told %d, by itself %d\n", i, damaged[i], (int)alone(f, i));
            wrong++;
        }
    assert_int_equal(wrong, 0);
}

/* Pages of the index before the block. */
static void a_walk_comes_to_the_page_that_cannot_be_read(void **state)
{
    fixture_t *f = *state;
    oversized_replay_t *replay;
    oversized_item_t item;
    uint64_t given = 0;
    bad_block = 0;
    storage = *segj_storage_posix();
    storage.file_read = read_around;
    f->config.storage = &storage;
    open_journal(f);
    put_samples(f->journal, 1, 2000, 0);
    close_and_open(f);
    bad_block = tested_index_data() + 20480;
    uint64_t first = 0;
    while (first < 2000 && oversized_get(f->journal, 1, first, NULL, NULL) == SEGJ_OK)
        first++;
    assert_in_range(first, 1, 1999);
    assert_ok(oversized_replay_open(f->journal, 1, 0, 65536, &replay));
    while (oversized_replay_next(replay, &item) == SEGJ_OK)
        given++;
    oversized_replay_close(replay);
    print_message("the walk gives %llu, get %llu\n", (unsigned long long)given, (unsigned long long)first);
    assert_true(given >= first);
}

/* The page is told once, and the records of the others are read. */
static void a_verification_goes_on_behind_a_page_that_cannot_be_read(void **state)
{
    enum { MANY = 2000 };
    static bool damaged[MANY + 64];
    fixture_t *f = *state;
    oversized_verify_options_t options;
    oversized_verified_t verified;
    unsigned wrong = 0;
    uint64_t readable = 0;
    memset(damaged, 0, sizeof damaged);
    bad_block = 0;
    storage = *segj_storage_posix();
    storage.file_read = read_around;
    f->config.storage = &storage;
    open_journal(f);
    put_samples(f->journal, 1, MANY, 0);
    close_and_open(f);
    bad_block = tested_index_data() + 20480;
    oversized_verify_options_init(&options);
    options.on_damage = note_damage;
    options.context = damaged;
    assert_status(oversized_verify(f->journal, &options, &verified), SEGJ_ERR_IO);
    for (uint64_t i = 0; i < MANY; i++) {
        bool good = oversized_get(f->journal, 1, i, NULL, NULL) == SEGJ_OK;
        readable += good;
        wrong += damaged[i] == (alone(f, i) == SEGJ_OK); /* the values have a block there as well */
    }
    print_message("%llu read, %llu readable; %llu damages of %llu records; %u told wrongly\n",
                  (unsigned long long)verified.records, (unsigned long long)readable,
                  (unsigned long long)verified.damages, (unsigned long long)verified.records_damaged, wrong);
    assert_int_equal(verified.records, readable);
    assert_int_equal(wrong, 0);
}

/* Its pages were read and found good a moment before. */
static void a_verification_tells_of_a_page_that_goes_bad_meanwhile(void **state)
{
    fixture_t *f = *state;
    static const uint8_t entry[200] = {0};
    oversized_verified_t verified;
    f->config.entry_size = sizeof entry;
    f->config.native_version = 1; /* the heads of version 2 have the entries too */
    bad_block = 0;
    storage = *segj_storage_posix();
    storage.file_read = read_around;
    f->config.storage = &storage;
    open_journal(f);
    for (unsigned i = 0; i < 2000; i++)
        assert_ok(oversized_append(f->journal, 1, entry, "x", 1, NULL, NULL));
    close_and_open(f);
    bad_block = tested_index_data() + 307200; /* beyond the values */
    assert_true(file_size(values_path(f, 1).text) < bad_block);
    spared = 1;
    assert_status(oversized_verify(f->journal, NULL, &verified), SEGJ_ERR_IO);
    assert_int_equal(spared, 0);
    assert_true(verified.damages > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(values_read_together_fail_as_each_does),
        PROMISE(values_of_a_walk_fail_as_each_does),
        PROMISE(values_of_a_walk_back_fail_as_each_does),
        PROMISE(a_verification_tells_of_what_cannot_be_read_by_itself),
        PROMISE(a_walk_comes_to_the_page_that_cannot_be_read),
        PROMISE(a_verification_goes_on_behind_a_page_that_cannot_be_read),
        PROMISE(a_verification_tells_of_a_page_that_goes_bad_meanwhile),
    };
    return cmocka_run_group_tests_name("bad_blocks", tests, NULL, NULL);
}
