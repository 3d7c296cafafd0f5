#include "core/secrecy.h"
#include "embedded/scripts.h"
#include "providers/ssh/host.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
/// The limit of the kernel (HOST_NAME_MAX).
constexpr std::size_t kLongestHostName = 64;

/// Labels of letters, digits and inner hyphens with dots between them (RFC 1123).
bool is_machine_name(std::string_view name) {
    if (name.empty() || name.size() > kLongestHostName) return false;
    char before = '.';
    for (const char c : name) {
        const bool alphanumeric = std::isalnum(static_cast<unsigned char>(c)) != 0;
        const bool fits = c == '.' ? before != '.' && before != '-' : alphanumeric || c == '-';
        if (!fits || (before == '.' && !alphanumeric)) return false;
        before = c;
    }
    return before != '.' && before != '-';
}

class HostHostname final : public SshType {
  public:
    HostHostname() {
        name = "host.hostname";
        summary = "The name of a host.";
        doc = "Sets the host name in /etc/hostname and in the running kernel, as `hostnamectl "
              "set-hostname` does. If one of these names is changed by hand, the change is "
              "detected and reverted. Programs that read the name when they start keep the old "
              "name until they are restarted.\n\n"
              "The name in /etc/hosts is not changed: programs such as sudo must be able to "
              "resolve the name, so add it with a host.hosts.\n\n"
              "Destroy restores the name that the host had before hadeploy.";
        example = "name:\n"
                  "  type: host.hostname\n"
                  "  host: ${node[\"node1\"].connection}\n"
                  "  name: web-a\n";
        schema = {host_attribute(),
                  {.name = "name",
                   .type = TypeKind::line,
                   .doc = "The name, with or without a domain: at most 64 letters, digits, '-' and "
                          "'.'.",
                   .required = true}};
        adopts = true;
        remove_may_leave = true;
    }

    void check(const Value& config, Diagnostics& diagnostics) const override {
        const Value& wanted = config["name"];
        if (wanted.is_string() && !is_machine_name(wanted.as_string()))
            diagnostics
                .add(fmt::format("{} is not a name for a host", quoted(wanted)), wanted.loc())
                .with_hint("at most 64 characters: letters, digits and '-', with '.' before a "
                           "domain; not '_'");
    }

    std::vector<std::string> claims(const Value& config) const override {
        return claim_of_host(config, "host name of");
    }

    std::string probe(const ReadRequest&) const override {
        return std::string(scripts::host_hostname_probe);
    }

    Observation parse(const ReadRequest&, const ProbeResult& result) const override {
        const Answer answer(result.out);
        const std::string kernel = answer.first("kernel");
        if (result.status != 0 || kernel.empty()) return cannot_look("the host name", result);
        if (!answer.has("static"))
            return Observation::present(Value::map({{"name", kernel + " (not in /etc/hostname)"}}));
        std::string seen = answer.first("static");
        if (seen != kernel) seen += fmt::format(" (until the next start: {})", kernel);
        return Observation::present(Value::map({{"name", seen}}));
    }

    std::vector<Command> commands(const Change& change) const override {
        const std::string begin =
            fmt::format("id={}\n", shell_quote(change.identity)) + open_memory(change.identity);
        if (change.kind == Change::Kind::remove)
            return {{.script = begin + std::string(scripts::host_hostname_restore) +
                               forget_memory(change.identity),
                     .step = "restoring the host name"}};
        return {{.script = fmt::format("name={}\n", shell_quote(change.after.text("name"))) +
                           begin + std::string(scripts::host_hostname_set),
                 .step = "setting the host name " + named(change.after, "name")}};
    }
};
} // namespace

std::unique_ptr<ResourceType> make_host_hostname() {
    return std::make_unique<HostHostname>();
}

} // namespace hadeploy::ssh
