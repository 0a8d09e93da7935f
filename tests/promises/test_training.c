/*
 * promises/test_training.c: dictionaries that are trained from values, from a section, and by the journal for sections to
 * come; a value is compressed with the dictionary of its own section alone.
 */
#include "promises/events.h"

#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "oversized/write/payload.h"
#include "support/log.h"

enum { MANY = 120 };

static uint64_t stored(const fixture_t *f, uint64_t section)
{
    return file_size(values_path(f, section).text);
}

enum { SAMPLES = 2000 };

static segj_slice_t *make_samples(size_t count, uint8_t **memory)
{
    segj_slice_t *samples = calloc(count, sizeof *samples);
    *memory = malloc(count * EVENT_MOST);
    assert_true(samples != NULL && *memory != NULL);
    for (size_t i = 0; i < count; i++)
        samples[i] = (segj_slice_t){*memory + i * EVENT_MOST, make_event(i, *memory + i * EVENT_MOST)};
    return samples;
}

static void test_a_dictionary_is_trained_from_values(void **state)
{
    fixture_t *f = *state;
    uint8_t *memory;
    segj_slice_t *samples = make_samples(SAMPLES, &memory);
    segj_buffer_t made = SEGJ_ZERO;
    static const size_t sizes[] = {256, 1024, 4096, 20000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_ok(oversized_train_dictionary(samples, SAMPLES, sizes[i], &made));
        assert_in_range(made.size, 200, sizes[i]);
        want_dictionary(f, made.data, made.size);
        open_journal(f);
        append_events(f, i, 0, MANY);
        check_events(f, i, MANY);
        close_journal(f);
    }
    /* It does more than words do. */
    want_dictionary(f, event_words, event_words_size());
    open_journal(f);
    append_events(f, 9, 0, MANY);
    close_journal(f);
    assert_true(stored(f, 2) < stored(f, 9));
    segj_buffer_free(&made);
    free(samples);
    free(memory);
}

static void test_a_section_is_trained_from(void **state)
{
    fixture_t *f = *state;
    segj_buffer_t made = SEGJ_ZERO;
    static const int levels[] = {0, 3};
    for (size_t i = 0; i < 2; i++) {
        f->config.native_version = i == 0 ? 1 : 2;
        f->config.compression = levels[i];
        f->config.dictionary_size = 0;
        open_journal(f);
        append_events(f, i, 0, SAMPLES);
        assert_ok(oversized_train_section(f->journal, i, 4096, &made));
        assert_true(made.size > 1000);
        close_journal(f);
        want_dictionary(f, made.data, made.size);
        open_journal(f);
        append_events(f, 10 + i, 0, MANY);
        check_events(f, 10 + i, MANY);
        close_journal(f);
    }
    segj_buffer_free(&made);
}

