#!/bin/sh
# Expected of CTest 4.2.0: the log that it keeps of every test (Testing/Temporary/LastTest.log) says of each how it ended, in
# the line "Test Passed." or "Test Failed." So a program that could not be started is one that failed there, and a script
# that counts in the log finds what CTest counts.
#
# Seen: the log says "Test Passed." of a test whose program is not there, while the terminal says "Not Run", CTest counts it
# as failed and answers 8. It says the same of a test that was skipped by its exit status (SKIP_RETURN_CODE). A test that ran
# into its time limit is "Test Failed." Debian's CTest 3.25.1 does the same.
#
#     log of good: Test Passed.
#     log of bad: Test Failed.
#     log of absent: Test Passed.
#     log of skipped: Test Passed.
#     terminal: 3 absent (Not Run), 2 bad (Failed), 4 skipped (Skipped)
#     answer 8
#
# Needs python3 with venv. Nothing outside a temporary folder is touched.
set -eu

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv python
python/bin/pip --quiet --disable-pip-version-check install cmake==4.2.0

cat >CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.16)
project(four NONE)
enable_testing()
add_test(NAME good COMMAND sh -c "exit 0")
add_test(NAME bad COMMAND sh -c "exit 1")
add_test(NAME absent COMMAND "${CMAKE_BINARY_DIR}/no-such-program")
add_test(NAME skipped COMMAND sh -c "exit 77")
set_tests_properties(skipped PROPERTIES SKIP_RETURN_CODE 77)
CMAKE
python/bin/cmake -S . -B build >log
answer=0
(cd build && ../python/bin/ctest >../terminal 2>&1) || answer=$?

{
    for name in good bad absent skipped; do
        printf 'log of %s: ' "$name"
        awk -v name="$name" '
            /^[0-9]+\/[0-9]+ Test: / { mine = $3 == name }
            mine && /^Test (Passed|Failed)\.$/' build/Testing/Temporary/LastTest.log
    done
    printf 'terminal: %s\n' "$(sed -n 's/^[[:space:]]*\([0-9]\) - \([a-z]* (.*)\)$/\1 \2/p' terminal | sort -k 2 | paste -s -d , |
        sed 's/,/, /g')"
    echo "answer $answer"
} | tee seen

cat >expected <<'EXPECTED'
log of good: Test Passed.
log of bad: Test Failed.
log of absent: Test Passed.
log of skipped: Test Passed.
terminal: 3 absent (Not Run), 2 bad (Failed), 4 skipped (Skipped)
answer 8
EXPECTED
diff expected seen && echo "as it was"
