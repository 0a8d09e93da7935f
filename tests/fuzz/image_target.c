/*
 * fuzz/image_target.c: the target over images (fuzz/image.h). Whatever the files hold:
 *   - open answers what the contract says of them (fuzz/verdict.h): a refusal, or a state; so does a read-only open;
 *   - a refused, a strict and a read-only open change no byte, a second open changes none either;
 *   - get, read and replay agree on every record, and give what the files hold or an error of the right kind;
 *   - appends go on at the right place, and are there when the journal is opened again, as is everything before them.
 */
#include "fuzz/image.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz/vessel.h"
#include "fuzz/verdict.h"
#include "support/commonware.h"

enum { MOST_VALUE = 1 << 20, NEW_SECTION = 5, SLOTS = IMAGE_SECTIONS + 1 };

typedef struct run {
    segj_storage_t *storage;
    oversized_config_t config;
    geometry_t geometry;
    uint8_t how;
    size_t count;
    section_files_t files[SLOTS]; /* as they are in the storage */
    verdict_t verdicts[SLOTS];
    bool refused;    /* open as a whole */
    bool may_refuse; /* */
    uint64_t lost;   /* synced records */
} run_t;

/* --- the files --- */

static void free_files(section_files_t *files)
{
    free_bytes(&files->index);
    free_bytes(&files->values);
}

static section_files_t take_files(const run_t *run, uint64_t number)
{
    section_files_t files = {.number = number};
    files.index = vessel_take(run->storage, run->config.index_partition, number);
    files.values = vessel_take(run->storage, run->config.value_partition, number);
    return files;
}

static void require_same(const bytes_t *now, const bytes_t *before, const char *when, const char *what)
{
    fuzz_require((now->data == NULL) == (before->data == NULL), "%s has made or removed %s", when, what);
    fuzz_require(now->size == before->size, "%s: %s has %zu bytes, it had %zu", when, what, now->size, before->size);
    for (size_t i = 0; i < now->size; i++)
        fuzz_require(now->data[i] == before->data[i], "%s has changed byte %zu of %s: %02x was %02x", when, i, what,
                     (unsigned)now->data[i], (unsigned)before->data[i]);
}

static void require_unchanged(const run_t *run, const char *when)
{
    size_t index = 0;
    size_t values = 0;
    for (size_t i = 0; i < run->count; i++) {
        section_files_t now = take_files(run, run->files[i].number);
        require_same(&now.index, &run->files[i].index, when, "an index file");
        require_same(&now.values, &run->files[i].values, when, "a values file");
        index += now.index.data != NULL;
        values += now.values.data != NULL;
        free_files(&now);
    }
    fuzz_require(vessel_count(run->storage, run->config.index_partition) == index, "%s has made an index file", when);
    fuzz_require(vessel_count(run->storage, run->config.value_partition) == values, "%s has made a values file", when);
}

/* Ascending, as a journal has them. */
static int by_number(const void *one, const void *other)
{
    uint64_t a = ((const section_files_t *)one)->number;
    uint64_t b = ((const section_files_t *)other)->number;
    return (a > b) - (a < b);
}

static void put_image(run_t *run, const image_t *image)
{
    vessel_put(run->storage, run->config.index_partition, 0, &(bytes_t){NULL, 0});
    vessel_put(run->storage, run->config.value_partition, 0, &(bytes_t){NULL, 0});
    for (size_t i = 0; i < image->count; i++) {
        const image_section_t *section = &image->sections[i];
        run->files[i] = (section_files_t){section->number, image_index(image, section), image_values(image, section)};
        vessel_put(run->storage, run->config.index_partition, section->number, &run->files[i].index);
        vessel_put(run->storage, run->config.value_partition, section->number, &run->files[i].values);
    }
    run->count = image->count;
    qsort(run->files, run->count, sizeof run->files[0], by_number);
}

/* --- what is to be expected --- */

static uint16_t find_page_size(const run_t *run)
{
    uint16_t size = run->config.page_size;
    for (size_t i = 0; i < run->count && size == 0; i++)
        size = judge_page_size(&run->files[i].index);
    return size != 0 ? size : 4084;
}

