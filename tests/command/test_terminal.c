/*
 * command/test_terminal.c: the command before a person: a line of progress that fits the terminal and goes away, questions
 * before something is removed, Ctrl-C, and command lines that are completed. It needs tmux, which makes a terminal.
 */
#include "command/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Values for half a second of reading at the rate below. */
static void make_journal(shell_t *shell)
{
    static char value[5000];
    path_t directory = join_path(shell->root.text, "journal");
    shell->config.directory = directory.text;
    assert_ok(oversized_open(&shell->config, &shell->journal));
    memset(value, 'v', sizeof value);
    for (uint64_t section = 1; section <= 3; section++)
        for (unsigned i = 0; i < 30; i++)
            assert_ok(oversized_append(shell->journal, section, "12345678", value, sizeof value, NULL, NULL));
    assert_ok(oversized_close(shell->journal));
    shell->journal = NULL;
}

/* Functions for the lines. `terminal COLUMNS SCRIPT` runs a script in a terminal of its own, whose output goes to "seen";
 * `ended` waits for its end, and `screen` is what stands there. A script ends with `end`. */
static const char functions[] =
    "export TERM=xterm LC_ALL=C\n"
    "segj_tmux() { tmux -f /dev/null -S \"s$$\" \"$@\"; }\n"
    "terminal() {\n"
    "printf '%s\\n' 'trap : INT' 'segj() { \"" SEGJ_COMMAND "\" \"$@\"; }' "
    "'end() { echo over; cat >/dev/null; }' \"$2\" end >script\n"
    "rm -f seen piped; segj_tmux new-session -d -x \"$1\" -y 20 \"tmux -S s$$ wait-for go; exec sh script\" || return "
    "1\n"
    "segj_tmux pipe-pane 'cat >seen; : >piped'; segj_tmux wait-for -S go; }\n"
    "ended() { until_seen '^over$'; screen=$(segj_tmux capture-pane -p | grep -v -e '^$' -e '^over$'); segj_tmux "
    "pipe-pane\n"
    "while ! [ -e piped ]; do :; done; segj_tmux kill-server; }\n"
    "until_seen() { while ! segj_tmux capture-pane -p | grep -q \"$1\"; do :; done; }\n"
    "press() { segj_tmux send-keys \"$@\"; }\n";

static bool has(const char *program)
{
    char line[100];
    (void)snprintf(line, sizeof line, "command -v %s >/dev/null 2>&1", program);
    return system(line) == 0;
}

static void in_terminal(const shell_t *shell, const char *line, int answer, const char *out)
{
    char whole[4000];
    (void)snprintf(whole, sizeof whole, "%s%s", functions, line);
    shell_expect(shell, whole, answer, out, NULL);
}

/* Lines of progress are what stands between a carriage return and the sequence that clears the rest. None is as wide as the
 * terminal, and none is left. */
static void progress_fits(void **state)
{
    shell_t *shell = *state;
    static const unsigned widths[] = {100, 60, 14};
    make_journal(shell);
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        char line[1000];
        (void)snprintf(line, sizeof line,
                       "terminal %u 'segj verify --limit=1000000 journal >verdict; echo answered $?'; ended\n"
                       "echo \"$screen\"; tr '\\r' '\\n' <seen | sed -n 's/\\x1b\\[K.*//p' | grep %% >drawn\n"
                       "awk 'length > %u { print \"too wide: \" $0 }' drawn; [ -s drawn ] && echo drawn; "
                       "grep -c ' records in ' verdict",
                       widths[i], widths[i] - 3);
        in_terminal(shell, line, 0, "answered 0\ndrawn\n1\n");
    }
    in_terminal(shell,
                "terminal 100 'segj verify --limit=1000000 journal >verdict; end'; ended\n"
                "tr '\\r' '\\n' <seen | grep -m1 -o '^verify *[0-9]*% \\[#*\\.*\\]  [0-9.]* kB of [0-9.]* kB, [0-9]* "
                "records' | "
                "sed 's/[0-9][0-9]*/N/g; s/#*\\.*\\]/]/; s/  */ /g'",
                0, "verify N% [] N.N kB of N.N kB, N records\n");
}

/* Nothing is drawn where standard error is no terminal. */
static void nothing_is_drawn_without_a_terminal(void **state)
{
    shell_t *shell = *state;
    make_journal(shell);
    shell_expect(shell, "segj verify --limit=2000000 journal", 0,
                 "journal: fine: 90 records in 3 sections were read, 450360 bytes\n", NULL);
    in_terminal(
        shell,
        "terminal 80 'segj verify --limit=2000000 journal 2>errors; end'; ended; echo \"$screen\"; wc -c <errors", 0,
        "journal: fine: 90 records in 3 sections were read, 450360 bytes\n0\n");
}

static void control_c_ends_it(void **state)
{
    shell_t *shell = *state;
    make_journal(shell);
    in_terminal(shell,
                "terminal 200 'segj copy --limit=5000 journal backup; echo answered $?'; until_seen '^copy .*%'\n"
                "press C-c; ended; echo \"$screen\" | sed 's/after [0-9]* of [0-9]*/after N of M/; s/^^C//'",
                0,
                "segj: oversized_copy: cancelled after N of M bytes; the copy in backup is not complete, and is not "
                "opened: the "
                "next one goes on with it\nanswered 130\n");
    shell_expect(shell, "segj copy journal backup >1 && segj verify backup | cut -d: -f2", 0, " fine\n", NULL);
}

