/* unit/scripted.c: see the header. */
#include "unit/scripted.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct script script;

static const char script_object = 0; /* something to point to */

static struct step script_step(void)
{
    struct step step = {0, WHOLE};
    script.calls++;
    if (script.next < script.count)
        step = script.steps[script.next++];
    return step;
}

static int script_code(void)
{
    return script_step().code;
}

void script_set(const struct step *steps, size_t count)
{
    memset(&script, 0, sizeof script);
    assert_true(count <= STEPS_MAX);
    if (count > 0)
        memcpy(script.steps, steps, count * sizeof *steps);
    script.count = count;
}

static int script_partition_create(void *context, const char *directory, const char *partition)
{
    (void)context;
    (void)directory;
    (void)partition;
    return script_code();
}

static int script_partition_open(void *context, const char *directory, const char *partition, segj_partition_t **opened)
{
    int code = script_partition_create(context, directory, partition);
    if (code == 0 && !script.gives_nothing)
        *opened = (segj_partition_t *)(uintptr_t)&script_object;
    return code;
}

static int script_partition_lock(segj_partition_t *partition, bool exclusive)
{
    (void)partition;
    (void)exclusive;
    return script_code();
}

static int script_of_partition(segj_partition_t *partition)
{
    (void)partition;
    return script_code();
}

static int script_partition_list(segj_partition_t *partition, segj_list_visit_t visit, void *visit_context)
{
    (void)partition;
    struct step step = script_step();
    for (size_t i = 0; i < COUNT_OF(script.entries) && script.entries[i] != NULL; i++) {
        int code = visit(visit_context, script.entries[i], script.kind);
        if (code != 0 && !script.ignores_visitor)
            return code;
    }
    return step.code;
}

static void script_partition_close(segj_partition_t *partition)
{
    (void)partition;
    script.calls_before_close = script.calls;
    script.closed++;
}

static int script_directory_sync(void *context, const char *directory)
{
    (void)context;
    (void)directory;
    return script_code();
}

static int script_file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    (void)partition;
    (void)name;
    (void)mode;
    int code = script_code();
    if (code == 0 && !script.gives_nothing)
        *opened = (segj_file_t *)(uintptr_t)&script_object;
    return code;
}

static int script_file_remove(segj_partition_t *partition, const char *name)
{
    (void)name;
    return script_of_partition(partition);
}

/** Notes a transfer; how many bytes it moves, and what it claims in *done. */
static size_t script_transfer(const struct step *step, uint64_t offset, uint64_t size, size_t *done)
{
    assert_true(script.transfers < CALLS_MAX);
    script.offsets[script.transfers] = offset;
    script.sizes[script.transfers++] = size;
    if (step->moves == TOO_MUCH) {
        *done = (size_t)size + 1;
        return 0;
    }
    *done = step->moves < size ? step->moves : (size_t)size;
    return *done;
}

static int script_file_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    (void)file;
    struct step step = script_step();
    size_t moves = script_transfer(&step, offset, size, done);
    if (step.moves != TOO_MUCH) {
        uint64_t left = offset < script.size ? script.size - offset : 0;
        moves = moves < left ? moves : (size_t)left;
        if (moves > 0)
            memcpy(buffer, script.bytes + offset, moves);
        *done = moves;
    }
    return step.code;
}

static int script_file_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
{
    (void)file;
    struct step step = script_step();
    uint64_t size = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(slices[i].size > 0); /* the wrapper hands over nothing empty */
        size += slices[i].size;
    }
    size_t moves = script_transfer(&step, offset, size, done);
    assert_true(offset + moves <= SCRIPT_BYTES);
    for (size_t i = 0; i < count && moves > 0; i++) {
        size_t piece = slices[i].size < moves ? slices[i].size : moves;
        memcpy(script.bytes + offset, slices[i].data, piece);
        offset += piece;
        moves -= piece;
    }
    if (*done > 0 && offset > script.size)
        script.size = offset;
    return step.code;
}

static int script_file_size(segj_file_t *file, uint64_t *size)
{
    (void)file;
    int code = script_code();
    if (code == 0)
        *size = script.size;
    return code;
}

static int script_file_truncate(segj_file_t *file, uint64_t size)
{
    (void)file;
    int code = script_code();
    if (code == 0)
        script.size = size;
    return code;
}

static int script_file_sync(segj_file_t *file)
{
    (void)file;
    return script_code();
}

static void script_file_close(segj_file_t *file)
{
    (void)file;
    script.closed++;
}

static void script_file_write_back(segj_file_t *file, uint64_t offset, uint64_t size)
{
    (void)file;
    (void)offset;
    (void)size;
    script.calls++;
}

segj_storage_t scripted = {
    .struct_size = sizeof scripted,
    .partition_create = script_partition_create,
    .partition_open = script_partition_open,
    .partition_lock = script_partition_lock,
    .partition_unlock = script_of_partition,
    .partition_list = script_partition_list,
    .partition_sync = script_of_partition,
    .partition_close = script_partition_close,
    .partition_remove = script_partition_create,
    .directory_sync = script_directory_sync,
    .file_open = script_file_open,
    .file_remove = script_file_remove,
    .file_read = script_file_read,
    .file_write = script_file_write,
    .file_size = script_file_size,
    .file_truncate = script_file_truncate,
    .file_sync = script_file_sync,
    .file_close = script_file_close,
    .file_write_back = script_file_write_back,
};

const segj_io_partition_t scripted_part = {
    .storage = &scripted,
    .directory = "DIR",
    .name = "partition",
    .opened = (segj_partition_t *)(uintptr_t)&script_object,
};

const segj_io_file_t scripted_file = {
    .partition = &scripted_part,
    .section = 1,
    .opened = (segj_file_t *)(uintptr_t)&script_object,
};

void expect_sentence(const char *text, int code)
{
    char expected[512];
    const char *advice = "";
    if (code == EMFILE)
        advice = " (raise the limit, or lower max_open_files and what else is open)";
    (void)snprintf(expected, sizeof expected, "%s: %s%s", text, strerror(code), advice);
    assert_string_equal(segj_last_error(), expected);
}
