/*
 * oversized/tools/salvage_report.c: see the header.
 */
#include "oversized/tools/salvage_report.h"

static segj_status_t report_cancelled(void)
{
    return segj_fail(SEGJ_ERR_CANCELLED, "oversized_salvage: cancelled");
}

static void report_count(segj_salvage_report_t *report)
{
    oversized_salvaged_t *found = report->found;
    const oversized_gap_t *gap = &report->gap;
    found->values_without_entries += gap->values;
    if (gap->unsynced) {
        found->gaps_unsynced++;
        return;
    }
    found->gaps++;
    if (gap->first == OVERSIZED_UNKNOWN || gap->last == OVERSIZED_UNKNOWN)
        found->gaps_unknown++;
    else
        found->records_missing += gap->last - gap->first + 1;
}

/* The gap; `next` is the position of the record that follows it. */
static segj_status_t report_tell_gap(segj_salvage_report_t *report, uint64_t next)
{
    oversized_gap_t *gap = &report->gap;
    if (!report->has_gap)
        return SEGJ_OK;
    report->has_gap = false;
    if (next != OVERSIZED_UNKNOWN && gap->first == next)
        return SEGJ_OK; /* there were bytes, and no record */
    if (next != OVERSIZED_UNKNOWN)
        gap->last = gap->first == OVERSIZED_UNKNOWN || next > gap->first ? next - 1 : OVERSIZED_UNKNOWN;
    gap->sentence = report->why.text;
    report_count(report);
    if (report->options->on_gap != NULL && report->options->on_gap(report->options->context, gap))
        return report_cancelled();
    return SEGJ_OK;
}

/* Both. */
static segj_status_t report_tell(segj_salvage_report_t *report)
{
    segj_status_t status = report_tell_gap(report, report->has_run ? report->run.source : OVERSIZED_UNKNOWN);
    if (status != SEGJ_OK || !report->has_run)
        return status;
    report->has_run = false;
    report->found->runs++;
    if (report->options->on_run != NULL && report->options->on_run(report->options->context, &report->run))
        return report_cancelled();
    return SEGJ_OK;
}

void segj_salvage_report_begin(segj_salvage_report_t *report, uint64_t section)
{
    report->section = section;
    report->made = 0;
    report->has_gap = report->has_run = false;
}

segj_status_t segj_salvage_report_record(segj_salvage_report_t *report, uint64_t position)
{
    oversized_salvaged_run_t *run = &report->run;
    segj_status_t status = SEGJ_OK;
    bool known = position != OVERSIZED_UNKNOWN;
    bool goes_on =
        report->has_run && (run->source == OVERSIZED_UNKNOWN || !known || position == run->source + run->records);
    if (goes_on && known && run->source == OVERSIZED_UNKNOWN)
        run->source = position - run->records;
    if (!goes_on) {
        if (report->has_run)
            status = report_tell(report);
        *run = (oversized_salvaged_run_t){.section = report->section, .source = position, .made = report->made};
        report->has_run = true;
    }
    run->records++;
    report->made++;
    return status;
}

void segj_salvage_report_place(segj_salvage_report_t *report, uint64_t next)
{
    if (report->has_run && report->run.source == OVERSIZED_UNKNOWN && next >= report->run.records)
        report->run.source = next - report->run.records;
}

/* Whether the records follow those of the gap that is not told yet, for the same reason. */
static bool report_joins(const segj_salvage_report_t *report, const oversized_gap_t *gap)
{
    const oversized_gap_t *before = &report->gap;
    return report->has_gap && !report->has_run && before->status == gap->status &&
           (before->last == OVERSIZED_UNKNOWN ? gap->first == OVERSIZED_UNKNOWN : before->last + 1 == gap->first);
}

segj_status_t segj_salvage_report_lost(segj_salvage_report_t *report, const oversized_gap_t *gap)
{
    segj_sentence_t why;
    segj_keep(&why);
    if (report_joins(report, gap)) {
        report->gap.last = gap->last;
        report->gap.bytes += gap->bytes;
        report->gap.values += gap->values;
        return SEGJ_OK;
    }
    uint64_t next = report->has_run ? report->run.source : gap->first;
    segj_status_t status = report->has_run ? report_tell(report) : report_tell_gap(report, next);
    report->gap = *gap;
    report->gap.section = report->section;
    report->gap.made = report->made;
    report->why = why;
    report->has_gap = true;
    return status;
}

segj_status_t segj_salvage_report_end(segj_salvage_report_t *report, uint64_t synced)
{
    oversized_gap_t *gap = &report->gap;
    gap->unsynced = report->has_gap && !report->has_run && synced != OVERSIZED_UNKNOWN &&
                    gap->first != OVERSIZED_UNKNOWN && gap->first >= synced;
    return report_tell(report);
}
