/*
 * cpp/test_tools.cpp: a journal's files are looked into, and what it has done is told, in C++ as in C.
 */
#include <cstdio>
#include <string>

#include "cpp/cases.hpp"

#if __has_include("segjournal/tools.h")

namespace
{

using cases::directory;

void test_an_inspection()
{
    directory home;
    check(segj::inspection::try_open(home.config()).status() == SEGJ_ERR_NOT_FOUND);
    check_throws(segj::inspection(home.config()), SEGJ_ERR_NOT_FOUND);
    segj::journal journal(home.config());
    journal.append(7, "entry-00", "value");
    journal.append(9, "entry-00", "value");
    journal.append(9, "entry-01", "value");
    journal.close();
    segj::inspection found(segj::config(home.path()));
    check(found->config.entry_size == 8 && found->health == OVERSIZED_CLEAN && (*found).recovery.records == 3);
    std::uint64_t sections = 0;
    std::uint64_t records = 0;
    for (const oversized_look_t &section : found) {
        sections += section.section;
        records += section.records;
    }
    check(found.size() == 2 && sections == 16 && records == 3);
    segj::inspection moved = std::move(found);
    check(found.size() == 0 && found.begin() == found.end() && moved.size() == 2);
    found = std::move(moved);
    check(found.size() == 2 && segj::journal(found->config).count(9) == 2);
}

void test_a_salvage()
{
    directory home;
    directory other;
    segj::journal journal(home.config());
    journal.append(7, "entry-00", "value");
    journal.append(7, "entry-01", "value");
    journal.close();
    const segj::config to(other.path());
    oversized_salvage_options_t options = segj::salvage_options();
    unsigned runs = 0;
    options.on_run = [](void *context, const oversized_salvaged_run_t *run) {
        *static_cast<unsigned *>(context) += static_cast<unsigned>(run->records);
        return false;
    };
    options.context = &runs;
    const oversized_salvaged_t told = segj::salvage(segj::config(home.path()), to, &options);
    check(told.records == 2 && told.gaps == 0 && told.entry_size == 8 && runs == 2);
    check(segj::try_salvage(segj::config(home.path()), to).status() == SEGJ_ERR_MISMATCH);
    check_throws(segj::salvage(segj::config(home.path()), to), SEGJ_ERR_MISMATCH);
    check(segj::journal(other.config()).count(7) == 2);
}

bool cancel_at_once(void *, const oversized_progress_t *)
{
    return true;
}

void test_progress()
{
    directory home;
    segj::journal journal(home.config());
    for (std::uint64_t section = 1; section <= 3; section++)
        journal.append(section, "entry-00", "value");
    journal.close();
    segj::config config = home.config();
    config.progress = cancel_at_once;
    check(segj::journal::try_open(config).status() == SEGJ_ERR_CANCELLED);
    check_throws(segj::journal(config), SEGJ_ERR_CANCELLED);
    config.progress = nullptr;
    journal = segj::journal(config);
    segj::removal_options options;
    oversized_removed_t removed = {};
    journal.prune(2, options, &removed);
    check(removed.sections == 1 && removed.records == 1);
    options.progress = cancel_at_once; // at the end, where it changes nothing
    check(journal.try_prune(3, options));
    options.struct_size = 1;
    check(journal.try_destroy(options).status() == SEGJ_ERR_INVALID && journal);
    check_throws(journal.prune(9, options), SEGJ_ERR_INVALID);
    check_throws(journal.destroy(options), SEGJ_ERR_INVALID);
    check(journal.count(3) == 1);
    journal.destroy(segj::removal_options(), &removed);
    check(removed.sections == 1 && !journal);
}

void test_statistics()
{
    directory home;
    segj::journal journal(home.config());
    journal.append(7, "entry-00", "value");
    journal.sync(7);
    journal.append(7, "entry-01", "value");
    const oversized_stats_t told = segj::stats(journal);
    check(told.records == 2 && told.value_bytes == 10 && told.unsynced_records == 1 && told.sections == 1);
    check(segj::try_stats(segj::journal_ref(journal))->syncs == 1);
    check(segj::try_stats(segj::journal()).status() == SEGJ_ERR_INVALID);
    check_throws(segj::stats(segj::journal()), SEGJ_ERR_INVALID);
}

/* Of an open journal, and of its files; each is brought up to date by the other. */
void test_copies()
{
    directory home;
    directory other;
    const std::string one = std::string(other.path()) + "/one";
    const std::string two = std::string(other.path()) + "/two";
    segj::journal journal(home.config());
    journal.append(7, "entry-00", "value");
    journal.append(9, "entry-00", "value");
    journal.sync_all();
    oversized_copied_t told = segj::copy(journal, one.c_str());
    check(told.sections == 2 && told.records == 2 && told.sections_kept == 0);
    told = segj::copy_beside(segj::config(home.path()), two.c_str());
    check(told.sections == 2 && told.records == 2 && told.sections_kept == 0);
    journal.append(9, "entry-01", "value");
    journal.sync_all();
    told = segj::copy_beside(home.config(), one.c_str());
    check(told.records == 3 && told.sections_kept == 1);
    oversized_copy_options_t options = segj::copy_options();
    options.first_section = 9;
    told = *segj::try_copy(journal, two.c_str(), &options);
    check(told.sections == 1 && told.records == 2 && told.sections_removed == 1);
    options.progress = [](void *, const oversized_progress_t *) { return true; };
    check(segj::try_copy_beside(home.config(), two.c_str(), &options).status() == SEGJ_ERR_CANCELLED);
    check(segj::try_copy_beside(home.config(), home.path()).status() == SEGJ_ERR_MISMATCH);
    check_throws(segj::copy_beside(segj::config(other.path()), two.c_str()), SEGJ_ERR_NOT_FOUND);
    check_throws(segj::copy(segj::journal(), two.c_str()), SEGJ_ERR_INVALID);
    journal.close();
    check(segj::journal(segj::config(one.c_str(), 8)).count(9) == 2);
}

void test_a_copy_into_another_journal()
{
    directory home;
    directory other;
    segj::journal journal(home.config());
    journal.append(7, "entry-00", "value");
    journal.append(7, "entry-01", "value");
    journal.sync_all();
    segj::config config = other.config();
    config.native_version = 1;
    check(segj::copy_into(journal, config).records == 2);
    check(segj::journal(config).read(7, 1) == "value");
    config.entry_size = 9;
    check(segj::try_copy_into(journal, config).status() == SEGJ_ERR_MISMATCH);
    check_throws(segj::copy_into(journal, config), SEGJ_ERR_MISMATCH);
}

} // namespace

int main()
{
    const cases::test tests[] = {
        {"test_an_inspection", test_an_inspection},
        {"test_a_salvage", test_a_salvage},
        {"test_progress", test_progress},
        {"test_statistics", test_statistics},
        {"test_copies", test_copies},
        {"test_a_copy_into_another_journal", test_a_copy_into_another_journal},
    };
    return cases::run(tests);
}

#else

int main()
{
    std::puts("SKIPPED: there is no segjournal/tools.h here");
    return 77;
}

#endif
