/*
 * cpp/test_follow.cpp: a journal is followed in C++ as in C: records, what is taken back, waits, errors, moves.
 */
#include "cpp/cases.hpp"

namespace
{

using cases::directory;

void test_records_and_what_is_taken_back()
{
    directory home;
    check(segj::follower::try_open(home.config()).status() == SEGJ_ERR_NOT_FOUND);
    check_throws(segj::follower(home.config()), SEGJ_ERR_NOT_FOUND);
    segj::journal journal(home.config());
    journal.append(7, "entry-00", "value");
    journal.append(7, "entry-01", "");
    journal.sync(7);
    segj::follower tail(home.config());
    auto what = tail.next();
    check(what && what->kind() == OVERSIZED_FOLLOW_RECORD && what->section() == 7 && what->position() == 0);
    check(what->entry() == "entry-00" && what->value() == "value" && what->raw().entry_size == 8);
    check(tail.now().position() == 0);
    what = tail.try_next().value();
    check(what && what->value().empty() && what->position() == 1);
    check(!tail.next());
    journal.rewind_to(7, 1);
    what = tail.next();
    check(what && what->kind() == OVERSIZED_FOLLOW_REWOUND && what->position() == 1 && what->value().empty());
    check(!tail.next());
    journal.close();
    oversized_follow_options_t options = segj::follow_options();
    options.synced_only = true;
    segj::follower synced(home.config(), &options);
    what = synced.next();
    check(what && what->synced() && !synced.next());
}

void test_waits_and_moves()
{
    directory home;
    segj::journal journal(home.config());
    journal.append(7, "entry-00", "value");
    journal.sync(7);
    segj::follower tail(home.config());
    check(tail.next() && !tail.next());
    tail.interrupt();
    check(tail.try_wait().status() == SEGJ_ERR_CANCELLED);
    check(tail.try_wait(0).status() == SEGJ_OK);
    segj::follower moved = std::move(tail);
    check(tail.handle() == nullptr && tail.try_next().status() == SEGJ_ERR_INVALID);
    check_throws(tail.next(), SEGJ_ERR_INVALID);
    check_throws(tail.wait(0), SEGJ_ERR_INVALID);
    tail.interrupt();
    journal.append(7, "entry-01", "value");
    journal.sync(7);
    check(moved.wait());
    tail = std::move(moved);
    check(tail.next()->position() == 1);
}

} // namespace

int main()
{
    const cases::test tests[] = {
        {"test_records_and_what_is_taken_back", test_records_and_what_is_taken_back},
        {"test_waits_and_moves", test_waits_and_moves},
    };
    return cases::run(tests);
}
