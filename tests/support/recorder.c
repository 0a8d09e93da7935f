/* support/recorder.c: see recorder.h. */
#include "support/recorder.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "segjournal/storage.h"

typedef struct plan {
    uint32_t skip, times;
    int code;
    bool torn;
    size_t bytes; /* torn: these are written all the same */
} plan_t;

struct recorder {
    segj_storage_t storage;
    const segj_storage_t *below;
    pthread_mutex_t mutex; /* of all that follows */
    record_t *calls;
    size_t count, capacity;
    plan_t plans[RECORD_KINDS];
    void (*look)(void *context, const record_t *call);
    void *look_context;
};

/* The two objects of this storage; those of the storage below go by the same names. */

struct segj_partition {
    recorder_t *recorder;
    segj_partition_t *below;
    char place[64];
};

struct segj_file {
    recorder_t *recorder;
    segj_file_t *below;
    char place[64];
};

/* Room that is there from the start, so that a test that fails allocations meets none of the recorder's. */
#define CALLS_AT_FIRST 1024

static void lock(recorder_t *recorder)
{
    if (pthread_mutex_lock(&recorder->mutex) != 0)
        abort();
}

static void unlock(recorder_t *recorder)
{
    if (pthread_mutex_unlock(&recorder->mutex) != 0)
        abort();
}

/* --- noting calls --- */

/* Under the mutex. What the plan makes of this call. */
static plan_t consult(plan_t *plan)
{
    plan_t none = {0};
    if (plan->times == 0)
        return none;
    if (plan->skip > 0) {
        plan->skip--;
        return none;
    }
    if (plan->times != RECORD_FOR_GOOD)
        plan->times--;
    return *plan;
}

static size_t note(recorder_t *recorder, const record_t *call)
{
    if (recorder->count == recorder->capacity) {
        recorder->capacity *= 2;
        record_t *larger = realloc(recorder->calls, recorder->capacity * sizeof *larger);
        if (larger == NULL)
            abort();
        recorder->calls = larger;
    }
    recorder->calls[recorder->count] = *call;
    return recorder->count++;
}

/* Notes a call before it goes on. The plan's code, 0: go on; *plan, where it is asked for: the whole of it. */
static int begin(recorder_t *recorder, record_t *call, size_t *index, plan_t *plan)
{
    lock(recorder);
    plan_t found = consult(&recorder->plans[call->kind]);
    call->code = found.code;
    *index = note(recorder, call);
    void (*look)(void *, const record_t *) = recorder->look;
    void *context = recorder->look_context;
    unlock(recorder);
    if (plan != NULL)
        *plan = found;
    if (look != NULL)
        look(context, call);
    return found.code;
}

/* The list may have been cleared meanwhile, by another thread or by a test that looked in. */
static int end(recorder_t *recorder, const record_t *call, size_t index, int code)
{
    lock(recorder);
    if (index < recorder->count && recorder->calls[index].kind == call->kind)
        recorder->calls[index].code = code;
    unlock(recorder);
    return code;
}

static record_t call_of(record_kind_t kind, const char *place)
{
    record_t call = {.kind = kind};
    (void)snprintf(call.place, sizeof call.place, "%s", place);
    return call;
}

/* Notes a call that cannot fail. */
static void pass(recorder_t *recorder, record_t call)
{
    size_t index;
    (void)begin(recorder, &call, &index, NULL);
}

/* --- partitions --- */

static int record_partition_create(void *context, const char *directory, const char *partition)
{
    recorder_t *recorder = context;
    record_t call = call_of(RECORD_PARTITION_CREATE, partition);
    size_t index;
    int code = begin(recorder, &call, &index, NULL);
    if (code == 0)
        code = recorder->below->partition_create(recorder->below->context, directory, partition);
    return end(recorder, &call, index, code);
}

static int record_partition_open(void *context, const char *directory, const char *partition, segj_partition_t **opened)
{
    recorder_t *recorder = context;
    record_t call = call_of(RECORD_PARTITION_OPEN, partition);
    segj_partition_t *made = calloc(1, sizeof *made);
    size_t index;
    int code = begin(recorder, &call, &index, NULL);
    if (code == 0 && made == NULL)
        code = ENOMEM;
    if (code == 0)
        code = recorder->below->partition_open(recorder->below->context, directory, partition, &made->below);
    if (code == 0) {
        made->recorder = recorder;
        memcpy(made->place, call.place, sizeof made->place);
        *opened = made;
    } else {
        free(made);
    }
    return end(recorder, &call, index, code);
}

