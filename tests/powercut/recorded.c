/* powercut/recorded.c: see the header. The server speaks the kernel's protocol itself, of which one file needs
 * little. */
#if defined(__linux__)
#define _GNU_SOURCE /* SEEK_DATA */

#include "powercut/recorded.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crash/script.h"

#define WRITE_MAX (128u << 10)
#define REQUEST_MAX (WRITE_MAX + 8192)
#define PIECE 4096
#define ROOT 1 /* node numbers */
#define DISK 2

typedef struct entry {
    uint64_t offset;
    uint32_t size; /* 0: a flush */
    uint8_t *bytes;
} entry_t;

struct recorded {
    char base[256]; /* the image as it was */
    int disk;       /* an unnamed copy, as it is */
    uint64_t size;
    int fuse;
    pthread_t server;
    entry_t *entries;
    atomic_size_t count;
    size_t capacity, flushes;
    recorded_hook_t hook;
    void *context;
};

static void *need(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

/* --- files --- */

static bool move_bytes(int from, int to, off_t offset, off_t size)
{
    static _Thread_local uint8_t buffer[1 << 20];
    while (size > 0) {
        ssize_t got = pread(from, buffer, size < (off_t)sizeof buffer ? (size_t)size : sizeof buffer, offset);
        if (got <= 0 || pwrite(to, buffer, (size_t)got, offset) != got)
            return false;
        offset += got;
        size -= got;
    }
    return true;
}

static bool copy_descriptor(int from, int to)
{
    struct stat about;
    if (fstat(from, &about) != 0 || ftruncate(to, 0) != 0 || ftruncate(to, about.st_size) != 0)
        return false;
    off_t at = 0;
    while ((at = lseek(from, at, SEEK_DATA)) >= 0) {
        off_t end = lseek(from, at, SEEK_HOLE);
        if (end < 0 || !move_bytes(from, to, at, end - at))
            return false;
        at = end;
    }
    return errno == ENXIO; /* no more data */
}

bool copy_image(const char *from, const char *to)
{
    int source = open(from, O_RDONLY | O_CLOEXEC);
    int target = open(to, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool good = source >= 0 && target >= 0 && copy_descriptor(source, target);
    if (source >= 0)
        (void)close(source);
    if (target >= 0)
        (void)close(target);
    return good;
}

/* --- the record --- */

static void add_entry(recorded_t *recorded, uint64_t offset, const uint8_t *bytes, uint32_t size)
{
    size_t count = atomic_load(&recorded->count);
    if (count == recorded->capacity) {
        recorded->capacity = 2 * recorded->capacity + 1024;
        recorded->entries = need(realloc(recorded->entries, recorded->capacity * sizeof *recorded->entries));
    }
    entry_t *entry = &recorded->entries[count];
    *entry = (entry_t){offset, size, NULL};
    if (size > 0) {
        entry->bytes = need(malloc(size));
        memcpy(entry->bytes, bytes, size);
    }
    recorded->flushes += size == 0;
    atomic_store(&recorded->count, count + 1);
    recorded->hook(recorded->context, count + 1);
}

size_t recorded_entries(const recorded_t *recorded)
{
    return atomic_load(&recorded->count);
}

size_t recorded_flushes(const recorded_t *recorded)
{
    return recorded->flushes;
}

size_t recorded_before_flush(const recorded_t *recorded, size_t entries)
{
    while (entries < recorded_entries(recorded) && recorded->entries[entries].size > 0)
        entries++;
    return entries;
}

static bool is_kept(recorded_fate_t fate, uint64_t draw)
{
    switch (fate) {
    case PIECES_NONE:
        return false;
    case PIECES_ALL:
        return true;
    case PIECES_FEW:
        return draw % 8 == 0;
    case PIECES_MOST:
        return draw % 8 != 0;
    default:
        return draw % 2 == 0;
    }
}

static void put(int to, const entry_t *entry, size_t from, size_t size)
{
    if (pwrite(to, entry->bytes + from, size, (off_t)(entry->offset + from)) != (ssize_t)size)
        abort();
}

size_t recorded_cut(const recorded_t *recorded, size_t entries, recorded_fate_t fate, uint64_t seed, const char *image,
                    size_t *lost)
{
    size_t flushed = entries;
    size_t pieces = 0;
    int to = copy_image(recorded->base, image) ? open(image, O_RDWR | O_CLOEXEC) : -1;
    if (to < 0)
        abort();
    while (flushed > 0 && recorded->entries[flushed - 1].size > 0)
        flushed--;
    *lost = 0;
    for (size_t i = 0; i < entries; i++) {
        const entry_t *entry = &recorded->entries[i];
        for (size_t at = 0, part; at < entry->size; at += part) {
            part = i < flushed ? entry->size : PIECE - (size_t)((entry->offset + at) % PIECE);
            part = part < entry->size - at ? part : entry->size - at;
            pieces += i >= flushed;
            if (i < flushed || is_kept(fate, script_mix(script_mix(seed, i), at) >> 20))
                put(to, entry, at, part);
            else
                ++*lost;
        }
    }
    (void)close(to);
    return pieces;
}

/* --- the server --- */

static void answer(const recorded_t *recorded, uint64_t unique, int error, const void *data, size_t size)
{
    uint8_t reply[sizeof(struct fuse_out_header) + WRITE_MAX];
    struct fuse_out_header header = {(uint32_t)(sizeof header + size), -error, unique};
    memcpy(reply, &header, sizeof header);
    if (size > 0)
        memcpy(reply + sizeof header, data, size);
    /* A request that was interrupted wants no answer any more. */
    (void)!write(recorded->fuse, reply, header.len);
}

static struct fuse_attr attributes(const recorded_t *recorded, uint64_t node)
{
    struct fuse_attr about = {.ino = node, .nlink = 1, .blksize = PIECE};
    about.mode = node == ROOT ? S_IFDIR | 0700 : S_IFREG | 0600;
    about.size = node == DISK ? recorded->size : 0;
    about.blocks = about.size / 512;
    return about;
}

static void answer_init(const recorded_t *recorded, uint64_t unique, const struct fuse_init_in *asked)
{
    struct fuse_init_out init = {.major = FUSE_KERNEL_VERSION, .minor = 31, .max_readahead = WRITE_MAX};
    init.flags = asked->flags & FUSE_BIG_WRITES;
    init.max_background = 16;
    init.congestion_threshold = 12;
    init.max_write = WRITE_MAX;
    answer(recorded, unique, 0, &init, sizeof init);
}

static void answer_lookup(const recorded_t *recorded, uint64_t unique, const char *name)
{
    struct fuse_entry_out entry = {.nodeid = DISK, .entry_valid = 1000, .attr_valid = 1000};
    entry.attr = attributes(recorded, DISK);
    if (strcmp(name, RECORDED_FILE) == 0)
        answer(recorded, unique, 0, &entry, sizeof entry);
    else
        answer(recorded, unique, ENOENT, NULL, 0);
}

static void answer_attributes(const recorded_t *recorded, uint64_t unique, uint64_t node)
{
    struct fuse_attr_out out = {.attr_valid = 1000, .attr = attributes(recorded, node)};
    answer(recorded, unique, 0, &out, sizeof out);
}

static void answer_read(const recorded_t *recorded, uint64_t unique, const struct fuse_read_in *asked)
{
    uint8_t bytes[WRITE_MAX];
    size_t size = asked->size < sizeof bytes ? asked->size : sizeof bytes;
    ssize_t got = pread(recorded->disk, bytes, size, (off_t)asked->offset);
    answer(recorded, unique, got < 0 ? EIO : 0, bytes, got < 0 ? 0 : (size_t)got);
}

static void answer_write(recorded_t *recorded, uint64_t unique, const struct fuse_write_in *asked)
{
    const uint8_t *bytes = (const uint8_t *)(asked + 1);
    struct fuse_write_out out = {.size = asked->size};
    if (pwrite(recorded->disk, bytes, asked->size, (off_t)asked->offset) != (ssize_t)asked->size) {
        answer(recorded, unique, EIO, NULL, 0);
        return;
    }
    if (asked->size > 0)
        add_entry(recorded, asked->offset, bytes, asked->size);
    answer(recorded, unique, 0, &out, sizeof out);
}

static void serve(recorded_t *recorded, const struct fuse_in_header *header)
{
    static const struct fuse_open_out opened = {.open_flags = FOPEN_DIRECT_IO};
    static const struct fuse_statfs_out room = {.st = {.bsize = PIECE, .namelen = 255}};
    const void *body = header + 1;
    switch (header->opcode) {
    case FUSE_INIT:
        answer_init(recorded, header->unique, body);
        return;
    case FUSE_LOOKUP:
        answer_lookup(recorded, header->unique, body);
        return;
    case FUSE_GETATTR:
    case FUSE_SETATTR:
        answer_attributes(recorded, header->unique, header->nodeid);
        return;
    case FUSE_OPEN:
    case FUSE_OPENDIR:
        answer(recorded, header->unique, 0, &opened, sizeof opened);
        return;
    case FUSE_READ:
        answer_read(recorded, header->unique, body);
        return;
    case FUSE_WRITE:
        answer_write(recorded, header->unique, body);
        return;
    case FUSE_FSYNC:
        add_entry(recorded, 0, NULL, 0);
        answer(recorded, header->unique, 0, NULL, 0);
        return;
    case FUSE_STATFS:
        answer(recorded, header->unique, 0, &room, sizeof room);
        return;
    case FUSE_FLUSH:
    case FUSE_RELEASE:
    case FUSE_RELEASEDIR:
        answer(recorded, header->unique, 0, NULL, 0);
        return;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
        return;
    default:
        answer(recorded, header->unique, ENOSYS, NULL, 0); /* discards too */
    }
}

static void *run_server(void *context)
{
    recorded_t *recorded = context;
    struct fuse_in_header *request = need(malloc(REQUEST_MAX));
    for (;;) {
        ssize_t got = read(recorded->fuse, request, REQUEST_MAX);
        if (got >= (ssize_t)sizeof *request)
            serve(recorded, request);
        else if (got >= 0 || (errno != EINTR && errno != EAGAIN && errno != ENOENT))
            break; /* ENODEV: unmounted */
    }
    free(request);
    return NULL;
}

/* An unnamed copy of the image, on the same file system. */
static int copy_unnamed(const char *image)
{
    char path[300];
    (void)snprintf(path, sizeof path, "%s.now", image);
    int copy = copy_image(image, path) ? open(path, O_RDWR | O_CLOEXEC) : -1;
    (void)unlink(path);
    return copy;
}

recorded_t *recorded_start(const char *image, const char *directory, recorded_hook_t hook, void *context)
{
    char options[80];
    struct stat about;
    recorded_t *recorded = need(calloc(1, sizeof *recorded));
    (void)snprintf(recorded->base, sizeof recorded->base, "%s", image);
    recorded->hook = hook;
    recorded->context = context;
    recorded->disk = copy_unnamed(image);
    recorded->fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    (void)snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", recorded->fuse);
    if (recorded->disk >= 0 && recorded->fuse >= 0 && fstat(recorded->disk, &about) == 0 &&
        mount("segjournal", directory, "fuse", MS_NOSUID | MS_NODEV, options) == 0) {
        recorded->size = (uint64_t)about.st_size;
        if (pthread_create(&recorded->server, NULL, run_server, recorded) == 0)
            return recorded;
        (void)umount2(directory, MNT_DETACH);
    }
    int code = errno;
    recorded_free(recorded);
    errno = code;
    return NULL;
}

void recorded_stop(recorded_t *recorded, const char *directory)
{
    /* The loop device lets go of the file a little later than its file system is unmounted. */
    if (umount2(directory, MNT_DETACH) != 0)
        abort();
    (void)pthread_join(recorded->server, NULL);
}

void recorded_free(recorded_t *recorded)
{
    for (size_t i = 0; i < recorded->count; i++)
        free(recorded->entries[i].bytes);
    free(recorded->entries);
    if (recorded->disk >= 0)
        (void)close(recorded->disk);
    if (recorded->fuse >= 0)
        (void)close(recorded->fuse);
    free(recorded);
}
#endif
