/* kill/survivor.c: see the header. */
#include "kill/survivor.h"

#include "support/strict.h"

#include <stddef.h>

#include "crash/raw.h"
#include "kill/writer.h"
#include "support/support.h"

/* How many records the section's files hold; none where there is no index file. */
static uint64_t records_in_files(const survivor_t *survivor, const oversized_config_t *config, uint64_t number)
{
    path_t index = section_path(survivor->directory, config->index_partition, number);
    path_t values = section_path(survivor->directory, config->value_partition, number);
    if (!path_exists(index.text))
        return 0;
    bytes_t index_bytes = read_file(index.text);
    bytes_t values_bytes = {NULL, 0};
    if (path_exists(values.text))
        values_bytes = read_file(values.text);
    raw_section_t raw = {.format = config->format,
                         .section = number,
                         .index = index_bytes.data,
                         .values = values_bytes.data,
                         .index_size = index_bytes.size,
                         .values_size = values_bytes.size,
                         .page_size = config->page_size,
                         .entry_size = config->entry_size};
    raw.log = config->format == SEGJ_FORMAT_NATIVE && raw_is_log(&raw);
    uint64_t end;
    uint64_t records = raw_records(&raw, &end);
    free_bytes(&index_bytes);
    free_bytes(&values_bytes);
    return records;
}

static void count_in_files(const survivor_t *survivor, const oversized_config_t *config,
                           uint64_t counts[MODEL_SECTIONS])
{
    for (size_t i = 0; i < MODEL_SECTIONS; i++)
        counts[i] = records_in_files(survivor, config, writer_numbers[i]);
}

static void expect_records(survivor_t *survivor, oversized_t *journal, const uint64_t counts[MODEL_SECTIONS])
{
    for (size_t i = 0; i < MODEL_SECTIONS; i++) {
        uint64_t count = 0;
        assert_ok(oversized_count(journal, writer_numbers[i], &count));
        if (count != counts[i]) {
            survivor->tell(survivor->context);
            fail_msg("section %llu has %llu records, its files held %llu", (unsigned long long)writer_numbers[i],
                     (unsigned long long)count, (unsigned long long)counts[i]);
        }
        survivor->records += count;
    }
    survivor->opens++;
}

/* Opens and judges; `seen` is what it shows. */
static oversized_t *open_and_judge(survivor_t *survivor, const oversized_config_t *config, const model_t *model,
                                   const uint64_t counts[MODEL_SECTIONS], model_t *seen)
{
    oversized_t *journal = NULL;
    if (open_behind_a_crash(config, &journal) != SEGJ_OK) {
        survivor->tell(survivor->context);
        fail_msg("open: %s", segj_last_error());
    }
    const char *wrong = model_judge(model, journal, seen);
    if (wrong != NULL) {
        survivor->tell(survivor->context);
        fail_msg("after open: %s", wrong);
    }
    expect_records(survivor, journal, counts);
    return journal;
}

static bool is_made(const survivor_t *survivor, const oversized_config_t *config)
{
    path_t index = join_path(survivor->directory, config->index_partition);
    path_t values = join_path(survivor->directory, config->value_partition);
    return path_exists(index.text) && path_exists(values.text);
}

/* Whoever only looks finds no journal; and nobody was told that there is something in it. */
static void judge_unmade(survivor_t *survivor, const oversized_config_t *config, const model_t *model)
{
    oversized_t *journal = NULL;
    assert_status(oversized_open(config, &journal), SEGJ_ERR_NOT_FOUND);
    for (size_t i = 0; i < MODEL_SECTIONS; i++) {
        const model_section_t *section = &model->sections[i];
        if (section->exists && section->durable && !section->going) {
            survivor->tell(survivor->context);
            fail_msg("section %llu was synced, and the journal is gone", (unsigned long long)writer_numbers[i]);
        }
    }
    survivor->unmade++;
}

bool survivor_judge(survivor_t *survivor, const model_t *model)
{
    oversized_config_t config;
    uint64_t counts[MODEL_SECTIONS];
    writer_config(&config, survivor->directory, survivor->setting);
    config.read_only = true;
    if (!is_made(survivor, &config)) {
        judge_unmade(survivor, &config, model);
        return false;
    }
    count_in_files(survivor, &config, counts);
    assert_ok(oversized_close(open_and_judge(survivor, &config, model, counts, NULL)));
    return true;
}

void survivor_recover(survivor_t *survivor, model_t *model, bool abandon)
{
    oversized_config_t config;
    uint64_t counts[MODEL_SECTIONS];
    model_t seen;
    writer_config(&config, survivor->directory, survivor->setting);
    count_in_files(survivor, &config, counts);
    oversized_abandon(open_and_judge(survivor, &config, model, counts, &seen));
    oversized_t *journal = open_and_judge(survivor, &config, &seen, counts, model);
    assert_int_equal(oversized_recovery(journal)->records_dropped, 0);
    if (abandon)
        oversized_abandon(journal);
    else
        assert_ok(oversized_close(journal));
}
