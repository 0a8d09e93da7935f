/*
 * storage/io_sentences.c: what the calls of a storage's partitions and of its files share: names, the sentences of what
 * failed, and whether a call is made again.
 */
#include "storage/io_sentences.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void segj_section_name(uint64_t section, char name[SEGJ_NAME_LENGTH + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = SEGJ_NAME_LENGTH - 1; i >= 0; i--) {
        name[i] = digits[section & 15];
        section >>= 4;
    }
    name[SEGJ_NAME_LENGTH] = '\0';
}

bool segj_section_parse(const char *name, uint64_t *section)
{
    uint64_t number = 0;
    for (size_t i = 0; i < SEGJ_NAME_LENGTH; i++) {
        char c = name[i];
        if (c >= '0' && c <= '9')
            number = number << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            number = number << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    if (name[SEGJ_NAME_LENGTH] != '\0')
        return false;
    *section = number;
    return true;
}

segj_status_t segj_io_only(segj_status_t status)
{
    return status == SEGJ_ERR_LOCKED && segj_last_errno() != ECANCELED ? SEGJ_ERR_IO : status;
}

segj_status_t segj_io_changed(const segj_io_partition_t *partition, segj_status_t status)
{
    if (status == SEGJ_ERR_LOCKED && partition->lost != NULL)
        partition->lost(partition->owner);
    return status;
}

bool segj_io_is_exhausted(int code)
{
    return code == EMFILE || code == ENFILE;
}

bool segj_io_again(int code, const segj_io_partition_t *partition)
{
    return code == EINTR ||
           (segj_io_is_exhausted(code) && partition->give_back != NULL && partition->give_back(partition->owner));
}

bool segj_io_files_limit(const segj_storage_t *storage, uint64_t wanted, uint64_t *limit, uint64_t *left)
{
    int code = ENOSYS;
    if (SEGJ_STORAGE_HAS(storage, files_limit))
        do
            code = storage->files_limit(storage->context, wanted, limit, left);
        while (code == EINTR);
    return code == 0;
}

segj_status_t segj_io_advise_exhausted(int code, const segj_io_partition_t *partition, segj_status_t status)
{
    uint64_t limit;
    uint64_t left;
    if (code == ENFILE)
        segj_say_after(" (of the whole system: raise its limit, or close files)");
    else if (code == EMFILE && segj_io_files_limit(partition->storage, 0, &limit, &left))
        segj_say_after(" (the process may have %" PRIu64 " descriptors: raise RLIMIT_NOFILE, ulimit -n, or lower "
                       "max_open_files and what else is open)",
                       limit);
    else if (code == EMFILE)
        segj_say_after(" (raise the limit, or lower max_open_files and what else is open)");
    return status;
}

segj_status_t segj_io_fail_partition(int code, const segj_io_partition_t *partition, const char *what)
{
    return segj_io_advise_exhausted(
        code, partition, segj_io_only(segj_fail_code(code, "%s/%s: %s", partition->directory, partition->name, what)));
}

const char *segj_io_name(const segj_io_file_t *file, char room[SEGJ_NAME_LENGTH + 1])
{
    if (file->name != NULL)
        return file->name;
    segj_section_name(file->section, room);
    return room;
}

segj_status_t segj_io_fail_file(int code, const segj_io_file_t *file, const char *format, ...)
{
    const segj_io_partition_t *partition = file->partition;
    char what[256];
    char room[SEGJ_NAME_LENGTH + 1];
    const char *name = segj_io_name(file, room);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (code == 0)
        return segj_fail(SEGJ_ERR_IO, "%s/%s/%s: %s", partition->directory, partition->name, name, what);
    return segj_io_advise_exhausted(
        code, partition,
        segj_io_only(segj_fail_code(code, "%s/%s/%s: %s", partition->directory, partition->name, name, what)));
}

void segj_io_say(const segj_io_file_t *file, uint64_t offset, const char *format, ...)
{
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    char text[SEGJ_NAME_LENGTH + 1];
    segj_say("%s/%s/%s, offset %" PRIu64 ": %s", file->partition->directory, file->partition->name,
             segj_io_name(file, text), offset, what);
}

segj_status_t segj_io_advise(segj_status_t status, const char *advice)
{
    if (advice != NULL)
        segj_say_after("; %s", advice);
    return status;
}

bool segj_io_is_lacking(int code)
{
#if ENOTSUP != EOPNOTSUPP
    if (code == ENOTSUP)
        return true;
#endif
    return code == EINVAL || code == EBADF || code == ENOLCK || code == ENOSYS || code == EOPNOTSUPP;
}
