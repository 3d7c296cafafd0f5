#include "core/secrecy.h"
#include "embedded/scripts.h"
#include "provider_api/files.h"
#include "providers/ssh/host.h"
#include "providers/ssh/host_path.h"
#include "providers/ssh/line_file.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
/// Options that the kernel shows exactly as they are set, so that they can be compared.
constexpr std::array<std::string_view, 6> kMountFlags{"ro",     "nosuid",  "nodev",
                                                      "noexec", "noatime", "sync"};

std::vector<std::string> options_in(const std::string& text) {
    std::vector<std::string> all(1);
    for (const char c : text)
        if (c == ',')
            all.emplace_back();
        else
            all.back() += c;
    return all;
}

bool has_option(const std::string& options, std::string_view option) {
    const std::vector<std::string> all = options_in(options);
    return std::find(all.begin(), all.end(), option) != all.end();
}

bool is_bind(const Value& config) {
    const std::string options = config.text("options");
    return has_option(options, "bind") || has_option(options, "rbind");
}

/// Whether the options ask for a flag; those for users imply others (mount(8)).
bool asks_for(const std::string& options, std::string_view flag) {
    bool on = false;
    for (const std::string& option : options_in(options)) {
        if (option == flag) on = true;
        if (option == flag.substr(2) || (flag == "ro" && option == "rw")) on = false;
        const bool users = option == "user" || option == "users";
        if ((users && flag.starts_with("no") && flag != "noatime") ||
            ((option == "owner" || option == "group") && (flag == "nosuid" || flag == "nodev")))
            on = true;
    }
    return on;
}

/// The flags that the kernel shows and the options do not ask for, or the reverse: "ro, exec".
std::string other_flags(const std::string& options, const std::string& live) {
    std::string out;
    for (const std::string_view flag : kMountFlags) {
        const bool wanted = asks_for(options, flag);
        if (wanted == has_option(live, flag)) continue;
        out += out.empty() ? "" : ", ";
        out += wanted ? fmt::format("not {}", flag) : flag;
    }
    return out;
}

/// Whether a mount is of a type, as the kernel names it.
bool is_of_type(const std::string& seen, const std::string& wanted) {
    const auto nfs = [](const std::string& type) { return type == "nfs" || type == "nfs4"; };
    return seen == wanted || wanted == "auto" || (nfs(seen) && nfs(wanted)) ||
           seen == "fuse." + wanted || (seen == "fuseblk" && wanted.starts_with("ntfs"));
}

std::string fstab_line(const Value& config) {
    return fmt::format("{} {} {} {} 0 {}", in_mount_table(config.text("source")),
                       in_mount_table(config.text("path")), config.text("fs"),
                       config.text("options", "defaults"), config.integer("pass"));
}

std::string place_of_mount(const Value& config) {
    const std::string path = config.text("path");
    return fmt::format("place={} path={} source={} bind={}\n", shell_quote(path),
                       shell_quote(in_mount_table(path)), shell_quote(config.text("source")),
                       is_bind(config) ? "1" : "''");
}

class HostMount final : public SshType, public HoldsFiles {
  public:
    HostMount();
    void check(const Value& config, Diagnostics& diagnostics) const override;
    std::vector<std::string> claims(const Value& config) const override {
        return claim(config, config.text("path"), {"path"});
    }
    FilesAt files(const Value& mount) const override { return {mount.text("path"), true}; }
    std::string probe(const ReadRequest& request) const override {
        return print_memory(request.identity) + place_of_mount(request.config) +
               std::string(scripts::host_mount_functions) + std::string(scripts::host_mount_probe);
    }
    Observation parse(const ReadRequest& request, const ProbeResult& result) const override;
    std::vector<Command> commands(const Change& change) const override;
};