/* The lines are drawn twice over the same place, none is as wide as the terminal, and Ctrl-C leaves the newest ones. */
static void a_watch_is_drawn(void **state)
{
    const shell_t *shell = *state;
    make_journal(*state);
    in_terminal(shell,
                "terminal 70 'echo before; segj watch -n 2 journal; echo answered $?'; ended\n"
                "echo \"$screen\" | sed 's/^since .*)/since N/; s/  */ /g'; grep -c average seen",
                0,
                "before\nsince N journal\n"
                "now 0 records/s 0 B/s, stored 0 B/s\n"
                "average 0 records/s 0 B/s, stored 0 B/s\n"
                "seen 0 records 0 B, stored 0 B\n"
                "journal 90 records, unsynced 0, sections 3, newest 3\n"
                "answered 0\n2\n");
    in_terminal(shell,
                "terminal 14 'segj watch -n 1 journal'; ended\n"
                "echo \"$screen\" | awk 'length > 11 { print \"too wide: \" $0 }'; echo \"$screen\" | wc -l",
                0, "5\n");
    in_terminal(shell,
                "terminal 70 'segj watch journal; echo answered $?'; until_seen newest; press C-c; ended\n"
                "echo \"$screen\" | grep -c average; echo \"$screen\" | tail -n 1",
                0, "1\nanswered 130\n");
}

static void removals_ask(void **state)
{
    shell_t *shell = *state;
    make_journal(shell);
    in_terminal(shell,
                "terminal 80 'segj prune journal 3; echo answered $?'; until_seen 'Remove 2'; press n Enter; ended\n"
                "echo \"$screen\" | sed 's/[0-9]* bytes/N bytes/'",
                0,
                "Remove 2 sections below 3, N bytes? [y/N] n\n"
                "2 sections below 3 would be removed: 60 records, N bytes of files\n"
                "segj: nothing was removed: --yes removes it\nanswered 1\n");
    in_terminal(shell,
                "terminal 80 'segj prune journal 2; echo answered $?'; until_seen 'Remove 1'; press y Enter; ended\n"
                "echo \"$screen\" | tail -n 2 | sed 's/[0-9]* bytes/N bytes/'",
                0, "1 sections below 2 were removed: 30 records, N bytes of files\nanswered 0\n");
    in_terminal(
        shell,
        "terminal 80 'segj rewind journal 3:29; echo answered $?'; until_seen 'Take back'; press y Enter; ended\n"
        "echo \"$screen\" | tail -n 1; segj list -e none journal 3 | wc -l",
        0, "answered 0\n29\n");
    in_terminal(shell, "terminal 80 'segj dump journal; echo answered $?'; ended; echo \"$screen\"", 0,
                "segj: a dump is no text for a terminal: send it to a file or a pipe\nanswered 1\n");
}

static void command_lines_are_completed(void **state)
{
    const shell_t *shell = *state;
    if (!has("bash"))
        SKIP("there is no bash");
    shell_expect(
        shell,
        "cat >ask <<'END'\n"
        "complete() { :; }; compopt() { :; }\n"
        ". ./completion\n"
        "ask() { COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _segj; echo \"${COMPREPLY[*]}\"; }\n"
        "ask segj re; ask segj list --re; ask segj list --entry =; ask segj list --entry = t\n"
        "ask segj verify --r; ask segj list journal; ask segj completion ''; ask segj import -\n"
        "END\n"
        "segj completion bash >completion && bash ask",
        0,
        "retain rewind recover\n--reverse\nhex text u64 none\ntext\n\n\n--help bash zsh\n"
        "--json --tar --lines --fill= --entry-size= --page-size= --format= --compressed --index= --values= --help\n",
        NULL);
    shell_expect(shell, "segj completion fish", 1, "", "is no shell that this knows: bash or zsh");
    shell_expect(shell, "segj completion zsh | head -n 1", 0, "#compdef segj\n", NULL);
    if (has("zsh"))
        shell_expect(shell, "segj completion zsh >completion && zsh -n completion && echo good", 0, "good\n", NULL);
}

/* Of a table that tmux has: where it is missing the others run. */
#define IN_TERMINAL(test)                                                                                              \
    static void test##_in_tmux(void **state)                                                                           \
    {                                                                                                                  \
        if (!has("tmux"))                                                                                              \
            SKIP("there is no tmux, which makes a terminal");                                                          \
        test(state);                                                                                                   \
    }
IN_TERMINAL(progress_fits)
IN_TERMINAL(nothing_is_drawn_without_a_terminal)
IN_TERMINAL(control_c_ends_it)
IN_TERMINAL(removals_ask)
IN_TERMINAL(a_watch_is_drawn)

int main(void)
{
#ifndef SEGJ_COMMAND_BUILT
    print_message("SKIPPED: %s\n", "the command segj is left out");
    return 77;
#endif
    const struct CMUnitTest tests[] = {
        SHELL_TEST(progress_fits_in_tmux),     SHELL_TEST(nothing_is_drawn_without_a_terminal_in_tmux),
        SHELL_TEST(control_c_ends_it_in_tmux), SHELL_TEST(removals_ask_in_tmux),
        SHELL_TEST(a_watch_is_drawn_in_tmux),  SHELL_TEST(command_lines_are_completed),
    };
    return cmocka_run_group_tests_name("terminal", tests, NULL, NULL);
}
