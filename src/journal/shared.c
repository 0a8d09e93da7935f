/*
 * journal/shared.c: see the header.
 */
#include "journal/shared.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

segj_status_t segj_shared_poison(segj_shared_t *shared, segj_status_t status)
{
    segj_lock(&shared->state);
    bool first = !atomic_load_explicit(&shared->poisoned, memory_order_relaxed);
    if (first) {
        (void)snprintf(shared->poison, sizeof shared->poison, "%s", segj_last_error());
        shared->poison_code = segj_last_errno();
        atomic_store_explicit(&shared->poisoned, true, memory_order_release);
    }
    segj_unlock(&shared->state);
    if (first)
        segj_shared_log(shared, SEGJ_LOG_ERROR, "the journal is poisoned: %s", shared->poison);
    else
        segj_shared_trace(shared, SEGJ_LOG_DEBUG, "the poisoned journal failed once more: %s", segj_last_error());
    /* "Out of memory" promises that nothing changed. */
    return status == SEGJ_ERR_MEMORY ? SEGJ_ERR_IO : status;
}

void segj_shared_log(const segj_shared_t *shared, segj_log_level_t level, const char *format, ...)
{
    if (shared->log == NULL)
        return;
    char line[SEGJ_POISON_CAPACITY];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    shared->log(shared->log_context, level, line);
}
