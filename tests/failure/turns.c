/* failure/turns.c: see the header. */
#include "failure/turns.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/log.h"
#include "support/processor.h"

enum { STEPS_MOST = 4096, HANDLES_MOST = 64, RUNS_MOST = 2000000, OWNER_NOBODY = 2 };

struct segj_partition {
    segj_partition_t *below;
    char name[32];
    uint64_t generation;
    int slot;
};

struct segj_file {
    segj_file_t *below;
    bool owner; /* it is `.owner`, of which the bytes differ from run to run */
    int slot;
};

/** What the storage holds of the runs' own: who wrote `.owner` last, and how often a partition was made. */
static struct {
    const turns_play_t *play;
    segj_storage_t *memory;
    segj_storage_t storage;
    pthread_mutex_t mutex;
    pthread_cond_t go[2], over;
    bool waiting[2], ended[2];
    int turn;           /* whose call goes on; -1: nobody's */
    size_t at;          /* choices made */
    bool cut, too_deep; /* cut: the rest is known */
    uint64_t seen[2];
    segj_partition_t *partitions[HANDLES_MOST];
    segj_file_t *files[HANDLES_MOST];
    uint64_t generation;
    int owner_writer;
    int openers;
    bool wrote_behind[2];
    char trace[STEPS_MOST][64];
    size_t steps;
} run;

static _Thread_local int me = -1; /* -1: the test's own thread, whose calls are no steps */

static struct {
    uint8_t chosen[STEPS_MOST];
    bool open[STEPS_MOST]; /* the other actor is to be tried yet */
    size_t depth;
} path;

static struct {
    uint64_t *keys;
    size_t capacity, count;
} known;

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

static uint64_t mix_bytes(uint64_t hash, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint64_t word;
    hash = mix(hash, size);
    for (; size >= sizeof word; size -= sizeof word, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        hash = mix(hash, word);
    }
    for (; size > 0; size--)
        hash = mix(hash, *at++);
    return hash;
}

static uint64_t mix_text(uint64_t hash, const char *text)
{
    return mix_bytes(hash, text, strlen(text));
}

/* --- a step --- */

static void go_on(void);

static void step(const char *what, const char *place)
{
    if (me < 0)
        return;
    (void)pthread_mutex_lock(&run.mutex);
    run.waiting[me] = true;
    go_on();
    while (run.turn != me)
        (void)pthread_cond_wait(&run.go[me], &run.mutex);
    run.waiting[me] = false;
    run.turn = -1;
    if (run.steps < STEPS_MOST)
        (void)snprintf(run.trace[run.steps++], sizeof run.trace[0], "%c: %s %s", 'A' + me, what, place);
    run.seen[me] = mix_text(mix_text(run.seen[me], what), place);
    (void)pthread_mutex_unlock(&run.mutex);
}

/* A call that the other actor cannot tell from none, whenever it comes: it is no point at which the order matters. */
static void pass(const char *what, const char *place)
{
    if (me < 0)
        return;
    (void)pthread_mutex_lock(&run.mutex);
    if (run.steps < STEPS_MOST)
        (void)snprintf(run.trace[run.steps++], sizeof run.trace[0], "%c: (%s %s)", 'A' + me, what, place);
    run.seen[me] = mix_text(mix_text(run.seen[me], what), place);
    (void)pthread_mutex_unlock(&run.mutex);
}

/* What an actor has learnt from its call. */
static int learn(int code, uint64_t more)
{
    if (me >= 0)
        run.seen[me] = mix(mix(run.seen[me], (uint64_t)code), more);
    return code;
}

static void *context_below(void)
{
    return run.memory->context;
}

/* --- the storage --- */

static int keep_partition(segj_partition_t *partition)
{
    int slot = 0;
    while (run.partitions[slot] != NULL)
        slot++;
    run.partitions[slot] = partition;
    return slot;
}

static int turns_partition_create(void *context, const char *directory, const char *partition)
{
    (void)context;
    segj_partition_t *there;
    step("create", partition);
    if (run.memory->partition_open(context_below(), directory, partition, &there) == 0) {
        run.memory->partition_close(there);
        return learn(0, 0);
    }
    run.generation++;
    return learn(run.memory->partition_create(context_below(), directory, partition), 0);
}

