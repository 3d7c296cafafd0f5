#include "chaos/report_html.h"

#include "chaos/report_chart.h"
#include "core/page.h"

#include <fmt/format.h>
#include <set>

namespace hadeploy::chaos {

namespace {

std::string lowered(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

std::string dim(const std::string& text) {
    return text.empty() ? "" : fmt::format("<p class=\"dim\">{}.</p>\n", escape_markup(text));
}

std::string header(const Report& r) {
    const std::string state = lowered(name_of(r.verdict()));
    return fmt::format(
        "<header data-testid=\"verdict\" data-state=\"{}\">\n"
        "<h1><span class=\"verdict\">{}</span> {}</h1>\n"
        "<p>{}, measured for {}.{}</p>\n{}{}</header>\n",
        state, name_of(r.verdict()), escape_markup(r.title), escape_markup(r.app),
        show_time(r.measured.length),
        r.undone() ? "" : " <strong class=\"missed\">A fault has not been undone.</strong>",
        dim(r.load ? r.load->text() : ""), dim(failover_text(r.measured)));
}

std::string list_section(std::string_view title, const std::vector<std::string>& items,
                         std::string_view id) {
    if (items.empty()) return "";
    std::string out = fmt::format("<section data-testid=\"{}\"><h2>{}</h2><ul>\n", id, title);
    for (const std::string& item : items) out += fmt::format("<li>{}</li>\n", escape_markup(item));
    return out + "</ul></section>\n";
}

std::string thresholds(const Report& r) {
    const bool inconclusive = r.verdict() == Verdict::inconclusive;
    std::string out = "<section><h2>Thresholds</h2><div class=\"wide\"><table>\n"
                      "<tr><th>Result</th><th>Criterion</th><th>Measured</th><th>Limit</th></tr>\n";
    for (const Threshold& t : r.thresholds) {
        const bool skipped = t.result == Threshold::Result::not_measured;
        const std::string_view style = t.ok()                    ? "met"
                                       : skipped || inconclusive ? "unsure"
                                                                 : "missed";
        const std::string_view word = t.ok() ? "met" : skipped ? "not measured" : "missed";
        out +=
            fmt::format("<tr data-testid=\"threshold\" data-state=\"{}\"><td class=\"{}\">{}</td>"
                        "<td>{}</td><td>{}</td><td>{}</td></tr>\n",
                        word, style, word, escape_markup(t.name), escape_markup(t.value),
                        escape_markup(t.limit));
    }
    return out + "</table></div></section>\n";
}

std::string timeline(const Report& r) {
    std::vector<ChartBand> bands;
    for (const FaultRun& f : r.faults) bands.push_back({f.label, f.began, f.ended});
    return "<section><h2>Timeline</h2>\n<p><span class=\"key\">reads</span><span class=\"key "
           "writes\">writes</span><span class=\"key fault\">fault</span></p>\n<div "
           "class=\"wide\">" +
           timeline_chart(
               {{"reads", &r.measured.reads.seconds}, {"writes", &r.measured.writes.seconds}},
               bands, r.measured.length) +
           "</div></section>\n";
}

std::string number(const std::string& text) {
    return fmt::format("<td class=\"number\">{}</td>", text);
}

std::string measured(const Report& r) {
    std::string out =
        "<section><h2>Measurement</h2><div class=\"wide\"><table>\n<tr><th></th><th></th>"
        "<th class=\"number\">sent</th><th class=\"number\">failed</th><th "
        "class=\"number\">p50</th>"
        "<th class=\"number\">p99</th><th class=\"number\">slowest</th>"
        "<th class=\"number\">longest gap</th></tr>\n";
    for (const auto& [name, s] :
         {std::pair{"reads", &r.measured.reads}, {"writes", &r.measured.writes}})
        out += fmt::format("<tr><td>{}</td><td>all</td>", name) + number(std::to_string(s->sent)) +
               number(std::to_string(s->failed)) + number(show_time(s->p50)) +
               number(show_time(s->p99)) + number(show_time(s->max)) +
               number(show_time(s->gap.length)) + "</tr>\n";
    for (const Phase& p : r.phases)
        for (const auto& [name, part] : {std::pair{"reads", &p.reads}, {"writes", &p.writes}})
            out += fmt::format("<tr data-testid=\"phase\"><td>{}</td><td>{} the fault{}</td>", name,
                               p.name, r.faults.size() > 1 ? "s" : "") +
                   number(std::to_string(part->sent)) + number(std::to_string(part->failed)) +
                   number("") + number(show_time(part->p99)) + number("") + number("") + "</tr>\n";
    out += "</table></div>\n<ul>\n";
    for (const FaultRun& f : r.faults) {
        if (f.detected)
            out += fmt::format("<li>{}: the swarm began to move tasks after {}</li>\n",
                               escape_markup(f.label), show_time(*f.detected));
        if (f.rescheduled)
            out += fmt::format("<li>{}: every service had its tasks after {}</li>\n",
                               escape_markup(f.label), show_time(*f.rescheduled));
        for (const auto& [what, last] :
             {std::pair{"read", f.last_failed_read}, {"write", f.last_failed_write}})
            if (last)
                out += fmt::format("<li>{}: the last failed {} ended after {}</li>\n",
                                   escape_markup(f.label), what, show_time(*last));
    }
    if (r.steady)
        out += fmt::format("<li>steady state {} after the end of the fault</li>\n",
                           show_time(*r.steady));
    if (const std::string text = leadership_text(r.leaders); !text.empty())
        out += fmt::format("<li data-testid=\"leader\">leader: {}</li>\n", escape_markup(text));
    if (const auto& w = r.writes)
        out += fmt::format("<li>{} writes acknowledged, {} of them found at the end; {} of unknown "
                           "outcome, {} of them found</li>\n",
                           w->acknowledged, w->acknowledged - w->lost.size(), w->unknown,
                           w->unknown_found);
    for (const auto& [name, s] :
         {std::pair{"reads", &r.measured.reads}, {"writes", &r.measured.writes}})
        for (const auto& [problem, count] : s->problems)
            out +=
                fmt::format("<li>failed {}: {} × {}</li>\n", name, count, escape_markup(problem));
    return out + "</ul></section>\n";
}

/// One row for each task, one column for each time; a node that differs from the one before is
/// marked.
std::string placement_table(const Report& r) {
    std::vector<std::pair<std::string, const Placement*>> columns{{"before", &r.before}};
    for (const FaultRun& f : r.faults) columns.emplace_back("during the " + f.label, &f.placement);
    columns.emplace_back("after", &r.after);
    std::set<std::string> tasks;
    std::string out = "<section><h2>Placement</h2><div class=\"wide\"><table "
                      "data-testid=\"placement\">\n<tr><th>Task</th>";
    for (const auto& [name, nodes] : columns) {
        out += fmt::format("<th>{}</th>", escape_markup(name));
        for (const auto& [task, node] : *nodes) tasks.insert(task);
    }
    out += "</tr>\n";
    for (const std::string& task : tasks) {
        out += fmt::format("<tr><td>{}</td>", escape_markup(task));
        std::string known;
        for (const auto& [name, nodes] : columns) {
            const auto found = nodes->find(task);
            const std::string node = found != nodes->end() ? found->second
                                     : nodes->empty()      ? "not measured"
                                                           : "none";
            const bool moved = !known.empty() && node != known && !nodes->empty();
            out +=
                fmt::format("<td{}>{}</td>", moved ? " class=\"moved\"" : "", escape_markup(node));
            if (!nodes->empty()) known = node;
        }
        out += "</tr>\n";
    }
    return tasks.empty() ? "" : out + "</table></div></section>\n";
}

std::string activities(const Report& r) {
    if (r.activities.empty()) return "";
    std::string out = "<section><h2>Probes and actions</h2><div class=\"wide\"><table>\n<tr><th>"
                      "Time</th><th>When</th><th>Name</th><th>Result</th></tr>\n";
    for (const ActivityRun& a : r.activities) {
        if (!a.measured) continue;
        out += fmt::format("<tr data-testid=\"activity\" data-state=\"{}\"><td>{}</td><td>{}</td>"
                           "<td>{}</td><td class=\"{}\">{}</td></tr>\n",
                           a.problem.empty() ? "ok" : "failed", clock_time(a.at), a.when,
                           escape_markup(a.name), a.problem.empty() ? "" : "missed",
                           escape_markup(a.problem.empty() ? a.result : a.problem));
    }
    return out + "</table></div></section>\n";
}

std::string machine(const Report& r) {
    return fmt::format(
        "<section><h2>This machine</h2><p>Steal {:.1f} %, {}; load average per processor {:.1f}; "
        "requests sent {} late (p99), at most {}.</p></section>\n",
        r.machine.steal * 100,
        r.machine.waiting
            ? fmt::format("processes waited for a processor {:.0f} % of the time (worst 10 s)",
                          *r.machine.waiting * 100)
            : "pressure not measured",
        r.machine.load, show_time(r.machine.late_p99), show_time(r.machine.late_max));
}

std::string events(const Report& r) {
    std::string out = "<section><h2>Events</h2><ol class=\"events\">\n";
    for (const Moment& m : r.timeline)
        out += fmt::format("<li{}><time>{}</time><span>{}</span></li>\n",
                           m.output ? " class=\"output\"" : "", clock_time(m.at),
                           escape_markup(m.text));
    return out + "</ol></section>\n";
}

} // namespace

std::string to_html(const Report& r) {
    std::string out = header(r);
    out += list_section("This machine was busy: figures of time and failures cannot be trusted",
                        r.doubts, "doubts");
    out += list_section("Problems", r.notes, "problems");
    out +=
        thresholds(r) + timeline(r) + measured(r) + placement_table(r) + activities(r) + machine(r);
    if (r.writes) {
        out += list_section("Lost acknowledged writes", r.writes->lost, "lost");
        out += list_section("Unexpected writes", r.writes->unexpected, "unexpected");
    }
    return html_page({.title = fmt::format("{} {}", name_of(r.verdict()), r.title),
                      .style = std::string(chart_style()),
                      .body = out + events(r)});
}

} // namespace hadeploy::chaos
