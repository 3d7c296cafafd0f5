#include "providers/ssh/line_file.h"

#include "core/secrecy.h"
#include "embedded/scripts.h"
#include "providers/ssh/host.h"
#include "providers/ssh/place.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <regex.h>

namespace hadeploy::ssh {

struct LinePattern::Compiled {
    regex_t regex{};
    ~Compiled() { ::regfree(&regex); }
};

LinePattern::LinePattern(const std::string& text) {
    auto compiled = std::make_unique<Compiled>();
    if (const int failed = ::regcomp(&compiled->regex, text.c_str(), REG_EXTENDED | REG_NOSUB);
        failed != 0) {
        std::array<char, 256> reason{};
        ::regerror(failed, &compiled->regex, reason.data(), reason.size());
        compiled->regex = {};
        throw Error(ErrorKind::spec, reason.data());
    }
    compiled_ = std::move(compiled);
}

bool LinePattern::matches(const std::string& line) const {
    return ::regexec(&compiled_->regex, line.c_str(), 0, nullptr, 0) == 0;
}

Schema file_part_attributes() {
    return {{.name = "path",
             .type = TypeKind::path,
             .doc = "Path of the file on the host.",
             .required = true,
             .replaces = true},
            {.name = "after",
             .type = TypeKind::line,
             .doc = "A new part follows the last line that matches this extended regular "
                    "expression. Default: it is added at the end of the file.",
             .operational = true},
            {.name = "before",
             .type = TypeKind::line,
             .doc = "A new part precedes the first line that matches this extended regular "
                    "expression.",
             .operational = true},
            {.name = "create",
             .type = TypeKind::boolean,
             .doc = "Create the file (owner root, mode 0644) if it does not exist.",
             .operational = true,
             .default_value = Value(false)}};
}

void check_file_part(const Value& config, Diagnostics& diagnostics) {
    const Value &after = config["after"], &before = config["before"];
    if (!after.is_null() && !before.is_null())
        diagnostics.add("give `after` or `before`, not both", before.loc());
    for (const Value* anchor : {&after, &before})
        if (anchor->is_string()) try {
                const LinePattern pattern(anchor->as_string());
            } catch (const Error& error) {
                diagnostics.add(fmt::format("{} is not an extended regular expression: {}",
                                            quoted(*anchor), error.message),
                                anchor->loc());
            }
}

std::string probe_text_file(std::string_view path) {
    return fmt::format("hadeploy_enter {0} || {{ echo nowhere; exit 0; }}\nn={1}\n"
                       "if [ -L \"./$n\" ]; then echo link\n"
                       "elif [ -f \"./$n\" ]; then echo text; (hadeploy_read_text \"$n\" cat)\n"
                       "elif [ -e \"./$n\" ]; then echo other\nelse echo none; fi\n",
                       shell_quote(directory_of(path)), shell_quote(name_of(path)));
}

TextFile parse_text_file(const Value& config, const ProbeResult& result) {
    TextFile file;
    const std::string shown = named(config, "path");
    const auto conflict = [&](std::string_view what, const char* hint) {
        file.failed = Observation::failed(
            Error(ErrorKind::conflict, fmt::format("{} {}", shown, what)).with_hint(hint));
    };
    std::string_view rest = result.out;
    const std::string_view kind = rest.substr(0, rest.find('\n'));
    if (result.status != 0) {
        file.failed = cannot_look(shown, result);
    } else if (kind == "text") {
        file.exists = true;
        rest.remove_prefix(5);
        while (!rest.empty()) {
            const std::size_t end = std::min(rest.find('\n'), rest.size());
            file.lines.emplace_back(rest.substr(0, end));
            rest.remove_prefix(std::min(end + 1, rest.size()));
        }
    } else if (kind == "link") {
        conflict("is a symbolic link", "use the path of its target");
    } else if (kind == "other") {
        conflict("exists, but is not a regular file",
                 "remove or rename it, or choose another path");
    } else if (kind == "nowhere") {
        file.lacks = directory_of(config.text("path"));
    } else if (kind != "none") {
        file.failed = cannot_look(shown, {1, {}, "the answer of the host is incomplete"});
    }
    return file;
}

std::string text_edit(std::string_view path, std::string_view identity, bool create,
                      std::string_view after, std::string_view before) {
    return fmt::format("directory={} n={} id={} after={} before={} create={}\n{}",
                       shell_quote(directory_of(path)), shell_quote(name_of(path)),
                       shell_quote(identity), shell_quote(after), shell_quote(before),
                       create ? "1" : "''", scripts::host_text_edit);
}

std::string text_edit(const Value& config, std::string_view identity) {
    return text_edit(config.text("path"), identity, config.flag("create"), config.text("after"),
                     config.text("before"));
}

} // namespace hadeploy::ssh