static int record_partition_lock(segj_partition_t *partition, bool exclusive)
{
    recorder_t *recorder = partition->recorder;
    record_t call = call_of(RECORD_PARTITION_LOCK, partition->place);
    size_t index;
    int code = begin(recorder, &call, &index, NULL);
    if (code == 0)
        code = recorder->below->partition_lock(partition->below, exclusive);
    return end(recorder, &call, index, code);
}

static int record_partition_unlock(segj_partition_t *partition)
{
    recorder_t *recorder = partition->recorder;
    record_t call = call_of(RECORD_PARTITION_UNLOCK, partition->place);
    size_t index;
    int code = begin(recorder, &call, &index, NULL);
    if (code == 0)
        code = recorder->below->partition_unlock(partition->below);
    return end(recorder, &call, index, code);
}

static int record_partition_list(segj_partition_t *partition, segj_list_visit_t visit, void *visit_context)
{
    recorder_t *recorder = partition->recorder;
    record_t call = call_of(RECORD_PARTITION_LIST, partition->place);
    size_t index;
    int code = begin(recorder, &call, &index, NULL);
    if (code == 0)
        code = recorder->below->partition_list(partition->below, visit, visit_context);
    return end(recorder, &call, index, code);
}

static int record_partition_sync(segj_partition_t *partition)
{
    recorder_t *recorder = partition->recorder;
    record_t call = call_of(RECORD_PARTITION_SYNC, partition->place);
    size_t index;
    int code = begin(recorder, &call, &index, NULL);
    if (code == 0)
        code = recorder->below->partition_sync(partition->below);
    return end(recorder, &call, index, code);
}

static void record_partition_close(segj_partition_t *partition)
{
    recorder_t *recorder = partition->recorder;
    pass(recorder, call_of(RECORD_PARTITION_CLOSE, partition->place));
    recorder->below->partition_close(partition->below);
    free(partition);
}

static int record_partition_remove(void *context, const char *directory, const char *partition)
{
    recorder_t *recorder = context;
    record_t call = call_of(RECORD_PARTITION_REMOVE, partition);
    size_t index;
    int code = begin(recorder, &call, &index, NULL);
    if (code == 0)
        code = recorder->below->partition_remove(recorder->below->context, directory, partition);
    return end(recorder, &call, index, code);
}

static int record_directory_sync(void *context, const char *directory)
{
    recorder_t *recorder = context;
    record_t call = call_of(RECORD_DIRECTORY_SYNC, ".");
    size_t index;
    int code = begin(recorder, &call, &index, NULL);
    if (code == 0)
        code = recorder->below->directory_sync(recorder->below->context, directory);
    return end(recorder, &call, index, code);
}

/* --- files --- */

/* "partition/name"; of a section's name the leading zeros are dropped. */
static record_t call_of_name(record_kind_t kind, const segj_partition_t *partition, const char *name)
{
    record_t call = {.kind = kind};
    size_t length = strlen(name);
    size_t zeros = length == 16 ? strspn(name, "0") : 0;
    if (zeros == 16)
        zeros = 15;
    (void)snprintf(call.place, sizeof call.place, "%.40s/%.20s", partition->place, name + zeros);
    return call;
}

static int record_file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    recorder_t *recorder = partition->recorder;
    record_t call = call_of_name(mode == SEGJ_OPEN_CREATE ? RECORD_FILE_CREATE : RECORD_FILE_OPEN, partition, name);
    segj_file_t *made = calloc(1, sizeof *made);
    size_t index;
    int code = begin(recorder, &call, &index, NULL);
    if (code == 0 && made == NULL)
        code = ENOMEM;
    if (code == 0)
        code = recorder->below->file_open(partition->below, name, mode, &made->below);
    if (code == 0) {
        made->recorder = recorder;
        memcpy(made->place, call.place, sizeof made->place);
        *opened = made;
    } else {
        free(made);
    }
    return end(recorder, &call, index, code);
}

static int record_file_remove(segj_partition_t *partition, const char *name)
{
    recorder_t *recorder = partition->recorder;
    record_t call = call_of_name(RECORD_FILE_REMOVE, partition, name);
    size_t index;
    int code = begin(recorder, &call, &index, NULL);
    if (code == 0)
        code = recorder->below->file_remove(partition->below, name);
    return end(recorder, &call, index, code);
}

typedef int read_t(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done);

static int record_read(segj_file_t *file, record_kind_t kind, read_t *below, uint64_t offset, void *buffer, size_t size,
                       size_t *done)
{
    record_t call = call_of(kind, file->place);
    size_t index;
    call.offset = offset;
    call.size = size;
    int code = begin(file->recorder, &call, &index, NULL);
    if (code == 0)
        code = below(file->below, offset, buffer, size, done);
    return end(file->recorder, &call, index, code);
}

