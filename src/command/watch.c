/*
 * command/watch.c: `segj watch`: what is happening to a journal, a line a second, or some lines that are drawn again
 * where there is a terminal. It follows the files, so that the journal may have a writer. What is appended is counted
 * as it is followed; sections and what is unsynced are looked up when something has changed.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "command/command.h"
#include "command/following.h"
#include "command/json.h"
#include "command/progress.h"

#define SECOND INT64_C(1000000000)
#define MILLISECOND INT64_C(1000000)
/* Looking at the files takes a tenth of the time at most. */
#define LOOK_PART 10
#define LINES_MOST 8
#define LINE_ROOM 512

/* What has been followed. */
typedef struct watch_count {
    uint64_t records, bytes, stored;
} watch_count_t;

/* What has gone. */
typedef struct watch_gone {
    uint64_t times;
    uint64_t section, position; /* of the newest time */
} watch_gone_t;

typedef struct watch {
    const options_t *options;
    oversized_follower_t *follower;
    oversized_config_t config;
    int64_t begin, shown; /* times of the monotonic clock: of the beginning, and of the line before */
    struct tm since;
    watch_count_t count, before; /* now, and at the line before */
    uint64_t damaged;
    watch_gone_t rewound, removed;
    /* As of the newest look. */
    uint64_t records, unsynced, sections, newest;
    bool changed;     /* since then */
    int64_t look_due; /* no look before that */
    bool terminal;
    unsigned drawn; /* lines that stand on the terminal */
    uint64_t lines; /* that were shown */
} watch_t;

/* What is shown of a line's time. */
typedef struct watch_line {
    uint64_t seconds;
    watch_count_t now, average; /* a second */
} watch_line_t;

static int64_t now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * SECOND + (int64_t)time.tv_nsec;
}

/* --- looking --- */

static void take_look(watch_t *watch, const oversized_inspection_t *found)
{
    watch->records = 0;
    watch->unsynced = 0;
    watch->newest = 0;
    watch->sections = found != NULL ? found->section_count : 0;
    for (size_t i = 0; found != NULL && i < found->section_count; i++) {
        const oversized_look_t *look = &found->sections[i];
        watch->records += look->records;
        watch->unsynced += look->records > look->synced_records ? look->records - look->synced_records : 0;
        watch->newest = look->section;
    }
}

static bool look_ends(void *context, const oversized_progress_t *progress)
{
    (void)context;
    (void)progress;
    return following_ended();
}

static answer_t look(watch_t *watch)
{
    oversized_inspection_t *found = NULL;
    int64_t begin = now();
    if (!watch->changed || begin < watch->look_due || following_ended())
        return ANSWER_FINE;
    watch->changed = false;
    segj_status_t status = oversized_inspect(&watch->config, &found);
    if (status == SEGJ_OK || status == SEGJ_ERR_NOT_FOUND)
        take_look(watch, found); /* a journal that was destroyed has nothing */
    else if (status != SEGJ_ERR_CANCELLED)
        return complain_of(watch->options, status);
    oversized_inspection_free(found);
    int64_t end = now();
    watch->look_due = end + (end - begin) * LOOK_PART;
    return ANSWER_FINE;
}

/* --- showing --- */

static uint64_t rate(uint64_t count, int64_t time)
{
    return time > 0 ? (uint64_t)((double)count * (double)SECOND / (double)time + 0.5) : 0;
}

static watch_count_t rates(const watch_count_t *from, const watch_count_t *to, int64_t time)
{
    return (watch_count_t){.records = rate(to->records - from->records, time),
                           .bytes = rate(to->bytes - from->bytes, time),
                           .stored = rate(to->stored - from->stored, time)};
}

static void show_gone(json_t *object, const char *name, const watch_gone_t *gone, bool place)
{
    json_t *inner = json_inner(object, name);
    json_number(inner, "times", gone->times);
    if (gone->times == 0)
        return;
    json_number(inner, "section", gone->section);
    if (place)
        json_number(inner, "position", gone->position);
}

static bool show_json(const watch_t *watch, const watch_line_t *line, bool final)
{
    char since[64];
    json_t *object = json_new();
    (void)strftime(since, sizeof since, "%Y-%m-%dT%H:%M:%SZ", &watch->since);
    json_text(object, "kind", final ? "end" : "second");
    json_text(object, "since", since);
    json_number(object, "seconds", line->seconds);
    json_number(object, "records_per_second", line->now.records);
    json_number(object, "bytes_per_second", line->now.bytes);
    json_number(object, "stored_bytes_per_second", line->now.stored);
    json_number(object, "average_records_per_second", line->average.records);
    json_number(object, "average_bytes_per_second", line->average.bytes);
    json_number(object, "average_stored_bytes_per_second", line->average.stored);
    json_number(object, "records", watch->count.records);
    json_number(object, "bytes", watch->count.bytes);
    json_number(object, "stored_bytes", watch->count.stored);
    json_number(object, "damaged", watch->damaged);
    show_gone(object, "rewound", &watch->rewound, true);
    show_gone(object, "removed", &watch->removed, false);
    json_number(object, "journal_records", watch->records);
    json_number(object, "unsynced", watch->unsynced);
    json_number(object, "sections", watch->sections);
    if (watch->sections > 0)
        json_number(object, "newest_section", watch->newest);
    else
        json_text(object, "newest_section", NULL);
    return json_print(object);
}

