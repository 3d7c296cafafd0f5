#include "core/secrecy.h"
#include "embedded/scripts.h"
#include "providers/ssh/host.h"
#include "providers/ssh/place.h"

#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {

/// Of "/usr/share/zoneinfo/Europe/Berlin": "Europe/Berlin".
std::string zone_of(const std::string& target) {
    constexpr std::string_view folder = "zoneinfo/";
    const std::size_t at = target.find(folder);
    return at == std::string::npos ? target : target.substr(at + folder.size());
}

/// Names of the tz database: parts of letters, digits and + - _ . with slashes between them.
bool is_zone(const std::string& name) {
    char before = '/';
    for (const char c : name) {
        const bool inside = c == '+' || c == '-' || c == '_' || c == '.' || c == '/';
        if (inside ? before == '/' : std::isalnum(static_cast<unsigned char>(c)) == 0) return false;
        before = c;
    }
    return before != '/';
}

class HostTimezone final : public SshType {
  public:
    HostTimezone() {
        name = "host.timezone";
        summary = "The time zone of a host.";
        doc = "Sets the link /etc/localtime, and /etc/timezone on a host that has this file, as "
              "`timedatectl set-timezone` does. A zone that was changed by hand is detected and "
              "set again. A host without /etc/localtime is in UTC. Programs that are running keep "
              "their zone until they are restarted.\n\n"
              "The zones come with the package tzdata. A zone that the host does not have is an "
              "error of apply.\n\n"
              "Destroy sets the zone that the host had before. The zone stays if /etc/localtime "
              "was not a link then.";
        example = "clock:\n"
                  "  type: host.timezone\n"
                  "  host: ${node[\"node1\"].connection}\n"
                  "  zone: Europe/Berlin\n";
        schema = {host_attribute(),
                  {.name = "zone",
                   .type = TypeKind::line,
                   .doc = "Name of the zone in the tz database, such as `Europe/Berlin` or "
                          "`Etc/UTC`.",
                   .required = true}};
        adopts = true;
        remove_may_leave = true;
    }

    void check(const Value& config, Diagnostics& diagnostics) const override {
        const Value& zone = config["zone"];
        if (zone.is_string() && !is_zone(zone.as_string()))
            diagnostics
                .add(fmt::format("{} is not the name of a time zone", quoted(zone)), zone.loc())
                .with_hint("names are those of the tz database, such as Europe/Berlin or Etc/UTC");
    }

    std::vector<std::string> claims(const Value& config) const override {
        return claim_of_host(config, "time zone of");
    }

    std::string probe(const ReadRequest&) const override {
        return std::string(scripts::host_timezone_probe);
    }

    Observation parse(const ReadRequest&, const ProbeResult& result) const override {
        if (result.status != 0) return cannot_look("the time zone", result);
        const Answer answer(result.out);
        std::string zone = answer.has("link")   ? zone_of(answer.first("link"))
                           : answer.has("copy") ? "(a file, not a link)"
                                                : "UTC";
        if (answer.has("dangling")) zone += " (no such zone on the host)";
        const std::string text = answer.first("timezone");
        if (!text.empty() && text != zone) zone += fmt::format(" (/etc/timezone: {})", text);
        return Observation::present(Value::map({{"zone", zone}}));
    }

    std::vector<Command> commands(const Change& change) const override {
        const std::string begin = fmt::format("id={}\n", shell_quote(change.identity)) +
                                  open_memory(change.identity) +
                                  std::string(scripts::host_timezone_localtime);
        if (change.kind == Change::Kind::remove)
            return {{.script = begin + std::string(scripts::host_timezone_restore) +
                               forget_memory(change.identity),
                     .step = "restoring the time zone"}};
        return {{.script = fmt::format(
                     "zone={}\n"
                     "[ -f \"/usr/share/zoneinfo/$zone\" ] ||\n"
                     "    hadeploy_refuse \"hadeploy: the host has no time zone $zone\"\n{}{}",
                     shell_quote(change.after.text("zone")), begin, scripts::host_timezone_set),
                 .step = "setting the time zone " + named(change.after, "zone")}};
    }
};
} // namespace

std::unique_ptr<ResourceType> make_host_timezone() {
    return std::make_unique<HostTimezone>();
}

} // namespace hadeploy::ssh