static int record_file_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    return record_read(file, RECORD_FILE_READ, file->recorder->below->file_read, offset, buffer, size, done);
}

static int record_file_read_device(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    return record_read(file, RECORD_FILE_READ_DEVICE, file->recorder->below->file_read_device, offset, buffer, size,
                       done);
}

/* Hands the first `bytes` bytes of the slices on, one slice at a time. */
static void write_torn(const segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t bytes)
{
    const segj_storage_t *below = file->recorder->below;
    for (size_t i = 0; i < count && bytes > 0; i++) {
        segj_slice_t part = {slices[i].data, slices[i].size < bytes ? slices[i].size : bytes};
        size_t done = 0;
        if (part.size > 0 && (below->file_write(file->below, offset, &part, 1, &done) != 0 || done != part.size))
            abort(); /* the storage below is not meant to fail on its own */
        offset += part.size;
        bytes -= part.size;
    }
}

static int record_file_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
{
    recorder_t *recorder = file->recorder;
    record_t call = call_of(RECORD_FILE_WRITE, file->place);
    plan_t plan;
    size_t index;
    call.offset = offset;
    for (size_t i = 0; i < count; i++)
        call.size += slices[i].size;
    int code = begin(recorder, &call, &index, &plan);
    if (code == 0)
        code = recorder->below->file_write(file->below, offset, slices, count, done);
    else
        *done = 0;
    if (plan.torn)
        write_torn(file, offset, slices, count, plan.bytes);
    return end(recorder, &call, index, code);
}

static int record_file_size(segj_file_t *file, uint64_t *size)
{
    recorder_t *recorder = file->recorder;
    record_t call = call_of(RECORD_FILE_SIZE, file->place);
    size_t index;
    int code = begin(recorder, &call, &index, NULL);
    if (code == 0)
        code = recorder->below->file_size(file->below, size);
    return end(recorder, &call, index, code);
}

static int record_file_truncate(segj_file_t *file, uint64_t size)
{
    recorder_t *recorder = file->recorder;
    record_t call = call_of(RECORD_FILE_TRUNCATE, file->place);
    size_t index;
    call.size = size;
    int code = begin(recorder, &call, &index, NULL);
    if (code == 0)
        code = recorder->below->file_truncate(file->below, size);
    return end(recorder, &call, index, code);
}

static int record_file_sync(segj_file_t *file)
{
    recorder_t *recorder = file->recorder;
    record_t call = call_of(RECORD_FILE_SYNC, file->place);
    size_t index;
    int code = begin(recorder, &call, &index, NULL);
    if (code == 0)
        code = recorder->below->file_sync(file->below);
    return end(recorder, &call, index, code);
}

static void record_file_close(segj_file_t *file)
{
    recorder_t *recorder = file->recorder;
    pass(recorder, call_of(RECORD_FILE_CLOSE, file->place));
    recorder->below->file_close(file->below);
    free(file);
}

static void record_file_write_back(segj_file_t *file, uint64_t offset, uint64_t size)
{
    recorder_t *recorder = file->recorder;
    record_t call = call_of(RECORD_FILE_WRITE_BACK, file->place);
    call.offset = offset;
    call.size = size;
    pass(recorder, call);
    if (recorder->below->file_write_back != NULL)
        recorder->below->file_write_back(file->below, offset, size);
}

static void record_file_evict(segj_file_t *file, uint64_t offset, uint64_t size)
{
    recorder_t *recorder = file->recorder;
    record_t call = call_of(RECORD_FILE_EVICT, file->place);
    call.offset = offset;
    call.size = size;
    pass(recorder, call);
    if (recorder->below->file_evict != NULL)
        recorder->below->file_evict(file->below, offset, size);
}

/* --- the recorder --- */

recorder_t *recorder_new(const segj_storage_t *below)
{
    recorder_t *recorder = need_memory(sizeof *recorder);
    recorder->below = below;
    recorder->capacity = CALLS_AT_FIRST;
    recorder->calls = need_memory(CALLS_AT_FIRST * sizeof *recorder->calls);
    if (pthread_mutex_init(&recorder->mutex, NULL) != 0)
        fail_msg("a recorder found no mutex");
    recorder->storage = (segj_storage_t){
        .struct_size = sizeof recorder->storage,
        .context = recorder,
        .partition_create = record_partition_create,
        .partition_open = record_partition_open,
        .partition_lock = record_partition_lock,
        .partition_unlock = record_partition_unlock,
        .partition_list = record_partition_list,
        .partition_sync = record_partition_sync,
        .partition_close = record_partition_close,
        .partition_remove = record_partition_remove,
        .directory_sync = record_directory_sync,
        .file_open = record_file_open,
        .file_remove = record_file_remove,
        .file_read = record_file_read,
        .file_write = record_file_write,
        .file_size = record_file_size,
        .file_truncate = record_file_truncate,
        .file_sync = record_file_sync,
        .file_close = record_file_close,
        .file_write_back = record_file_write_back,
        .file_evict = record_file_evict,
        .file_read_device = below->file_read_device != NULL ? record_file_read_device : NULL,
    };
    return recorder;
}

