/* failure/steps.c: what the steps of a scenario do, and how the model goes along. See world.h. */
#include "failure/steps.h"

#include "segjournal/tools.h"
#include "support/commonware.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *step_name(step_kind_t kind)
{
    static const char *const names[] = {
        [DO_END] = "end",
        [DO_OPEN] = "open",
        [DO_OPEN_READ_ONLY] = "open (read only)",
        [DO_OPEN_ANY_PAGE_SIZE] = "open (any page size)",
        [DO_OPEN_CHECKPOINT] = "open (checkpoint)",
        [DO_CLOSE] = "close",
        [DO_ABANDON] = "abandon",
        [DO_DESTROY] = "destroy",
        [DO_APPEND] = "append",
        [DO_APPENDV] = "appendv",
        [DO_BATCH] = "append_batch",
        [DO_STREAM] = "a value streamed in",
        [DO_SYNC] = "sync",
        [DO_SYNC_START] = "sync_start",
        [DO_SYNC_WAIT] = "sync_wait",
        [DO_SYNC_ALL] = "sync_all",
        [DO_SYNC_SECTIONS] = "sync_sections",
        [DO_FLUSH] = "flush",
        [DO_PRUNE] = "prune",
        [DO_REWIND] = "rewind",
        [DO_REWIND_SECTION] = "rewind_section",
        [DO_READ] = "read",
        [DO_READ_TOGETHER] = "read_values",
        [DO_READ_IN_PIECES] = "a value read in pieces",
        [DO_VERIFY] = "verify",
        [DO_COPY] = "copy",
        [DO_COPY_BESIDE] = "copy from files",
        [DO_COPY_INTO] = "copy into",
        [DO_INSPECT] = "inspect",
        [DO_SALVAGE] = "salvage",
        [DO_VIEW] = "view",
        [DO_SCAN] = "a scan of values",
        [DO_REPLAY] = "replay",
        [DO_SCAN_BACK] = "a scan of values backwards",
        [DO_TEAR] = "a torn append",
        [DO_ACKNOWLEDGE] = "acknowledge",
        [DO_DISCARD] = "discard",
        [HARM_VALUES_HEADER] = "harm: values header",
        [HARM_VALUES] = "harm: values",
        [HARM_NO_VALUES] = "harm: no values",
        [HARM_HEADER] = "harm: header",
        [HARM_INDEX_JUNK] = "harm: index junk",
        [HARM_JUNK] = "harm: junk",
        [HARM_ORPHAN] = "harm: orphan",
        [HARM_INDEX] = "harm: no index file",
        [HARM_REMOVAL] = "harm: a removal cut off",
        [HARM_NO_INDEX] = "harm: no index partition",
        [HARM_DICTIONARY] = "harm: dictionary",
        [HARM_CREATION] = "harm: creation",
        [HARM_HOLE] = "harm: a damaged page",
        [MAKE_COUNTS] = "counts of an archive",
    };
    return names[kind];
}

void enter(world_t *w)
{
    w->faulty.paused = false;
    library_running = w->under_test;
    if (w->under_test && w->around != NULL)
        w->around(true);
}

segj_status_t leave(world_t *w, segj_status_t status)
{
    if (w->under_test && w->around != NULL)
        w->around(false);
    w->faulty.paused = w->under_test;
    library_running = false;
    return status;
}

/* --- the beginning and the end --- */

static void apply_checkpoint(world_t *w, const step_t *step)
{
    for (uint64_t i = 0; i < MODEL_SECTIONS; i++) {
        model_section_t *model = &w->model.sections[i];
        if (i < step->extra || i > step->section)
            memset(model, 0, sizeof *model);
        if (i == step->section && model->listed)
            model->count = model->least = model->synced = step->size;
    }
}

