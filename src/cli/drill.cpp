#include "chaos/drill.h"

#include "cli/commands.h"
#include "core/file.h"

#include <fmt/format.h>
#include <thread>

namespace hadeploy::cli {

namespace {

/// The spec's `chaos` section with the values that the last apply recorded.
Value recorded_chaos_section(const Project& project, const World& world) {
    Value section = project.chaos_section(recorded_values(project.graph(), world));
    if (section.is_null())
        throw Error(ErrorKind::spec, "the spec has no chaos section")
            .with_hint("it names the app's URLs and the swarm's hosts; see `hadeploy docs chaos`");
    if (section.contains_unknown())
        throw Error(ErrorKind::failed, "the cluster is not made yet").with_hint("run apply first");
    return section;
}

/// Tells what goes on as plain lines.
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

/// Turns the first Ctrl-C into a stop request for as long as it lives.
class StopOnSignal {
  public:
    StopOnSignal()
        : watcher_([this](const std::stop_token& done) {
              while (!done.stop_requested()) {
                  if (stop_requested()) source_.request_stop();
                  std::this_thread::sleep_for(std::chrono::milliseconds(50));
              }
          }) {}
    std::stop_token token() const { return source_.get_token(); }

  private:
    std::stop_source source_;
    std::jthread watcher_;
};

} // namespace

int run_chaos(Context& context) {
    context.project.load();
    const auto store = context.project.open_store(Store::Mode::read_only);
    const World world = load_world(*store);
    const Value section = recorded_chaos_section(context.project, world);
    chaos::Settings settings = chaos::parse_settings(section);
    if (context.args.hold > 0)
        settings.hold = chaos::Ms(static_cast<std::int64_t>(context.args.hold * 1000));

    Endpoints endpoints(context.registry, context.project.setting(world.lineage));
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

int run_status(Context& context) {
    context.project.load();
    const auto store = context.project.open_store(Store::Mode::read_only);
    const auto progress = context.progress(0);
    const Prepared prepared = prepare(context.project, *store, {}, *progress);
    progress->finish();
    const World& world = prepared.world;
    std::string out;
    bool well = prepared.plan.empty();
    for (const auto& [address, recorded] : world.recorded) {
        const ResourceType* type = context.registry.type(recorded.type);
        if (type == nullptr || !type->machine) continue;
        out += fmt::format("{:<5} {}  {}\n", machine_is_up(world, address) ? "up" : "DOWN", address,
                           recorded.attributes["connection"].text("address"));
    }
    if (context.project.spec().chaos != nullptr && !world.recorded.empty()) {
        const Value section = recorded_chaos_section(context.project, world);
        const auto cluster =
            chaos::open_cluster(*prepared.endpoints, prepared.settings, section["hosts"]);
        const chaos::Snapshot seen = cluster->look();
        out += "\n";
        for (const chaos::ClusterNode& n : seen.nodes)
            out += fmt::format("{:<8} {} ({}{}, {})\n", n.status, n.name, n.role,
                               n.leader ? ", leader" : "", n.availability);
        out += "\n";
        for (const chaos::ClusterService& s : seen.services)
            out += fmt::format("{:>2}/{:<2}    {}\n", s.running, s.desired, s.name);
        for (const auto& problems : {node_problems(seen), service_problems(seen)})
            for (const std::string& p : problems) {
                out += "! " + p + "\n";
                well = false;
            }
    }
    out += prepared.plan.empty()
               ? "\nAll is as the spec says.\n"
               : fmt::format("\n{} resource{} not as the spec says: see `hadeploy plan`.\n",
                             prepared.plan.size(), prepared.plan.size() == 1 ? " is" : "s are");
    context.print(out);
    return well ? 0 : 1;
}

} // namespace hadeploy::cli
