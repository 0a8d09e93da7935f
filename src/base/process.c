/*
 * base/process.c: see the header. A page of its own, which the system empties in a child (MADV_WIPEONFORK, Linux 4.14):
 * whatever makes the child, and however many threads there are.
 */
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* madvise and its advice are beyond POSIX */
#endif

#include "base/process.h"

#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

int64_t segj_process_id(void)
{
    return (int64_t)getpid();
}

uint64_t segj_process_time(void)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

void segj_process_sleep(uint64_t nanoseconds)
{
    struct timespec time = {(time_t)(nanoseconds / UINT64_C(1000000000)), (long)(nanoseconds % UINT64_C(1000000000))};
    (void)nanosleep(&time, NULL);
}

void segj_process_yield(void)
{
    (void)sched_yield();
}

#if defined(__linux__) && defined(MADV_WIPEONFORK)

/* No advice that there is. */
#define ADVICE_UNKNOWN 12345

static size_t page_size(void)
{
    long size = sysconf(_SC_PAGESIZE);
    return size > 0 ? (size_t)size : 4096;
}

/* An emulator of user programs (QEMU's) takes every advice, those that do not exist too, and follows none of these. */
static void *make_page(void)
{
    void *page = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return NULL;
    if (madvise(page, page_size(), ADVICE_UNKNOWN) != 0 && madvise(page, page_size(), MADV_WIPEONFORK) == 0)
        return page;
    (void)munmap(page, page_size());
    return NULL;
}

static void free_page(void *page)
{
    (void)munmap(page, page_size());
}

#else
#define make_page() NULL
#define free_page(page) ((void)(page))
#endif

segj_process_word_t *segj_process_word_make(void)
{
    return make_page();
}

void segj_process_word_free(segj_process_word_t *word)
{
    if (word != NULL)
        free_page(word);
}
