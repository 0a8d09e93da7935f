# awk -f left_out_tests.awk -f skipped_tests.awk OUTPUT LastTest.log
#
# Reads what CTest printed and what it logged, and prints why tests were skipped: each reason once, with how many cases it
# goes for and the programs they are in. A test says its reason in a line "SKIPPED: reason"; one that is silent is said, too.
function because(reason, name)
{
    if (!(reason in cases))
        order[++reasons] = reason
    cases[reason]++
    if (index(" " programs[reason] ",", " " name ",") == 0) {
        programs[reason] = programs[reason] (programs[reason] == "" ? "" : ", ") name
        named[reason]++
    }
}

function flush()
{
    # a silent case, or a program that was left out without a word
    for (; silent > 0; silent--)
        because("it does not say why", name)
    if ((name in left_out_program) && said == 0)
        because("it does not say why", name)
    said = silent = 0
}

/^[0-9]+\/[0-9]+ Test: / { flush(); name = $3; summary = 0 }
/\[==========\] Running/ { summary = 0 }
/\[==========\] .*run\./ { summary = 1 }
/\[ RUN      \]/         { reason_of_case = "" }
/SKIPPED: /              { reason_of_case = $0; sub(/.*SKIPPED: /, "", reason_of_case); because(reason_of_case, name); said++ }
/\[  SKIPPED \]/         { if (!summary) { if (reason_of_case == "") silent++; reason_of_case = "" } }
END {
    flush()
    for (at = 1; at <= reasons; at++) {
        reason = order[at]
        list = programs[reason]
        if (named[reason] > 3) {
            split(list, first, ", ")
            list = first[1] ", " first[2] ", " first[3] " and " named[reason] - 3 " others"
        }
        printf "SKIPPED: %d x %s (%s)\n", cases[reason], reason, list
    }
}
