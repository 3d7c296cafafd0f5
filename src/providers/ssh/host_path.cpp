#include "providers/ssh/host_path.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh {

std::string probe_path(std::string_view path, std::string_view test, std::string_view more) {
    return fmt::format(
        "p={}\n"
        "if [ -L \"$p\" ]; then echo link\n"
        "elif [ {} \"$p\" ]; then stat -c 'mode %a\nowner %u:%U\ngroup %g:%G' -- \"$p\" && "
        "{}\n"
        "elif [ -e \"$p\" ]; then echo other\n"
        "else echo absent; fi\n",
        shell_quote(path), test, more);
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
    if (result.status != 0) return cannot_look(path, result);
    if (answer.has("absent")) return Observation::absent();
    if (answer.has("link")) return Observation::present(Value::map({{"path", path}}));
    const std::string mode = answer.first("mode");
    if (answer.has("other") || mode.empty())
        return Observation::failed(
            Error(ErrorKind::conflict, fmt::format("{} is there, but is not {}", path, kind))
                .with_hint("remove or rename it, or choose another path"));
    return Observation::present(
        Value::map({{"path", path},
                    {"mode", fmt::format("{:0>4}", mode)},
                    {"owner", as_asked(config.text("owner"), answer.first("owner"))},
                    {"group", as_asked(config.text("group"), answer.first("group"))}}));
}

std::string for_chmod(const std::string& mode) {
    return "0" + mode;
}

Command set_owner_and_mode(const Value& config) {
    const std::string path = config.text("path");
    return {.script = fmt::format("chown -- {0} {1}; chmod {2} -- {1}",
                                  shell_quote(config.text("owner") + ":" + config.text("group")),
                                  shell_quote(path), for_chmod(config.text("mode"))),
            .step = "setting owner and mode of " + path};
}

} // namespace hadeploy::ssh