static void judge(run_t *run)
{
    size_t values = 0;
    size_t synced = 0;
    run->geometry.page_size = find_page_size(run);
    follow_release(&run->geometry, run->files, run->count);
    run->refused = run->may_refuse = false;
    run->lost = 0;
    for (size_t i = 0; i < run->count; i++) {
        const verdict_t *verdict = &run->verdicts[i];
        run->verdicts[i] = judge_section(&run->files[i], &run->geometry);
        run->refused = run->refused || verdict->refused;
        run->may_refuse = run->may_refuse || verdict->may_refuse;
        run->lost += verdict->watermark > verdict->kept ? verdict->watermark - verdict->kept : 0;
        values += run->files[i].values.data != NULL;
        synced += verdict->watermark > 0;
    }
    /* An empty values partition beside several synced sections is another one's, or an unmounted volume. */
    run->refused = run->refused || (values == 0 && synced >= 2);
}

/* --- what the journal shows --- */

static void check_value(const run_t *run, size_t at, oversized_t *journal, uint64_t position,
                        oversized_location_t location, segj_buffer_t *value)
{
    bytes_t expected;
    uint64_t number = run->files[at].number;
    segj_status_t wanted = read_raw_value(&run->files[at], &run->geometry, &run->verdicts[at], location, &expected);
    segj_status_t status = oversized_read(journal, number, position, NULL, value);
    fuzz_require(status == wanted, "read of record %llu: %s, expected %s: %s", (unsigned long long)position,
                 segj_status_name(status), segj_status_name(wanted), segj_last_error());
    fuzz_require(value->size == expected.size &&
                     (value->size == 0 || memcmp(value->data, expected.data, value->size) == 0),
                 "a wrong value of %zu bytes", value->size);
    status = oversized_get_value(journal, number, location, value);
    fuzz_require(status == wanted && value->size == expected.size, "get_value: %s, expected %s",
                 segj_status_name(status), segj_status_name(wanted));
    free_bytes(&expected);
}

static void check_record(const run_t *run, size_t at, oversized_t *journal, uint64_t position, segj_buffer_t *value)
{
    uint8_t record[IMAGE_ENTRY_MOST + LOCATION_BYTES];
    uint8_t entry[IMAGE_ENTRY_MOST];
    oversized_location_t location;
    uint64_t number = run->files[at].number;
    uint32_t entry_size = run->geometry.entry_size;
    segj_status_t status = oversized_get(journal, number, position, entry, &location);
    if (!read_raw_record(&run->files[at], &run->geometry, position, record)) {
        fuzz_require(status == SEGJ_ERR_CORRUPT, "get of a damaged record: %s", segj_status_name(status));
        status = oversized_read(journal, number, position, entry, value);
        fuzz_require(status == SEGJ_ERR_CORRUPT && value->size == 0, "read of it: %s", segj_status_name(status));
        return;
    }
    oversized_location_t expected = decode_location(record, entry_size);
    fuzz_require(status == SEGJ_OK, "get of record %llu: %s", (unsigned long long)position, segj_last_error());
    fuzz_require(memcmp(entry, record, entry_size) == 0, "a wrong entry");
    fuzz_require(location.offset == expected.offset && location.size == expected.size, "a wrong location");
    check_value(run, at, journal, position, location, value);
}

static void check_item(const run_t *run, size_t at, segj_status_t status, const oversized_item_t *item)
{
    uint8_t record[IMAGE_ENTRY_MOST + LOCATION_BYTES];
    bool readable = read_raw_record(&run->files[at], &run->geometry, item->position, record);
    fuzz_require(status == (readable ? SEGJ_OK : SEGJ_ERR_CORRUPT), "replay of record %llu: %s",
                 (unsigned long long)item->position, segj_status_name(status));
    if (!readable)
        return;
    oversized_location_t location = decode_location(record, run->geometry.entry_size);
    fuzz_require(memcmp(item->entry, record, run->geometry.entry_size) == 0 &&
                     item->location.offset == location.offset && item->location.size == location.size,
                 "replay gives another record");
}

