#include "providers/ssh/gluster_script.h"
#include "embedded/scripts.h"

#include "providers/ssh/shell_functions.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh::gluster {

std::string functions() {
    return std::string(scripts::seconds) + std::string(scripts::gluster_functions);
}

std::vector<std::pair<std::string, std::string>> pairs(std::string_view text) {
    std::vector<std::pair<std::string, std::string>> out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        const std::size_t equals = line.find('=');
        if (equals != std::string_view::npos)
            out.emplace_back(line.substr(0, equals), line.substr(equals + 1));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

std::string section(std::string_view text, std::string_view name) {
    const std::string head = fmt::format("== {}\n", name);
    std::size_t begin = 0;
    if (!text.starts_with(head)) {
        begin = text.find("\n" + head);
        if (begin == std::string_view::npos) return "";
        ++begin;
    }
    begin += head.size();
    const std::string_view rest = text.substr(begin);
    if (rest.starts_with("== ")) return "";
    const std::size_t end = rest.find("\n== ");
    return std::string(end == std::string_view::npos ? rest : rest.substr(0, end + 1));
}

Value list_of_names(std::string_view text) {
    Value::List names;
    while (!text.empty()) {
        const std::size_t comma = std::min(text.find(','), text.size());
        names.emplace_back(std::string(text.substr(0, comma)));
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return Value::list(std::move(names));
}

std::vector<std::string> elements(std::string_view xml, std::string_view tag) {
    const std::string open = fmt::format("<{}>", tag), close = fmt::format("</{}>", tag);
    std::vector<std::string> out;
    for (std::size_t at = xml.find(open); at != std::string_view::npos; at = xml.find(open, at)) {
        at += open.size();
        const std::size_t end = xml.find(close, at);
        if (end == std::string_view::npos) break;
        out.emplace_back(xml.substr(at, end - at));
    }
    return out;
}

std::vector<Host> hosts_of(const Value& map) {
    std::vector<Host> out;
    if (map.is_map())
        for (const Entry& e : map.as_map()) out.push_back({e.key, e.value});
    return out;
}

namespace {
constexpr std::string_view kNoSecrets =
    "every user of a host can read the command lines of Gluster; use nonsensitive() for a value "
    "that is not a secret";

std::string no_secret(const Entry& option) {
    return fmt::format("the option {} cannot be a secret", option.key);
}
bool tells_secret(const Value& options, const Entry& option) {
    return options.secret() || option.value.contains_secret();
}
} // namespace

void refuse_secrets(const Value& options) {
    if (!options.is_map()) return;
    for (const Entry& e : options.as_map())
        if (tells_secret(options, e))
            throw Error(ErrorKind::failed, no_secret(e)).with_hint(std::string(kNoSecrets));
}

void refuse_secrets(const Value& options, Diagnostics& diagnostics) {
    if (!options.is_map()) return;
    for (const Entry& e : options.as_map())
        if (tells_secret(options, e))
            diagnostics.add(no_secret(e), e.loc).with_hint(std::string(kNoSecrets));
}

Attribute hosts_attribute(std::string doc) {
    return {.name = "hosts",
            .type = map_of(TypeKind::connection),
            .doc = std::move(doc),
            .required = true,
            .operational = true,
            .min = 1};
}

} // namespace hadeploy::ssh::gluster
