// https://prometheus.io/docs/instrumenting/exposition_formats/
#include "cli/watch/metrics.h"

#include "cli/version.h"

#include <fmt/format.h>

namespace hadeploy::cli {

namespace {

/// A value of a label: \, " and newlines are escaped.
std::string escaped_label(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\n') {
            out += "\\n";
            continue;
        }
        if (c == '\\' || c == '"') out += '\\';
        out += c;
    }
    return out;
}

std::string head(std::string_view name, std::string_view type, std::string_view help) {
    return fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
}

template<class Number>
std::string plain(std::string_view name, std::string_view type, std::string_view help,
                  Number value) {
    return head(name, type, help) + fmt::format("{} {}\n", name, value);
}

} // namespace

std::string prometheus_text(const Metrics& m) {
    std::string out = head("hadeploy_watch_info", "gauge", "The watched project.") +
                      fmt::format("hadeploy_watch_info{{project=\"{}\",version=\"{}\"}} 1\n",
                                  escaped_label(m.project), escaped_label(kVersion));
    out += plain("hadeploy_watch_rounds_total", "counter", "Rounds that have ended.", m.rounds);
    out += plain("hadeploy_watch_failed_rounds_total", "counter",
                 "Rounds in which nothing could be compared.", m.failed_rounds);
    out += plain("hadeploy_watch_last_round_success", "gauge",
                 "Whether the last round did not fail.", m.compared ? 1 : 0);
    out += plain("hadeploy_watch_last_round_timestamp_seconds", "gauge",
                 "Unix time of the end of the last round.", fmt::format("{:.3f}", m.last_round));
    out += plain("hadeploy_watch_round_duration_seconds", "gauge", "Duration of the last round.",
                 fmt::format("{:.3f}", m.duration));
    out += head("hadeploy_resources", "gauge", "Recorded resources at the last comparison.");
    for (const auto& [condition, count] : m.resources)
        out += fmt::format("hadeploy_resources{{state=\"{}\"}} {}\n", condition, count);
    out += head("hadeploy_machine_up", "gauge", "Whether a machine accepts logins.");
    for (const auto& [address, up] : m.machines)
        out += fmt::format("hadeploy_machine_up{{address=\"{}\"}} {}\n", escaped_label(address),
                           up ? 1 : 0);
    out += head("hadeploy_repairs_total", "counter", "Repairs of resources, by result.");
    out += fmt::format("hadeploy_repairs_total{{result=\"done\"}} {}\n"
                       "hadeploy_repairs_total{{result=\"failed\"}} {}\n",
                       m.repaired, m.repairs_failed);
    return out;
}

} // namespace hadeploy::cli
