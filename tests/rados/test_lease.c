/*
 * A lock that cannot be had, or not be renewed, is given back and forgotten: nobody renews it, and what its caller held
 * before is gone as well. The cluster is a few answers.
 *
 * LINK_WRAP: pthread_create
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "rados/rados_lease.h"

static struct {
    int change; /* what a change is answered */
    int named;  /* the identity is that of another partition from this question on, 0: never */
    int thread; /* what the start of a thread is answered */
    int asked, locked;
} answers;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *kind, void *(*run)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *kind, void *(*run)(void *), void *argument);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *kind, void *(*run)(void *), void *argument)
{
    return answers.thread != 0 ? answers.thread : __real_pthread_create(thread, kind, run, argument);
}

static int change(void *context, const segj_rados_change_t *what)
{
    (void)context;
    (void)what;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lock_that_nobody_would_renew_is_given_back),
        cmocka_unit_test(test_a_reader_that_cannot_become_the_owner_has_no_lock),
        cmocka_unit_test(test_a_partition_that_was_exchanged_meanwhile_leaves_no_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
