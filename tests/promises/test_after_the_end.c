/*
 * promises/test_after_the_end.c: handles that are used after their end. Each mistake is made in a process of its own,
 * which has so many seconds: a library without assertions answers SEGJ_ERR_INVALID, one with them stops there, and none
 * waits for ever. What is defined, callers and handles of a journal that has ended, answers SEGJ_ERR_INVALID in every
 * build.
 */
#include "promises/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECTION = 3, COUNT = 20, SECONDS = 120 };

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define INSTRUMENTED 1 /* says what is wrong itself, and ends the process */
#else
#define INSTRUMENTED 0
#endif
#if defined(NDEBUG) && !INSTRUMENTED
#define STOPS 0
#else
#define STOPS 1
#endif

/** What a mistake is made with. The journal has ended where the mistake says so. */
typedef struct ended {
    oversized_t *journal;
    oversized_writer_t *writer;
    oversized_reader_t *reader;
    oversized_replay_t *replay;
    oversized_ticket_t ticket;
    oversized_location_t location;
} ended_t;

typedef struct mistake {
    const char *name;
    segj_status_t (*make)(ended_t *ended);
    enum { AFTER_CLOSE, AFTER_ABANDON, AFTER_DESTROY, AFTER_ITS_END } when;
} mistake_t;

static segj_status_t close_again(ended_t *e)
{
    return oversized_close(e->journal);
}

static segj_status_t destroy_again(ended_t *e)
{
    return oversized_destroy(e->journal);
}

/* These answer nothing: they come back. */
static segj_status_t abandon_again(ended_t *e)
{
    oversized_abandon(e->journal);
    return SEGJ_ERR_INVALID;
}

static segj_status_t append_after(ended_t *e)
{
    return oversized_append(e->journal, SECTION, "12345678", "v", 1, NULL, NULL);
}

static segj_status_t sync_after(ended_t *e)
{
    return oversized_sync(e->journal, SECTION);
}

static segj_status_t sync_wait_after(ended_t *e)
{
    return oversized_sync_wait(e->journal, &e->ticket);
}

static segj_status_t read_after(ended_t *e)
{
    segj_buffer_t value = {NULL, 0, 0};
    return oversized_read(e->journal, SECTION, 0, NULL, &value);
}

static segj_status_t view_after(ended_t *e)
{
    oversized_view_t view = {NULL, 0, NULL, {NULL, 0, 0}};
    return oversized_view(e->journal, SECTION, 0, NULL, &view);
}

static segj_status_t count_after(ended_t *e)
{
    uint64_t count;
    return oversized_count(e->journal, SECTION, &count);
}

static segj_status_t prune_after(ended_t *e)
{
    return oversized_prune(e->journal, SECTION, NULL);
}

static segj_status_t rewind_after(ended_t *e)
{
    return oversized_rewind(e->journal, SECTION, 0);
}

static segj_status_t replay_open_after(ended_t *e)
{
    oversized_replay_t *replay = NULL;
    return oversized_replay_open(e->journal, 0, 0, 4096, &replay);
}

static segj_status_t reader_open_after(ended_t *e)
{
    oversized_reader_t *reader = NULL;
    return oversized_reader_open(e->journal, SECTION, e->location, false, &reader);
}

static segj_status_t writer_open_after(ended_t *e)
{
    oversized_writer_t *writer = NULL;
    return oversized_writer_open(e->journal, SECTION, "12345678", 1, &writer);
}

static segj_status_t caller_open_after(ended_t *e)
{
    oversized_t *caller = NULL;
    return oversized_caller_open(e->journal, &caller);
}

static segj_status_t ask_after(ended_t *e)
{
    bool none = oversized_record_size(e->journal) == 0 && oversized_recovery(e->journal) == NULL &&
                oversized_error(e->journal) == NULL;
    return none ? SEGJ_ERR_INVALID : SEGJ_OK;
}

static segj_status_t replay_again(ended_t *e)
{
    oversized_item_t item;
    oversized_replay_close(e->replay);
    return oversized_replay_next(e->replay, &item);
}

static segj_status_t replay_close_again(ended_t *e)
{
    oversized_replay_close(e->replay);
    oversized_replay_close(e->replay);
    return SEGJ_ERR_INVALID;
}

static segj_status_t reader_read_again(ended_t *e)
{
    char byte;
    size_t done;
    oversized_reader_close(e->reader);
    return oversized_reader_read(e->reader, &byte, 1, &done);
}

static segj_status_t reader_close_again(ended_t *e)
{
    oversized_reader_close(e->reader);
    oversized_reader_close(e->reader);
    return SEGJ_ERR_INVALID;
}

static segj_status_t writer_finish_again(ended_t *e)
{
    (void)!oversized_writer_finish(e->writer, NULL, NULL);
    return oversized_writer_finish(e->writer, NULL, NULL);
}

static segj_status_t writer_write_after(ended_t *e)
{
    oversized_writer_abandon(e->writer);
    return oversized_writer_write(e->writer, "v", 1);
}