HostMount::HostMount() {
    name = "host.mount";
    summary = "A file system on a host: mounted, and mounted at boot.";
    doc = "Mounts a file system (NFS, a device, tmpfs, a bind mount) and writes its entry in "
          "/etc/fstab. The file system is mounted before the entry is written, so an entry that "
          "does not work is never written. Other entries of /etc/fstab are not changed. An equal "
          "entry is adopted. It is an error if /etc/fstab has a different entry for the path, or "
          "if a different file system is mounted there.\n\n"
          "Drift that is repaired: the file system is not mounted, its entry is missing or was "
          "changed, or its flags `ro`, `nosuid`, `nodev`, `noexec`, `noatime` or `sync` differ "
          "from `options`, for example because the kernel has made it read-only. When `options` "
          "change, the file system is remounted in place. NFS ignores most options in a remount, "
          "so it is unmounted and mounted again. The same happens when `source` changes. If the "
          "file system is in use, it stays mounted, and the error names the processes.\n\n"
          "A directory that is not empty is refused as a mount point unless `over` is set, because "
          "the mount would hide its contents. All parent directories of the path must belong to "
          "root. Set the option `nofail` for a network file system: without it, the host cannot "
          "boot while the server of the file system is down.\n\n"
          "Destroy unmounts the file system. It removes the entry and the directory if hadeploy "
          "created them, and restores an entry that hadeploy replaced. Data in a tmpfs is lost "
          "when it is unmounted.";
    example = "shared:\n"
              "  type: host.mount\n"
              "  host: ${node[\"node1\"].connection}\n"
              "  path: /shared\n"
              "  source: \"10.77.0.20:/\"\n"
              "  fs: nfs4\n"
              "  options: noatime,nofail\n";
    schema = {host_attribute(),
              {.name = "path",
               .type = TypeKind::path,
               .doc = "The mount point. The directory is created.",
               .required = true,
               .replaces = true},
              {.name = "source",
               .type = TypeKind::line,
               .doc = "The source of the mount: `/dev/vdb1`, `UUID=...`, `10.77.0.20:/data` (NFS), "
                      "`tmpfs`, or a directory for a bind mount.",
               .required = true},
              {.name = "fs",
               .type = TypeKind::line,
               .doc = "Type of the file system: `ext4`, `nfs4`, `tmpfs`; `none` for a bind mount.",
               .required = true},
              {.name = "options",
               .type = TypeKind::line,
               .doc = "Options, separated by commas. A bind mount needs `bind`.",
               .default_value = Value("defaults")},
              {.name = "pass",
               .type = TypeKind::integer,
               .doc = "Order of the file system check at boot: 1 for the root file system, 2 for "
                      "others, 0 for no check.",
               .default_value = Value(0),
               .min = 0,
               .max = 2},
              {.name = "mounted",
               .type = TypeKind::boolean,
               .doc = "Whether it is mounted. For an entry that is not mounted at boot, add "
                      "`noauto` to `options`.",
               .default_value = Value(true),
               .verb = "mount"},
              {.name = "over",
               .type = TypeKind::boolean,
               .doc = "Mount the file system even if the directory is not empty.",
               .operational = true,
               .default_value = Value(false)}};
    adopts = true;
    remove_may_leave = true;
    verified = {"source", "fs", "options", "mounted"};
    bound_steps(std::chrono::minutes(5));
}

void HostMount::check(const Value& config, Diagnostics& diagnostics) const {
    const Value &source = config["source"], &fs = config["fs"], &options = config["options"];
    if (options.contains_secret() || source.contains_secret())
        diagnostics
            .add("an entry of /etc/fstab cannot contain a secret: every user of the host can read "
                 "it",
                 options.contains_secret() ? options.loc() : source.loc())
            .with_hint("name a file with mode \"0600\", as with the option credentials= of cifs");
    if (source.is_string() && (source.as_string().empty() || source.as_string().front() == '#' ||
                               source.as_string().front() == '-'))
        diagnostics.add(fmt::format("{} is not a source of a mount", quoted(source)), source.loc());
    const auto is_word = [](const std::string& text, std::string_view more) {
        return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
            return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' ||
                   c == '_' || more.find(c) != std::string_view::npos;
        });
    };
    if (fs.is_string() && (!is_word(fs.as_string(), "") || fs.as_string() == "swap"))
        diagnostics.add(fmt::format("{} is not a type of a file system", quoted(fs)), fs.loc())
            .with_hint("for example ext4, nfs4, tmpfs, or none for a bind mount");
    if (options.is_string() && !options.contains_secret())
        for (const std::string& option : options_in(options.as_string()))
            if (option.empty() || option.front() == '-' ||
                option.find_first_of(" \t\\#'\"") != std::string::npos)
                diagnostics
                    .add(fmt::format("{} is not a mount option", quoted(options, option)),
                         options.loc())
                    .with_hint("options are separated by commas, without spaces");
    if (!fs.is_string() || !options.is_string() || options.contains_secret()) return;
    if (fs.as_string() == "none" && !is_bind(config))
        diagnostics.add("a mount of the type none needs the option `bind`", fs.loc());
    if (is_bind(config) && source.is_string() && !source.as_string().starts_with('/'))
        diagnostics.add(fmt::format("{} is not the directory of a bind mount", quoted(source)),
                        source.loc());
}

