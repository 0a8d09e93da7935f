/*
 * crash/words/words.c: the words by which a journal knows its process (base/process.h), for programs that open hundreds of
 * thousands of journals, one after the other: each takes the page of the one before. Pages that the system makes are a
 * third of the processor's time of such a program.
 */
#include <stdatomic.h>
#include <stddef.h>

#include "base/process.h"

segj_process_word_t *__real_segj_process_word_make(void);
segj_process_word_t *__wrap_segj_process_word_make(void);
void __real_segj_process_word_free(segj_process_word_t *word);
void __wrap_segj_process_word_free(segj_process_word_t *word);

static _Atomic(segj_process_word_t *) spare;

segj_process_word_t *__wrap_segj_process_word_make(void)
{
    segj_process_word_t *word = atomic_exchange(&spare, NULL);
    return word != NULL ? word : __real_segj_process_word_make();
}

void __wrap_segj_process_word_free(segj_process_word_t *word)
{
    segj_process_word_t *none = NULL;
    if (word != NULL)
        atomic_store(word, 0);
    if (!atomic_compare_exchange_strong(&spare, &none, word))
        __real_segj_process_word_free(word);
}
