#include "chaos/report_junit.h"

#include "chaos/report_text.h"
#include "core/page.h"

#include <fmt/format.h>

namespace hadeploy::chaos {

std::string to_junit(const Report& r) {
    const bool inconclusive = r.verdict() == Verdict::inconclusive;
    std::size_t failures = 0, errors = r.interrupted ? 1 : 0, skipped = 0;
    std::string cases;
    const auto add = [&](std::string_view name, const std::string& result) {
        cases += fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"0\"",
                             escape_markup(r.title), escape_markup(name));
        cases += result.empty() ? "/>\n" : fmt::format(">{}</testcase>\n", result);
    };
    for (const Threshold& t : r.thresholds) {
        const std::string message =
            escape_markup(fmt::format("{}: {} ({})", t.name, t.value, t.limit));
        std::string result;
        if (t.result == Threshold::Result::not_measured) {
            ++skipped;
            result = fmt::format("<skipped message=\"{}\"/>", message);
        } else if (!t.ok() && inconclusive) {
            ++errors;
            result = fmt::format("<error type=\"inconclusive\" message=\"{}\"/>", message);
        } else if (!t.ok()) {
            ++failures;
            result = fmt::format("<failure type=\"threshold\" message=\"{}\"/>", message);
        }
        add(t.name, result);
    }
    add("the drill ran to its end",
        r.interrupted ? "<error type=\"interrupted\" message=\"interrupted\"/>" : "");
    return fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                       "<testsuites>\n"
                       "  <testsuite name=\"hadeploy chaos\" tests=\"{}\" failures=\"{}\" "
                       "errors=\"{}\" skipped=\"{}\" time=\"{:.3f}\">\n"
                       "{}    <system-out>{}</system-out>\n"
                       "  </testsuite>\n"
                       "</testsuites>\n",
                       r.thresholds.size() + 1, failures, errors, skipped,
                       static_cast<double>(r.measured.length.count()) / 1e6, cases,
                       escape_markup(render(r)));
}

} // namespace hadeploy::chaos