/* Lines of text. */
typedef struct watch_text {
    char lines[LINES_MOST][LINE_ROOM];
    unsigned count;
} watch_text_t;

static void add(watch_text_t *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(watch_text_t *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text->lines[text->count++], LINE_ROOM, format, arguments);
    va_end(arguments);
}

static void add_count(watch_text_t *text, const char *name, const watch_count_t *count, const char *unit)
{
    char bytes[32];
    char stored[32];
    bytes_text(count->bytes, bytes, sizeof bytes);
    bytes_text(count->stored, stored, sizeof stored);
    add(text, "%-8s %12" PRIu64 " records%s %10s%s, stored %s%s", name, count->records, unit, bytes, unit, stored,
        unit);
}

static void add_gone(watch_text_t *text, const watch_t *watch)
{
    if (watch->rewound.times > 0)
        add(text, "taken back: %" PRIu64 " times, the newest from %" PRIu64 ":%" PRIu64 " on", watch->rewound.times,
            watch->rewound.section, watch->rewound.position);
    if (watch->removed.times > 0)
        add(text, "removed: %" PRIu64 " sections, the newest was %" PRIu64, watch->removed.times,
            watch->removed.section);
    if (watch->damaged > 0)
        add(text, "damaged: %" PRIu64 " values", watch->damaged);
}

static void add_all(watch_text_t *text, const watch_t *watch, const watch_line_t *line)
{
    char since[64];
    char *name = shown_text(watch->options->directory, strlen(watch->options->directory), SHOW_TEXT);
    (void)strftime(since, sizeof since, "%Y-%m-%d %H:%M:%S", &watch->since);
    add(text, "since %s (%" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ") %s", since, line->seconds / 3600,
        line->seconds / 60 % 60, line->seconds % 60, name != NULL ? name : "");
    free(name);
    add_count(text, "now", &line->now, "/s");
    add_count(text, "average", &line->average, "/s");
    add_count(text, "seen", &watch->count, "");
    if (watch->sections > 0)
        add(text, "journal  %12" PRIu64 " records, unsynced %" PRIu64 ", sections %" PRIu64 ", newest %" PRIu64,
            watch->records, watch->unsynced, watch->sections, watch->newest);
    else
        add(text, "journal  no sections");
    add_gone(text, watch);
}

/* Over the lines that stand there. None is as wide as the terminal, and they are not as many as its rows. */
static void draw(watch_t *watch, const watch_line_t *line)
{
    watch_text_t text = {.count = 0};
    struct winsize size;
    size_t columns = terminal_columns(STDOUT_FILENO);
    add_all(&text, watch, line);
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 1 && text.count >= size.ws_row)
        text.count = size.ws_row - 1U;
    if (watch->drawn > 0)
        print("\033[%uA", watch->drawn);
    for (unsigned i = 0; i < text.count; i++)
        print("\r%.*s\033[K\n", (int)columns, text.lines[i]);
    print("\033[J");
    watch->drawn = text.count;
}

static void print_line(const watch_t *watch, const watch_line_t *line)
{
    char bytes[3][32];
    bytes_text(line->now.bytes, bytes[0], sizeof bytes[0]);
    bytes_text(line->average.bytes, bytes[1], sizeof bytes[1]);
    bytes_text(watch->count.bytes, bytes[2], sizeof bytes[2]);
    print("%" PRIu64 " s: %" PRIu64 " records/s, %s/s; average %" PRIu64 " records/s, %s/s; seen %" PRIu64
          " records, %s; unsynced %" PRIu64 "; sections %" PRIu64,
          line->seconds, line->now.records, bytes[0], line->average.records, bytes[1], watch->count.records, bytes[2],
          watch->unsynced, watch->sections);
    if (watch->sections > 0)
        print(", newest %" PRIu64, watch->newest);
    print("; taken back %" PRIu64 ", removed %" PRIu64 ", damaged %" PRIu64 "\n", watch->rewound.times,
          watch->removed.times, watch->damaged);
}

/* What goes wrong is said. */
static answer_t show(watch_t *watch, bool final)
{
    int64_t time = now();
    const watch_count_t none = {0};
    const watch_line_t line = {.seconds = (uint64_t)((time - watch->begin) / SECOND),
                               .now = rates(&watch->before, &watch->count, time - watch->shown),
                               .average = rates(&none, &watch->count, time - watch->begin)};
    watch->shown = time;
    watch->before = watch->count;
    watch->lines++;
    if (watch->options->json && !show_json(watch, &line, final))
        return complain(ANSWER_FAILED, "out of memory");
    if (watch->terminal)
        draw(watch, &line);
    else if (!watch->options->json)
        print_line(watch, &line);
    return ANSWER_FINE;
}

