# awk -f left_out_tests.awk -f failed_tests.awk OUTPUT LastTest.log
#
# Reads what CTest printed and what it logged, and prints each program that failed, with the last lines of what it said.
# The lines of cases that went well are left out: of a long run's output only the end may be at hand.
function flush()
{
    if (open && (!ok || name in not_started) && !(name in left_out_program)) {
        printf "FAILED: %s%s\n", name, name in not_started ? " could not be started" : ""
        for (at = count > 25 ? count - 25 : 0; at < count; at++)
            printf "    %s\n", substr(said[at], 1, 240)
    }
    open = 0
}

/^[0-9]+\/[0-9]+ Test: / { flush(); open = 1; name = $3; ok = output = count = 0; next }
/^Output:$/              { output = 1; next }
/^<end of output>$/      { output = 0; next }
/^Test Passed\.$/        { ok = 1 }
/\[ RUN      \]|\[       OK \]|\[  SKIPPED \]|^-+$/ { next }
output                   { said[count++] = $0 }
END                      { flush() }
