# awk -f left_out_tests.awk -f count_tests.awk OUTPUT LastTest.log
#
# Reads what CTest printed and what it logged, and prints three numbers: tests passed, failed and skipped. The cases of a
# cmocka program count one by one, any other test counts as one. A program that failed counts at least one failure.
function flush()
{
    if (!open)
        return
    if (name in left_out_program)
        skipped++
    else if (name in not_started)
        failed++
    else if (run == 0 && ok)
        passed++
    else {
        passed += good
        skipped += left_out
        bad = run - good - left_out
        if (bad < 0 || (bad == 0 && !ok))
            bad = 1
        failed += bad
    }
    open = 0
}

/^[0-9]+\/[0-9]+ Test: / { flush(); open = 1; name = $3; run = good = left_out = ok = summary = 0 }
# a group's summary names the failed and the skipped cases once more
/\[==========\] Running/ { summary = 0 }
/\[==========\] .*run\./ { summary = 1 }
/\[ RUN      \]/         { run++ }
/\[       OK \]/         { good++ }
/\[  SKIPPED \]/         { if (!summary) left_out++ }
/^Test Passed\.$/        { ok = 1 }
END                      { flush(); print passed + 0, failed + 0, skipped + 0 }