void recorder_free(recorder_t *recorder)
{
    if (recorder == NULL)
        return;
    (void)pthread_mutex_destroy(&recorder->mutex);
    free(recorder->calls);
    free(recorder);
}

const segj_storage_t *recorder_storage(const recorder_t *recorder)
{
    return &recorder->storage;
}

static void set_plan(recorder_t *recorder, record_kind_t kind, plan_t plan)
{
    assert_true(kind != RECORD_PARTITION_CLOSE && kind < RECORD_FILE_CLOSE); /* these answer nothing */
    lock(recorder);
    recorder->plans[kind] = plan;
    unlock(recorder);
}

void recorder_fail(recorder_t *recorder, record_kind_t kind, uint32_t skip, uint32_t times, int code)
{
    set_plan(recorder, kind, (plan_t){.skip = skip, .times = times, .code = code});
}

void recorder_tear(recorder_t *recorder, uint32_t skip, size_t bytes, int code)
{
    set_plan(recorder, RECORD_FILE_WRITE,
             (plan_t){.skip = skip, .times = 1, .code = code, .torn = true, .bytes = bytes});
}

void recorder_watch(recorder_t *recorder, void (*look)(void *context, const record_t *call), void *context)
{
    lock(recorder);
    recorder->look = look;
    recorder->look_context = context;
    unlock(recorder);
}

size_t recorder_count(recorder_t *recorder, record_kind_t kind)
{
    size_t count = 0;
    lock(recorder);
    for (size_t i = 0; i < recorder->count; i++)
        count += recorder->calls[i].kind == kind;
    unlock(recorder);
    return count;
}

void recorder_clear(recorder_t *recorder)
{
    lock(recorder);
    recorder->count = 0;
    unlock(recorder);
}

/* --- lists as text --- */

static const char *const words[RECORD_KINDS] = {"create", "open", "lock", "unlock", "list",   "sync",       "close",
                                                "remove", "sync", "open", "create", "remove", "read",       "device",
                                                "write",  "size", "cut",  "sync",   "close",  "write_back", "evict"};

static void print_call(const record_t *call, char *text, size_t size)
{
    const char *failed = call->code != 0 ? " !" : "";
    const char *word = words[call->kind];
    switch (call->kind) {
    case RECORD_FILE_READ:
    case RECORD_FILE_READ_DEVICE:
    case RECORD_FILE_WRITE:
    case RECORD_FILE_WRITE_BACK:
    case RECORD_FILE_EVICT:
        (void)snprintf(text, size, "%s %s %" PRIu64 "+%" PRIu64 "%s", word, call->place, call->offset, call->size,
                       failed);
        break;
    case RECORD_FILE_TRUNCATE:
        (void)snprintf(text, size, "%s %s %" PRIu64 "%s", word, call->place, call->size, failed);
        break;
    default:
        (void)snprintf(text, size, "%s %s%s", word, call->place, failed);
    }
}

/* To be freed. */
static char *print_calls(const recorder_t *recorder, unsigned mask)
{
    enum { LINE = 160 };
    char *text = need_memory(recorder->count * LINE + 1);
    size_t size = 0;
    for (size_t i = 0; i < recorder->count; i++) {
        if ((mask & RECORD_BIT(recorder->calls[i].kind)) == 0)
            continue;
        char line[LINE - 2];
        print_call(&recorder->calls[i], line, sizeof line);
        size += (size_t)sprintf(text + size, "%s%s", size > 0 ? "; " : "", line);
    }
    return text;
}

void check_calls(recorder_t *recorder, unsigned mask, const char *text, const char *file, int line)
{
    lock(recorder);
    char *found = print_calls(recorder, mask);
    recorder->count = 0;
    unlock(recorder);
    bool equal = strcmp(found, text) == 0;
    if (!equal)
        print_error("calls    %s\nexpected %s\n", found, text);
    free(found);
    if (!equal)
        _fail(file, line);
}
