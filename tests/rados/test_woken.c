/*
 * An owner that wakes up when the next one has removed what it has open for writing: nothing of it is taken for durable.
 * And marks, creations and reads that meet another one's change. In a cluster in memory (rados/pond/pond.h).
 *
 * LINK_WRAP: segj_process_word_make segj_process_word_free
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rados/pond/pond.h"
#include "rados/rados_store.h"
#include "rados/worker.h"
#include "unit/place.h"

typedef struct two {
    pond_t *pond;
    segj_storage_t *first, *second;
    struct place one, other;
} two_t;

static two_t begin(void)
{
    two_t two = {.pond = pond_new()};
    two.first = pond_client(two.pond);
    two.second = pond_client(two.pond);
    two.one.storage = two.first;
    two.other.storage = two.second;
    (void)snprintf(two.one.directory, sizeof two.one.directory, "disk");
    (void)snprintf(two.other.directory, sizeof two.other.directory, "disk");
    return two;
}

static void end(two_t *two)
{
    pond_client_free(two->second);
    pond_client_free(two->first);
    pond_free(two->pond);
}

/* The first client owns the partition "a". */
static two_t begin_as_owner(segj_partition_t **partition)
{
    two_t two = begin();
    *partition = make_partition(&two.one, "a");
    assert_int_equal(two.first->partition_lock(*partition, true), 0);
    return two;
}

static void end_with(two_t *two, segj_partition_t *partition, segj_file_t *file)
{
    two->first->file_close(file);
    two->first->partition_close(partition);
    end(two);
}

static int put(const segj_storage_t *storage, segj_file_t *file, uint64_t offset, size_t size)
{
    static char bytes[8 * POND_CHUNK];
    size_t done = 0;
    memset(bytes, 'x', sizeof bytes);
    const segj_slice_t slice = {.data = bytes, .size = size};
    return storage->file_write(file, offset, &slice, 1, &done);
}

/* The second client takes over, and removes the file. */
static void remove_elsewhere(two_t *two)
{
    pond_stop(two->first);
    segj_partition_t *taken = open_partition(&two->other, "a");
    assert_int_equal(two->second->partition_lock(taken, true), 0);
    assert_int_equal(two->second->file_remove(taken, "f"), 0);
    two->second->partition_close(taken);
    assert_int_equal(pond_orphans(two->pond), 0);
}

static void expect_refused(two_t *two, segj_file_t *file, uint64_t offset, size_t size)
{
    int code = put(two->first, file, offset, size);
    if (code == 0)
        code = two->first->file_sync(file);
    assert_int_equal(code, ECANCELED);
}

/* An object that it has not looked at yet. */
static void an_object_that_was_there(void **state)
{
    (void)state;
    segj_partition_t *partition;
    two_t two = begin_as_owner(&partition);
    segj_file_t *file = open_file(&two.one, partition, "f", SEGJ_OPEN_CREATE);
    assert_int_equal(put(two.first, file, 0, 2 * POND_CHUNK + 100), 0);
    assert_int_equal(two.first->file_sync(file), 0);
    two.first->file_close(file);
    file = open_file(&two.one, partition, "f", SEGJ_OPEN_WRITE);
    remove_elsewhere(&two);
    expect_refused(&two, file, 2 * POND_CHUNK + 100, 10);
    end_with(&two, partition, file);
}

/* One that it would make, below the bound. */
static void an_object_that_is_to_be_made(void **state)
{
    (void)state;
    segj_partition_t *partition;
    two_t two = begin_as_owner(&partition);
    segj_file_t *file = open_file(&two.one, partition, "f", SEGJ_OPEN_CREATE);
    assert_int_equal(put(two.first, file, 0, 2 * POND_CHUNK), 0);
    assert_int_equal(two.first->file_sync(file), 0);
    remove_elsewhere(&two);
    expect_refused(&two, file, 2 * POND_CHUNK, 10);
    end_with(&two, partition, file);
}

static void (*true_progress)(void *context);
static const segj_storage_t *writer;
static segj_file_t *written;

/* What was under way has landed, and another thread writes. */
static void progress_and_write(void *context)
{
    segj_file_t *file = written;
    true_progress(context);
    written = NULL;
    if (file != NULL)
        assert_int_equal(put(writer, file, 2 * POND_CHUNK, 10), 0);
}

