/*
 * archive: a directory tree in a journal, through the death of the process that writes it.
 *
 *     archive [OPTIONS] [SOURCE [WORK]]
 *
 * A child process stores the tree SOURCE in WORK/journal and is killed half way, with SIGKILL. The parent opens the
 * journal, says what recovery found, learns from the records where the journal ends, archives the rest, closes, opens
 * again read-only, restores everything to WORK/restored and compares it with SOURCE byte for byte.
 *
 * Each name below SOURCE is a record, in the order of the paths and parents before children, so the number of records
 * tells how far the journal got. A record's entry, integers big-endian:
 *
 *     0  8  FNV-1a of the path, 64 bits     16  8  time of modification, seconds since 1970, signed
 *     8  8  bytes of content                24  2  permission bits
 *                                           26  2  'f' file, 'l' symbolic link, 'd' directory, 'x' could not be read
 *
 * Its value: the length of the path (4 bytes, big-endian), the path relative to SOURCE, the content: a file's bytes or
 * a link's target. A section ends when its values reach a size, and is synced before the next one begins: whatever
 * happens, the journal is then a run of records without a gap across all sections, and not only within each.
 *
 * Sockets, fifos and devices are passed over. Names linked twice are stored twice. Owners, and the bits that make a
 * program run as its owner, are not stored: what is restored belongs to whoever restores it. Memory is taken for two
 * copies of the largest file, when the trees are compared, and for the list of names.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "archive_job.h"
#include "archive_source.h"
#include "segjournal/oversized.h"

/* --- archiving --- */

/** Appends a record. A full section is synced before the next one begins; within a section each so many bytes. */
static void append(job_t *job, const entry_t *entry, const value_t *value, uint64_t *section, uint64_t *unsynced)
{
    unsigned char bytes[ENTRY_SIZE];
    entry_encode(entry, bytes);
    ok(oversized_append(job->journal, *section, bytes, value->data, value->size, NULL, NULL), "append");
    job->progress.names++;
    job->progress.stored += entry->size;
    *unsynced += value->size;
    uint64_t stored;
    ok(oversized_value_size(job->journal, *section, &stored), "the section's size");
    bool full = stored >= (uint64_t)job->options[SECTION_MIB] << 20;
    uint64_t step = (uint64_t)job->options[SYNC_MIB] << 20,
             eighth = job->bytes / 8 + 1; /* a small tree is synced, too */
    if (full || *unsynced >= (step < eighth ? step : eighth)) {
        ok(oversized_sync(job->journal, *section), "sync");
        job->progress.synced = job->progress.names;
        *unsynced = 0;
    }
    *section += full;
}

/** Archives the tree behind what the journal holds. `report`: a pipe that is told the progress, or -1 to show it. */
static void archive(job_t *job, int report)
{
    uint64_t section, unsynced = 0;
    if (!ok(oversized_newest_section(job->journal, &section), "the newest section"))
        section = 0;
    value_t value = {0};
    for (;;) {
        if (report < 0)
            phase_show(job);
        else if (write(report, &job->progress, sizeof(progress_t)) != (ssize_t)sizeof(progress_t))
            DIE("the progress report: %s", strerror(errno));
        if (job->progress.names == job->count)
            break;
        const item_t *item = &job->items[job->progress.names];
        entry_t entry;
        load(&value, job->source, item, &entry);
        append(job, &entry, &value, &section, &unsynced);
        job->progress.bytes += item->entry.size;
    }
    free(value.data);
}

/* --- phase 1: a child archives, and is killed --- */

/** The child. It never closes the journal: should it be done before the kill, it waits for it. */
static void child_main(job_t *job, int report)
{
    stop_signals_do(SIG_DFL);
    journal_open(job, false);
    archive(job, report);
    struct pollfd parent = {.fd = report};
    while (poll(&parent, 1, -1) < 1 || (parent.revents & POLLERR) == 0)
        continue; /* an error of the pipe says that the parent is gone */
    exit(EXIT_FAILURE);
}