Observation HostMount::parse(const ReadRequest& request, const ProbeResult& result) const {
    const Value& config = request.config;
    const std::string place = named(config, "path");
    if (result.status != 0) return cannot_look("the mount on " + place, result);
    const Answer answer(result.out);
    const std::vector<std::string> entries = answer.all("entry");
    if (entries.size() > 1)
        return Observation::failed(
            Error(ErrorKind::conflict,
                  fmt::format("/etc/fstab has {} entries for {}", entries.size(), place))
                .with_hint("remove all but one of them"));
    const std::vector<std::string> live = words(answer.first("mount"));
    if (entries.empty() && live.size() < 3) return Observation::absent();
    const bool ours = request.recorded != nullptr || answer.has("memory");
    const std::string wanted = fstab_line(config), fs = config.text("fs");
    const bool on =
        live.size() >= 3 && answer.has("same") && (is_bind(config) || is_of_type(live[1], fs));
    Value seen = Value::map({{"path", config["path"]}, {"mounted", on}});
    Observation observation;
    if (entries.empty()) {
        seen = seen.with("options", "(not in /etc/fstab)");
        if (!on && !ours)
            observation.foreign =
                fmt::format("something else is mounted on {}: {}", place, answer.first("mount"));
    } else {
        std::vector<std::string> entry = words(entries.front());
        entry.resize(4);
        const bool same_source = entry[0] == in_mount_table(config.text("source"));
        const std::string flags = on ? other_flags(entry[2], live[2]) : "";
        seen = seen.with("source", same_source ? config.text("source") : entry[0])
                   .with("fs", entry[1])
                   .with("options", flags.empty()
                                        ? entry[2]
                                        : fmt::format("{} (mounted with: {})", entry[2], flags))
                   .with("pass", std::int64_t{std::atoi(entry[3].c_str())});
        const std::string line =
            fmt::format("{} {} {} {} 0 {}", entry[0], in_mount_table(config.text("path")), entry[1],
                        entry[2], entry[3]);
        if (line != wanted && !ours)
            observation.foreign = fmt::format("the entry in /etc/fstab is \"{}\"", line);
        else if (!on && !ours && live.size() >= 3)
            observation.foreign =
                fmt::format("something else is mounted on {}: {}", place, answer.first("mount"));
    }
    observation.state = Observation::State::present;
    observation.attributes = std::move(seen);
    return observation;
}

std::vector<Command> HostMount::commands(const Change& change) const {
    const bool remove = change.kind == Change::Kind::remove;
    const Value& config = remove ? change.before : change.after;
    const std::string begin = open_memory(change.identity) + place_of_mount(config) +
                              text_edit("/etc/fstab", change.identity, true) +
                              std::string(scripts::host_mount_functions) +
                              std::string(scripts::host_mount_edit);
    if (remove)
        return {{.script = begin + std::string(scripts::host_mount_remove) +
                           forget_memory(change.identity),
                 .step = "unmounting " + named(config, "path")}};
    const bool update = change.kind == Change::Kind::update;
    const bool fresh = update && std::find_if(change.changed.begin(), change.changed.end(),
                                              [](const std::string& name) {
                                                  return name == "options" || name == "fs";
                                              }) != change.changed.end();
    const auto flag = [](bool set) { return set ? "1" : "''"; };
    return {
        {.script = begin +
                   fmt::format("line={} type={} options={} mounted={} over={} old={} old_bind={} "
                               "fresh={}\n",
                               shell_quote(fstab_line(config)), shell_quote(config.text("fs")),
                               shell_quote(config.text("options")),
                               flag(config.flag("mounted", true)), flag(config.flag("over")),
                               shell_quote(update ? change.before.text("source") : ""),
                               flag(update && is_bind(change.before)), flag(fresh)) +
                   std::string(scripts::host_mount_set),
         .step = "mounting " + named(config, "path")}};
}
} // namespace

std::unique_ptr<ResourceType> make_host_mount() {
    return std::make_unique<HostMount>();
}

} // namespace hadeploy::ssh
