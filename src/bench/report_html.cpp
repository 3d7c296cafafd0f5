#include "bench/report_html.h"

#include "chaos/report_chart.h"
#include "core/page.h"
#include "core/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hadeploy::bench {

using chaos::show_time;
using chaos::Threshold;

namespace {

std::string state_of(const std::optional<chaos::Verdict>& verdict) {
    return lower_case(heading_of(verdict));
}

std::string cells(std::initializer_list<std::string> texts) {
    std::string out;
    for (const std::string& text : texts)
        out += fmt::format("<td class=\"number\">{}</td>", escape_markup(text));
    return out;
}

std::string heads(std::initializer_list<std::string_view> texts) {
    std::string out;
    for (const std::string_view text : texts)
        out += fmt::format("<th class=\"number\" scope=\"col\">{}</th>", text);
    return out;
}

std::string figures_row(std::string_view kind, std::string_view name, std::size_t sent,
                        std::size_t failed, const Latency& l) {
    return fmt::format("<tr data-testid=\"{}\"><th scope=\"row\">{}</th>", kind,
                       escape_markup(name)) +
           cells({std::to_string(sent), std::to_string(failed), show_latency(l.mean),
                  show_latency(l.p50), show_latency(l.p90), show_latency(l.p95),
                  show_latency(l.p99), show_latency(l.max)}) +
           "</tr>\n";
}

std::string row_figures(const Figures& f) {
    std::string out = "<div class=\"wide\"><table>\n<tr><td></td>" +
                      heads({"sent", "failed", "mean", "p50", "p90", "p95", "p99", "slowest"}) +
                      "</tr>\n";
    out += figures_row("all", "all", f.sent, f.failed, f.latency);
    for (const Group& g : f.codes)
        out += figures_row("code", "HTTP " + g.name, g.count, g.failed, g.latency);
    for (const Group& g : f.replicas)
        out += figures_row("replica", g.name, g.count, g.failed, g.latency);
    out += "</table></div>\n";
    if (f.problems.empty()) return out;
    out += "<ul>\n";
    for (const auto& [problem, count] : f.problems)
        out += fmt::format("<li data-testid=\"problem\">{} × {}</li>\n", count,
                           escape_markup(problem));
    return out + "</ul>\n";
}

std::string row_limits(const Row& row) {
    if (row.thresholds.empty()) return "";
    const bool inconclusive = row.verdict() == chaos::Verdict::inconclusive;
    std::string out = "<div class=\"wide\"><table>\n<tr><th scope=\"col\">Result</th><th "
                      "scope=\"col\">Figure</th><th scope=\"col\">Measured</th><th "
                      "scope=\"col\">Limit</th></tr>\n";
    for (const Threshold& t : row.thresholds) {
        const bool skipped = t.result == Threshold::Result::not_measured;
        const std::string_view word = t.ok() ? "met" : skipped ? "not measured" : "missed";
        out += fmt::format(
            "<tr data-testid=\"threshold\" data-state=\"{}\"><td class=\"{}\">{}</td><td>{}</td>"
            "<td>{}</td><td>{}</td></tr>\n",
            word,
            t.ok()                    ? "met"
            : skipped || inconclusive ? "unsure"
                                      : "missed",
            word, escape_markup(t.name), escape_markup(t.value), escape_markup(t.limit));
    }
    return out + "</table></div>\n";
}

std::string second_table(const Figures& f) {
    std::string out = "<details><summary>By second</summary><div class=\"wide\"><table>\n<tr><th "
                      "scope=\"col\">Second</th>" +
                      heads({"sent", "failed", "p50", "p99", "slowest"}) + "</tr>\n";
    for (std::size_t i = 0; i < f.seconds.size(); ++i) {
        const Second& s = f.seconds[i];
        out += fmt::format("<tr data-testid=\"second\"><th scope=\"row\">{}:{:02}</th>", i / 60,
                           i % 60) +
               cells({std::to_string(s.ok + s.failed), std::to_string(s.failed),
                      show_latency(s.p50), show_latency(s.p99), show_latency(s.max)}) +
               "</tr>\n";
    }
    return out + "</table></div></details>\n";
}

std::string row_chart(const Figures& f) {
    std::vector<chaos::Second> seconds;
    for (const Second& s : f.seconds) seconds.push_back({s.ok, s.failed, s.max});
    return "<div class=\"wide\">" + chaos::timeline_chart({{"requests", &seconds}}, {}, f.length) +
           "</div>\n";
}

std::string row_section(const Row& row) {
    std::string out =
        fmt::format("<section data-testid=\"row\" data-state=\"{}\"><h2>{}</h2>\n",
                    row.problem.empty() ? state_of(row.verdict()) : "not measured",
                    escape_markup(row.load.name.empty() ? "Measurement" : row.load.name));
    if (!row.problem.empty())
        return out + fmt::format("<p class=\"missed\">Not measured: {}</p></section>\n",
                                 escape_markup(row.problem));
    out += fmt::format("<p><span class=\"verdict\">{}</span> {}: {}; measured for {}.</p>\n",
                       heading_of(row.verdict()),
                       escape_markup(fmt::format("{}", fmt::join(row.load.urls, ", "))),
                       load_text(row.load), show_time(row.figures.length));
    if (row.cut_off)
        out += fmt::format("<p class=\"unsure\">The time was over after {} of {} requests.</p>\n",
                           row.figures.sent, row.load.requests);
    if (!row.doubts.empty()) {
        out += "<p class=\"unsure\">This machine was busy: figures of time and failures cannot be "
               "trusted.</p><ul data-testid=\"doubts\">\n";
        for (const std::string& d : row.doubts)
            out += fmt::format("<li>{}</li>\n", escape_markup(d));
        out += "</ul>\n";
    }
    const Figures& f = row.figures;
    out += row_limits(row) +
           fmt::format("<p>{:.1f} successful requests a second, {} {} opened.</p>\n", f.rate,
                       f.connections, f.connections == 1 ? "connection" : "connections") +
           row_figures(f) + row_chart(f) + second_table(f);
    return out + fmt::format("<p class=\"dim\">This machine: {}.</p></section>\n",
                             chaos::machine_text(row.machine));
}

std::string summary_table(const Report& r) {
    if (r.rows.size() < 2) return "";
    std::string out = "<section><h2>Summary</h2><div class=\"wide\"><table>\n<tr><td></td>" +
                      heads({"sent", "failed", "per second", "mean", "p50", "p99", "slowest"}) +
                      "</tr>\n";
    for (const Row& row : r.rows) {
        const Figures& f = row.figures;
        out += fmt::format("<tr data-testid=\"summary\"><th scope=\"row\">{}</th>",
                           escape_markup(row.load.name));
        out += row.problem.empty()
                   ? cells({std::to_string(f.sent), std::to_string(f.failed),
                            fmt::format("{:.1f}", f.rate), show_latency(f.latency.mean),
                            show_latency(f.latency.p50), show_latency(f.latency.p99),
                            show_latency(f.latency.max)})
                   : "<td colspan=\"7\">not measured</td>";
        out += "</tr>\n";
    }
    return out + "</table></div></section>\n";
}

std::string change_table(const Report& now, const Report& before) {
    std::string out = fmt::format(
        "<section data-testid=\"comparison\"><h2>Compared with {}</h2><div "
        "class=\"wide\"><table>\n<tr><th scope=\"col\">Row</th><th scope=\"col\">Figure</th>",
        time_text(before.started));
    out += heads({"before", "now", "change"}) + "</tr>\n";
    for (const Change& c : changes(before, now))
        out += fmt::format("<tr><td>{}</td><td>{}</td>", escape_markup(c.row), c.figure) +
               cells({c.before, c.now, c.change}) + "</tr>\n";
    out += "</table></div>\n";
    for (const std::string& name : unmatched(now, before))
        out += fmt::format("<p>{}: only in this report.</p>\n", escape_markup(name));
    for (const std::string& name : unmatched(before, now))
        out += fmt::format("<p>{}: only in the earlier report.</p>\n", escape_markup(name));
    return out + "</section>\n";
}

} // namespace

std::string to_html(const Report& report, const Report* before) {
    const std::string verdict(heading_of(report.verdict()));
    std::string out = fmt::format(
        "<header data-testid=\"verdict\" data-state=\"{}\">\n<h1><span class=\"verdict\">{}</span> "
        "bench</h1>\n<p class=\"dim\">{}</p>\n</header>\n",
        state_of(report.verdict()), verdict, time_text(report.started));
    out += summary_table(report);
    if (before != nullptr) out += change_table(report, *before);
    for (const Row& row : report.rows) out += row_section(row);
    return html_page({.title = verdict + " bench",
                      .style = std::string(chaos::chart_style()) +
                               "[data-state=measured] .verdict { color: var(--text); }\n"
                               "header[data-state=measured] { border-color: var(--line); }\n"
                               "details { margin: .5rem 0; }\n",
                      .body = std::move(out)});
}

} // namespace hadeploy::bench
