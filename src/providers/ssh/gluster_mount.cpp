#include "core/hash.h"
#include "embedded/scripts.h"
#include "provider_api/files.h"
#include "providers/ssh/gluster_script.h"
#include "providers/ssh/gluster_types.h"
#include "providers/ssh/host.h"
#include "providers/ssh/host_path.h"
#include "providers/ssh/place.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace hadeploy::ssh::gluster {

namespace {
constexpr std::string_view kUnits = "/etc/systemd/system/";

/// A path escaped as in systemd unit names: "/mnt/vol0" -> "mnt-vol0".
std::string escaped(std::string_view path) {
    std::string out;
    for (const char c : path.substr(1)) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '_' || c == '.' || c == ':';
        if (c == '/')
            out += '-';
        else
            out += plain ? std::string(1, c)
                         : fmt::format("\\x{:02x}",
                                       static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
    return out;
}

std::string unit_name(const Value& config) {
    return "hadeploy-gluster-" + escaped(config.text("path")) + ".service";
}

/// Quotes a word for a command line in a unit file.
std::string unit_word(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        if (c == '%' || c == '$') out += c;
        out += c;
    }
    return out + '"';
}

/// A service instead of a mount unit, because systemd never retries a failed mount unit, but
/// restarts a service until it stays up. Ordered before Docker, so that at shutdown Docker stops
/// while its data is still mounted. Its share of a busy processor is ten times that of a container,
/// because all programs that use the volume wait for it.
std::string unit_text(const Value& config, const std::string& identity) {
    std::string options;
    if (config["options"].is_map())
        for (const Entry& e : config["options"].as_map())
            options += " " + unit_word(fmt::format("--{}={}", e.key, e.value.as_string()));
    const std::string path = unit_word(config.text("path"));
    return fmt::format("# made by hadeploy {}\n"
                       "[Unit]\n"
                       "Description=Gluster volume {} on {}\n"
                       "After=network.target glusterd.service\n"
                       "Before=docker.service\n"
                       "StartLimitIntervalSec=0\n"
                       "\n"
                       "[Service]\n"
                       "ExecStartPre=-/bin/umount -lq {}\n"
                       "ExecStart=/usr/sbin/glusterfs --no-daemon {} {}{} {}\n"
                       "ExecStopPost=-/bin/umount -lq {}\n"
                       "Restart=always\n"
                       "RestartSec=2\n"
                       "CPUWeight=1000\n"
                       "\n"
                       "[Install]\n"
                       "WantedBy=multi-user.target\n",
                       identity, config.text("volume"), config.text("path"), path,
                       unit_word("--volfile-server=" + config.text("server")),
                       unit_word("--volfile-id=/" + config.text("volume")), options, path, path);
}

std::string below(const Value& config, const std::string& directory) {
    return config.text("path") + "/" + directory;
}

std::string directory_words(const Value& config) {
    std::string words;
    if (config["directories"].is_map())
        for (const Entry& e : config["directories"].as_map())
            words += " " + shell_quote(below(config, e.key));
    return words;
}

std::string
mount_script(std::string_view body, const Value& config,
             std::initializer_list<std::pair<std::string_view, std::string>> more = {}) {
    std::string out =
        functions() + fmt::format("units={}\nunit={}\npath={}\nin_mounts={}\n", kUnits,
                                  shell_quote(unit_name(config)), shell_quote(config.text("path")),
                                  shell_quote(in_mount_table(config.text("path"))));
    for (const auto& [name, value] : more) out += fmt::format("{}={}\n", name, shell_quote(value));
    return out + std::string(body);
}

class GlusterMount final : public SshType, public HoldsFiles {
  public:
    GlusterMount();
    void check(const Value& config, Diagnostics& diagnostics) const override;
    std::vector<std::string> claims(const Value& config) const override {
        const std::string place = place_of(config["host"]);
        if (!config["path"].is_string() || place.empty()) return {};
        return {fmt::format("{} {}", place, config.text("path"))};
    }
    FilesAt files(const Value& mount) const override { return {mount.text("path"), true}; }
    std::string probe(const ReadRequest& request) const override {
        return mount_script(scripts::gluster_mount_probe, request.config,
                            {{"directories", directory_words(request.config)}});
    }
    Observation parse(const ReadRequest& request, const ProbeResult& result) const override;
    std::vector<Command> commands(const Change& change) const override;
};

GlusterMount::GlusterMount() {
    name = "gluster.mount";
    summary = "A permanent mount of a Gluster volume on a host.";
    doc = "A dedicated systemd service keeps the volume mounted and retries forever, so the mount "
          "comes back by itself as soon as enough bricks are up, after any number of host "
          "failures. The bare mount point is immutable, so that nothing is written to the local "
          "disk while the volume is not mounted. All parent directories must belong to root: "
          "otherwise a user could replace one and redirect the mount.\n\n"
          "Drift that is repaired: not mounted, not enabled at boot, a changed service, and a "
          "missing directory of `directories` or one with a different owner or mode.\n\n"
          "Destroy unmounts the volume and removes the service and the mount point.";
    example = "mount:\n"
              "  type: gluster.mount\n"
              "  for_each: ${var.hosts}\n"
              "  host: ${each.value}\n"
              "  volume: ${volume.name}\n"
              "  path: /mnt/vol0\n"
              "  directories: {app: {owner: \"1000\", group: \"1000\", mode: \"0755\"}}\n";
    schema = {
        host_attribute(),
        {.name = "volume", .type = TypeKind::name, .doc = "Name of the volume.", .required = true},
        {.name = "path",
         .type = TypeKind::path,
         .doc = "The mount point. The directory is created; an existing one must be empty.",
         .required = true,
         .replaces = true},
        {.name = "server",
         .type = TypeKind::string,
         .doc = "A pool member that knows the volume. Default: the host itself.",
         .default_value = Value("localhost")},
        {.name = "options",
         .type = map_of(TypeKind::string),
         .doc = "Options of the glusterfs program, without the dashes: {attribute-timeout: \"0\"}.",
         .default_value = Value::map({})},
        {.name = "directories",
         .type = map_of(object_of({
             {.name = "owner",
              .type = TypeKind::account,
              .doc = "User name or UID.",
              .default_value = Value("root")},
             {.name = "group",
              .type = TypeKind::account,
              .doc = "Group name or GID.",
              .default_value = Value("root")},
             {.name = "mode",
              .type = TypeKind::mode,
              .doc = "Permissions, as a quoted octal number.",
              .default_value = Value("0755")},
         })),
         .doc = "Directories on the volume, by path relative to it. A service that bind-mounts one "
                "of them cannot start while the volume is not mounted.",
         .default_value = Value::map({})},
        {.name = "mounted",
         .type = TypeKind::boolean,
         .doc = "Whether the volume is mounted.",
         .default_value = Value(true),
         .verb = "mount"},
        {.name = "enabled",
         .type = TypeKind::boolean,
         .doc = "Whether the volume is mounted at boot.",
         .default_value = Value(true),
         .verb = "enable"},
        {.name = "service",
         .type = TypeKind::string,
         .doc = "Name of the systemd unit.",
         .computed = true,
         .follows = {"path"}},
        {.name = "unit_sha256",
         .type = TypeKind::string,
         .doc = "SHA-256 of the unit file.",
         .computed = true,
         .tracked = true},
    };
    bound_steps();
}

void GlusterMount::check(const Value& config, Diagnostics& diagnostics) const {
    const auto only = [](std::string_view text, std::string_view allowed) {
        return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
    };
    constexpr std::string_view kLineEnds("\n\r\0", 3);
    constexpr std::string_view kWord =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    refuse_secrets(config["options"], diagnostics);
    if (config["options"].is_map())
        for (const Entry& e : config["options"].as_map()) {
            if (!only(e.key, "abcdefghijklmnopqrstuvwxyz-") || e.key.front() == '-')
                diagnostics.add(
                    fmt::format(
                        "\"{}\" is not an option of glusterfs: use lower-case letters and -",
                        e.key),
                    e.loc);
            // the rest would become a separate line of the unit file
            if (e.value.is_string() &&
                e.value.as_string().find_first_of(kLineEnds) != std::string::npos)
                diagnostics.add(fmt::format("the option {} contains a line break", e.key), e.loc);
        }
    if (config["directories"].is_map())
        for (const Entry& e : config["directories"].as_map()) {
            const std::string path = "/" + e.key + "/";
            if (!only(e.key, std::string(kWord) + "/") || e.key.front() == '/' ||
                path.find("//") != std::string::npos || path.find("/../") != std::string::npos ||
                path.find("/./") != std::string::npos)
                diagnostics.add(fmt::format("\"{}\" is not a path below the mount point: use "
                                            "letters, digits and . - _ /",
                                            e.key),
                                e.loc);
        }
    if (config["server"].is_string() && !only(config.text("server"), kWord))
        diagnostics.add("`server` must be a host name or an address", config["server"].loc());
}

/// Parses lines of the form "755 0:root 0:root /mnt/vol0/app". Owner and group are reported by
/// number or by name, as in the spec. Nothing if the volume does not report whether a
/// directory exists, for example because it has no quorum.
std::optional<Value> seen_directories(const Value& config, const std::string& listing) {
    Value::Map seen;
    std::size_t missing = 0;
    std::string_view rest = listing;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        const std::string line(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (line.ends_with(": No such file or directory") || line.ends_with(": Not a directory"))
            ++missing;
        std::vector<std::string> words;
        for (std::size_t at = 0; words.size() < 4;) {
            const std::size_t space = words.size() < 3 ? line.find(' ', at) : std::string::npos;
            words.push_back(line.substr(at, space == std::string::npos ? space : space - at));
            if (space == std::string::npos) break;
            at = space + 1;
        }
        if (words.size() != 4) continue;
        for (const Entry& e : config["directories"].as_map()) {
            if (below(config, e.key) != words[3]) continue;
            const std::string mode =
                std::string(4 - std::min<std::size_t>(4, words[0].size()), '0') + words[0];
            seen.push_back(
                {e.key, Value::map({{"mode", mode},
                                    {"owner", as_asked(e.value.text("owner"), words[1])},
                                    {"group", as_asked(e.value.text("group"), words[2])}})});
        }
    }
    if (seen.size() + missing != config["directories"].as_map().size()) return std::nullopt;
    return Value::map(std::move(seen));
}

Observation GlusterMount::parse(const ReadRequest& request, const ProbeResult& result) const {
    const std::string& out = result.out;
    const std::string unit = section(out, "unit");
    const std::string mount = section(out, "mount");
    const std::string wanted = unit_text(request.config, request.identity);
    const bool ours = unit.starts_with(wanted.substr(0, wanted.find('\n') + 1));
    if (unit.empty() && mount.empty()) return Observation::absent();
    const bool has_process = ("\n" + out).find("\n== process\n") != std::string::npos;
    Value seen = Value::map(
        {{"mounted", mount.find(" fuse.glusterfs\n") != std::string::npos && has_process},
         {"enabled", ("\n" + out).find("\n== enabled\n") != std::string::npos},
         {"service", unit_name(request.config)},
         {"unit_sha256", sha256_hex(unit)}});
    const std::string listing = section(out, "directories");
    if (!listing.empty())
        if (auto directories = seen_directories(request.config, listing))
            seen = seen.with("directories", *std::move(directories));
    Observation observation = Observation::present(std::move(seen));
    if (!ours)
        observation.foreign = unit.empty() ? fmt::format("something else is mounted on {} ({})",
                                                         request.config.text("path"),
                                                         mount.substr(0, mount.find('\n')))
                                           : fmt::format("{}{} was not created by this resource",
                                                         kUnits, unit_name(request.config));
    return observation;
}

std::vector<Command> GlusterMount::commands(const Change& change) const {
    if (change.kind == Change::Kind::remove)
        return {{.script = mount_script(scripts::gluster_mount_remove, change.before),
                 .step = "unmounting the volume"}};
    const Value& config = change.after;
    refuse_secrets(config["options"]);
    const bool mounted = config.flag("mounted", true);
    std::string make;
    if (mounted && config["directories"].is_map()) {
        make = scripts::gluster_mount_bricks;
        for (const Entry& e : config["directories"].as_map()) {
            make += make_directory(below(config, e.key),
                                   e.value.text("owner") + ":" + e.value.text("group"),
                                   e.value.text("mode"));
        }
    }
    return {
        {.script = mount_script(scripts::gluster_mount_make, config,
                                {{"enable", config.flag("enabled", true) ? "enable" : "disable"},
                                 {"start", mounted ? "1" : ""}}) +
                   make,
         .input = unit_text(config, change.identity),
         .step = "mounting the volume"}};
}

} // namespace

std::unique_ptr<SshType> gluster_mount_type() {
    return std::make_unique<GlusterMount>();
}

} // namespace hadeploy::ssh::gluster
