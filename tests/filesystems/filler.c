/* filesystems/filler.c: see the header. */
#define _GNU_SOURCE /* MAP_ANONYMOUS */

#include "filesystems/filler.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SYNC_EVERY = 8, READ_AHEAD = 1 << 16 };

const char *const filler_kind_names[FILLER_KINDS] = {"native", "zeros ahead", "zstd", "commonware"};

/* --- bytes of a record --- */

static void make_value(uint32_t id, uint8_t *value, uint32_t size)
{
    uint64_t state = (id + UINT64_C(1)) * UINT64_C(0x9E3779B97F4A7C15);
    uint8_t word[8];
    for (uint32_t at = 0; at < size; at += 8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        put_u64(word, state);
        memcpy(value + at, word, size - at < 8 ? size - at : 8);
    }
}

static void make_entry(uint32_t id, uint32_t size, uint8_t entry[FILLER_ENTRY])
{
    put_u32(entry, id);
    put_u32(entry + 4, size);
}

static void expect_record(const filled_t *filled, uint32_t position, const void *entry, const void *value, size_t size)
{
    static uint8_t expected[FILLER_LARGE];
    uint8_t expected_entry[FILLER_ENTRY];
    make_entry(filled->ids[position], filled->sizes[position], expected_entry);
    make_value(filled->ids[position], expected, filled->sizes[position]);
    if (memcmp(entry, expected_entry, FILLER_ENTRY) != 0)
        fail_msg("the entry at position %u is another record's", (unsigned)position);
    if (size != filled->sizes[position] || (size > 0 && memcmp(value, expected, size) != 0))
        fail_msg("the value at position %u (%zu bytes) is not the %u bytes that were appended", (unsigned)position,
                 size, (unsigned)filled->sizes[position]);
}

/* --- opening --- */

