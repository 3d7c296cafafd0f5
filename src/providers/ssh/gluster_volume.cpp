#include "embedded/scripts.h"
#include "providers/ssh/gluster_script.h"
#include "providers/ssh/gluster_tls.h"
#include "providers/ssh/gluster_types.h"
#include "providers/ssh/gluster_volume_changes.h"
#include "providers/ssh/host.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

namespace hadeploy::ssh::gluster {

namespace {

/// The number of running bricks at this path. A host that is down is not in the report at all.
std::size_t running_bricks(std::string_view xml, std::string_view path) {
    const auto nodes = elements(xml, "node");
    return static_cast<std::size_t>(
        std::count_if(nodes.begin(), nodes.end(), [&](const auto& node) {
            const auto paths = elements(node, "path"), states = elements(node, "status");
            return !paths.empty() && paths[0] == path && !states.empty() && states[0] == "1";
        }));
}

/// The number of entries that bricks lack; nothing unless all `count` bricks answered.
std::optional<std::int64_t> entries_to_heal(const std::string& text, std::size_t count) {
    constexpr std::string_view kEntries = "Number of entries: ";
    std::size_t bricks = 0;
    std::int64_t entries = 0;
    for (const std::string& line : lines(text)) {
        if (!line.starts_with(kEntries) || line.size() == kEntries.size()) continue;
        if (line[kEntries.size()] < '0' || line[kEntries.size()] > '9') continue;
        ++bricks;
        entries += std::strtoll(line.c_str() + kEntries.size(), nullptr, 10);
    }
    return bricks >= count ? std::optional(entries) : std::nullopt;
}

class GlusterVolume final : public SshType {
  public:
    GlusterVolume();
    void check(const Value& config, Diagnostics& diagnostics) const override;
    static void warn_of_even_copies(const Value& config, Diagnostics& warnings);
    Value derive(const Value& config) const override;
    std::vector<std::string> claims(const Value& config) const override;
    std::optional<DataLoss> held_data(const Value& volume) const override {
        return DataLoss{fmt::format("the Gluster volume {} and all files in it, in {} on each host",
                                    volume.text("name"), volume.text("brick"))};
    }
    std::int64_t copies(const Value& volume) const override { return volume.integer("replica", 1); }
    std::string probe(const ReadRequest& request) const override {
        return volume_script(
            scripts::gluster_volume_probe, request.config, request.identity,
            {{"group", request.config.text("group")}, {"recorded", request.recorded ? "1" : ""}});
    }
    Observation parse(const ReadRequest& request, const ProbeResult& result) const override;
    std::vector<Command> commands(const Change& change) const override;
};

GlusterVolume::GlusterVolume() {
    name = "gluster.volume";
    summary = "A replicated Gluster volume: created, started and configured.";
    warnings = {{"even_copies",
                 "An even number of copies tolerates no more failures than one less.",
                 warn_of_even_copies}};
    doc = "The bricks are directories at the same path on all hosts, which must be members of a "
          "gluster.pool. If the number of hosts is not a multiple of `replica`, only the first "
          "hosts by name that form complete replica sets hold bricks.\n\n"
          "Drift that is repaired: a stopped volume, a brick whose process does not run, options "
          "with different values, and a brick that lacks files. A brick without any data (on a "
          "new disk, or on a new machine with the old name) is returned to the volume. Apply "
          "waits until every brick has all files.\n\n"
          "`hosts` and `replica` can change while the volume is in use. To add copies, bricks are "
          "added and filled. To remove copies, all files must be on the remaining bricks, which "
          "must run; then the other bricks are removed from the volume and deleted.\n\n"
          "A volume of the same name that hadeploy did not create is an error; hadeploy sets the "
          "option user.hadeploy.identity on its volumes. A brick directory with data of a "
          "different volume is an error too.\n\n"
          "Without `tls`, traffic to and from the bricks is not encrypted, and any machine that "
          "uses the address of a host can mount the volume. With `tls`, both sides present a "
          "certificate. It must be signed by the authority of the other side, and its name (CN) "
          "must be one of `certificates`; addresses are not checked. Each host, and each other "
          "machine that mounts the volume, needs three files: /etc/ssl/glusterfs.pem (its "
          "certificate), /etc/ssl/glusterfs.key (its key, mode 0600) and /etc/ssl/glusterfs.ca "
          "(the certificate of the authority). Create them with tls.private_key, "
          "tls.self_signed_cert and tls.locally_signed_cert, and write them with host.file. "
          "Turning TLS on or off stops the volume for a moment, and clients must mount it again. "
          "New certificates take effect only after bricks and mounts are restarted. Ports 24007 "
          "and 24008 of glusterd do not use TLS and must stay private (see gluster.pool).\n\n"
          "Destroy stops and deletes the volume, and deletes its bricks with everything in them.";
    example = "volume:\n"
              "  type: gluster.volume\n"
              "  hosts: ${var.hosts}\n"
              "  name: vol0\n"
              "  brick: /gluster/brick1/vol0\n"
              "  group: db-workload\n"
              "  depends_on: [pool]\n";
    schema = {
        hosts_attribute("The hosts that hold the bricks, by their names in the pool."),
        {.name = "name",
         .type = TypeKind::name,
         .doc = "Name of the volume.",
         .required = true,
         .replaces = true},
        {.name = "replica",
         .type = TypeKind::integer,
         .doc = "The number of copies of each file. 2 is rejected, because it leads to split "
                "brain. The number can be changed while all bricks are one replica set.",
         .default_value = Value(3),
         .min = 1,
         .max = 9},
        {.name = "brick",
         .type = TypeKind::path,
         .doc = "The directory on each host; created if it is missing.",
         .required = true,
         .replaces = true},
        {.name = "group",
         .type = TypeKind::name,
         .doc = "An option group that comes with Gluster, such as `db-workload` or `virt`. "
                "`options` takes precedence over it."},
        {.name = "options",
         .type = map_of(TypeKind::string),
         .doc = "Volume options. With the default options, a host whose network does not "
                "respond is given up after 5 s, and one whose brick does not respond after 20 s, "
                "instead of Gluster's 42 s; the locks of a dead client are dropped; and the "
                "heal daemon looks for files to heal every 30 s instead of every 10 min. Clients "
                "use changed timeouts only after they have mounted the volume again.",
         .default_value = Value::map({{"network.ping-timeout", "20"},
                                      {"client.tcp-user-timeout", "5"},
                                      {"client.keepalive-time", "2"},
                                      {"client.keepalive-interval", "1"},
                                      {"client.keepalive-count", "3"},
                                      {"server.tcp-user-timeout", "5"},
                                      {"server.keepalive-time", "2"},
                                      {"server.keepalive-interval", "1"},
                                      {"server.keepalive-count", "3"},
                                      {"client.strict-locks", "on"},
                                      {"cluster.heal-timeout", "30"}})},
        {.name = "tls",
         .type = TypeKind::boolean,
         .doc = "Whether bricks and clients use TLS and authenticate each other by certificate.",
         .default_value = Value(false)},
        {.name = "started",
         .type = TypeKind::boolean,
         .doc = "Whether the volume is started.",
         .default_value = Value(true),
         .verb = "start"},
        {.name = "online",
         .type = TypeKind::boolean,
         .doc = "Whether the process of every brick runs.",
         .default_value = Value(true),
         .verb = "restart"},
        {.name = "healed",
         .type = TypeKind::boolean,
         .doc = "Whether every brick has all its files.",
         .default_value = Value(true),
         .verb = "heal"},
        {.name = "heal_timeout",
         .type = TypeKind::duration,
         .doc = "How long to wait until every brick has all its files.",
         .operational = true,
         .default_value = Value(kHealTimeout)},
        {.name = "bricks",
         .type = list_of(TypeKind::string),
         .doc = "The bricks, each as HOST:PATH.",
         .computed = true,
         .follows = {"hosts", "brick"}},
        {.name = "clients",
         .type = list_of(TypeKind::string),
         .doc = "Clients that may mount the volume (auth.allow): the hosts, by name and address, "
                "unless `options` sets it.",
         .computed = true,
         .follows = {"hosts", "options"}},
        {.name = "certificates",
         .type = list_of(TypeKind::string),
         .doc = "With `tls`, the certificate names that may mount the volume (auth.ssl-allow): the "
                "names of the hosts, unless `options` sets it.",
         .computed = true,
         .follows = {"hosts", "options"}},
        {.name = "volume_id",
         .type = TypeKind::string,
         .doc = "Gluster's ID of the volume.",
         .computed = true,
         .open = true},
    };
    bound_steps();
}

void GlusterVolume::check(const Value& config, Diagnostics& diagnostics) const {
    refuse_secrets(config["options"], diagnostics);
    check_tls(config, diagnostics);
    const Value& replica = config["replica"];
    if (replica.is_integer() && replica.as_integer() == 2)
        diagnostics
            .add("`replica` 2 leads to split brain: two copies that differ and both count as valid",
                 replica.loc())
            .with_hint("use 3");
    if (config["hosts"].is_map() && replica.is_integer() && replica.as_integer() != 2 &&
        static_cast<std::int64_t>(config["hosts"].as_map().size()) < replica.as_integer())
        diagnostics.add(fmt::format("{} replicas need at least as many hosts, but `hosts` has {}",
                                    replica.as_integer(), config["hosts"].as_map().size()),
                        config["hosts"].loc());
    if (config["options"].is_map())
        for (const Entry& e : config["options"].as_map())
            if (e.key == kIdentity || e.key == kRemoving ||
                e.key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-_") !=
                    std::string::npos)
                diagnostics.add(fmt::format("the option \"{}\" cannot be set", e.key), e.loc);
}

void GlusterVolume::warn_of_even_copies(const Value& config, Diagnostics& warnings) {
    const std::int64_t replica = config.integer("replica", 3);
    if (replica < 4 || replica % 2 != 0) return;
    warnings
        .add(fmt::format("{} copies tolerate the loss of {} host{}, the same as {} copies", replica,
                         (replica - 1) / 2, replica == 4 ? "" : "s", replica - 1),
             config["replica"].loc())
        .with_hint("use an odd number");
}

/// The volume name, and the brick directories on hosts whose address is known.
std::vector<std::string> GlusterVolume::claims(const Value& config) const {
    if (!config["hosts"].is_map() || !config["brick"].is_string() || config["replica"].is_unknown())
        return {};
    std::vector<std::string> out;
    const std::string pool = config["hosts"].as_map().empty()
                                 ? ""
                                 : config["hosts"].as_map().front().value.text("address");
    if (!config["name"].is_string() || pool.empty()) return {};
    out.push_back(
        fmt::format("the Gluster volume {} of the pool of {}", config.text("name"), pool));
    for (const Host& host : brick_hosts(config)) {
        const std::string place = place_of(config["hosts"][host.name]);
        if (!place.empty())
            out.push_back(fmt::format("the brick {} of {}", config.text("brick"), place));
    }
    return out;
}

/// Lists names and addresses, because a name may resolve to an address in a different network. A
/// host may reach its own bricks over the loopback interface.
Value clients(const Value& config) {
    if (config["options"].contains_unknown() || config["hosts"].contains_unknown())
        return Value::unknown();
    if (config["options"].has(kAllow)) return list_of_names(config["options"].text(kAllow));
    std::set<std::string> all{"127.0.0.1"};
    for (const Host& host : hosts_of(config["hosts"])) all.insert({host.name, host.address()});
    return Value::list(Value::List(all.begin(), all.end()));
}

Value GlusterVolume::derive(const Value& config) const {
    if (!config["hosts"].is_map() || !config["brick"].is_string() || config["replica"].is_unknown())
        return Value::map({{"bricks", Value::unknown()},
                           {"clients", Value::unknown()},
                           {"certificates", Value::unknown()}});
    Value::List bricks;
    for (const Host& host : brick_hosts(config))
        bricks.push_back(host.name + ":" + config.text("brick"));
    return Value::map({{"bricks", Value::list(std::move(bricks))},
                       {"clients", clients(config)},
                       {"certificates", tls_names(config)}});
}

/// The current values of the options in the spec and of those that we set before.
Value seen_options(const ReadRequest& request, const std::map<std::string, std::string>& info) {
    Value::Map options;
    const auto look_for = [&](const Value& some) {
        if (!some.is_map()) return;
        for (const Entry& e : some.as_map())
            if (const auto it = info.find(e.key); it != info.end())
                options.push_back({e.key, it->second});
    };
    look_for(request.config["options"]);
    if (request.recorded) look_for(request.recorded->config["options"]);
    return Value::map(std::move(options));
}

/// The group name if all its options have their values, except those that `options` overrides.
std::string seen_group(const ReadRequest& request, const std::map<std::string, std::string>& info,
                       const std::string& group) {
    for (const auto& [key, value] : pairs(group)) {
        if (request.config["options"].has(key)) continue;
        const auto it = info.find(key);
        if (it == info.end() || it->second != value) return "";
    }
    return request.config.text("group");
}

/// Sorts bricks as in `wanted`, others last.
void in_order_of(const std::vector<std::string>& wanted, Value::List& bricks) {
    const auto place = [&](const Value& brick) {
        return std::find(wanted.begin(), wanted.end(), brick.as_string());
    };
    std::stable_sort(bricks.begin(), bricks.end(),
                     [&](const Value& a, const Value& b) { return place(a) < place(b); });
}

Observation GlusterVolume::parse(const ReadRequest& request, const ProbeResult& result) const {
    const std::string text = section(result.out, "info");
    const bool shared =
        request.config["hosts"].is_map() && request.config["hosts"].as_map().size() > 1;
    const auto reports = [&](std::string_view word) {
        return result.out.find(word) != std::string::npos;
    };
    if (text.empty() && shared && request.recorded && reports("== alone"))
        return Observation::blocked(
            Error(ErrorKind::failed, "the host from which the volume is read is no longer in the "
                                     "Gluster pool")
                .with_hint("list the gluster.pool in `depends_on`, so that it is repaired first"));
    if (text.empty() && reports("== elsewhere"))
        return Observation::blocked(
            Error(ErrorKind::failed, "the host from which the volume is read does not have the "
                                     "volume, but other members of the pool do")
                .with_hint("restart glusterd on that host, so that it gets the volume from the "
                           "other members"));
    if (text.empty() && reports("== unanswered"))
        return Observation::blocked(
            Error(ErrorKind::failed, "the host from which the volume is read does not have the "
                                     "volume, and no other member of the pool says whether it "
                                     "exists")
                .with_hint("start glusterd on the other members (systemctl start glusterd)"));
    if (text.empty()) return Observation::absent();
    std::map<std::string, std::string> info;
    for (auto& [key, value] : pairs(text)) info[key] = value;

    const std::vector<std::string> wanted = texts(derive(request.config)["bricks"]);
    std::vector<std::string> names = wanted; // the file has a - for each / of a path
    if (request.recorded)
        for (const std::string& brick : texts(request.recorded->attributes["bricks"]))
            names.push_back(brick);
    Value::List bricks;
    for (std::size_t i = 0; info.contains(fmt::format("brick-{}", i)); ++i) {
        std::string brick = info[fmt::format("brick-{}", i)];
        for (const std::string& name : names)
            if (in_info(name) == brick) brick = name;
        bricks.push_back(std::move(brick));
    }
    const std::size_t count = bricks.size();
    const std::int64_t replica = std::strtol(info["replica_count"].c_str(), nullptr, 10);
    // the order means something only if it divides the bricks into sets
    if (replica == static_cast<std::int64_t>(count)) in_order_of(wanted, bricks);
    const auto names_in = [&](std::string_view option) {
        const auto it = info.find(std::string(option));
        return list_of_names(it == info.end() ? "*" : it->second);
    };
    const bool tls = seen_tls(info, request.config);
    Value seen = Value::map({{"name", request.config["name"]},
                             {"replica", replica},
                             {"bricks", Value::list(std::move(bricks))},
                             {"options", seen_options(request, info)},
                             {"started", info["status"] == "1"},
                             {"clients", names_in(kAllow)},
                             {"tls", tls},
                             {"certificates", tls ? names_in("auth.ssl-allow") : Value::list({})},
                             {"volume_id", info["volume-id"]}});
    const std::string group = section(result.out, "group");
    if (!group.empty()) seen = seen.with("group", seen_group(request, info, group));
    const std::string status = section(result.out, "status");
    if (status.find("<opRet>0</opRet>") != std::string::npos)
        seen = seen.with("online", running_bricks(status, request.config.text("brick")) >= count);
    else if (!section(result.out, "refused").empty()) // the repair waits for the bricks
        seen = seen.with("online", false);
    if (const auto entries = entries_to_heal(section(result.out, "heals"), count))
        seen = seen.with("healed", *entries == 0);

    Observation observation = Observation::present(std::move(seen));
    const std::string marker = section(result.out, "marker");
    const std::string owner = info.contains(std::string(kIdentity))
                                  ? info[std::string(kIdentity)]
                                  : marker.substr(0, marker.find('\n'));
    if (owner != request.identity)
        observation.foreign = fmt::format(
            "the Gluster volume \"{}\" was not created by this resource (its {} differs)",
            request.config.text("name"), kIdentity);
    if (info.contains(std::string(kRemoving)))
        observation.replace_reason = "an earlier run started to remove it";
    return observation;
}

std::vector<Command> GlusterVolume::commands(const Change& change) const {
    if (change.kind != Change::Kind::remove) refuse_secrets(change.after["options"]);
    switch (change.kind) {
    case Change::Kind::create: return make_volume(change);
    case Change::Kind::update: return update_volume(change);
    case Change::Kind::remove: return remove_volume(change);
    }
    return {};
}

} // namespace

std::unique_ptr<SshType> gluster_volume_type() {
    return std::make_unique<GlusterVolume>();
}

} // namespace hadeploy::ssh::gluster
