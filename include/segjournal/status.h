/**
 * @file segjournal/status.h
 * What a call returns, and the sentence that explains it.
 *
 * Every call that can fail returns a segj_status_t. SEGJ_OK is success. SEGJ_END means that there is nothing (more) to
 * give, and is not an error. Every status from SEGJ_ERR_INVALID on is an error. After an error, segj_last_error() holds
 * a sentence that names the file, the place in it and what was expected; after SEGJ_OK and SEGJ_END it is unchanged.
 *
 * The numbers are frozen: later versions append statuses, and never renumber or reuse one.
 */
#ifndef SEGJOURNAL_STATUS_H
#define SEGJOURNAL_STATUS_H

/** Has the compiler warn where a call's result is not used. */
#if defined(__GNUC__) || defined(__clang__)
#define SEGJ_MUST_CHECK __attribute__((warn_unused_result))
#else
#define SEGJ_MUST_CHECK
#endif

/** @def SEGJ_EXPORT_BEGIN
 *  A shared object into which the library is linked exports the functions that are declared between this and
 *  SEGJ_EXPORT_END. It does not export the library's inner functions.
 *  @def SEGJ_EXPORT_END
 *  See SEGJ_EXPORT_BEGIN. */
#if (defined(__GNUC__) || defined(__clang__)) && !defined(_WIN32)
#define SEGJ_EXPORT_BEGIN _Pragma("GCC visibility push(default)")
#define SEGJ_EXPORT_END _Pragma("GCC visibility pop")
#else
#define SEGJ_EXPORT_BEGIN
#define SEGJ_EXPORT_END
#endif

/** All zeros, for any structure of the public headers, without a warning in C and in C++: segj_buffer_t value =
 *  SEGJ_ZERO; */
/* clang-format off */
#ifdef __cplusplus
#define SEGJ_ZERO {}
#else
#define SEGJ_ZERO {0}
#endif
/* clang-format on */

/* With -Wextra, g++ and clang++ warn of each field that "= {0}" does not name; in C they make an exception for it. The
 * warning belongs to the place of the initializer, so it goes only when it is off where the headers are used. Who wants
 * it for code of their own says so after the include:
 * #pragma GCC diagnostic warning "-Wmissing-field-initializers" */
#if defined(__cplusplus) && defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#endif

#ifdef __cplusplus
extern "C" {
#endif
SEGJ_EXPORT_BEGIN

/** @defgroup segj_statuses Statuses and the sentences of errors
 *  @{ */

/** What a call returns. */
typedef enum segj_status {
    SEGJ_OK = 0,              /**< success */
    SEGJ_END = 1,             /**< no (further) record or section; not an error */
    SEGJ_ERR_INVALID = 10,    /**< an argument or a configuration that can never work */
    SEGJ_ERR_MEMORY = 11,     /**< out of memory; nothing changed */
    SEGJ_ERR_IO = 12,         /**< the storage failed */
    SEGJ_ERR_NO_SPACE = 13,   /**< the storage is full, or a file is as large as it may be; make the call again later */
    SEGJ_ERR_LOCKED = 14,     /**< the journal is open elsewhere */
    SEGJ_ERR_NOT_FOUND = 15,  /**< there is no journal, and must_exist or read_only was set */
    SEGJ_ERR_MISMATCH = 16,   /**< the files are of another configuration, format or journal; nothing changed */
    SEGJ_ERR_CORRUPT = 17,    /**< a header, page or name that no crash leaves */
    SEGJ_ERR_CHECKSUM = 18,   /**< a value whose checksum does not match */
    SEGJ_ERR_PRUNED = 19,     /**< the section was pruned in this run */
    SEGJ_ERR_NO_SECTION = 20, /**< there is no such section */
    SEGJ_ERR_NO_RECORD = 21,  /**< the section has no record at that position */
    SEGJ_ERR_RANGE = 22,      /**< a location too short for a frame, or reaching past the section */
    SEGJ_ERR_TOO_LARGE = 23,  /**< a value beyond 2^32 - 5 bytes, max_value_size or SIZE_MAX */
    SEGJ_ERR_COMPRESSION = 24, /**< zstd refused to compress, or to decompress */
    SEGJ_ERR_POISONED = 25,  /**< the outcome of an earlier sync or change is unknown, or another writer has opened the
                                    journal: close it and open it again, which recovers it */
    SEGJ_ERR_READ_ONLY = 26, /**< a change of a journal that was opened read-only */
    SEGJ_ERR_BUSY = 27,      /**< a change of a section of which a view is out, or into which a value is being streamed:
                                    release, finish or abandon that first */
    SEGJ_ERR_CANCELLED = 28  /**< a long call was cancelled by the function that follows its progress */
} segj_status_t;

/** Returns the name of a status, for example "SEGJ_ERR_CORRUPT"; "SEGJ_UNKNOWN" for a number that is none. Static text.
 *  Any thread. */
const char *segj_status_name(segj_status_t status);

/** Bytes of the longest sentence, with its end. */
#define SEGJ_ERROR_CAPACITY 1024

/** A failure, as config.error and oversized_caller_error() give it. Its size is part of the interface and stays. */
typedef struct segj_error {
    int code;                       /**< as segj_last_errno() */
    segj_status_t status;           /**< of the call that failed; SEGJ_OK before the first failure */
    char text[SEGJ_ERROR_CAPACITY]; /**< as segj_last_error() */
} segj_error_t;

/**
 * Returns the calling thread's last failure in a sentence: the file, the offset, what was expected and found, and the
 * system's error text. "" before the first failure. The library owns the text, which is valid until the thread's next
 * failing call or its end. It has at most 1,023 bytes; longer texts are cut.
 *
 * The sentence belongs to a thread of the system. Ask for it in the thread that made the call, before its next one.
 * Where calls move from one thread to another (goroutines, tasks of an event loop) or share one, give each user a
 * caller of its own instead: oversized_caller_open() and config.error work from any thread.
 */
const char *segj_last_error(void);

/** Returns the errno value of the storage from which the calling thread's last failure came; 0 where it came from
 *  none. */
int segj_last_errno(void);

/** @} */

SEGJ_EXPORT_END
#ifdef __cplusplus
}
#endif

#endif /* SEGJOURNAL_STATUS_H */
