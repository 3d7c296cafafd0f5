#include "core/text.h"
#include "embedded/scripts.h"

#include "core/secrecy.h"
#include "providers/ssh/host.h"
#include "providers/ssh/shell_functions.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
/// A name cannot end in '-': apt reads that as a request to remove the package. apt's other special
/// forms ("=1.2", "/stable", ":i386", "task^", patterns) use characters that no package name has.
bool is_package_name(std::string_view name) {
    return name.size() >= 2 && std::isalnum(static_cast<unsigned char>(name.front())) &&
           name.back() != '-' &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789+.-") ==
               std::string_view::npos;
}

bool is_package_version(std::string_view text) {
    return !text.empty() && std::isdigit(static_cast<unsigned char>(text.front())) &&
           text.find_first_not_of(
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-:"
               "~") == std::string_view::npos;
}

/// The names in a Provides list, e.g. "awk, foo (= 1.2)".
std::vector<std::string> provided(std::string_view list) {
    std::vector<std::string> names;
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        const std::vector<std::string> parts = words(list.substr(0, comma));
        if (!parts.empty()) names.push_back(parts[0]);
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return names;
}

class HostPackage final : public SshType {
  public:
    HostPackage() {
        name = "host.package";
        summary = "Distribution packages on a host (apt).";
        doc =
            "Installs missing packages without recommended packages and without prompts; modified "
            "configuration files are kept. The package lists are fetched only if apt does not "
            "find a package. While another package manager holds the lock, hadeploy waits.\n\n"
            "A package that was removed by hand is installed again. Only versions under `pins` "
            "are managed: a different installed version is drift. In a cluster (managers of a "
            "swarm, peers of a replicated volume), pinned packages are upgraded one machine at a "
            "time. A member that depends on the package leaves the cluster first and rejoins "
            "afterwards. The next machine follows once the cluster is healthy.\n\n"
            "A virtual package counts as installed if a package that provides it is installed. An "
            "interrupted installation is completed first (`dpkg --configure -a`).\n\n"
            "Destroy removes the packages that hadeploy installed. It keeps packages that were "
            "there before, dependencies and configuration files. With `keep` it removes nothing. "
            "A package that is removed from the list is treated in the same way.";
        example = "tools:\n"
                  "  type: host.package\n"
                  "  host: ${node[\"node1\"].connection}\n"
                  "  packages: [rsync, jq]\n";
        Attribute packages{.name = "packages",
                           .type = list_of(TypeKind::string),
                           .doc = "Names of the packages.",
                           .required = true};
        packages.min = 1;
        schema = {host_attribute(),
                  packages,
                  {.name = "pins",
                   .type = map_of(TypeKind::string),
                   .doc = "Exact versions of some of the packages, as `apt-cache madison NAME` "
                          "lists them: `{docker.io: 26.1.5+dfsg1-9+b9}`. If the pinned version is "
                          "lower than the installed one, the package is downgraded.",
                   .default_value = Value::map({})},
                  {.name = "keep",
                   .type = TypeKind::boolean,
                   .doc = "Whether destroy leaves the packages installed.",
                   .operational = true,
                   .default_value = Value(false)},
                  {.name = "lock_timeout",
                   .type = TypeKind::duration,
                   .doc = "How long to wait for another package manager.",
                   .operational = true,
                   .default_value = Value(120'000)},
                  {.name = "timeout",
                   .type = TypeKind::duration,
                   .doc = "How long one run of apt may take before it is killed, for example when "
                          "a mirror does not respond.",
                   .operational = true,
                   .default_value = Value(1'200'000),
                   .min = 1'000},
                  {.name = "versions",
                   .type = map_of(TypeKind::string),
                   .doc = "The installed version of each package.",
                   .computed = true,
                   .follows = {"packages"}}};
        adopts = true;
        remove_may_leave = true;
    }

    void check(const Value& config, Diagnostics& diagnostics) const override {
        const Value& packages = config["packages"];
        if (!packages.is_list()) return;
        for (const Value& p : packages.as_list())
            if (p.is_string() && !is_package_name(p.as_string()))
                diagnostics.add(fmt::format("{} is not a package name", quoted(p)), p.loc())
                    .with_hint(
                        "lower-case letters, digits, '+', '-' and '.' are allowed; a version "
                        "belongs under `pins`, and a '-' at the end would remove the package");
        check_pins(config, diagnostics);
    }

    bool restarts(const Value& before, const Value& after) const override {
        if (!before["pins"].is_map() || !after["pins"].is_map()) return false;
        const Value::Map& pins = after["pins"].as_map();
        return std::any_of(pins.begin(), pins.end(), [&](const Entry& pin) {
            const Value* installed = before["pins"].find(pin.key);
            return installed != nullptr && *installed != pin.value;
        });
    }

    std::vector<std::string> shares(const Value& config) const override {
        std::vector<std::string> out;
        if (config["packages"].contains_unknown()) return out;
        for (const std::string& p : strings(config["packages"]))
            for (std::string& name : claim(config, "package " + p, {}))
                out.push_back(std::move(name));
        return out;
    }

    std::string probe(const ReadRequest& request) const override {
        return print_memory(request.identity) +
               fmt::format("set -- {}\n{}", quoted(strings(request.config["packages"])),
                           scripts::host_package_probe);
    }

    Observation parse(const ReadRequest& request, const ProbeResult& result) const override {
        if (result.status == 127)
            return Observation::failed(
                Error(ErrorKind::failed, "there is no dpkg on the host")
                    .with_hint("host.package supports only Debian, Ubuntu and their derivatives"));
        if (result.status != 0) {
            Observation unread = cannot_look("the list of packages", result);
            unread.error->with_hint("dpkg must work on the host; `dpkg --configure -a` completes "
                                    "an interrupted installation");
            return unread;
        }
        const Answer answer(result.out);
        std::vector<std::string> there;
        Value::Map versions;
        for (const std::string& line : answer.all("installed")) {
            const std::vector<std::string> parts = words(line);
            if (parts.size() != 2) continue;
            there.push_back(parts[0]);
            versions.push_back({parts[0], parts[1]});
        }
        const std::vector<std::string> wanted = strings(request.config["packages"]);
        add_provided(wanted, answer, there, versions);
        const Value packages = managed(wanted, there, unwanted(request, answer, there));
        if (packages.as_list().empty()) return Observation::absent();
        const Value installed = Value::map(std::move(versions));
        Value::Map pins;
        if (request.config["pins"].is_map())
            for (const Entry& pin : request.config["pins"].as_map())
                if (const Value* version = installed.find(pin.key))
                    pins.push_back({pin.key, *version});
        return Observation::present(Value::map({{"packages", packages},
                                                {"pins", Value::map(std::move(pins))},
                                                {"versions", installed}}));
    }

    std::vector<Command> commands(const Change& change) const override {
        const bool remove = change.kind == Change::Kind::remove;
        const Value& config = remove ? change.before : change.after;
        const std::string prepare = open_memory(change.identity) +
                                    apt_functions(config.integer("lock_timeout", 120'000),
                                                  config.integer("timeout", 1'200'000)) +
                                    std::string(scripts::host_package_dpkg);
        if (remove) return take_back(change, prepare);
        const std::vector<std::string> packages = strings(config["packages"]);
        std::vector<Command> all{
            {.script = prepare + std::string(scripts::host_package_exact) +
                       fmt::format("pins={}\nset -- {}\n{}", shell_quote(pins_of(config)),
                                   quoted(packages), scripts::host_package_install),
             .step = "installing " + shown(change, packages)}};
        const std::map<std::string, std::string> left = left_to(change);
        if (!left.empty())
            all.push_back({.script = prepare + hand_over(left) + forget_lines(names_of(left)),
                           .step = fmt::format("handing {} over to other resources",
                                               shown(change, names_of(left)))});
        std::vector<std::string> gone = no_longer(change);
        std::erase_if(gone, [&](const std::string& p) { return left.contains(p); });
        if (!gone.empty())
            all.push_back({.script = prepare + only_ours(gone) +
                                     std::string(scripts::host_package_remove) + forget_lines(gone),
                           .step = "removing " + shown(change, gone)});
        return all;
    }

  private:
    static void check_pins(const Value& config, Diagnostics& diagnostics) {
        if (!config["pins"].is_map() || config["packages"].contains_unknown()) return;
        const std::vector<std::string> packages = strings(config["packages"]);
        for (const Entry& pin : config["pins"].as_map()) {
            if (std::find(packages.begin(), packages.end(), pin.key) == packages.end())
                diagnostics.add(
                    fmt::format("{} has a pin, but is not in `packages`", in_quotes(pin.key)),
                    pin.loc);
            if (pin.value.is_string() && !is_package_version(pin.value.as_string()))
                diagnostics
                    .add(fmt::format("{} is not a version of a package", quoted(pin.value)),
                         pin.value.loc())
                    .with_hint("write the complete version, without wildcards, as `apt-cache "
                               "madison " +
                               pin.key + "` lists it");
        }
    }

    /// "docker.io=26.1 jq=1.7"
    static std::string pins_of(const Value& config) {
        std::string out;
        if (config["pins"].is_map())
            for (const Entry& pin : config["pins"].as_map())
                out +=
                    fmt::format("{}{}={}", out.empty() ? "" : " ", pin.key, pin.value.as_string());
        return out;
    }

    /// Packages that this resource no longer lists but a different resource does, with the identity
    /// of that resource.
    static std::map<std::string, std::string> left_to(const Change& change) {
        std::map<std::string, std::string> out;
        if (change.left_to.empty()) return out;
        for (const std::string& p : strings(change.before["packages"]))
            for (const std::string& name : claim(change.before, "package " + p, {}))
                if (const auto it = change.left_to.find(name); it != change.left_to.end())
                    out[p] = it->second;
        return out;
    }

    static std::vector<std::string> names_of(const std::map<std::string, std::string>& packages) {
        std::vector<std::string> out;
        for (const auto& [name, to] : packages) out.push_back(name);
        return out;
    }

    /// Copies our notes to the resources that still use the packages, so that the last of these
    /// resources removes the packages.
    static std::string hand_over(const std::map<std::string, std::string>& packages) {
        std::string script = "if [ -r \"$memory\" ]; then while read -r p q; do case $p in\n";
        for (const auto& [name, to] : packages)
            script += fmt::format("{0}) grep -qxFs -e \"$p${{q:+ $q}}\" {1} || "
                                  "(memory={1}; hadeploy_note \"$p${{q:+ $q}}\") ;;\n",
                                  shell_quote(name), shell_quote(memory_file(to)));
        return script + "esac; done <\"$memory\"; fi\n";
    }

    /// Adds the desired packages that are installed only through a package that provides them.
    static void add_provided(const std::vector<std::string>& wanted, const Answer& answer,
                             std::vector<std::string>& there, Value::Map& versions) {
        for (const std::string& line : answer.all("provider")) { // STATUS PACKAGE VERSION NAMES
            const std::vector<std::string> parts = words(line);
            if (parts.size() < 4 || parts[0] != "installed") continue;
            const std::size_t names = line.find(' ' + parts[2] + ' ') + parts[2].size() + 2;
            for (const std::string& name : provided(std::string_view(line).substr(names))) {
                if (std::find(wanted.begin(), wanted.end(), name) == wanted.end() ||
                    std::find(there.begin(), there.end(), name) != there.end())
                    continue;
                there.push_back(name);
                versions.push_back({name, parts[2]});
            }
        }
    }

    /// Packages that we installed and that are no longer in the list. dpkg is not queried for them,
    /// because the notes list them until we remove them.
    static std::vector<std::string> unwanted(const ReadRequest& request, const Answer& answer,
                                             std::vector<std::string>& there) {
        const std::vector<std::string> wanted = strings(request.config["packages"]);
        std::vector<std::string> ours;
        if (request.config.flag("keep")) return ours;
        for (const std::string& p : answer.all("memory"))
            if (p.find(' ') == std::string::npos &&
                std::find(wanted.begin(), wanted.end(), p) == wanted.end())
                ours.push_back(p);
        there.insert(there.end(), ours.begin(), ours.end());
        return ours;
    }

    static std::vector<std::string> no_longer(const Change& change) {
        const std::vector<std::string> wanted = strings(change.after["packages"]);
        std::vector<std::string> gone;
        for (const std::string& p : strings(change.before["packages"]))
            if (std::find(wanted.begin(), wanted.end(), p) == wanted.end()) gone.push_back(p);
        return gone;
    }

    /// Sets $ours to those of `packages` that are in the notes.
    static std::string only_ours(const std::vector<std::string>& packages) {
        return fmt::format("ours=\nif [ -r \"$memory\" ]; then while read -r p q; do "
                           "case ' {} ' in *\" $p \"*) ours=\"$ours $p\" ;; esac; "
                           "done <\"$memory\"; fi\n",
                           fmt::join(packages, " "));
    }

    static std::string forget_lines(const std::vector<std::string>& packages) {
        return fmt::format("if [ -r \"$memory\" ]; then umask 077\n"
                           "    while read -r p q; do case ' {} ' in *\" $p \"*) ;;\n"
                           "    *) echo \"$p${{q:+ $q}}\" ;; esac; done <\"$memory\" "
                           ">\"$memory.new\"\n"
                           "    mv -f \"$memory.new\" \"$memory\"; umask 022\nfi\n",
                           fmt::join(packages, " "));
    }

    static std::string shown(const Change& change, const std::vector<std::string>& packages) {
        const std::string names = fmt::format("{}", fmt::join(packages, ", "));
        return redacted(change.before["packages"], redacted(change.after["packages"], names));
    }

    std::vector<Command> take_back(const Change& change, const std::string& prepare) const {
        std::vector<std::string> packages = strings(change.before["packages"]);
        std::string script = forget_memory(change.identity);
        if (!change.before.flag("keep")) {
            const std::map<std::string, std::string> left = left_to(change);
            std::erase_if(packages, [&](const std::string& p) { return left.contains(p); });
            const std::string others = left.empty() ? "" : hand_over(left);
            const std::string remove =
                packages.empty() ? ""
                                 : only_ours(packages) + std::string(scripts::host_package_remove);
            script = prepare + others + remove + script;
        }
        return {{.script = script, .step = "removing packages " + shown(change, packages)}};
    }
};
} // namespace

std::unique_ptr<ResourceType> make_host_package() {
    return std::make_unique<HostPackage>();
}

} // namespace hadeploy::ssh
