#include "embedded/scripts.h"
#include "providers/ssh/host.h"

#include "core/secrecy.h"
#include "providers/ssh/place.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
std::string begin_line(const Value& config) {
    return fmt::format("# BEGIN {} (managed by hadeploy)", config.text("block", "hadeploy"));
}
std::string end_line(const Value& config) {
    return fmt::format("# END {}", config.text("block", "hadeploy"));
}

bool is_host_name(std::string_view name) {
    return !name.empty() && name.size() <= 253 && name.front() != '-' &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789.-_") == std::string_view::npos;
}

class HostHosts final : public SshType {
  public:
    HostHosts() {
        name = "host.hosts";
        summary = "Host names and addresses in a host's /etc/hosts.";
        doc = "The entries are written as a block between two marker lines at the beginning of the "
              "file, so that they take precedence over older entries. All other lines are left "
              "unchanged. Lines of the block that were changed, added or removed by hand are drift "
              "and are repaired.\n\n"
              "Destroy removes the block and nothing else.";
        example = "names:\n"
                  "  type: host.hosts\n"
                  "  host: ${node[\"node1\"].connection}\n"
                  "  entries: {node1: 10.77.0.11, node2: 10.77.0.12}\n";
        schema = {host_attribute(),
                  {.name = "entries",
                   .type = map_of(TypeKind::ipv4),
                   .doc = "Maps each host name to its address.",
                   .required = true},
                  {.name = "block",
                   .type = TypeKind::name,
                   .doc = "Name of the block. Projects that share a host need different block "
                          "names.",
                   .replaces = true,
                   .default_value = Value("hadeploy")},
                  {.name = "path",
                   .type = TypeKind::path,
                   .doc = "The hosts file.",
                   .replaces = true,
                   .default_value = Value("/etc/hosts")}};
        adopts = true;
    }

    void check(const Value& config, Diagnostics& diagnostics) const override {
        const Value& entries = config["entries"];
        if (!entries.is_map()) return;
        for (const Entry& e : entries.as_map())
            if (!is_host_name(e.key))
                diagnostics.add(fmt::format("{} is not a host name", quoted(entries, e.key)), e.loc)
                    .with_hint("letters, digits, '-', '_' and '.' are allowed");
    }

    std::vector<std::string> claims(const Value& config) const override {
        return claim(config, config.text("path") + " block " + config.text("block"),
                     {"path", "block"});
    }

    std::string probe(const ReadRequest& request) const override {
        const std::string path = request.config.text("path", "/etc/hosts");
        return fmt::format("hadeploy_enter {0} || {{ echo nowhere; exit 0; }}\n[ ! -f ./{1} ] || "
                           "(hadeploy_read_text {1} cat)\n",
                           shell_quote(directory_of(path)), shell_quote(name_of(path)));
    }

    Observation parse(const ReadRequest& request, const ProbeResult& result) const override {
        const std::string path = request.config.text("path", "/etc/hosts");
        if (result.status != 0) return cannot_look(redacted(request.config["path"], path), result);
        const std::vector<std::string> all = lines(result.out);
        Observation absent;
        if (result.out == "nowhere\n") absent.lacks = directory_of(path);
        const auto begin = std::find(all.begin(), all.end(), begin_line(request.config));
        const auto end = std::find(begin, all.end(), end_line(request.config));
        if (end == all.end()) return absent;
        Value::Map entries;
        for (auto line = begin + 1; line != end; ++line) {
            const std::vector<std::string> parts = words(*line);
            // A line in an unexpected form is reported as an entry, so that it counts as drift.
            if (parts.size() == 2)
                entries.push_back({parts[1], parts[0]});
            else
                entries.push_back({*line, ""});
        }
        return Observation::present(Value::map({{"entries", Value::map(std::move(entries))},
                                                {"block", request.config["block"]},
                                                {"path", path}}));
    }

    std::vector<Command> commands(const Change& change) const override {
        if (change.kind == Change::Kind::remove)
            return {rewrite(change.before, change.identity, "", "removing our names from")};
        std::string block = begin_line(change.after) + '\n';
        for (const Entry& e : change.after["entries"].as_map())
            block += fmt::format("{} {}\n", e.value.as_string(), e.key);
        block += end_line(change.after) + '\n';
        return {rewrite(change.after, change.identity, block, "writing names to")};
    }

  private:
    static Command rewrite(const Value& config, const std::string& identity,
                           const std::string& block, std::string_view doing) {
        const std::string path = config.text("path", "/etc/hosts");
        Command command;
        command.step = fmt::format("{} {}", doing, redacted(config["path"], path));
        command.input = block;
        command.script = fmt::format(
            "directory={} n={} id={} begin={} end={} block={}\n{}", shell_quote(directory_of(path)),
            shell_quote(name_of(path)), shell_quote(identity), shell_quote(begin_line(config)),
            shell_quote(end_line(config)), block.empty() ? "" : "1", scripts::host_hosts_rewrite);
        return command;
    }
};
} // namespace

std::unique_ptr<ResourceType> make_host_hosts() {
    return std::make_unique<HostHosts>();
}

} // namespace hadeploy::ssh
