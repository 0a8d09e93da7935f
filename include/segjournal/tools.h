/**
 * @file segjournal/tools.h
 * Looking into a journal: what lies in its files, and what it has done since it was opened.
 *
 * The command `segj` is made of these calls. An application may make them too. Terms, arguments, results and errors are
 * those of segjournal/oversized.h.
 */
#ifndef SEGJOURNAL_TOOLS_H
#define SEGJOURNAL_TOOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segjournal/oversized.h"

#ifdef __cplusplus
extern "C" {
#endif
SEGJ_EXPORT_BEGIN

/** @defgroup segj_inspect What lies in the files
 *  @{ */

/** What an open for writing would make of a section, or of a journal: of its worst section. */
typedef enum oversized_health {
    OVERSIZED_CLEAN = 0,  /**< as a close leaves it: nothing would be changed */
    OVERSIZED_REPAIR = 1, /**< it would be cut or made durable, and no record that was synced is lost by that. A journal
                               that is being written is seen so */
    OVERSIZED_LOSS = 2,   /**< records that were synced are gone: an open with `strict` refuses it, any other cuts it
                               to what is there */
    OVERSIZED_REFUSED = 3 /**< it would be refused, and nothing changed: damage that no crash leaves, or files of
                               something else */
} oversized_health_t;

/** What lies there of a section. */
typedef struct oversized_look {
    uint64_t section;          /**< its number */
    oversized_health_t health; /**< what an open would make of it */
    bool has_index;            /**< false: there is a values file alone, which an open removes */
    bool has_values;           /**< false: there is an index file alone */
    bool compressed;           /**< its values are compressed. The commonware format: what was found for all */
    uint64_t index_bytes;      /**< of the index file, its header included */
    uint64_t value_bytes;      /**< of the values file, its header included */
    uint64_t records;          /**< that an open would keep */
    uint64_t stored_bytes;     /**< of these records' frames, and of what keeps them apart */
    uint64_t synced_records;   /**< of which the files say that a sync has covered them: it may have covered more. 0 in
                                    the commonware format */
    uint64_t lost_records;     /**< of these, those that are gone */
    uint64_t dropped_records;  /**< whole records after those that would be kept, and that no sync is known to have
                                    covered */
    const char *problem;       /**< why it is not OVERSIZED_CLEAN, in a sentence; "" where it is */
    uint32_t dictionary;       /**< bytes of the dictionary that its values are compressed with; 0: none */
    uint32_t sector_size;      /**< by which its values are kept apart, in bytes (oversized_config_t::sector_size); 0:
                                    they are not */
} oversized_look_t;

/** What lies in a journal's files. Later versions append fields. */
typedef struct oversized_inspection {
    uint32_t version; /**< of the format. The commonware format: of its headers, 0 (V0) or 1 (V1) */
    /** A configuration that opens the journal: the one that was given, with `format`, `entry_size`, `page_size`,
     *  `compression` and `sector_size` as they were found. The files do not record the level of compression: it is 3,
     *  zstd's default, where new values would be compressed. The strings live as long as the inspection. */
    oversized_config_t config;
    bool
        sizes_known; /**< format, entry_size and page_size are those of the files; false: no file tells, and they are as
                           they were given */
    /** How format and sizes were found, in a sentence. Commonware files do not record their sizes: these were tried,
     *  and the sentence says what speaks for them. */
    const char *evidence;
    oversized_health_t health; /**< of the worst section, or worse: of names and partitions that do not fit */
    const char *problem;       /**< of what is worst, in a sentence; "" for OVERSIZED_CLEAN */
    int64_t holder;            /**< a process that has the journal open; 0: none that the system tells of */
    /** What oversized_recovery() would tell after a read-only open; of refused sections nothing is counted.
     *  `quarantine` lives as long as the inspection. */
    oversized_recovery_t recovery;
    size_t section_count;             /**< of `sections` */
    const oversized_look_t *sections; /**< ascending by number */
} oversized_inspection_t;

/**
 * Looks at the files of a journal: which format they have, how large pages and records are, what of each section an
 * open would keep, and why. It reads the files alone. It takes no lock, waits for nothing, and writes nothing, so it
 * may be made beside a writer, in this process or another. Then it shows what the files hold at that time, without the
 * records that the writer still has in memory. It reads through what no sync is known to have covered, as an open would
 * do.
 *
 * config gives the directory, the names of the partitions, the storage, `log` and `progress`; `error` is filled as by
 * oversized_open(). Other fields matter where the files do not tell (oversized_inspection_t::sizes_known).
 * oversized_inspection_free() ends the inspection. Any thread.
 *
 * Errors: SEGJ_ERR_INVALID, SEGJ_ERR_NOT_FOUND (there is no journal), SEGJ_ERR_CANCELLED
 * (oversized_config_t::progress), SEGJ_ERR_IO, SEGJ_ERR_MEMORY. Damage is no error, but what the inspection tells.
 * *inspection is NULL after an error.
 */
SEGJ_MUST_CHECK segj_status_t oversized_inspect(const oversized_config_t *config, oversized_inspection_t **inspection);

/** Frees an inspection. NULL is fine. */
void oversized_inspection_free(oversized_inspection_t *inspection);

/** @} */

/** @defgroup segj_verify Reading a journal through
 *  @{ */

/** Something that is not as it was written. */
typedef struct oversized_damage {
    uint64_t section;     /**< its section */
    uint64_t position;    /**< of the first record that is concerned */
    uint64_t records;     /**< that are concerned */
    bool index_file;      /**< it is in the index file, and otherwise in the values file */
    uint64_t offset;      /**< in that file, in bytes from its beginning: of the page, or of the value's frame */
    segj_status_t status; /**< SEGJ_ERR_CORRUPT (a page, a head of version 2, or a record that does not follow the one
                               before), SEGJ_ERR_CHECKSUM, SEGJ_ERR_COMPRESSION, SEGJ_ERR_RANGE, or SEGJ_ERR_IO (it
                               cannot be read, by itself either) */
    const char *sentence; /**< as segj_last_error(); valid during the call that is given the damage */
} oversized_damage_t;

/** How oversized_verify() reads. Begin with oversized_verify_options_init(). */
typedef struct oversized_verify_options {
    size_t struct_size;     /**< set by oversized_verify_options_init() */
    uint64_t first_section; /**< sections from this one; 0 */
    uint64_t last_section;  /**< to this one; UINT64_MAX */
    uint32_t threads;       /**< that read and judge, 1 to 64, the calling one included; 1. Where the system has fewer
                                 threads the call does with these */
    uint64_t bytes_per_second; /**< at most so many are read; 0: as many as can be */
    /** Called from the calling thread, at most ten times a second and once at the end; true: cancel. NULL: not. */
    bool (*progress)(void *context, const oversized_progress_t *progress);
    /** Called for each damage, from any of the threads, one at a time; true: cancel. NULL: not. It must not call the
     *  journal. */
    bool (*on_damage)(void *context, const oversized_damage_t *damage);
    void *context; /**< handed to both */
} oversized_verify_options_t;

/** What was read. */
typedef struct oversized_verified {
    uint64_t sections;        /**< that were read, or were being read when the call ended */
    uint64_t records;         /**< whose values were read */
    uint64_t bytes;           /**< of pages and frames */
    uint64_t damages;         /**< that were found */
    uint64_t records_damaged; /**< of the damages together; a record may be concerned by several */
} oversized_verified_t;

/** Fills the options with the defaults given above. options must not be NULL. Any thread. */
void oversized_verify_options_init(oversized_verify_options_t *options);

/**
 * Reads every page and every value of the journal, and checks the pages' checksums, that each record's value begins
 * where the one before ends, the values' checksums, and that compressed values unpack; in version 2 of the native
 * format also the heads of the frames, from which records would be made again if the index were lost. Damage does not
 * end it: each is told once, and the rest is read. It may be made beside appends and all other changes; it tells
 * nothing of a section that is cut or removed during the call. What is still in write buffers is checked there. options
 * may be NULL (all defaults). *verified (may be NULL) tells what was read, after a failure too.
 *
 * Each thread takes some 2 MiB, and the values that are read ahead.
 *
 * Errors: the status of the first damage: SEGJ_ERR_CORRUPT, SEGJ_ERR_CHECKSUM, SEGJ_ERR_COMPRESSION, SEGJ_ERR_RANGE,
 * SEGJ_ERR_IO. SEGJ_ERR_CANCELLED. SEGJ_ERR_TOO_LARGE (a value beyond max_value_size), SEGJ_ERR_MEMORY: the call has
 * ended early.
 */
SEGJ_MUST_CHECK segj_status_t oversized_verify(oversized_t *journal, const oversized_verify_options_t *options,
                                               oversized_verified_t *verified);

/** @} */
/** @defgroup segj_copy Copying a journal
 *  @{ */

/** How oversized_copy() copies. Begin with oversized_copy_options_init(). */
typedef struct oversized_copy_options {
    size_t struct_size;        /**< set by oversized_copy_options_init() */
    uint64_t bytes_per_second; /**< at most so many are copied or compared; 0: as many as can be */
    /** Called from the calling thread, at most ten times a second and once at the end; true: cancel. NULL: not. It must
     *  not close the journal. */
    bool (*progress)(void *context, const oversized_progress_t *progress);
    void *context;          /**< handed to it */
    uint64_t first_section; /**< of those that are copied; 0. oversized_copy() removes others from an earlier copy */
    uint64_t last_section;  /**< of those that are copied; 2^64 - 1 */
} oversized_copy_options_t;

/** What a copy has. */
typedef struct oversized_copied {
    uint64_t sections;         /**< in the copy */
    uint64_t records;          /**< in these */
    uint64_t sections_kept;    /**< of the sections, those that an earlier copy had already */
    uint64_t sections_removed; /**< that an earlier copy had and the journal had not any more */
    uint64_t bytes; /**< of pages and values that were written; oversized_copy_into(): of the values, unpacked */
} oversized_copied_t;

/** Fills the options with the defaults given above. options must not be NULL. Any thread. */
void oversized_copy_options_init(oversized_copy_options_t *options);

/**
 * Copies the journal into the directory `destination`, in the same storage and under the same names of partitions,
 * while it is in use: appends, syncs and all other changes run at the same time. It may be open read-only.
 *
 * The copy is a journal of its own, of the same format and versions, pages and entries. It opens with `strict` and
 * needs no repair. It has, of each section, a beginning of what the journal has when the call ends, and in that
 * everything that was synced when the call began; what was not synced then may be missing. Sections that are removed
 * during the call are left out, and those that are rewound are copied again. Values are copied as they are stored,
 * compressed or not. They are not checked: a value that is damaged in the journal is as damaged in the copy
 * (oversized_verify() reads through either of them). A journal that has lost records (oversized_recovery()) is copied
 * as it is: an earlier copy may have them still. A damaged index page is made again where the format can do that, and
 * otherwise ends the call. Nothing is copied of the quarantine, nor of an archive's counts.
 *
 * The directory is new (one level is made), or holds an earlier copy of this journal, which is brought up to date:
 * equal sections are kept, those that have grown get what they lack, the others are copied anew or removed. Version 2
 * tells by a checksum of a few bytes what is equal. In version 1 and in the commonware format both are read and
 * compared. Anything else is refused, with nothing changed: files of something else; a copy that was opened for writing
 * since, because it may have records of its own; a copy of another journal, as far as the oldest section that both have
 * tells.
 *
 * When the call returns SEGJ_OK the copy is durable. After any other result, or a crash, a copy that was changed is not
 * complete: every open of it is refused (SEGJ_ERR_CORRUPT), and the next oversized_copy() completes it. A complete copy
 * that is up to date is not touched.
 *
 * Where the file system can share space between files (btrfs, xfs), the copy shares that of the values with the
 * journal: it takes little time and room, and a damaged block is damaged in both.
 *
 * The call takes 2 MiB, a hundred bytes for each section, and five open files besides those of `max_open_files`.
 * options may be NULL (all defaults). *copied (may be NULL) tells what was done, after a failure too. Any thread.
 *
 * Errors: SEGJ_ERR_INVALID; SEGJ_ERR_MISMATCH (the directory holds something else); SEGJ_ERR_LOCKED (the directory is
 * open elsewhere, or is the journal's own); SEGJ_ERR_CORRUPT (a damaged index page); SEGJ_ERR_NO_SPACE, SEGJ_ERR_IO (of
 * either side; the sentence names the file; the journal itself is as it was); SEGJ_ERR_CANCELLED; SEGJ_ERR_BUSY (a
 * section was rewound again and again while it was copied); SEGJ_ERR_MEMORY.
 */
SEGJ_MUST_CHECK segj_status_t oversized_copy(oversized_t *journal, const char *destination,
                                             const oversized_copy_options_t *options, oversized_copied_t *copied);

/**
 * The same for a journal that another process has open: copies it from its files, without a lock, beside whatever that
 * process does. It writes nothing there, and that process does not notice it. The copy is as good as one by
 * oversized_copy(): it opens with `strict`, has of each section a beginning of what the journal has when the call ends,
 * and everything that was synced when the call began. An earlier copy, made by either call, is brought up to date.
 *
 * source: directory, names of the partitions and storage of the journal, `log`, `error`, and `file_mode` of the copy's
 * files. Page size and entry size are found in the files. The journal may be open in this process, or nowhere.
 *
 * The native format alone: the commonware format's files do not tell what was synced or taken back. Version 1 wants a
 * storage with `file_refresh` (the library's have it), and one open file for each section. Values of version 2 are
 * checked as they are copied, and those of version 1 as far as no watermark covers them; what is damaged in the journal
 * is as damaged in the copy. A journal of which synced records are gone is not copied.
 *
 * Errors: those of oversized_copy(), and SEGJ_ERR_NOT_FOUND (there is no journal); SEGJ_ERR_MISMATCH also where the
 * journal was destroyed while it was copied; SEGJ_ERR_INVALID also for the commonware format; SEGJ_ERR_CORRUPT for
 * what an open would refuse, for synced records that are gone, and for a section of version 2 whose index file is
 * missing, which an open for writing makes again; SEGJ_ERR_BUSY also where a section is being cut, and that does not
 * end within some seconds.
 */
SEGJ_MUST_CHECK segj_status_t oversized_copy_beside(const oversized_config_t *source, const char *destination,
                                                    const oversized_copy_options_t *options,
                                                    oversized_copied_t *copied);

/**
 * Copies the records of the journal into the journal that `config` opens or makes, which may store them in another
 * way: with another format or version, other pages, compressed anew or not at all, with a dictionary, in another
 * storage. Positions stay. It is made while this journal is in use, and what was synced when the call began is
 * copied. The entries have one size in both. Threads compress where config->compression_threads says so.
 *
 * The other journal only ever gets what it lacks. What it has of the sections that are asked for is compared first,
 * record by record. Where that is not the beginning of what this journal has synced, nothing is changed and the result
 * is SEGJ_ERR_MISMATCH. Sections that this journal has pruned stay there; one that is removed during the call keeps
 * what was copied of it until then. So the call continues an earlier copy, and one that was cut short. The copy of a
 * journal that is pruned is an archive of it. After a rewind of the journal below what was copied, rewind the copy too.
 *
 * The other journal is open during the call, and durable and closed when it returns, with what was copied until then
 * if it fails. It takes 3 MiB, some hundred bytes for each section, and what `config` says; of values that are stored
 * in more than 8 MiB, 512 KiB. options may be NULL (all defaults). *copied (may be NULL) tells what was done, after a
 * failure too; sections_removed is 0. Any thread.
 *
 * Errors: those of oversized_open() (config is refused, or the other journal is open elsewhere, or is this one:
 * SEGJ_ERR_LOCKED), oversized_append() and oversized_sync(), of the other journal; SEGJ_ERR_MISMATCH (other entries, or
 * other records); SEGJ_ERR_BUSY (a section was rewound during the call); of reading: SEGJ_ERR_CORRUPT,
 * SEGJ_ERR_CHECKSUM, SEGJ_ERR_COMPRESSION, SEGJ_ERR_RANGE, SEGJ_ERR_IO; SEGJ_ERR_CANCELLED; SEGJ_ERR_MEMORY;
 * SEGJ_ERR_INVALID.
 */
SEGJ_MUST_CHECK segj_status_t oversized_copy_into(oversized_t *journal, const oversized_config_t *config,
                                                  const oversized_copy_options_t *options, oversized_copied_t *copied);

/** @} */

/** @defgroup segj_salvage What can be saved of a damaged journal
 *  @{ */

/** A position, or a number, that nothing tells. */
#define OVERSIZED_UNKNOWN UINT64_MAX

/** Records that were salvaged and followed each other in the source. */
typedef struct oversized_salvaged_run {
    uint64_t section; /**< theirs, in both journals */
    uint64_t source;  /**< position of the first one in the source; OVERSIZED_UNKNOWN */
    uint64_t made;    /**< and in the new journal */
    uint64_t records; /**< how many */
} oversized_salvaged_run_t;

/** Records that were not salvaged, or bytes that hold none which can be read. */
typedef struct oversized_gap {
    uint64_t section; /**< theirs */
    uint64_t first;   /**< position in the source of the first record that is missing; OVERSIZED_UNKNOWN */
    uint64_t last;    /**< of the last one, as far as the files tell of it; OVERSIZED_UNKNOWN */
    uint64_t made;    /**< position in the new journal of the record that follows the gap */
    uint64_t offset;  /**< where this begins in the source's values file, in bytes from the file's beginning */
    uint64_t bytes;   /**< of that file that were passed over */
    uint64_t values;  /**< of these records whose values are there and right, but whose entries are lost */
    bool unsynced; /**< it ends the section, and no sync is known to have covered it: it need not be a loss, for a crash
                        leaves such ends */
    segj_status_t status; /**< of the first of them: SEGJ_ERR_CORRUPT (a page, or a frame's head), SEGJ_ERR_CHECKSUM (a
                               value), SEGJ_ERR_COMPRESSION, SEGJ_ERR_RANGE (the values file ends before it) */
    const char *sentence; /**< as segj_last_error(); valid during the call that is given the gap */
} oversized_gap_t;

/** How oversized_salvage() works. Begin with oversized_salvage_options_init(). */
typedef struct oversized_salvage_options {
    size_t struct_size; /**< set by oversized_salvage_options_init() */
    /** Write also values whose entries are lost, with entries of zeros; false. They keep their places among the
     *  others. */
    bool values_without_entries;
    /** Called at most ten times a second and once at the end; true: cancel. NULL: not. */
    bool (*progress)(void *context, const oversized_progress_t *progress);
    /** Called for each gap; true: cancel. Runs and gaps of a section come in the order of its records. NULL: not. */
    bool (*on_gap)(void *context, const oversized_gap_t *gap);
    /** Called for each run; true: cancel. NULL: not. */
    bool (*on_run)(void *context, const oversized_salvaged_run_t *run);
    void *context; /**< handed to all of them */
} oversized_salvage_options_t;

/** What was salvaged. */
typedef struct oversized_salvaged {
    uint64_t sections;        /**< that the new journal has */
    uint64_t records;         /**< that it has, and that are durable */
    uint64_t value_bytes;     /**< of their values, unpacked */
    uint64_t runs;            /**< of these records */
    uint64_t gaps;            /**< but for those that are `unsynced` */
    uint64_t gaps_unsynced;   /**< those */
    uint64_t records_missing; /**< of gaps whose first and last record are known, but for those that are `unsynced` */
    uint64_t gaps_unknown;    /**< gaps of which that is not known, but for those that are `unsynced` */
    uint64_t values_without_entries; /**< that were found, written or not */
    uint64_t unreadable_bytes;       /**< that the system could not read: a block is counted as often as it was tried */
    uint64_t unreadable_files;       /**< that it could not open, likewise */
    uint64_t foreign_names;          /**< in the partitions, which were passed over */
    int64_t holder; /**< a process that has the source open: what that has in memory, and may be changing, was not seen;
                         0: none that the system tells of */
    segj_format_t format; /**< of the source */
    uint32_t entry_size;  /**< of both journals */
    uint16_t page_size;   /**< of the source; of a section whose header tells another one that was taken */
    bool sizes_known;     /**< the source's files tell format and sizes; false: they are as source had them */
} oversized_salvaged_t;

/** Fills the options with the defaults given above. options must not be NULL. Any thread. */
void oversized_salvage_options_init(oversized_salvage_options_t *options);

/**
 * Takes out of a journal that is damaged, or that no open lets in, whatever verifies, and puts it into a new journal.
 *
 * source: directory, names of the partitions and storage of the damaged journal. It is read alone: no byte of it is
 * written, and no lock is taken. So it may have a writer. What the writer writes during the call may be salvaged or not
 * (oversized_salvaged_t::holder). Format, page size and entry size are found in the files, and `format`, `entry_size`
 * and `page_size` of source are taken where no file tells them; `compression`, other than 0, says that values are
 * compressed where no file tells that.
 *
 * destination: the new journal, as for oversized_open(). Its partitions must not be there yet. Its entry_size becomes
 * the source's. Format, version, page size and compression need not be the source's: values are unpacked and packed. It
 * is synced and closed when the call returns, also after a failure or when the call was cancelled: then it holds what
 * was salvaged so far, and *salvaged tells of that.
 *
 * What comes back has passed its checksum: the record that of its page or of its frame's head, and the value that of
 * its frame. In version 2 of the native format that is every record whose frame is whole, whatever became of the index
 * file, as long as one of the section's two headers is there (they hold the salt without which nothing verifies). In
 * version 1 and in the commonware format it is every record whose page and frame are whole. Where pages of version 1
 * are lost, frames are found by trying lengths, up to 16 MiB each; of their records the entries are lost, and the
 * values are told as oversized_gap_t::values, and written where options say so.
 *
 * Positions. The sections keep their numbers, and the records their order. A journal has no holes, so records that
 * follow a gap move up: on_run tells which positions of the source became which. They are known in version 1 and in the
 * commonware format; in version 2 after a gap as well where the index or a watermark has them.
 *
 * An unfinished rewind or prune may have left records, which come back, and so may a batch of version 2 of which a part
 * was written. What was set aside by earlier opens is not looked at. options may be NULL (all defaults), and so may
 * salvaged. Memory: some 4 MiB, and what the new journal takes. Any thread.
 *
 * Errors: SEGJ_ERR_INVALID; SEGJ_ERR_NOT_FOUND (there is no source); SEGJ_ERR_MISMATCH (the destination is there
 * already); SEGJ_ERR_CANCELLED; as oversized_open(), oversized_append() and oversized_sync() of the destination. Gaps
 * are no error. What of the source cannot be read is a gap.
 */
SEGJ_MUST_CHECK segj_status_t oversized_salvage(const oversized_config_t *source, const oversized_config_t *destination,
                                                const oversized_salvage_options_t *options,
                                                oversized_salvaged_t *salvaged);

/** @} */
/** @defgroup segj_retain Keeping the newest sections
 *  @{ */

/** A section that may be kept or removed. */
typedef struct oversized_kept {
    uint64_t section; /**< its number */
    uint64_t records; /**< that it has */
    uint64_t bytes;   /**< of its two files, as a close would leave them */
} oversized_kept_t;

/** What oversized_retain() keeps. Begin with oversized_retain_options_init(). */
typedef struct oversized_retain_options {
    size_t struct_size; /**< set by oversized_retain_options_init() */
    uint64_t bytes;     /**< at most so many bytes of files together, but for the newest section; UINT64_MAX */
    uint64_t sections;  /**< at most so many sections, of which the newest is one; UINT64_MAX */
    /** Asked for each section that the numbers would keep, the oldest first: false removes it, and the next one is
     *  asked for; true keeps it and all after it. The newest section is not asked for. It must not change the journal.
     *  NULL: what the numbers keep is kept. */
    bool (*keep)(void *context, const oversized_kept_t *kept);
    void *context; /**< handed to `keep` */
    bool dry_run;  /**< tell what would be removed, and remove nothing; false */
    /** Called as oversized_prune_with() does it, which is then what removes the sections; true: cancel. NULL: not. */
    bool (*progress)(void *context, const oversized_progress_t *progress);
    /** At least so many bytes must be free where the values lie, with what the removed sections give back; 0. A file
     *  that shares its space with a copy, or that another process has open, gives it back later. */
    uint64_t free_bytes;
} oversized_retain_options_t;

/** What oversized_retain() has removed, or would remove. */
typedef struct oversized_retained {
    uint64_t min_section; /**< sections below this one; 0: none */
    uint64_t sections;    /**< how many */
    uint64_t records;     /**< their records */
    uint64_t bytes;       /**< bytes of their files */
} oversized_retained_t;

/** Fills the options with the defaults given above. options must not be NULL. Any thread. */
void oversized_retain_options_init(oversized_retain_options_t *options);

/**
 * Removes the oldest sections, durably, until what is left is no more than the options say. It removes whole sections,
 * and never the newest one. It is one oversized_prune(), with all that is said there, or one oversized_prune_with()
 * where progress is asked for. *retained (may be NULL) tells what was removed, with progress after a failure too; a
 * section that another thread makes or removes during the call may be counted or not.
 *
 * Errors: SEGJ_ERR_INVALID (also: free_bytes, and the storage does not tell its room); SEGJ_ERR_IO (it could not
 * tell); and as oversized_prune() or oversized_prune_with(), of a dry run none of them.
 */
SEGJ_MUST_CHECK segj_status_t oversized_retain(oversized_t *journal, const oversized_retain_options_t *options,
                                               oversized_retained_t *retained);

/** @} */
/** @defgroup segj_stats What a journal has done
 *  @{ */

/** Classes of oversized_stats_t::sync_times. */
#define OVERSIZED_TIMES 32

/** What a journal has done since it was opened, and what it holds now. Later versions append fields. */
typedef struct oversized_stats_t {
    /** sizeof(oversized_stats_t) as the application knows it: set it before the call. No more than that is written. */
    size_t struct_size;
    uint64_t records;      /**< appended */
    uint64_t value_bytes;  /**< of these records' values, as they were given */
    uint64_t stored_bytes; /**< of these values' frames, compressed or not, with checksums, without heads (version 2) */
    uint64_t syncs;        /**< of a section that have ended well, those of rewinds and of the journal's own included */
    uint64_t sync_calls;   /**< calls that these have served; more than `syncs` where threads shared a flush */
    uint64_t flushes;      /**< of oversized_flush() that had something to hand over */
    uint64_t sync_time_50; /**< nanoseconds within which half of the syncs ended, to a quarter; 0: there was none */
    uint64_t sync_time_99; /**< the same of 99 in 100 */
    uint64_t sync_time_most;              /**< nanoseconds of the longest */
    uint64_t sync_times[OVERSIZED_TIMES]; /**< syncs by their time: [i] are those of less than 2^i microseconds that are
                                               not in [i - 1]; the last has all that took longer */
    uint64_t unsynced_records;            /**< now: appended and not covered by a sync */
    uint64_t unsynced_bytes;              /**< now: of their values' frames */
    uint64_t sections;                    /**< now */
    uint64_t active_sections;             /**< now: those with buffers, and files that are open for writing */
    uint64_t write_memory;                /**< now: bytes of write buffers */
    uint64_t open_files;                  /**< now: section files */
    uint64_t open_files_most; /**< now: that may be open: max_open_files, or less where the system has fewer */
    uint64_t pages_read;      /**< index pages that were read from a file because the cache did not have them. What the
                                    cache had is not counted: that would cost every read */
} oversized_stats_t;

/**
 * Tells what the journal has done since it was opened. Counting costs appends and reads nothing: their numbers
 * follow from what the sections hold. The call looks at every section for that. Beside appends the numbers need not all
 * be of the same moment.
 *
 * Errors: SEGJ_ERR_INVALID (stats is NULL, or its struct_size too small).
 */
SEGJ_MUST_CHECK segj_status_t oversized_stats(oversized_t *journal, oversized_stats_t *stats);

/** @} */

SEGJ_EXPORT_END
#ifdef __cplusplus
}
#endif

#endif /* SEGJOURNAL_TOOLS_H */
