#include "core/secrecy.h"
#include "embedded/scripts.h"
#include "providers/ssh/host.h"
#include "providers/ssh/line_file.h"
#include "providers/ssh/place.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hadeploy::ssh {

namespace {
class HostLine final : public SshType {
  public:
    HostLine() {
        name = "host.line";
        summary = "A line in a text file on a host.";
        doc = "Makes sure that the file contains this line, and leaves all other lines unchanged. "
              "With `regexp`, the line replaces the existing line that matches. If several lines "
              "match, the first one is replaced and the others are removed, so that the file "
              "contains the setting once. The file is replaced atomically; it keeps its owner and "
              "its mode, and gets a newline at its end.\n\n"
              "A line that is missing, or that was changed by hand but still matches `regexp`, is "
              "drift and is repaired. Its position is not compared.\n\n"
              "Destroy removes the line, or restores the lines that it replaced. If the line was "
              "in the file before hadeploy, it stays. An existing file of more than 1 MiB, a "
              "symbolic link, and a file with several hard links are refused.";
        example = "no_passwords:\n"
                  "  type: host.line\n"
                  "  host: ${node[\"node1\"].connection}\n"
                  "  path: /etc/ssh/sshd_config\n"
                  "  regexp: \"^#?PasswordAuthentication \"\n"
                  "  line: PasswordAuthentication no\n";
        schema = file_part_attributes();
        schema.insert(schema.begin(), host_attribute());
        schema.insert(
            schema.begin() + 2,
            {{.name = "line", .type = TypeKind::line, .doc = "The line.", .required = true},
             {.name = "regexp",
              .type = TypeKind::line,
              .doc = "An extended regular expression (as of `grep -E`) for the lines to replace. "
                     "It has to match `line` too.",
              .operational = true}});
        adopts = true;
        remove_may_leave = true;
        verified = {"line"};
    }

    void check(const Value& config, Diagnostics& diagnostics) const override {
        check_file_part(config, diagnostics);
        const Value &line = config["line"], &regexp = config["regexp"];
        if (line.is_string() && line.as_string().empty())
            diagnostics.add("an empty line cannot be managed", line.loc());
        if (!regexp.is_string()) return;
        try {
            const LinePattern pattern(regexp.as_string());
            if (pattern.matches(""))
                diagnostics
                    .add(fmt::format("`regexp` {} matches every line", quoted(regexp)),
                         regexp.loc())
                    .with_hint("begin it with ^ and the name of the setting");
            else if (line.is_string() && !pattern.matches(line.as_string()))
                diagnostics
                    .add(fmt::format("`regexp` {} does not match the line {}", quoted(regexp),
                                     quoted(line)),
                         regexp.loc())
                    .with_hint("the line would not be found again, so every apply would add it");
        } catch (const Error& error) {
            diagnostics.add(fmt::format("{} is not an extended regular expression: {}",
                                        quoted(regexp), error.message),
                            regexp.loc());
        }
    }

    /// A line without `regexp` is named by its text.
    std::vector<std::string> claims(const Value& config) const override {
        const bool any = config["regexp"].is_null();
        const std::string_view which = any ? "line" : "regexp";
        return claim(config,
                     fmt::format("{} {} {}", config.text("path"), which, config.text(which)),
                     {"path", which});
    }

    std::string probe(const ReadRequest& request) const override {
        return probe_text_file(request.config.text("path"));
    }

    Observation parse(const ReadRequest& request, const ProbeResult& result) const override {
        const Value& config = request.config;
        const TextFile file = parse_text_file(config, result);
        if (file.failed.error) return file.failed;
        Observation absent;
        absent.lacks = file.lacks;
        const std::vector<std::string> found = lines_of_it(request, file.lines);
        if (found.empty()) return absent;
        return Observation::present(Value::map(
            {{"path", config["path"]}, {"line", fmt::format("{}", fmt::join(found, "\n"))}}));
    }

    std::vector<Command> commands(const Change& change) const override {
        const bool remove = change.kind == Change::Kind::remove;
        const Value& config = remove ? change.before : change.after;
        const std::string old =
            change.kind == Change::Kind::create ? "" : change.before.text("line");
        std::string script = fmt::format(
            "line={} old={} regexp={}\n", shell_quote(remove ? "" : config.text("line")),
            shell_quote(old), shell_quote(remove ? "" : config.text("regexp")));
        script += open_memory(change.identity) + text_edit(config, change.identity);
        if (remove)
            return {{.script = script + std::string(scripts::host_line_remove) +
                               forget_memory(change.identity),
                     .step = "removing the line from " + named(config, "path")}};
        return {{.script = script + std::string(scripts::host_line_set),
                 .step = "writing the line to " + named(config, "path")}};
    }

  private:
    /// The lines that the resource manages: those that match `regexp`, or that are equal to the
    /// line of the config or of the record. If several lines are equal and do not match, only one
    /// of them.
    static std::vector<std::string> lines_of_it(const ReadRequest& request,
                                                const std::vector<std::string>& lines) {
        const std::string wanted = request.config.text("line");
        std::string recorded;
        if (request.recorded != nullptr) recorded = request.recorded->attributes.text("line");
        std::optional<LinePattern> pattern;
        if (request.config["regexp"].is_string()) try {
                pattern.emplace(request.config.text("regexp"));
            } catch (const Error&) { // reported by check()
            }
        std::vector<std::string> found;
        for (const std::string& line : lines)
            if (line == wanted || (!recorded.empty() && line == recorded) ||
                (pattern && !line.empty() && pattern->matches(line)))
                found.push_back(line);
        const bool same = std::all_of(found.begin(), found.end(),
                                      [&](const std::string& line) { return line == wanted; });
        if (same && !pattern && found.size() > 1) found.resize(1);
        return found;
    }
};
} // namespace

std::unique_ptr<ResourceType> make_host_line() {
    return std::make_unique<HostLine>();
}

} // namespace hadeploy::ssh
