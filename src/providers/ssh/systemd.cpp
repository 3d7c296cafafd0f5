#include "providers/ssh/systemd.h"

#include <algorithm>

namespace hadeploy::ssh {

bool is_unit_name(std::string_view name) {
    return !name.empty() && name.front() != '-' &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  ":_.@\\-") == std::string_view::npos;
}

std::string property(const std::vector<std::string>& all, std::string_view name) {
    for (const std::string& line : all)
        if (line.starts_with(name) && line.substr(name.size(), 1) == "=")
            return line.substr(name.size() + 1);
    return {};
}

namespace {
bool ended_well(const std::vector<std::string>& all) {
    const std::string ended = property(all, "ExecMainExitTimestampMonotonic");
    const bool ran = (!ended.empty() && ended != "0") ||
                     std::find(all.begin(), all.end(), "memory ran") != all.end();
    return ran && property(all, "Type") == "oneshot" &&
           property(all, "ActiveState") == "inactive" && property(all, "Result") == "success";
}
} // namespace

bool unit_runs(const std::vector<std::string>& all, bool wanted) {
    const std::string active = property(all, "ActiveState");
    return active == "active" || active == "reloading" ||
           (active == "activating" && property(all, "SubState") != "auto-restart") ||
           (wanted && ended_well(all));
}

Value unit_enabled(const std::vector<std::string>& all, const Value& wanted) {
    const std::string state = property(all, "UnitFileState");
    if (state == "enabled" || state == "enabled-runtime" || state == "alias") return true;
    if (state == "static" || state == "generated" || state == "indirect" || state == "transient")
        return wanted.is_bool() ? wanted : Value(true);
    return false;
}

} // namespace hadeploy::ssh