/* --- following --- */

static void note_gone(watch_gone_t *gone, const oversized_followed_t *followed)
{
    gone->times++;
    gone->section = followed->section;
    gone->position = followed->position;
}

static void note(watch_t *watch, const oversized_followed_t *followed)
{
    watch->changed = true;
    if (followed->kind == OVERSIZED_FOLLOW_REWOUND) {
        note_gone(&watch->rewound, followed);
    } else if (followed->kind == OVERSIZED_FOLLOW_REMOVED) {
        note_gone(&watch->removed, followed);
    } else {
        watch->count.records++;
        watch->count.bytes += followed->value_size;
        watch->count.stored += followed->location.size;
    }
}

/* Until something comes, or the time has. */
static answer_t watch_wait(watch_t *watch, int64_t until)
{
    int64_t left = until - now();
    if (left <= 0)
        return ANSWER_FINE;
    segj_status_t status = oversized_follow_wait(watch->follower, (uint32_t)((left + MILLISECOND - 1) / MILLISECOND));
    watch->changed = watch->changed || status == SEGJ_OK;
    return status == SEGJ_OK || status == SEGJ_END || status == SEGJ_ERR_CANCELLED
               ? ANSWER_FINE
               : complain_of(watch->options, status);
}

/* One step of following. A value that cannot be read is told of and counted. */
static answer_t watch_step(watch_t *watch, int64_t until)
{
    oversized_followed_t followed;
    segj_status_t status = oversized_follow_next(watch->follower, &followed);
    if (status == SEGJ_END)
        return watch_wait(watch, until);
    if (status == SEGJ_OK) {
        note(watch, &followed);
        return ANSWER_FINE;
    }
    watch->drawn = 0;
    answer_t answer = complain_of(watch->options, status);
    if (!following_goes_on(status))
        return answer;
    watch->changed = true;
    watch->damaged++;
    watch->count.records++;
    return ANSWER_FINE;
}

/* A second that was too short for what came is left out. */
static answer_t watch_second(watch_t *watch, int64_t *until)
{
    answer_t answer = ANSWER_FINE;
    while (answer == ANSWER_FINE && !following_ended() && now() < *until)
        answer = watch_step(watch, *until);
    while (*until <= now())
        *until += SECOND;
    return answer;
}

/* Whether it ended well, or continues. */
static answer_t watch_all(watch_t *watch)
{
    int64_t until = watch->begin;
    answer_t answer = ANSWER_FINE;
    bool unread = false;
    while (answer == ANSWER_FINE && watch->lines < watch->options->most) {
        answer = watch_second(watch, &until);
        unread = following_is_unread();
        if (answer != ANSWER_FINE || following_ended() || unread)
            break;
        answer = look(watch);
        if (answer == ANSWER_FINE)
            answer = show(watch, false);
        if (fflush(stdout) != 0)
            return answer; /* the end says so */
    }
    if (answer == ANSWER_FINE && !unread && (watch->options->json || following_ended()))
        answer = show(watch, true);
    return answer == ANSWER_FINE && watch->damaged > 0 ? ANSWER_DAMAGED : answer;
}

static answer_t watch_open(watch_t *watch)
{
    oversized_inspection_t *found = NULL;
    oversized_follow_options_t begin;
    answer_t answer = inspect(watch->options, &found);
    if (answer != ANSWER_FINE)
        return answer;
    oversized_follow_options_init(&begin);
    begin.from = OVERSIZED_FOLLOW_END;
    watch->config = found->config;
    segj_status_t status = oversized_follow_open(&watch->config, &begin, &watch->follower);
    if (status != SEGJ_OK) {
        answer = complain_of(watch->options, status);
        if (found->config.format == SEGJ_FORMAT_COMMONWARE)
            (void)complain(answer, "`segj stat %s` shows what its files hold", watch->options->directory);
    }
    oversized_inspection_free(found);
    return answer;
}

answer_t command_watch(const options_t *options)
{
    watch_t watch = {.options = options, .changed = true, .terminal = !options->json && isatty(STDOUT_FILENO) == 1};
    time_t since = time(NULL);
    answer_t answer = watch_open(&watch);
    if (answer != ANSWER_FINE)
        return answer;
    /* The strings of the inspection are gone. */
    oversized_config_init(&watch.config);
    watch.config.directory = options->directory;
    watch.config.index_partition = options->index;
    watch.config.value_partition = options->values;
    watch.config.storage = options->storage;
    watch.config.progress = look_ends;
    following_begin(watch.follower);
    (void)(options->json ? gmtime_r(&since, &watch.since) : localtime_r(&since, &watch.since));
    watch.begin = now();
    watch.shown = watch.begin;
    answer = watch_all(&watch);
    following_end(watch.follower);
    return answer;
}
