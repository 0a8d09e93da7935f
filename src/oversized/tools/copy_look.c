/*
 * oversized/tools/copy_look.c: a section that is to be copied from its files is judged as an open would judge it. A
 * writer may change the files at that time, so what may come of that is looked at again.
 */
#include <errno.h>

#include "base/bytes.h"
#include "base/process.h"
#include "oversized/open/verdict.h"
#include "oversized/section/section.h"
#include "oversized/tools/copy_files.h"
#include "oversized/tools/sizes.h"

/* How often a section is looked at that changes. */
#define LOOK_TRIES 64
/* The pause between two looks grows to this, in nanoseconds. */
#define LOOK_PAUSE UINT64_C(100000000)
/* Damage is believed that is the same after such a pause: a thread that writes may be kept from going on for that
 * long. */
#define LOOK_DOUBT UINT64_C(32000000)

/** A look at a section. */
typedef struct copy_look {
    oversized_t *journal;
    segj_scan_t *scan;
    segj_copy_source_t *source;
    segj_status_t status;
    uint64_t records, watermark, damaged;
    bool there, passing; /* passing: it is the work of the moment */
    bool cutting;        /* version 1: and a cut at that */
} copy_look_t;

static void look_take_plan(copy_look_t *look, const segj_recovery_plan_t *plan)
{
    segj_copy_source_t *source = look->source;
    const segj_section_t *section = plan->section;
    segj_io_take_properties(&source->index, &section->index.handle.file);
    source->values = segj_io_like(&section->values.handle.file);
    source->version = section->index.version;
    source->salt = section->index.salt;
    source->dictionary = section->values.dictionary;
    source->compressed = section->values.compressed;
    source->records = plan->records;
    source->noted = (segj_point_t){plan->records, plan->end, plan->trailer};
    source->bytes =
        segj_fixed_file_size(&look->journal->shared, 0, plan->records) + (plan->records > 0 ? plan->end : 0);
    source->damaged = plan->damaged > 0;
    look->records = plan->records;
    look->watermark = plan->watermark;
    look->damaged = plan->damaged;
    look->there = plan->index_valid && plan->value_valid;
}

/* What an open would make of the section. */
static segj_status_t look_judge(copy_look_t *look)
{
    segj_copy_source_t *source = look->source;
    segj_recovery_plan_t plan = {.number = source->number};
    segj_io_file_t values = {.opened = NULL};
    bool missing = false;
    segj_status_t status =
        segj_io_open(&values, &look->journal->shared.values, source->number, SEGJ_OPEN_READ, &missing);
    if (status == SEGJ_OK && !missing)
        status = segj_io_refresh(&values, false);
    segj_io_close(&values);
    if (status == SEGJ_ERR_IO && segj_last_errno() == ESTALE)
        return segj_fail_code(ENOENT, "the values file was removed");
    plan.value_there = status == SEGJ_OK && !missing;
    if (status == SEGJ_OK)
        status = segj_section_new(look->journal, source->number, &plan.section);
    if (status == SEGJ_OK)
        status = segj_verdict(look->scan, &plan);
    if (status == SEGJ_OK)
        look_take_plan(look, &plan);
    if (plan.section != NULL)
        segj_section_release(look->journal, plan.section);
    return status;
}

/* Between two looks at the slots, of a file that has its name after that. */
static void look_once(copy_look_t *look)
{
    segj_copy_source_t *source = look->source;
    segj_copy_slots_t slots[2];
    bool there = false;
    segj_status_t status = segj_copy_slots_read(&source->index, &slots[0]);
    look->cutting = look->passing = false;
    if (status == SEGJ_OK)
        status = look_judge(look);
    look->status = status;
    look->passing = segj_failed_in_passing(status);
    if (status != SEGJ_OK)
        return;
    status = segj_copy_files_named(&source->index, &there);
    if (status == SEGJ_OK)
        status = segj_copy_slots_read(&source->index, &slots[1]);
    look->status = status;
    source->stamp = segj_copy_slots_stamp(source->number, &slots[1]);
    look->cutting = status == SEGJ_OK && source->version == 1 &&
                    (source->stamp % 2 != 0 || segj_copy_slots_stamp(source->number, &slots[0]) != source->stamp);
    look->passing = status == SEGJ_OK && (!there || look->cutting);
}

