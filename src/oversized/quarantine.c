/*
 * oversized/quarantine.c: see the header.
 */
#include "oversized/quarantine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"
#include "checksum/checksum.h"
#include "oversized/catalogue.h"

#define ITEM_NAME SEGJ_ITEM_NAME
#define QUARANTINE_PARTITION_NAME_MAX 255
static const char suffix[] = ".lost";

/* --- names --- */

/* "." NAME ".lost"; a name that leaves no room for that is shortened, and a checksum tells it from others that begin
 * alike. */
static char *partition_name(const char *index)
{
    size_t length = strlen(index);
    size_t room = length + 1 + sizeof suffix;
    char *name = malloc(room);
    if (name == NULL)
        return NULL;
    if (room - 1 <= QUARANTINE_PARTITION_NAME_MAX)
        (void)snprintf(name, room, ".%s%s", index, suffix);
    else
        (void)snprintf(name, room, ".%.*s-%08" PRIx32 "%s", QUARANTINE_PARTITION_NAME_MAX - 15, index,
                       segj_crc32(0, (const uint8_t *)index, length), suffix);
    return name;
}

static void item_name(const segj_loss_t *loss, bool values, char name[ITEM_NAME])
{
    (void)snprintf(name, ITEM_NAME, "%016" PRIx64 ".%s.%" PRIu32 ".%" PRIu64, loss->section,
                   values ? "values" : "index", loss->ordinal, values ? loss->values_offset : loss->index_offset);
}

