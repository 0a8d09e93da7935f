/* fuzz/replay.c: see the header. SEGJ_FUZZ_FOLDER is the folder of this file. */
#include "fuzz/replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/support.h"

/* What an input costs here. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
#define MUTATIONS 500
#else
#define MUTATIONS 4000
#endif

typedef struct corpus {
    const fuzz_target_t *target;
    path_t *paths;
    size_t count;
    uint64_t mutation; /* seed of the one that runs, 0: none */
} corpus_t;

static corpus_t corpus;

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL && *text != '\0' ? strtoull(text, NULL, 10) : otherwise;
}

static void fail_test(const char *what)
{
    if (corpus.mutation != 0)
        print_error("again, with the same corpus: SEGJ_FUZZ_MUTATIONS=1 SEGJ_SEED=%llu\n",
                    (unsigned long long)corpus.mutation);
    fail_msg("%s", what);
}

static void add_folder(const char *kind)
{
    path_t folder = join_path(join_path(SEGJ_FUZZ_FOLDER, kind).text, corpus.target->name);
    if (!path_exists(folder.text))
        return;
    names_t names = list_directory(folder.text);
    corpus.paths = realloc(corpus.paths, (corpus.count + names.count + 1) * sizeof *corpus.paths);
    if (corpus.paths == NULL)
        abort();
    for (size_t i = 0; i < names.count; i++)
        corpus.paths[corpus.count++] = join_path(folder.text, names.names[i]);
    free_names(&names);
}

/* An input lies in memory of just its size, so that a read beyond it is found. */
static void run_input(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL)
        abort();
    memcpy(copy, data, size);
    corpus.target->run(copy, size);
    free(copy);
}

static void run_file(void **state)
{
    const path_t *path = *state;
    bytes_t bytes = read_file(path->text);
    run_input(bytes.data, bytes.size);
    free_bytes(&bytes);
}

static void run_mutations(uint64_t count, uint64_t seed)
{
    size_t most = corpus.target->most;
    uint8_t *data = fuzz_allocate(most);
    for (uint64_t i = 0; i < count; i++) {
        fuzz_random_t random = {seed + i};
        corpus.mutation = seed + i;
        bytes_t bytes = read_file(corpus.paths[fuzz_below(&random, (uint32_t)corpus.count)].text);
        size_t size = bytes.size < most ? bytes.size : most;
        memcpy(data, bytes.data, size);
        free_bytes(&bytes);
        fuzz_seed_bytes(fuzz_next(&random));
        for (uint32_t times = 1 + fuzz_below(&random, 4); times > 0; times--)
            size = corpus.target->mutate(data, size, most, (uint32_t)fuzz_next(&random), fuzz_mutate_bytes);
        run_input(data, size);
    }
    corpus.mutation = 0;
    free(data);
}

static void mutations_of_the_corpus(void **state)
{
    uint64_t count = from_environment("SEGJ_FUZZ_MUTATIONS", MUTATIONS);
    uint64_t seed = from_environment("SEGJ_SEED", 1);
    (void)state;
    print_message("%llu mutations, SEGJ_SEED=%llu\n", (unsigned long long)count, (unsigned long long)seed);
    run_mutations(count, seed);
}

static void the_corpus_is_there(void **state)
{
    (void)state;
    assert_true(corpus.count > 0);
}

static int run_all(void)
{
    struct CMUnitTest *tests = fuzz_allocate((corpus.count + 2) * sizeof *tests);
    size_t count = 0;
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(the_corpus_is_there);
    for (size_t i = 0; i < corpus.count; i++) {
        const char *name = corpus.paths[i].text + strlen(SEGJ_FUZZ_FOLDER) + 1;
        tests[count++] = (struct CMUnitTest){name, run_file, NULL, NULL, &corpus.paths[i]};
    }
    if (corpus.count > 0)
        tests[count++] = (struct CMUnitTest)cmocka_unit_test(mutations_of_the_corpus);
    int failed = _cmocka_run_group_tests(corpus.target->name, tests, count, NULL, NULL);
    print_message("%s: %zu inputs\n", corpus.target->name, corpus.count);
    free(tests);
    return failed;
}

int fuzz_replay(const fuzz_target_t *target)
{
    const char *one = getenv("SEGJ_FUZZ_INPUT");
    corpus.target = target;
    if (one != NULL && *one != '\0') {
        bytes_t bytes = read_file(one);
        run_input(bytes.data, bytes.size);
        free_bytes(&bytes);
        return 0;
    }
    fuzz_on_failure(fail_test);
    add_folder("corpus");
    add_folder("regression");
    int failed = run_all();
    free(corpus.paths);
    return failed;
}
