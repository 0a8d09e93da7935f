/*
 * base/status.c: names of statuses and the thread's last error text, the library's only mutable state outside objects.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "segjournal/version.h"

#define TEXT_CAPACITY SEGJ_ERROR_CAPACITY

static _Thread_local char last_error[TEXT_CAPACITY];
static _Thread_local int last_errno;

const char *segj_version(void)
{
#define TEXT_OF(number) #number
#define VERSION_TEXT(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)
    return VERSION_TEXT(SEGJ_VERSION_MAJOR, SEGJ_VERSION_MINOR, SEGJ_VERSION_PATCH);
}

const char *segj_status_name(segj_status_t status)
{
    static const struct {
        segj_status_t status;
        const char *name;
    } names[] = {
#define NAME(status) {status, #status}
        NAME(SEGJ_OK),
        NAME(SEGJ_END),
        NAME(SEGJ_ERR_INVALID),
        NAME(SEGJ_ERR_MEMORY),
        NAME(SEGJ_ERR_IO),
        NAME(SEGJ_ERR_NO_SPACE),
        NAME(SEGJ_ERR_LOCKED),
        NAME(SEGJ_ERR_NOT_FOUND),
        NAME(SEGJ_ERR_MISMATCH),
        NAME(SEGJ_ERR_CORRUPT),
        NAME(SEGJ_ERR_CHECKSUM),
        NAME(SEGJ_ERR_PRUNED),
        NAME(SEGJ_ERR_NO_SECTION),
        NAME(SEGJ_ERR_NO_RECORD),
        NAME(SEGJ_ERR_RANGE),
        NAME(SEGJ_ERR_TOO_LARGE),
        NAME(SEGJ_ERR_COMPRESSION),
        NAME(SEGJ_ERR_POISONED),
        NAME(SEGJ_ERR_READ_ONLY),
        NAME(SEGJ_ERR_BUSY),
        NAME(SEGJ_ERR_CANCELLED),
#undef NAME
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].status == status)
            return names[i].name;
    return "SEGJ_UNKNOWN";
}

const char *segj_last_error(void)
{
    return last_error;
}

int segj_last_errno(void)
{
    return last_errno;
}

void segj_keep(segj_sentence_t *sentence)
{
    sentence->code = last_errno;
    memcpy(sentence->text, last_error, sizeof sentence->text);
}

void segj_say_again(const segj_sentence_t *sentence)
{
    memcpy(last_error, sentence->text, sizeof last_error);
    last_errno = sentence->code;
}

void segj_say_code(int code)
{
    last_errno = code;
}

void segj_error_take(segj_error_t *error, segj_status_t status)
{
    error->status = status;
    error->code = last_errno;
    memcpy(error->text, last_error, sizeof error->text);
}

void segj_say(const char *format, ...)
{
    /* The arguments may be the sentence that is being replaced. */
    char text[TEXT_CAPACITY];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    memcpy(last_error, text, sizeof last_error);
    last_errno = 0;
}

/* strerror_r has two shapes; overloading by argument list is not to be had in C, so each shape gets its reader. */
#if defined(__GLIBC__) && defined(_GNU_SOURCE)
static void code_text(int code, char *to, size_t size)
{
    const char *text = strerror_r(code, to, size);
    if (text != to)
        (void)snprintf(to, size, "%s", text);
}
#else
static void code_text(int code, char *to, size_t size)
{
    if (strerror_r(code, to, size) != 0)
        (void)snprintf(to, size, "error %d", code);
}
#endif

segj_status_t segj_fail_code(int code, const char *format, ...)
{
    char text[TEXT_CAPACITY];
    char reason[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    code_text(code, reason, sizeof reason);
    /* A storage says no more than the code; which of the two it was the user can find out. */
    if (code == EFBIG)
        (void)snprintf(reason + strlen(reason), sizeof reason - strlen(reason),
                       " (the process' limit RLIMIT_FSIZE, or the largest file of this file system)");
    if (code == ECANCELED)
        (void)snprintf(reason + strlen(reason), sizeof reason - strlen(reason),
                       " (the lock is lost: another opener has taken it; nothing more is written by this one)");
    segj_status_t status = SEGJ_ERR_IO;
    if (code == ENOSPC || code == EDQUOT || code == EFBIG)
        status = SEGJ_ERR_NO_SPACE;
    else if (code == ENOMEM)
        status = SEGJ_ERR_MEMORY;
    else if (code == EWOULDBLOCK || code == ECANCELED)
        status = SEGJ_ERR_LOCKED;
    last_errno = code;
    int room = (int)(sizeof last_error - strlen(reason) - 3);
    (void)snprintf(last_error, sizeof last_error, "%.*s: %s", room, text, reason);
    return status;
}

void segj_say_after(const char *format, ...)
{
    size_t used = strlen(last_error);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(last_error + used, sizeof last_error - used, format, arguments);
    va_end(arguments);
}

void segj_say_before(const char *format, ...)
{
    char text[TEXT_CAPACITY];
    char before[TEXT_CAPACITY];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(before, sizeof before, format, arguments);
    va_end(arguments);
    memcpy(text, last_error, sizeof text);
    size_t used = strlen(before);
    if (used > sizeof last_error / 2)
        used = sizeof last_error / 2;
    memcpy(last_error, before, used);
    (void)snprintf(last_error + used, sizeof last_error - used, ": %.*s", (int)(sizeof last_error - used - 3), text);
}
