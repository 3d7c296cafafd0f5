// Runs the doctest cases of a folder. Exits with 77, which CTest reports as skipped, when the suite
// given by
// `-ts=SUITE` has cases that this machine cannot run (doctest::skip(CONDITION)) and no case failed.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <iostream>
#include <string_view>

namespace {
constexpr int kSkipped = 77; ///< SKIP_RETURN_CODE in tests/CMakeLists.txt

std::string_view suite; ///< as given by -ts, "" without it
unsigned ran = 0, skipped = 0;

struct Count : doctest::IReporter {
    explicit Count(const doctest::ContextOptions&) {}
    void test_case_start(const doctest::TestCaseData&) override { ++ran; }
    void test_case_skipped(const doctest::TestCaseData& it) override {
        if (it.m_skip && it.m_test_suite == suite) ++skipped;
    }
    void report_query(const doctest::QueryData&) override {}
    void test_run_start() override {}
    void test_run_end(const doctest::TestRunStats&) override {}
    void test_case_reenter(const doctest::TestCaseData&) override {}
    void test_case_end(const doctest::CurrentTestCaseStats&) override {}
    void test_case_exception(const doctest::TestCaseException&) override {}
    void subcase_start(const doctest::SubcaseSignature&) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData&) override {}
    void log_message(const doctest::MessageData&) override {}
};
DOCTEST_REGISTER_LISTENER("count", 1, Count);
} // namespace

int main(int argc, char** argv) {
    constexpr std::string_view option = "-ts=";
    for (int i = 1; i < argc; ++i)
        if (std::string_view(argv[i]).starts_with(option))
            suite = std::string_view(argv[i]).substr(option.size());
    doctest::Context context(argc, argv);
    const int status = context.run();
    if (status != 0 || context.shouldExit() || suite.empty()) return status;
    if (skipped > 0) {
        std::cout << "SKIPPED: " << skipped << " cases of the suite \"" << suite
                  << "\" cannot run on this machine\n";
        return kSkipped;
    }
    if (ran > 0) return 0;
    std::cerr << "there is no suite \"" << suite << "\"\n";
    return 1;
}
