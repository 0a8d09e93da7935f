/*
 * oversized/section/trainer.c: see the header. The thread holds no lock while it reads and trains. It takes the change
 * lock for the moment in which new sections come to get the dictionary, because an append that makes one looks twice.
 */
#include "oversized/section/trainer.h"

#include "oversized/section/dictionary.h"
#include "oversized/section/entrance.h"

bool segj_trainer_init(segj_trainer_t *trainer)
{
    if (!segj_mutex_init(&trainer->lock))
        return false;
    if (segj_cond_init(&trainer->asked))
        return true;
    segj_mutex_destroy(&trainer->lock);
    return false;
}

void segj_trainer_free(segj_trainer_t *trainer)
{
    segj_cond_destroy(&trainer->asked);
    segj_mutex_destroy(&trainer->lock);
}

void segj_trainer_stop(segj_trainer_t *trainer, bool for_good)
{
    segj_lock(&trainer->lock);
    bool runs = trainer->state == SEGJ_TRAINER_FREE || trainer->state == SEGJ_TRAINER_ASKED;
    if (runs) {
        trainer->state = SEGJ_TRAINER_ENDING;
        atomic_store(&trainer->ending, true);
        segj_wake_all(&trainer->asked);
    }
    segj_unlock(&trainer->lock);
    if (runs)
        segj_thread_join(trainer->thread);
    segj_lock(&trainer->lock);
    if (runs)
        trainer->state = SEGJ_TRAINER_UNMADE;
    if (for_good)
        trainer->state = SEGJ_TRAINER_ENDED;
    atomic_store(&trainer->ending, false);
    segj_unlock(&trainer->lock);
}

/* New sections get it from now on. */
static segj_status_t adopt_dictionary(oversized_t *journal, const segj_buffer_t *bytes)
{
    segj_dictionaries_t *dictionaries = &journal->codec.dictionaries;
    segj_dictionary_t *made;
    segj_status_t status = segj_dictionary_new(bytes->data, (uint32_t)bytes->size, &made);
    if (status != SEGJ_OK)
        return status;
    segj_gate_enter(&journal->change);
    segj_lock(&journal->shared.state);
    segj_dictionary_t *before = dictionaries->next;
    dictionaries->next = segj_dictionary_list(journal, made);
    segj_dictionary_give_locked(journal, before);
    atomic_store(&dictionaries->any, true);
    segj_unlock(&journal->shared.state);
    segj_gate_leave(&journal->change);
    return SEGJ_OK;
}

static void train_once(oversized_t *journal, uint64_t section)
{
    const segj_trainer_t *trainer = &journal->trainer;
    segj_buffer_t bytes = {.data = NULL};
    segj_status_t status = trainer->train(journal, section, trainer->size, &trainer->ending, &bytes);
    if (status == SEGJ_OK)
        status = adopt_dictionary(journal, &bytes);
    if (status == SEGJ_OK)
        segj_shared_trace(&journal->shared, SEGJ_LOG_INFO,
                          "%s: new sections get a dictionary of %zu bytes, trained from section %llu",
                          journal->directory, bytes.size, (unsigned long long)section);
    else if (!atomic_load(&trainer->ending) && segj_is_live(journal))
        segj_shared_log(&journal->shared, SEGJ_LOG_INFO, "%s: no dictionary was trained from section %llu: %s",
                        journal->directory, (unsigned long long)section, segj_last_error());
    segj_buffer_free(&bytes);
}

static void *trainer_run(void *context)
{
    oversized_t *journal = context;
    segj_trainer_t *trainer = &journal->trainer;
    segj_lock(&trainer->lock);
    while (trainer->state != SEGJ_TRAINER_ENDING) {
        if (trainer->state == SEGJ_TRAINER_ASKED) {
            uint64_t section = trainer->section;
            segj_unlock(&trainer->lock);
            train_once(journal, section);
            segj_lock(&trainer->lock);
            if (trainer->state == SEGJ_TRAINER_ASKED)
                trainer->state = SEGJ_TRAINER_FREE;
        } else {
            segj_wait(&trainer->asked, &trainer->lock);
        }
    }
    segj_unlock(&trainer->lock);
    return NULL;
}

bool segj_trainer_ask(oversized_t *journal, uint64_t section)
{
    segj_trainer_t *trainer = &journal->trainer;
    int code = 0;
    segj_lock(&trainer->lock);
    if (trainer->state == SEGJ_TRAINER_UNMADE) {
        code = segj_thread_start(&trainer->thread, trainer_run, journal);
        trainer->state = code == 0 ? SEGJ_TRAINER_FREE : SEGJ_TRAINER_ENDED;
    }
    bool taken = trainer->state == SEGJ_TRAINER_FREE;
    if (taken) {
        trainer->section = section;
        trainer->state = SEGJ_TRAINER_ASKED;
        segj_wake_all(&trainer->asked);
    }
    segj_unlock(&trainer->lock);
    if (code != 0)
        segj_shared_log(&journal->shared, SEGJ_LOG_WARNING,
                        "no dictionaries are trained: no thread could be made (error %d)", code);
    return taken;
}
