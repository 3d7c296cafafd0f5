#include "core/secrecy.h"
#include "embedded/scripts.h"
#include "providers/ssh/host.h"
#include "providers/ssh/line_file.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
/// The block travels in the script, so that it arrives complete.
constexpr std::size_t kMostBlock = 60'000;

struct Markers {
    std::string begin, end;
};

/// The lines around the block: "# BEGIN app (managed by hadeploy)", "# END app".
Markers markers_of(const Value& config) {
    const std::string sign = config.text("comment", "#"), name = config.text("block", "hadeploy");
    return {fmt::format("{} BEGIN {} (managed by hadeploy)", sign, name),
            fmt::format("{} END {}", sign, name)};
}

std::string with_line_end(std::string text) {
    if (!text.empty() && !text.ends_with('\n')) text += '\n';
    return text;
}

class HostBlock final : public SshType {
  public:
    HostBlock() {
        name = "host.block";
        summary = "A block of lines in a text file on a host, between two marker lines.";
        doc = "The markers are `# BEGIN NAME (managed by hadeploy)` and `# END NAME`. All other "
              "lines are left unchanged, and an existing block keeps its place. The file is "
              "replaced atomically; it keeps its owner and its mode, and gets a newline at its "
              "end.\n\n"
              "A block that is missing, or whose lines were changed by hand, is drift and is "
              "repaired.\n\n"
              "Destroy removes the block and nothing else. An existing file of more than 1 MiB, a "
              "symbolic link, and a file with several hard links are refused.";
        example = "limits:\n"
                  "  type: host.block\n"
                  "  host: ${node[\"node1\"].connection}\n"
                  "  path: /etc/security/limits.conf\n"
                  "  block: app\n"
                  "  content: |\n"
                  "    app soft nofile 65536\n"
                  "    app hard nofile 65536\n";
        schema = file_part_attributes();
        schema.insert(schema.begin(), host_attribute());
        schema.insert(
            schema.begin() + 2,
            {{.name = "content",
              .type = TypeKind::string,
              .doc = "The lines of the block, at most 60 000 bytes.",
              .required = true},
             {.name = "block",
              .type = TypeKind::name,
              .doc = "Name of the block. Blocks of one file need different names.",
              .replaces = true,
              .default_value = Value("hadeploy")},
             {.name = "comment",
              .type = TypeKind::line,
              .doc = "The characters that begin a comment in this file, for the marker lines.",
              .replaces = true,
              .default_value = Value("#")}});
        adopts = true;
        verified = {"content"};
    }

    void check(const Value& config, Diagnostics& diagnostics) const override {
        check_file_part(config, diagnostics);
        const Value& content = config["content"];
        if (const Value& sign = config["comment"];
            sign.is_string() && sign.as_string().find_first_not_of(" \t") == std::string::npos)
            diagnostics.add("`comment` is empty, so the marker lines would be part of the settings",
                            sign.loc());
        if (!content.is_string()) return;
        const std::string& text = content.as_string();
        if (text.size() > kMostBlock)
            diagnostics
                .add(fmt::format("the block has {} bytes, more than {}", text.size(), kMostBlock),
                     content.loc())
                .with_hint("use a file of its own, with a host.file");
        if (text.find('\0') != std::string::npos)
            diagnostics.add("the block contains a NUL byte", content.loc());
        if (config["block"].is_unknown() || config["comment"].is_unknown()) return;
        const Markers markers = markers_of(config);
        const std::string lines = "\n" + text + "\n";
        for (const std::string& marker : {markers.begin, markers.end})
            if (lines.find("\n" + marker + "\n") != std::string::npos)
                diagnostics.add(
                    fmt::format("the block contains its own marker line \"{}\"", marker),
                    content.loc());
    }

    std::vector<std::string> claims(const Value& config) const override {
        return claim(config, config.text("path") + " block " + config.text("block"),
                     {"path", "block"});
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
        const Markers markers = markers_of(config);
        auto begin = std::find(file.lines.begin(), file.lines.end(), markers.begin);
        const auto end = std::find(begin, file.lines.end(), markers.end);
        if (end == file.lines.end()) return absent;
        for (auto line = begin; line != end; ++line) // as the scripts do
            if (*line == markers.begin) begin = line;
        std::string content;
        for (auto line = begin + 1; line != end; ++line) content += *line + '\n';
        const std::string wanted = config.text("content");
        if (content == with_line_end(wanted)) content = wanted;
        return Observation::present(Value::map({{"path", config["path"]},
                                                {"block", config["block"]},
                                                {"comment", config["comment"]},
                                                {"content", content}}));
    }

    std::vector<Command> commands(const Change& change) const override {
        const bool remove = change.kind == Change::Kind::remove;
        const Value& config = remove ? change.before : change.after;
        const Markers markers = markers_of(config);
        Command command;
        command.script =
            fmt::format("begin={} end={}\n", shell_quote(markers.begin), shell_quote(markers.end)) +
            open_memory(change.identity) + text_edit(config, change.identity) +
            std::string(scripts::host_block_functions);
        if (remove) {
            command.script +=
                std::string(scripts::host_block_remove) + forget_memory(change.identity);
            command.step = "removing the block from " + named(config, "path");
        } else {
            command.script += scripts::host_block_set;
            command.input = fmt::format("{}\n{}{}\n", markers.begin,
                                        with_line_end(config.text("content")), markers.end);
            command.step = "writing the block to " + named(config, "path");
        }
        return {command};
    }
};
} // namespace

std::unique_ptr<ResourceType> make_host_block() {
    return std::make_unique<HostBlock>();
}

} // namespace hadeploy::ssh
