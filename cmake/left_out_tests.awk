# left_out_tests.awk: read before one of count_tests.awk, skipped_tests.awk and failed_tests.awk. Of what CTest printed it
# takes the programs that were skipped, and those that could not be started: the log calls both passed.
FNR == NR {
    if (/ Test +#[0-9]+: .*\*\*\*Skipped/) {
        sub(/^.* Test +#[0-9]+: /, "")
        sub(/ .*/, "")
        left_out_program[$0] = 1
    } else if (/ - .* \(Not Run\)$/) {
        not_started[$3] = 1
    }
    next
}