static segj_status_t open_journal(world_t *w, const step_t *step)
{
    oversized_config_t config = w->config;
    oversized_checkpoint_t checkpoint = {step->extra, step->section, (uint64_t)step->size * SMALL_RECORD};
    w->read_only = config.read_only = step->kind == DO_OPEN_READ_ONLY;
    if (step->kind == DO_OPEN_ANY_PAGE_SIZE)
        config.page_size = 0;
    if (step->kind == DO_OPEN_CHECKPOINT)
        config.checkpoint = &checkpoint;
    assert_null(w->journal);
    enter(w);
    segj_status_t status = leave(w, oversized_open(&config, &w->journal));
    if (status != SEGJ_OK) {
        assert_null(w->journal);
        return status;
    }
    assert_null(oversized_error(w->journal));
    allow_loss(w, NULL);
    w->unrepaired = oversized_recovery(w->journal)->sections_unrepaired > 0;
    if (step->kind == DO_OPEN_CHECKPOINT)
        apply_checkpoint(w, step);
    settle(w);
    return SEGJ_OK;
}

static segj_status_t close_journal(world_t *w)
{
    enter(w);
    segj_status_t status = leave(w, oversized_close(w->journal));
    w->journal = NULL;
    for (uint64_t i = 0; i < MODEL_SECTIONS && status == SEGJ_OK; i++) {
        model_section_t *model = &w->model.sections[i];
        model->synced = model->count;
        model->durable = model->listed;
    }
    return status;
}

static segj_status_t destroy_journal(world_t *w)
{
    enter(w);
    segj_status_t status = leave(w, oversized_destroy(w->journal));
    w->journal = NULL;
    if (status == SEGJ_OK) {
        memset(w->model.sections, 0, sizeof w->model.sections);
        assert_false(partition_exists(w->disk, w->config.directory, w->config.index_partition));
        assert_false(partition_exists(w->disk, w->config.directory, w->config.value_partition));
    }
    return status;
}

/* --- changes --- */

static void cover(model_section_t *model)
{
    model->synced = model->count;
    model->durable = model->durable || model->listed;
}

static segj_status_t sync_one(world_t *w, const step_t *step)
{
    enter(w);
    segj_status_t status = leave(w, oversized_sync(w->journal, step->section));
    if (status == SEGJ_OK)
        cover(&w->model.sections[step->section]);
    return status;
}

static segj_status_t sync_start(world_t *w, const step_t *step)
{
    oversized_ticket_t ticket = {77, 77};
    enter(w);
    segj_status_t status = leave(w, oversized_sync_start(w->journal, step->section, &ticket));
    if (status == SEGJ_OK) {
        w->tickets[step->section] = ticket;
        w->ticketed[step->section] = w->model.sections[step->section].count;
    } else {
        assert_int_equal(ticket.section, 77);
    }
    return status;
}

/* What came behind the start may be covered or not. */
static segj_status_t sync_wait(world_t *w, const step_t *step)
{
    model_section_t *model = &w->model.sections[step->section];
    enter(w);
    segj_status_t status = leave(w, oversized_sync_wait(w->journal, &w->tickets[step->section]));
    if (status == SEGJ_OK) {
        model->synced = model->synced > w->ticketed[step->section] ? model->synced : w->ticketed[step->section];
        model->durable = model->durable || model->listed;
    }
    return status;
}

static segj_status_t sync_all(world_t *w)
{
    enter(w);
    segj_status_t status = leave(w, oversized_sync_all(w->journal));
    for (uint64_t i = 0; i < MODEL_SECTIONS && status == SEGJ_OK; i++)
        cover(&w->model.sections[i]);
    return status;
}

static segj_status_t sync_sections(world_t *w, const step_t *step)
{
    const uint64_t sections[] = {step->section, step->section + 1, MODEL_SECTIONS + 1000, step->section};
    enter(w);
    segj_status_t status = leave(w, oversized_sync_sections(w->journal, sections, sizeof sections / sizeof *sections));
    for (uint64_t i = step->section; i < step->section + 2 && status == SEGJ_OK; i++)
        cover(&w->model.sections[i]);
    return status;
}

