/*
 * oversized/lost/catalogue.c: the two catalogues of a quarantine, written in turn (FORMAT.md, "Quarantine").
 */
#include "oversized/lost/catalogue.h"

#include <stdlib.h>
#include <string.h>

static const char *const catalogues[2] = {"catalogue.0", "catalogue.1"};

bool segj_catalogue_is(const char *name)
{
    return strcmp(name, catalogues[0]) == 0 || strcmp(name, catalogues[1]) == 0;
}

static segj_status_t read_whole(const segj_io_partition_t *partition, const char *name, uint8_t **bytes, size_t *size)
{
    segj_io_file_t file;
    bool missing;
    uint64_t found = 0;
    *bytes = NULL;
    *size = 0;
    segj_status_t status = segj_io_open_named(&file, partition, name, SEGJ_OPEN_READ, &missing);
    if (status != SEGJ_OK || missing)
        return status;
    status = segj_io_size(&file, &found);
    if (status == SEGJ_OK && found <= segj_lost_size(SEGJ_LOST_MOST)) {
        *bytes = malloc((size_t)found + 1);
        if (*bytes == NULL)
            status = segj_fail_memory(found + 1);
        else
            status = segj_io_read(&file, 0, *bytes, (size_t)found, size);
    }
    segj_io_close(&file);
    return status;
}

static segj_status_t take_catalogue(segj_quarantine_t *quarantine, const uint8_t *bytes, size_t count)
{
    segj_loss_t *losses = malloc((count + 1) * sizeof *losses);
    if (losses == NULL)
        return segj_fail_memory((count + 1) * sizeof *losses);
    for (size_t i = 0; i < count; i++)
        losses[i] = segj_lost_decode(bytes, i);
    free(quarantine->losses);
    quarantine->losses = losses;
    quarantine->count = count;
    return SEGJ_OK;
}

/* Of the two that are written in turn the valid one with the higher number counts. */
segj_status_t segj_catalogue_load(segj_quarantine_t *quarantine)
{
    unsigned there = 0;
    unsigned valid = 0;
    segj_status_t status = SEGJ_OK;
    for (unsigned i = 0; i < 2 && status == SEGJ_OK; i++) {
        uint8_t *bytes;
        size_t size;
        size_t count;
        uint64_t sequence;
        uint32_t next;
        status = read_whole(&quarantine->partition, catalogues[i], &bytes, &size);
        there += bytes != NULL;
        if (status == SEGJ_OK && bytes != NULL && segj_lost_check(bytes, size, &count, &sequence, &next)) {
            if (valid++ == 0 || sequence > quarantine->sequence) {
                status = take_catalogue(quarantine, bytes, count);
                quarantine->newest = i;
                quarantine->sequence = sequence;
                quarantine->next_ordinal = next;
            }
        }
        free(bytes);
    }
    /* One that is invalid was being written; two are damage, and then nothing there is taken for a rest. */
    quarantine->damaged = there == 2 && valid == 0;
    return status;
}

static segj_status_t write_catalogue(const segj_quarantine_t *quarantine, const char *name, const uint8_t *bytes,
                                     size_t size)
{
    segj_io_file_t file;
    bool missing = false;
    segj_status_t status = segj_io_open_named(&file, &quarantine->partition, name, SEGJ_OPEN_WRITE, &missing);
    if (status == SEGJ_OK && missing)
        status = segj_io_open_named(&file, &quarantine->partition, name, SEGJ_OPEN_CREATE, NULL);
    if (status != SEGJ_OK)
        return status;
    status = segj_io_write(&file, 0, bytes, size);
    if (status == SEGJ_OK)
        status = segj_io_truncate(&file, size);
    if (status == SEGJ_OK)
        status = segj_io_sync(&file);
    segj_io_close(&file);
    return status == SEGJ_OK ? segj_partition_sync(&quarantine->partition) : status;
}

static segj_status_t put_catalogue(const segj_quarantine_t *quarantine, unsigned which, uint64_t sequence)
{
    size_t size = segj_lost_size(quarantine->count);
    uint8_t *bytes = malloc(size);
    if (bytes == NULL)
        return segj_fail_memory(size);
    segj_lost_encode(bytes, quarantine->losses, quarantine->count, sequence, quarantine->next_ordinal);
    segj_status_t status = write_catalogue(quarantine, catalogues[which], bytes, size);
    free(bytes);
    return status;
}

/* The catalogue that was found may be a killed process's, and not durable: it is written again, byte for byte, before
 * the other one, which may be the only durable one, is written. Before the losses change. */
segj_status_t segj_catalogue_make_durable(segj_quarantine_t *quarantine)
{
    if (quarantine->catalogue_durable || quarantine->sequence == 0)
        return SEGJ_OK;
    segj_status_t status = put_catalogue(quarantine, quarantine->newest, quarantine->sequence);
    quarantine->catalogue_durable = status == SEGJ_OK;
    return status;
}

/* Writes the older of the two. */
static segj_status_t commit_once(segj_quarantine_t *quarantine)
{
    segj_status_t status = put_catalogue(quarantine, 1 - quarantine->newest, quarantine->sequence + 1);
    if (status != SEGJ_OK)
        return status;
    quarantine->sequence++;
    quarantine->newest = 1 - quarantine->newest;
    quarantine->catalogue_durable = true;
    return SEGJ_OK;
}

/* Writes both, one after the other, so that damage to one of them loses no notice of a loss. One is enough to continue
 * with. */
segj_status_t segj_catalogue_commit(segj_quarantine_t *quarantine)
{
    segj_status_t status = commit_once(quarantine);
    if (status != SEGJ_OK)
        return status;
    status = commit_once(quarantine);
    return status == SEGJ_ERR_NO_SPACE ? SEGJ_OK : status;
}
