/*
 * threads/test_dictionaries.c: more sections with dictionaries of their own than are kept prepared, read, appended to, made
 * again and trained from by several threads: whoever reads gets a record with its own value, or learns that there is none.
 */
#include "threads/stage.h"

#include <string.h>

#include "base/process.h"

/* More than SEGJ_DICTIONARIES. */
enum { SECTIONS = 70, FIRST = 6, WRITERS = 2, READERS = 2, TEAM = WRITERS + READERS, ROUNDS = 400, WORDS = 200 };

static atomic_uint writers_left;
static atomic_uint_fast64_t served;

static void make_words(uint64_t section, uint8_t *words)
{
    static uint8_t sample[SAMPLE_MAX];
    make_sample(section, section, sample);
    memcpy(words, sample, SAMPLE_SMALLEST);
    memset(words + SAMPLE_SMALLEST, 'a' + (int)(section % 26), WORDS - SAMPLE_SMALLEST);
}

/* One section after the other gets another dictionary. */
static void make_sections(stage_t *stage)
{
    uint8_t words[WORDS];
    stage->config.native_version = 2;
    stage->config.compression = 1;
    for (uint64_t section = 0; section < SECTIONS; section++) {
        make_words(section, words);
        stage->config.dictionary = words;
        stage->config.dictionary_size = section % 10 == 9 ? 0 : WORDS;
        stage_reopen(stage);
        append_samples(stage->journal, section, 0, FIRST);
    }
    stage->config.dictionary_size = 0;
    stage->config.auto_dictionary = 256;
    stage_reopen(stage);
}

static void write_all_the_time(worker_t *worker, const stage_t *stage)
{
    uint64_t random = worker->number;
    bool going = true;
    for (unsigned i = 0; (i < ROUNDS || atomic_load(&served) < 100) && going; i++) {
        uint64_t section = next_random(&random) % (SECTIONS / WRITERS) * WRITERS + worker->number;
        uint64_t count = 0;
        segj_status_t status = oversized_count(stage->journal, section, &count);
        if (status == SEGJ_OK)
            status = append_sample(stage->journal, section, count, NULL);
        if (status == SEGJ_OK && i % 16 == 0)
            status = oversized_sync(stage->journal, section);
        if (status == SEGJ_OK && i % 40 == 39)
            status = oversized_rewind_section(stage->journal, section, 2 * SMALL_RECORD);
        going = worker_ok(worker, status);
    }
    atomic_fetch_sub(&writers_left, 1);
}

static void read_all_the_time(worker_t *worker, const stage_t *stage)
{
    segj_buffer_t value = {0};
    uint64_t random = worker->number;
    bool going = true;
    while (going && atomic_load(&writers_left) > 0) {
        uint8_t entry[SMALL_ENTRY] = {0};
        uint64_t section = next_random(&random) % SECTIONS;
        segj_status_t status =
            oversized_read(stage->journal, section, next_random(&random) % (2 * (uint64_t)FIRST), entry, &value);
        if (status == SEGJ_OK)
            going = worker_expect(worker, is_sample(section, entry, &value), "a record has another one's value");
        else
            going = worker_expect(worker, status == SEGJ_ERR_NO_RECORD, "%s: %s", segj_status_name(status),
                                  segj_last_error());
        atomic_fetch_add(&served, status == SEGJ_OK);
        if (going && next_random(&random) % 64 == 0) {
            segj_buffer_t made = {0};
            status = oversized_train_section(stage->journal, section, 256, &made);
            going = worker_expect(worker,
                                  status == SEGJ_OK || status == SEGJ_ERR_COMPRESSION || status == SEGJ_ERR_NO_RECORD,
                                  "%s: %s", segj_status_name(status), segj_last_error());
            segj_buffer_free(&made);
        }
    }
    segj_buffer_free(&value);
}

