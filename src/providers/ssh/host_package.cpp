#include "core/text.h"
#include "providers/ssh/host.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
/// No name ends in '-': apt takes that for the wish to remove the package. What else apt gives a
/// meaning ("=1.2", "/stable", ":i386", "task^", patterns) has characters that no name has.
bool is_package_name(std::string_view name) {
    return name.size() >= 2 && std::isalnum(static_cast<unsigned char>(name.front())) &&
           name.back() != '-' &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789+.-") ==
               std::string_view::npos;
}

// `apt ARGS...`: apt-get that asks nothing, keeps changed configuration files, and waits for a
// lock. It waits for dpkg's lock by itself; the one on the lists only we can wait for.
constexpr std::string_view kApt = R"sh(export DEBIAN_FRONTEND=noninteractive
apt() {{
    waited=0
    while :; do
        log=$(timeout -k 10 {1} apt-get -q -y -o DPkg::Lock::Timeout={0} -o Dpkg::Options::=--force-confdef \
                  -o Dpkg::Options::=--force-confold --no-install-recommends "$@" 2>&1 </dev/null) && return
        case $? in
        124|137) log="apt-get $1 took longer than {1} s ($(printf %s "$log" | tail -n 1))"; return 1 ;;
        esac
        case $log in
        *'/var/lib/apt/lists/lock'*) [ "$waited" -lt {0} ] || return 1; sleep 2; waited=$((waited+2)) ;;
        *) return 1 ;;
        esac
    done
}}
)sh";

// apt takes a name that it does not know for a pattern where it has a '.', and takes a '+' at its
// end away: what it would install then is not what was asked for. Sets $unknown to the first such
// name.
constexpr std::string_view kExact = R"sh(exact() {
    unknown=
    for p in "$@"; do
        case $p in
        *.*|*+) [ "$(apt-cache pkgnames "$p" 2>/dev/null | grep -cxF -e "$p")" -gt 0 ] || { unknown=$p; return 1; } ;;
        esac
    done
}
install() {
    if exact "$@"; then apt install "$@"; else
        log="E: Unable to locate package $unknown"
        return 1
    fi
}
)sh";

// Package lists are fetched only when apt knows a package not at all, or in a version that is gone.
constexpr std::string_view kInstall =
    R"sh(have=" $(dpkg-query -W -f '${{db:Status-Status}}=${{Package}} ' -- {0} 2>/dev/null || :) "
missing=
for p in {0}; do
    case $have in *" installed=$p "*) ;; *) missing="$missing $p" ;; esac
done
if [ -n "$missing" ]; then
    for p in $missing; do hadeploy_note "$p"; done
    if ! install $missing; then
        case $log in
        *'Unable to locate package'*|*'no installation candidate'*|*'Failed to fetch'*|*'404 '*)
            apt update && install $missing || {{ printf '%s\n' "$log" >&2; exit 100; }} ;;
        *) printf '%s\n' "$log" >&2; exit 100 ;;
        esac
    fi
fi
)sh";

// Of the packages that we installed, $1... are to go, as far as they are there.
constexpr std::string_view kRemove = R"sh(gone=
for p in {0}; do
    case "$(dpkg-query -W -f '${{db:Status-Status}}' -- "$p" 2>/dev/null || :)" in
    installed) gone="$gone $p" ;;
    esac
done
if [ -n "$gone" ]; then
    apt remove $gone || {{ printf '%s\n' "$log" >&2; exit 100; }}
fi
)sh";

