/* counted/rig.c: see the header. */
#include "counted/rig.h"

#include <stdlib.h>

static uint8_t bytes[BIG];

int rig_set_up(void **state)
{
    rig_t *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    oversized_config_init(&rig->config);
    rig->config.native_version = 1;
    rig->config.storage = counting_begin();
    rig->config.directory = "counted";
    rig->config.entry_size = ENTRY;
    rig->config.value_write_buffer = VALUES_BUFFER;
    rig->config.index_write_buffer = INDEX_BUFFER;
    assert_ok(oversized_open(&rig->config, &rig->journal));
    *state = rig;
    return 0;
}

int rig_tear_down(void **state)
{
    rig_t *rig = *state;
    oversized_abandon(rig->journal);
    segj_buffer_free(&rig->value);
    counting_end();
    free(rig);
    return 0;
}

void append_many(const rig_t *rig, uint64_t section, uint64_t count, size_t size)
{
    assert_true(size <= sizeof bytes);
    for (uint64_t i = 0; i < count; i++) {
        put_u64(bytes, i);
        assert_ok(oversized_append(rig->journal, section, bytes, bytes, size, NULL, NULL));
    }
}

/* Values of 60 bytes are frames of 64: 3500 of them fill neither values buffer, and their records fill the index's. */
void warm(const rig_t *rig, uint64_t section)
{
    for (unsigned i = 0; i < 2; i++) {
        append_many(rig, section, WARM_RECORDS / 2, 60);
        assert_ok(oversized_sync(rig->journal, section));
    }
}

uint64_t partial_bytes(uint64_t records)
{
    return records * RECORD % PAGE_BYTES;
}

void reserve(rig_t *rig, size_t size)
{
    void *data = realloc(rig->value.data, size);
    assert_non_null(data);
    rig->value.data = data;
    rig->value.capacity = size;
}

void close_and_open(rig_t *rig)
{
    assert_ok(oversized_close(rig->journal));
    rig->journal = NULL;
    assert_ok(oversized_open(&rig->config, &rig->journal));
}

void open_other(rig_t *rig, const char *directory)
{
    rig->config.directory = directory;
    close_and_open(rig);
}
