#include "provider_api/fault_undo.h"

#include "core/process.h"
#include "providers/libvirt/libvirt_type.h"
#include "providers/libvirt/power.h"

#include <fmt/format.h>

namespace hadeploy::libvirt {

namespace {

/// Runs a script on this machine.
/// @throws Error with the line that the script printed for the user
std::string run_script(const std::string& script, std::string_view step) {
    // on standard input, because the URI may be secret; the braces make the shell read it whole
    const ProcessResult result = run_process({.argv = {"sh", "-s"},
                                              .input = "set -eu\n{\n" + script + "\nexit 0\n}\n",
                                              .timeout = std::chrono::minutes(2)});
    if (result.status == 0) return result.out;
    std::string cause = result.err;
    if (const auto at = cause.rfind("hadeploy: "); at != cause.npos) cause.erase(0, at + 10);
    while (cause.ends_with('\n')) cause.pop_back();
    throw Error(ErrorKind::failed,
                fmt::format("{} failed on the libvirt host: {}", step,
                            cause.empty() ? fmt::format("exit status {}", result.status) : cause));
}

/// Starts or resumes the machine. Succeeds if the machine runs or no longer exists.
std::string undo_script(const std::string& uri, const std::string& uuid) {
    return fmt::format("export LC_ALL=C LIBVIRT_DEFAULT_URI={}\n"
                       "all=$(virsh -q list --all --uuid </dev/null) || exit 1\n"
                       "case $all in *{}*) ;; *) exit 0 ;; esac\n"
                       "state=$(virsh -q domstate {} </dev/null) || exit 1\n"
                       "case $state in\n"
                       "running* | idle* | 'in shutdown'*) ;;\n"
                       "paused*) virsh -q resume {} </dev/null ;;\n"
                       "*) virsh -q start {} </dev/null ;;\n"
                       "esac",
                       fault::quoted(uri), uuid, uuid, uuid, uuid);
}

/// Fails if the undo would not be able to run.
std::string check_script(const std::string& uri, const std::string& uuid) {
    return fmt::format(
        "command -v virsh >/dev/null || {{ echo 'hadeploy: the program `virsh` is missing; it is "
        "in the package libvirt-clients' >&2; exit 1; }}\n"
        "LIBVIRT_DEFAULT_URI={} virsh -q domstate {} </dev/null >/dev/null\n",
        fault::quoted(uri), uuid);
}

void inject(const std::string& kind, virDomainPtr domain) {
    const std::string name = virDomainGetName(domain);
    if (kind == "pause") {
        call(fmt::format("pause '{}'", name), [&] { return virDomainSuspend(domain); });
        return;
    }
    if (kind != "kill" && kind != "reboot")
        throw Error(ErrorKind::failed, fmt::format("libvirt cannot inject the fault {}", kind));
    power_off(domain);
    if (kind == "reboot")
        call(fmt::format("start '{}'", name), [&] { return virDomainCreate(domain); });
}

class FaultType final : public LibvirtType {
  public:
    FaultType() {
        name = "libvirt.fault";
        data = true;
        summary = "The power faults of machines that `hadeploy chaos` has injected.";
        doc = "Read-only. Faults are injected and ended with `hadeploy chaos`.";
        example = "faults:\n"
                  "  type: libvirt.fault\n"
                  "  records: /srv/project/.hadeploy/faults\n";
        schema = {
            {.name = "records",
             .type = TypeKind::path,
             .doc = "The directory with the records of faults: `.hadeploy/faults` of a project.",
             .required = true},
            fault::faults_attribute()};
    }

    Observation observe(const ReadRequest& request, Inventory& /*inventory*/) const override {
        const std::string out =
            run_script(fault::list(request.config.text("records")), "reading the faults");
        return Observation::present(Value::map({{"faults", fault::to_value(fault::parse(out))}}));
    }

    /// The config of a change also has `kind`, `node`, `lineage`, `undo_after` in milliseconds, and
    /// `domain`: the machine's UUID.
    Value make(Session& session, const Change& change) const override {
        const Value& config = change.after;
        const std::string uuid = config.text("domain"), uri = session.connection.uri();
        if (!session.connection.local())
            throw Error(ErrorKind::failed,
                        "the undo cannot be armed: libvirt runs on a different machine")
                .with_hint("run hadeploy on the libvirt host for this fault");
        const DomainHandle domain(call("find the machine", [&] {
            return virDomainLookupByUUIDString(session.connection.get(), uuid.c_str());
        }));
        if (!is_active(state_of(domain.get())))
            throw Error(ErrorKind::failed, fmt::format("'{}' is {}", virDomainGetName(domain.get()),
                                                       state_name(state_of(domain.get()))));
        session.progress("arming the undo");
        const fault::Undo undo{.directory = config.text("records"),
                               .node = config.text("node"),
                               .kind = config.text("kind"),
                               .lineage = config.text("lineage"),
                               .after = std::chrono::milliseconds(config.integer("undo_after")),
                               .script = undo_script(uri, uuid)};
        run_script(check_script(uri, uuid) + fault::arm(undo), "arming the undo");
        session.progress("injecting the fault");
        inject(config.text("kind"), domain.get());
        return Value::map({});
    }

    void remove(Session& session, const Change& change) const override {
        session.progress("ending the fault");
        const Value& config = change.before;
        run_script(fault::end(config.text("records"), config.text("node"), config.text("kind"),
                              config.text("lineage")),
                   "ending the fault");
    }
};

} // namespace

std::unique_ptr<ResourceType> fault_type() {
    return std::make_unique<FaultType>();
}

} // namespace hadeploy::libvirt