/* Every readable record once and in order; of damage one record at least, and none that can be read is passed over. */
static void check_replay(const run_t *run, size_t at, oversized_t *journal)
{
    uint8_t record[IMAGE_ENTRY_MOST + LOCATION_BYTES];
    oversized_replay_t *replay = NULL;
    oversized_item_t item = {.section = 0};
    uint64_t number = run->files[at].number;
    uint64_t next = 0;
    bool damaged = false;
    segj_status_t status = oversized_replay_open(journal, number, 0, 100, &replay);
    fuzz_require(status == SEGJ_OK, "%s", segj_last_error());
    for (;;) {
        status = oversized_replay_next(replay, &item);
        bool ended = status == SEGJ_END || item.section != number;
        uint64_t position = ended ? run->verdicts[at].kept : item.position;
        for (; next < position; next++)
            fuzz_require(damaged && !read_raw_record(&run->files[at], &run->geometry, next, record),
                         "replay passes record %llu over", (unsigned long long)next);
        if (ended)
            break;
        fuzz_require(position == next && position < run->verdicts[at].kept, "replay gives record %llu",
                     (unsigned long long)position);
        check_item(run, at, status, &item);
        damaged = status != SEGJ_OK;
        next++;
    }
    oversized_replay_close(replay);
}

/* The same from the end down. */
static void check_replay_back(const run_t *run, size_t at, oversized_t *journal)
{
    uint8_t record[IMAGE_ENTRY_MOST + LOCATION_BYTES];
    oversized_replay_t *replay = NULL;
    oversized_item_t item = {.section = 0};
    uint64_t number = run->files[at].number;
    uint64_t left = run->verdicts[at].kept;
    bool damaged = false;
    segj_status_t status = oversized_replay_open_back(journal, number, OVERSIZED_END, 100, &replay);
    fuzz_require(status == SEGJ_OK, "%s", segj_last_error());
    for (;;) {
        status = oversized_replay_next(replay, &item);
        bool ended = status == SEGJ_END || item.section != number;
        uint64_t above = ended ? 0 : item.position + 1;
        for (; left > above; left--)
            fuzz_require(damaged && !read_raw_record(&run->files[at], &run->geometry, left - 1, record),
                         "a replay backwards passes record %llu over", (unsigned long long)(left - 1));
        if (ended)
            break;
        fuzz_require(above == left, "a replay backwards gives record %llu", (unsigned long long)item.position);
        check_item(run, at, status, &item);
        damaged = status != SEGJ_OK;
        left--;
    }
    oversized_replay_close(replay);
}

static void check_section(const run_t *run, size_t at, oversized_t *journal)
{
    uint64_t number = run->files[at].number;
    const verdict_t *verdict = &run->verdicts[at];
    uint64_t found = 0;
    segj_buffer_t value = {NULL, 0, 0};
    fuzz_require(oversized_count(journal, number, &found) == SEGJ_OK && found == verdict->kept,
                 "section %llu has %llu records, expected %llu", (unsigned long long)number, (unsigned long long)found,
                 (unsigned long long)verdict->kept);
    uint64_t end = verdict->kept > 0 ? verdict->end : 0; /* old bytes before the first record belong to none */
    fuzz_require(oversized_value_size(journal, number, &found) == SEGJ_OK && found == end,
                 "its values end at %llu, expected %llu", (unsigned long long)found, (unsigned long long)end);
    for (uint64_t position = 0; position < verdict->kept; position++)
        check_record(run, at, journal, position, &value);
    fuzz_require(oversized_get(journal, number, verdict->kept, NULL, NULL) == SEGJ_ERR_NO_RECORD, "a record too many");
    check_replay(run, at, journal);
    check_replay_back(run, at, journal);
    segj_buffer_free(&value);
}