static int turns_partition_open(void *context, const char *directory, const char *partition, segj_partition_t **opened)
{
    (void)context;
    step("open", partition);
    segj_partition_t *made = calloc(1, sizeof *made);
    int code = made == NULL ? ENOMEM : run.memory->partition_open(context_below(), directory, partition, &made->below);
    if (code != 0) {
        free(made);
        return learn(code, 0);
    }
    (void)snprintf(made->name, sizeof made->name, "%s", partition);
    made->generation = run.generation;
    made->slot = keep_partition(made);
    *opened = made;
    return learn(0, run.generation);
}

static int turns_partition_lock(segj_partition_t *partition, bool exclusive)
{
    if (run.play->locks_exclude_nobody)
        pass("lock", partition->name);
    else
        step("lock", partition->name);
    return learn(run.play->locks_exclude_nobody ? 0 : run.memory->partition_lock(partition->below, exclusive), 0);
}

static int turns_partition_unlock(segj_partition_t *partition)
{
    step("unlock", partition->name);
    return learn(run.memory->partition_unlock(partition->below), 0);
}

typedef struct listed {
    segj_list_visit_t visit;
    void *context;
    uint64_t hash;
} listed_t;

static int list_visit(void *context, const char *name, segj_entry_kind_t kind)
{
    listed_t *listed = context;
    listed->hash = mix_text(listed->hash, name);
    return listed->visit(listed->context, name, kind);
}

static int turns_partition_list(segj_partition_t *partition, segj_list_visit_t visit, void *visit_context)
{
    listed_t listed = {visit, visit_context, 0};
    step("list", partition->name);
    int code = run.memory->partition_list(partition->below, list_visit, &listed);
    return learn(code, listed.hash);
}

static int turns_partition_sync(segj_partition_t *partition)
{
    pass("sync", partition->name);
    return learn(run.memory->partition_sync(partition->below), 0);
}

static void turns_partition_close(segj_partition_t *partition)
{
    if (run.play->locks_exclude_nobody)
        pass("close", partition->name);
    else
        step("close", partition->name);
    run.memory->partition_close(partition->below);
    run.partitions[partition->slot] = NULL;
    free(partition);
}

static int turns_partition_remove(void *context, const char *directory, const char *partition)
{
    (void)context;
    step("remove", partition);
    run.generation++;
    return learn(run.memory->partition_remove(context_below(), directory, partition), 0);
}

static int turns_directory_sync(void *context, const char *directory)
{
    (void)context;
    pass("sync", directory);
    return learn(run.memory->directory_sync(context_below(), directory), 0);
}

static int turns_file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    step(mode == SEGJ_OPEN_CREATE ? "create" : "open", name);
    segj_file_t *made = calloc(1, sizeof *made);
    int code = made == NULL ? ENOMEM : run.memory->file_open(partition->below, name, mode, &made->below);
    if (code != 0) {
        free(made);
        return learn(code, 0);
    }
    made->owner = strcmp(name, ".owner") == 0;
    if (made->owner && mode == SEGJ_OPEN_CREATE)
        run.owner_writer = OWNER_NOBODY;
    while (run.files[made->slot] != NULL)
        made->slot++;
    run.files[made->slot] = made;
    *opened = made;
    return learn(0, 0);
}

static int turns_file_remove(segj_partition_t *partition, const char *name)
{
    step("remove", name);
    return learn(run.memory->file_remove(partition->below, name), 0);
}

static int turns_file_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    step("read", file->owner ? ".owner" : "");
    int code = run.memory->file_read(file->below, offset, buffer, size, done);
    return learn(code, file->owner ? (uint64_t)run.owner_writer + 1 : mix_bytes(offset, buffer, *done));
}

/* What is prepared, where locks exclude nobody, is the first one's. */
static int who(void)
{
    return me < 0 ? 0 : me;
}

/* Somebody changes something. */
static void note_change(const segj_file_t *file)
{
    if (file->owner)
        run.owner_writer = who();
    else if (run.owner_writer == 1 - who())
        run.wrote_behind[who()] = true;
}

static int turns_file_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
{
    step("write", file->owner ? ".owner" : "");
    note_change(file);
    return learn(run.memory->file_write(file->below, offset, slices, count, done), offset);
}

static int turns_file_size(segj_file_t *file, uint64_t *size)
{
    step("size", "");
    int code = run.memory->file_size(file->below, size);
    return learn(code, *size);
}

static int turns_file_truncate(segj_file_t *file, uint64_t size)
{
    step("cut", "");
    note_change(file);
    return learn(run.memory->file_truncate(file->below, size), size);
}

static int turns_file_sync(segj_file_t *file)
{
    pass("sync", "file");
    return learn(run.memory->file_sync(file->below), 0);
}

static void turns_file_close(segj_file_t *file)
{
    pass("close", "file");
    run.memory->file_close(file->below);
    run.files[file->slot] = NULL;
    free(file);
}