class HostPackage final : public SshType {
  public:
    HostPackage() {
        name = "host.package";
        summary = "Packages of the distribution on a host (apt).";
        doc = "Installs those that are missing, without recommended ones and without a question; "
              "changed configuration files are kept. The package lists are fetched only when apt "
              "does not find a package. While another package manager holds the lock it waits.\n\n"
              "A package that was removed by hand is installed again. Versions are not managed.\n\n"
              "Destroy removes the packages that were not there before, and leaves the others, "
              "dependencies and configuration files; with `keep` it removes none. A package that "
              "is taken out of the list is treated in the same way.";
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
                  {.name = "keep",
                   .type = TypeKind::boolean,
                   .doc = "Destroy leaves the packages installed.",
                   .steering = true,
                   .fallback = Value(false)},
                  {.name = "lock_timeout",
                   .type = TypeKind::duration,
                   .doc = "How long to wait for another package manager.",
                   .steering = true,
                   .fallback = Value(120'000)},
                  {.name = "timeout",
                   .type = TypeKind::duration,
                   .doc = "How long one run of apt may take before it is ended; a mirror may not "
                          "answer.",
                   .steering = true,
                   .fallback = Value(1'200'000),
                   .min = 1'000},
                  {.name = "versions",
                   .type = map_of(TypeKind::string),
                   .doc = "The installed version of each.",
                   .computed = true,
                   .follows = {"packages"}}};
        adopts = true;
        remove_may_leave = true;
    }

    void check(const Value& config, Problems& problems) const override {
        const Value& packages = config["packages"];
        if (!packages.is_list()) return;
        for (const Value& p : packages.as_list())
            if (p.is_string() && !is_package_name(p.as_string()))
                problems
                    .add(fmt::format("{} is not a package name", in_quotes(p.as_string())), p.loc())
                    .with_hint("small letters, digits, '+', '-' and '.' are allowed; a version "
                               "cannot be given, nor a '-' at the end, which would remove it");
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
               fmt::format("dpkg-query -W -f '${{db:Status-Status}} ${{Package}} ${{Version}}\\n' "
                           "-- {} 2>/dev/null\n[ $? -le 1 ]\n",
                           quoted(strings(request.config["packages"])));
    }

    Observation parse(const ReadRequest& request, const ProbeResult& result) const override {
        if (result.status != 0)
            return Observation::failed(
                Error(ErrorKind::failed, "there is no dpkg on the host")
                    .with_hint("packages are managed on Debian, Ubuntu and their relatives only"));
        const Answer answer(result.out);
        std::vector<std::string> there;
        Value::Map versions;
        for (const std::string& line : answer.all("installed")) {
            const std::vector<std::string> parts = words(line);
            if (parts.size() != 2) continue;
            there.push_back(parts[0]);
            versions.push_back({parts[0], parts[1]});
        }
        const Value packages =
            managed(strings(request.config["packages"]), there, unwanted(request, answer, there));
        if (packages.as_list().empty()) return Observation::absent();
        return Observation::present(
            Value::map({{"packages", packages}, {"versions", Value::map(std::move(versions))}}));
    }

    std::vector<Command> commands(const Change& change) const override {
        const bool remove = change.kind == Change::Kind::remove;
        const Value& config = remove ? change.before : change.after;
        const std::string prepare =
            open_memory(change.identity) +
            fmt::format(kApt, config.integer("lock_timeout", 120'000) / 1000, seconds_of(config));
        if (remove) return take_back(change, prepare);
        const std::vector<std::string> packages = strings(config["packages"]);
        const std::string names = fmt::format("{}", fmt::join(packages, ", "));
        std::vector<Command> all{
            {.script = prepare + std::string(kExact) + fmt::format(kInstall, quoted(packages)),
             .step = "installing " + names}};
        const std::map<std::string, std::string> left = left_to(change);
        if (!left.empty())
            all.push_back(
                {.script = prepare + hand_over(left) + forget_lines(names_of(left)),
                 .step = fmt::format("leaving {} to others", fmt::join(names_of(left), ", "))});
        std::vector<std::string> gone = no_longer(change);
        std::erase_if(gone, [&](const std::string& p) { return left.contains(p); });
        if (!gone.empty())
            all.push_back({.script = prepare + only_ours(gone) + fmt::format(kRemove, "$ours") +
                                     forget_lines(gone),
                           .step = fmt::format("removing {}", fmt::join(gone, ", "))});
        return all;
    }

  private:
    static std::int64_t seconds_of(const Value& config) {
        return config.integer("timeout", 1'200'000) / 1000;
    }

    /// Packages that this resource no longer wants and another one still does, with the identity of
    /// that one.
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

    /// What we have installed is noted for those that it stays for: the last of them removes it.
    static std::string hand_over(const std::map<std::string, std::string>& packages) {
        std::string script = "if [ -r \"$memory\" ]; then\n";
        for (const auto& [name, to] : packages)
            script +=
                fmt::format("if grep -qxF -e {0} \"$memory\" && ! grep -qxFs -e {0} {1}; then "
                            "(memory={1}; hadeploy_note {0}); fi\n",
                            shell_quote(name), shell_quote(memory_file(to)));
        return script + "fi\n";
    }

    /// Ours that are no longer in the list. Whether they are installed dpkg was not asked: the
    /// memory says so until we remove them.
    static std::vector<std::string> unwanted(const ReadRequest& request, const Answer& answer,
                                             std::vector<std::string>& there) {
        const std::vector<std::string> wanted = strings(request.config["packages"]);
        std::vector<std::string> ours;
        if (request.config.flag("keep")) return ours;
        for (const std::string& p : answer.all("memory"))
            if (std::find(wanted.begin(), wanted.end(), p) == wanted.end()) ours.push_back(p);
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

    /// Sets $ours: those of `packages` that the memory names.
    static std::string only_ours(const std::vector<std::string>& packages) {
        return fmt::format("ours=\nif [ -r \"$memory\" ]; then while read -r p; do "
                           "case ' {} ' in *\" $p \"*) ours=\"$ours $p\" ;; esac; "
                           "done <\"$memory\"; fi\n",
                           fmt::join(packages, " "));
    }

    static std::string forget_lines(const std::vector<std::string>& packages) {
        std::string script = "if [ -r \"$memory\" ]; then umask 077; { grep -vxF";
        for (const std::string& p : packages) script += " -e " + shell_quote(p);
        return script + " \"$memory\" || :; } >\"$memory.new\"; mv -f \"$memory.new\" \"$memory\"; "
                        "umask 022; fi\n";
    }

    std::vector<Command> take_back(const Change& change, const std::string& prepare) const {
        std::vector<std::string> packages = strings(change.before["packages"]);
        std::string script = forget_memory(change.identity);
        if (!change.before.flag("keep")) {
            const std::map<std::string, std::string> left = left_to(change);
            std::erase_if(packages, [&](const std::string& p) { return left.contains(p); });
            const std::string others = left.empty() ? "" : hand_over(left);
            const std::string remove =
                packages.empty() ? "" : only_ours(packages) + fmt::format(kRemove, "$ours");
            script = prepare + others + remove + script;
        }
        return {
            {.script = script,
             .step = fmt::format("removing what was installed of {}", fmt::join(packages, ", "))}};
    }
};
} // namespace

std::unique_ptr<ResourceType> make_host_package() {
    return std::make_unique<HostPackage>();
}

} // namespace hadeploy::ssh