static void check_state(const run_t *run, oversized_t *journal)
{
    uint64_t section = 0;
    segj_status_t status = oversized_oldest_section(journal, &section);
    for (size_t i = 0; i < run->count; i++) {
        if (run->files[i].index.data == NULL)
            continue;
        fuzz_require(status == SEGJ_OK && section == run->files[i].number, "section %llu is missing",
                     (unsigned long long)run->files[i].number);
        check_section(run, i, journal);
        status = oversized_next_section(journal, section, &section);
    }
    fuzz_require(status == SEGJ_END, "a section too many");
}

/* --- opening --- */

/* Values with data and without an index. */
static bool has_orphan(const run_t *run)
{
    bool found = false;
    for (size_t i = 0; i < run->count; i++)
        found = found || (run->files[i].index.data == NULL && run->files[i].values.data != NULL &&
                          run->files[i].values.size > run->verdicts[i].values_data);
    return found;
}

/* A damaged page before the last one, of what a section keeps: nothing is appended behind it. */
static bool has_hole(const run_t *run, size_t at)
{
    const bytes_t *index = &run->files[at].index;
    const geometry_t *geometry = &run->geometry;
    size_t physical = (size_t)geometry->page_size + PAGE_CHECKSUMS;
    uint64_t bytes = run->verdicts[at].kept * ((uint64_t)geometry->entry_size + LOCATION_BYTES);
    bool found = false;
    if (!geometry->commonware || index->data == NULL || bytes == 0)
        return false;
    for (uint64_t page = 0; page < (bytes - 1) / geometry->page_size && !found; page++)
        found = decode_plain_page(index->data + run->verdicts[at].index_data + (size_t)page * physical,
                                  geometry->page_size) < geometry->page_size;
    return found;
}

static oversized_t *open_as_expected(run_t *run, bool read_only, bool strict)
{
    oversized_t *journal = NULL;
    oversized_config_t config = run->config;
    config.read_only = read_only;
    config.strict = strict;
    segj_status_t status = oversized_open(&config, &journal);
    /* Where either is right the first answer holds for all. */
    run->refused = run->refused || (run->may_refuse && status != SEGJ_OK);
    run->may_refuse = false;
    bool refused = run->refused || (strict && (run->lost > 0 || has_orphan(run)));
    fuzz_require((status == SEGJ_OK) == !refused, "open: %s, expected %s: %s", segj_status_name(status),
                 refused ? "a refusal" : "success", status == SEGJ_OK ? "" : segj_last_error());
    if (status == SEGJ_OK)
        return journal;
    fuzz_require(status == SEGJ_ERR_MISMATCH || status == SEGJ_ERR_CORRUPT, "open: %s", segj_status_name(status));
    fuzz_require(strstr(segj_last_error(), vessel_directory) != NULL, "no place is named: %s", segj_last_error());
    require_unchanged(run, "a refused open");
    return NULL;
}

/* Takes what is in the storage now for what was expected, and holds it against that: nothing went but what had to. */
static void take_recovered(run_t *run)
{
    for (size_t i = 0; i < run->count; i++) {
        section_files_t *files = &run->files[i];
        verdict_t before = run->verdicts[i];
        bool there = files->index.data != NULL;
        section_files_t now = take_files(run, files->number);
        fuzz_require(there == (now.index.data != NULL) && there == (now.values.data != NULL), "files without a pair");
        if (there) {
            fuzz_require(now.values.size == before.values_data + before.end, "the values file does not end at its end");
            fuzz_require(before.end == 0 || memcmp(now.values.data + before.values_data,
                                                   files->values.data + before.values_data, (size_t)before.end) == 0,
                         "values have changed");
        }
        free_files(files);
        *files = now;
    }
    verdict_t before[SLOTS];
    memcpy(before, run->verdicts, sizeof before);
    judge(run);
    run->may_refuse = false; /* what was taken once is taken again */
    fuzz_require(!run->refused && run->lost == 0, "what open has left is not at rest");
    for (size_t i = 0; i < run->count; i++)
        fuzz_require(run->verdicts[i].kept == before[i].kept && run->verdicts[i].end == before[i].end,
                     "open has left another state than it shows");
}

/* --- changes --- */

