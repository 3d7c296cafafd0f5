#include "embedded/scripts.h"
#include "providers/ssh/gluster_script.h"
#include "providers/ssh/gluster_types.h"
#include "providers/ssh/host.h"

#include <fmt/format.h>

namespace hadeploy::ssh::gluster {

namespace {
/// Parses lines of the form "5e1f...  node2  Connected".
Value peers_in(const std::string& listing, const std::string& own) {
    Value::List out;
    for (const std::string& line : lines(listing)) {
        const std::vector<std::string> parts = words(line);
        if (parts.size() != 3 || parts[0] == "UUID") continue;
        out.push_back(Value::map({{"name", parts[1] == "localhost" ? own : parts[1]},
                                  {"connected", parts[2] == "Connected"}}));
    }
    return Value::list(std::move(out));
}

void add_bricks(const std::string& volume, const std::string& xml, Value::List& out) {
    for (const std::string& node : elements(xml, "node")) {
        const auto hosts = elements(node, "hostname"), paths = elements(node, "path"),
                   states = elements(node, "status");
        // self-heal daemons are listed as nodes too, with a UUID instead of a path
        if (hosts.empty() || paths.empty() || states.empty() || !paths[0].starts_with('/'))
            continue;
        out.push_back(Value::map({{"volume", volume},
                                  {"brick", hosts[0] + ":" + paths[0]},
                                  {"online", states[0] == "1"}}));
    }
}

constexpr std::string_view kHeals = "Number of entries: ";
constexpr std::string_view kSplitBrains = "Number of entries in split-brain: ";

/// Parses pairs of lines: "Brick node1:/brick", "Number of entries: 3" ("-" if the brick is down).
void add_entries(const std::string& volume, const std::string& text, std::string_view count_line,
                 Value::List& out) {
    constexpr std::string_view kBrick = "Brick ";
    std::string brick;
    for (const std::string& line : lines(text)) {
        if (line.starts_with(kBrick)) brick = line.substr(kBrick.size());
        if (!line.starts_with(count_line) || brick.empty()) continue;
        const std::string count = line.substr(count_line.size());
        if (count.find_first_not_of("0123456789 ") == std::string::npos)
            out.push_back(Value::map({{"volume", volume},
                                      {"brick", brick},
                                      {"entries", static_cast<std::int64_t>(std::stoll(count))}}));
    }
}

class GlusterCluster final : public SshType {
  public:
    GlusterCluster() {
        name = "gluster.cluster";
        summary = "The current state of a Gluster pool: its peers, bricks and heals.";
        doc = "Read-only: nothing is created or removed; `hadeploy status` reads it. Data that is "
              "not available within a few seconds is left out, and its volume is listed in "
              "`unread`. Destroy does nothing.";
        example = "pool_now:\n"
                  "  type: gluster.cluster\n"
                  "  hosts: ${var.hosts}\n"
                  "  volumes: [vol0]\n";
        adopts = true;
        schema = {
            hosts_attribute("Members of the pool. hadeploy queries the first one that it can "
                            "reach."),
            {.name = "volumes",
             .type = list_of(TypeKind::name),
             .doc = "Volumes to read.",
             .operational = true,
             .default_value = Value::list({})},
            {.name = "split_brain",
             .type = TypeKind::boolean,
             .doc = "Whether entries in split-brain are counted too, which takes several seconds.",
             .operational = true,
             .default_value = Value(false)},
            {.name = "peers",
             .type = list_of(TypeKind::any),
             .doc = "For each peer: name, connected.",
             .computed = true},
            {.name = "bricks",
             .type = list_of(TypeKind::any),
             .doc = "For each brick that the cluster reports: volume, brick (HOST:PATH), online. "
                    "Bricks of a host that is down are not reported.",
             .computed = true},
            {.name = "heals",
             .type = list_of(TypeKind::any),
             .doc = "For each brick: volume, brick, and the number of entries to heal.",
             .computed = true},
            {.name = "split_brains",
             .type = list_of(TypeKind::any),
             .doc = "For each brick, if `split_brain` is set: volume, brick, and the number of "
                    "entries in split-brain.",
             .computed = true},
            {.name = "unread",
             .type = list_of(TypeKind::any),
             .doc = "For each volume with missing data: volume, and whether its bricks, heals and "
                    "split_brains were read.",
             .computed = true}};
    }

    std::string probe(const ReadRequest& request) const override {
        return functions() +
               fmt::format("volumes={}\nsplit_brain={}\n",
                           shell_quote(fmt::format(
                               "{}", fmt::join(strings(request.config["volumes"]), " "))),
                           request.config.flag("split_brain") ? "yes" : "no") +
               std::string(scripts::gluster_cluster_probe);
    }

    Observation parse(const ReadRequest& request, const ProbeResult& result) const override {
        if (result.out.starts_with("== stopped"))
            return Observation::failed(
                Error(ErrorKind::failed, "glusterd does not run on this host")
                    .with_hint("start it: systemctl start glusterd"));
        const std::string own = section(result.out, "own");
        Value::List bricks, heals, split_brains, unread;
        const bool asked = request.config.flag("split_brain");
        for (const std::string& volume : strings(request.config["volumes"])) {
            const std::string status = section(result.out, "status " + volume);
            const std::string heal = section(result.out, "heal " + volume);
            const std::string split = section(result.out, "split-brain " + volume);
            add_bricks(volume, status, bricks);
            add_entries(volume, heal, kHeals, heals);
            add_entries(volume, split, kSplitBrains, split_brains);
            const bool has_status = status.find("<opRet>0</opRet>") != std::string::npos;
            const bool has_heals = heal.find(kHeals) != std::string::npos;
            const bool has_splits = !asked || split.find(kSplitBrains) != std::string::npos;
            if (!has_status || !has_heals || !has_splits)
                unread.push_back(Value::map({{"volume", volume},
                                             {"bricks", has_status},
                                             {"heals", has_heals},
                                             {"split_brains", has_splits}}));
        }
        return Observation::present(Value::map(
            {{"peers", peers_in(section(result.out, "peers"), own.substr(0, own.find('\n')))},
             {"bricks", Value::list(std::move(bricks))},
             {"heals", Value::list(std::move(heals))},
             {"split_brains", Value::list(std::move(split_brains))},
             {"unread", Value::list(std::move(unread))}}));
    }

    std::vector<Command> commands(const Change& /*change*/) const override { return {}; }
};

} // namespace

std::unique_ptr<SshType> gluster_cluster_type() {
    return std::make_unique<GlusterCluster>();
}

} // namespace hadeploy::ssh::gluster