static segj_status_t prune(world_t *w, const step_t *step)
{
    bool any = false;
    bool pruned = false;
    for (uint64_t i = 0; i < step->section; i++)
        any = any || w->model.sections[i].listed;
    pruned = !any;
    enter(w);
    segj_status_t status = leave(w, oversized_prune(w->journal, step->section, &pruned));
    assert_int_equal(pruned, status == SEGJ_OK ? any : !any);
    for (uint64_t i = 0; i < step->section && status == SEGJ_OK; i++)
        memset(&w->model.sections[i], 0, sizeof w->model.sections[i]);
    return status;
}

static segj_status_t rewind_it(world_t *w, const step_t *step)
{
    uint64_t bytes = (uint64_t)step->size * SMALL_RECORD;
    model_section_t *model = &w->model.sections[step->section];
    enter(w);
    segj_status_t status =
        leave(w, step->kind == DO_REWIND ? oversized_rewind(w->journal, step->section, bytes)
                                         : oversized_rewind_section(w->journal, step->section, bytes));
    if (status != SEGJ_OK)
        return status;
    for (uint64_t i = step->section + 1; i < MODEL_SECTIONS && step->kind == DO_REWIND; i++)
        memset(&w->model.sections[i], 0, sizeof w->model.sections[i]);
    model->count = model->least = step->size;
    cover(model);
    return SEGJ_OK;
}

/* --- reading --- */

static segj_status_t read_record(world_t *w, uint64_t section, const model_section_t *model, size_t position)
{
    const model_record_t *record = &model->records[position];
    uint8_t entry[SMALL_ENTRY] = {0};
    oversized_location_t location = {77, 77};
    enter(w);
    segj_status_t status = leave(w, oversized_read(w->journal, section, position, entry, &w->value));
    if (status != SEGJ_OK) {
        assert_int_equal(w->value.size, 0);
        assert_int_equal(get_u64(entry), 0);
        return status;
    }
    assert_int_equal(get_u64(entry), record->id);
    check_value(w, record);
    enter(w);
    status = leave(w, position + 1 == model->count ? oversized_last(w->journal, section, NULL, &location)
                                                   : oversized_get(w->journal, section, position, NULL, &location));
    if (status != SEGJ_OK) {
        assert_int_equal(location.offset, 77);
        return status;
    }
    assert_int_equal(location.offset, record->location.offset);
    enter(w);
    status = leave(w, oversized_get_value(w->journal, section, location, &w->value));
    if (status == SEGJ_OK)
        check_value(w, record);
    else
        assert_int_equal(w->value.size, 0);
    return status;
}

static segj_status_t read_all(world_t *w)
{
    /* The last record of each section first: so a reader goes from section to section. */
    for (size_t back = 1; back <= MODEL_RECORDS; back++) {
        for (uint64_t i = 0; i < MODEL_SECTIONS; i++) {
            const model_section_t *model = &w->model.sections[i];
            segj_status_t status = back <= model->count ? read_record(w, i, model, model->count - back) : SEGJ_OK;
            if (status != SEGJ_OK)
                return status;
        }
    }
    return SEGJ_OK;
}

/* The next record; a call that fails is made once more, and must then go on where it was, unless it fails again. */
static segj_status_t replay_next(world_t *w, oversized_replay_t *replay, oversized_item_t *item, segj_status_t *failed)
{
    enter(w);
    segj_status_t status = leave(w, oversized_replay_next(replay, item));
    if (status == SEGJ_OK || status == SEGJ_END || *failed != SEGJ_OK)
        return status;
    *failed = status;
    enter(w);
    status = leave(w, oversized_replay_next(replay, item));
    /* Any sentence after this is of the second call. */
    return status;
}

