/*
 * Changes that come late: what an owner has started before it was stopped, or was told nothing of in time, is done at every
 * moment of the next owner's opening, and after it: nothing that was synced is lost or changed, and what comes after
 * the opening is refused. In a cluster in memory (rados/pond/pond.h).
 *
 * LINK_WRAP: segj_process_word_make segj_process_word_free
 */
#include <errno.h>
#include <string.h>

#include "rados/pond/pond.h"
#include "rados/worker.h"

/* What the first owner has under way. */
typedef enum leaves {
    LEAVES_APPENDS, /* records whose sync was begun, and not waited for */
    LEAVES_UNKNOWN, /* a record whose sync was not answered in time */
    LEAVES_REWIND,  /* a rewind that was not answered in time */
    LEAVES_PRUNE,   /* a prune, likewise */
    LEAVES_REOPEN   /* an opening, likewise */
} leaves_t;

typedef struct late {
    segj_storage_t *client;
    size_t at, seen; /* of the other client's changes; the first one's are done before that one */
} late_t;

static void deliver_at(void *context)
{
    late_t *late = context;
    if (late->seen++ == late->at)
        (void)pond_deliver(late->client, SIZE_MAX);
}

static oversized_config_t configure(segj_storage_t *storage)
{
    oversized_config_t config = worker_config(storage, "late");
    config.lock_wait_ms = 0;
    return config;
}

/* The first owner's story up to where it is stopped. Gives how many numbers it was told are durable, and how many there may
 * be. NULL where it has none open any more. */
static oversized_t *first_owner(segj_storage_t *storage, leaves_t leaves, uint64_t synced, uint64_t *least,
                                uint64_t *most)
{
    oversized_config_t config = configure(storage);
    oversized_t *journal = NULL;
    oversized_ticket_t started;
    bool pruned = false;
    assert_ok(oversized_open(&config, &journal));
    for (uint64_t i = 0; i < synced; i++)
        assert_ok(number_append(journal, i));
    *least = *most = synced;
    switch (leaves) {
    case LEAVES_APPENDS: /* 30 reach over several objects */
        *most = synced + (synced < NUMBERS_A_SECTION / 4 ? 30 : 3);
        for (uint64_t i = synced; i < *most; i++)
            assert_ok(number_append_only(journal, i));
        assert_ok(oversized_sync_start(journal, synced / NUMBERS_A_SECTION + 1, &started));
        break;
    case LEAVES_UNKNOWN:
        pond_answer(storage, ETIMEDOUT);
        assert_status(number_append(journal, synced), SEGJ_ERR_IO);
        *most = synced + 1;
        break;
    case LEAVES_REWIND:
        pond_answer(storage, ETIMEDOUT);
        assert_status(numbers_rewind(journal, synced - 2), SEGJ_ERR_IO);
        *least = synced - 2;
        break;
    case LEAVES_PRUNE:
        pond_answer(storage, ETIMEDOUT);
        assert_status(oversized_prune(journal, 2, &pruned), SEGJ_ERR_IO);
        break;
    case LEAVES_REOPEN:
        for (uint64_t i = 0; i < 3; i++)
            assert_ok(number_append_only(journal, synced + i));
        assert_ok(oversized_sync_start(journal, synced / NUMBERS_A_SECTION + 1, &started));
        *most = synced + 3;
        oversized_abandon(journal);
        journal = NULL;
        pond_answer(storage, ETIMEDOUT);
        assert_int_not_equal(oversized_open(&config, &journal), SEGJ_OK);
        break;
    }
    return journal;
}

/* `before`: so many of the first owner's changes are done before the second one comes, the others before its change `at`,
 * or in the end. False: it made fewer changes than that. */
static bool play(leaves_t leaves, uint64_t synced, size_t before, size_t at)
{
    pond_t *pond = pond_new();
    segj_storage_t *first = pond_client(pond);
    segj_storage_t *second = pond_client(pond);
    uint64_t least = 0;
    uint64_t most = 0;
    oversized_t *old = first_owner(first, leaves, synced, &least, &most);
    pond_stop(first);
    (void)pond_deliver(first, before);

    late_t late = {first, at, 0};
    oversized_config_t config = configure(second);
    oversized_t *journal = NULL;
    config.strict = leaves != LEAVES_PRUNE; /* which refuses values whose index a prune has removed */
    pond_on_change(second, deliver_at, &late);
    assert_ok(oversized_open(&config, &journal));
    assert_int_equal(oversized_recovery(journal)->synced_records_lost, 0);
    pond_on_change(second, NULL, NULL);
    bool within = late.seen > at;
    uint64_t found = numbers_check_from(journal, leaves == LEAVES_PRUNE ? 2 : 1);
    assert_in_range(found, least, most);
    for (uint64_t i = 0; i < 4; i++)
        assert_ok(number_append(journal, found + i));
    /* Whatever of it is left comes now. */
    uint64_t hash = pond_hash(pond);
    size_t left = pond_under_way(first);
    assert_int_equal(pond_deliver(first, SIZE_MAX), left);
    assert_true(pond_hash(pond) == hash);
    pond_answer(first, 0);
    if (old != NULL) {
        (void)number_append_only(old, most);
        segj_status_t status = oversized_sync(old, most / NUMBERS_A_SECTION + 1);
        assert_true(status == SEGJ_ERR_LOCKED || status == SEGJ_ERR_POISONED);
        assert_true(pond_hash(pond) == hash);
        oversized_abandon(old);
    }
    assert_true(pond_hash(pond) == hash);
    assert_ok(oversized_close(journal));
    assert_ok(oversized_open(&config, &journal));
    assert_int_equal(numbers_check_from(journal, leaves == LEAVES_PRUNE ? 2 : 1), found + 4);
    assert_ok(oversized_close(journal));
    assert_int_equal(pond_orphans(pond), 0);
    pond_client_free(second);
    pond_client_free(first);
    pond_free(pond);
    return within;
}