void filler_begin(filler_t *filler, const char *directory, filler_kind_t kind, uint64_t share)
{
    *filler = (filler_t){.kind = kind, .share = share};
    filler->directory = join_path(directory, "journal");
    filler->noted = mmap(NULL, sizeof *filler->noted, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(filler->noted != MAP_FAILED);
}

void filler_end(filler_t *filler)
{
    oversized_abandon(filler->journal);
    (void)munmap(filler->noted, sizeof *filler->noted);
    *filler = (filler_t){.journal = NULL};
}

void filler_config(const filler_t *filler, oversized_config_t *config, unsigned how)
{
    oversized_config_init(config);
    config->native_version = filler->kind == FILLER_COMMONWARE ? 0 : 1;
    config->directory = filler->directory.text;
    config->entry_size = FILLER_ENTRY;
    config->value_write_buffer = 4096; /* larger values go to the file at once, and tell at once of a lack of room */
    config->strict = (how & FILLER_STRICT) != 0;
    config->read_only = (how & FILLER_READ_ONLY) != 0;
    config->map_values = (how & FILLER_MAPPED) != 0;
    if (filler->kind == FILLER_COMMONWARE)
        config->format = SEGJ_FORMAT_COMMONWARE;
    if (filler->kind == FILLER_AHEAD)
        config->preallocate = 1 << 18;
    if (filler->kind == FILLER_ZSTD)
        config->compression = 1;
}

/* What is there is what counts from now on; that it is enough filler_judge has seen. */
static void note_what_is_there(filler_t *filler)
{
    for (unsigned i = 0; i < FILLER_SECTIONS; i++) {
        uint64_t count = 0;
        filled_t *filled = &filler->noted->sections[i];
        if (filled->gone)
            continue;
        assert_ok(oversized_count(filler->journal, i, &count));
        filled->count = filled->synced = (uint32_t)count;
    }
}

void filler_open(filler_t *filler, unsigned how)
{
    oversized_config_t config;
    filler_config(filler, &config, how);
    assert_ok(oversized_open(&config, &filler->journal));
    (void)filler_judge(filler, false);
    note_what_is_there(filler);
}

void filler_close(filler_t *filler)
{
    oversized_t *journal = filler->journal;
    filler->journal = NULL;
    assert_ok(oversized_close(journal));
    for (unsigned i = 0; i < FILLER_SECTIONS; i++)
        filler->noted->sections[i].synced = filler->noted->sections[i].count;
}

/* --- operations --- */

static void count_operation(filler_t *filler)
{
    if (filler->operations > 0 && --filler->operations == 0)
        (void)raise(SIGKILL);
}

/* The call has found no room, or it has done what it is for. */
static bool found_room(filler_t *filler, segj_status_t status, const char *call)
{
    if (status == SEGJ_ERR_NO_SPACE) {
        filler->noted->refusals++;
        if (oversized_error(filler->journal) != NULL)
            fail_msg("%s found no room, and poisoned the journal: %s", call, oversized_error(filler->journal));
        return false;
    }
    if (status != SEGJ_OK)
        fail_msg("%s answers %s: %s", call, segj_status_name(status), segj_last_error());
    return true;
}

bool filler_append(filler_t *filler, unsigned section, uint32_t size)
{
    static uint8_t value[FILLER_LARGE];
    uint8_t entry[FILLER_ENTRY];
    filled_t *filled = &filler->noted->sections[section];
    assert_true(filled->count < FILLER_RECORDS && size <= FILLER_LARGE);
    uint32_t id = filler->noted->ids++;
    make_value(id, value, size);
    make_entry(id, size, entry);
    filled->ids[filled->count] = id;
    filled->sizes[filled->count] = size;
    filled->count++; /* before the call: a kill within it may leave the record */
    count_operation(filler);
    uint64_t position = 0;
    segj_status_t status = oversized_append(filler->journal, section, entry, value, size, &position, NULL);
    if (!found_room(filler, status, "append")) {
        filled->count--;
        return false;
    }
    assert_int_equal(position, filled->count - 1);
    return true;
}

bool filler_sync(filler_t *filler, unsigned section)
{
    filled_t *filled = &filler->noted->sections[section];
    count_operation(filler);
    if (!found_room(filler, oversized_sync(filler->journal, section), "sync"))
        return false;
    filled->synced = filled->count;
    return true;
}

/* A rewind that finds no room behind its first step poisons. What is there an open finds out, without room itself. */
static void reopen_poisoned(filler_t *filler)
{
    if (oversized_error(filler->journal) == NULL)
        return;
    assert_status(oversized_close(filler->journal), SEGJ_ERR_POISONED);
    filler_open(filler, 0);
}

bool filler_rewind(filler_t *filler, unsigned section, uint32_t records)
{
    filled_t *filled = &filler->noted->sections[section];
    size_t size = records * oversized_record_size(filler->journal);
    if (filled->synced > records)
        filled->synced = records; /* before the call: a kill within it may have cut them */
    count_operation(filler);
    segj_status_t status = oversized_rewind(filler->journal, section, size);
    if (filler->copies_on_write && status == SEGJ_ERR_NO_SPACE) {
        filler->noted->refusals++;
        filler->noted->unrewound++;
        reopen_poisoned(filler);
        return false;
    }
    if (status != SEGJ_OK)
        fail_msg("rewind of %u records to %u answers %s: %s", (unsigned)filled->count, (unsigned)records,
                 segj_status_name(status), segj_last_error());
    filled->count = filled->synced = records;
    return true;
}

void filler_prune(filler_t *filler, unsigned section)
{
    bool pruned = false;
    for (unsigned i = 0; i < section; i++)
        filler->noted->sections[i].gone = true;
    count_operation(filler);
    assert_ok(oversized_prune(filler->journal, section, &pruned));
    assert_true(pruned);
}

unsigned filler_newest(const filler_t *filler)
{
    unsigned newest = 0;
    for (unsigned i = 0; i < FILLER_SECTIONS; i++)
        if (filler->noted->sections[i].count > 0)
            newest = i;
    return newest;
}

/* --- filling --- */

static uint64_t bytes_of(const filled_t *filled)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < filled->count; i++)
        bytes += filled->sizes[i];
    return bytes;
}

