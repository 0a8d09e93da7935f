/**
 * @file segjournal/oversized/config.h
 * How a journal is opened.
 *
 * A part of segjournal/oversized.h, which includes it, and which says what holds for all calls.
 */
#ifndef SEGJOURNAL_OVERSIZED_CONFIG_H
#define SEGJOURNAL_OVERSIZED_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segjournal/status.h"
#include "segjournal/storage.h"

#ifdef __cplusplus
extern "C" {
#endif
SEGJ_EXPORT_BEGIN

/** @defgroup segj_open Opening, closing and removing a journal
 *  @{ */

typedef struct oversized oversized_t;             /**< a journal */
typedef struct segj_page_cache segj_page_cache_t; /**< verified index pages in memory; reference counted */

/** Bytes that a record has besides its entry: the value's offset (8) and its size (4). */
#define OVERSIZED_LOCATION_SIZE 12
/** Bytes that a frame of version 2 of the native format has before the stored bytes, besides the record's entry. */
#define OVERSIZED_FRAME_HEAD 10
/** The largest value, in bytes. Its frame is 4 bytes longer, and a frame's size has 32 bits. */
#define OVERSIZED_VALUE_MAX 4294967291u

/** The largest dictionary (oversized_config_t.dictionary), in bytes. */
#define OVERSIZED_DICTIONARY_MAX 262144u

/** The format of a journal's files. */
typedef enum segj_format {
    SEGJ_FORMAT_NATIVE = 0, /**< the library's own: page and frame checksums, a watermark of what was synced */
    SEGJ_FORMAT_COMMONWARE =
        1 /**< the files of commonware-storage 2026.2.0 to 2026.10.0, which are read and continued */
} segj_format_t;

/** How important a line of the log is. */
typedef enum segj_log_level {
    SEGJ_LOG_DEBUG = 0,   /**< a section became active, was synced, had its watermark written or came to rest; another
                               failure of a poisoned journal */
    SEGJ_LOG_INFO = 1,    /**< the journal was opened; a section was made or rewound; sections were removed */
    SEGJ_LOG_WARNING = 2, /**< something was repaired that a crash explains */
    SEGJ_LOG_ERROR = 3    /**< synced data is lost, or the journal is poisoned */
} segj_log_level_t;

/** How open looks for the end of a section in the commonware format, whose files do not say what was synced. The native
 *  format accepts OVERSIZED_VERIFY_DEFAULT alone, because it verifies whatever no sync has covered. */
typedef enum oversized_verify_t {
    OVERSIZED_VERIFY_DEFAULT =
        0, /**< OVERSIZED_VERIFY_TAIL where commonware-storage 2026.9.0 or later has been at work (the
                                       newest section's header is V1, or that program has made `.hold`), as that does
                                       itself; else OVERSIZED_VERIFY_RANGES */
    OVERSIZED_VERIFY_RANGES = 1, /**< the last record whose value lies within the values file */
    OVERSIZED_VERIFY_TAIL = 2    /**< the last record whose value also has the right checksum */
} oversized_verify_t;

/** What becomes of a section of the commonware format that has a damaged index page before its last one. Newer releases
 *  of commonware-storage (2026.9.0 and later) cut a section at such a page when they open it, and so drop all records
 *  after it. */
typedef enum oversized_hole {
    OVERSIZED_HOLE_REFUSE = 0, /**< the section stays as it is, and what can be read of it is read; but appends to it
                                    are SEGJ_ERR_CORRUPT, because that program would cut them too */
    OVERSIZED_HOLE_CUT = 1     /**< open ends the section before that page, as that program does, and sets aside first
                                    what it cuts */
} oversized_hole_t;

/** What becomes of values files of version 2 (oversized_config_t::native_version) that hold records and have no index
 *  file. */
typedef enum oversized_orphans {
    OVERSIZED_ORPHANS_JUDGE = 0,   /**< open makes the index again, which loses nothing, where one section at least has
                                        its index file. It is SEGJ_ERR_MISMATCH, with nothing changed, where none has:
                                        the index partition may not be mounted. The rest of a removal that was cut off
                                        is removed */
    OVERSIZED_ORPHANS_REBUILD = 1, /**< open makes the index again, also where the index partition is empty or missing,
                                        and also of what a removal has left */
    OVERSIZED_ORPHANS_REMOVE = 2   /**< open removes them, and warns: as always those of version 1 and those that hold
                                        no record */
} oversized_orphans_t;

/** A state that the application recorded elsewhere and wants restored (oversized_config_t::checkpoint). An application
 *  that counts records fills it with oversized_checkpoint_at(). */
typedef struct oversized_checkpoint {
    uint64_t oldest;     /**< sections below this number are removed */
    uint64_t section;    /**< the section that was being written; later sections are removed */
    uint64_t index_size; /**< bytes to which that section is cut: oversized_size() at the checkpoint, a multiple of the
                              record size */
} oversized_checkpoint_t;

/** How far an open looks (oversized_config_t::bound). */
typedef struct oversized_bound {
    uint64_t section; /**< the last section that is looked at */
    uint64_t records; /**< the most of its records that are */
} oversized_bound_t;

/** oversized_config_t::preallocate: the library finds out. */
#define SEGJ_PREALLOCATE_AUTO SIZE_MAX

/** The progress of a long call. Later versions append fields. */
typedef struct oversized_progress {
    const char *stage;       /**< what it is doing, in a word */
    uint64_t records_done;   /**< so far */
    uint64_t records_total;  /**< as far as it is known before; appends may add some */
    uint64_t bytes_done;     /**< so far */
    uint64_t bytes_total;    /**< as far as it is known before */
    uint64_t sections_done;  /**< so far; 0 where the call does not count them */
    uint64_t sections_total; /**< 0 where the call does not count them */
} oversized_progress_t;

/** How a journal is opened. Always begin with oversized_config_init(). Open copies the structure, its strings and the
 *  storage table. Each field gives its range and, after the semicolon, its default. */
typedef struct oversized_config {
    /** Set by oversized_config_init(). It tells the library which version's fields there are. */
    size_t struct_size;
    /** The directory in which the two partitions lie. It is made when it is missing; its parent must exist. Required:
     *  NULL and "" are refused. */
    const char *directory;
    /** Name of the partition (a directory below `directory`) of the index files: 1 to 255 of A-Z a-z 0-9 _ -, other
     *  than value_partition; "index". */
    const char *index_partition;
    /** Name of the partition of the values files, of the same characters; "values". */
    const char *value_partition;
    /** Bytes of an entry, 0 to 65,535; 0. The files record it. */
    uint32_t entry_size;
    /** Logical bytes of an index page, 1 to 65,535; 4084, which takes 4096 bytes on disk. 0 takes what the files have,
     *  and 4084 where there are none (native format only). The files record it. */
    uint16_t page_size;
    /** Capacity of the journal's own page cache, in pages, 1 to 2^28; 1024. Ignored when page_cache is set. */
    uint32_t page_cache_pages;
    /** A page cache that is shared with other journals of the same page size, or NULL. The journal takes a
     *  reference. */
    segj_page_cache_t *page_cache;
    /** Bytes of index that an active section gathers before it writes, 1 to 2^30; 64 KiB. The library raises it to what
     *  one record or two pages need, and lowers it to what write_memory allows. */
    size_t index_write_buffer;
    /** The same for values; 1 MiB. */
    size_t value_write_buffer;
    /** Bytes of all write buffers together, 1 or more; 64 MiB. When they are exceeded, the sections that were
     *  written to longest ago give theirs back. */
    size_t write_memory;
    /** zstd level of new sections, ZSTD_minCLevel() to ZSTD_maxCLevel(); 0: new sections are not compressed, and
     *  existing compressed sections continue at zstd's default level. The thread that appends compresses, beside others
     *  that append. At most 16 do so at a time, each with a context of zstd (some 100 KiB at level 1, 100 MiB at the
     *  highest) and memory for a value or for 16 MiB of a batch; more of them wait. */
    int compression;
    /** The largest value that is appended or read, in bytes, 0 to 2^32 - 5; 2^32 - 5. It is checked before memory is
     *  taken. */
    uint32_t max_value_size;
    /** Section files that are open at a time, 4 or more; 256. The locks of the partitions, the owner's file, and for a
     *  moment a removal of sections use more descriptors besides. An active section uses two, so at most
     *  max_open_files / 2 - 1 sections are active at once.
     *
     *  Open lowers the number, and logs that (SEGJ_LOG_INFO), where the process has fewer descriptors left
     *  (RLIMIT_NOFILE). The application keeps a quarter of those, at most 32.
     *
     *  When the system has none left (EMFILE, ENFILE), the library closes files that are not in use, a few more than
     *  are wanted. Where there are none, it syncs the section that was written to longest ago and puts it to rest. Then
     *  the call continues, and fewer files are kept open until some hundred openings have gone well. A call that finds
     *  nothing to close returns SEGJ_ERR_IO and has changed nothing; its sentence names the limit.
     *
     *  A file is opened for reading until its section is changed. The first change since then opens it anew, and
     *  waits for readers that are inside a call of the storage on it. */
    uint32_t max_open_files;
    /** The format; SEGJ_FORMAT_NATIVE. Files of the other format are SEGJ_ERR_MISMATCH.
     *
     *  Commonware files record neither entry_size nor page_size, which must be what the files were made with. Others
     *  are recognised by what the files hold, and are SEGJ_ERR_MISMATCH. Nor do they record compression, which then
     *  goes for all sections. They have no watermark: after a crash, records above the last sync may be there with
     *  damaged values, and a loss cannot be told from what a crash may take, unless an archive counts the records that
     *  were synced (counts_partition). */
    segj_format_t format;
    /** How open looks for the end of a section; OVERSIZED_VERIFY_DEFAULT. */
    oversized_verify_t verify;
    /** Fail with SEGJ_ERR_CORRUPT, and change nothing, where synced data is lost (instead of reporting it), and where a
     *  values file that holds data has no index file; false. In the commonware format also where one file of a section
     *  holds data and the other one has no header, and where an index page before the last one is damaged and holds
     *  records that were counted (`counts_partition`), or would be cut (`hole`): open reads every index whole then.
     *
     *  A prune or a rewind that a power cut or a kill interrupted leaves values files without an index file, too, and
     *  so does a section that was never synced. An open without `strict` removes them and says so in the log. It loses
     *  nothing by that which was synced, unless the index file was removed by hand. In version 2 (native_version) open
     *  tells these apart: it completes a removal, and makes an index file that is missing again (`orphans`), with
     *  `strict` too. */
    bool strict;
    /** Take a shared lock, write nothing, and show what open would recover; false. */
    bool read_only;
    /** Return SEGJ_ERR_NOT_FOUND instead of making a new journal; false. */
    bool must_exist;
    /** The state that is restored instead of what there is, or NULL. Sections below checkpoint->section must not have
     *  been appended to after their last sync. */
    const oversized_checkpoint_t *checkpoint;
    /** The storage; NULL: segj_storage_posix(). Its context must outlive the journal. */
    const segj_storage_t *storage;
    /** Called with a line of text without a newline, at every level; filter by `level`. NULL: silence, at no cost.
     *  It may be called from any thread that is in a call of the library, with no lock held that a reader needs. It
     *  must not call the journal. */
    void (*log)(void *log_context, segj_log_level_t level, const char *message);
    /** Handed to `log`. */
    void *log_context;
    /** Bytes of zeros that are kept after the last value of a section that is synced again and again, 0 to 2^30, or
     *  SEGJ_PREALLOCATE_AUTO; that. The native format alone.
     *
     *  With them a sync does not make a new file size durable, which saves the file system's own journal a commit.
     *  They pay where single values are synced, and cost time where syncs are few. They are given back when the
     *  section comes to rest, when the journal is closed, and when an append, a sync or a flush finds no room on the
     *  storage. After a crash they are still there, and the next open cuts them (value_bytes_truncated).
     *
     *  SEGJ_PREALLOCATE_AUTO keeps them in sections of version 2 alone (native_version), after 8 syncs in a row with
     *  less than 128 KiB of new values each, until a sync has more: an eighth of what the section's values take, but
     *  64 to 256 KiB, and at least four times what the sync had (512 KiB at most). So the device takes such values
     *  twice, and a sync of them about two thirds of the time; 0 is for devices that shall not. */
    size_t preallocate;
    /** Let views show values where they lie, in a mapping of their file, instead of copying them (oversized_view());
     *  false. Of compressed sections these are, in version 2 (native_version), the values that are stored as they are;
     *  others are unpacked from the mapping.
     *
     *  Warning: with mapped values an I/O error is not returned. The system raises SIGBUS if a page cannot be read, or
     *  if another program truncated the file. Therefore this is off unless it is asked for.
     *
     *  Where the system refuses to map a file (some FUSE file systems do), its values are copied. The library asks
     *  again after 16 views of that file, then after 32 and so on up to 1024, and at once when the file is opened
     *  anew or its section becomes active. */
    bool map_values;
    /** Flush the two files of a section at the same time in a sync, the values by a thread of the journal's own; false.
     *  A sync of a section of version 2 (native_version) flushes one file, and has no use for it.
     *
     *  This may pay where single values are synced, and may cost more than it brings: measure it on the machine
     *  where it is to run. The first sync that needs the thread makes it. It takes no signals, calls file_sync of
     *  the storage and nothing else, and ends with the journal. A read-only journal has none. It works for one sync
     *  at a time. Other syncs that come at that time flush one file after the other, and so do all where the thread
     *  cannot be made, which is logged once. */
    bool parallel_flush;
    /** Bytes that open sets aside, in all, before it cuts a section that has lost records that were synced; 256 MiB. 0
     *  sets nothing aside. Commonware files do not say what was synced: there it is what `hole` cuts, and what an
     *  archive counts (counts_partition).
     *
     *  What is set aside lies in a directory of its own beside the partitions, named "." + index_partition + ".lost"
     *  (names longer than 249 bytes are shortened). It is made when something is lost. It holds the index from the
     *  first page that is cut, the values from the end that stays, and a catalogue of the losses. With 0 the directory
     *  holds the catalogue alone, from which later opens report the loss.
     *
     *  What does not fit is cut all the same, values before index, and the report and the log say so. Losses that
     *  were acknowledged make room first, the oldest before others. Where the storage has no room to set a loss
     *  aside, the section is not cut but waits (sections_unrepaired). Values files without an index file are removed
     *  and not set aside. */
    uint64_t quarantine;
    /** Where oversized_open() leaves how it failed, or NULL. It is used during that call alone. */
    segj_error_t *error;
    /** Milliseconds that open waits for a journal that is open elsewhere; 0: it fails at once with SEGJ_ERR_LOCKED. It
     *  fails so too when the time is over. It asks again every 1 to 50 ms; of several that wait, any may be next. */
    uint32_t lock_wait_ms;
    /** Which header the files of a new journal get in the commonware format, 0 or 1; 0. Every release of
     *  commonware-storage reads 0 (V0, "CWIC"); 2026.9.0 and later make 1 (V1, "CWIK") and 2026.2.0 does not read it. A
     *  journal that has files continues with the header of its newest section. The native format takes 0 alone. */
    uint8_t commonware_header;
    /** What becomes of a section that has a damaged index page before its last one; OVERSIZED_HOLE_REFUSE. The
     *  commonware format alone.
     *
     *  With OVERSIZED_HOLE_REFUSE the first append to a section looks through its whole index for such a page, once in
     *  the life of the journal. A rewind that ends before the page heals the section. A power cut amid appends may
     *  leave such a page, too, so `strict` alone does not fail for it. With OVERSIZED_HOLE_CUT open looks through all
     *  indexes. The records that it cuts count as lost (synced_records_lost), because a sync may have covered them, and
     *  are set aside as `quarantine` says. With a checkpoint, which says itself what stays, nothing is cut for this. */
    oversized_hole_t hole;
    /** Name of the partition in which commonware-storage (2026.9.0 and later) counts the synced records of an archive's
     *  sections: its `metadata_partition`, of the same characters as the other names and other than these; NULL. "":
     *  there is none. The commonware format alone.
     *
     *  What the partition counts was synced. So records that are missing of it are lost (synced_records_lost), `strict`
     *  fails then, and what is cut is set aside. That program refuses a journal that has less than the counts. So they
     *  are lowered, durably, before a prune, a rewind, a destroy or an open removes what they count. They are never
     *  raised: that program raises them itself when it opens the journal. A partition that is missing is
     *  SEGJ_ERR_MISMATCH where the journal has sections; a new journal has no counts then.
     *
     *  With NULL nothing is known of counts. But before something is removed, all partitions of the directory are
     *  looked at. Where one counts sections of this journal alone, and counts what would be removed, the call is
     *  SEGJ_ERR_MISMATCH, and its sentence names that partition. */
    const char *counts_partition;
    /** How far open looks, or NULL: everywhere. Files of sections above bound->section are not opened, whatever is in
     *  them, and of that section no more than its first bound->records records are shown. It may have fewer, or not
     *  exist. Both formats. Not together with a checkpoint.
     *
     *  With `read_only` nothing changes, and the journal ends there as long as it is open. Warning: an open for writing
     *  ends it for good, as a rewind to that record does. Later sections are removed, unread, and what follows the
     *  records is cut, all durably and before the open returns. What goes by that is no loss, and is not set aside. If
     *  the power fails before the open returns, some later sections may be left, and another open with the same bound
     *  removes them. Unlike a checkpoint, a bound asks nothing of the sections below it: each ends where it would end
     *  without one. */
    const oversized_bound_t *bound;
    /** Bytes of memory in which values of compressed sections are kept unpacked once they were read; 0: none are. For
     *  journals whose values are read again and again, by oversized_read(), oversized_get_value() or as views: such a
     *  read copies the value, and neither reads, checks nor unpacks it. Other calls do not look there.
     *
     *  What was not used for long goes first. The memory is in 16 parts, and a value larger than half of a part is not
     *  kept. A read never shows what a rewind or a prune has taken away. */
    size_t value_cache;
    /** Version of the native format that new sections get: 1, 2, or 0 for the newest, which is 2; 0. A section stays in
     *  the version of its files, whatever this is, and a journal may hold both. The commonware format takes 0 alone.
     *
     *  In version 2 each value carries its record, and the index is a cache that is made again where it is damaged or
     *  emptied, and where the file is missing (`orphans`). A sync flushes one file
     *  instead of two, and a batch survives a power cut whole or not at all. A value takes entry_size +
     *  OVERSIZED_FRAME_HEAD bytes more in its file. */
    uint8_t native_version;
    /** Called from the thread that opens, at most ten times a second, while open waits for the lock (stage "wait"),
     *  looks at sections ("look") and repairs them ("repair"), and once when it has looked at all sections, where there
     *  is one. Bytes are those of values that it has read to check them, and the total grows with what it finds to be
     *  checked. NULL: not called. oversized_inspect() calls it too.
     *
     *  True cancels the open: it is SEGJ_ERR_CANCELLED, and has changed nothing. That holds up to the end of the look.
     *  From the first change on the open runs to its end, and ignores the result of this function. It must not call the
     *  journal. */
    bool (*progress)(void *progress_context, const oversized_progress_t *progress);
    /** Handed to `progress`. */
    void *progress_context;
    /** Permission bits of the files that are created, from now on and in copies (oversized_copy()), whatever the umask
     *  says: some of 0666, with 0600 among them, for example 0640; 0: 0666 less the umask. Directories get them too,
     *  and may be searched by whoever may read them (0750), and keep the set-group-id bit that they inherit. What is
     *  there already stays as it is. A file `.hold` of the commonware format is made by the umask. */
    unsigned file_mode;
    /** Threads that compress the values of one append, the appending one among them, 0 to 64; 0, and 1: that one alone.
     *  They pay for batches of 64 KiB and more, and for single or streamed values of 2 MiB and more, which zstd's own
     *  threads share: such a value is stored in other bytes then, of about the same size. Values of less, one at a
     *  time, are compressed by the thread that appends them, and by several beside each other where several append.
     *
     *  The first append that is large enough makes the threads, one less than this for batches and this many for large
     *  values. They take no signals, call nothing of the storage, and end with the journal. One batch and one large
     *  value have them at a time; other appends do without them until that has ended. Where threads cannot be made,
     *  appends work with fewer, which is logged once. Each has a context of zstd of its own (`compression`), and zstd
     *  some MiB a thread for a large value. */
    uint32_t compression_threads;
    /** Bytes that values of new sections are compressed with, or NULL: none. Small values that resemble each other
     *  compress badly one by one; what they have in common is said here once. It is a dictionary that zstd has
     *  trained (oversized_train_dictionary(), `zstd --train`), or simply text that resembles the values. Open copies
     *  it.
     *
     *  Each section keeps its dictionary, in both of its files, and keeps it whatever this is. Sections of one journal
     *  may have different ones, or none. It wants compression, and version 2 of the native format.
     *
     *  A dictionary that is damaged in one file, or cannot be read there, is read from the other. One that is damaged
     *  is written again before the section is written to. Where it is damaged in both, values that were compressed with
     *  it are SEGJ_ERR_COMPRESSION when they are read, the section's others are not, and new ones are stored as they
     *  are. */
    const void *dictionary;
    /** Bytes of it, 8 to 262,144 (OVERSIZED_DICTIONARY_MAX); 0: none. 4,096 are enough for events of some 100 bytes. */
    size_t dictionary_size;
    /** Bytes of the dictionary that is trained for new sections from the one that is being written, 256 to
     *  OVERSIZED_DICTIONARY_MAX; 0: none is. It wants compression, and version 2 of the native format.
     *
     *  A thread of the journal's own trains it, as oversized_train_section() does, when a sync has covered 32 times as
     *  many stored bytes of a section (64 KiB at least), and once more at 16 times that. Sections that are made from
     *  then on get it. A section that is made before the first one is there gets `dictionary`, or none; one that is
     *  made while the next is trained gets the one before. No append waits for a dictionary. The thread takes no
     *  signals, and ends with the journal. That a section has nothing to train from is logged, and no failure. */
    size_t auto_dictionary;
    /** What becomes of values files of version 2 that have no index file; OVERSIZED_ORPHANS_JUDGE. The native format
     *  alone. For one open that is to mend something; what it does is in the log, and stays done. */
    oversized_orphans_t orphans;
    /** Bytes of the sectors that values in new sections are kept apart by, a power of two from 512 to 65,536, or 0:
     *  they are not; 0. Version 2 of the native format alone (native_version). A section keeps what it has.
     *
     *  For devices that may damage a whole sector when the power fails while a part of it is being written. A journal
     *  takes it for granted, as databases do, that bytes which were synced stay when others of their sector are written
     *  later. Where a device does not promise that, the last values that were synced may be lost with the ones that
     *  were being written, and an open may not notice. With this a value that is appended after a sync begins a sector
     *  of its own, so that no append or sync writes to a sector with synced values. Nor does an open after a crash: it
     *  reads past the system's memory what the device has, and writes again what that lacks (on ext4, XFS and F2FS of
     *  Linux 6.1 and later, where the library was built with headers of it; elsewhere it writes again all that lies
     *  after the watermark). 4096 is right for most devices: file systems write blocks of that size, and a smaller
     *  sector than that keeps nothing apart. Flash memory may have larger pages.
     *
     *  It costs half a sector for each sync on average, in the file alone; a sync takes no longer. Values files end
     *  with whole sectors. What takes back synced values still writes to the sector in which those that stay end (a
     *  rewind, an open with a checkpoint, one that cuts at damage), and so does what comes after a sync for which there
     *  was no room to fill its sector. */
    uint32_t sector_size;
} oversized_config_t;

/** Fills a configuration with the defaults given above. config must not be NULL. Any thread. */
void oversized_config_init(oversized_config_t *config);

/**
 * Fills a checkpoint by a count of records instead of bytes. index_size becomes `records` times the record size of this
 * configuration (entry_size + 12). oversized_open() judges the rest. Any thread.
 *
 * Errors: SEGJ_ERR_INVALID (an argument is NULL; or the product exceeds 2^64 - 1, and the sentence names the count).
 */
SEGJ_MUST_CHECK segj_status_t oversized_checkpoint_at(const oversized_config_t *config, uint64_t oldest,
                                                      uint64_t section, uint64_t records,
                                                      oversized_checkpoint_t *checkpoint);

/** @} */

SEGJ_EXPORT_END
#ifdef __cplusplus
}
#endif

#endif /* SEGJOURNAL_OVERSIZED_CONFIG_H */