/* One whose making begins while a sync waits for what came before it: that sync has proved nothing of it. */
static void an_object_that_is_made_beside_a_sync(void **state)
{
    (void)state;
    segj_partition_t *partition;
    two_t two = begin_as_owner(&partition);
    segj_file_t *file = open_file(&two.one, partition, "f", SEGJ_OPEN_CREATE);
    assert_int_equal(put(two.first, file, 0, 2 * POND_CHUNK), 0);
    segj_rados_t *store = (segj_rados_t *)(void *)two.first;
    true_progress = store->seam.progress;
    store->seam.progress = progress_and_write;
    writer = two.first;
    written = file;
    assert_int_equal(two.first->file_sync(file), 0);
    store->seam.progress = true_progress;
    assert_null(written);
    assert_true(pond_under_way(two.first) > 0);
    remove_elsewhere(&two);
    assert_int_equal(pond_deliver(two.first, SIZE_MAX), 0);
    assert_int_equal(two.first->file_sync(file), ECANCELED);
    end_with(&two, partition, file);
}

/* The first one is missing, of a file that was there: the code. */
static void the_first_object(void **state)
{
    (void)state;
    segj_partition_t *partition;
    two_t two = begin_as_owner(&partition);
    segj_file_t *file = open_file(&two.one, partition, "f", SEGJ_OPEN_CREATE);
    assert_int_equal(put(two.first, file, 0, 100), 0);
    two.first->file_close(file);
    file = open_file(&two.one, partition, "f", SEGJ_OPEN_WRITE);
    remove_elsewhere(&two);
    expect_refused(&two, file, 100, 10);
    end_with(&two, partition, file);
}

/* The first one, whose making was under way. */
static void a_file_that_is_begun(void **state)
{
    (void)state;
    segj_partition_t *partition;
    two_t two = begin_as_owner(&partition);
    segj_file_t *file = open_file(&two.one, partition, "f", SEGJ_OPEN_CREATE);
    remove_elsewhere(&two);
    expect_refused(&two, file, 0, 10);
    end_with(&two, partition, file);
}

static void a_cut(void **state)
{
    (void)state;
    segj_partition_t *partition;
    two_t two = begin_as_owner(&partition);
    segj_file_t *file = open_file(&two.one, partition, "f", SEGJ_OPEN_CREATE);
    assert_int_equal(put(two.first, file, 0, 3 * POND_CHUNK), 0);
    assert_int_equal(two.first->file_sync(file), 0);
    remove_elsewhere(&two);
    int code = two.first->file_truncate(file, 100);
    assert_int_equal(code, ECANCELED);
    end_with(&two, partition, file);
}

/* The same with a whole journal: what was appended before the pause, and synced after it. Gives whether it was refused,
 * or was found. */
static bool play_journal(uint64_t before, uint64_t appended, bool reopened)
{
    pond_t *pond = pond_new();
    segj_storage_t *first = pond_client(pond);
    segj_storage_t *second = pond_client(pond);
    oversized_config_t config = worker_config(first, "late");
    config.lock_wait_ms = 0;
    oversized_t *old = NULL;
    oversized_t *journal = NULL;
    bool pruned = false;
    assert_ok(oversized_open(&config, &old));
    for (uint64_t i = 0; i < before; i++)
        assert_ok(number_append(old, i));
    if (reopened) {
        assert_ok(oversized_close(old));
        assert_ok(oversized_open(&config, &old));
    }
    for (uint64_t i = 0; i < appended; i++)
        assert_ok(number_append_only(old, before + i));
    pond_stop(first);
    config.storage = second;
    assert_ok(oversized_open(&config, &journal));
    uint64_t found = numbers_check(journal);
    for (uint64_t i = found; i < 2 * NUMBERS_A_SECTION + 3; i++)
        assert_ok(number_append(journal, i));
    assert_ok(oversized_prune(journal, 2, &pruned));
    assert_true(pruned);
    assert_int_equal(pond_orphans(pond), 0);
    segj_status_t status = oversized_sync(old, 1);
    bool right = status == SEGJ_ERR_LOCKED || (status == SEGJ_OK && found == before + appended);
    oversized_abandon(old);
    assert_ok(oversized_close(journal));
    assert_ok(oversized_open(&config, &journal));
    assert_ok(oversized_close(journal));
    size_t orphans = pond_orphans(pond);
    if (!right)
        print_message("%d synced, %d more, %s: the next owner has found %d, then the sync gives %d, orphans %zu\n",
                      (int)before, (int)appended, reopened ? "reopened" : "not reopened", (int)found, (int)status,
                      orphans);
    pond_client_free(second);
    pond_client_free(first);
    pond_free(pond);
    return right;
}

