/*
 * journal/env.c: see the header.
 */
#include "journal/env.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

segj_status_t segj_env_poison(segj_env_t *env, segj_status_t status)
{
    segj_lock(&env->state);
    bool first = !atomic_load_explicit(&env->poisoned, memory_order_relaxed);
    if (first) {
        (void)snprintf(env->poison, sizeof env->poison, "%s", segj_last_error());
        env->poison_code = segj_last_errno();
        atomic_store_explicit(&env->poisoned, true, memory_order_release);
    }
    segj_unlock(&env->state);
    if (first)
        segj_env_log(env, SEGJ_LOG_ERROR, "the journal is poisoned: %s", env->poison);
    else
        segj_env_trace(env, SEGJ_LOG_DEBUG, "the poisoned journal failed once more: %s", segj_last_error());
    /* "Out of memory" promises that nothing changed. */
    return status == SEGJ_ERR_MEMORY ? SEGJ_ERR_IO : status;
}

void segj_env_log(const segj_env_t *env, segj_log_level_t level, const char *format, ...)
{
    if (env->log == NULL)
        return;
    char line[SEGJ_POISON_CAPACITY];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    env->log(env->log_context, level, line);
}