static segj_status_t replay_all(world_t *w, const step_t *step)
{
    oversized_replay_t *replay = (oversized_replay_t *)(void *)w; /* NULL where none is given */
    oversized_item_t item;
    segj_status_t failed = SEGJ_OK;
    enter(w);
    segj_status_t status =
        leave(w, oversized_replay_open(w->journal, step->section, step->size, (size_t)step->extra, &replay));
    if (status != SEGJ_OK) {
        assert_null(replay);
        return status;
    }
    for (uint64_t i = step->section; i < MODEL_SECTIONS && status == SEGJ_OK; i++) {
        const model_section_t *model = &w->model.sections[i];
        for (size_t k = i == step->section ? step->size : 0; k < model->count && status == SEGJ_OK; k++) {
            status = replay_next(w, replay, &item, &failed);
            if (status != SEGJ_OK)
                continue;
            assert_int_equal(item.section, i);
            assert_int_equal(item.position, k);
            assert_int_equal(get_u64(item.entry), model->records[k].id);
            assert_int_equal(item.location.offset, model->records[k].location.offset);
            if (step->kind == DO_SCAN)
                status = take_scanned(w, replay, &model->records[k]);
        }
    }
    if (status == SEGJ_OK)
        assert_status(oversized_replay_next(replay, &item), SEGJ_END);
    oversized_replay_close(replay);
    return failed != SEGJ_OK ? failed : status;
}

/* The next record is this one, and has its value. */
static segj_status_t scan_one(world_t *w, oversized_replay_t *replay, uint64_t section, size_t position,
                              segj_status_t *failed)
{
    const model_record_t *record = &w->model.sections[section].records[position];
    oversized_item_t item;
    segj_status_t status = replay_next(w, replay, &item, failed);
    if (status != SEGJ_OK)
        return status;
    assert_int_equal(item.section, section);
    assert_int_equal(item.position, position);
    assert_int_equal(get_u64(item.entry), record->id);
    return take_scanned(w, replay, record);
}

static segj_status_t scan_back(world_t *w, const step_t *step)
{
    oversized_replay_t *replay = (oversized_replay_t *)(void *)w; /* NULL where none is given */
    oversized_item_t item;
    segj_status_t failed = SEGJ_OK;
    enter(w);
    segj_status_t status =
        leave(w, oversized_replay_open_back(w->journal, step->section, OVERSIZED_END, (size_t)step->extra, &replay));
    if (status != SEGJ_OK) {
        assert_null(replay);
        return status;
    }
    for (uint64_t i = step->section + 1; i-- > 0 && status == SEGJ_OK;)
        for (size_t k = w->model.sections[i].count; k-- > 0 && status == SEGJ_OK;)
            status = scan_one(w, replay, i, k, &failed);
    if (status == SEGJ_OK)
        assert_status(oversized_replay_next(replay, &item), SEGJ_END);
    oversized_replay_close(replay);
    return failed != SEGJ_OK ? failed : status;
}

/* An inspection that succeeds has seen everything; with nothing open that is what the model says. */
static segj_status_t inspect(world_t *w)
{
    oversized_inspection_t *found = (oversized_inspection_t *)(void *)w; /* NULL where none is given */
    enter(w);
    segj_status_t status = leave(w, oversized_inspect(&w->config, &found));
    if (status != SEGJ_OK) {
        assert_null(found);
        return status;
    }
    for (size_t i = 0; i < found->section_count && w->journal == NULL; i++) {
        const oversized_look_t *look = &found->sections[i];
        assert_in_range(look->section, 0, MODEL_SECTIONS - 1);
        if (look->has_index)
            assert_in_range(look->records, w->model.sections[look->section].synced,
                            w->model.sections[look->section].count);
    }
    oversized_inspection_free(found);
    return SEGJ_OK;
}

/* What comes back goes to a disk of its own. That the source is as it was the world looks at. */
static segj_status_t salvage(world_t *w)
{
    static faulty_t never; /* what the other disk allocates is not the library's */
    segj_storage_t *other;
    oversized_salvaged_t told;
    oversized_config_t to = w->config;
    uint64_t most = 0;
    assert_ok(segj_storage_memory_create(&other));
    faulty_init(&never, other);
    never.paused = true;
    to.storage = &never.storage;
    enter(w);
    segj_status_t status = leave(w, oversized_salvage(&w->config, &to, NULL, &told));
    for (uint64_t i = 0; i < MODEL_SECTIONS; i++)
        most += w->model.sections[i].count;
    if (status == SEGJ_OK)
        assert_in_range(told.records, 0, most);
    segj_storage_memory_destroy(other);
    return status;
}

