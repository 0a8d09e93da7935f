/*
 * command/shell.h: the command `segj` as a person uses it: a line for a shell, and what it answers, prints and says.
 */
#ifndef TESTS_COMMAND_SHELL_H
#define TESTS_COMMAND_SHELL_H

#include "support/support.h"

/** What a line has led to. */
typedef struct said {
    int answer;  /* the exit status */
    bytes_t out; /* with a NUL after its end */
    bytes_t err;
} said_t;

/** A directory for the test, which the lines run in: "journal" is the journal's. */
typedef struct shell {
    path_t root;
    oversized_config_t config;
    oversized_t *journal;
} shell_t;

/** Skips the test where the command is left out. */
int shell_set_up(void **state);
int shell_tear_down(void **state);
#define SHELL_TEST(test) cmocka_unit_test_setup_teardown(test, shell_set_up, shell_tear_down)

/** Runs a line: "segj" in it is the program. */
said_t shell_run(const shell_t *shell, const char *line);
void shell_free(said_t *said);
/** The line answers this, prints this, and, where `err` is not NULL, says something that has `err` in it. */
void shell_expect(const shell_t *shell, const char *line, int answer, const char *out, const char *err);

#endif /* TESTS_COMMAND_SHELL_H */