static segj_status_t writer_abandon_again(ended_t *e)
{
    oversized_writer_abandon(e->writer);
    oversized_writer_abandon(e->writer);
    return SEGJ_ERR_INVALID;
}

static const mistake_t mistakes[] = {
    {"close, close", close_again, AFTER_CLOSE},
    {"abandon, close", close_again, AFTER_ABANDON},
    {"destroy, close", close_again, AFTER_DESTROY},
    {"close, abandon", abandon_again, AFTER_CLOSE},
    {"abandon, abandon", abandon_again, AFTER_ABANDON},
    {"close, destroy", destroy_again, AFTER_CLOSE},
    {"destroy, destroy", destroy_again, AFTER_DESTROY},
    {"close, append", append_after, AFTER_CLOSE},
    {"abandon, append", append_after, AFTER_ABANDON},
    {"destroy, append", append_after, AFTER_DESTROY},
    {"close, sync", sync_after, AFTER_CLOSE},
    {"close, sync_wait", sync_wait_after, AFTER_CLOSE},
    {"close, read", read_after, AFTER_CLOSE},
    {"close, view", view_after, AFTER_CLOSE},
    {"close, count", count_after, AFTER_CLOSE},
    {"close, prune", prune_after, AFTER_CLOSE},
    {"close, rewind", rewind_after, AFTER_CLOSE},
    {"close, replay_open", replay_open_after, AFTER_CLOSE},
    {"close, reader_open", reader_open_after, AFTER_CLOSE},
    {"close, writer_open", writer_open_after, AFTER_CLOSE},
    {"close, caller_open", caller_open_after, AFTER_CLOSE},
    {"close, questions", ask_after, AFTER_CLOSE},
    {"replay_close, replay_next", replay_again, AFTER_ITS_END},
    {"replay_close, replay_close", replay_close_again, AFTER_ITS_END},
    {"reader_close, reader_read", reader_read_again, AFTER_ITS_END},
    {"reader_close, reader_close", reader_close_again, AFTER_ITS_END},
    {"writer_finish, writer_finish", writer_finish_again, AFTER_ITS_END},
    {"writer_abandon, writer_write", writer_write_after, AFTER_ITS_END},
    {"writer_abandon, writer_abandon", writer_abandon_again, AFTER_ITS_END},
};

static ended_t begin(fixture_t *f)
{
    ended_t ended = {.journal = NULL};
    oversized_item_t item;
    open_journal(f);
    append_samples(f->journal, SECTION, COUNT, 0);
    ended.journal = f->journal;
    assert_ok(oversized_get(f->journal, SECTION, COUNT - 1, NULL, &ended.location));
    assert_ok(oversized_writer_open(f->journal, SECTION + 1, "12345678", 0, &ended.writer));
    assert_ok(oversized_reader_open(f->journal, SECTION, ended.location, false, &ended.reader));
    assert_ok(oversized_replay_open(f->journal, SECTION, 0, 4096, &ended.replay));
    assert_ok(oversized_replay_next(ended.replay, &item)); /* and has more that it need not ask for */
    assert_ok(oversized_sync_start(f->journal, SECTION, &ended.ticket));
    return ended;
}

static void end_handles(const ended_t *ended)
{
    oversized_writer_abandon(ended->writer);
    oversized_reader_close(ended->reader);
    oversized_replay_close(ended->replay);
}

/* In a process of its own. */
static _Noreturn void make(const fixture_t *f, const mistake_t *mistake, ended_t *ended)
{
    (void)f;
    struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)signal(SIGABRT, SIG_DFL);
    (void)signal(SIGSEGV, SIG_DFL);
    (void)alarm(SECONDS);
    if (mistake->when != AFTER_ITS_END)
        end_handles(ended);
    if (mistake->when == AFTER_CLOSE && oversized_close(ended->journal) != SEGJ_OK)
        _exit(2);
    if (mistake->when == AFTER_ABANDON)
        oversized_abandon(ended->journal);
    if (mistake->when == AFTER_DESTROY && oversized_destroy(ended->journal) != SEGJ_OK)
        _exit(3);
    if (STOPS)
        (void)!freopen("/dev/null", "w", stderr); /* what an assertion says is no news here */
    _exit(mistake->make(ended) == SEGJ_ERR_INVALID ? 0 : 4);
}

/* The process opens the journal itself: a child is refused for another reason. */
static void every_mistake_is_refused_and_none_waits(void **state)
{
    fixture_t *f = *state;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        int result = 0;
        (void)fflush(NULL);
        pid_t process = fork();
        assert_true(process >= 0);
        if (process == 0) {
            ended_t ended = begin(f);
            make(f, &mistakes[i], &ended);
        }
        assert_int_equal(waitpid(process, &result, 0), process);
        bool refused = WIFEXITED(result) && WEXITSTATUS(result) == 0;
        bool stopped =
            WIFSIGNALED(result) ? WTERMSIG(result) == SIGABRT : WEXITSTATUS(result) == 1 || WEXITSTATUS(result) > 4;
        if (STOPS ? !stopped && !(INSTRUMENTED && refused) : !refused)
            fail_msg("%s: the process ended with %x", mistakes[i].name, (unsigned)result);
        remove_tree(f->directory.text);
    }
}

