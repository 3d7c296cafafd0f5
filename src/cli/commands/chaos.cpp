#include "chaos/drill.h"

#include "cli/chaos_section.h"
#include "cli/commands.h"
#include "cli/stop_on_signal.h"
#include "core/file.h"
#include "planner/plan/prior_state.h"

#include <fmt/format.h>
#include <thread>

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

int run_chaos(Context& context) {
    context.project.load();
    const auto store = context.project.open_store(Store::Mode::read_only);
    const PriorState prior = load_prior_state(*store);
    const Value section = recorded_chaos_section(context.project, prior);
    chaos::Settings settings = chaos::parse_settings(section);
    if (context.args.hold > 0)
        settings.hold = chaos::Ms(static_cast<std::int64_t>(context.args.hold * 1000));

    Endpoints endpoints(context.registry, context.project.provider_context(prior.lineage));
    const ProviderSettings providers = provider_settings(context.project.graph());
    const auto cluster = chaos::open_cluster(endpoints, providers, settings.hosts);
    Narrator narrator(context);
    const StopOnSignal stop;
    const chaos::DrillOptions options{.node = context.args.drain,
                                      .force = context.args.force,
                                      .log = context.project.data_dir() / "chaos-writes.log"};
    const chaos::Report report =
        chaos::run_drill(settings, options, *cluster, narrator, stop.token());
    const std::string json = chaos::to_json(report) + "\n";
    if (!context.args.report.empty()) write_file(context.args.report, json);
    context.print(context.args.json ? json : chaos::render(report));
    if (report.interrupted) return 130;
    return report.passed() ? 0 : 3;
}

} // namespace hadeploy::cli
