/* threads/stage.c: see the header. */
#include "threads/stage.h"

#include <stdio.h>
#include <stdlib.h>

static stage_t *make_stage(segj_storage_t *memory)
{
    stage_t *stage = calloc(1, sizeof *stage);
    assert_non_null(stage);
    stage->memory = memory;
    stage->watched = watched_new(memory);
    small_config(&stage->config, "journal");
    stage->config.storage = watched_storage(stage->watched);
    return stage;
}

int stage_set_up(void **state)
{
    segj_storage_t *memory = NULL;
    assert_ok(segj_storage_memory_create(&memory));
    stage_t *stage = make_stage(memory);
    assert_ok(oversized_open(&stage->config, &stage->journal));
    *state = stage;
    return 0;
}

void stage_free(stage_t *stage)
{
    if (stage->journal != NULL)
        oversized_abandon(stage->journal);
    watched_free(stage->watched);
    segj_storage_memory_destroy(stage->memory);
    free(stage);
}

/* After a failure half way a thread may still be in a call: it keeps what it uses. */
int stage_tear_down(void **state)
{
    stage_t *stage = *state;
    if (!watched_gated(stage->watched))
        stage_free(stage);
    return 0;
}

void stage_reopen(stage_t *stage)
{
    if (stage->journal != NULL)
        assert_ok(oversized_close(stage->journal));
    stage->journal = NULL;
    assert_ok(oversized_open(&stage->config, &stage->journal));
}

stage_t *stage_crash(const stage_t *stage)
{
    const oversized_config_t *config = &stage->config;
    stage_t *crash =
        make_stage(watched_crash(stage->watched, config->directory, config->index_partition, config->value_partition));
    assert_ok(oversized_open(&crash->config, &crash->journal));
    return crash;
}

static void run(worker_t *worker)
{
    errand_t *errand = worker->context;
    errand->answer = errand->call(errand->journal, errand->argument);
    (void)snprintf(errand->sentence, sizeof errand->sentence, "%s", segj_last_error());
}

void errand_start(errand_t *errand, stage_t *stage, segj_status_t (*call)(oversized_t *journal, uint64_t argument),
                  uint64_t argument)
{
    *errand = (errand_t){.journal = stage->journal, .call = call, .argument = argument};
    team_start(&errand->worker, 1, run, errand);
}

bool errand_finished(const errand_t *errand)
{
    return atomic_load(&errand->worker.finished);
}

void errand_join(errand_t *errand, segj_status_t answer)
{
    team_join(&errand->worker, 1);
    if (errand->answer != answer)
        print_error("its last error: %s\n", errand->sentence);
    assert_status(errand->answer, answer);
}

segj_status_t call_sync(oversized_t *journal, uint64_t section)
{
    return oversized_sync(journal, section);
}

segj_status_t call_sync_all(oversized_t *journal, uint64_t unused)
{
    (void)unused;
    return oversized_sync_all(journal);
}

segj_status_t call_append_one(oversized_t *journal, uint64_t section)
{
    return append_sample(journal, section, 0, NULL);
}

segj_status_t call_prune(oversized_t *journal, uint64_t min_section)
{
    return oversized_prune(journal, min_section, NULL);
}

segj_status_t call_rewind_to_3(oversized_t *journal, uint64_t section)
{
    return oversized_rewind(journal, section, (uint64_t)3 * SMALL_RECORD);
}

segj_status_t call_rewind_section_to_3(oversized_t *journal, uint64_t section)
{
    return oversized_rewind_section(journal, section, (uint64_t)3 * SMALL_RECORD);
}

void check_crash(const stage_t *stage, uint64_t section, uint64_t count)
{
    stage_t *crash = stage_crash(stage);
    check_samples(crash->journal, section, count);
    stage_free(crash);
}

segj_status_t call_close(oversized_t *journal, uint64_t unused)
{
    (void)unused;
    return oversized_close(journal);
}

segj_status_t call_destroy(oversized_t *journal, uint64_t unused)
{
    (void)unused;
    return oversized_destroy(journal);
}