static void append_one(run_t *run, oversized_t *journal, uint64_t number, verdict_t *verdict, size_t size)
{
    uint8_t entry[IMAGE_ENTRY_MOST];
    uint8_t found[IMAGE_ENTRY_MOST];
    uint8_t bytes[600];
    uint64_t position = 0;
    oversized_location_t location = {0, 0};
    segj_buffer_t value = {NULL, 0, 0};
    memset(entry, (int)(0xA0 + size % 16), sizeof entry);
    memset(bytes, (int)(0x60 + size % 16), sizeof bytes);
    segj_status_t status = oversized_append(journal, number, entry, bytes, size, &position, &location);
    fuzz_require(status == SEGJ_OK, "append: %s", segj_last_error());
    fuzz_require(position == verdict->kept && location.offset == verdict->end, "an append at the wrong place");
    fuzz_require(oversized_read(journal, number, position, found, &value) == SEGJ_OK, "%s", segj_last_error());
    fuzz_require(value.size == size && (size == 0 || memcmp(value.data, bytes, size) == 0) &&
                     memcmp(found, entry, run->geometry.entry_size) == 0,
                 "an append does not read back");
    verdict->kept++;
    verdict->end += location.size;
    segj_buffer_free(&value);
}

/* A rewind to half of the records: done, or refused for a damaged record that it would end with. */
static void rewind_half(run_t *run, oversized_t *journal, size_t at)
{
    uint8_t record[IMAGE_ENTRY_MOST + LOCATION_BYTES];
    verdict_t *verdict = &run->verdicts[at];
    uint64_t number = run->files[at].number;
    uint64_t keep = verdict->kept / 2;
    uint64_t count = 0;
    bool whole = keep == 0 || read_raw_record(&run->files[at], &run->geometry, keep - 1, record);
    oversized_location_t last =
        whole && keep > 0 ? decode_location(record, run->geometry.entry_size) : (oversized_location_t){0, 0};
    bool fits = keep == 0 || (last.size >= 4 && last.offset <= verdict->end && verdict->end - last.offset >= last.size);
    segj_status_t wanted = (whole && fits) || keep == verdict->kept ? SEGJ_OK : SEGJ_ERR_CORRUPT;
    segj_status_t status = oversized_rewind_section(journal, number, keep * oversized_record_size(journal));
    fuzz_require(status == wanted, "rewind to %llu of %llu records: %s, expected %s: %s", (unsigned long long)keep,
                 (unsigned long long)verdict->kept, segj_status_name(status), segj_status_name(wanted),
                 segj_last_error());
    if (status == SEGJ_OK && keep < verdict->kept) {
        verdict->kept = keep;
        verdict->end = last.offset + last.size;
    }
    fuzz_require(oversized_count(journal, number, &count) == SEGJ_OK && count == verdict->kept, "a wrong count");
}

static void change(run_t *run, oversized_t *journal)
{
    static const uint8_t no_entry[IMAGE_ENTRY_MOST];
    static const size_t sizes[] = {0, 7, 600};
    size_t made = run->count;
    run->files[made] = (section_files_t){.number = NEW_SECTION};
    run->verdicts[made] = (verdict_t){.compressed = run->geometry.compress};
    for (size_t i = 0; i <= made; i++) {
        bool there = run->files[i].index.data != NULL;
        if (there && (run->how & IMAGE_REWIND) != 0)
            rewind_half(run, journal, i);
        if (there && has_hole(run, i))
            fuzz_require(oversized_append(journal, run->files[i].number, no_entry, NULL, 0, NULL, NULL) ==
                             SEGJ_ERR_CORRUPT,
                         "an append behind a damaged page");
        else if (there || i == made)
            for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++)
                append_one(run, journal, run->files[i].number, &run->verdicts[i], sizes[k]);
    }
    run->count++;
    fuzz_require(oversized_sync_all(journal) == SEGJ_OK, "%s", segj_last_error());
}

