/*
 * journal/owner.c: see the header.
 */
#include "journal/owner.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "checksum/checksum.h"
#include "journal/env.h"

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

/* Says who has opened the journal, as far as the bytes tell. */
static void say_foreign(const segj_io_file_t *file, const uint8_t *found, size_t size)
{
    const segj_part_t *part = file->part;
    bool whole = size == SEGJ_OWNER_SIZE && segj_get_u32(found) == MAGIC &&
                 segj_get_u32(found + CHECKSUM_OFFSET) == segj_crc32(0, found, CHECKSUM_OFFSET);
    if (whole)
        segj_say("%s/%s/%s: process %" PRIu64
                 " on %.*s has opened this journal meanwhile, and may write to it: locks do "
                 "not exclude here; nothing more is written; open it again, once",
                 part->directory, part->name, file->name, segj_get_u64(found + PROCESS_OFFSET), HOST_SIZE,
                 (const char *)found + HOST_OFFSET);
    else
        segj_say("%s/%s/%s: somebody else has written to it meanwhile, and may have opened this journal: locks do not "
                 "exclude here; nothing more is written; open it again, once",
                 part->directory, part->name, file->name);
}

/* --- claiming --- */

/* Opens the file to be written to, or makes it. */
static segj_status_t open_or_make(segj_env_t *env)
{
    segj_owner_t *owner = &env->owner;
    segj_status_t status = SEGJ_OK;
    for (int i = 0; i < TRIES; i++) {
        bool missing = false;
        status = segj_io_open_named(&owner->file, &env->index, SEGJ_OWNER_NAME, SEGJ_OPEN_WRITE, &missing);
        if (status != SEGJ_OK || !missing)
            return status;
        status = segj_io_open_named(&owner->file, &env->index, SEGJ_OWNER_NAME, SEGJ_OPEN_CREATE, NULL);
        owner->made = status == SEGJ_OK;
        if (status != SEGJ_ERR_CORRUPT) /* somebody else has made it since */
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

static segj_status_t claim(segj_env_t *env)
{
    segj_owner_t *owner = &env->owner;
    segj_status_t status = owner->file.opened == NULL ? open_or_make(env) : SEGJ_OK;
    if (status == SEGJ_OK)
        status = segj_io_lock(&owner->file, true);
    owner->contended = status == SEGJ_ERR_LOCKED;
    if (status == SEGJ_OK)
        status = read_before(owner);
    return status == SEGJ_OK ? write_token(owner) : status;
}

static segj_status_t guard(void *context)
{
    segj_env_t *env = context;
    segj_status_t status = segj_owner_check(env);
    if (status == SEGJ_OK)
        atomic_store_explicit(&env->owner.used, true, memory_order_relaxed);
    return status;
}

segj_status_t segj_owner_claim(segj_env_t *env)
{
    segj_owner_t *owner = &env->owner;
    segj_opener_t opener;
    /* Commonware files are shared with a program that takes no other name in its partitions. */
    if (env->format != SEGJ_FORMAT_NATIVE || owner->wanted || !segj_io_opener(env->index.storage, &opener))
        return SEGJ_OK;
    owner->wanted = true;
    owner_encode(owner->token, &opener);
    owner->guard = (segj_guard_t){guard, env};
    env->index.guard = env->values.guard = &owner->guard;
    segj_status_t status = claim(env);
    if (status != SEGJ_ERR_NO_SPACE)
        return status;
    segj_env_log(env, SEGJ_LOG_WARNING, "another writer would not be noticed until there is room: %s",
                 segj_last_error());
    return SEGJ_OK;
}

segj_status_t segj_owner_claim_again(segj_env_t *env)
{
    segj_owner_t *owner = &env->owner;
    uint8_t found[SEGJ_OWNER_SIZE];
    size_t size = 0;
    if (!owner->wanted || atomic_load_explicit(&owner->claimed, memory_order_relaxed))
        return SEGJ_OK;
    segj_status_t status = SEGJ_OK;
    if (owner->file.opened == NULL || owner->made) {
        status = claim(env);
    } else {
        status = segj_io_refresh(&owner->file, false);
        if (status == SEGJ_OK)
            status = segj_io_read(&owner->file, 0, found, sizeof found, &size);
        if (status == SEGJ_OK && (size != owner->before_size || memcmp(found, owner->before, size) != 0)) {
            say_foreign(&owner->file, found, size);
            return segj_env_poison(env, SEGJ_ERR_POISONED);
        }
        if (status == SEGJ_OK)
            status = write_token(owner);
    }
    return status == SEGJ_ERR_NO_SPACE ? SEGJ_OK : status;
}

segj_status_t segj_owner_share(segj_env_t *env)
{
    segj_owner_t *owner = &env->owner;
    segj_opener_t opener;
    bool missing = false;
    if (env->format != SEGJ_FORMAT_NATIVE || owner->file.opened != NULL || !segj_io_opener(env->index.storage, &opener))
        return SEGJ_OK;
    segj_status_t status = segj_io_open_named(&owner->file, &env->index, SEGJ_OWNER_NAME, SEGJ_OPEN_READ, &missing);
    /* The partitions are locked; who may not read this file does without the second lock. */
    return status == SEGJ_OK && !missing ? segj_io_lock(&owner->file, false) : SEGJ_OK;
}

/* --- afterwards --- */

segj_status_t segj_owner_check(segj_env_t *env)
{
    segj_owner_t *owner = &env->owner;
    uint8_t found[SEGJ_OWNER_SIZE];
    size_t size = 0;
    if (!atomic_load_explicit(&owner->claimed, memory_order_acquire))
        return SEGJ_OK;
    segj_status_t status = segj_io_refresh(&owner->file, false);
    if (status == SEGJ_ERR_IO && segj_last_errno() == ESTALE) {
        segj_say_behind(
            "; it was removed or replaced while the journal was open, perhaps with the whole directory: nothing "
            "more is written; open the journal again");
        return segj_env_poison(env, SEGJ_ERR_POISONED);
    }
    if (status == SEGJ_OK)
        status = segj_io_read(&owner->file, 0, found, sizeof found, &size);
    if (status != SEGJ_OK || (size == sizeof found && memcmp(found, owner->token, size) == 0))
        return status;
    say_foreign(&owner->file, found, size);
    segj_lock(&env->state);
    owner->lost = true;
    segj_unlock(&env->state);
    return segj_env_poison(env, SEGJ_ERR_POISONED);
}

/* The token of somebody who came meanwhile stays. */
void segj_owner_withdraw(segj_env_t *env)
{
    segj_owner_t *owner = &env->owner;
    if (owner->contended || !(owner->made || owner->tried) || atomic_load(&owner->used) ||
        segj_owner_check(env) != SEGJ_OK)
        return;
    atomic_store(&owner->claimed, false);
    segj_status_t status;
    if (owner->made) {
        segj_io_close(&owner->file);
        status = segj_part_unlink_named(&env->index, SEGJ_OWNER_NAME);
    } else {
        status = segj_io_write(&owner->file, 0, owner->before, owner->before_size);
        if (status == SEGJ_OK)
            status = segj_io_truncate(&owner->file, owner->size_before);
        if (status == SEGJ_OK)
            status = segj_io_refresh(&owner->file, true);
    }
    if (status != SEGJ_OK)
        segj_env_log(env, SEGJ_LOG_WARNING, "the owner's file could not be put back: %s", segj_last_error());
}

segj_status_t segj_owner_remove(segj_env_t *env)
{
    segj_status_t status = segj_owner_check(env);
    if (status != SEGJ_OK || !env->owner.wanted)
        return status;
    atomic_store(&env->owner.claimed, false);
    segj_owner_close(env); /* behind FUSE an open file would keep a name */
    return segj_part_unlink_named(&env->index, SEGJ_OWNER_NAME);
}

void segj_owner_close(segj_env_t *env)
{
    segj_io_close(&env->owner.file);
}