/* --- harm --- */

static void keep_at_most(model_section_t *model, size_t records)
{
    model->count = records;
    model->least = model->least < records ? model->least : records;
    model->synced = model->synced < records ? model->synced : records;
}

/* One copy counts, the other one was never written. */
static void make_counts(const world_t *w, uint64_t shift, size_t other)
{
    uint8_t bytes[COMMONWARE_V1 + 12 + 16 * MODEL_SECTIONS];
    size_t at = COMMONWARE_V1 + 8;
    encode_commonware_header(bytes, COMMONWARE_V1, 0);
    put_u64(bytes + COMMONWARE_V1, 1);
    for (uint64_t i = 0; i < MODEL_SECTIONS; i++) {
        const model_section_t *model = &w->model.sections[i];
        if (!model->listed || model->count == 0)
            continue;
        put_u64(bytes + at, i + shift);
        put_u64(bytes + at + 8, model->count);
        at += 16;
    }
    put_u32(bytes + at, plain_checksum(bytes + COMMONWARE_V1, at - COMMONWARE_V1));
    write_named(w->disk, w->config.directory, "counts", "6c656674", bytes, at + 4);
    write_named(w->disk, w->config.directory, "counts", "7269676874", bytes, other);
}

static void do_harm(world_t *w, const step_t *step)
{
    static const uint8_t junk[100] = {0x5a, 0x5a, 0x5a, 1, 2, 3};
    const char *directory = w->config.directory;
    const char *index = w->config.index_partition;
    const char *values = w->config.value_partition;
    model_section_t *model = &w->model.sections[step->section];
    assert_null(w->journal);
    if (step->kind == HARM_VALUES) {
        shorten_file(w->disk, directory, values, step->section, 1);
        keep_at_most(model, step->size);
    } else if (step->kind == HARM_NO_VALUES) {
        unlink_file(w->disk, directory, values, step->section);
        keep_at_most(model, step->size);
    } else if (step->kind == HARM_HEADER) {
        if (w->config.native_version != 2) /* whose index is made again */
            assert_int_equal(model->count, 0);
        shorten_file(w->disk, directory, index, step->section, step->size);
    } else if (step->kind == HARM_INDEX_JUNK) {
        append_to_file(w->disk, directory, index, step->section, junk, sizeof junk);
    } else if (step->kind == HARM_JUNK) {
        append_to_file(w->disk, directory, index, step->section, junk, sizeof junk);
        append_to_file(w->disk, directory, values, step->section, junk, sizeof junk);
    } else if (step->kind == HARM_DICTIONARY) {
        spoil_file(w->disk, directory, step->extra == 1 ? values : index, step->section,
                   (step->extra == 1 ? VALUES_DATA_OFFSET : INDEX_DATA_OFFSET) + 5);
    } else if (step->kind == HARM_CREATION) {
        shorten_file(w->disk, directory, index, step->section, HEADER_BLOCK - 3);
        shorten_file(w->disk, directory, values, step->section, HEADER_BLOCK - 3);
        keep_at_most(model, 0);
    } else if (step->kind == HARM_HOLE) {
        spoil_file(w->disk, directory, index, step->section, COMMONWARE_V0 + step->extra * (SMALL_PAGE + 12) + 3);
        keep_at_most(model, step->size);
    } else if (step->kind == MAKE_COUNTS) {
        make_counts(w, step->extra, step->size > 0 ? 0 : COMMONWARE_V1);
    } else if (step->kind == HARM_INDEX) {
        unlink_file(w->disk, directory, index, step->section);
    } else if (step->kind == HARM_REMOVAL) {
        write_named(w->disk, directory, values, ".removing", junk, 0);
        unlink_file(w->disk, directory, index, step->section);
        *model = (model_section_t){.listed = false};
    } else if (step->kind == HARM_NO_INDEX) {
        assert_int_equal(w->disk->partition_create(w->disk->context, directory, values), 0);
    } else if (step->kind == HARM_VALUES_HEADER) {
        shorten_file(w->disk, directory, values, step->section, SIZE_MAX);
        keep_at_most(model, 0);
    } else {
        uint8_t header[HEADER_BLOCK];
        assert_false(model->listed);
        encode_identity(header, &(identity_t){1, IDENTITY_VALUES, 0, 0, 0, step->section});
        if (w->config.format == SEGJ_FORMAT_NATIVE)
            append_to_file(w->disk, directory, values, step->section, header, sizeof header);
        append_to_file(w->disk, directory, values, step->section, junk, sizeof junk);
    }
}

