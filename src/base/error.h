/*
 * base/error.h: how a failure gets its sentence. The place that finds it writes the sentence with segj_fail(); places
 * on the way up put what they were doing before it with segj_context(). One text a thread, never allocated.
 */
#ifndef SEGJ_BASE_ERROR_H
#define SEGJ_BASE_ERROR_H

#include <stddef.h>

#include "segjournal/status.h"

#if defined(__GNUC__) || defined(__clang__)
#define SEGJ_PRINTF(text, first) __attribute__((format(printf, text, first)))
/** Of a function that is seldom called from one that is called a lot: it stays a call, so that the caller saves no
 *  registers for it. */
#define SEGJ_APART __attribute__((noinline))
#else
#define SEGJ_PRINTF(text, first)
#define SEGJ_APART
#endif

/** Sets the thread's sentence, without an errno from which it came. */
void segj_say(const char *format, ...) SEGJ_PRINTF(1, 2);

/** A failure that is kept while others may come, with its errno. */
typedef struct segj_sentence {
    int code;
    char text[SEGJ_ERROR_CAPACITY]; /* "": none is kept */
} segj_sentence_t;

/** Keeps the thread's sentence. */
void segj_keep(segj_sentence_t *sentence);
/** Sets the thread's sentence to one that was kept. */
void segj_say_again(const segj_sentence_t *sentence);

/** Gives the thread's sentence, which was just set, an errno that it comes from. */
void segj_say_code(int code);

/** Fills what a call's failure is told in, from the thread's sentence. */
void segj_error_take(segj_error_t *error, segj_status_t status);

/** Puts "text: " before the sentence. */
void segj_say_before(const char *format, ...) SEGJ_PRINTF(1, 2);

/** Appends the text to the sentence; the errno stays. */
void segj_say_after(const char *format, ...) SEGJ_PRINTF(1, 2);

/* These give a status back, so that `return segj_fail(...)` reads well. Macros: a compiler that sees the status knows
 * that the call did not succeed. */

/** Sets the sentence. */
#define segj_fail(status, ...) (segj_say(__VA_ARGS__), (status))

/** Sets the sentence, with the errno that it comes from; the text is the whole reason. */
#define segj_fail_from(code, status, ...) (segj_say(__VA_ARGS__), segj_say_code(code), (status))

/** Puts "text: " before the sentence. */
#define segj_context(status, ...) (segj_say_before(__VA_ARGS__), (status))

/** The sentence for memory that could not be had. */
#define segj_fail_memory(size)                                                                                         \
    (segj_say("out of memory: %zu bytes could not be allocated", (size_t)(size)), SEGJ_ERR_MEMORY)

/** The sentence for a failed storage call: it ends with the text of `code`, an errno value, which also chooses the
 *  status (SEGJ_ERR_NO_SPACE, SEGJ_ERR_MEMORY, SEGJ_ERR_LOCKED or SEGJ_ERR_IO). */
segj_status_t segj_fail_code(int code, const char *format, ...) SEGJ_PRINTF(2, 3);

#endif