static size_t how_many(leaves_t leaves, uint64_t synced)
{
    pond_t *pond = pond_new();
    segj_storage_t *first = pond_client(pond);
    uint64_t ignored;
    oversized_t *old = first_owner(first, leaves, synced, &ignored, &ignored);
    size_t count = pond_under_way(first);
    pond_answer(first, 0);
    oversized_abandon(old);
    pond_client_free(first);
    pond_free(pond);
    return count;
}

static void play_all(leaves_t leaves, uint64_t synced)
{
    size_t count = how_many(leaves, synced);
    unsigned played = 0;
    assert_true(count > 0);
    for (size_t before = 0; before <= count; before++)
        for (size_t at = 0;; at++, played++)
            if (!play(leaves, synced, before, at))
                break;
    print_message("%zu changes under way, %u orders\n", count, played);
}

static void appends_that_come_late(void **state)
{
    (void)state;
    play_all(LEAVES_APPENDS, 3);
    play_all(LEAVES_APPENDS, NUMBERS_A_SECTION - 2); /* a section that was just made */
}

static void syncs_without_an_answer(void **state)
{
    (void)state;
    play_all(LEAVES_UNKNOWN, 3);
}

static void rewinds_without_an_answer(void **state)
{
    (void)state;
    play_all(LEAVES_REWIND, 40); /* over several objects */
}

static void prunes_without_an_answer(void **state)
{
    (void)state;
    play_all(LEAVES_PRUNE, NUMBERS_A_SECTION + 3);
}

static void openings_without_an_answer(void **state)
{
    (void)state;
    play_all(LEAVES_REOPEN, 3);
}

/* A client that is killed takes what it has under way along, and nothing that it has flushed. */
static void what_was_flushed_outlives_its_client(void **state)
{
    (void)state;
    for (uint8_t version = 1; version <= 2; version++) {
        pond_t *pond = pond_new();
        segj_storage_t *first = pond_client(pond);
        segj_storage_t *second = pond_client(pond);
        oversized_config_t config = configure(first);
        oversized_t *journal = NULL;
        oversized_t *next = NULL;
        config.native_version = version;
        assert_ok(oversized_open(&config, &journal));
        for (uint64_t i = 0; i < 3; i++)
            assert_ok(number_append(journal, i));
        for (uint64_t i = 3; i < 33; i++)
            assert_ok(number_append_only(journal, i));
        assert_ok(oversized_flush(journal, 1));
        pond_stop(first);
        config.storage = second;
        assert_ok(oversized_open(&config, &next));
        assert_int_equal(numbers_check(next), 33);
        assert_ok(oversized_close(next));
        (void)pond_deliver(first, SIZE_MAX);
        oversized_abandon(journal);
        pond_client_free(second);
        pond_client_free(first);
        pond_free(pond);
    }
}

/* A sync without room: what was synced before is there, and the next opening goes on when there is room. */
static void a_full_pool(void **state)
{
    pond_t *pond = pond_new();
    segj_storage_t *client = pond_client(pond);
    oversized_config_t config = configure(client);
    oversized_t *journal = NULL;
    (void)state;
    assert_ok(oversized_open(&config, &journal));
    for (uint64_t i = 0; i < 5; i++)
        assert_ok(number_append(journal, i));
    pond_full(client, true);
    assert_status(number_append(journal, 5), SEGJ_ERR_NO_SPACE);
    segj_buffer_t value = SEGJ_ZERO;
    for (uint64_t i = 0; i < 5; i++) /* what was synced is read as ever */
        assert_ok(oversized_read(journal, 1, i, NULL, &value));
    segj_buffer_free(&value);
    pond_full(client, false);
    assert_status(number_append(journal, 6), SEGJ_ERR_POISONED);
    oversized_abandon(journal);
    assert_ok(oversized_open(&config, &journal));
    uint64_t found = numbers_check(journal);
    assert_true(found >= 5);
    assert_ok(number_append(journal, found));
    assert_ok(oversized_close(journal));
    pond_client_free(client);
    pond_free(pond);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_that_come_late),
        cmocka_unit_test(syncs_without_an_answer),
        cmocka_unit_test(rewinds_without_an_answer),
        cmocka_unit_test(prunes_without_an_answer),
        cmocka_unit_test(openings_without_an_answer),
        cmocka_unit_test(what_was_flushed_outlives_its_client),
        cmocka_unit_test(a_full_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
