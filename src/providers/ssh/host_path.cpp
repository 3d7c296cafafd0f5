#include "providers/ssh/host_path.h"

#include "providers/ssh/place.h"

#include <fmt/format.h>

namespace hadeploy::ssh {

std::string probe_path(std::string_view path, std::string_view test, std::string_view more) {
    return look_into(directory_of(path)) +
           fmt::format("n={}\nif hadeploy_kind \"$n\" {}; then {}; fi\n",
                       shell_quote(name_of(path)), test, more);
}

Observation parse_path(std::string_view path, std::string_view kind, const ProbeResult& result) {
    const Answer answer(result.out);
    if (result.status != 0) return cannot_look(path, result);
    if (answer.has("absent")) return Observation::absent();
    if (answer.has("link")) return Observation::present(Value::map({{"path", path}}));
    const std::vector<std::string> stat = words(answer.first("stat"));
    if (answer.has("other") || stat.size() != 3)
        return Observation::failed(
            Error(ErrorKind::conflict, fmt::format("{} is there, but is not {}", path, kind))
                .with_hint("remove or rename it, or choose another path"));
    return Observation::present(Value::map({{"path", path},
                                            {"mode", fmt::format("{:0>4}", stat[0])},
                                            {"owner", stat[1]},
                                            {"group", stat[2]}}));
}

std::string owner_of(const Value& config) {
    return config.text("owner") + ":" + config.text("group");
}

} // namespace hadeploy::ssh
