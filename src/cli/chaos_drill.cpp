#include "cli/chaos_drill.h"

#include "chaos/drill.h"
#include "chaos/report_html.h"
#include "chaos/report_json.h"
#include "chaos/report_junit.h"
#include "chaos/report_text.h"
#include "cli/report_file.h"
#include "cli/stop_on_signal.h"
#include "core/file.h"

#include <fmt/format.h>

namespace hadeploy::cli {

namespace {

/// Reports progress as plain lines.
class Narrator : public chaos::DrillEvents {
  public:
    explicit Narrator(const Context& context) : context_(context) {}
    void phase(std::string_view text) override { line(text); }
    void moment(const chaos::Moment& moment) override {
        line(fmt::format("{:>9}  {}", chaos::show_time(moment.at), moment.text));
    }

  private:
    void line(std::string_view text) {
        if (!context_.args.json && context_.args.progress != "quiet")
            context_.say(std::string(text) + "\n");
    }
    const Context& context_;
};

} // namespace

int drill_exit_code(chaos::Verdict verdict) {
    switch (verdict) {
    case chaos::Verdict::passed: return 0;
    case chaos::Verdict::failed: return 3;
    case chaos::Verdict::inconclusive: return 4;
    case chaos::Verdict::interrupted: return 130;
    }
    return 1;
}

int run_drill(const Context& context, ChaosProject& project, const chaos::Experiment& experiment) {
    const Args& args = context.args;
    check_report_file(args.report, kDrillJsonBegin);
    check_report_file(args.junit, kXmlBegin);
    check_report_file(args.html, kHtmlBegin);
    chaos::Settings settings = chaos::parse_settings(project.section);
    if (args.hold > 0) settings.hold = chaos::Ms(static_cast<std::int64_t>(args.hold * 1000));
    std::vector<std::string> nodes;
    for (const chaos::Activity& a : experiment.method)
        if (a.fault) {
            project.faults->check(*a.fault, args.force);
            nodes.push_back(a.fault->node);
        }
    const auto cluster = project.without(nodes);
    const auto gluster =
        chaos::open_gluster(project.endpoints, project.settings, project.hosts_without(),
                            chaos::recorded_volumes(project.prior));
    Narrator narrator(context);
    const StopOnSignal stop;
    const chaos::Report report =
        chaos::run_drill(settings,
                         {.experiment = experiment,
                          .force = args.force,
                          .log = context.project.data_dir() / "chaos-writes.log",
                          .directory = context.project.root(),
                          .gluster = gluster.get()},
                         *cluster, *project.faults, narrator, stop.token());
    context.print(args.json ? chaos::to_json(report) + "\n" : chaos::render(report));
    if (!args.report.empty()) write_file(args.report, chaos::to_json(report) + "\n");
    if (!args.junit.empty()) write_file(args.junit, chaos::to_junit(report));
    if (!args.html.empty()) write_file(args.html, chaos::to_html(report));
    return drill_exit_code(report.verdict());
}

} // namespace hadeploy::cli