static void a_journal(void **state)
{
    bool refused = true;
    (void)state;
    for (uint64_t before = 1; before < NUMBERS_A_SECTION; before++)
        for (uint64_t appended = 1; before + appended <= NUMBERS_A_SECTION && appended < 30; appended++)
            for (int reopened = 0; reopened < 2; reopened++)
                refused = play_journal(before, appended, reopened != 0) && refused;
    assert_true(refused);
}

/* --- others --- */

typedef struct closing {
    segj_storage_t *storage;
    segj_file_t *file;
} closing_t;

static void close_it(void *context)
{
    closing_t *closing = context;
    segj_file_t *file = closing->file;
    closing->file = NULL;
    if (file != NULL)
        closing->storage->file_close(file);
}

/* A file is closed while another thread opens it: its mark must stay. */
static void a_mark_that_goes(void **state)
{
    (void)state;
    segj_partition_t *partition;
    two_t two = begin_as_owner(&partition);
    segj_file_t *file = open_file(&two.one, partition, "f", SEGJ_OPEN_CREATE);
    assert_int_equal(put(two.first, file, 0, 100), 0);
    assert_int_equal(two.first->file_sync(file), 0);
    closing_t closing = {two.first, file};
    pond_on_change(two.first, close_it, &closing);
    file = open_file(&two.one, partition, "f", SEGJ_OPEN_WRITE);
    pond_on_change(two.first, NULL, NULL);
    assert_null(closing.file);
    for (int i = 0; i < 20; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "g%d", i);
        two.first->file_close(open_file(&two.one, partition, name, SEGJ_OPEN_CREATE));
    }
    assert_int_equal(put(two.first, file, 0, 50), 0); /* under way */
    size_t under_way = pond_under_way(two.first);
    assert_true(under_way > 0);
    pond_stop(two.first);
    segj_partition_t *taken = open_partition(&two.other, "a");
    assert_int_equal(two.second->partition_lock(taken, true), 0);
    size_t refused = pond_deliver(two.first, SIZE_MAX);
    assert_int_equal(refused, under_way);
    two.second->partition_close(taken);
    end_with(&two, partition, file);
}

/* A file is closed after its partition, which another owner has by then. */
static void a_file_is_closed_last(void **state)
{
    (void)state;
    two_t two = begin();
    segj_storage_t *third = pond_client(two.pond);
    struct place last = two.one;
    last.storage = third;
    segj_partition_t *partition = make_partition(&two.one, "a");
    assert_int_equal(two.first->partition_lock(partition, true), 0);
    segj_file_t *file = open_file(&two.one, partition, "f", SEGJ_OPEN_CREATE);
    assert_int_equal(put(two.first, file, 0, 100), 0);
    assert_int_equal(two.first->file_sync(file), 0);
    segj_file_t *also = open_file(&two.one, partition, "e", SEGJ_OPEN_CREATE);
    two.first->partition_close(partition);
    partition = open_partition(&two.other, "a");
    assert_int_equal(two.second->partition_lock(partition, true), 0);
    segj_file_t *mine = open_file(&two.other, partition, "f", SEGJ_OPEN_WRITE);
    two.first->file_close(also);
    two.first->file_close(file);
    assert_int_equal(put(two.second, mine, 0, 50), 0);
    size_t under_way = pond_under_way(two.second);
    assert_true(under_way > 0);
    pond_stop(two.second);
    segj_partition_t *taken = open_partition(&last, "a");
    assert_int_equal(third->partition_lock(taken, true), 0);
    size_t refused = pond_deliver(two.second, SIZE_MAX);
    assert_int_equal(refused, under_way);
    third->partition_close(taken);
    two.second->file_close(mine);
    two.second->partition_close(partition);
    pond_client_free(third);
    end(&two);
}

static int (*true_start)(void *context, const segj_rados_change_t *change, segj_rados_done_t done, void *argument);

static int start_without_memory(void *context, const segj_rados_change_t *change, segj_rados_done_t done,
                                void *argument)
{
    (void)context;
    (void)change;
    (void)done;
    (void)argument;
    return ENOMEM;
}