/* --- what is defined --- */

static void handles_of_a_journal_that_has_ended_say_so(void **state)
{
    fixture_t *f = *state;
    for (int i = 0; i < 3; i++) {
        ended_t ended = begin(f);
        oversized_item_t item;
        const void *value;
        size_t size;
        char byte;
        if (i == 0)
            assert_ok(oversized_close(f->journal));
        else if (i == 1)
            oversized_abandon(f->journal);
        else
            assert_status(oversized_destroy(f->journal), SEGJ_ERR_BUSY); /* the writer has a section */
        if (i == 2) {
            oversized_writer_abandon(ended.writer);
            assert_ok(oversized_destroy(f->journal));
        }
        f->journal = NULL;
        assert_status(oversized_replay_next(ended.replay, &item), SEGJ_ERR_INVALID);
        assert_non_null(strstr(segj_last_error(), "the journal was closed"));
        assert_status(oversized_replay_value(ended.replay, &value, &size), SEGJ_ERR_INVALID);
        assert_status(oversized_reader_read(ended.reader, &byte, 1, &size), SEGJ_ERR_INVALID);
        if (i != 2) {
            assert_status(oversized_writer_write(ended.writer, "v", 1), SEGJ_ERR_INVALID);
            assert_status(oversized_writer_finish(ended.writer, NULL, NULL), SEGJ_ERR_INVALID);
        }
        oversized_reader_close(ended.reader);
        oversized_replay_close(ended.replay);
        remove_tree(f->directory.text);
    }
}

/* A journal that is opened where the old one was is nothing that its callers lead to. */
static void callers_of_a_journal_that_has_ended_say_so(void **state)
{
    fixture_t *f = *state;
    oversized_t *caller = NULL;
    oversized_t *other = NULL;
    uint64_t count;
    open_journal(f);
    append_samples(f->journal, SECTION, COUNT, 0);
    assert_ok(oversized_caller_open(f->journal, &caller));
    assert_ok(oversized_caller_open(caller, &other));
    assert_ok(oversized_count(caller, SECTION, &count));
    close_and_open(f);
    assert_status(oversized_count(caller, SECTION, &count), SEGJ_ERR_INVALID);
    assert_non_null(strstr(oversized_caller_error(caller)->text, "the journal was closed"));
    assert_int_equal(oversized_caller_error(other)->status, SEGJ_OK);
    assert_status(oversized_close(caller), SEGJ_ERR_INVALID);
    assert_status(oversized_destroy(other), SEGJ_ERR_INVALID);
    oversized_abandon(caller);
    assert_int_equal(oversized_record_size(caller), 0);
    assert_null(oversized_recovery(caller));
    assert_null(oversized_error(caller));
    oversized_caller_close(caller);
    oversized_caller_close(other);
    check_section(f->journal, SECTION, COUNT, 0);
}

static void a_caller_can_end_the_journal(void **state)
{
    fixture_t *f = *state;
    oversized_t *caller = NULL;
    for (int i = 0; i < 3; i++) {
        open_journal(f);
        if (i == 0)
            append_samples(f->journal, SECTION, COUNT, 0);
        assert_ok(oversized_caller_open(f->journal, &caller));
        if (i == 0)
            assert_ok(oversized_close(caller));
        else if (i == 1)
            oversized_abandon(caller);
        else
            assert_ok(oversized_destroy(caller));
        f->journal = NULL;
        oversized_caller_close(caller);
    }
    open_journal(f);
    assert_no_sections(f->journal);
}

/* A destroy that is refused leaves the journal open. */
static void a_destroy_that_is_busy_ends_nothing(void **state)
{
    fixture_t *f = *state;
    oversized_view_t view = {NULL, 0, NULL, {NULL, 0, 0}};
    open_journal(f);
    append_samples(f->journal, SECTION, COUNT, 0);
    assert_ok(oversized_view(f->journal, SECTION, 0, NULL, &view));
    assert_status(oversized_destroy(f->journal), SEGJ_ERR_BUSY);
    append_samples(f->journal, SECTION, COUNT, 0);
    oversized_view_release(&view);
    assert_ok(oversized_destroy(f->journal));
    f->journal = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(every_mistake_is_refused_and_none_waits),    PROMISE(handles_of_a_journal_that_has_ended_say_so),
        PROMISE(callers_of_a_journal_that_has_ended_say_so), PROMISE(a_caller_can_end_the_journal),
        PROMISE(a_destroy_that_is_busy_ends_nothing),
    };
    return cmocka_run_group_tests_name("after_the_end", tests, NULL, NULL);
}
