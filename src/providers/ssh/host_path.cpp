#include "providers/ssh/host_path.h"

#include "core/secrecy.h"
#include "providers/ssh/place.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh {

std::string probe_path(std::string_view path, std::string_view test, std::string_view more,
                       std::string_view otherwise) {
    return look_into(directory_of(path)) +
           fmt::format("n={}\nif hadeploy_kind \"$n\" {}; then {}; else {}; fi\n",
                       shell_quote(name_of(path)), test, more, otherwise);
}

std::string as_asked(std::string_view wanted, std::string_view seen) {
    const std::size_t colon = seen.find(':');
    const std::string_view number = seen.substr(0, colon);
    const bool by_number =
        !wanted.empty() && wanted.find_first_not_of("0123456789") == std::string_view::npos;
    if (!by_number) return std::string(seen.substr(std::min(colon + 1, seen.size())));
    const std::size_t digits = wanted.find_first_not_of('0'); // "007" is 7
    return std::string(wanted.substr(std::min(digits, wanted.size() - 1)) == number ? wanted
                                                                                    : number);
}

Observation parse_path(const Value& config, std::string_view kind, const ProbeResult& result) {
    const std::string path = config.text("path");
    const Answer answer(result.out);
    if (result.status != 0) return cannot_look(named(config, "path"), result);
    if (answer.has("absent")) return Observation::absent();
    if (answer.has("link")) return Observation::present(Value::map({{"path", path}}));
    const std::vector<std::string> stat = words(answer.first("stat"));
    if (answer.has("other") || stat.size() != 3)
        return Observation::failed(
            Error(ErrorKind::conflict,
                  fmt::format("{} exists, but is not {}", named(config, "path"), kind))
                .with_hint("remove or rename it, or choose a different path"));
    return Observation::present(Value::map({{"path", path},
                                            {"mode", fmt::format("{:0>4}", stat[0])},
                                            {"owner", as_asked(config.text("owner"), stat[1])},
                                            {"group", as_asked(config.text("group"), stat[2])}}));
}

std::string in_mount_table(std::string_view text) {
    std::string out;
    for (const char c : text)
        out += c == ' ' ? "\\040" : c == '\t' ? "\\011" : c == '\\' ? "\\134" : std::string(1, c);
    return out;
}

std::string owner_of(const Value& config) {
    return config.text("owner") + ":" + config.text("group");
}

} // namespace hadeploy::ssh