/* Beside the journal's directory. */
static segj_status_t copy(world_t *w)
{
    char directory[PATH_LIMIT];
    (void)snprintf(directory, sizeof directory, "%s-copy", w->config.directory);
    enter(w);
    return leave(w, oversized_copy(w->journal, directory, NULL, NULL));
}

static segj_status_t copy_beside(world_t *w)
{
    char directory[PATH_LIMIT];
    (void)snprintf(directory, sizeof directory, "%s-copy", w->config.directory);
    enter(w);
    return leave(w, oversized_copy_beside(&w->config, directory, NULL, NULL));
}

static segj_status_t copy_into(world_t *w)
{
    char directory[PATH_LIMIT];
    oversized_config_t config = w->config;
    (void)snprintf(directory, sizeof directory, "%s-into", w->config.directory);
    config.directory = directory;
    config.compression = 1;
    enter(w);
    return leave(w, oversized_copy_into(w->journal, &config, NULL, NULL));
}

/* --- all of them --- */

segj_status_t take_step(world_t *w, const step_t *step)
{
    switch (step->kind) {
    case DO_OPEN:
    case DO_OPEN_READ_ONLY:
    case DO_OPEN_ANY_PAGE_SIZE:
    case DO_OPEN_CHECKPOINT:
        return open_journal(w, step);
    case DO_CLOSE:
        return close_journal(w);
    case DO_ABANDON:
        oversized_abandon(w->journal);
        w->journal = NULL;
        return SEGJ_OK;
    case DO_DESTROY:
        return destroy_journal(w);
    case DO_APPEND:
    case DO_APPENDV:
    case DO_BATCH:
    case DO_STREAM:
    case DO_TEAR:
        return take_append(w, step);
    case DO_SYNC:
        return sync_one(w, step);
    case DO_FLUSH:
        enter(w);
        return leave(w, oversized_flush(w->journal, step->section));
    case DO_SYNC_START:
        return sync_start(w, step);
    case DO_SYNC_WAIT:
        return sync_wait(w, step);
    case DO_SYNC_ALL:
        return sync_all(w);
    case DO_SYNC_SECTIONS:
        return sync_sections(w, step);
    case DO_PRUNE:
        return prune(w, step);
    case DO_REWIND:
    case DO_REWIND_SECTION:
        return rewind_it(w, step);
    case DO_ACKNOWLEDGE:
        enter(w);
        return leave(w, oversized_acknowledge_losses(w->journal));
    case DO_DISCARD:
        enter(w);
        return leave(w, oversized_discard_quarantine(w->journal));
    case DO_READ:
        return read_all(w);
    case DO_READ_TOGETHER:
    case DO_READ_IN_PIECES:
    case DO_VIEW:
        return take_read(w, step);
    case DO_SCAN:
    case DO_REPLAY:
        return replay_all(w, step);
    case DO_SCAN_BACK:
        return scan_back(w, step);
    case DO_INSPECT:
        return inspect(w);
    case DO_COPY:
        return copy(w);
    case DO_COPY_BESIDE:
        return copy_beside(w);
    case DO_COPY_INTO:
        return copy_into(w);
    case DO_SALVAGE:
        return salvage(w);
    case DO_VERIFY:
        enter(w);
        return leave(w, oversized_verify(w->journal, NULL, NULL));
    default:
        do_harm(w, step);
        return SEGJ_OK;
    }
}
