/* threads/legs.c: see the header. */
#include "threads/legs.h"

#include <semaphore.h>
#include <string.h>

/* Reads between these sizes come in two halves: values and pages, not headers and windows. */
enum { READS_WHOLE = 100, READS_LONG = 2000 };

static struct {
    const segj_storage_t *inner;
    sem_t turn[LEG_ACTORS];
    leg_t legs[LEGS_MOST + 1];
    size_t now;
    uint64_t left[LEG_ACTORS]; /* calls until the turn ends */
    uint64_t made[LEG_ACTORS];
    bool playing;
    leg_work_t work;
    void *context;
} turns;

static _Thread_local int actor = -1;

static void await_turn(int who)
{
    while (sem_wait(&turns.turn[who]) != 0) {
    }
}

/* Before each call of the storage. */
static void step(void)
{
    if (!turns.playing || actor < 0)
        return;
    while (turns.left[actor] == 0) { /* whose turn it is when it has ended gives it on */
        turns.now++;
        const leg_t *leg = &turns.legs[turns.now];
        turns.left[leg->who] = leg->calls;
        (void)sem_post(&turns.turn[leg->who]);
        await_turn(actor);
    }
    turns.left[actor]--;
    turns.made[actor]++;
}

static int file_open(segj_partition_t *partition, const char *name, segj_open_mode_t mode, segj_file_t **opened)
{
    step();
    return turns.inner->file_open(partition, name, mode, opened);
}

static int file_remove(segj_partition_t *partition, const char *name)
{
    step();
    return turns.inner->file_remove(partition, name);
}

static int file_read(segj_file_t *file, uint64_t offset, void *buffer, size_t size, size_t *done)
{
    step();
    size_t part = size > READS_WHOLE && size < READS_LONG ? size / 2 : size;
    return turns.inner->file_read(file, offset, buffer, part, done);
}

static int file_write(segj_file_t *file, uint64_t offset, const segj_slice_t *slices, size_t count, size_t *done)
{
    step();
    if (count == 1 && slices[0].size > 1) {
        const segj_slice_t half = {slices[0].data, slices[0].size / 2};
        return turns.inner->file_write(file, offset, &half, 1, done);
    }
    return turns.inner->file_write(file, offset, slices, count, done);
}

static int size_of_file(segj_file_t *file, uint64_t *size)
{
    step();
    return turns.inner->file_size(file, size);
}

static int file_truncate(segj_file_t *file, uint64_t size)
{
    step();
    return turns.inner->file_truncate(file, size);
}

static int file_refresh(segj_file_t *file, bool written)
{
    step();
    return turns.inner->file_refresh(file, written);
}

static int partition_list(segj_partition_t *partition, segj_list_visit_t visit, void *context)
{
    step();
    return turns.inner->partition_list(partition, visit, context);
}

segj_storage_t legs_over(const segj_storage_t *inner)
{
    segj_storage_t table = *inner;
    turns.inner = inner;
    table.file_open = file_open;
    table.file_remove = file_remove;
    table.file_read = file_read;
    table.file_write = file_write;
    table.file_size = size_of_file;
    table.file_truncate = file_truncate;
    table.file_refresh = file_refresh;
    table.partition_list = partition_list;
    return table;
}

static void act(worker_t *worker)
{
    int who = (int)worker->number;
    actor = who;
    await_turn(who);
    turns.work(who, turns.context);
    actor = -1;
    /* Its legs that are left are the other one's. */
    turns.left[1 - who] = LEG_ALL;
    for (size_t i = turns.now + 1; i <= LEGS_MOST; i++)
        turns.legs[i] = (leg_t){1 - who, LEG_ALL};
    (void)sem_post(&turns.turn[1 - who]);
}

void legs_play(const leg_t *legs, size_t count, leg_work_t work, void *context, uint64_t made[LEG_ACTORS])
{
    worker_t team[LEG_ACTORS];
    for (size_t i = 0; i <= LEGS_MOST; i++)
        turns.legs[i] = i < count ? legs[i] : (leg_t){LEG_OTHER, LEG_ALL};
    memset(turns.made, 0, sizeof turns.made);
    memset(turns.left, 0, sizeof turns.left);
    turns.work = work;
    turns.context = context;
    turns.now = 0;
    for (int i = 0; i < LEG_ACTORS; i++)
        assert_int_equal(sem_init(&turns.turn[i], 0, 0), 0);
    turns.left[turns.legs[0].who] = turns.legs[0].calls;
    turns.playing = true;
    (void)sem_post(&turns.turn[turns.legs[0].who]);
    team_run(team, LEG_ACTORS, act, NULL);
    turns.playing = false;
    memcpy(made, turns.made, sizeof turns.made);
    for (int i = 0; i < LEG_ACTORS; i++)
        (void)sem_destroy(&turns.turn[i]);
}