/* --- openers whose locks exclude nobody say who they are --- */

static int turns_opener(void *context, segj_opener_t *opener)
{
    (void)context;
    *opener = (segj_opener_t){.process = 100 + (uint64_t)who(), .host = "turns"};
    opener->random[0] = (uint8_t)++run.openers;
    return 0;
}

static int turns_file_lock(segj_file_t *file, bool exclusive)
{
    (void)file;
    (void)exclusive;
    pass("lock", ".owner");
    return learn(0, 0);
}

static const segj_storage_t calls = {
    .struct_size = sizeof(segj_storage_t),
    .partition_create = turns_partition_create,
    .partition_open = turns_partition_open,
    .partition_lock = turns_partition_lock,
    .partition_unlock = turns_partition_unlock,
    .partition_list = turns_partition_list,
    .partition_sync = turns_partition_sync,
    .partition_close = turns_partition_close,
    .partition_remove = turns_partition_remove,
    .directory_sync = turns_directory_sync,
    .file_open = turns_file_open,
    .file_remove = turns_file_remove,
    .file_read = turns_file_read,
    .file_write = turns_file_write,
    .file_size = turns_file_size,
    .file_truncate = turns_file_truncate,
    .file_sync = turns_file_sync,
    .file_close = turns_file_close,
};

/* --- where a run stands --- */

static uint64_t mix_file(uint64_t hash, segj_file_t *file)
{
    uint8_t bytes[4096];
    uint64_t offset = 0;
    size_t done = 0;
    do {
        if (run.memory->file_read(file, offset, bytes, sizeof bytes, &done) != 0)
            abort();
        hash = mix_bytes(hash, bytes, done);
        offset += done;
    } while (done > 0);
    return hash;
}

typedef struct hashed {
    segj_partition_t *partition;
    uint64_t hash;
} hashed_t;

static int hash_visit(void *context, const char *name, segj_entry_kind_t kind)
{
    hashed_t *hashed = context;
    segj_file_t *file;
    (void)kind;
    hashed->hash = mix_text(hashed->hash, name);
    if (strcmp(name, ".owner") == 0) {
        hashed->hash = mix(hashed->hash, (uint64_t)run.owner_writer);
        return 0;
    }
    if (run.memory->file_open(hashed->partition, name, SEGJ_OPEN_READ, &file) != 0)
        return 0;
    hashed->hash = mix_file(hashed->hash, file);
    run.memory->file_close(file);
    return 0;
}

static uint64_t mix_partition(uint64_t hash, segj_partition_t *partition)
{
    hashed_t hashed = {partition, hash};
    (void)run.memory->partition_list(partition, hash_visit, &hashed);
    return hashed.hash;
}

/* Everything that the rest of the run depends on. */
static uint64_t key_of_run(void)
{
    static const char *const names[] = {"test_index", "test_values"};
    uint64_t hash = mix(mix(run.seen[0], run.seen[1]), run.generation);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        segj_partition_t *partition;
        hash = mix(hash, i);
        if (run.memory->partition_open(context_below(), "turns", names[i], &partition) != 0)
            continue;
        hash = mix_partition(hash, partition);
        run.memory->partition_close(partition);
    }
    for (size_t i = 0; i < HANDLES_MOST; i++)
        if (run.partitions[i] != NULL)
            hash = mix_partition(mix(hash, i), run.partitions[i]->below);
    for (size_t i = 0; i < HANDLES_MOST; i++)
        if (run.files[i] != NULL && !run.files[i]->owner)
            hash = mix_file(mix(hash, i), run.files[i]->below);
    hash = mix(hash, (uint64_t)run.wrote_behind[0] * 2 + run.wrote_behind[1]);
    return hash == 0 ? 1 : hash;
}

static bool insert(uint64_t *keys, size_t capacity, uint64_t key)
{
    size_t at = (size_t)key & (capacity - 1);
    while (keys[at] != 0 && keys[at] != key)
        at = (at + 1) & (capacity - 1);
    bool found = keys[at] == key;
    keys[at] = key;
    return !found;
}

/* Whether the run has come to a point where none was before. */
static bool is_new(uint64_t key)
{
    if (known.count * 2 >= known.capacity) {
        size_t capacity = known.capacity == 0 ? 1024 : known.capacity * 2;
        uint64_t *keys = calloc(capacity, sizeof *keys);
        if (keys == NULL)
            abort(); /* an actor may be here, not the test */
        for (size_t i = 0; i < known.capacity; i++)
            if (known.keys[i] != 0)
                (void)insert(keys, capacity, known.keys[i]);
        free(known.keys);
        known.keys = keys;
        known.capacity = capacity;
    }
    bool added = insert(known.keys, known.capacity, key);
    known.count += added;
    return added;
}

