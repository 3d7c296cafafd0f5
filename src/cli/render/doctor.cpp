#include "cli/render/doctor.h"

#include "cli/render/text.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace hadeploy::cli {

namespace {

std::string_view status_of(const Prerequisite& one, bool no_spec) {
    switch (one.status) {
    case Prerequisite::Status::met: return "met";
    case Prerequisite::Status::limited: return "limited";
    case Prerequisite::Status::missing: break;
    }
    return no_spec ? "optional" : "missing";
}

Tint tint_of(const Prerequisite& one, bool no_spec) {
    switch (one.status) {
    case Prerequisite::Status::met: return Tint::green;
    case Prerequisite::Status::limited: return Tint::yellow;
    case Prerequisite::Status::missing: break;
    }
    return no_spec ? Tint::yellow : Tint::red;
}

} // namespace

std::size_t missing_in(const std::vector<CheckedArea>& areas) {
    std::size_t out = 0;
    for (const CheckedArea& area : areas)
        for (const Prerequisite& one : area.checks)
            out += one.status == Prerequisite::Status::missing ? 1 : 0;
    return out;
}

std::string doctor_summary(const std::vector<CheckedArea>& areas, bool no_spec) {
    if (no_spec)
        return "there is no spec here, so nothing is required yet: `hadeploy init` creates a "
               "project";
    std::size_t all = 0;
    for (const CheckedArea& area : areas) all += area.checks.size();
    const std::size_t missing = missing_in(areas);
    if (missing == 0) return "this machine has everything that the spec needs";
    return fmt::format("{} of {} {} missing", missing, counted(all, "prerequisite"),
                       missing == 1 ? "is" : "are");
}

std::string render_doctor(const std::vector<CheckedArea>& areas, bool no_spec, const Style& style) {
    constexpr std::size_t status_width = 10; // "optional" and two spaces
    std::size_t width = 0;
    for (const CheckedArea& area : areas)
        for (const Prerequisite& one : area.checks) width = std::max(width, columns_of(one.name));
    std::string out;
    for (const CheckedArea& area : areas) {
        out += style.paint(Tint::bold, printable(area.name)) + "\n";
        for (const Prerequisite& one : area.checks) {
            const std::string status(status_of(one, no_spec));
            out += fmt::format("  {}{}{}  {}\n", style.paint(tint_of(one, no_spec), status),
                               std::string(status_width - status.size(), ' '),
                               pad(printable(one.name), width), printable(one.message));
            if (!one.fix.empty())
                out += fmt::format("{}fix: {}\n", std::string(status_width + 4 + width, ' '),
                                   printable(one.fix));
        }
    }
    std::string summary = doctor_summary(areas, no_spec);
    summary[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(summary[0])));
    return fmt::format("{}\n{}.\n", out, summary);
}

nlohmann::json prerequisite_json(const std::string& area, const Prerequisite& one, bool no_spec) {
    return {
        {"area", area}, {"name", one.name}, {"status", status_of(one, no_spec)}, {"fix", one.fix}};
}

} // namespace hadeploy::cli
