/*
 * oversized/section/crew.c: see the header. A round is offered under the lock, and joined under it: whoever joins is
 * counted (at_work). The thread that began the round works too, until no step is left. Then it withdraws the offer, and
 * waits for those that have joined. A thread that wakes too late finds no offer.
 */
#include "oversized/section/crew.h"

#include "segjournal/oversized.h"

/* Pieces of a shared value: as many as threads, within these. Pieces below the first limit compress worse; the last
 * limit is what zstd takes at its usual level. */
#define PIECE_LEAST ((uint64_t)1 << 20)
#define PIECE_MOST ((uint64_t)8 << 20)
#define PIECE_OF_UNKNOWN ((uint64_t)2 << 20)

bool segj_crew_init(segj_crew_t *crew, const segj_shared_t *shared)
{
    crew->shared = shared;
    if (!segj_mutex_init(&crew->lock))
        return false;
    if (segj_cond_init(&crew->asked)) {
        if (segj_cond_init(&crew->done))
            return true;
        segj_cond_destroy(&crew->asked);
    }
    segj_mutex_destroy(&crew->lock);
    return false;
}

void segj_crew_free(segj_crew_t *crew)
{
    segj_lock(&crew->lock);
    crew->ending = true;
    segj_wake_all(&crew->asked);
    segj_unlock(&crew->lock);
    while (crew->made > 0)
        segj_thread_join(crew->threads[--crew->made]);
    (void)ZSTD_freeCCtx(crew->wide);
    segj_cond_destroy(&crew->done);
    segj_cond_destroy(&crew->asked);
    segj_mutex_destroy(&crew->lock);
}

static void crew_work(segj_crew_t *crew, segj_round_t *round, ZSTD_CCtx **context)
{
    while (!atomic_load_explicit(&round->failed, memory_order_relaxed)) {
        size_t number = atomic_fetch_add_explicit(&round->next, 1, memory_order_relaxed);
        if (number >= round->count)
            return;
        segj_status_t status = round->step(round, context, number);
        if (status == SEGJ_OK)
            continue;
        atomic_store_explicit(&round->failed, true, memory_order_relaxed);
        segj_lock(&crew->lock);
        if (round->status == SEGJ_OK) {
            round->status = status;
            segj_keep(&round->sentence);
        }
        segj_unlock(&crew->lock);
    }
}

static void *crew_thread(void *of)
{
    segj_crew_t *crew = of;
    ZSTD_CCtx *context = NULL;
    unsigned long seen = 0;
    segj_lock(&crew->lock);
    while (!crew->ending) {
        segj_round_t *round = crew->round;
        if (round == NULL || crew->rounds == seen) {
            segj_wait(&crew->asked, &crew->lock);
            continue;
        }
        seen = crew->rounds;
        crew->at_work++;
        segj_unlock(&crew->lock);
        crew_work(crew, round, &context);
        segj_lock(&crew->lock);
        if (--crew->at_work == 0)
            segj_wake_all(&crew->done);
    }
    segj_unlock(&crew->lock);
    (void)ZSTD_freeCCtx(context);
    return NULL;
}

/* Under the lock. 0, or why not all could be made. */
static int make_threads(segj_crew_t *crew) SEGJ_REQUIRES(crew->lock);
static int make_threads(segj_crew_t *crew)
{
    segj_assert_held(&crew->lock);
    int code = 0;
    crew->tried = true;
    while (code == 0 && crew->made + 1 < crew->most) {
        code = segj_thread_start(&crew->threads[crew->made], crew_thread, crew);
        crew->made += code == 0;
    }
    return code;
}

static bool crew_offer(segj_crew_t *crew, segj_round_t *round)
{
    int code = 0;
    segj_lock(&crew->lock);
    bool free = !crew->busy;
    if (free) {
        if (!crew->tried)
            code = make_threads(crew);
        crew->busy = true;
        crew->round = round;
        crew->rounds++;
        segj_wake_all(&crew->asked);
    }
    unsigned made = crew->made;
    segj_unlock(&crew->lock);
    if (code != 0)
        segj_shared_log(crew->shared, SEGJ_LOG_WARNING,
                        "%u threads compress a batch instead of %u: no more could be made (error %d)", made + 1,
                        crew->most, code);
    return free;
}

segj_status_t segj_crew_run(segj_crew_t *crew, segj_round_t *round, ZSTD_CCtx **context, bool *done)
{
    *done = crew->most > 1 && crew_offer(crew, round);
    if (!*done)
        return SEGJ_OK;
    crew_work(crew, round, context);
    segj_lock(&crew->lock);
    crew->round = NULL;
    while (crew->at_work > 0)
        segj_wait(&crew->done, &crew->lock);
    crew->busy = false;
    segj_status_t status = round->status;
    if (status != SEGJ_OK)
        segj_say_again(&round->sentence);
    segj_unlock(&crew->lock);
    return status;
}

static uint64_t piece_of(uint64_t size, unsigned threads)
{
    if (size == OVERSIZED_SIZE_UNKNOWN)
        return PIECE_OF_UNKNOWN;
    uint64_t piece = size / threads + 1;
    if (piece < PIECE_LEAST)
        return PIECE_LEAST;
    return piece < PIECE_MOST ? piece : PIECE_MOST;
}

/* False: zstd has no threads here. */
static bool set_wide(ZSTD_CCtx *wide, unsigned threads, uint64_t size)
{
    (void)ZSTD_CCtx_reset(wide, ZSTD_reset_session_and_parameters);
    return !ZSTD_isError(ZSTD_CCtx_setParameter(wide, ZSTD_c_nbWorkers, (int)threads)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(wide, ZSTD_c_jobSize, (int)piece_of(size, threads)));
}

ZSTD_CCtx *segj_crew_reserve_wide(segj_crew_t *crew, uint64_t size)
{
    if (crew == NULL || crew->most < 2 || size < SEGJ_CREW_VALUE_LEAST)
        return NULL;
    segj_lock(&crew->lock);
    bool free = !crew->wide_taken && !crew->wide_refused;
    crew->wide_taken = crew->wide_taken || free;
    segj_unlock(&crew->lock);
    if (!free)
        return NULL;
    /* It is ours now. */
    if (crew->wide == NULL)
        crew->wide = ZSTD_createCCtx();
    if (crew->wide != NULL && set_wide(crew->wide, crew->most, size))
        return crew->wide;
    bool refused = crew->wide != NULL;
    segj_lock(&crew->lock);
    crew->wide_refused = refused;
    crew->wide_taken = false;
    segj_unlock(&crew->lock);
    if (refused)
        segj_shared_log(crew->shared, SEGJ_LOG_WARNING,
                        "each value is compressed by one thread: this zstd was built without threads");
    return NULL;
}

void segj_crew_release_wide(segj_crew_t *crew)
{
    segj_lock(&crew->lock);
    crew->wide_taken = false;
    segj_unlock(&crew->lock);
}
