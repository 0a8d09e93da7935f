/*
 * How many locks a call takes: those that threads stand in line for.
 * LINK_WRAP: malloc calloc realloc memcpy memmove pthread_mutex_lock segj_gate_enter
 */
#include "counted/rig.h"

#include <pthread.h>

#include "base/gate.h"

enum { SECTION = 7, STORED = 5000, SIZE = 300 };

static uint64_t locks;

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __real_pthread_mutex_lock(pthread_mutex_t *mutex);

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    locks++;
    return __real_pthread_mutex_lock(mutex);
}

void __wrap_segj_gate_enter(segj_gate_t *gate);
void __real_segj_gate_enter(segj_gate_t *gate);

void __wrap_segj_gate_enter(segj_gate_t *gate)
{
    locks++;
    __real_segj_gate_enter(gate);
}

#define assert_locks(expected, call)                                                                                   \
    do {                                                                                                               \
        uint64_t before = locks;                                                                                       \
        assert_ok(call);                                                                                               \
        assert_int_equal(locks - before, (expected));                                                                  \
    } while (0)

/* Files of the system, which can be mapped. */
static rig_t *begin(void **state, path_t *directory)
{
    rig_t *rig = *state;
    *directory = make_temp_directory();
    rig->config.storage = NULL;
    rig->config.map_values = true;
    open_other(rig, directory->text);
    append_many(rig, SECTION, STORED, SIZE);
    return rig;
}

static void end(rig_t *rig, path_t directory)
{
    assert_ok(oversized_close(rig->journal));
    remove_tree(directory.text);
    rig->config.directory = "counted";
    rig->config.storage = NULL;
    rig->journal = NULL;
}

static void a_view_of_a_section_that_nobody_writes_to_none(void **state)
{
    path_t directory;
    rig_t *rig = begin(state, &directory);
    oversized_location_t location;
    oversized_view_t view = {0};
    uint8_t entry[ENTRY];
    close_and_open(rig);
    assert_ok(oversized_get(rig->journal, SECTION, 30, entry, &location));
    assert_ok(oversized_view(rig->journal, SECTION, 30, entry, &view)); /* maps the file */
    assert_locks(0, oversized_view(rig->journal, SECTION, 30, entry, &view));
    assert_int_equal(view.size, SIZE);
    assert_int_equal(get_u64(entry), 30);
    assert_locks(0, oversized_view_value(rig->journal, SECTION, location, &view));
    assert_int_equal(view.size, SIZE);
    uint64_t before = locks;
    oversized_view_release(&view);
    assert_int_equal(locks, before);
    end(rig, directory);
}

static void a_view_of_a_section_that_is_written_to_one(void **state)
{
    path_t directory;
    rig_t *rig = begin(state, &directory);
    oversized_view_t view = {0};
    assert_ok(oversized_sync(rig->journal, SECTION));
    assert_ok(oversized_view(rig->journal, SECTION, 30, NULL, &view));
    assert_locks(1, oversized_view(rig->journal, SECTION, 30, NULL, &view));
    oversized_view_release(&view);
    end(rig, directory);
}

static void reading_one(void **state)
{
    path_t directory;
    rig_t *rig = begin(state, &directory);
    oversized_location_t location;
    close_and_open(rig);
    assert_ok(oversized_read(rig->journal, SECTION, 30, NULL, &rig->value));
    assert_locks(1, oversized_get(rig->journal, SECTION, 30, NULL, &location));
    assert_locks(1, oversized_get_value(rig->journal, SECTION, location, &rig->value));
    assert_locks(1, oversized_read(rig->journal, SECTION, 31, NULL, &rig->value));
    end(rig, directory);
}

static void appending_one(void **state)
{
    path_t directory;
    rig_t *rig = begin(state, &directory);
    static const uint8_t entry[ENTRY];
    assert_ok(oversized_sync(rig->journal, SECTION));
    append_many(rig, SECTION, 1, SIZE);
    assert_locks(1, oversized_append(rig->journal, SECTION, entry, "value", 5, NULL, NULL));
    end(rig, directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        COUNTED(a_view_of_a_section_that_nobody_writes_to_none),
        COUNTED(a_view_of_a_section_that_is_written_to_one),
        COUNTED(reading_one),
        COUNTED(appending_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
