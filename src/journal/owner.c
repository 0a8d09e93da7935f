/*
 * journal/owner.c: see the header.
 */
#include "journal/owner.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "checksum/checksum.h"
#include "journal/beside.h"
#include "journal/shared.h"

#define MAGIC UINT32_C(0x5345474f) /* "SEGO" */
#define VERSION 1
#define RANDOM_OFFSET 8
#define PROCESS_OFFSET 24
#define HOST_OFFSET 32
#define HOST_SIZE 60
#define CHECKSUM_OFFSET 92
/* How often a file is looked for that others make and remove. */
#define TRIES 8

/* --- the token --- */

static void owner_encode(uint8_t token[SEGJ_OWNER_SIZE], const segj_opener_t *opener)
{
    memset(token, 0, SEGJ_OWNER_SIZE);
    segj_put_u32(token, MAGIC);
    segj_put_u16(token + 4, VERSION);
    memcpy(token + RANDOM_OFFSET, opener->random, sizeof opener->random);
    segj_put_u64(token + PROCESS_OFFSET, opener->process);
    memcpy(token + HOST_OFFSET, opener->host, strnlen(opener->host, HOST_SIZE));
    segj_put_u32(token + CHECKSUM_OFFSET, segj_crc32(0, token, CHECKSUM_OFFSET));
}

/* Names the other opener in the sentence, as far as the bytes tell. */
static void say_foreign(const segj_io_file_t *file, const uint8_t *found, size_t size)
{
    const segj_io_partition_t *partition = file->partition;
    bool whole = size == SEGJ_OWNER_SIZE && segj_get_u32(found) == MAGIC &&
                 segj_get_u32(found + CHECKSUM_OFFSET) == segj_crc32(0, found, CHECKSUM_OFFSET);
    if (whole)
        segj_say("%s/%s/%s: process %" PRIu64 " on %.*s has opened this journal since, and may write to it: locks do "
                 "not exclude here; nothing more is written; open it again, once",
                 partition->directory, partition->name, file->name, segj_get_u64(found + PROCESS_OFFSET), HOST_SIZE,
                 (const char *)found + HOST_OFFSET);
    else
        segj_say("%s/%s/%s: another writer has written to it since, and may have opened this journal: locks do not "
                 "exclude here; nothing more is written; open it again, once",
                 partition->directory, partition->name, file->name);
}

/* --- its place --- */

/* Ends what has been done about the place. */
static void close_place(segj_owner_t *owner)
{
    segj_partition_close(&owner->place);
    free(owner->place_name);
    owner->place_name = NULL;
}

/* Opens the place where it is not the index partition; `make`: or makes it. Where it is missing it stays closed. */
static segj_status_t open_place(segj_shared_t *shared, bool make)
{
    segj_owner_t *owner = &shared->owner;
    bool missing = false;
    if (shared->format == SEGJ_FORMAT_NATIVE || owner->place.opened != NULL)
        return SEGJ_OK;
    if (owner->place_name == NULL)
        owner->place_name = segj_beside_name(shared->index.name, SEGJ_OWNER_NAME);
    if (owner->place_name == NULL)
        return segj_fail_memory(SEGJ_BESIDE_NAME_MAX);
    owner->place = shared->index;
    owner->place.name = owner->place_name;
    owner->place.opened = NULL;
    owner->place.guard = NULL;
    segj_status_t status = segj_partition_open(&owner->place, &missing);
    if (status != SEGJ_OK || !missing || !make)
        return status;
    owner->seen = true; /* that there is none */
    status = segj_partition_create(&owner->place);
    owner->place_made = status == SEGJ_OK;
    return status == SEGJ_OK ? segj_partition_open(&owner->place, NULL) : status;
}

/* The partition that the file is in. */
static segj_io_partition_t *place_of(segj_shared_t *shared)
{
    return shared->format == SEGJ_FORMAT_NATIVE ? &shared->index : &shared->owner.place;
}

/* --- claiming --- */

/* What was opened is a partition that is gone: another view of the directory has removed it, and the system of this one
 * keeps its name in memory until a removal fails that finds nothing (FUSE does). */
static segj_status_t open_place_again(segj_shared_t *shared)
{
    (void)!segj_partition_remove(&shared->owner.place);
    segj_partition_close(&shared->owner.place);
    return open_place(shared, true);
}

static bool is_place_gone(const segj_shared_t *shared, segj_status_t status)
{
    return shared->format != SEGJ_FORMAT_NATIVE && status == SEGJ_ERR_IO && segj_last_errno() == ENOENT;
}

/* Links are not followed, and a file that is none is not opened. */
static segj_status_t fail_odd_file(segj_status_t status)
{
    int code = status == SEGJ_ERR_IO ? segj_last_errno() : 0;
    if (code == ELOOP || code == EISDIR || code == EINVAL || code == ENOTDIR || code == ENXIO)
        segj_say_after("; the journal keeps a file of its own under that name: move away what has it");
    return status;
}

