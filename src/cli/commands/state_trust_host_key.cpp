#include "cli/commands.h"
#include "cli/commands/edited_state.h"
#include "cli/confirm.h"
#include "core/ssh_key.h"
#include "engine/observe.h"
#include "planner/spec/address.h"
#include "providers/ssh/ssh.h"

#include <fmt/format.h>

namespace hadeploy::cli {

namespace {

std::string shown_print(const std::string& host_key) {
    return host_key.empty() ? "not known" : ssh_fingerprint(host_key);
}

/// @throws Error(conflict) if the presented key does not match --fingerprint
void check_fingerprint(const Context& context, const std::string& address,
                       const std::string& host_key) {
    const std::optional<std::string>& expected = context.args.fingerprint;
    if (!expected || *expected == ssh_fingerprint(host_key)) return;
    throw Error(ErrorKind::conflict, fmt::format("{} presents the host key {}, not {}", address,
                                                 ssh_fingerprint(host_key), *expected))
        .with_hint("the state was not changed. Check the machine's console (`ssh-keygen -lf "
                   "/etc/ssh/ssh_host_ed25519_key.pub`): if it shows the given fingerprint, "
                   "a different machine responds at this address");
}

/// Shows both keys and asks, unless an option has already decided.
void confirm_host_key(const Context& context, const RecordedResource& host,
                      const std::string& before, const std::string& now) {
    if (context.args.fingerprint || context.args.auto_approve) return;
    const Value& connection = host.attributes["connection"];
    context.say(fmt::format("{} ({}, port {}) presents a different host key:\n"
                            "  known:     {}\n"
                            "  presented: {} ({})\n"
                            "Compare the presented key with the output of `ssh-keygen -lf "
                            "/etc/ssh/ssh_host_ed25519_key.pub` on the machine's console.\n",
                            host.address, connection.text("address"),
                            connection.integer("port", 22), shown_print(before),
                            ssh_fingerprint(now), now.substr(0, now.find(' '))));
    confirm_yes(context, "Trust the presented key from now on?",
                Error(ErrorKind::usage,
                      "state trust-host-key needs approval, and there is no terminal to ask on")
                    .with_hint(fmt::format("if this is the key of the machine: --fingerprint {}",
                                           ssh_fingerprint(now))));
}

} // namespace

int run_state_trust_host_key(Context& context) {
    const auto store = open_state(context, context.args.dry_run ? Store::Mode::read_only
                                                                : Store::Mode::read_write);
    const PriorState prior = load_prior_state(*store);
    const std::string address = resolve_address(context.args.name, addresses_of(prior));
    auto row = store->row(address);
    if (!row) throw not_recorded(address, prior);
    if (row->type != "ssh.host" || !row->config["host_key"].is_null())
        throw Error(ErrorKind::usage,
                    fmt::format("{} is not an ssh.host that was trusted on first use", address))
            .with_hint("if the key comes from the spec or from known_hosts, correct it there");
    const Value& connection = row->attributes["connection"];
    const std::string before = connection.text("host_key");
    const std::string now = ssh::shown_host_key(row->config, connection);
    const bool same = before == now, dry = context.args.dry_run;
    check_fingerprint(context, address, now);
    if (!same && !dry) {
        confirm_host_key(context, *row, before, now);
        // Connections in other records follow this one (load_prior_state).
        row->attributes = row->attributes.with("connection", connection.with("host_key", now));
        store->put({*row}, {});
    }
    const std::string print = ssh_fingerprint(now);
    report_change(context,
                  same ? fmt::format("The host key of {} has not changed: {}.", address, print)
                       : fmt::format("The host key of {} was {}, and {} {}{}.", address,
                                     shown_print(before), dry ? "would be" : "is", print,
                                     dry ? "" : " from now on"),
                  *store, {{"address", address}, {"host_key", now}, {"dry_run", dry}});
    return 0;
}

} // namespace hadeploy::cli
