/*
 * base/process.c and what rests on it: a word that a child finds empty, a page cache that becomes the child's own, and
 * what is done where the system has no such word.
 *
 * LINK_WRAP: segj_process_word_make
 */
#include "support/support.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "paged/page_cache.h"

enum { P = 64, SECTION = 3, SECONDS = 120 };

static bool no_words;

/* CI runs these programs for other machines in an emulator. */
#if defined(__linux__) && defined(__x86_64__)
#define NATIVE true
#else
#define NATIVE false
#endif

segj_process_word_t *__real_segj_process_word_make(void);
segj_process_word_t *__wrap_segj_process_word_make(void);

segj_process_word_t *__wrap_segj_process_word_make(void)
{
    return no_words ? NULL : __real_segj_process_word_make();
}

/* Whether it holds in a child too, which has so many seconds. */
static bool holds_in_child(bool (*look)(void *context), void *context)
{
    int result = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)alarm(SECONDS);
        _exit(look(context) ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    return result == 0;
}

static bool is_empty(void *context)
{
    segj_process_word_t *word = context;
    bool empty = atomic_load(word) == 0;
    atomic_store(word, 7);
    return empty;
}

static bool is_another(void *context)
{
    const int64_t *parent = context;
    return segj_process_id() != *parent && segj_process_id() == (int64_t)getpid();
}

static void a_word_is_empty_in_a_child(void **state)
{
    segj_process_word_t *word = segj_process_word_make();
    int64_t process = segj_process_id();
    assert_true(holds_in_child(is_another, &process));
#if defined(__linux__)
    if (word == NULL && !NATIVE)
        SKIP("an emulator of user programs empties no page in a child");
    assert_non_null(word);
    assert_int_equal(atomic_load(word), 0);
    atomic_store(word, 5);
    assert_true(holds_in_child(is_empty, word));
    assert_int_equal(atomic_load(word), 5);
#endif
    segj_process_word_free(word);
    segj_process_word_free(NULL);
}

static void time_goes_on(void **state)
{
    uint64_t before = segj_process_time();
    assert_true(before > 0);
    while (segj_process_time() == before)
        continue;
    assert_true(segj_process_time() > before);
}

/* The parent has every frame in its hands, and they will never be given back here. */
static bool becomes_ours(void *context)
{
    segj_page_cache_t *cache = context;
    uint8_t bytes[P];
    uint64_t before = segj_page_cache_id(cache);
    segj_page_cache_claim(cache);
    segj_page_cache_claim(cache);
    bool gone = !segj_page_cache_read(cache, 1, 0, 0, P, bytes);
    uint64_t id = segj_page_cache_id(cache);
    bool all = true;
    for (uint64_t page = 0; page < 3; page++) {
        uint8_t *frame = segj_page_cache_reserve(cache);
        all = all && frame != NULL;
        if (frame == NULL)
            break;
        memset(frame, (int)page, P);
        segj_page_cache_publish(cache, frame, id, page, P);
    }
    for (uint64_t page = 0; page < 3; page++)
        all = all && segj_page_cache_read(cache, id, page, 0, P, bytes) && bytes[5] == page;
    segj_page_cache_retain(cache);
    segj_page_cache_release(cache);
    segj_page_cache_release(cache);
    return gone && all && id > before;
}

static bool is_given_back(void *context)
{
    segj_page_cache_release(context);
    return true;
}

static void check_cache(void)
{
    segj_page_cache_t *cache = NULL;
    uint8_t *frames[2];
    uint8_t bytes[P];
    assert_ok(segj_page_cache_create(P, 3, &cache));
    uint8_t *frame = segj_page_cache_reserve(cache);
    memset(frame, 9, P);
    segj_page_cache_publish(cache, frame, 1, 0, P);
    for (int i = 0; i < 2; i++) {
        frames[i] = segj_page_cache_reserve(cache);
        assert_non_null(frames[i]);
    }
    assert_true(holds_in_child(becomes_ours, cache));
    assert_true(holds_in_child(is_given_back, cache));
    segj_page_cache_claim(cache); /* it is ours already */
    assert_true(segj_page_cache_read(cache, 1, 0, 0, P, bytes));
    for (int i = 0; i < 2; i++)
        segj_page_cache_cancel(cache, frames[i]);
    segj_page_cache_release(cache);
}

static void a_page_cache_becomes_the_childs_own(void **state)
{
    check_cache();
}

static void without_words_it_does_so_too(void **state)
{
    no_words = true;
    check_cache();
    no_words = false;
}

/* --- a journal where the system has no such word --- */

static bool is_refused(void *context)
{
    oversized_t *journal = context;
    uint64_t count;
    return oversized_count(journal, SECTION, &count) == SEGJ_ERR_INVALID &&
           oversized_append(journal, SECTION, "12345678", "v", 1, NULL, NULL) == SEGJ_ERR_INVALID &&
           oversized_close(journal) == SEGJ_ERR_INVALID && strstr(segj_last_error(), "opened by process") != NULL;
}

static void check_walks(oversized_t *journal, oversized_location_t location)
{
    oversized_replay_t *replay = NULL;
    oversized_reader_t *reader = NULL;
    oversized_item_t item;
    char bytes[8];
    size_t done;
    assert_ok(oversized_replay_open(journal, SECTION, 0, 0, &replay));
    assert_ok(oversized_replay_next(replay, &item));
    oversized_replay_close(replay);
    assert_ok(oversized_reader_open(journal, SECTION, location, false, &reader));
    assert_ok(oversized_reader_read(reader, bytes, 1, &done));
    oversized_reader_close(reader);
}

static void without_words_the_system_is_asked(void **state)
{
    segj_storage_t *memory = NULL;
    oversized_t *journal = NULL;
    oversized_t *caller = NULL;
    oversized_writer_t *writer = NULL;
    oversized_config_t config;
    oversized_location_t location;
    no_words = true;
    assert_ok(segj_storage_memory_create(&memory));
    small_config(&config, "journal");
    config.storage = memory;
    assert_ok(oversized_open(&config, &journal));
    location = append_filled(journal, SECTION, 0, 'v', 1, NULL);
    assert_ok(oversized_writer_open(journal, SECTION, "12345678", 1, &writer));
    assert_ok(oversized_writer_write(writer, "w", 1));
    assert_ok(oversized_writer_finish(writer, NULL, NULL));
    assert_ok(oversized_caller_open(journal, &caller));
    check_filled(caller, SECTION, 0, 0, 'v', 1);
    check_walks(journal, location);
    check_walks(caller, location);
    assert_true(holds_in_child(is_refused, journal));
    assert_ok(oversized_close(caller));
    oversized_caller_close(caller);
    segj_storage_memory_destroy(memory);
    no_words = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_is_empty_in_a_child),          cmocka_unit_test(time_goes_on),
        cmocka_unit_test(a_page_cache_becomes_the_childs_own), cmocka_unit_test(without_words_it_does_so_too),
        cmocka_unit_test(without_words_the_system_is_asked),
    };
    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