/* What is there now is what was there, and what was appended: the same bytes in front, nothing lost. */
static void check_changed(run_t *run)
{
    qsort(run->files, run->count, sizeof run->files[0], by_number);
    for (size_t i = 0; i < run->count; i++) {
        section_files_t now = take_files(run, run->files[i].number);
        free_files(&run->files[i]);
        run->files[i] = now;
    }
    judge(run);
    run->may_refuse = false;
    fuzz_require(!run->refused && run->lost == 0, "what was synced is lost");
}

static uint64_t count_records(const run_t *run)
{
    uint64_t records = 0;
    for (size_t i = 0; i < run->count; i++)
        records += run->verdicts[i].kept;
    return records;
}

/* --- all of it --- */

static void end_journal(const run_t *run, oversized_t *journal)
{
    if (run->how & IMAGE_CLOSE)
        fuzz_require(oversized_close(journal) == SEGJ_OK, "close: %s", segj_last_error());
    else
        oversized_abandon(journal);
}

static void look(run_t *run)
{
    oversized_t *journal = open_as_expected(run, true, false);
    if (journal != NULL) {
        check_state(run, journal);
        oversized_abandon(journal);
        require_unchanged(run, "a read-only open");
    }
    if (run->lost > 0)
        (void)open_as_expected(run, false, true);
}

static void recover_and_go_on(run_t *run)
{
    oversized_t *journal = open_as_expected(run, false, false);
    if (journal == NULL)
        return;
    fuzz_require(oversized_recovery(journal)->synced_records_lost == run->lost, "the report of what was lost");
    fuzz_require(oversized_recovery(journal)->records == count_records(run), "the report of what is there");
    check_state(run, journal);
    end_journal(run, journal);
    take_recovered(run);
    journal = open_as_expected(run, false, true);
    check_state(run, journal);
    end_journal(run, journal);
    require_unchanged(run, "a second open");
    journal = open_as_expected(run, false, true);
    change(run, journal);
    uint64_t records = count_records(run);
    end_journal(run, journal);
    check_changed(run);
    fuzz_require(count_records(run) == records, "%llu records, expected %llu", (unsigned long long)count_records(run),
                 (unsigned long long)records);
    journal = open_as_expected(run, false, true);
    check_state(run, journal);
    end_journal(run, journal);
}

static void configure(run_t *run, const image_t *image)
{
    oversized_config_t *config = &run->config;
    oversized_config_init(config);
    config->native_version = image->commonware ? 0 : 1;
    config->directory = vessel_directory;
    config->storage = run->storage;
    config->entry_size = image->entry_size;
    config->page_size = image->how & IMAGE_ANY_PAGE_SIZE && !image->commonware ? 0 : image->page_size;
    config->format = image->commonware ? SEGJ_FORMAT_COMMONWARE : SEGJ_FORMAT_NATIVE;
    if (image->commonware && (image->how & IMAGE_TAIL))
        config->verify = OVERSIZED_VERIFY_TAIL;
    config->page_cache_pages = 2;
    config->index_write_buffer = config->value_write_buffer = 500;
    config->max_value_size = MOST_VALUE;
    config->max_open_files = image->how & IMAGE_MANY_FILES ? 256 : 4;
    config->compression = image->how & IMAGE_ZSTD ? 1 : 0;
    run->how = image->how;
    run->geometry = (geometry_t){.commonware = image->commonware,
                                 .asked_tail = config->verify == OVERSIZED_VERIFY_TAIL,
                                 .page_size = image->page_size,
                                 .entry_size = image->entry_size,
                                 .compress = config->compression != 0,
                                 .max_value_size = MOST_VALUE};
}

static void run_image(const uint8_t *data, size_t size)
{
    image_t image = image_parse(data, size);
    run_t run = {.count = 0};
    fuzz_require(segj_storage_memory_create(&run.storage) == SEGJ_OK, "no storage");
    configure(&run, &image);
    put_image(&run, &image);
    judge(&run);
    look(&run);
    recover_and_go_on(&run);
    for (size_t i = 0; i < run.count; i++)
        free_files(&run.files[i]);
    segj_storage_memory_destroy(run.storage);
}

const fuzz_target_t fuzz_image = {"image", IMAGE_MOST, run_image, image_mutate};
