#include "core/content.h"
#include "core/hash.h"
#include "core/secrecy.h"
#include "providers/ssh/host.h"
#include "providers/ssh/host_path.h"
#include "providers/ssh/place.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
constexpr std::int64_t kMostBytes = std::int64_t{64} << 30; ///< limit for `source`

class HostFile final : public SshType {
  public:
    HostFile() {
        name = "host.file";
        summary = "A file on a host, with its content, owner and mode.";
        doc = "The file is replaced atomically: a reader sees the old content or the new content, "
              "even after a crash. The parent directory must exist (see host.directory).\n\n"
              "Changes made by hand to content, owner, group or mode are detected and reverted; "
              "the content is compared by its SHA-256. An existing file is adopted: the plan "
              "reports this, and the content is replaced. A symbolic link at `path` is replaced "
              "by the file. A symbolic link in a parent directory is followed only if nobody but "
              "root could have created it, so that a user who owns such a directory cannot "
              "redirect the file. For the same reason a change of the owner writes the file again "
              "instead of changing the owner of the existing file.\n\n"
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
                   .doc = "Path of the file on the host.",
                   .required = true,
                   .replaces = true},
                  {.name = "content",
                   .type = TypeKind::string,
                   .doc = "The content of the file. Set either this or `source`."},
                  {.name = "source",
                   .type = TypeKind::local_path,
                   .doc = "A file on this machine to copy, at most 64 GiB. Set either this or "
                          "`content`. A symbolic link in its path must belong to root or to the "
                          "user who runs hadeploy.",
                   .operational = true},
                  {.name = "owner",
                   .type = TypeKind::account,
                   .doc = "The owner, by name or number.",
                   .default_value = Value("root")},
                  {.name = "group",
                   .type = TypeKind::account,
                   .doc = "The owning group, by name or number.",
                   .default_value = Value("root")},
                  {.name = "mode",
                   .type = TypeKind::mode,
                   .doc = "Permissions, as a quoted octal number.",
                   .default_value = Value("0644")},
                  {.name = "sha256",
                   .type = TypeKind::string,
                   .doc = "SHA-256 of the content.",
                   .computed = true,
                   .follows = {"content", "source"}}};
        adopts = true;
        verified = {"sha256", "owner", "group", "mode"};
    }

    void check(const Value& config, Diagnostics& diagnostics) const override {
        if (config["content"].is_null() == config["source"].is_null())
            diagnostics.add("a host.file needs either `content` or `source`", config.loc());
    }

    Value derive(const Value& config) const override { return content_digest(config, kMostBytes); }

    std::vector<std::string> claims(const Value& config) const override {
        return claim(config, config.text("path"), {"path"});
    }

    std::string probe(const ReadRequest& request) const override {
        const std::string path = request.config.text("path");
        const auto size = content_size(request.config);
        return probe_path(
            path, "-f", fmt::format("hadeploy_hash \"$n\" '{}'", size ? fmt::to_string(*size) : ""),
            request.recorded == nullptr ? ":" : look_for_leftovers(request.identity));
    }

    Observation parse(const ReadRequest& request, const ProbeResult& result) const override {
        const std::string path = request.config.text("path");
        const Answer answer(result.out);
        Observation seen = parse_path(request.config, "a regular file", result);
        if (seen.state == Observation::State::absent && answer.has("left"))
            return Observation::present(Value::map({{"path", path}}));
        if (answer.has("nowhere")) seen.lacks = directory_of(path);
        if (seen.state != Observation::State::present) return seen;
        if (answer.has("unread"))
            return Observation::failed(
                Error(ErrorKind::conflict,
                      fmt::format("{} has {} bytes and could not be read within 15 minutes", path,
                                  answer.first("size")))
                    .with_hint("remove it, or choose a different path"));
        std::string hash = answer.first("sha256");
        if (hash.ends_with("  -")) hash.resize(hash.size() - 3); // the output of sha256sum
        seen.attributes = seen.attributes.with("sha256", hash.empty() ? "(none)" : hash);
        // Equal hashes mean equal content, even for a file that is not in the state yet.
        const Value& content = request.config["content"];
        if (content.is_string() && sha256_hex(content.as_string()) == hash)
            seen.attributes = seen.attributes.with("content", content);
        return seen;
    }

    std::vector<Command> commands(const Change& change) const override {
        if (change.kind == Change::Kind::remove) {
            const std::string path = change.before.text("path");
            return {{.script = remove_file(path, change.identity),
                     .step = "removing " + named(change.before, "path")}};
        }
        const bool same_content =
            change.kind == Change::Kind::update &&
            std::all_of(change.changed.begin(), change.changed.end(), [](const std::string& n) {
                return n == "owner" || n == "group" || n == "mode";
            });
        const Value& after = change.after;
        const std::string path = after.text("path");
        if (same_content && !is_given_away(change))
            return {{.script = own_file(path, change.identity, owner_of(after), after.text("mode"),
                                        change.before.text("sha256")),
                     .step = "setting owner and mode of " + named(after, "path")}};
        return {write(after, change.identity)};
    }

  private:
    /// A user may have placed the file in their directory to get ownership of it. If its content
    /// matches the spec, a new file replaces it. Content that the spec ignores has to stay.
    static bool is_given_away(const Change& change) {
        const Value& before = change.before;
        return before.text("owner") != change.after.text("owner") && before["sha256"].is_string() &&
               before["sha256"] == change.after["sha256"];
    }

    /// Reports temporary files of an interrupted write if the file is missing: removal deletes
    /// them.
    static std::string look_for_leftovers(const std::string& identity) {
        return fmt::format("for l in ./.hadeploy-{0} ./.hadeploy-{0}.*; do [ ! -e \"$l\" ] || echo "
                           "left; done",
                           identity);
    }

    static Command write(const Value& file, const std::string& identity) {
        const std::string path = file.text("path");
        Command command;
        command.step = "writing " + named(file, "path");
        std::string sha256;
        if (file["content"].is_string()) {
            command.input = file["content"].as_string();
            if (!travels_in_script(command.input)) sha256 = file.text("sha256");
        } else {
            command.input_file = file.text("source");
            sha256 = file.text("sha256");
        }
        command.script = put_file(path, identity, owner_of(file), file.text("mode"), sha256);
        return command;
    }
};
} // namespace

std::unique_ptr<ResourceType> make_host_file() {
    return std::make_unique<HostFile>();
}

} // namespace hadeploy::ssh
