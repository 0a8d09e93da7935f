/*
 * segjournal/oversized.h: a journal of large values that gives back exactly what was synced, whatever the power does.
 *
 * A journal holds numbered sections. A section is a list of records, appended at its end: a record is an entry of fixed
 * size, the application's own bytes, and the location of a value of any size. Entries live in a paged, checksummed
 * index file, values in a checksummed and optionally compressed values file, one pair of files a section.
 *
 *     oversized_config_t config;
 *     oversized_config_init(&config);
 *     config.directory = "data";
 *     config.entry_size = 8;
 *     oversized_t *journal;
 *     if (oversized_open(&config, &journal) != SEGJ_OK)
 *         die(segj_last_error());
 *     oversized_append(journal, 7, "entry-01", value, value_size, &position, &location);
 *     oversized_sync(journal, 7);                                  // from here on it survives a power cut
 *     oversized_read(journal, 7, position, entry, &buffer);
 *     oversized_close(journal);
 *
 * Arguments. The journal comes first, then the section, then the position or location, then inputs, then outputs.
 * Outputs are written on success only; those marked "may be NULL" may be NULL. What is written on failure too: a handle
 * (journal, writer, reader, replay, page cache, storage in memory) is NULL then, a segj_buffer_t is empty, a view shows
 * nothing, a flag is false, and values that are read together have a status each.
 *
 * Answers. SEGJ_OK, SEGJ_END where the text says so, or an error whose sentence segj_last_error() gives. A failed call
 * has changed nothing that can be seen, unless it is SEGJ_ERR_POISONED from then on (below). Each call lists its
 * errors. Any call may besides answer SEGJ_ERR_INVALID, for an argument that can never be right; and where SEGJ_ERR_IO
 * is listed, the storage chooses between it, SEGJ_ERR_NO_SPACE and SEGJ_ERR_MEMORY (storage.h).
 *
 * Durability. Nothing is durable before a sync of its section (or sync_all, rewind, close) has returned SEGJ_OK. A sync
 * answers for one section: after a power cut section 8 may hold records while the end of section 7 is lost. Sync
 * the old section before starting the next where that matters. A killed process loses what the library still held in
 * memory: oversized_flush hands that to the system without a sync, and then only a power cut (or a crash of the system)
 * takes it.
 *
 * File size limits. A write beyond the process' limit (RLIMIT_FSIZE, "ulimit -f") raises SIGXFSZ in the thread that
 * makes the call, and unless the application ignores or handles it, that ends the process. An application under such a
 * limit ignores it, signal(SIGXFSZ, SIG_IGN), and the call then answers SEGJ_ERR_NO_SPACE. The library sets no signal
 * handlers.
 *
 * Poison. When the library cannot know what the disk holds (an fsync failed, or a rewind, a prune or the creation of a
 * section failed half way), the journal is poisoned: every change answers SEGJ_ERR_POISONED, reads go on, nothing more
 * is written. Close it and open it again: the open recovers.
 *
 * Threads. Any call may be made from any thread at any time, except that close, abandon and destroy come last.
 * Changes are serialised inside; readers run at the same time as each other and as a change, and a sync keeps no lock
 * while the storage works. What a call answers as its sentence belongs to its thread: goroutines and tasks, which
 * change theirs, and all who share a thread use callers (oversized_caller_open). Calls are not signal-safe.
 *
 * Handles. What was closed, abandoned or finished is used no more. A call with a handle that has ended answers
 * SEGJ_ERR_INVALID as long as its memory has not been reused; a library that is built with assertions aborts.
 *
 * Forks. A journal belongs to the process that opened it. In a child every call, also of what was made from the
 * journal, is SEGJ_ERR_INVALID ("opened by process N"), reads included, because a lock may be held for ever there by
 * a thread that does not exist in the child; nothing waits, no byte and no lock is touched. Close, abandon and destroy give the
 * child's memory and descriptors back, and no more: close and destroy answer SEGJ_ERR_INVALID. (What another thread
 * was changing at the moment of the fork stays.) The ends of writers, readers, replays, views and callers work; a
 * view shows what it showed until it is released; a replay may give what it has read. The parent's lock ends with the
 * parent's close, whatever children there are; where the parent ends without a close, its children hold the lock
 * until they close or abandon the journal, call exec, or end. A child may open journals of its own; the parent's own
 * is SEGJ_ERR_LOCKED for it. Children of vfork make no call.
 *
 * Limits. Sections 0 to UINT64_MAX; entries of 0 to 65,535 bytes; values of 0 to 2^32 - 5 bytes; files to 2^63 - 1.
 */
#ifndef SEGJOURNAL_OVERSIZED_H
#define SEGJOURNAL_OVERSIZED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segjournal/status.h"
#include "segjournal/storage.h"

