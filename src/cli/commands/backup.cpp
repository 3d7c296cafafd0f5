#include "cli/backup/backup_file.h"
#include "cli/commands.h"
#include "cli/commands/recorded_state.h"
#include "cli/confirm.h"
#include "cli/render/plan_json.h"
#include "cli/render/text.h"
#include "cli/stop_on_signal.h"
#include "core/clock.h"
#include "engine/observe.h"
#include "planner/spec/address.h"
#include "provider_api/units.h"

#include <fmt/format.h>

namespace hadeploy::cli {

namespace {

/// A recorded resource with files, and the way to its host.
struct Holder {
    RecordedResource resource;
    FilesAt files;
    std::unique_ptr<Endpoints> endpoints;
    std::shared_ptr<OpenEndpoint> endpoint;

    /// @throws Error(usage)
    [[nodiscard]] KeepsFiles& keeper() const {
        if (auto* keeper = dynamic_cast<KeepsFiles*>(endpoint.get())) return *keeper;
        throw Error(ErrorKind::usage,
                    fmt::format("the files of {} cannot be saved", resource.address));
    }
};

/// nullptr if the type holds no files.
const HoldsFiles* type_with_files(const ResourceType* type) {
    return dynamic_cast<const HoldsFiles*>(type);
}

std::vector<std::string> addresses_with_files(const Registry& registry, const PriorState& prior) {
    std::vector<std::string> out;
    for (const auto& [address, r] : prior.recorded)
        if (type_with_files(registry.type(r.type)) != nullptr) out.push_back(address);
    return out;
}

Error no_files(const RecordedResource& resource, const std::vector<std::string>& others) {
    return Error(ErrorKind::usage, fmt::format("{} is a {}, which has no files to back up",
                                               resource.address, resource.type))
        .with_hint(others.empty()
                       ? "name a gluster.mount or host.directory"
                       : fmt::format("resources with files: {}", fmt::join(others, ", ")));
}

/// @throws Error: the address names nothing with files, or its host does not answer
Holder find_holder(const Context& context, const Store& store, const std::stop_token& stop) {
    PriorState prior = load_prior_state(store);
    std::vector<std::string> known;
    for (const auto& [address, r] : prior.recorded) known.push_back(address);
    const std::string address = resolve_address(context.args.name, known);
    const auto found = prior.recorded.find(address);
    if (found == prior.recorded.end())
        throw unknown_address(fmt::format("the state has no {}", address), address, known,
                              "`hadeploy state list` lists all addresses");
    const ResourceType* type = context.registry.type(found->second.type);
    const HoldsFiles* files = type_with_files(type);
    if (files == nullptr)
        throw no_files(found->second, addresses_with_files(context.registry, prior));
    Holder out{found->second, files->files(found->second.attributes), nullptr, nullptr};
    ProviderContext provider_context = context.project.provider_context(prior.lineage);
    provider_context.stop = stop;
    out.endpoints = std::make_unique<Endpoints>(context.registry, std::move(provider_context));
    const ProviderSettings settings = context.project.settings();
    const std::vector<Endpoint> places =
        context.registry.provider(type->provider)
            ->endpoints(*type, out.resource.attributes, settings.at(type->provider));
    if (places.empty())
        throw Error(ErrorKind::failed, fmt::format("the host of {} is not known", address))
            .with_hint("apply first");
    out.endpoint = out.endpoints->open(type->provider, places.front());
    return out;
}

std::string describe_backup(const Manifest& m) {
    return fmt::format(
        "{} of {}, {}, {}", m.address, m.time,
        counted(static_cast<std::size_t>(std::max<std::int64_t>(m.entries, 0)), "entry", "entries"),
        show_bytes(static_cast<std::int64_t>(m.size)));
}

void report(const Context& context, std::string_view type, const std::string& text,
            const Manifest& m) {
    context.print(context.args.json ? json_line("info", type, text, now_ms(),
                                                {{"address", m.address},
                                                 {"entries", m.entries},
                                                 {"size", m.size},
                                                 {"sha256", m.sha256},
                                                 {"time", m.time}}) +
                                          "\n"
                                    : text + "\n");
}

} // namespace

int run_backup(Context& context) {
    context.project.load();
    const auto store = context.project.open_store(Store::Mode::read_only);
    const StopOnSignal stop;
    const Holder holder = find_holder(context, *store, stop.token());
    const std::filesystem::path& file = context.args.files.front();
    BackupWriter writer(file);
    Manifest manifest{.project = store->project(),
                      .lineage = store->lineage(),
                      .address = holder.resource.address,
                      .type = holder.resource.type,
                      .path = holder.files.path,
                      .time = timestamp(now_ms())};
    const SavedFiles saved = holder.keeper().save_files(
        holder.files, [&](std::string_view piece) { writer.append(piece); });
    manifest.compression = saved.compression;
    manifest.entries = saved.entries;
    manifest.changed = !saved.remarks.empty();
    writer.finish(manifest);
    for (const std::string& remark : saved.remarks)
        context.say("note: " + printable(remark) + "\n");
    report(context, "backup_complete",
           fmt::format("{} now has {}.", file.string(), describe_backup(manifest)), manifest);
    return 0;
}

int run_restore(Context& context) {
    context.project.load();
    const Backup backup = open_backup(context.args.files.front()); // before anything is contacted
    const auto store = context.project.open_store(Store::Mode::read_write);
    context.lock(*store, context.args.command);
    const StopOnSignal stop;
    const Holder holder = find_holder(context, *store, stop.token());
    const std::string& address = holder.resource.address;
    if (!context.args.auto_approve) {
        context.say(fmt::format("backup:  {}\nproject: {}\n", describe_backup(backup.manifest),
                                backup.manifest.project));
        confirm_yes(
            context,
            fmt::format("{} {}?",
                        context.args.overwrite ? "Replace everything in"
                                               : "Restore it to the empty directory",
                        quoted(holder.resource.attributes["path"])),
            Error(ErrorKind::usage, "restore needs approval, and there is no terminal to ask on")
                .with_hint("add --auto-approve"));
    }
    holder.keeper().restore_files(holder.files, backup.archive, context.args.overwrite);
    report(context, "restore_complete",
           fmt::format("{} now has the files of {}.", address, describe_backup(backup.manifest)),
           backup.manifest);
    return 0;
}

} // namespace hadeploy::cli
