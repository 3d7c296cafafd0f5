#include "bench/matrix.h"
#include "bench/report_html.h"
#include "bench/report_json.h"
#include "bench/report_text.h"
#include "bench/run.h"
#include "chaos/http.h"
#include "cli/chaos_drill.h"
#include "cli/commands.h"
#include "cli/commands/recorded_state.h"
#include "cli/report_file.h"
#include "cli/stop_on_signal.h"
#include "core/clock.h"
#include "core/file.h"
#include "planner/yaml/yaml.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hadeploy::cli {

namespace {

constexpr std::size_t kMaxReportBytes = 256u << 20;

bool is_web_url(const Value& value) {
    return value.is_string() && !value.contains_secret() &&
           (value.as_string().starts_with("http://") || value.as_string().starts_with("https://"));
}

/// The URLs of an output: a URL, or a list or map of URLs.
std::vector<std::string> urls_in(const Value& output) {
    std::vector<std::string> out;
    const auto add = [&](const Value& value) {
        if (is_web_url(value)) out.push_back(value.as_string());
    };
    add(output);
    if (output.is_list())
        for (const Value& item : output.as_list()) add(item);
    if (output.is_map())
        for (const Entry& e : output.as_map()) add(e.value);
    return out;
}

/// The URLs to read from of the spec's `chaos` section, as far as they are known.
std::vector<std::string> urls_of_section(const Project& project, const PriorState& prior) {
    const Value section = project.chaos_section(recorded_values(project.graph(), prior));
    std::vector<std::string> out;
    if (section.is_null() || section.contains_unknown()) return out;
    for (const Value& url : section["urls"].as_list())
        out.push_back(chaos::join_url(url.as_string(), section.text("read")));
    return out;
}

/// The URLs of the only output that has any; otherwise those of the `chaos` section.
std::vector<std::string> urls_of_project(Context& context) {
    const auto store = recorded_state(context);
    std::vector<std::string> names, urls;
    const Value outputs = store->outputs();
    if (outputs.is_map())
        for (const Entry& e : outputs.as_map())
            if (auto found = urls_in(e.value); !found.empty()) {
                names.push_back(e.key);
                urls = std::move(found);
            }
    if (names.size() == 1) return urls;
    urls = urls_of_section(context.project, load_prior_state(*store));
    if (!urls.empty()) return urls;
    if (names.empty())
        throw Error(ErrorKind::usage, "no URL is given, and no recorded output has one")
            .with_hint("hadeploy bench http://ADDRESS:PORT/PATH");
    throw Error(ErrorKind::usage, fmt::format("no URL is given, and several outputs have one: {}",
                                              fmt::join(names, ", ")))
        .with_hint(fmt::format("hadeploy bench \"$(hadeploy output --raw {})\"", names.front()));
}

/// The options of the command line as keys of a load.
Value given_keys(const Args& args) {
    const BenchArgs& b = args.bench;
    Value::Map out;
    const auto set = [&](const char* key, Value value) {
        out.push_back({key, std::move(value), {}});
    };
    const auto ms = [](double seconds) {
        return Value(fmt::format("{}ms", static_cast<std::int64_t>(seconds * 1000)));
    };
    if (!b.urls.empty()) {
        Value::List urls;
        for (const std::string& url : b.urls) urls.emplace_back(url);
        set("urls", Value::list(std::move(urls)));
    }
    if (b.requests) set("requests", *b.requests);
    if (b.concurrency) set("concurrency", *b.concurrency);
    if (b.rate) set("rate", *b.rate);
    if (b.duration) set("duration", ms(*b.duration));
    if (b.timeout) set("timeout", ms(*b.timeout));
    if (b.keep_alive) set("keep_alive", true);
    if (b.method) set("method", *b.method);
    if (b.body) set("body", *b.body);
    if (b.replica_header) set("replica_header", *b.replica_header);
    if (b.replica_key) set("replica_key", *b.replica_key);
    Value::Map headers, thresholds;
    for (const std::string& header : b.headers) {
        const auto colon = header.find(':');
        const auto begin = header.find_first_not_of(' ', colon + 1);
        headers.push_back(
            {header.substr(0, colon), Value(begin == header.npos ? "" : header.substr(begin)), {}});
    }
    for (const std::string& text : b.thresholds) {
        auto [figure, limit] = bench::parse_threshold(text);
        thresholds.push_back({std::move(figure), std::move(limit), {}});
    }
    if (!headers.empty()) set("headers", Value::map(std::move(headers)));
    if (!thresholds.empty()) set("thresholds", Value::map(std::move(thresholds)));
    return Value::map(std::move(out));
}

std::vector<bench::Load> loads_of(Context& context) {
    const Args& args = context.args;
    std::vector<bench::Load> loads;
    try {
        const Value given = given_keys(args);
        if (args.bench.matrix.empty()) {
            loads = {bench::read_load(given)};
        } else {
            const std::uint16_t source = context.project.add_source(
                args.bench.matrix, read_file(args.bench.matrix, kMaxYamlBytes, ErrorKind::spec));
            loads = bench::read_matrix(context.project.sources(), source, given);
        }
    } catch (Error& error) {
        if (args.bench.matrix.empty()) error.kind = ErrorKind::usage;
        throw;
    }
    std::vector<std::string> urls;
    for (bench::Load& load : loads) {
        if (!load.urls.empty()) continue;
        if (urls.empty()) urls = urls_of_project(context);
        load.urls = urls;
    }
    return loads;
}

/// Hides the parts of URLs that can be secret.
void hide_parameters(bench::Report& report) {
    for (bench::Row& row : report.rows)
        for (std::string& url : row.load.urls) url = http::without_parameters(url);
}

bench::Report measure_all(Context& context) {
    const std::vector<bench::Load> loads = loads_of(context);
    const std::filesystem::path matrix = context.args.bench.matrix;
    const std::filesystem::path directory = matrix.has_parent_path() ? matrix.parent_path() : ".";
    const auto tell = [&](const std::string& text) {
        if (!context.args.json && context.args.progress != "quiet") context.say(text + "\n");
    };
    const StopOnSignal stop;
    bench::Report report{.started = now_ms(), .rows = {}};
    for (const bench::Load& load : loads) {
        if (stop.token().stop_requested()) break;
        const std::string name = loads.size() > 1 ? load.name + ": " : "";
        tell(name + bench::load_text(load));
        report.rows.push_back(bench::run_row(load, directory, stop.token(), [&](std::size_t done) {
            tell(fmt::format("{}{} requests done", name, done));
        }));
    }
    hide_parameters(report);
    return report;
}

bench::Report saved_report(const std::string& file) {
    return bench::from_json(read_file(file, kMaxReportBytes, ErrorKind::failed), file);
}

} // namespace

int run_bench(Context& context) {
    const Args& args = context.args;
    check_report_file(args.bench.save, kBenchJsonBegin);
    check_report_file(args.html, kHtmlBegin);
    std::optional<bench::Report> before;
    if (!args.bench.compare.empty()) before = saved_report(args.bench.compare);
    const bench::Report* earlier = before ? &*before : nullptr;
    const bench::Report report =
        args.bench.show.empty() ? measure_all(context) : saved_report(args.bench.show);
    context.print(args.json ? bench::to_json(report, earlier) + "\n"
                            : bench::render(report, earlier));
    if (!args.bench.save.empty()) write_file(args.bench.save, bench::to_json(report) + "\n");
    if (!args.html.empty()) write_file(args.html, bench::to_html(report, earlier));
    const auto verdict = report.verdict();
    if (verdict == chaos::Verdict::interrupted) return 130;
    if (!report.measured()) return 1;
    return verdict ? drill_exit_code(*verdict) : 0;
}

} // namespace hadeploy::cli