static void test_what_cannot_be_trained_is_said(void **state)
{
    fixture_t *f = *state;
    uint8_t *memory;
    segj_slice_t *samples = make_samples(100, &memory);
    segj_buffer_t made = SEGJ_ZERO;
    open_journal(f);
    append_events(f, 1, 0, 3);
    assert_ok(oversized_prune(f->journal, 1, NULL));
    assert_status(oversized_train_dictionary(samples, 100, 255, &made), SEGJ_ERR_INVALID);
    assert_non_null(strstr(segj_last_error(), "size is 255, expected 256 to 262144 bytes"));
    assert_status(oversized_train_dictionary(samples, 100, OVERSIZED_DICTIONARY_MAX + 1, &made), SEGJ_ERR_INVALID);
    assert_status(oversized_train_dictionary(samples, 100, 4096, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_train_dictionary(NULL, 100, 4096, &made), SEGJ_ERR_INVALID);
    assert_status(oversized_train_dictionary(&(segj_slice_t){NULL, 5}, 1, 4096, &made), SEGJ_ERR_INVALID);
    assert_status(oversized_train_dictionary(NULL, 0, 4096, &made), SEGJ_ERR_COMPRESSION);
    assert_status(oversized_train_dictionary(samples, 7, 4096, &made), SEGJ_ERR_COMPRESSION);
    assert_non_null(strstr(segj_last_error(), "too few"));
    assert_status(oversized_train_section(f->journal, 1, 4096, &made), SEGJ_ERR_COMPRESSION);
    assert_status(oversized_train_section(f->journal, 0, 4096, &made), SEGJ_ERR_PRUNED);
    assert_status(oversized_train_section(f->journal, 2, 4096, &made), SEGJ_ERR_NO_SECTION);
    assert_status(oversized_train_section(f->journal, 1, 4096, NULL), SEGJ_ERR_INVALID);
    assert_status(oversized_train_section(f->journal, 1, 9, &made), SEGJ_ERR_INVALID);
    assert_int_equal(made.size, 0);
    segj_buffer_free(&made);
    free(samples);
    free(memory);
}

/* The bytes of a section's dictionary on the disk. */
static uint32_t dictionary_on_disk(const fixture_t *f, uint64_t section)
{
    log_identity_t identity;
    bytes_t file = read_file(values_path(f, section).text);
    assert_true(decode_log_identity(file.data, &identity));
    free_bytes(&file);
    return identity.dictionary_size;
}

/* How often new sections have come to get another dictionary. */
static uint64_t stamps_of(fixture_t *f)
{
    segj_lock(&f->journal->shared.state);
    uint64_t stamps = f->journal->codec.dictionaries.stamps;
    segj_unlock(&f->journal->shared.state);
    return stamps;
}

static segj_trainer_state_t trainer_of(fixture_t *f)
{
    segj_lock(&f->journal->trainer.lock);
    segj_trainer_state_t state = f->journal->trainer.state;
    segj_unlock(&f->journal->trainer.lock);
    return state;
}

/* Waits for the thread. */
static void await_dictionary(fixture_t *f)
{
    for (int i = 0; i < 20000 && (stamps_of(f) == 0 || trainer_of(f) != SEGJ_TRAINER_FREE); i++)
        segj_pause(1);
    assert_int_equal(stamps_of(f), 1);
    assert_int_equal(trainer_of(f), SEGJ_TRAINER_FREE);
}

static void test_new_sections_get_one_that_is_trained_meanwhile(void **state)
{
    fixture_t *f = *state;
    f->config.native_version = 2;
    f->config.compression = 3;
    f->config.auto_dictionary = 2048;
    f->config.log = NULL; /* the fixture's is for one thread */
    open_journal(f);
    append_events(f, 1, 0, SAMPLES);
    append_events(f, 2, 0, MANY); /* before any sync */
    assert_ok(oversized_sync(f->journal, 1));
    await_dictionary(f);
    append_events(f, 3, 0, MANY);
    append_events(f, 2, MANY, MANY);
    check_events(f, 3, MANY);
    check_events(f, 2, 2 * MANY);
    append_events(f, 1, 0, 1);
    assert_ok(oversized_sync(f->journal, 1)); /* not again */
    assert_int_equal(trainer_of(f), SEGJ_TRAINER_FREE);
    close_journal(f);
    assert_int_equal(dictionary_on_disk(f, 1), 0);
    assert_int_equal(dictionary_on_disk(f, 2), 0);
    assert_in_range(dictionary_on_disk(f, 3), 1000, 2048);
    /* A journal that is closed while the thread works. */
    for (uint64_t i = 0; i < 30; i++) {
        open_journal(f);
        append_events(f, 4 + i, 0, SAMPLES);
        assert_ok(oversized_sync(f->journal, 4 + i));
        i % 2 == 0 ? close_journal(f) : abandon_journal(f);
    }
    open_journal(f);
    append_events(f, 20, 0, SAMPLES);
    assert_ok(oversized_sync(f->journal, 20));
    assert_ok(oversized_destroy(f->journal));
    f->journal = NULL;
}

/* A payload is made before the lock is taken; where the section turns out to be another one it is made again. */
static void test_payloads_fit_their_section_alone(void **state)
{
    fixture_t *f = *state;
    segj_section_t other = {.values = {.salt = 7, .dictionary = {100, 1}}, .born_with = 3};
    segj_section_t none = {.values = {.salt = 7}};
    want_dictionary(f, event_words, event_words_size());
    open_journal(f);
    uint64_t next = f->journal->codec.dictionaries.next->stamp;
    const segj_payload_for_t plain = {.packed = false};
    const segj_payload_for_t fresh = {.packed = true, .stamp = next};
    const segj_payload_for_t older = {.packed = true, .stamp = next + 1};
    const segj_payload_for_t same = {.packed = true, .exists = true, .salt = 7};
    const segj_payload_for_t another = {.packed = true, .exists = true, .salt = 8};
    assert_true(segj_payload_fits(f->journal, NULL, fresh));
    assert_false(segj_payload_fits(f->journal, NULL, plain));
    assert_false(segj_payload_fits(f->journal, NULL, older));
    assert_false(segj_payload_fits(f->journal, NULL, same));
    assert_true(segj_payload_fits(f->journal, &none, plain));
    assert_false(segj_payload_fits(f->journal, &none, fresh));
    assert_false(segj_payload_fits(f->journal, &none, same));
    assert_true(segj_payload_fits(f->journal, &other, same));
    assert_false(segj_payload_fits(f->journal, &other, another));
    assert_false(segj_payload_fits(f->journal, &other, plain));
    assert_false(segj_payload_fits(f->journal, &other, (segj_payload_for_t){.packed = true, .stamp = 4}));
    assert_true(segj_payload_fits(f->journal, &other, (segj_payload_for_t){.packed = true, .stamp = 3}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(test_a_dictionary_is_trained_from_values), PROMISE(test_a_section_is_trained_from),
        PROMISE(test_what_cannot_be_trained_is_said),      PROMISE(test_new_sections_get_one_that_is_trained_meanwhile),
        PROMISE(test_payloads_fit_their_section_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
