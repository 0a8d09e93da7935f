/*
 * crash/scripts.c: see the header.
 */
#include "crash/scripts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crash/explore.h"

#define LENGTH_MAX 6

static size_t wanted_length(void)
{
    const char *text = getenv("SEGJ_CRASH_LENGTH");
    long length = text != NULL ? strtol(text, NULL, 10) : 1;
    return length >= 1 && length <= LENGTH_MAX ? (size_t)length : 1;
}

static void run_all(explorer_t *explorer, operation_t *script, size_t at, size_t length)
{
    for (int operation = 0; operation < OPERATIONS; operation++) {
        script[at] = (operation_t)operation;
        if (!explorer_run(explorer, script, at + 1))
            fail_msg("%s", explorer_result(explorer)->failure);
        if (at + 1 < length)
            run_all(explorer, script, at + 1, length);
    }
}

void explore_all(uint16_t page_size, int compression)
{
    explore_config_t config = {.page_size = page_size, .compression = compression, .recovery_depth = 1, .seed = 20};
    explorer_t *explorer = explorer_new(&config);
    operation_t script[LENGTH_MAX];
    run_all(explorer, script, 0, wanted_length());
    const explore_result_t *result = explorer_result(explorer);
    print_message("page size %u, %s: %llu scripts, %llu points (%llu exhaustive, %llu sampled), %llu states, "
                  "%llu met again\n",
                  (unsigned)page_size, compression != 0 ? "compressed" : "plain", (unsigned long long)result->scripts,
                  (unsigned long long)result->points, (unsigned long long)result->exhaustive_points,
                  (unsigned long long)result->sampled_points, (unsigned long long)result->states,
                  (unsigned long long)result->duplicates);
    explorer_free(explorer);
}
