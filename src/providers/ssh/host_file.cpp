#include "core/content.h"
#include "core/hash.h"
#include "providers/ssh/host.h"
#include "providers/ssh/host_path.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
class HostFile final : public SshType {
  public:
    HostFile() {
        name = "host.file";
        summary = "A file on a host, with its content, owner and mode.";
        doc = "The file is replaced as a whole: whoever reads it sees the old content or the new "
              "one, even after a crash. Its directory has to exist (see host.directory).\n\n"
              "A content, owner, group or mode that was changed by hand is seen by its SHA-256 and "
              "by stat, and set back. A file that is already there as wanted is taken over. A "
              "symbolic link of that name is replaced by the file.\n\n"
              "Destroy removes the file.";
        example = "motd:\n"
                  "  type: host.file\n"
                  "  host: ${node[\"node1\"].connection}\n"
                  "  path: /etc/motd\n"
                  "  content: |\n"
                  "    Managed by hadeploy.\n";
        schema = {host_attribute(),
                  {.name = "path",
                   .type = TypeKind::path,
                   .doc = "Where the file is on the host.",
                   .required = true,
                   .replaces = true},
                  {.name = "content",
                   .type = TypeKind::string,
                   .doc = "The text of the file. Either this or `source`."},
                  {.name = "source",
                   .type = TypeKind::local_path,
                   .doc = "A file of this machine to copy. Either this or `content`.",
                   .steering = true},
                  {.name = "owner",
                   .type = TypeKind::account,
                   .doc = "Name of the user who owns it.",
                   .fallback = Value("root")},
                  {.name = "group",
                   .type = TypeKind::account,
                   .doc = "Name of the owning group.",
                   .fallback = Value("root")},
                  {.name = "mode",
                   .type = TypeKind::mode,
                   .doc = "Permissions, a quoted octal.",
                   .fallback = Value("0644")},
                  {.name = "sha256",
                   .type = TypeKind::string,
                   .doc = "SHA-256 of the content.",
                   .computed = true,
                   .follows = {"content", "source"}}};
        adopts = true;
    }

    void check(const Value& config, Problems& problems) const override {
        if (config["content"].is_null() == config["source"].is_null())
            problems.add("a host.file needs either `content` or `source`", config.loc());
    }

    Value derive(const Value& config) const override { return content_digest(config); }

    std::vector<std::string> claims(const Value& config) const override {
        return claim(config, config.text("path"), {"path"});
    }

    std::string probe(const ReadRequest& request) const override {
        const std::string path = request.config.text("path");
        // Whether a power cut left the file half written; who writes it anew removes that anyway.
        const std::string left = request.recorded == nullptr
                                     ? ""
                                     : fmt::format("[ ! -e {} ] || echo left\n",
                                                   shell_quote(temporary(path, request.identity)));
        return probe_path(path, "-f", "h=$(sha256sum <\"$p\") && echo \"sha256 ${h%% *}\"") + left;
    }

    Observation parse(const ReadRequest& request, const ProbeResult& result) const override {
        const std::string path = request.config.text("path");
        const Answer answer(result.out);
        Observation seen = parse_path(path, "a regular file", result);
        if (seen.state == Observation::State::absent && answer.has("left"))
            return Observation::present(Value::map({{"path", path}}));
        if (seen.state != Observation::State::present) return seen;
        const std::string hash = answer.first("sha256");
        seen.attributes = seen.attributes.with("sha256", hash.empty() ? "(none)" : hash);
        // The same hash is the same content, also of a file that the state does not know yet.
        const Value& content = request.config["content"];
        if (content.is_string() && sha256_hex(content.as_string()) == hash)
            seen.attributes = seen.attributes.with("content", content);
        return seen;
    }

    std::vector<Command> commands(const Change& change) const override {
        if (change.kind == Change::Kind::remove) {
            const std::string path = change.before.text("path");
            return {{.script = fmt::format("rm -f -- {} {}", shell_quote(path),
                                           shell_quote(temporary(path, change.identity))),
                     .step = "removing " + path}};
        }
        const bool same_content =
            change.kind == Change::Kind::update &&
            std::all_of(change.changed.begin(), change.changed.end(), [](const std::string& n) {
                return n == "owner" || n == "group" || n == "mode";
            });
        if (same_content) return {set_owner_and_mode(change.after)};
        return {write(change.after, change.identity)};
    }

  private:
    static std::string directory_of(const std::string& path) {
        return path.substr(0, std::max<std::size_t>(path.rfind('/'), 1));
    }

    /// What the file is called until it is whole.
    static std::string temporary(const std::string& path, const std::string& identity) {
        const std::string directory = directory_of(path);
        return fmt::format("{}/.hadeploy-{}", directory == "/" ? "" : directory, identity);
    }

    static Command write(const Value& file, const std::string& identity) {
        const std::string path = file.text("path");
        Command command;
        command.step = "writing " + path;
        command.script = fmt::format(
            "p={} t={} d={}\n"
            "trap 'rm -f -- \"$t\"' EXIT\n"
            "rm -f -- \"$t\"\n"
            "umask 077; set -C; cat >\"$t\"; set +C\n"
            // What was cut off on its way must not take the old file's place.
            "h=$(sha256sum <\"$t\")\n"
            "[ \"${{h%% *}}\" = {} ] || {{ echo \"$p arrived incomplete\" >&2; exit 1; }}\n"
            "chown -- {} \"$t\"; chmod {} \"$t\"\n"
            "sync -- \"$t\"; mv -fT -- \"$t\" \"$p\"; sync -- \"$d\"\n"
            "trap - EXIT\n",
            shell_quote(path), shell_quote(temporary(path, identity)),
            shell_quote(directory_of(path)), file.text("sha256"),
            shell_quote(file.text("owner") + ":" + file.text("group")), file.text("mode"));
        if (file["content"].is_string())
            command.input = file["content"].as_string();
        else
            command.input_file = file.text("source");
        return command;
    }
};
} // namespace

std::unique_ptr<ResourceType> make_host_file() {
    return std::make_unique<HostFile>();
}

} // namespace hadeploy::ssh
