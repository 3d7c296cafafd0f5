#include "core/secrecy.h"
#include "embedded/scripts.h"
#include "providers/ssh/host.h"
#include "providers/ssh/place.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
bool is_hex_commit(std::string_view ref) {
    return ref.size() >= 7 && ref.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// A name of a branch or a tag (git-check-ref-format), or a commit.
bool is_ref(std::string_view ref) {
    return !ref.empty() && ref.front() != '-' && ref.front() != '/' && ref.back() != '/' &&
           ref.back() != '.' && ref.find("..") == std::string_view::npos &&
           ref.find("//") == std::string_view::npos && ref.find("@{") == std::string_view::npos &&
           std::all_of(ref.begin(), ref.end(), [](char c) {
               return static_cast<unsigned char>(c) > ' ' && c != '\x7f' &&
                      std::string_view("~^:?*[\\").find(c) == std::string_view::npos;
           });
}

/// Whether git reads this address without running a program. An address with ext:: names a program
/// that git runs.
bool is_repository(std::string_view address) {
    if (address.find_first_of(" \t") != std::string_view::npos) return false;
    for (const std::string_view scheme : {"https://", "http://", "ssh://", "git://", "file:///"})
        if (address.starts_with(scheme)) return address.size() > scheme.size();
    if (address.starts_with('/')) return true;
    const std::size_t colon = address.find(':'); // user@host:path
    return colon != std::string_view::npos && colon > 0 && address.front() != '-' &&
           address.find("::") == std::string_view::npos &&
           address.substr(0, colon).find('/') == std::string_view::npos;
}

/// Whether the address has a password: https://user:password@host/.
bool has_password(std::string_view address) {
    const std::size_t begin = address.find("://");
    if (begin == std::string_view::npos) return false;
    const std::string_view host =
        address.substr(begin + 3, address.find('/', begin + 3) - begin - 3);
    const std::size_t at = host.rfind('@');
    return at != std::string_view::npos &&
           (host.substr(0, at).find(':') != std::string_view::npos || address.starts_with("http"));
}

class HostGit final : public SshType {
  public:
    HostGit();
    void check(const Value& config, Diagnostics& diagnostics) const override;
    std::vector<std::string> claims(const Value& config) const override {
        return claim(config, config.text("path"), {"path"});
    }
    bool is_left(const Value& config) const override { return config.flag("keep"); }
    std::optional<DataLoss> held_data(const Value& tree) const override {
        if (!tree.flag("discard_changes") || tree.flag("keep")) return {};
        return DataLoss{fmt::format("the work tree {} on {} and local changes in it",
                                    named(tree, "path"), named(tree["host"], "address"))};
    }
    std::string probe(const ReadRequest& request) const override;
    Observation parse(const ReadRequest& request, const ProbeResult& result) const override;
    std::vector<Command> commands(const Change& change) const override;

  private:
    static std::string begin(const Value& config);
};

HostGit::HostGit() {
    name = "host.git";
    summary = "A work tree of a git repository on a host, at a branch, tag or commit.";
    doc =
        "Checks out the commit of `ref` as a detached HEAD. A branch or tag is looked up at the "
        "origin when the resource is created or changed; with `follow`, also in every plan. git "
        "runs as `owner`, and never as root in a directory that a different user owns. Submodules "
        "are not fetched.\n\n"
        "Drift that is repaired: a different HEAD, a different origin, and changed or deleted "
        "tracked files. Local changes are kept: if tracked files were changed, or HEAD has commits "
        "that no branch of the origin contains, apply fails and the error names the changes. With "
        "`discard_changes`, apply discards such changes. Untracked files are never removed.\n\n"
        "The private key is on the host only while git runs, and never on a command line. The host "
        "key of the SSH server has to be in `known_hosts`, or already known to `owner`.\n\n"
        "Destroy removes the work tree if hadeploy created it, unless it has local changes, "
        "commits or untracked files. With `keep`, the work tree stays.";
    example = "configs:\n"
              "  type: host.git\n"
              "  host: ${node[\"node1\"].connection}\n"
              "  path: /srv/configs\n"
              "  repository: https://example.org/configs.git\n"
              "  ref: v1.4\n";
    schema = {host_attribute(),
              {.name = "path",
               .type = TypeKind::path,
               .doc = "The work tree. It is created, with its parent directories.",
               .required = true,
               .replaces = true},
              {.name = "repository",
               .type = TypeKind::line,
               .doc = "Address of the repository: https, ssh (`git@HOST:PATH`), or a path on the "
                      "host.",
               .required = true},
              {.name = "ref",
               .type = TypeKind::line,
               .doc = "A branch, a tag, or a commit.",
               .required = true},
              {.name = "owner",
               .type = TypeKind::account,
               .doc = "The user who owns the work tree and runs git.",
               .replaces = true,
               .default_value = Value("root")},
              {.name = "follow",
               .type = TypeKind::boolean,
               .doc = "Every plan asks the origin whether the branch or tag has moved.",
               .operational = true,
               .default_value = Value(false)},
              {.name = "private_key",
               .type = TypeKind::string,
               .doc = "A private key for SSH, without a passphrase.",
               .secret = true,
               .operational = true},
              {.name = "known_hosts",
               .type = TypeKind::string,
               .doc = "Lines of a known_hosts file with the key of the SSH server.",
               .operational = true},
              {.name = "discard_changes",
               .type = TypeKind::boolean,
               .doc = "Discard changes of tracked files and local commits; destroy removes "
                      "untracked files, too.",
               .operational = true,
               .default_value = Value(false)},
              {.name = "keep",
               .type = TypeKind::boolean,
               .doc = "Destroy leaves the work tree on the host.",
               .operational = true,
               .default_value = Value(false)},
              {.name = "commit",
               .type = TypeKind::string,
               .doc = "The commit that is checked out.",
               .computed = true,
               .tracked = true,
               .open = true,
               .changes_on_update = true},
              {.name = "changes",
               .type = list_of(TypeKind::string),
               .doc = "Tracked files with local changes, as in `git status --short`.",
               .computed = true,
               .tracked = true}};
    adopts = true;
    remove_may_leave = true;
    verified = {"repository", "ref"};
    bound_steps(std::chrono::minutes(10));
}

void HostGit::check(const Value& config, Diagnostics& diagnostics) const {
    const Value &repository = config["repository"], &ref = config["ref"];
    if (repository.is_string() && has_password(repository.as_string()))
        diagnostics
            .add("`repository` contains a password or a token, which the host would store in the "
                 "work tree",
                 repository.loc())
            .with_hint("use an SSH address with `private_key`");
    else if (repository.is_string() && !is_repository(repository.as_string()))
        diagnostics
            .add(fmt::format("{} is not the address of a repository", quoted(repository)),
                 repository.loc())
            .with_hint("for example https://HOST/PATH, git@HOST:PATH or /PATH/ON/THE/HOST");
    if (ref.is_string() && !is_ref(ref.as_string()))
        diagnostics.add(fmt::format("{} is not a branch, tag or commit", quoted(ref)), ref.loc());
    const Value& key = config["private_key"];
    if (key.is_string() && key.as_string().find("PRIVATE KEY-----") == std::string::npos)
        diagnostics.add("`private_key` is not a private key", key.loc())
            .with_hint("it is the text of a key file: -----BEGIN OPENSSH PRIVATE KEY-----");
    if (ref.is_string() && config.flag("follow") && is_hex_commit(ref.as_string()) &&
        ref.as_string().size() == 40)
        diagnostics.add("a commit does not move, so `follow` has no effect", config["follow"].loc())
            .with_hint("leave out `follow`, or give a branch or a tag as `ref`");
}

std::string HostGit::begin(const Value& config) {
    return fmt::format("path={} owner={} url={} ref={} discard={} key={} known_hosts={}\n{}",
                       shell_quote(config.text("path")), shell_quote(config.text("owner", "root")),
                       shell_quote(config.text("repository")), shell_quote(config.text("ref")),
                       config.flag("discard_changes") ? "1" : "''",
                       shell_quote(config.text("private_key")),
                       shell_quote(config.text("known_hosts")), scripts::host_git_functions);
}

std::string HostGit::probe(const ReadRequest& request) const {
    const bool follow = request.config.flag("follow");
    Value config = request.config;
    if (!follow) config = config.without("private_key").without("known_hosts");
    return fmt::format("[ -e {} ] || exit 0\n", shell_quote(config.text("path"))) + begin(config) +
           fmt::format("follow={}\n", follow ? "1" : "''") + std::string(scripts::host_git_probe);
}

Observation HostGit::parse(const ReadRequest& request, const ProbeResult& result) const {
    const Value& config = request.config;
    const std::string place = named(config, "path");
    if (result.status != 0) return cannot_look("the work tree " + place, result);
    const Answer answer(result.out);
    if (answer.has("occupied"))
        return Observation::failed(
            Error(ErrorKind::conflict,
                  fmt::format("{} is not empty, and is not a work tree of git", place))
                .with_hint("move its contents, or choose a different path"));
    if (!answer.has("tree")) return Observation::absent();
    const std::string head = answer.first("tree"), wanted = config.text("ref");
    const Value recorded = request.recorded != nullptr ? request.recorded->attributes : Value();
    std::string ref = wanted;
    if (recorded.text("ref") != wanted && (head.empty() || answer.first("local") != head))
        ref = !recorded.text("ref").empty() ? recorded.text("ref")
              : head.empty()                ? "(no commit)"
                                            : fmt::format("(HEAD is at {})", head.substr(0, 12));
    std::string remote; // a branch, else the commit of a tag, else the tag
    for (const std::string& line : answer.all("remote")) {
        const std::vector<std::string> parts = words(line);
        if (parts.size() != 2) continue;
        const bool first = parts[1].starts_with("refs/heads/");
        if (remote.empty() || first || parts[1].ends_with("^{}")) remote = parts[0];
        if (first) break;
    }
    if (config.flag("follow") && remote != head)
        ref = remote.empty() ? "(not at the origin)"
                             : fmt::format("{} (now at {})", wanted, remote.substr(0, 12));
    return Observation::present(Value::map({{"path", config["path"]},
                                            {"repository", answer.first("origin")},
                                            {"ref", ref},
                                            {"owner", config["owner"]},
                                            {"commit", head},
                                            {"changes", list_of_strings(answer.all("change"))}}));
}

std::vector<Command> HostGit::commands(const Change& change) const {
    if (change.kind == Change::Kind::remove) {
        const Value& before = change.before;
        if (before.flag("keep")) return {{.script = forget_memory(change.identity)}};
        const std::string path = before.text("path");
        return {{.script = open_memory(change.identity) +
                           begin(before.without("private_key").without("known_hosts")) +
                           fmt::format("directory={} n={}\n", shell_quote(directory_of(path)),
                                       shell_quote(name_of(path))) +
                           std::string(scripts::host_git_remove) + forget_memory(change.identity),
                 .step = "removing " + named(before, "path")}};
    }
    return {{.script = open_memory(change.identity) + begin(change.after) +
                       std::string(scripts::host_git_set),
             .step = fmt::format("checking out {} in {}", named(change.after, "ref"),
                                 named(change.after, "path"))}};
}
} // namespace

std::unique_ptr<ResourceType> make_host_git() {
    return std::make_unique<HostGit>();
}

} // namespace hadeploy::ssh
