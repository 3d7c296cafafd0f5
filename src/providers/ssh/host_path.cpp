#include "providers/ssh/host_path.h"

#include <fmt/format.h>

namespace hadeploy::ssh {

std::string probe_path(std::string_view path, std::string_view test, std::string_view more) {
    return fmt::format("p={}\n"
                       "if [ -L \"$p\" ]; then echo link\n"
                       "elif [ {} \"$p\" ]; then stat -c 'stat %a %U %G' -- \"$p\" && {}\n"
                       "elif [ -e \"$p\" ]; then echo other\n"
                       "else echo absent; fi\n",
                       shell_quote(path), test, more);
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

Command set_owner_and_mode(const Value& config) {
    const std::string path = config.text("path");
    return {.script = fmt::format("chown -- {0} {1}; chmod {2} -- {1}",
                                  shell_quote(config.text("owner") + ":" + config.text("group")),
                                  shell_quote(path), config.text("mode")),
            .step = "setting owner and mode of " + path};
}

} // namespace hadeploy::ssh