/** Shows the child's progress, and kills it when it has come far enough. */
static void crash_phase(job_t *job)
{
    int ends[2];
    phase_start(job, "archive", (progress_t){0});
    fflush(NULL); /* what is buffered would be written by both */
    pid_t child = pipe(ends) != 0 ? -1 : fork();
    if (child < 0)
        DIE("a process and a pipe: %s", strerror(errno));
    if (child == 0) {
        close(ends[0]);
        child_main(job, ends[1]);
    }
    close(ends[1]);
    progress_t report;
    bool killed = false;
    while (stop_signal == 0 && read(ends[0], &report, sizeof(report)) == (ssize_t)sizeof(report)) {
        job->progress = report;
        if (stop_signal == 0)
            phase_show(job);
        if (!killed && phase_percent(job) >= job->options[KILL_PERCENT])
            killed = kill(child, SIGKILL) == 0;
    }
    close(ends[0]);
    if (stop_signal != 0)
        (void)kill(child, SIGKILL);
    int status = 0;
    pid_t ended;
    while ((ended = waitpid(child, &status, 0)) < 0 && errno == EINTR)
        continue;
    if (stop_signal == 0 && WIFSIGNALED(status) && is_stop_signal(WTERMSIG(status)))
        stop_signal = WTERMSIG(status); /* Ctrl-C reaches both processes, the child sooner */
    stop_if_asked(job);
    if (ended != child || !killed)
        DIE("the archiving process ended by itself");
    job->archive_seconds = phase_end(job);
    job->archived = job->progress.stored;
    printf("archive   killed at %d %%: %" PRIu64 " records appended, %" PRIu64 " of them synced\n", phase_percent(job),
           job->progress.names, job->progress.synced);
}

/* --- phase 2: the journal is opened again, and goes on --- */