static void work(worker_t *worker)
{
    const stage_t *stage = worker->context;
    if (worker->number < WRITERS)
        write_all_the_time(worker, stage);
    else
        read_all_the_time(worker, stage);
}

static void check_own(const stage_t *stage, uint64_t section, uint64_t count)
{
    segj_buffer_t value = {0};
    for (uint64_t i = 0; i < count; i++) {
        uint8_t entry[SMALL_ENTRY];
        assert_ok(oversized_read(stage->journal, section, i, entry, &value));
        assert_true(is_sample(section, entry, &value));
    }
    segj_buffer_free(&value);
}

static void everybody_gets_a_records_own_value(void **state)
{
    stage_t *stage = *state;
    worker_t team[TEAM];
    make_sections(stage);
    atomic_store(&writers_left, WRITERS);
    atomic_store(&served, 0);
    team_run(team, TEAM, work, stage);
    stage_reopen(stage);
    for (uint64_t section = 0; section < SECTIONS; section++) {
        uint64_t count;
        assert_ok(oversized_count(stage->journal, section, &count));
        check_own(stage, section, count);
    }
}

/* Everybody appends to sections that are not there: each is made once, with what values were compressed with or not. */
static void append_first(worker_t *worker)
{
    const stage_t *stage = worker->context;
    for (uint64_t section = 100; section < 130; section++)
        if (!worker_ok(worker, append_sample(stage->journal, section, worker->number, NULL)))
            break;
}

static void first_appends_at_the_same_time(void **state)
{
    stage_t *stage = *state;
    worker_t team[TEAM];
    uint8_t words[WORDS];
    make_words(1, words);
    stage->config.native_version = 2;
    stage->config.compression = 1;
    stage->config.dictionary = words;
    stage->config.dictionary_size = WORDS;
    stage_reopen(stage);
    team_run(team, TEAM, append_first, stage);
    for (uint64_t section = 100; section < 130; section++)
        check_own(stage, section, TEAM);
}

static segj_status_t call_read_2(oversized_t *journal, uint64_t section)
{
    segj_buffer_t value = {0};
    uint8_t entry[SMALL_ENTRY] = {0};
    segj_status_t status = oversized_read(journal, section, 2, entry, &value);
    if (status == SEGJ_OK && !is_sample(section, entry, &value))
        status = SEGJ_ERR_CHECKSUM;
    segj_buffer_free(&value);
    return status;
}

/* Who has read a frame wants the section's dictionary then; a change waits for who reads the file. */
static void a_first_change_beside_a_read_that_wants_the_dictionary(void **state)
{
    enum { SECTION = 3 };
    stage_t *stage = *state;
    uint8_t words[WORDS];
    errand_t read;
    errand_t rewind;
    make_words(SECTION, words);
    stage->config.native_version = 2;
    stage->config.compression = 1;
    stage->config.dictionary = words;
    stage->config.dictionary_size = WORDS;
    stage_reopen(stage);
    append_samples(stage->journal, SECTION, 0, FIRST);
    append_samples(stage->journal, SECTION + 1, 0, 1);
    stage->config.dictionary_size = 0;
    stage_reopen(stage);
    gate_t *gate = gate_close(stage->watched, CALL_READ, PART_VALUES, SECTION, 1);
    errand_start(&read, stage, call_read_2, SECTION);
    gate_await(gate, 1);
    watched_forget(stage->watched);
    errand_start(&rewind, stage, call_rewind_section_to_3, SECTION);
    while (watched_count(stage->watched, CALL_OPEN, PART_INDEX, SECTION) == 0)
        segj_process_sleep(1000000);
    segj_process_sleep(50000000); /* its index is open, it comes to the values */
    gate_open(gate, 0);
    errand_join(&read, SEGJ_OK);
    errand_join(&rewind, SEGJ_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGE_TEST(everybody_gets_a_records_own_value),
        STAGE_TEST(first_appends_at_the_same_time),
        STAGE_TEST(a_first_change_beside_a_read_that_wants_the_dictionary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
