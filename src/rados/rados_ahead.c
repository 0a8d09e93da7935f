/* rados/rados_ahead.c: see the header. */
#include "rados/rados_ahead.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of a request, how many are under way, and how many files of a storage have some. */
#define PIECE ((uint64_t)1 << 20)
#define PIECES 16
#define FILES_MOST 4
/* After so many reads that follow each other. */
#define STREAK 2

typedef struct piece {
    segj_rados_t *store;
    uint64_t offset;
    size_t size; /* asked for; 0: it holds nothing */
    size_t got;
    uint64_t generation; /* of the node, and of the file, when it was asked for */
    uint64_t refreshed;
    int code;
    bool flies;
    unsigned char *bytes; /* PIECE */
    segj_rados_name_t object;
} piece_t;

struct segj_rados_ahead {
    uint64_t until; /* there was asked up to here */
    uint64_t refreshed;
    piece_t pieces[PIECES];
};

static bool is_valid(const segj_file_t *file, const piece_t *piece)
{
    return piece->size > 0 && piece->code == 0 && piece->generation == file->node->generation &&
           piece->refreshed == file->ahead->refreshed;
}

static void landed(void *argument, int code)
{
    piece_t *piece = argument;
    segj_rados_t *store = piece->store;
    segj_lock(&store->mutex);
    piece->code = code;
    piece->flies = false;
    segj_wake_all(&store->changed);
    segj_unlock(&store->mutex);
}

/* One that holds nothing which is still to come. */
static piece_t *free_piece(const segj_file_t *file, uint64_t offset)
{
    for (size_t i = 0; i < PIECES; i++) {
        piece_t *piece = &file->ahead->pieces[i];
        if (!piece->flies &&
            (!is_valid(file, piece) || piece->offset + piece->size <= offset || piece->offset >= file->ahead->until))
            return piece;
    }
    return NULL;
}

/* Asks for the piece that begins there. False: not now. */
static bool ask(const segj_file_t *file, piece_t *piece, uint64_t offset, uint64_t end)
{
    const segj_rados_node_t *node = file->node;
    segj_rados_t *store = node->store;
    uint64_t size = node->chunk_size - offset % node->chunk_size;
    size = size < PIECE ? size : PIECE;
    size = size < end - offset ? size : end - offset;
    if (piece->bytes == NULL)
        piece->bytes = malloc(PIECE);
    if (piece->bytes == NULL)
        return false;
    piece->store = store;
    piece->offset = offset;
    piece->size = (size_t)size;
    piece->got = 0;
    piece->generation = node->generation;
    piece->refreshed = file->ahead->refreshed;
    piece->code = 0;
    piece->flies = true;
    segj_rados_chunk_name(piece->object, node->partition, node->id, offset / node->chunk_size);
    if (store->seam.read_start(store->seam.context, piece->object, offset % node->chunk_size, piece->bytes, piece->size,
                               &piece->got, landed, piece) != 0) {
        piece->flies = false;
        piece->size = 0;
        return false;
    }
    return true;
}

/* A reader may begin again with the end of what it had. */
static bool is_reading_on(segj_file_t *file, uint64_t offset, size_t size)
{
    bool goes_on = offset <= file->next && file->next - offset < size;
    file->streak = goes_on ? file->streak + 1 : 0;
    file->next = offset + size;
    return file->streak >= STREAK;
}

void segj_rados_ahead_follow(segj_file_t *file, uint64_t offset, size_t size, uint64_t end)
{
    segj_rados_node_t *node = file->node;
    segj_rados_t *store = node->store;
    if (!is_reading_on(file, offset, size) || node->first != NULL || node->held != NULL ||
        store->seam.read_start == NULL)
        return;
    if (file->ahead == NULL) {
        if (store->aheads >= FILES_MOST || (file->ahead = calloc(1, sizeof *file->ahead)) == NULL)
            return;
        store->aheads++;
    }
    segj_rados_ahead_t *ahead = file->ahead;
    if (ahead->until < offset || ahead->until > offset + size + PIECES * PIECE)
        ahead->until = offset;
    for (;;) {
        piece_t *piece = ahead->until < end ? free_piece(file, offset) : NULL;
        if (piece == NULL || ahead->until - offset >= PIECES * PIECE || !ask(file, piece, ahead->until, end))
            return;
        ahead->until += piece->size;
    }
}

static piece_t *find_piece(const segj_file_t *file, uint64_t offset)
{
    for (size_t i = 0; i < PIECES; i++) {
        piece_t *piece = &file->ahead->pieces[i];
        if (is_valid(file, piece) && offset >= piece->offset && offset - piece->offset < piece->size)
            return piece;
    }
    return NULL;
}

size_t segj_rados_ahead_take(segj_file_t *file, uint64_t offset, void *buffer, size_t size)
{
    size_t taken = 0;
    while (file->ahead != NULL && taken < size) {
        const piece_t *piece = find_piece(file, offset + taken);
        if (piece == NULL)
            break;
        if (piece->flies) {
            segj_rados_wait(file->node->store);
            continue; /* it may be another one's by now */
        }
        size_t inside = (size_t)(offset + taken - piece->offset);
        if (inside >= piece->got) /* the object is shorter: what that means is found out otherwise */
            break;
        size_t part = piece->got - inside < size - taken ? piece->got - inside : size - taken;
        memcpy((char *)buffer + taken, piece->bytes + inside, part);
        taken += part;
    }
    return taken;
}

void segj_rados_ahead_forget(segj_file_t *file)
{
    file->streak = 0;
    if (file->ahead != NULL) {
        file->ahead->refreshed++;
        file->ahead->until = 0;
    }
}

void segj_rados_ahead_end(segj_file_t *file)
{
    segj_rados_t *store = file->node->store;
    if (file->ahead == NULL)
        return;
    for (size_t i = 0; i < PIECES; i++) {
        while (file->ahead->pieces[i].flies)
            segj_rados_wait(store);
        free(file->ahead->pieces[i].bytes);
    }
    free(file->ahead);
    file->ahead = NULL;
    store->aheads--;
}
