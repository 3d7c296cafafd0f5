#include "providers/ssh/host.h"

#include "providers/ssh/explain.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh {

#define HOST_TYPE(make) std::unique_ptr<ResourceType> make();
#include "providers/ssh/host_types.def"
#undef HOST_TYPE

void add_host_types(Registry& registry) {
#define HOST_TYPE(make) registry.add(make());
#include "providers/ssh/host_types.def"
#undef HOST_TYPE
}

namespace {
std::vector<std::string> split_fields(std::string_view text, std::string_view separators) {
    std::vector<std::string> parts;
    for (;;) {
        const std::size_t begin = text.find_first_not_of(separators);
        if (begin == std::string_view::npos) return parts;
        text.remove_prefix(begin);
        const std::size_t end = std::min(text.find_first_of(separators), text.size());
        parts.emplace_back(text.substr(0, end));
        text.remove_prefix(end);
    }
}

bool contains(const std::vector<std::string>& list, const std::string& text) {
    return std::find(list.begin(), list.end(), text) != list.end();
}
} // namespace

std::vector<std::string> words(std::string_view text) {
    return split_fields(text, " \t\n");
}
std::vector<std::string> lines(std::string_view text) {
    return split_fields(text, "\n");
}

Answer::Answer(std::string_view text) {
    for (const std::string& line : lines(text)) {
        const std::size_t space = line.find(' ');
        values_[line.substr(0, space)].push_back(
            space == std::string::npos ? "" : line.substr(space + 1));
    }
}

std::string Answer::first(std::string_view key) const {
    const auto it = values_.find(key);
    return it == values_.end() ? "" : it->second.front();
}

std::vector<std::string> Answer::all(std::string_view key) const {
    const auto it = values_.find(key);
    return it == values_.end() ? std::vector<std::string>{} : it->second;
}

std::vector<std::string> strings(const Value& list) {
    std::vector<std::string> texts;
    if (list.is_list())
        for (const Value& item : list.as_list())
            if (item.is_string()) texts.push_back(item.as_string());
    return texts;
}

Value list_of_strings(const std::vector<std::string>& texts) {
    return Value::list(Value::List(texts.begin(), texts.end()));
}

std::string quoted(const std::vector<std::string>& texts) {
    std::string all;
    for (const std::string& text : texts) all += (all.empty() ? "" : " ") + shell_quote(text);
    return all;
}

Value managed(const std::vector<std::string>& wanted, const std::vector<std::string>& there,
              const std::vector<std::string>& ours) {
    std::vector<std::string> found;
    for (const std::string& text : wanted)
        if (contains(there, text)) found.push_back(text);
    for (const std::string& text : ours)
        if (contains(there, text) && !contains(found, text)) found.push_back(text);
    return list_of_strings(found);
}

std::vector<std::string> claim_of_host(const Value& config, std::string_view what) {
    const std::string place = place_of(config["host"]);
    if (place.empty()) return {};
    return {fmt::format("{} {}", what, place)};
}

std::vector<std::string> claim(const Value& config, std::string_view what,
                               std::initializer_list<std::string_view> attributes) {
    const Value& host = config["host"];
    if (!host.is_map() || host.contains_unknown()) return {};
    for (const std::string_view name : attributes)
        if (config[name].contains_unknown()) return {};
    return {fmt::format("{} {}", place_of(host), what)};
}

std::string memory_file(std::string_view identity) {
    return fmt::format("/var/lib/hadeploy/{}", identity);
}

std::string print_memory(std::string_view identity) {
    return fmt::format("if [ -r {0} ]; then while IFS= read -r hadeploy_line; do "
                       "printf 'memory %s\\n' \"$hadeploy_line\"; done <{0}; fi\n",
                       shell_quote(memory_file(identity)));
}

std::string open_memory(std::string_view identity) {
    return fmt::format("hadeploy_notes {}\n", shell_quote(memory_file(identity)));
}

std::string forget_memory(std::string_view identity) {
    return fmt::format("rm -f -- {0} {0}.new\nrmdir /var/lib/hadeploy 2>/dev/null || :\n",
                       shell_quote(memory_file(identity)));
}

Observation cannot_look(std::string_view what, const ProbeResult& result) {
    const std::string said = cause_in(result.err);
    const bool refused = said.find("a symbolic link that a user may have created") != said.npos;
    return Observation::failed(
        Error(refused ? ErrorKind::conflict : ErrorKind::failed, // see scripts/place.sh
              fmt::format("{} cannot be read: {}", what,
                          said.empty() ? fmt::format("exit status {}", result.status) : said)));
}

} // namespace hadeploy::ssh