#ifdef __cplusplus
extern "C" {
#endif
SEGJ_EXPORT_BEGIN

typedef struct oversized oversized_t;               /**< a journal */
typedef struct oversized_replay oversized_replay_t; /**< a walk over records */
typedef struct segj_page_cache segj_page_cache_t;   /**< verified index pages in memory; reference counted */

/** Bytes that a record has besides its entry: the value's offset (8) and its size (4). */
#define OVERSIZED_LOCATION_SIZE 12
/** The largest value, in bytes: its frame is 4 bytes longer and counted in 32 bits. */
#define OVERSIZED_VALUE_MAX 4294967291u
/** The position behind a section's last record, whatever its count is: where oversized_replay_open_back begins. */
#define OVERSIZED_END UINT64_MAX

/** Where a value lies in its section's values file. Valid as long as its record exists. */
typedef struct oversized_location {
    uint64_t offset; /**< of the frame, in bytes from the start of the data */
    uint32_t size;   /**< of the frame: the stored bytes and a checksum of 4 bytes */
} oversized_location_t;

/** What a replay yields. */
typedef struct oversized_item {
    uint64_t section, position;
    const void *entry; /**< entry_size bytes, owned by the replay, valid until its next call */
    oversized_location_t location;
} oversized_item_t;

/**
 * A buffer that the library fills and grows and the caller owns. Start with SEGJ_ZERO, use it for as many calls as you
 * like (one thread at a time), end with segj_buffer_free(). On failure size is 0 while data and capacity stay valid.
 */
typedef struct segj_buffer {
    void *data;      /**< `capacity` bytes, of which the first `size` are the value; NULL while capacity is 0 */
    size_t size;     /**< of the value, in bytes */
    size_t capacity; /**< of the allocation, in bytes; never shrinks */
} segj_buffer_t;

typedef enum segj_format {
    SEGJ_FORMAT_NATIVE = 0,    /**< the library's own: page and frame checksums, a watermark of what was synced */
    SEGJ_FORMAT_COMMONWARE = 1 /**< the files of commonware-storage 2026.2.0, read and continued */
} segj_format_t;

typedef enum segj_log_level {
    SEGJ_LOG_DEBUG = 0,   /**< a section was woken, synced, retired (its watermark written) or rests; another failure
                               of a poisoned journal */
    SEGJ_LOG_INFO = 1,    /**< the journal was opened; a section was made or rewound, sections were removed */
    SEGJ_LOG_WARNING = 2, /**< something was repaired that a crash explains */
    SEGJ_LOG_ERROR = 3    /**< synced data is lost, or the journal is poisoned */
} segj_log_level_t;

/** How open looks for the end of a section in the commonware format, whose files do not say what was synced. The native
 *  format accepts OVERSIZED_VERIFY_DEFAULT alone: it verifies whatever no sync has covered. */
typedef enum oversized_verify {
    OVERSIZED_VERIFY_DEFAULT = 0, /**< as OVERSIZED_VERIFY_RANGES */
    OVERSIZED_VERIFY_RANGES = 1,  /**< back to the last record whose value lies within the values file */
    OVERSIZED_VERIFY_TAIL = 2     /**< and whose value's checksum is right */
} oversized_verify_t;

/** A state that the application recorded elsewhere and wants restored (see oversized_config_t.checkpoint). An
 *  application that counts records fills it with oversized_checkpoint_at(). */
typedef struct oversized_checkpoint {
    uint64_t oldest;     /**< sections below are removed */
    uint64_t section;    /**< the section that was being written; later ones are removed */
    uint64_t index_size; /**< what it is cut to: oversized_size() at the checkpoint, a multiple of the record size */
} oversized_checkpoint_t;

/** Always begin with oversized_config_init(). Copied by open; strings and the storage table too. */
typedef struct oversized_config {
    /** Set by oversized_config_init(); tells the library which version's fields there are. */
    size_t struct_size;
    /** Where the two partitions lie. Made when absent, its parent is not. Required: NULL and "" are refused. */
    const char *directory;
    /** Names of the two partitions: 1 to 255 of A-Z a-z 0-9 _ -, not the same. "index" and "values". */
    const char *index_partition;
    const char *value_partition;
    /** Bytes of the caller's entry, 0 to 65,535; 0. Recorded in the files. */
    uint32_t entry_size;
    /** Logical bytes of an index page, 1 to 65,535; 4084 (4096 on disk). 0: what the files have, 4084 where there are
     *  none (native format only). Recorded in the files. */
    uint16_t page_size;
    /** Capacity of the journal's own page cache, in pages, 1 to 2^28; 1024. Ignored when page_cache is set. */
    uint32_t page_cache_pages;
    /** A page cache shared with other journals of the same page size, or NULL. The journal takes a reference. */
    segj_page_cache_t *page_cache;
    /** Bytes that a section being written gathers before it writes, 1 to 2^30: index 64 KiB, values 1 MiB. Raised
     *  to what one record or two pages need, and lowered to what write_memory allows. */
    size_t index_write_buffer;
    size_t value_write_buffer;
    /** Bytes of all write buffers together, 1 or more; 64 MiB. When they are exceeded, the sections that were written
     *  to longest ago give theirs back. */
    size_t write_memory;
    /** zstd level of new sections, ZSTD_minCLevel() to ZSTD_maxCLevel(); 0: new sections are not compressed, and
     *  sections that are go on at zstd's default level. */
    int compression;
    /** The largest value appended or read, in bytes, 0 to 2^32 - 5; 2^32 - 5. Checked before memory is taken. */
    uint32_t max_value_size;
    /** Descriptors of section files open at a time, 4 or more; 256. Two more are the partitions' locks. A section
     *  being written needs two, so this bounds them to half as many, less one. Open lowers it, and logs that
     *  (SEGJ_LOG_INFO), where the process has fewer descriptors left (RLIMIT_NOFILE): the application keeps a quarter
     *  of those, at most 32.
     *  When the system has none left (EMFILE, ENFILE), files that are not in use are closed, a few more than are
     *  wanted; where there are none, the section written to longest ago is synced and rests. Then the call goes on, and
     *  fewer files are kept open until some hundred openings have gone well. A call that finds nothing to close is
     *  SEGJ_ERR_IO and has changed nothing; its sentence names the limit.
     *  Files are opened for reading until their section is changed: the first change since then opens them anew, and
     *  waits for readers that are inside a call of the storage on them. */
    uint32_t max_open_files;
    /** SEGJ_FORMAT_NATIVE. Files of the other format are SEGJ_ERR_MISMATCH. Commonware files record neither entry_size
     *  nor page_size, which must be what they were made with (others are recognised by what the files hold, and are
     *  SEGJ_ERR_MISMATCH); nor compression, which goes for all sections then. They have no watermark: after a crash
     *  records above the last sync may be there with damaged values, and losses are not told from what a crash may
     *  take. */
    segj_format_t format;
    /** OVERSIZED_VERIFY_DEFAULT. */
    oversized_verify_t verify;
    /** Fail with SEGJ_ERR_CORRUPT, changing nothing, where synced data is lost (instead of reporting it), and where a
     *  values file that holds data has no index file. A prune or rewind that was interrupted, by a power cut or a kill,
     *  leaves such files too, as does a section that was never synced; an open without strict removes them, says so in
     *  the log, and loses nothing that was synced by it, unless somebody has removed the index file. */
    bool strict;
    /** Take a shared lock, write nothing, show what open would recover. */
    bool read_only;
    /** SEGJ_ERR_NOT_FOUND instead of making a new journal. */
    bool must_exist;
    /** Restore this state instead of recovering what there is; or NULL. Needs that sections below
     *  checkpoint->section were not appended to after their last sync. */
    const oversized_checkpoint_t *checkpoint;
    /** The storage; NULL: segj_storage_posix(). Its context outlives the journal. */
    const segj_storage_t *storage;
    /** Called with a line of text without a newline, at every level: filter by `level`. NULL: silence, at no cost. May
     *  be called from any thread that is in a call of the library, with no lock held that a reader needs;
     *  must not call the journal. */
    void (*log)(void *log_context, segj_log_level_t level, const char *message);
    void *log_context;
    /** Bytes of zeros kept behind the last value of a section that is synced again and again, at most 2^30; 0: none.
     *  A sync then need not make a new file size durable, which saves the file system's own journal a commit.
     *  It pays where single values are synced, and costs where syncs are few. Given back when the section comes to rest
     *  or the journal is closed; after a crash they are there, and the next open cuts them (value_bytes_truncated). The
     *  native format alone. */
    size_t preallocate;
    /** Let views show values where they are, in a mapping of their file, instead of copying them (oversized_view). An
     *  error that a read would report ends the process with SIGBUS instead, where the storage cannot read a page of the
     *  mapping, and where somebody else has cut the file. Therefore this is off unless it is asked for.
     *  Where the system refuses to map a file (some FUSE file systems do), its values are copied, and it is asked again
     *  after 16 views of that file, then 32 and so on up to 1024; at once when the file is opened anew, or its section
     *  begins to be written to. */
    bool map_values;
    /** A sync flushes the two files of its section at the same time, the values by a thread of the journal's own. May
     *  pay where single values are synced, and may cost more than it brings: measure it where it is to run. That thread
     *  is made by the first sync that needs it, takes no signals, calls file_sync of the storage and nothing else, and
     *  ends with the journal; a read-only journal has none. It works for one sync at a time: others that come
     *  meanwhile, and all where it cannot be made, which is logged once, flush one file after the other, as without
     *  this. */
    bool parallel_flush;
    /** Bytes of what open sets aside, in all, before it cuts a section that has lost records that were synced; 256 MiB.
     *  0: nothing is set aside. It lies in a directory of its own, "." + index_partition + ".lost" beside the
     *  partitions (names longer than 249 bytes are shortened), which is made when something is lost: the index from the
     *  first page that is cut, and the values from the end that stays, as they were, with a catalogue. 0 makes the
     *  directory too, for the catalogue alone, which later opens report the loss from. What does not fit is cut all the same, values before index, which the report and the log say; losses that were
     *  acknowledged make room first, the oldest before others. Where the storage has no room for it, the section is not
     *  cut, but waits (sections_unrepaired). Values files without an index file are removed and not set aside. The
     *  native format alone: commonware files do not say what was synced, and nothing of them is set aside. */
    uint64_t quarantine;
    /** Where oversized_open() leaves how it failed, or NULL. Used during that call alone. */
    segj_error_t *error;
} oversized_config_t;

/** What the last open found and did; of a read-only one, what an open for writing would do. Bytes are those behind the
 *  records kept. */
typedef struct oversized_recovery_t {
    uint64_t sections;                /**< sections the journal has after open */
    uint64_t records;                 /**< records they hold together */
    uint64_t records_dropped;         /**< whole records found behind a section's end, never covered by a completed
                                           sync: what a crash may take */
    uint64_t synced_records_lost;     /**< records that a completed sync had covered and that are gone */
    uint64_t sections_damaged;        /**< sections that lost such records */
    uint64_t index_bytes_truncated;   /**< cut from index files, checksums of pages included */
    uint64_t value_bytes_truncated;   /**< cut from values files */
    uint64_t orphan_sections_removed; /**< values sections without an index section */
    uint64_t values_verified;         /**< values whose checksum was read: those above the watermarks */
    uint64_t sections_repaired;       /**< sections that were not left by a close, and those without records: they were
                                           made durable again */
    uint64_t sections_unrepaired;     /**< those for which the storage had no room: they can be read and pruned; what
                                           open has shown of them, beyond what was synced, may go in a power cut. Each is
                                           repaired before its first change, and by a sync of it or of all, which
                                           answer SEGJ_ERR_NO_SPACE until there is room. Close leaves them alone.
                                           What such a section has lost is told by each open until it is repaired or
                                           pruned */
    /* Losses that oversized_acknowledge_losses() has not been called for, those of earlier opens included, as they are
     * when open has ended. Losses of sections that are not yet cut (sections_unrepaired) are counted in
     * synced_records_lost only. The native format alone. */
    uint64_t unacknowledged_records;      /**< records that were synced and are gone */
    uint64_t unacknowledged_sections;     /**< sections that had them */
    uint64_t unacknowledged_bytes_missed; /**< bytes that were cut of these sections and not set aside */
    uint64_t quarantine_bytes;            /**< bytes set aside, of acknowledged losses too */
    const char *quarantine; /**< the directory where they are; NULL: nothing is kept of a loss. Lives as long as
                                               the journal */
} oversized_recovery_t;

/** Fills a configuration with the defaults given above. config must not be NULL. Any thread. */
void oversized_config_init(oversized_config_t *config);

/**
 * Fills a checkpoint by a count of records instead of bytes: index_size is `records` times the record size of this
 * configuration (entry_size + 12). oversized_open judges the rest. Any thread.
 * Errors: SEGJ_ERR_INVALID (an argument is NULL; the product exceeds 2^64 - 1, and the sentence names the count).
 */
SEGJ_MUST_CHECK segj_status_t oversized_checkpoint_at(const oversized_config_t *config, uint64_t oldest,
                                                      uint64_t section, uint64_t records,
                                                      oversized_checkpoint_t *checkpoint);

/**
 * Opens, locks and recovers the journal, or makes a new one. Every verdict is reached before the first byte changes: on
 * any failure up to then all files are byte for byte what they were. Where every section holds records and is as a close
 * leaves it, no section's file is written and nothing synced. The file `.owner` says which writer has opened the journal last; a
 * writer that finds another one there later, past locks that do not exclude, is poisoned (SEGJ_ERR_POISONED from the
 * call that found it).
 * Errors: SEGJ_ERR_INVALID (the field is named), SEGJ_ERR_LOCKED, SEGJ_ERR_NOT_FOUND, SEGJ_ERR_MISMATCH,
 * SEGJ_ERR_CORRUPT, SEGJ_ERR_MEMORY, SEGJ_ERR_IO, SEGJ_ERR_NO_SPACE. *journal is NULL then.
 */
SEGJ_MUST_CHECK segj_status_t oversized_open(const oversized_config_t *config, oversized_t **journal);

/**
 * Makes a caller: a handle that every call takes in the place of the journal, and that keeps how the last of its
 * calls failed, whatever threads these ran on. For goroutines and tasks, one each: of two calls of one caller at the
 * same time the sentence may be a mixture. What is opened through a caller (writers, readers, replays) leaves its
 * failures there too. Takes about 1.2 KiB, and costs nothing where it is not used.
 *
 * Closing or destroying the journal through a caller, or through the journal itself, ends the journal for all its
 * callers: their calls are SEGJ_ERR_INVALID from then on. Each caller is closed by its own call, before or after
 * that.
 * Errors: SEGJ_ERR_INVALID, SEGJ_ERR_MEMORY. *caller is NULL then.
 */
SEGJ_MUST_CHECK segj_status_t oversized_caller_open(oversized_t *journal, oversized_t **caller);

/** How the last call of the caller that failed did; unchanged by SEGJ_OK and SEGJ_END. The caller's own memory, which
 *  lives until it is closed. NULL for NULL and for a journal. Any thread that has seen the call return. */
const segj_error_t *oversized_caller_error(const oversized_t *caller);

/** Frees a caller, not the journal. NULL is fine. What was opened through it goes on. */
void oversized_caller_close(oversized_t *caller);

/**
 * Syncs every section, unlocks and frees, in any case. A poisoned journal is freed without a write. NULL and read-only
 * journals are SEGJ_OK. Waits for syncs, flushes and prunes under way.
 * Errors: SEGJ_ERR_POISONED; SEGJ_ERR_IO, SEGJ_ERR_NO_SPACE, SEGJ_ERR_MEMORY: not all that was appended is durable.
 */
SEGJ_MUST_CHECK segj_status_t oversized_close(oversized_t *journal);

/** Unlocks and frees without writing: leaves what a killed process leaves. NULL is fine. */
void oversized_abandon(oversized_t *journal);

/**
 * Removes every section file, durably, then both partitions; frees in any case. The directory itself stays.
 * Errors: SEGJ_ERR_READ_ONLY, SEGJ_ERR_POISONED and SEGJ_ERR_MEMORY (nothing is removed), SEGJ_ERR_IO (also where a
 * partition could not be removed because it holds names that are not the journal's, or that the file system has not let
 * go yet: the sentence names one, and a second open and destroy will do). SEGJ_ERR_MISMATCH: a partition was renamed or
 * replaced meanwhile; only what is open is ever removed. SEGJ_ERR_BUSY (a view is out, or a value is being streamed
 * in): nothing is removed, and the journal stays open.
 */
SEGJ_MUST_CHECK segj_status_t oversized_destroy(oversized_t *journal);

/**
 * Appends a record: the value to the section's values file, then the record to its index. The section comes into being
 * with its first append. entry may be NULL when entry_size is 0, value when size is 0. position and location, where
 * the record and the value went, may be NULL.
 * Errors: SEGJ_ERR_INVALID, SEGJ_ERR_TOO_LARGE, SEGJ_ERR_PRUNED, SEGJ_ERR_BUSY (a value is being streamed into the
 * section, or into all that may be written to at a time: max_open_files), SEGJ_ERR_CORRUPT (the section's last index
 * page is damaged, or a file that the journal did not make has the name of a new section's), SEGJ_ERR_READ_ONLY,
 * SEGJ_ERR_POISONED, SEGJ_ERR_MEMORY, SEGJ_ERR_COMPRESSION, SEGJ_ERR_NO_SPACE, SEGJ_ERR_IO. The journal is as it was
 * then.
 */
SEGJ_MUST_CHECK segj_status_t oversized_append(oversized_t *journal, uint64_t section, const void *entry,
                                               const void *value, size_t size, uint64_t *position,
                                               oversized_location_t *location);

/**
 * The same for a value in `count` pieces, which are stored one behind the other. pieces may be NULL when count is 0,
 * and a piece's data when its size is 0. In a compressed section the pieces are copied together first. Errors as
 * oversized_append.
 */
SEGJ_MUST_CHECK segj_status_t oversized_appendv(oversized_t *journal, uint64_t section, const void *entry,
                                                const segj_slice_t *pieces, size_t count, uint64_t *position,
                                                oversized_location_t *location);

/** A record to be appended. */
typedef struct oversized_record {
    const void *entry; /**< entry_size bytes; may be NULL when that is 0 */
    const void *value; /**< may be NULL when size is 0 */
    size_t size;       /**< in bytes */
} oversized_record_t;

/**
 * Appends `count` records in one step: readers see all of them or none, and after a failure there is none. A power cut
 * knows no batches: before the next sync has returned it may leave the first few of them, as of any appends. *position
 * is the first record's; locations has room for `count` of them (its contents are undefined after a failure). Both may
 * be NULL. Takes as much memory as the records (not their values) have bytes. Errors as oversized_append.
 */
SEGJ_MUST_CHECK segj_status_t oversized_append_batch(oversized_t *journal, uint64_t section,
                                                     const oversized_record_t *records, size_t count,
                                                     uint64_t *position, oversized_location_t *locations);

typedef struct oversized_writer oversized_writer_t; /**< a value on its way in */

/**
 * Begins to append a value that need not be in memory whole: `size` bytes, the sum of the writes that follow. Nothing
 * can be seen of the record before oversized_writer_finish. Until that or abandon the section refuses appends, further
 * writers, rewinds and removals (SEGJ_ERR_BUSY); reads, syncs and other sections go on. A section that does not exist
 * comes into being, empty. Takes memory for a buffer of 256 KiB, and for zstd's context where the section is
 * compressed. An open writer keeps two descriptors. It must be finished or abandoned before the journal is closed. One
 * thread at a time a writer.
 * Errors as oversized_append.
 */
SEGJ_MUST_CHECK segj_status_t oversized_writer_open(oversized_t *journal, uint64_t section, const void *entry,
                                                    uint64_t size, oversized_writer_t **writer);

/** Adds bytes of the value. SEGJ_ERR_INVALID beyond the announced size (nothing of the call is taken). After any other
 *  error (SEGJ_ERR_IO, SEGJ_ERR_NO_SPACE, SEGJ_ERR_MEMORY, SEGJ_ERR_COMPRESSION, SEGJ_ERR_TOO_LARGE, SEGJ_ERR_POISONED)
 *  the writer can only be abandoned, and answers the same. */
SEGJ_MUST_CHECK segj_status_t oversized_writer_write(oversized_writer_t *writer, const void *data, size_t size);

/** Appends the record: the append happens here. Frees the writer in any case; on failure nothing was appended. position
 *  and location may be NULL. The value has been handed to the system then, its record has not: where the record must
 *  survive a killed process, call oversized_flush. Errors as oversized_writer_write; SEGJ_ERR_INVALID: bytes of the
 *  announced size are missing. */
SEGJ_MUST_CHECK segj_status_t oversized_writer_finish(oversized_writer_t *writer, uint64_t *position,
                                                      oversized_location_t *location);

/** Frees the writer; nothing was appended. NULL is fine. */
void oversized_writer_abandon(oversized_writer_t *writer);

/**
 * Gives the entry (entry_size bytes; may be NULL) and the location (may be NULL) of a record.
 * Errors: SEGJ_ERR_PRUNED, SEGJ_ERR_NO_SECTION, SEGJ_ERR_NO_RECORD, SEGJ_ERR_CORRUPT (a damaged page), SEGJ_ERR_IO,
 * SEGJ_ERR_MEMORY.
 */
SEGJ_MUST_CHECK segj_status_t oversized_get(oversized_t *journal, uint64_t section, uint64_t position, void *entry,
                                            oversized_location_t *location);

/** The same for the section's last record; SEGJ_END where it has none. Errors as oversized_get, but
 *  SEGJ_ERR_NO_RECORD. */
SEGJ_MUST_CHECK segj_status_t oversized_last(oversized_t *journal, uint64_t section, void *entry,
                                             oversized_location_t *location);

/**
 * Reads the value at a location into a buffer, checks its checksum and decompresses it.
 * Errors: SEGJ_ERR_PRUNED, SEGJ_ERR_NO_SECTION, SEGJ_ERR_RANGE (size below 4, past the section's end, or overflowing;
 * no memory is taken), SEGJ_ERR_TOO_LARGE (beyond max_value_size), SEGJ_ERR_CHECKSUM, SEGJ_ERR_COMPRESSION,
 * SEGJ_ERR_IO, SEGJ_ERR_MEMORY. value->size is 0 then.
 * After a rewind a location of a record that is gone may name another value.
 */
SEGJ_MUST_CHECK segj_status_t oversized_get_value(oversized_t *journal, uint64_t section, oversized_location_t location,
                                                  segj_buffer_t *value);

/** oversized_get and oversized_get_value of one record, in one step: a rewind beneath it cannot mix two records. Errors
 *  as of both. */
SEGJ_MUST_CHECK segj_status_t oversized_read(oversized_t *journal, uint64_t section, uint64_t position, void *entry,
                                             segj_buffer_t *value);

/** One of many values that are read together. */
typedef struct oversized_value {
    uint64_t position;             /**< of the record: given to oversized_read_values */
    oversized_location_t location; /**< given to oversized_get_values, set by oversized_read_values */
    void *entry;                   /**< where oversized_read_values puts the entry, or NULL */
    const void *data;              /**< set: `size` bytes in the buffer; may be NULL when size is 0 */
    size_t size;                   /**< set: of the value, in bytes */
    segj_status_t status;          /**< set: what oversized_get_value, or oversized_read, would have answered */
} oversized_value_t;

/**
 * Reads the values at `count` locations of a section into one buffer: frames that touch are read in one go, whatever
 * the order they are asked in, and each is checked. data of the values points into `memory` and is valid until that is
 * used again; memory->size is what it takes altogether, and frames and checksums lie in between.
 * Each value gets a status of its own, one that fails leaves the others alone (data NULL, size 0). Answers SEGJ_OK when
 * all are; otherwise the status of the first in the array that is not, which segj_last_error() then explains. What
 * is wrong with the call as a whole is every value's status: SEGJ_ERR_INVALID (an argument is NULL; values is left
 * alone), SEGJ_ERR_NO_SECTION, SEGJ_ERR_PRUNED, SEGJ_ERR_MEMORY, SEGJ_ERR_TOO_LARGE (more than half of SIZE_MAX
 * together).
 */
SEGJ_MUST_CHECK segj_status_t oversized_get_values(oversized_t *journal, uint64_t section, oversized_value_t *values,
                                                   size_t count, segj_buffer_t *memory);

/** The same by the records' positions, entries and locations included (undefined where a value's status is not
 *  SEGJ_OK), in one step: a rewind beneath it cannot mix old records and new ones. */
SEGJ_MUST_CHECK segj_status_t oversized_read_values(oversized_t *journal, uint64_t section, oversized_value_t *values,
                                                    size_t count, segj_buffer_t *memory);

typedef struct oversized_reader oversized_reader_t; /**< a value on its way out */

/**
 * Begins to read a value that need not fit into memory, in pieces. The checksum covers the value as a whole: what
 * oversized_reader_read gives is unverified until it has given all of it; a wrong value never comes to its end. With
 * verify_first the stored bytes are read through and checked before this call returns, and once more on their way out.
 * Takes at most 128 KiB, and, where the section is compressed, zstd's window: 8 MiB up to level 19, 128 MiB at most.
 * Errors: as oversized_get_value, SEGJ_ERR_CHECKSUM with verify_first and where the value is compressed to 128 KiB or
 * less; SEGJ_ERR_NO_RECORD (the section was rewound while the value was being verified).
 */
SEGJ_MUST_CHECK segj_status_t oversized_reader_open(oversized_t *journal, uint64_t section,
                                                    oversized_location_t location, bool verify_first,
                                                    oversized_reader_t **reader);

/** Bytes of the value; 0 for NULL. */
uint64_t oversized_reader_size(const oversized_reader_t *reader);

/**
 * Gives the next bytes: *done of them, `size` (1 or more) but for the last piece. The last piece is given only when all
 * bytes, with it, were right. Then SEGJ_END. One thread at a time a reader.
 * Errors: SEGJ_ERR_CHECKSUM, SEGJ_ERR_COMPRESSION; SEGJ_ERR_PRUNED and SEGJ_ERR_NO_RECORD when the section was pruned
 * or rewound beneath the reader: every later call says the same. SEGJ_ERR_IO, SEGJ_ERR_MEMORY: the call may be made
 * again, in a compressed section perhaps in vain.
 */
SEGJ_MUST_CHECK segj_status_t oversized_reader_read(oversized_reader_t *reader, void *to, size_t size, size_t *done);

/** Ends it; before the journal is closed. NULL is fine. */
void oversized_reader_close(oversized_reader_t *reader);

/**
 * A value to be looked at, without a copy where that is possible. Start with SEGJ_ZERO, use it for as many calls as you
 * like (one thread at a time), end with oversized_view_release(). A call that is given a view first gives back what it
 * shows, also where it then fails.
 */
typedef struct oversized_view_t {
    const void *data;   /**< `size` bytes that nobody may change; may be NULL when size is 0 */
    size_t size;        /**< of the value, in bytes */
    void *hold;         /**< the library's */
    segj_buffer_t copy; /**< the library's: memory for values that must be copied */
} oversized_view_t;

/**
 * Shows the value at a location: checks its checksum, and gives a pointer to it where it lies. Values are copied all
 * the same where they are compressed, not yet in their file, or not mapped: without config.map_values, on a storage
 * without mappings (storage.h), or because the system refused the mapping.
 *
 * Lifetime. The bytes stay, and stay the same, until the view is released or used again. Until then a rewind that cuts
 * its section, and a prune, rewind or destroy that removes it, are SEGJ_ERR_BUSY and change nothing, copied or not; so
 * do not keep views for long. Every view is released before the journal is closed or abandoned.
 * Errors: as oversized_get_value; the view then shows nothing.
 */
SEGJ_MUST_CHECK segj_status_t oversized_view_value(oversized_t *journal, uint64_t section,
                                                   oversized_location_t location, oversized_view_t *view);

/** oversized_get and oversized_view_value of one record, in one step. entry may be NULL. Errors as of both. */
SEGJ_MUST_CHECK segj_status_t oversized_view(oversized_t *journal, uint64_t section, uint64_t position, void *entry,
                                             oversized_view_t *view);

/** Gives back what the view shows, frees its memory and zeroes it. Any thread; NULL is fine. */
void oversized_view_release(oversized_view_t *view);

/** Frees the buffer's memory and zeroes it. NULL is fine. */
void segj_buffer_free(segj_buffer_t *buffer);

/**
 * Begins a walk, in section order from (section, position), over the records that exist now. position may be the
 * section's count, not more (SEGJ_ERR_NO_RECORD); a section that does not exist, or was pruned, begins at the next one,
 * and then position must be 0. `buffer` is the bytes read ahead, raised to one page.
 * Errors: SEGJ_ERR_NO_RECORD, SEGJ_ERR_PRUNED (a position in a pruned section), SEGJ_ERR_MEMORY, SEGJ_ERR_INVALID.
 */
SEGJ_MUST_CHECK segj_status_t oversized_replay_open(oversized_t *journal, uint64_t section, uint64_t position,
                                                    size_t buffer, oversized_replay_t **replay);

/**
 * Begins a walk backwards, newest first: the section's records below `position`, from position - 1 down to 0, then
 * those of the section before, from its last one down, and so on to the oldest. OVERSIZED_END is the section's end, so
 * that (journal, UINT64_MAX, OVERSIZED_END) begins at the newest record of all. Other positions are at most the
 * section's count (SEGJ_ERR_NO_RECORD); a section that does not exist, or was pruned, begins at the end of the next one
 * below, and then position must be 0 or OVERSIZED_END. All else is as for a walk forwards: the records are those that
 * exist now, the same calls give them, their values and damaged pages, and `buffer` bytes are read in one go.
 * Errors: as oversized_replay_open.
 */
SEGJ_MUST_CHECK segj_status_t oversized_replay_open_back(oversized_t *journal, uint64_t section, uint64_t position,
                                                         size_t buffer, oversized_replay_t **replay);

/**
 * Gives the next record; SEGJ_END after the last. One thread at a time a replay.
 * Errors: SEGJ_ERR_CORRUPT, once a damaged page: item->section and item->position name its first record, entry is
 * NULL, and the next call goes on behind it. SEGJ_ERR_PRUNED and SEGJ_ERR_NO_RECORD when the section was pruned or
 * rewound beneath the walk: every later call says the same. SEGJ_ERR_IO, SEGJ_ERR_MEMORY: the call may be made again.
 */
SEGJ_MUST_CHECK segj_status_t oversized_replay_next(oversized_replay_t *replay, oversized_item_t *item);

/**
 * Gives the value of the record that the last oversized_replay_next gave: *size bytes that the replay owns, valid until
 * its next call. Values that are asked for one behind the other are read ahead in bulk, as many bytes as the replay's
 * `buffer` says, so that a scan of values costs no call of the storage a value.
 * Errors: SEGJ_ERR_INVALID (the last call gave no record), and those of oversized_get_value, after which the walk goes
 * on; SEGJ_ERR_PRUNED and SEGJ_ERR_NO_RECORD as oversized_replay_next.
 */
SEGJ_MUST_CHECK segj_status_t oversized_replay_value(oversized_replay_t *replay, const void **value, size_t *size);

/** Ends the walk; before the journal is closed. NULL is fine. */
void oversized_replay_close(oversized_replay_t *replay);

/**
 * Returns once everything that was appended to the section before the call would survive a power cut. A section that
 * does not exist: SEGJ_OK; pruned: SEGJ_ERR_PRUNED; a read-only journal: SEGJ_ERR_READ_ONLY;
 * a poisoned journal: SEGJ_ERR_POISONED. SEGJ_ERR_NO_SPACE, SEGJ_ERR_IO, SEGJ_ERR_MEMORY while the data was being
 * written: nothing is lost, sync again; what there is no space for a rewind can take back. A failed fsync: SEGJ_ERR_IO
 * or SEGJ_ERR_NO_SPACE, and the journal is poisoned. In the commonware format SEGJ_ERR_BUSY, for a section that was not
 * changed since the open: values are being streamed into all sections that may be written to at a time.
 */
SEGJ_MUST_CHECK segj_status_t oversized_sync(oversized_t *journal, uint64_t section);

/**
 * Hands everything that was appended to the section before the call to the storage, and syncs nothing: it survives a
 * killed process, and not a power cut, which may take it like any appends since the last sync. A write or two for what
 * is new since the last flush or sync, and no call of the storage where there is nothing. Waits for a sync of the same
 * section that is under way. A section that does not exist: SEGJ_OK.
 * Errors: SEGJ_ERR_PRUNED, SEGJ_ERR_READ_ONLY, SEGJ_ERR_POISONED, SEGJ_ERR_NO_SPACE, SEGJ_ERR_IO, SEGJ_ERR_MEMORY:
 * nothing is lost, flush or sync again. None of them poisons.
 */
SEGJ_MUST_CHECK segj_status_t oversized_flush(oversized_t *journal, uint64_t section);

/** What a sync that was started answers for. Copy it, give it to any thread, forget it: nothing is to be freed. */
typedef struct oversized_ticket {
    uint64_t section;
    uint64_t change; /**< the library's own */
} oversized_ticket_t;

/**
 * Begins to make durable what was appended to the section before the call, and returns before it is: the values are
 * handed to the storage, which is asked to write them back while the application goes on (also with appends to the same
 * section). Promises nothing without the wait that belongs to it. Errors as oversized_sync, none of which poisons; the
 * ticket is left as it was then.
 */
SEGJ_MUST_CHECK segj_status_t oversized_sync_start(oversized_t *journal, uint64_t section, oversized_ticket_t *ticket);

/**
 * Returns once everything that was appended before the ticket's start would survive a power cut. Whatever sync covers
 * it counts, and threads that wait for the same section share one flush (group commit), also with calls of
 * oversized_sync. May be called any number of times for a ticket. Errors as oversized_sync.
 */
SEGJ_MUST_CHECK segj_status_t oversized_sync_wait(oversized_t *journal, const oversized_ticket_t *ticket);

/** oversized_sync of every section. Goes on past a section that failed, and answers its error. Errors as
 *  oversized_sync. */
SEGJ_MUST_CHECK segj_status_t oversized_sync_all(oversized_t *journal);

/**
 * Removes all sections below min_section, durably; they are SEGJ_ERR_PRUNED from then on, until the journal is closed.
 * *pruned (may be NULL) tells whether any was removed. Reads under way beneath it end in SEGJ_ERR_PRUNED. Changes of
 * other sections go on while the files are being removed, and new ones come into being; another prune waits, and so
 * does a rewind that removes sections. Space that a reader's open file still holds comes back when that is closed.
 * Errors: SEGJ_ERR_BUSY (a view of such a section is out, or a value is being streamed into one), SEGJ_ERR_READ_ONLY,
 * SEGJ_ERR_POISONED, SEGJ_ERR_MEMORY: nothing changed. SEGJ_ERR_IO: the same, or poisoned once the first file is gone.
 */
SEGJ_MUST_CHECK segj_status_t oversized_prune(oversized_t *journal, uint64_t min_section, bool *pruned);

/**
 * Removes every later section, then cuts this one to its first index_size bytes (a multiple of the record size), both
 * durably. A section that does not exist accepts 0 only. A section cut to 0 stays listed. Records that no sync has
 * covered are dropped without being written, so that a rewind to what is durable, or less, needs no space and works on
 * a full disk; one to more syncs the section first. Where the storage wants space to write in place again (btrfs), 32
 * bytes of each section must find some.
 * Errors: SEGJ_ERR_INVALID (no multiple), SEGJ_ERR_NO_RECORD (beyond the section), SEGJ_ERR_PRUNED, SEGJ_ERR_CORRUPT
 * (it would end in a damaged page or record), SEGJ_ERR_BUSY (a view of a section that would be cut or removed is out, a
 * value is being streamed into one), SEGJ_ERR_READ_ONLY, SEGJ_ERR_POISONED,
 * SEGJ_ERR_MEMORY: nothing changed.
 * SEGJ_ERR_IO, SEGJ_ERR_NO_SPACE: nothing changed, or poisoned once the first step was durable.
 */
SEGJ_MUST_CHECK segj_status_t oversized_rewind(oversized_t *journal, uint64_t section, uint64_t index_size);

/** The same for this section alone. Its current size touches no byte. Errors as oversized_rewind. */
SEGJ_MUST_CHECK segj_status_t oversized_rewind_section(oversized_t *journal, uint64_t section, uint64_t index_size);

/** oversized_rewind by a count: the first `records` records stay. Errors as there; any count beyond the section, also
 *  one whose bytes are beyond 2^64, is SEGJ_ERR_NO_RECORD with a sentence that names it. */
SEGJ_MUST_CHECK segj_status_t oversized_rewind_to(oversized_t *journal, uint64_t section, uint64_t records);

/** The same for this section alone. Its current count touches no byte. */
SEGJ_MUST_CHECK segj_status_t oversized_rewind_section_to(oversized_t *journal, uint64_t section, uint64_t records);

/** Bytes of the section's records: count * record size. 0 for a section that does not exist or is pruned. */
SEGJ_MUST_CHECK segj_status_t oversized_size(oversized_t *journal, uint64_t section, uint64_t *index_size);

/** Records of the section. 0 for a section that is empty, that does not exist or is pruned: oversized_section_exists
 *  tells them apart. */
SEGJ_MUST_CHECK segj_status_t oversized_count(oversized_t *journal, uint64_t section, uint64_t *records);

/**
 * Tells whether the section is there, empty ones included: one that was appended to, or rewound to 0.
 * Errors: SEGJ_ERR_PRUNED (it is below a line pruned in this run, so it can never be there again), SEGJ_ERR_INVALID;
 * *exists is false then.
 */
SEGJ_MUST_CHECK segj_status_t oversized_section_exists(oversized_t *journal, uint64_t section, bool *exists);

/** The end of the last record's frame, in bytes. 0 for a section that does not exist, is pruned, or has no records. */
SEGJ_MUST_CHECK segj_status_t oversized_value_size(oversized_t *journal, uint64_t section, uint64_t *value_size);

/** entry_size + 12; 0 for NULL. */
size_t oversized_record_size(const oversized_t *journal);

/** The smallest section number; SEGJ_END: there is none. */
SEGJ_MUST_CHECK segj_status_t oversized_oldest_section(oversized_t *journal, uint64_t *section);

/** The largest section number; SEGJ_END: there is none. */
SEGJ_MUST_CHECK segj_status_t oversized_newest_section(oversized_t *journal, uint64_t *section);

/** The smallest section number above `after`; SEGJ_END: there is none. */
SEGJ_MUST_CHECK segj_status_t oversized_next_section(oversized_t *journal, uint64_t after, uint64_t *section);

/** The largest section number below `before`; SEGJ_END: there is none. A walk downwards begins with
 *  oversized_newest_section, because section UINT64_MAX is below no number. */
SEGJ_MUST_CHECK segj_status_t oversized_prev_section(oversized_t *journal, uint64_t before, uint64_t *section);

/** What open found and did; lives as long as the journal. NULL for NULL. */
const oversized_recovery_t *oversized_recovery(const oversized_t *journal);

/**
 * Says that the application knows of the records that were lost: later opens no longer report them. Durable. What was
 * set aside stays, until room is wanted for other losses. SEGJ_OK where nothing was lost.
 * Errors: SEGJ_ERR_READ_ONLY, SEGJ_ERR_POISONED, SEGJ_ERR_MEMORY, SEGJ_ERR_NO_SPACE, SEGJ_ERR_IO: the losses stay as
 * they were; a section with a loss that waits to be cut (sections_unrepaired) may have been.
 */
SEGJ_MUST_CHECK segj_status_t oversized_acknowledge_losses(oversized_t *journal);

/**
 * Removes what was set aside of losses that are acknowledged, durably, and the directory where nothing else is in it.
 * SEGJ_OK where there is nothing. The path in the report is not to be used any more.
 * Errors: SEGJ_ERR_READ_ONLY, SEGJ_ERR_POISONED, SEGJ_ERR_MEMORY, SEGJ_ERR_NO_SPACE, SEGJ_ERR_IO: part of it may be
 * gone, and the call may be made again.
 */
SEGJ_MUST_CHECK segj_status_t oversized_discard_quarantine(oversized_t *journal);

/** The sentence of what poisoned the journal, or NULL; lives as long as the journal. */
const char *oversized_error(const oversized_t *journal);

/**
 * Makes a page cache to be shared by journals of one page size: page_size 1 to 65,535, pages 1 to 2^28. Takes about
 * pages * (page_size + 64) bytes, when they are first used. Any thread.
 * Errors: SEGJ_ERR_INVALID, SEGJ_ERR_MEMORY.
 */
SEGJ_MUST_CHECK segj_status_t segj_page_cache_create(uint16_t page_size, uint32_t pages, segj_page_cache_t **cache);

/** Gives the maker's reference back. Journals hold references of their own. NULL is fine. */
void segj_page_cache_release(segj_page_cache_t *cache);

SEGJ_EXPORT_END
#ifdef __cplusplus
}
#endif

#endif /* SEGJOURNAL_OVERSIZED_H */