static bool look_is_damage(segj_status_t status)
{
    return status == SEGJ_ERR_CORRUPT || status == SEGJ_ERR_MISMATCH;
}

/* It may be what a writer does in a moment, and is looked at again until it is the same twice. */
static bool look_is_doubtful(const copy_look_t *look)
{
    return look_is_damage(look->status) ||
           (look->status == SEGJ_OK && (look->records < look->watermark || look->damaged > 0 || !look->there));
}

static bool look_is_same(const copy_look_t *a, const copy_look_t *b)
{
    return a->status == b->status && a->records == b->records && a->watermark == b->watermark &&
           a->damaged == b->damaged && a->there == b->there;
}

static segj_status_t look_conclude(const copy_look_t *look)
{
    const segj_io_file_t *index = &look->source->index;
    if (look->passing)
        return segj_io_fail(SEGJ_ERR_BUSY, index, 0,
                            look->cutting ? "a cut of it has begun, and has not ended: make the copy again"
                                          : "it changed whenever it was looked at: make the copy again");
    if (look->status != SEGJ_OK)
        return look->status;
    if (look->records < look->watermark)
        return segj_io_fail(SEGJ_ERR_CORRUPT, index, 0,
                            "%llu of %llu records that were synced are gone: nothing of the section was copied",
                            (unsigned long long)(look->watermark - look->records), (unsigned long long)look->watermark);
    if (!look->there && look->records > 0)
        return segj_io_fail(SEGJ_ERR_CORRUPT, index, 0,
                            "its header, or that of the values file, is damaged: an open for writing makes it again");
    return look->there ? SEGJ_OK : SEGJ_END;
}

/* Opens the index file anew. */
static segj_status_t look_open(copy_look_t *look)
{
    segj_copy_source_t *source = look->source;
    segj_io_file_t index = {.opened = NULL};
    bool missing = false;
    segj_copy_files_drop(source);
    segj_status_t status = segj_io_open(&index, &look->journal->shared.index, source->number, SEGJ_OPEN_READ, &missing);
    source->index = index;
    if (status == SEGJ_OK && !missing)
        status = segj_io_refresh(&source->index, false);
    missing = missing || (status == SEGJ_ERR_IO && segj_last_errno() == ESTALE);
    return missing ? SEGJ_END : status;
}

static segj_status_t look_on(copy_look_t *look, segj_status_t (*wait)(void *context), void *context)
{
    copy_look_t before = {.status = SEGJ_END};
    uint64_t pause = 1000;
    for (int i = 0;; i++) {
        segj_status_t status = look_open(look);
        if (status != SEGJ_OK)
            return status;
        look_once(look);
        bool same = look_is_same(look, &before) && pause > LOOK_DOUBT;
        bool sure = !look->passing && (!look_is_doubtful(look) || same);
        if (sure || i >= LOOK_TRIES || (!look->passing && look->status != SEGJ_OK && !look_is_damage(look->status)))
            return look_conclude(look);
        before = *look;
        before.status = look->passing ? SEGJ_END : look->status;
        segj_process_sleep(pause);
        pause = segj_min_u64(2 * pause, LOOK_PAUSE);
        status = wait(context);
        if (status != SEGJ_OK)
            return status;
    }
}

segj_status_t segj_copy_files_look(oversized_t *journal, segj_scan_t *scan, uint64_t number,
                                   segj_status_t (*wait)(void *context), void *context, segj_copy_source_t *source)
{
    copy_look_t look = {.journal = journal, .scan = scan, .source = source};
    *source = (segj_copy_source_t){.reads = &segj_copy_files_reads, .journal = journal, .number = number};
    segj_status_t status = look_on(&look, wait, context);
    if (status == SEGJ_OK && source->version == 1 && !SEGJ_STORAGE_HAS(&journal->storage, file_refresh))
        status = segj_io_fail(SEGJ_ERR_INVALID, &source->index, 0,
                              "it is of version 1, which cannot be copied beside its writer in a storage without "
                              "file_refresh");
    if (status != SEGJ_OK)
        segj_copy_files_drop(source);
    else if (source->version == 2)
        segj_io_close(&source->index);
    return status;
}