/* A creation fails for want of memory: nothing is left of it when the next owner has come. */
static void a_creation_without_memory(void **state)
{
    (void)state;
    two_t two = begin();
    segj_rados_t *store = (segj_rados_t *)(void *)two.first;
    segj_partition_t *partition = make_partition(&two.one, "a");
    assert_int_equal(two.first->partition_lock(partition, true), 0);
    true_start = store->seam.start;
    store->seam.start = start_without_memory;
    assert_int_equal(try_open(&two.one, partition, "f", SEGJ_OPEN_CREATE), ENOMEM);
    store->seam.start = true_start;
    two.first->partition_close(partition);
    partition = open_partition(&two.other, "a");
    assert_int_equal(two.second->partition_lock(partition, true), 0);
    assert_int_equal(pond_orphans(two.pond), 0);
    two.second->partition_close(partition);
    end(&two);
}

typedef struct removal {
    segj_storage_t *reader;
    segj_file_t *file;
    char object[SEGJ_RADOS_NAME];
    unsigned seen;
    uint64_t size;
    int codes[2];
    char byte;
} removal_t;

/* The removals of a file's objects are under way side by side: one in the midst is done first. */
static void read_meanwhile(void *context)
{
    removal_t *removal = context;
    segj_rados_t *store = (segj_rados_t *)(void *)removal->reader;
    size_t done = 0;
    if (removal->seen++ != 2) /* the name, and an object, which is under way */
        return;
    const segj_rados_change_t change = {.object = removal->object, .remove = true};
    assert_int_equal(store->seam.change(store->seam.context, &change), 0);
    removal->byte = 'n';
    removal->codes[0] = removal->reader->file_read(removal->file, POND_CHUNK, &removal->byte, 1, &done);
    if (removal->codes[0] == 0 && done == 0)
        removal->byte = 'e';
    removal->codes[1] = removal->reader->file_size(removal->file, &removal->size);
}

/* A reader of another process meets a file that is being removed: it is told so, or gets the bytes, and no zeros. */
static void read_while_it_is_removed(void **state)
{
    (void)state;
    two_t two = begin();
    segj_rados_t *store = (segj_rados_t *)(void *)two.second;
    segj_partition_t *partition = make_partition(&two.one, "a");
    segj_partition_t *seen = open_partition(&two.other, "a");
    segj_file_t *file = open_file(&two.one, partition, "f", SEGJ_OPEN_CREATE);
    assert_int_equal(put(two.first, file, 0, 3 * POND_CHUNK), 0);
    assert_int_equal(two.first->file_sync(file), 0);
    two.first->file_close(file);
    removal_t removal = {.reader = two.second, .file = open_file(&two.other, seen, "f", SEGJ_OPEN_READ)};
    char value[SEGJ_RADOS_VALUE];
    assert_int_equal(store->seam.key(store->seam.context, "disk:a", "n:f", value), 0);
    (void)snprintf(removal.object, sizeof removal.object, "disk:a:%.16s.00000001", value);
    pond_on_change(two.first, read_meanwhile, &removal);
    assert_int_equal(two.first->file_remove(partition, "f"), 0);
    pond_on_change(two.first, NULL, NULL);
    assert_true(removal.seen > 2);
    assert_true(removal.codes[0] == ESTALE || (removal.codes[0] == 0 && removal.byte == 'x'));
    two.second->file_close(removal.file);
    two.second->partition_close(seen);
    two.first->partition_close(partition);
    end(&two);
}

static void lock_once(void *context)
{
    two_t *two = context;
    segj_partition_t *taken = open_partition(&two->other, "a");
    assert_int_equal(two->second->partition_lock(taken, true), 0);
    two->second->partition_close(taken);
}

/* Without a lock, and others come and go: a creation that was not done is not told of as done. */
static void others_come_and_go(void **state)
{
    (void)state;
    two_t two = begin();
    segj_partition_t *partition = make_partition(&two.one, "a");
    pond_on_change(two.first, lock_once, &two);
    segj_file_t *file = NULL;
    int code = two.first->file_open(partition, "f", SEGJ_OPEN_CREATE, &file);
    pond_on_change(two.first, NULL, NULL);
    assert_true(code != 0 || try_open(&two.one, partition, "f", SEGJ_OPEN_READ) == 0);
    two.first->partition_close(partition);
    end(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_that_was_there),
        cmocka_unit_test(an_object_that_is_to_be_made),
        cmocka_unit_test(an_object_that_is_made_beside_a_sync),
        cmocka_unit_test(the_first_object),
        cmocka_unit_test(a_file_that_is_begun),
        cmocka_unit_test(a_cut),
        cmocka_unit_test(a_journal),
        cmocka_unit_test(a_mark_that_goes),
        cmocka_unit_test(a_file_is_closed_last),
        cmocka_unit_test(a_creation_without_memory),
        cmocka_unit_test(others_come_and_go),
        cmocka_unit_test(read_while_it_is_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
