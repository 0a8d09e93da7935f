/*
 * A lock that cannot be had, or not be renewed, is given back and forgotten: nobody renews it, and what its caller held
 * before is gone as well. Keys that have served go, each once, whoever has them removed. The cluster is a few answers.
 *
 * LINK_WRAP: pthread_create
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "rados/rados_lease.h"

static struct {
    int change; /* what a change is answered */
    int named;  /* the identity is that of another partition from this question on, 0: never */
    int thread; /* what the start of a thread is answered */
    int asked, locked;
} answers;

static atomic_uint keys_gone;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *kind, void *(*run)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *kind, void *(*run)(void *), void *argument);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *kind, void *(*run)(void *), void *argument)
{
    return answers.thread != 0 ? answers.thread : __real_pthread_create(thread, kind, run, argument);
}

static int change(void *context, const segj_rados_change_t *what)
{
    (void)context;
    for (const char *const *key = what->keys_removed; key != NULL && *key != NULL; key++)
        (void)atomic_fetch_add(&keys_gone, 1);
    (void)sched_yield(); /* it takes a while */
    return answers.change;
}

static int get(void *context, const char *object, const char *name, char value[SEGJ_RADOS_VALUE])
{
    (void)context;
    (void)object;
    bool id = strcmp(name, SEGJ_RADOS_ID) == 0;
    answers.asked += id;
    bool other = id && answers.named != 0 && answers.asked >= answers.named;
    memcpy(value, other ? "0000000000000009" : "0000000000000001", SEGJ_RADOS_DIGITS);
    return 0;
}

static int keys(void *context, const char *object, const char *prefix, segj_rados_visit_t visit, void *argument)
{
    (void)context;
    (void)object;
    (void)prefix;
    (void)visit;
    (void)argument;
    return 0;
}

static int lock(void *context, const char *object, const char *cookie, bool exclusive, uint32_t seconds, bool renew,
                bool must)
{
    (void)context;
    (void)object;
    (void)cookie;
    (void)exclusive;
    (void)seconds;
    (void)renew;
    (void)must;
    answers.locked = 1;
    return 0;
}

static int unlock(void *context, const char *object, const char *cookie)
{
    (void)context;
    (void)object;
    (void)cookie;
    answers.locked = 0;
    return 0;
}

static int number(void *context, uint64_t *random)
{
    (void)context;
    *random = 7;
    return 0;
}

static const segj_rados_seam_t few = {
    .change = change, .get = get, .keys = keys, .lock = lock, .unlock = unlock, .random = number};

static segj_rados_lease_t *begin(segj_rados_t **store, uint32_t seconds)
{
    segj_rados_lease_t *lease = NULL;
    memset(&answers, 0, sizeof answers);
    *store = segj_rados_make(&few, 4096, seconds);
    assert_non_null(*store);
    assert_int_equal(segj_rados_lease_make(*store, "events:values", &lease), 0);
    return lease;
}

static void end(segj_rados_t *store, segj_rados_lease_t *lease)
{
    segj_rados_lease_detach(lease);
    segj_rados_free(store);
}

static void assert_free(const segj_rados_t *store, const segj_rados_lease_t *lease)
{
    assert_int_equal(lease->held, SEGJ_RADOS_FREE);
    assert_false(lease->listed);
    assert_null(store->leases);
    assert_int_equal(answers.locked, 0);
}

static void test_a_lock_that_nobody_would_renew_is_given_back(void **state)
{
    segj_rados_t *store;
    segj_rados_lease_t *lease = begin(&store, 3600);
    (void)state;
    answers.thread = EAGAIN;
    assert_int_equal(segj_rados_lease_lock(lease, false), EAGAIN);
    assert_free(store, lease);
    answers.thread = 0;
    assert_int_equal(segj_rados_lease_lock(lease, false), 0);
    assert_true(lease->listed);
    end(store, lease);
}

static void test_a_reader_that_cannot_become_the_owner_has_no_lock(void **state)
{
    segj_rados_t *store;
    segj_rados_lease_t *lease = begin(&store, 3600);
    (void)state;
    assert_int_equal(segj_rados_lease_lock(lease, false), 0);
    answers.change = EIO;
    assert_int_equal(segj_rados_lease_lock(lease, true), EIO);
    assert_free(store, lease);
    answers.change = 0;
    assert_int_equal(segj_rados_lease_lock(lease, true), 0);
    assert_int_equal(lease->held, SEGJ_RADOS_EXCLUSIVE);
    assert_int_equal(answers.locked, 1);
    end(store, lease);
}

static void test_a_partition_that_was_exchanged_meanwhile_leaves_no_lock(void **state)
{
    segj_rados_t *store;
    segj_rados_lease_t *lease = begin(&store, 3600);
    (void)state;
    assert_int_equal(segj_rados_lease_lock(lease, false), 0);
    answers.asked = 0;
    answers.named = 2;
    assert_int_equal(segj_rados_lease_lock(lease, true), ESTALE);
    assert_free(store, lease);
    end(store, lease);
}

enum { CLOSERS = 8, CLOSED_EACH = 4000 };

static void *close_many(void *context)
{
    for (unsigned i = 0; i < CLOSED_EACH; i++)
        segj_rados_lease_idle(context, SEGJ_RADOS_WRITTEN, "0000000000000001");
    return NULL;
}

/* Some are always more than there is room for, while others are being removed. */
static void test_keys_of_many_closed_files_go(void **state)
{
    segj_rados_t *store;
    segj_rados_lease_t *lease = begin(&store, 3600);
    pthread_t threads[CLOSERS];
    (void)state;
    atomic_store(&keys_gone, 0);
    (void)alarm(120);
    for (int i = 0; i < CLOSERS; i++)
        assert_int_equal(__real_pthread_create(&threads[i], NULL, close_many, lease), 0);
    for (int i = 0; i < CLOSERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    (void)alarm(0);
    assert_int_equal(segj_rados_lease_unlock(lease), 0);
    assert_int_equal(atomic_load(&keys_gone), CLOSERS * CLOSED_EACH);
    end(store, lease);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lock_that_nobody_would_renew_is_given_back),
        cmocka_unit_test(test_a_reader_that_cannot_become_the_owner_has_no_lock),
        cmocka_unit_test(test_a_partition_that_was_exchanged_meanwhile_leaves_no_lock),
        cmocka_unit_test(test_keys_of_many_closed_files_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
