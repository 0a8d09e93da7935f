# awk -f failed_tests.awk OUTPUT LastTest.log
#
# Reads what CTest printed and what it logged, and prints each program that failed, with the last lines of what it said.
# The lines of cases that went well are left out: of a long run's output only the end may be at hand.
function flush()
{
    if (open && !ok && !(name in left_out_program)) {
        printf "FAILED: %s\n", name
        for (at = count > 25 ? count - 25 : 0; at < count; at++)
            printf "    %s\n", substr(said[at], 1, 240)
    }
    open = 0
}

# the log calls a program that could not be started passed, too
FNR == NR && / - .* \(Not Run\)$/ { printf "FAILED: %s could not be started\n", $3; next }

# the log calls a skipped program passed, the output does not
FNR == NR {
    if (/ Test +#[0-9]+: .*\*\*\*Skipped/) {
        sub(/^.* Test +#[0-9]+: /, "")
        sub(/ .*/, "")
        left_out_program[$0] = 1
    }
    next
}

/^[0-9]+\/[0-9]+ Test: / { flush(); open = 1; name = $3; ok = output = count = 0; next }
/^Output:$/              { output = 1; next }
/^<end of output>$/      { output = 0; next }
/^Test Passed\.$/        { ok = 1 }
/\[ RUN      \]|\[       OK \]|\[  SKIPPED \]|^-+$/ { next }
output                   { said[count++] = $0 }
END                      { flush() }