/* --- a run --- */

static void *actor(void *context)
{
    const int *number = context;
    me = *number;
    count_salts_from(1000 * (uint64_t)(me + 1)); /* the same in every run, so that states are known again */
    run.play->act[me](run.play->context, &run.storage);
    (void)pthread_mutex_lock(&run.mutex);
    run.ended[me] = true;
    go_on();
    (void)pthread_mutex_unlock(&run.mutex);
    return NULL;
}

/* Both stand before a call: whose is next? */
static int choose(void)
{
    if (run.at < path.depth)
        return path.chosen[run.at++];
    if (run.cut || !is_new(key_of_run())) {
        run.cut = true;
        return 0;
    }
    run.too_deep = path.depth == STEPS_MOST;
    run.cut = run.too_deep;
    if (run.too_deep)
        return 0;
    path.chosen[path.depth] = 0;
    path.open[path.depth] = true;
    path.depth++;
    run.at++;
    return 0;
}

static bool stands(int number)
{
    return run.waiting[number] || run.ended[number];
}

/* Once both stand before a call, or have ended, whoever came last lets one of them go on: mostly itself, and then no other
 * thread has to run. With the mutex. */
static void go_on(void)
{
    if (run.turn >= 0 || !stands(0) || !stands(1))
        return;
    if (run.ended[0] && run.ended[1]) {
        (void)pthread_cond_signal(&run.over);
        return;
    }
    run.turn = run.ended[0] ? 1 : 0;
    if (!run.ended[0] && !run.ended[1])
        run.turn = choose();
    (void)pthread_cond_signal(&run.go[run.turn]);
}

static void wait_for_both(void)
{
    (void)pthread_mutex_lock(&run.mutex);
    while (!run.ended[0] || !run.ended[1])
        (void)pthread_cond_wait(&run.over, &run.mutex);
    (void)pthread_mutex_unlock(&run.mutex);
}

static bool play_once(const turns_play_t *play)
{
    static int numbers[2] = {0, 1};
    pthread_t threads[2];
    memset(&run, 0, sizeof run);
    run.play = play;
    run.turn = -1;
    run.owner_writer = OWNER_NOBODY;
    run.storage = calls;
    if (play->locks_exclude_nobody) {
        run.storage.opener = turns_opener;
        run.storage.file_lock = turns_file_lock;
    }
    assert_ok(segj_storage_memory_create(&run.memory));
    assert_int_equal(pthread_mutex_init(&run.mutex, NULL), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_cond_init(&run.go[i], NULL), 0);
    assert_int_equal(pthread_cond_init(&run.over, NULL), 0);
    count_salts_from(1);
    if (play->prepare != NULL)
        play->prepare(play->context, &run.storage);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, actor, &numbers[i]), 0);
    wait_for_both();
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_false(run.too_deep);
    bool right = play->judge(play->context, &run.storage);
    for (size_t i = 0; i < run.steps && !right; i++)
        print_error("  %s\n", run.trace[i]);
    segj_storage_memory_destroy(run.memory);
    (void)pthread_mutex_destroy(&run.mutex);
    for (int i = 0; i < 2; i++)
        (void)pthread_cond_destroy(&run.go[i]);
    (void)pthread_cond_destroy(&run.over);
    return right;
}

/* The next order: the last point at which the other actor was not tried yet. false: there is none. */
static bool go_back(void)
{
    while (path.depth > 0 && !path.open[path.depth - 1])
        path.depth--;
    if (path.depth == 0)
        return false;
    path.chosen[path.depth - 1] = 1;
    path.open[path.depth - 1] = false;
    return true;
}

uint64_t turns_all(const turns_play_t *play)
{
    uint64_t runs = 0;
    bool right = true;
    memset(&path, 0, sizeof path);
    stay_on_one_processor();
    known.count = 0;
    known.capacity = 0;
    known.keys = NULL;
    do {
        right = play_once(play);
        runs++;
    } while (right && runs < RUNS_MOST && go_back());
    print_message("  %llu runs, %zu points\n", (unsigned long long)runs, known.count);
    free(known.keys);
    assert_true(right);
    assert_true(runs < RUNS_MOST);
    return runs;
}

bool turns_wrote_behind(int number)
{
    return run.wrote_behind[number];
}