static void print_recovery(const oversized_recovery_t *recovery)
{
    const struct {
        uint64_t number;
        const char *words;
    } lines[] = {
        {recovery->sections, "sections are there"},
        {recovery->records, "records are in them"},
        {recovery->records_dropped, "records behind those, that no sync had covered, dropped"},
        {recovery->synced_records_lost, "synced records lost"},
        {recovery->sections_damaged, "sections lost some of those"},
        {recovery->index_bytes_truncated, "bytes cut from index files"},
        {recovery->value_bytes_truncated, "bytes cut from values files"},
        {recovery->orphan_sections_removed, "values files without an index removed"},
        {recovery->values_verified, "values read and their checksums verified"},
        {recovery->sections_repaired, "sections made durable again"},
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        printf("%14" PRIu64 "  %s\n", lines[i].number, lines[i].words);
}

/** The next record's entry has to be that of the next name. */
static item_t *match(const job_t *job, const oversized_item_t *record, uint64_t names)
{
    if (names == job->count || entry_decode(record->entry).hash != job->items[names].entry.hash)
        DIE("record %" PRIu64 "/%" PRIu64 " is not of the name expected", record->section, record->position);
    return &job->items[names];
}

/** Learns from the journal how far it got. The entries tell; no value is read. */
static progress_t find_end(const job_t *job)
{
    progress_t end = {0};
    oversized_replay_t *replay;
    oversized_item_t record;
    ok(oversized_replay_open(job->journal, 0, 0, CHUNK, &replay), "replay");
    while (ok(oversized_replay_next(replay, &record), "replay")) {
        end.bytes += match(job, &record, end.names)->entry.size;
        end.names++;
    }
    oversized_replay_close(replay);
    return end;
}

/** The kill takes records that no sync had covered, and no others. One more may be there than was reported. */
static void check_survivors(const progress_t *child, uint64_t records, const oversized_recovery_t *recovery)
{
    uint64_t died = records < child->names ? child->names - records : 0;
    printf("survived  %" PRIu64 " of %" PRIu64 " records; %" PRIu64 " had not left the process and died with it\n",
           records, child->names, died);
    if (records < child->synced || recovery->synced_records_lost != 0 || records != recovery->records ||
        records > child->names + 1)
        DIE("that cannot be: synced records are lost, or the numbers do not agree");
}

static void resume_phase(job_t *job)
{
    double started = now();
    journal_open(job, false);
    job->reopen_seconds = now() - started;
    printf("reopen    %.1f ms; recovery says:\n", job->reopen_seconds * 1e3);
    print_recovery(oversized_recovery(job->journal));
    progress_t end = find_end(job);
    check_survivors(&job->progress, end.names, oversized_recovery(job->journal));
    printf("resume    behind %s\n", end.names > 0 ? job->items[end.names - 1].path : "nothing");
    phase_start(job, "resume", end);
    archive(job, -1);
    ok(oversized_close(job->journal), "close");
    job->archive_seconds += phase_end(job);
    job->archived += job->progress.stored;
    printf("resume    %" PRIu64 " more records, and closed\n", job->progress.names - end.names);
}

/* --- phase 3: the tree is restored --- */

static bool restore_file(int root, const char *path, const void *content, size_t size)
{
    int descriptor = openat(root, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "wb");
    if (file == NULL)
        return false;
    bool written = fwrite(content, 1, size, file) == size;
    return fclose(file) == 0 && written;
}

static bool restore_link(int root, const char *path, const void *content, size_t size)
{
    char target[CHUNK];
    snprintf(target, sizeof(target), "%.*s", (int)size, (const char *)content);
    return symlinkat(target, root, path) == 0;
}

/** Only paths of the source's own list are written: a record of another journal cannot lead elsewhere. */
static void restore_item(const job_t *job, const item_t *item, const segj_buffer_t *value)
{
    const unsigned char *data = value->data;
    size_t length = strlen(item->path), header = LENGTH_SIZE + length, size = value->size - header;
    if (value->size < header || get(data, LENGTH_SIZE) != length || size != item->entry.size ||
        memcmp(data + LENGTH_SIZE, item->path, length) != 0)
        DIE("%s: its record holds another value", item->path);
    data += header;
    bool made = item->entry.type == 'd'   ? mkdirat(job->restored, item->path, 0700) == 0
                : item->entry.type == 'l' ? restore_link(job->restored, item->path, data, size)
                : item->entry.type == 'f' ? restore_file(job->restored, item->path, data, size)
                                          : true;
    if (!made)
        DIE("%s/restored/%s: %s", job->work_path, item->path, strerror(errno));
}

/** Modes and times come last, children first: a directory may not allow changes, and changes alter its time. */
static void restore_attributes(const job_t *job)
{
    for (size_t i = job->count; i-- > 0;) {
        const item_t *item = &job->items[i];
        struct timespec times[2] = {{.tv_sec = (time_t)item->entry.modified}, {.tv_sec = (time_t)item->entry.modified}};
        if (item->entry.type != 'x' &&
            ((item->entry.type != 'l' && fchmodat(job->restored, item->path, item->entry.mode, 0) != 0) ||
             utimensat(job->restored, item->path, times, AT_SYMLINK_NOFOLLOW) != 0))
            DIE("%s/restored/%s: %s", job->work_path, item->path, strerror(errno));
    }
}

static void restore_phase(job_t *job)
{
    phase_start(job, "restore", (progress_t){0});
    journal_open(job, true);
    oversized_replay_t *replay;
    oversized_item_t record;
    segj_buffer_t value = {0};
    ok(oversized_replay_open(job->journal, 0, 0, CHUNK, &replay), "replay");
    while (ok(oversized_replay_next(replay, &record), "replay")) {
        item_t *item = match(job, &record, job->progress.names);
        item->entry = entry_decode(record.entry);
        ok(oversized_get_value(job->journal, record.section, record.location, &value), item->path);
        restore_item(job, item, &value);
        job->stored += record.location.size + oversized_record_size(job->journal);
        job->progress.names++;
        job->progress.bytes += item->entry.size;
        phase_show(job);
    }
    if (job->progress.names != job->count)
        DIE("the journal holds %" PRIu64 " records of %zu", job->progress.names, job->count);
    restore_attributes(job);
    segj_buffer_free(&value);
    oversized_replay_close(replay);
    ok(oversized_close(job->journal), "close");
    job->restore_seconds = phase_end(job);
    job->bytes = job->progress.bytes; /* as archived; the files may have grown since they were listed */
    printf("restore   %" PRIu64 " records read back; restored to %s/restored\n", job->progress.names, job->work_path);
}

/* --- phase 4: it is compared with the source --- */

/** Gives NULL, or what differs. *changed: the source is no longer what was archived. */
static const char *compare_item(const job_t *job, const item_t *item, bool *changed)
{
    static value_t left, right; /* used again for every name */
    struct stat source, restored;
    *changed = true;
    if (fstatat(job->source, item->path, &source, AT_SYMLINK_NOFOLLOW) != 0)
        return "is not in the source";
    entry_t fresh = entry_describe(item->path, &source), copy;
    *changed = fresh.type != item->entry.type || fresh.mode != item->entry.mode || fresh.size != item->entry.size ||
               fresh.modified != item->entry.modified;
    if (fstatat(job->restored, item->path, &restored, AT_SYMLINK_NOFOLLOW) != 0)
        return "was not restored";
    copy = entry_describe(item->path, &restored);
    if (copy.type != fresh.type)
        return "differs in type";
    if (copy.type != 'l' && copy.mode != fresh.mode)
        return "differs in permissions";
    load(&left, job->source, item, &fresh);
    load(&right, job->restored, item, &copy);
    if (fresh.type == 'x' || copy.type == 'x')
        return "cannot be read";
    return left.size == right.size && memcmp(left.data, right.data, left.size) == 0 ? NULL : "differs in content";
}

/** Gives the number of differences. */
static size_t compare_phase(job_t *job)
{
    phase_start(job, "compare", (progress_t){0});
    size_t differences = 0;
    for (; job->progress.names < job->count; job->progress.names++) {
        const item_t *item = &job->items[job->progress.names];
        bool changed = false;
        const char *difference = item->entry.type == 'x' ? NULL : compare_item(job, item, &changed);
        if (difference != NULL)
            NOTICE("DIFFERENCE: %s %s%s", item->path, difference, changed ? " (changed since it was archived)" : "");
        differences += difference != NULL;
        job->skipped += item->entry.type == 'x';
        job->files += item->entry.type == 'f';
        job->progress.bytes += item->entry.size;
        phase_show(job);
    }
    phase_end(job);
    printf("compare   %zu names, %zu of them skipped, %zu differences\n", job->count, job->skipped, differences);
    return differences;
}

/* --- the program --- */

static void print_figures(const job_t *job)
{
    double bytes = MEGABYTES(job->bytes), stored = MEGABYTES(job->stored);
    printf("\nfiles     %zu, and %zu links and directories\n", job->files, job->count - job->skipped - job->files);
    printf("bytes     %.1f MB, stored in %.1f MB: %.2f to 1\n", bytes, stored, stored > 0 ? bytes / stored : 0);
    printf("archive   %.2f s, %.1f MB/s\n", job->archive_seconds, MEGABYTES(job->archived) / job->archive_seconds);
    printf("reopen    %.1f ms\nrestore   %.2f s, %.1f MB/s\n", job->reopen_seconds * 1e3, job->restore_seconds,
           bytes / job->restore_seconds);
}

static const struct {
    const char *name;
    long low, high, preset;
    const char *meaning;
} texts[OPTIONS] = {{"--compress", 0, 22, 3, "zstd level, 0 for none"},
                    {"--section-mib", 1, 1048576, 16, "MiB of stored values that make a section"},
                    {"--sync-mib", 1, 1048576, 8, "MiB of values from sync to sync, an eighth of a small tree"},
                    {"--kill-percent", 0, 100, 50, "how far the child comes"}};

static void usage(FILE *stream, int code)
{
    fputs("usage: archive [OPTIONS] [SOURCE [WORK]]\n"
          "Archives the directory tree SOURCE (/usr/include, or another one where that is missing or small) in a "
          "journal in\n"
          "WORK (a fresh directory below $TMPDIR or /tmp, removed at the end), kills the archiving process half way, "
          "goes on, restores, compares. --keep keeps the fresh directory.\n"
          "Exit: 0 the restored tree is equal, 1 it is not or something failed, 2 wrong usage. Options:\n",
          stream);
    for (int i = 0; i < OPTIONS; i++)
        fprintf(stream, "  %-14s N  %s (%ld)\n", texts[i].name, texts[i].meaning, texts[i].preset);
    exit(code);
}

static long parse_number(const char *text, int option)
{
    char *end = NULL;
    long number = text == NULL ? 0 : strtol(text, &end, 10); /* what overflows is out of range, too */
    if (end == text || *end != '\0' || number < texts[option].low || number > texts[option].high) {
        NOTICE("%s takes %ld to %ld", texts[option].name, texts[option].low, texts[option].high);
        usage(stderr, 2);
    }
    return number;
}

static void parse_arguments(job_t *job, int argc, char **argv)
{
    const char *paths[2] = {NULL, NULL};
    size_t count = 0;
    for (int i = 0; i < OPTIONS; i++)
        job->options[i] = texts[i].preset;
    for (int at = 1; at < argc; at++) {
        int option = 0; /* OPTIONS: it is none of those that take a number */
        while (option < OPTIONS && strcmp(argv[at], texts[option].name) != 0)
            option++;
        if (strcmp(argv[at], "--help") == 0)
            usage(stdout, EXIT_SUCCESS);
        else if (strcmp(argv[at], "--keep") == 0)
            job->keep = true;
        else if (option < OPTIONS)
            job->options[option] = parse_number(argv[++at], option);
        else if (argv[at][0] == '-' || count == 2)
            usage(stderr, 2);
        else
            paths[count++] = argv[at];
    }
    const char *parent = getenv("TMPDIR");
    if (parent == NULL || parent[0] == '\0')
        parent = "/tmp";
    job->source_path = paths[0];
    job->work_given = paths[1] != NULL;
    int length = snprintf(job->work_path, sizeof(job->work_path), "%s%s", job->work_given ? paths[1] : parent,
                          job->work_given ? "" : "/segjournal-archive.XXXXXX");
    if (length < 0 || (size_t)length >= sizeof(job->work_path))
        DIE("the path of WORK is too long");
}

/** The journal and the restored tree begin from nothing, so that what is compared is of this run. */
static void open_directories(job_t *job)
{
    if (job->work_given ? mkdir(job->work_path, 0777) != 0 && errno != EEXIST : mkdtemp(job->work_path) == NULL)
        DIE("%s: %s", job->work_path, strerror(errno));
    kept = job->work_path;
    job->work = open_directory(AT_FDCWD, job->work_path);
    if (mkdirat(job->work, "journal", 0700) != 0 || mkdirat(job->work, "restored", 0700) != 0)
        DIE("%s: %s; WORK has to be an empty directory", job->work_path, strerror(errno));
    job->restored = open_directory(job->work, "restored");
}

/** Removes the fresh directory, its journal first. */
static void remove_work(job_t *job)
{
    journal_open(job, false);
    ok(oversized_destroy(job->journal), "destroy");
    remove_tree(AT_FDCWD, job->work_path);
    if (access(job->work_path, F_OK) == 0)
        DIE("%s could not be removed", job->work_path);
}

int main(int argc, char **argv)
{
    static job_t job; /* what it holds is given back by the end of the process */
    parse_arguments(&job, argc, argv);
    terminal_set_up();
    choose_source(&job);
    open_directories(&job);
    print_source(&job);
    crash_phase(&job);
    resume_phase(&job);
    restore_phase(&job);
    size_t differences = compare_phase(&job);
    print_figures(&job);
    if (!job.work_given && !job.keep && differences == 0)
        remove_work(&job);
    else
        printf("kept      %s\n", job.work_path);
    return differences == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