/* The next section where this one has its share and is synced. */
static unsigned next_section(filler_t *filler, unsigned section)
{
    const filled_t *filled = &filler->noted->sections[section];
    bool full = filled->synced == filled->count && bytes_of(filled) >= filler->share;
    return full && section + 1 < FILLER_SECTIONS ? section + 1 : section;
}

void filler_fill(filler_t *filler, bool to_the_last_byte)
{
    unsigned section = filler_newest(filler);
    for (uint32_t size = FILLER_LARGE; size > 0;) {
        filled_t *filled = &filler->noted->sections[section];
        bool room = filler_append(filler, section, size);
        if (room && (size < FILLER_LARGE || filled->count % SYNC_EVERY == 0)) {
            room = filler_sync(filler, section);
            if (!room && (!to_the_last_byte || !filler_rewind(filler, section, filled->synced)))
                return; /* it stays in memory */
        }
        if (!room)
            size /= 2;
        else if (size == FILLER_LARGE)
            section = next_section(filler, section);
    }
}

void take_the_rest(const char *path)
{
    static const uint8_t bytes[1 << 16];
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(file >= 0 || errno == ENOSPC || errno == EDQUOT);
    for (size_t size = file < 0 ? 0 : sizeof bytes; size > 0;) {
        ssize_t written = write(file, bytes, size);
        bool synced = written > 0 && fsync(file) == 0;
        if (!synced && errno != ENOSPC && errno != EDQUOT)
            fail_msg("%s: %s", path, strerror(errno));
        if (!synced)
            size /= 2;
    }
    if (file >= 0)
        (void)close(file);
}

/* --- judging --- */

static void judge_reads(filler_t *filler, unsigned section, uint32_t count)
{
    uint8_t entry[FILLER_ENTRY];
    segj_buffer_t value = {0};
    const filled_t *filled = &filler->noted->sections[section];
    for (uint32_t i = 0; i < count; i++) {
        assert_ok(oversized_read(filler->journal, section, i, entry, &value));
        expect_record(filled, i, entry, value.data, value.size);
    }
    segj_buffer_free(&value);
}

static void judge_replay(filler_t *filler, uint64_t expected)
{
    oversized_replay_t *replay;
    oversized_item_t item;
    uint64_t seen = 0, oldest = 0;
    if (oversized_oldest_section(filler->journal, &oldest) == SEGJ_END)
        return;
    assert_ok(oversized_replay_open(filler->journal, oldest, 0, READ_AHEAD, &replay));
    while (oversized_replay_next(replay, &item) == SEGJ_OK) {
        const void *value;
        size_t size;
        const filled_t *filled = &filler->noted->sections[item.section];
        seen++;
        assert_ok(oversized_replay_value(replay, &value, &size));
        expect_record(filled, (uint32_t)item.position, item.entry, value, size);
    }
    oversized_replay_close(replay);
    assert_int_equal(seen, expected);
}

uint64_t filler_judge(filler_t *filler, bool exact)
{
    uint64_t all = 0;
    for (unsigned i = 0; i < FILLER_SECTIONS; i++) {
        uint64_t count = 0;
        const filled_t *filled = &filler->noted->sections[i];
        segj_status_t status = oversized_count(filler->journal, i, &count);
        if (filled->gone && (status == SEGJ_ERR_PRUNED || status == SEGJ_ERR_NO_SECTION || count == 0))
            continue;
        if (count < (exact ? filled->count : filled->synced) || count > filled->count)
            fail_msg("section %u has %llu records; %u were appended, %u of them synced", i, (unsigned long long)count,
                     (unsigned)filled->count, (unsigned)filled->synced);
        judge_reads(filler, i, (uint32_t)count);
        all += count;
    }
    judge_replay(filler, all);
    return all;
}