/* Opens the file to be written to, or makes it. */
static segj_status_t open_or_make(segj_shared_t *shared)
{
    segj_owner_t *owner = &shared->owner;
    segj_status_t status = SEGJ_OK;
    for (int i = 0; i < TRIES; i++) {
        bool missing = false;
        status = segj_io_open_named(&owner->file, place_of(shared), SEGJ_OWNER_NAME, SEGJ_OPEN_WRITE, &missing);
        if (status != SEGJ_OK || !missing)
            return fail_odd_file(status);
        owner->seen = true; /* that there is none */
        status = segj_io_open_named(&owner->file, place_of(shared), SEGJ_OWNER_NAME, SEGJ_OPEN_CREATE, NULL);
        owner->made = status == SEGJ_OK;
        if (is_place_gone(shared, status))
            status = open_place_again(shared);
        else if (status != SEGJ_ERR_CORRUPT) /* another opener has made it since */
            return status;
        if (status != SEGJ_OK && status != SEGJ_ERR_CORRUPT)
            return status;
    }
    return SEGJ_ERR_IO;
}

static segj_status_t read_before(segj_owner_t *owner)
{
    segj_status_t status = segj_io_refresh(&owner->file, false);
    if (status == SEGJ_OK)
        status = segj_io_size(&owner->file, &owner->size_before);
    return status == SEGJ_OK ? segj_io_read(&owner->file, 0, owner->before, sizeof owner->before, &owner->before_size)
                             : status;
}

static segj_status_t write_token(segj_owner_t *owner)
{
    owner->tried = true;
    segj_status_t status = segj_io_write(&owner->file, 0, owner->token, sizeof owner->token);
    if (status == SEGJ_OK)
        status = segj_io_refresh(&owner->file, true);
    if (status == SEGJ_OK)
        atomic_store(&owner->claimed, true);
    return status;
}

/* Has the file open, and its lock. */
static segj_status_t have_file(segj_shared_t *shared)
{
    segj_owner_t *owner = &shared->owner;
    segj_status_t status = open_place(shared, true);
    if (status == SEGJ_OK && owner->file.opened == NULL)
        status = open_or_make(shared);
    if (status == SEGJ_OK)
        status = segj_io_lock(&owner->file, true);
    owner->contended = status == SEGJ_ERR_LOCKED;
    return status;
}

static segj_status_t claim(segj_shared_t *shared)
{
    segj_owner_t *owner = &shared->owner;
    segj_status_t status = have_file(shared);
    if (status == SEGJ_OK)
        status = read_before(owner);
    owner->seen = owner->seen || status == SEGJ_OK;
    return status == SEGJ_OK ? write_token(owner) : status;
}

static segj_status_t guard(void *context)
{
    segj_shared_t *shared = context;
    segj_status_t status = segj_owner_check(shared);
    if (status == SEGJ_OK)
        atomic_store_explicit(&shared->owner.used, true, memory_order_relaxed);
    return status;
}

/* A directory that takes no other partition keeps a journal all the same: the application may have the right to change
 * what is in the two, and no more. */
static bool is_without_place(const segj_shared_t *shared, segj_status_t status)
{
    int code = status == SEGJ_ERR_IO ? segj_last_errno() : 0;
    return shared->format != SEGJ_FORMAT_NATIVE && shared->owner.place.opened == NULL &&
           (code == EACCES || code == EPERM || code == EROFS || code == EINVAL || code == ENAMETOOLONG ||
            code == ENOTDIR || code == ELOOP);
}

static void want_no_more(segj_shared_t *shared)
{
    shared->owner.wanted = false;
    shared->index.guard = shared->values.guard = NULL;
}

segj_status_t segj_owner_claim(segj_shared_t *shared)
{
    segj_owner_t *owner = &shared->owner;
    segj_opener_t opener;
    if (owner->wanted || !segj_io_opener(shared->index.storage, &opener))
        return SEGJ_OK;
    owner->wanted = true;
    owner_encode(owner->token, &opener);
    owner->guard = (segj_guard_t){guard, shared};
    shared->index.guard = shared->values.guard = &owner->guard;
    segj_status_t status = claim(shared);
    if (is_without_place(shared, status)) {
        want_no_more(shared);
        segj_shared_log(shared, SEGJ_LOG_WARNING, "another writer that locks do not keep out would not be noticed: %s",
                        segj_last_error());
        return SEGJ_OK;
    }
    if (status != SEGJ_ERR_NO_SPACE)
        return status;
    segj_shared_log(shared, SEGJ_LOG_WARNING, "another writer would not be noticed until there is room: %s",
                    segj_last_error());
    return SEGJ_OK;
}

/* Whether each byte is what it was before, or this opener's, whose claim may have failed when a part of it was
 * written, or all. */
static bool is_as_left(const segj_owner_t *owner, const uint8_t *found, size_t size)
{
    bool same = size >= owner->before_size;
    for (size_t i = 0; i < size && same; i++)
        same =
            (owner->tried && found[i] == owner->token[i]) || (i < owner->before_size && found[i] == owner->before[i]);
    return same;
}

