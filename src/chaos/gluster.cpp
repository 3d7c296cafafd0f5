#include "chaos/gluster.h"

#include "chaos/managers.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::chaos {

namespace {

/// Whether Gluster's response contains this part of a volume's state.
bool was_read(const Value& seen, const std::string& volume, std::string_view part) {
    const Value& unread = seen["unread"];
    return !unread.is_list() ||
           std::none_of(unread.as_list().begin(), unread.as_list().end(), [&](const Value& v) {
               return v.text("volume") == volume && !v.flag(part, true);
           });
}

/// The entries of a list of the state that belong to a volume.
std::vector<Value> of_volume(const Value& list, const std::string& volume) {
    std::vector<Value> out;
    if (list.is_list())
        for (const Value& item : list.as_list())
            if (item.text("volume") == volume) out.push_back(item);
    return out;
}

void check_quorum(const Value& seen, const GlusterVolume& volume, std::vector<std::string>& out) {
    if (!was_read(seen, volume.name, "bricks")) {
        out.push_back(fmt::format("the state of the bricks of {} cannot be read", volume.name));
        return;
    }
    // bricks of a host that is down are not reported
    const std::vector<Value> bricks = of_volume(seen["bricks"], volume.name);
    const auto online = static_cast<std::size_t>(std::count_if(
        bricks.begin(), bricks.end(), [](const Value& b) { return b.flag("online"); }));
    const std::size_t all = std::max(volume.bricks.size(), bricks.size());
    if (online * 2 <= all)
        out.push_back(
            fmt::format("{} has no quorum: {} of {} bricks are online", volume.name, online, all));
}

/// @param list  "heals" or "split_brains": the number of such entries on each brick
void check_entries(const Value& seen, const GlusterVolume& volume, const char* list,
                   std::string_view what, std::vector<std::string>& out) {
    if (!was_read(seen, volume.name, list)) {
        out.push_back(fmt::format("{} of {} cannot be read", what, volume.name));
        return;
    }
    for (const Value& brick : of_volume(seen[list], volume.name))
        if (const std::int64_t entries = brick.integer("entries"); entries > 0)
            out.push_back(
                fmt::format("{} of {} on {}: {}", what, volume.name, brick.text("brick"), entries));
}

class ProviderGluster final : public Gluster {
  public:
    ProviderGluster(Endpoints& endpoints, const ProviderSettings& settings, HostSource hosts,
                    std::vector<GlusterVolume> volumes)
        : type_(type_named(endpoints.registry(), "gluster.cluster")), volumes_(std::move(volumes)),
          members_(endpoints, settings, type_, std::move(hosts)) {}

    std::vector<std::string> problems(std::string_view check) override {
        if (volumes_.empty()) return {"the state contains no Gluster volume"};
        Value::List names;
        for (const GlusterVolume& v : volumes_) names.emplace_back(v.name);
        const bool split_brain = check.empty() || check == "split-brain";
        const Value volumes = Value::list(std::move(names));
        Value seen;
        members_.try_each("no host of the Gluster pool answers", [&](OpenEndpoint& provider) {
            const Value config = Value::map(
                {{"hosts", members_.hosts()}, {"volumes", volumes}, {"split_brain", split_brain}});
            const ReadRequest request{"the Gluster pool", &type_, config, nullptr, {}};
            const Observation observed = provider.read({&request, 1}, {}).at(0);
            if (observed.error) throw Error(*observed.error);
            seen = observed.attributes;
        });
        return gluster_problems(seen, volumes_, check);
    }

  private:
    const ResourceType& type_;
    const std::vector<GlusterVolume> volumes_;
    Managers members_;
};

} // namespace

std::vector<std::string> gluster_problems(const Value& seen,
                                          const std::vector<GlusterVolume>& volumes,
                                          std::string_view check) {
    std::vector<std::string> out;
    const auto asked = [&](std::string_view name) { return check.empty() || check == name; };
    for (const GlusterVolume& volume : volumes) {
        if (asked("quorum")) check_quorum(seen, volume, out);
        if (asked("heal")) check_entries(seen, volume, "heals", "entries to heal", out);
        if (asked("split-brain"))
            check_entries(seen, volume, "split_brains", "entries in split-brain", out);
    }
    return out;
}

std::vector<GlusterVolume> recorded_volumes(const PriorState& prior) {
    std::vector<GlusterVolume> out;
    for (const auto& [address, r] : prior.recorded) {
        if (r.type != "gluster.volume") continue;
        GlusterVolume volume{r.attributes.text("name"), {}};
        if (const Value& bricks = r.attributes["bricks"]; bricks.is_list())
            for (const Value& brick : bricks.as_list())
                if (brick.is_string()) volume.bricks.push_back(brick.as_string());
        out.push_back(std::move(volume));
    }
    return out;
}

std::unique_ptr<Gluster> open_gluster(Endpoints& endpoints, const ProviderSettings& settings,
                                      HostSource hosts, std::vector<GlusterVolume> volumes) {
    return std::make_unique<ProviderGluster>(endpoints, settings, std::move(hosts),
                                             std::move(volumes));
}

} // namespace hadeploy::chaos