/* Digits to the end of the name: the item's offset. */
static bool is_number(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* The ordinal of an item's name; false where it is none. */
static bool parse_item(const char *name, uint32_t *ordinal)
{
    static const char *const kinds[2] = {".index.", ".values."};
    uint64_t section;
    char number[SEGJ_NAME_LENGTH + 1];
    if (strlen(name) <= SEGJ_NAME_LENGTH || strlen(name) >= ITEM_NAME)
        return false;
    memcpy(number, name, SEGJ_NAME_LENGTH);
    number[SEGJ_NAME_LENGTH] = '\0';
    for (int kind = 0; kind < 2 && segj_section_parse(number, &section); kind++) {
        size_t length = strlen(kinds[kind]);
        if (strncmp(name + SEGJ_NAME_LENGTH, kinds[kind], length) != 0)
            continue;
        char *end;
        *ordinal = (uint32_t)strtoul(name + SEGJ_NAME_LENGTH + length, &end, 10);
        return end[0] == '.' && is_number(end + 1);
    }
    return false;
}

/* --- the beginning of it --- */

/* Something else has the name, or it may not be opened. Reading goes on without what it may tell. */
static segj_status_t odd_partition(const oversized_t *journal, const oversized_config_t *config)
{
    segj_say_behind("; what was lost before, and set aside, is looked for there: move it away or make it readable");
    if (!config->read_only)
        return SEGJ_ERR_IO;
    segj_env_log(&journal->env, SEGJ_LOG_WARNING, "earlier losses are not known: %s", segj_last_error());
    return SEGJ_OK;
}

segj_status_t segj_quarantine_open(oversized_t *journal, const oversized_config_t *config)
{
    segj_quarantine_t *quarantine = &journal->quarantine;
    bool missing = false;
    segj_quarantine_free(journal); /* an open that begins anew */
    *quarantine = (segj_quarantine_t){0};
    quarantine->limit = config->quarantine;
    quarantine->newest = 1;
    quarantine->name = partition_name(journal->index_name);
    size_t size = strlen(journal->directory) + QUARANTINE_PARTITION_NAME_MAX + 2;
    quarantine->path = malloc(size);
    if (quarantine->name == NULL || quarantine->path == NULL)
        return segj_fail_memory(size);
    (void)snprintf(quarantine->path, size, "%s/%s", journal->directory, quarantine->name);
    quarantine->part = journal->env.index;
    quarantine->part.name = quarantine->name;
    quarantine->part.opened = NULL;
    quarantine->part.guard = NULL;
    segj_status_t status = segj_part_open(&quarantine->part, &missing);
    /* A storage that has no such names keeps no quarantine. */
    int code = status == SEGJ_ERR_IO ? segj_last_errno() : 0;
    if (code == EINVAL)
        return SEGJ_OK;
    if (code == ENOTDIR || code == ELOOP || code == EACCES || code == EPERM)
        return odd_partition(journal, config);
    if (status != SEGJ_OK || missing)
        return status;
    status = segj_catalogue_load(quarantine);
    if (status == SEGJ_OK && quarantine->damaged)
        segj_env_log(&journal->env, SEGJ_LOG_ERROR,
                     "%s: both catalogues are damaged: what was lost before is not known", quarantine->path);
    return status;
}

/* --- items --- */

static segj_status_t unlink_items(const segj_quarantine_t *quarantine, const segj_loss_t *loss)
{
    char name[ITEM_NAME];
    segj_status_t status = SEGJ_OK;
    for (int values = 0; values < 2 && status == SEGJ_OK; values++) {
        if ((values ? loss->values_size : loss->index_size) == 0)
            continue;
        item_name(loss, values != 0, name);
        status = segj_part_unlink_named(&quarantine->part, name);
    }
    return status;
}

static void quarantine_forget(segj_quarantine_t *quarantine, size_t at)
{
    quarantine->count--;
    memmove(&quarantine->losses[at], &quarantine->losses[at + 1],
            (quarantine->count - at) * sizeof *quarantine->losses);
}

/* Gives up the oldest that was acknowledged; false where there is none. */
static bool drop_oldest(segj_quarantine_t *quarantine, segj_status_t *status)
{
    for (size_t i = 0; i < quarantine->count; i++) {
        const segj_loss_t *loss = &quarantine->losses[i];
        if (!loss->acknowledged || loss->index_size + loss->values_size == 0)
            continue;
        *status = unlink_items(quarantine, loss);
        if (*status != SEGJ_OK)
            return false;
        quarantine_forget(quarantine, i);
        return true;
    }
    return false;
}

static uint64_t bytes_held(const segj_quarantine_t *quarantine)
{
    uint64_t held = 0;
    for (size_t i = 0; i < quarantine->count; i++)
        held += quarantine->losses[i].index_size + quarantine->losses[i].values_size;
    return held;
}

/** A range of a section's file. */
typedef struct quarantine_range {
    const segj_part_t *part;
    uint64_t section, offset, size;
} quarantine_range_t;

/* Passes it through the window: into `to`, or nowhere; and gives its checksum. */
static segj_status_t pass(segj_scan_t *scan, const segj_io_file_t *from, const quarantine_range_t *range,
                          const segj_io_file_t *to, uint32_t *crc)
{
    uint64_t done = 0;
    segj_status_t status = segj_scan_have_window(scan);
    while (done < range->size && status == SEGJ_OK) {
        size_t part = (size_t)segj_min_u64(range->size - done, SEGJ_SCAN_WINDOW);
        status = segj_io_read(from, range->offset + done, scan->window, part, NULL);
        if (status != SEGJ_OK)
            break;
        *crc = segj_crc32(*crc, scan->window, part);
        if (to != NULL)
            status = segj_io_write(to, done, scan->window, part);
        done += part;
    }
    return status;
}

static segj_status_t copy_range(segj_scan_t *scan, const quarantine_range_t *range, const segj_io_file_t *to,
                                uint32_t *crc)
{
    segj_io_file_t from;
    *crc = 0;
    if (range->size == 0)
        return SEGJ_OK;
    segj_status_t status = segj_io_open(&from, range->part, range->section, SEGJ_OPEN_READ, NULL);
    if (status != SEGJ_OK)
        return status;
    status = pass(scan, &from, range, to, crc);
    segj_io_close(&from);
    return status;
}

/* Makes an item, durable but for its name. */
static segj_status_t make_item(segj_scan_t *scan, const quarantine_range_t *range, const char *name, uint32_t *crc)
{
    segj_io_file_t to;
    if (range->size == 0)
        return SEGJ_OK;
    segj_status_t status = segj_io_open_named(&to, &scan->journal->quarantine.part, name, SEGJ_OPEN_CREATE, NULL);
    if (status != SEGJ_OK)
        return status;
    status = copy_range(scan, range, &to, crc);
    if (status == SEGJ_OK)
        status = segj_io_sync(&to);
    segj_io_close(&to);
    return status;
}

static quarantine_range_t range_of(const segj_env_t *env, const segj_loss_t *loss, bool values)
{
    return values ? (quarantine_range_t){&env->values, loss->section, loss->values_offset, loss->values_size}
                  : (quarantine_range_t){&env->index, loss->section, loss->index_offset, loss->index_size};
}

/* --- one loss --- */

static uint64_t quarantine_behind(uint64_t size, uint64_t from)
{
    return size > from ? size - from : 0;
}

/* What the repair will cut: from the page on that it shortens or takes away, and from the end of the values that
 * stay. */
static segj_loss_t loss_of(const oversized_t *journal, const segj_plan_t *plan)
{
    const segj_env_t *env = &journal->env;
    uint64_t page = plan->records * env->record_size / env->page_size;
    segj_loss_t loss = {.section = plan->number, .lost = segj_plan_lost(plan), .kept = plan->records};
    loss.index_offset = plan->section->index.handle.file.data + page * segj_page_physical(env->page_size);
    loss.index_size = quarantine_behind(plan->index_size, loss.index_offset);
    loss.values_offset = plan->section->values.handle.file.data + plan->end;
    loss.values_size = quarantine_behind(plan->value_size, loss.values_offset);
    return loss;
}

/* Lets older items go where the bound asks for it, and takes what then fits: the index first, then values from their
 * start. */
static segj_status_t fit(segj_quarantine_t *quarantine, segj_loss_t *loss)
{
    uint64_t wanted = loss->index_size + loss->values_size;
    segj_status_t status = SEGJ_OK;
    while (wanted > 0 && quarantine_behind(quarantine->limit, bytes_held(quarantine)) < wanted &&
           drop_oldest(quarantine, &status))
        continue;
    uint64_t room = quarantine_behind(quarantine->limit, bytes_held(quarantine));
    loss->index_size = segj_min_u64(loss->index_size, room);
    loss->values_size = segj_min_u64(loss->values_size, room - loss->index_size);
    loss->missed = wanted - loss->index_size - loss->values_size;
    return status;
}

static bool alike(const segj_loss_t *noted, const segj_loss_t *loss)
{
    return !noted->acknowledged && noted->section == loss->section && noted->lost == loss->lost &&
           noted->kept == loss->kept && noted->index_offset == loss->index_offset &&
           noted->values_offset == loss->values_offset && noted->index_size <= loss->index_size &&
           noted->values_size <= loss->values_size &&
           noted->index_size + noted->values_size + noted->missed == loss->index_size + loss->values_size;
}

/* An open that was cut off has set the very same bytes aside: its copy goes, because a killed process's need not be
 * durable, and is made again. */
static segj_status_t drop_copy(segj_scan_t *scan, const segj_loss_t *loss)
{
    segj_quarantine_t *quarantine = &scan->journal->quarantine;
    segj_status_t status = SEGJ_OK;
    for (size_t i = quarantine->count; i-- > 0 && status == SEGJ_OK;) {
        const segj_loss_t *at = &quarantine->losses[i];
        const quarantine_range_t index = range_of(&scan->journal->env, at, false);
        const quarantine_range_t values = range_of(&scan->journal->env, at, true);
        uint32_t crcs[2] = {0, 0};
        if (!alike(at, loss))
            continue;
        status = copy_range(scan, &index, NULL, &crcs[0]);
        if (status == SEGJ_OK)
            status = copy_range(scan, &values, NULL, &crcs[1]);
        if (status != SEGJ_OK || crcs[0] != at->index_crc || crcs[1] != at->values_crc)
            continue;
        status = unlink_items(quarantine, at);
        quarantine_forget(quarantine, i);
    }
    return status;
}

/* Both items of a loss. What fails leaves none, or what the next open removes, because no catalogue lists it. */
static segj_status_t make_items(segj_scan_t *scan, segj_loss_t *loss)
{
    const quarantine_range_t index = range_of(&scan->journal->env, loss, false);
    const quarantine_range_t values = range_of(&scan->journal->env, loss, true);
    char name[ITEM_NAME];
    item_name(loss, false, name);
    segj_status_t status = make_item(scan, &index, name, &loss->index_crc);
    item_name(loss, true, name);
    if (status == SEGJ_OK)
        status = make_item(scan, &values, name, &loss->values_crc);
    if (status == SEGJ_OK)
        return SEGJ_OK;
    char cause[SEGJ_POISON_CAPACITY];
    (void)snprintf(cause, sizeof cause, "%s", segj_last_error());
    (void)!unlink_items(&scan->journal->quarantine, loss);
    segj_say("%s", cause);
    return status;
}

static segj_status_t quarantine_add(segj_quarantine_t *quarantine, const segj_loss_t *loss)
{
    segj_loss_t *more = realloc(quarantine->losses, (quarantine->count + 1) * sizeof *more);
    if (more == NULL)
        return segj_fail_memory((quarantine->count + 1) * sizeof *more);
    quarantine->losses = more;
    quarantine->losses[quarantine->count++] = *loss;
    return SEGJ_OK;
}

/* As long as acknowledged losses are there to make room. */
static segj_status_t make_items_somehow(segj_scan_t *scan, segj_loss_t *loss)
{
    for (;;) {
        segj_status_t dropped = SEGJ_OK;
        segj_status_t status = make_items(scan, loss);
        if (status != SEGJ_ERR_NO_SPACE || !drop_oldest(&scan->journal->quarantine, &dropped))
            return dropped != SEGJ_OK ? dropped : status;
    }
}

static void say_missed(const oversized_t *journal, const segj_loss_t *loss)
{
    if (loss->missed > 0)
        segj_env_log(&journal->env, SEGJ_LOG_ERROR,
                     "%s: %" PRIu64 " bytes of section %" PRIu64 " are cut and not set aside: the bound of the "
                     "quarantine, config.quarantine, is %" PRIu64 " bytes",
                     journal->directory, loss->missed, loss->section, journal->quarantine.limit);
}

static segj_status_t keep_one(segj_scan_t *scan, const segj_plan_t *plan)
{
    segj_quarantine_t *quarantine = &scan->journal->quarantine;
    segj_loss_t loss = loss_of(scan->journal, plan);
    segj_status_t status = drop_copy(scan, &loss);
    if (status != SEGJ_OK)
        return status;
    loss.ordinal = quarantine->next_ordinal++;
    loss.when = (uint64_t)time(NULL);
    status = fit(quarantine, &loss);
    if (status == SEGJ_OK)
        status = make_items_somehow(scan, &loss);
    if (status == SEGJ_OK)
        status = quarantine_add(quarantine, &loss);
    if (status == SEGJ_OK)
        say_missed(scan->journal, &loss);
    return status;
}

/* --- all of them --- */

/** Names that a listing has found. */
typedef struct found {
    char (*names)[ITEM_NAME];
    size_t count, capacity;
    bool failed;
} found_t;

static int collect(void *context, const char *name, segj_entry_kind_t kind)
{
    found_t *found = context;
    uint32_t ordinal;
    if (kind != SEGJ_ENTRY_FILE || strlen(name) >= ITEM_NAME ||
        (!parse_item(name, &ordinal) && !segj_catalogue_is(name)))
        return 0; /* not ours: it stays */
    if (found->count == found->capacity) {
        size_t capacity = found->capacity > 0 ? 2 * found->capacity : 16;
        char(*names)[ITEM_NAME] = realloc(found->names, capacity * sizeof *names);
        if (names == NULL) {
            found->failed = true;
            return ECANCELED;
        }
        found->names = names;
        found->capacity = capacity;
    }
    (void)snprintf(found->names[found->count++], ITEM_NAME, "%s", name);
    return 0;
}

static segj_status_t list(const segj_quarantine_t *quarantine, found_t *found)
{
    *found = (found_t){0};
    segj_status_t status = segj_part_visit(&quarantine->part, collect, found, &found->count);
    if (found->failed)
        status = segj_fail_memory(found->capacity * ITEM_NAME);
    if (status != SEGJ_OK)
        free(found->names);
    return status;
}

/* Losses are ascending by their ordinals, also behind a discard. */
static bool is_catalogued(const segj_quarantine_t *quarantine, const char *name, uint32_t ordinal)
{
    size_t low = 0;
    size_t high = quarantine->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (quarantine->losses[middle].ordinal < ordinal)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = false;
    for (int values = 0; values < 2 && low < quarantine->count && !found; values++) {
        char item[ITEM_NAME];
        item_name(&quarantine->losses[low], values != 0, item);
        found = strcmp(item, name) == 0;
    }
    return found;
}

/* Removes the items that no catalogue lists, and goes on behind every ordinal that was used. */
static segj_status_t clean(segj_quarantine_t *quarantine)
{
    found_t found;
    segj_status_t status = list(quarantine, &found);
    if (status != SEGJ_OK)
        return status;
    for (size_t i = 0; i < found.count && status == SEGJ_OK; i++) {
        uint32_t ordinal;
        if (!parse_item(found.names[i], &ordinal))
            continue;
        if (ordinal >= quarantine->next_ordinal)
            quarantine->next_ordinal = ordinal + 1;
        if (!quarantine->damaged && !is_catalogued(quarantine, found.names[i], ordinal))
            status = segj_part_unlink_named(&quarantine->part, found.names[i]);
    }
    free(found.names);
    return status;
}

/* Its name is made durable also where it is there: an open that was cut off may have made it. */
static segj_status_t make_partition(oversized_t *journal)
{
    segj_quarantine_t *quarantine = &journal->quarantine;
    segj_status_t status = SEGJ_OK;
    if (quarantine->part.opened == NULL) {
        quarantine->leaving = false;
        status = segj_part_create(&quarantine->part);
        if (status == SEGJ_OK)
            status = segj_part_open(&quarantine->part, NULL);
    }
    return status == SEGJ_OK ? segj_part_sync_directory(&quarantine->part) : status;
}

/* Takes back what was added behind the first `count`. */
static void quarantine_take_back(segj_quarantine_t *quarantine, uint32_t first)
{
    char cause[SEGJ_POISON_CAPACITY];
    (void)snprintf(cause, sizeof cause, "%s", segj_last_error());
    while (quarantine->count > 0 && quarantine->losses[quarantine->count - 1].ordinal >= first) {
        if (unlink_items(quarantine, &quarantine->losses[quarantine->count - 1]) != SEGJ_OK)
            segj_say("%s", cause); /* the next open removes it */
        quarantine->count--;
    }
    segj_say("%s", cause);
}

/* *kept: something was, and the catalogue is to be written. */
static segj_status_t keep_each(segj_scan_t *scan, segj_plan_t *plans, size_t count, bool *kept)
{
    segj_status_t status = SEGJ_OK;
    for (size_t i = 0; i < count && status == SEGJ_OK; i++) {
        if (segj_plan_unwanted_loss(&plans[i]) == 0 || plans[i].noted)
            continue;
        status = keep_one(scan, &plans[i]);
        plans[i].noted = status == SEGJ_OK;
        *kept = *kept || status == SEGJ_OK;
        if (status == SEGJ_ERR_NO_SPACE)
            status = SEGJ_OK; /* another one may fit */
    }
    return status;
}

static segj_status_t keep_and_note(segj_scan_t *scan, segj_plan_t *plans, size_t count)
{
    segj_quarantine_t *quarantine = &scan->journal->quarantine;
    bool kept = false;
    segj_status_t status = make_partition(scan->journal);
    if (status == SEGJ_OK)
        status = segj_catalogue_settle(quarantine);
    if (status == SEGJ_OK)
        status = clean(quarantine);
    if (status != SEGJ_OK)
        return status;
    uint32_t first = quarantine->next_ordinal;
    status = keep_each(scan, plans, count, &kept);
    if (status == SEGJ_OK && kept)
        status = segj_part_sync(&quarantine->part);
    if (status == SEGJ_OK && kept)
        status = segj_catalogue_commit(quarantine);
    if (status == SEGJ_OK)
        return SEGJ_OK;
    quarantine_take_back(quarantine, first);
    for (size_t i = 0; i < count; i++)
        plans[i].noted = false;
    return status;
}

segj_status_t segj_quarantine_keep(segj_scan_t *scan, segj_plan_t *plans, size_t count)
{
    bool lost = false;
    for (size_t i = 0; i < count; i++)
        lost = lost || (segj_plan_unwanted_loss(&plans[i]) > 0 && !plans[i].noted);
    if (!lost || scan->journal->env.format != SEGJ_FORMAT_NATIVE)
        return SEGJ_OK;
    segj_status_t status = keep_and_note(scan, plans, count);
    if (status == SEGJ_ERR_NO_SPACE)
        return SEGJ_OK; /* plan->noted says so */
    return status == SEGJ_OK ? SEGJ_OK : segj_context(status, "setting aside what is lost");
}

void segj_quarantine_report(oversized_t *journal)
{
    const segj_quarantine_t *quarantine = &journal->quarantine;
    oversized_recovery_t *found = &journal->recovery;
    for (size_t i = 0; i < quarantine->count; i++) {
        const segj_loss_t *loss = &quarantine->losses[i];
        bool again = false;
        if (loss->acknowledged)
            continue;
        for (size_t k = 0; k < i && !again; k++)
            again = !quarantine->losses[k].acknowledged && quarantine->losses[k].section == loss->section;
        found->unacknowledged_records += loss->lost;
        found->unacknowledged_sections += !again;
        found->unacknowledged_bytes_missed += loss->missed;
    }
    found->quarantine_bytes = bytes_held(quarantine);
    found->quarantine = quarantine->part.opened != NULL ? quarantine->path : NULL;
    if (found->unacknowledged_records > 0)
        segj_env_log(
            &journal->env, SEGJ_LOG_ERROR,
            "%s: %llu records that were synced, of %llu sections, are lost, which nobody has acknowledged yet; "
            "%llu bytes are set aside in %s, %llu bytes were not",
            journal->directory, (unsigned long long)found->unacknowledged_records,
            (unsigned long long)found->unacknowledged_sections, (unsigned long long)found->quarantine_bytes,
            quarantine->path, (unsigned long long)found->unacknowledged_bytes_missed);
}

/* --- the end of it --- */

segj_status_t segj_quarantine_look(oversized_t *journal)
{
    segj_quarantine_t *quarantine = &journal->quarantine;
    found_t found;
    free(quarantine->names);
    quarantine->names = NULL;
    quarantine->name_count = 0;
    if (quarantine->part.opened == NULL)
        return SEGJ_OK;
    segj_status_t status = list(quarantine, &found);
    if (status != SEGJ_OK)
        return status;
    quarantine->names = found.names;
    quarantine->name_count = found.count;
    return SEGJ_OK;
}

static segj_status_t remove_names(segj_quarantine_t *quarantine)
{
    segj_status_t status = SEGJ_OK;
    for (size_t i = 0; i < quarantine->name_count && status == SEGJ_OK; i++)
        status = segj_part_unlink_named(&quarantine->part, quarantine->names[i]);
    return status == SEGJ_OK ? segj_part_sync(&quarantine->part) : status;
}

segj_status_t segj_quarantine_remove(oversized_t *journal)
{
    segj_quarantine_t *quarantine = &journal->quarantine;
    if (quarantine->part.opened == NULL && !quarantine->leaving)
        return SEGJ_OK;
    segj_status_t status = quarantine->part.opened != NULL ? remove_names(quarantine) : SEGJ_OK;
    if (status != SEGJ_OK)
        return status;
    quarantine->count = 0;
    quarantine->sequence = 0;
    quarantine->newest = 1;
    quarantine->leaving = true;
    status = segj_part_remove(&quarantine->part);
    if (status == SEGJ_OK)
        segj_part_close(&quarantine->part);
    return status;
}

void segj_quarantine_free(oversized_t *journal)
{
    segj_quarantine_t *quarantine = &journal->quarantine;
    segj_part_close(&quarantine->part);
    free(quarantine->names);
    free(quarantine->losses);
    free(quarantine->name);
    free(quarantine->path);
}

/* What open could not set aside is cut, and noted, before it is acknowledged. */
static segj_status_t settle_losses(oversized_t *journal)
{
    segj_status_t status = SEGJ_OK;
    for (size_t i = 0; journal->unrepaired > 0 && i < journal->sections.count && status == SEGJ_OK; i++) {
        segj_section_t *section = (segj_section_t *)(void *)journal->sections.order[i];
        if (section->unrepaired != NULL && segj_plan_unwanted_loss(section->unrepaired) > 0)
            status = segj_section_settle_inherited(journal, section);
    }
    return status;
}

static segj_status_t acknowledge(oversized_t *journal)
{
    segj_quarantine_t *quarantine = &journal->quarantine;
    segj_status_t status = settle_losses(journal);
    if (status != SEGJ_OK || quarantine->count == 0)
        return status;
    status = segj_catalogue_settle(quarantine);
    if (status != SEGJ_OK)
        return status;
    size_t open = 0;
    bool *before = calloc(quarantine->count, sizeof *before);
    if (before == NULL)
        return segj_fail_memory(quarantine->count * sizeof *before);
    for (size_t i = 0; i < quarantine->count; i++) {
        before[i] = quarantine->losses[i].acknowledged;
        open += !before[i];
        quarantine->losses[i].acknowledged = true;
    }
    status = open > 0 ? segj_catalogue_commit(quarantine) : SEGJ_OK;
    for (size_t i = 0; status != SEGJ_OK && i < quarantine->count; i++)
        quarantine->losses[i].acknowledged = before[i];
    free(before);
    return status;
}

/* The catalogue without what is acknowledged; where it cannot be written things are as they were. */
static segj_status_t commit_without_acknowledged(segj_quarantine_t *quarantine, size_t kept)
{
    segj_loss_t *all = quarantine->losses;
    size_t count = quarantine->count;
    segj_loss_t *left = malloc((kept + 1) * sizeof *left);
    if (left == NULL)
        return segj_fail_memory((kept + 1) * sizeof *left);
    quarantine->losses = left;
    quarantine->count = 0;
    for (size_t i = 0; i < count; i++)
        if (!all[i].acknowledged)
            left[quarantine->count++] = all[i];
    segj_status_t status = segj_catalogue_commit(quarantine);
    if (status != SEGJ_OK) {
        quarantine->losses = all;
        quarantine->count = count;
    }
    free(status == SEGJ_OK ? all : left);
    return status;
}

/* The catalogue without them comes first: items that it does not list are the rest of this, and go. What the other one
 * says is acknowledged too, so that it may be the one that a power cut leaves. */
static segj_status_t discard(oversized_t *journal)
{
    segj_quarantine_t *quarantine = &journal->quarantine;
    size_t kept = 0;
    if (quarantine->part.opened == NULL && !quarantine->leaving)
        return SEGJ_OK;
    for (size_t i = 0; i < quarantine->count; i++)
        kept += !quarantine->losses[i].acknowledged;
    segj_status_t status = kept < quarantine->count ? segj_catalogue_settle(quarantine) : SEGJ_OK;
    if (status == SEGJ_OK && kept < quarantine->count)
        status = commit_without_acknowledged(quarantine, kept);
    if (status == SEGJ_OK && kept == 0 && !quarantine->damaged) {
        status = segj_quarantine_look(journal);
        if (status == SEGJ_OK)
            status = segj_quarantine_remove(journal);
        if (status == SEGJ_ERR_IO && segj_last_errno() == ENOTEMPTY)
            status = SEGJ_OK; /* what somebody has put there keeps the directory */
        if (status == SEGJ_OK)
            status = segj_part_sync_directory(&journal->env.index);
        quarantine->leaving = quarantine->leaving && status != SEGJ_OK;
        return status;
    }
    if (status == SEGJ_OK)
        status = clean(quarantine);
    return status == SEGJ_OK ? segj_part_sync(&quarantine->part) : status;
}

static segj_status_t change(oversized_t *journal, segj_status_t (*what)(oversized_t *journal))
{
    segj_lock(&journal->change);
    segj_status_t status = segj_journal_changeable(journal);
    if (status == SEGJ_OK && journal->env.format == SEGJ_FORMAT_NATIVE)
        status = what(journal);
    segj_unlock(&journal->change);
    return status;
}

segj_status_t oversized_acknowledge_losses(oversized_t *journal)
{
    SEGJ_ENTER(journal, oversized_acknowledge_losses(journal));
    return change(journal, acknowledge);
}

segj_status_t oversized_discard_quarantine(oversized_t *journal)
{
    SEGJ_ENTER(journal, oversized_discard_quarantine(journal));
    return change(journal, discard);
}