/* Who has come since has the journal. */
static segj_status_t claim_late(segj_shared_t *shared)
{
    segj_owner_t *owner = &shared->owner;
    uint8_t found[SEGJ_OWNER_SIZE];
    size_t size = 0;
    segj_status_t status = have_file(shared);
    if (status == SEGJ_OK)
        status = segj_io_refresh(&owner->file, false);
    if (status == SEGJ_OK)
        status = segj_io_read(&owner->file, 0, found, sizeof found, &size);
    if (status == SEGJ_OK && !is_as_left(owner, found, size)) {
        say_foreign(&owner->file, found, size);
        return segj_shared_poison(shared, SEGJ_ERR_POISONED);
    }
    return status == SEGJ_OK ? write_token(owner) : status;
}

segj_status_t segj_owner_claim_again(segj_shared_t *shared)
{
    segj_owner_t *owner = &shared->owner;
    if (!owner->wanted || atomic_load_explicit(&owner->claimed, memory_order_relaxed))
        return SEGJ_OK;
    segj_status_t status = owner->seen ? claim_late(shared) : claim(shared);
    return status == SEGJ_ERR_NO_SPACE ? SEGJ_OK : status;
}

segj_status_t segj_owner_share(segj_shared_t *shared)
{
    segj_owner_t *owner = &shared->owner;
    segj_opener_t opener;
    bool missing = false;
    if (owner->file.opened != NULL || !segj_io_opener(shared->index.storage, &opener))
        return SEGJ_OK;
    if (open_place(shared, false) != SEGJ_OK || place_of(shared)->opened == NULL)
        return SEGJ_OK;
    segj_status_t status =
        segj_io_open_named(&owner->file, place_of(shared), SEGJ_OWNER_NAME, SEGJ_OPEN_READ, &missing);
    /* The partitions are locked. A reader that may not read this file does without the second lock. */
    return status == SEGJ_OK && !missing ? segj_io_lock(&owner->file, false) : SEGJ_OK;
}

/* --- afterwards --- */

segj_status_t segj_owner_check(segj_shared_t *shared)
{
    segj_owner_t *owner = &shared->owner;
    uint8_t found[SEGJ_OWNER_SIZE];
    size_t size = 0;
    if (!atomic_load_explicit(&owner->claimed, memory_order_acquire))
        return SEGJ_OK;
    segj_status_t status = segj_io_refresh(&owner->file, false);
    if (status == SEGJ_ERR_IO && segj_last_errno() == ESTALE) {
        segj_say_after(
            "; it was removed or replaced while the journal was open, perhaps with the whole directory: nothing "
            "more is written; open the journal again");
        return segj_shared_poison(shared, SEGJ_ERR_POISONED);
    }
    if (status == SEGJ_OK)
        status = segj_io_read(&owner->file, 0, found, sizeof found, &size);
    if (status != SEGJ_OK || (size == sizeof found && memcmp(found, owner->token, size) == 0))
        return status;
    say_foreign(&owner->file, found, size);
    segj_lock(&shared->state);
    owner->lost = true;
    segj_unlock(&shared->state);
    return segj_shared_poison(shared, SEGJ_ERR_POISONED);
}

/* The token of an opener that has come since stays. */
void segj_owner_withdraw(segj_shared_t *shared)
{
    segj_owner_t *owner = &shared->owner;
    if (owner->contended || !(owner->made || owner->tried) || atomic_load(&owner->used) ||
        segj_owner_check(shared) != SEGJ_OK)
        return;
    atomic_store(&owner->claimed, false);
    segj_status_t status;
    if (owner->made) {
        segj_io_close(&owner->file);
        status = segj_partition_unlink_named(place_of(shared), SEGJ_OWNER_NAME);
        if (status == SEGJ_OK && owner->place_made)
            status = segj_partition_remove(&owner->place);
    } else {
        status = segj_io_write(&owner->file, 0, owner->before, owner->before_size);
        if (status == SEGJ_OK)
            status = segj_io_truncate(&owner->file, owner->size_before);
        if (status == SEGJ_OK)
            status = segj_io_refresh(&owner->file, true);
    }
    if (status != SEGJ_OK)
        segj_shared_log(shared, SEGJ_LOG_WARNING, "the owner's file could not be put back: %s", segj_last_error());
}

segj_status_t segj_owner_remove(segj_shared_t *shared)
{
    segj_status_t status = segj_owner_check(shared);
    if (status != SEGJ_OK || !shared->owner.wanted)
        return status;
    atomic_store(&shared->owner.claimed, false);
    segj_io_close(&shared->owner.file); /* on FUSE an open file would keep a name */
    status = segj_partition_unlink_named(place_of(shared), SEGJ_OWNER_NAME);
    if (status == SEGJ_OK && shared->owner.place_name != NULL)
        status = segj_partition_remove(&shared->owner.place);
    return status;
}

void segj_owner_close(segj_shared_t *shared)
{
    segj_io_close(&shared->owner.file);
    close_place(&shared->owner);
}
