#include "cli/check_pushed.h"
#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/render/plan_json.h"
#include "core/clock.h"
#include "core/file.h"
#include "core/ssh_key.h"
#include "planner/plan/moves.h"
#include "planner/plan/prior_state.h"
#include "planner/spec/address.h"
#include "providers/ssh/ssh.h"
#include "state/transfer.h"

#include <fmt/format.h>
#include <iostream>
#include <iterator>

namespace hadeploy::cli {

namespace {

/// Opens the state independent of the spec, which can be what has to be repaired.
std::unique_ptr<Store> open_state(const Context& context, Store::Mode mode) {
    const Project& project = context.project;
    if (!std::filesystem::exists(project.state_file()))
        throw Error(ErrorKind::state,
                    fmt::format("there is no state {} yet", project.state_file().string()))
            .with_hint("the first apply creates it");
    auto store = project.open_store_of("", mode);
    if (mode == Store::Mode::read_write) context.lock(*store, context.args.command);
    return store;
}

std::vector<std::string> addresses_of(const PriorState& world) {
    std::vector<std::string> out;
    for (const auto& [address, r] : world.recorded) out.push_back(address);
    return out;
}

Error not_recorded(const std::string& address, const PriorState& world) {
    return unknown_address(fmt::format("the state does not contain {}", address), address,
                           addresses_of(world), "`hadeploy state list` lists all");
}

/// The recorded addresses within the given one.
/// @throws Error(usage) if there are none
std::vector<std::string> recorded_within(const std::string& given, const PriorState& world) {
    const std::string address = resolve_address(given, addresses_of(world));
    std::vector<std::string> out;
    for (const auto& [recorded, r] : world.recorded)
        if (within(recorded, address)) out.push_back(recorded);
    if (out.empty()) throw not_recorded(address, world);
    return out;
}

/// Reports a change of the state as text or JSON.
void report_change(const Context& context, const std::string& text, const Store& store,
                   nlohmann::json fields) {
    if (!context.args.json) return context.say(text + "\n");
    fields["serial"] = store.serial();
    context.print(json_line("info", "state_changed", text, now_ms(), std::move(fields)) + "\n");
}

std::string read_input(const std::filesystem::path& file) {
    if (file != "-") return read_file(file, std::size_t{1} << 30);
    return {std::istreambuf_iterator<char>(std::cin), {}};
}

/// Refuses to replace the state with an older one, or with one of another project.
void check_push(const state::Contents& pushed, const Store& store, const std::string& project) {
    const auto refuse = [](std::string message, std::string hint) {
        throw Error(ErrorKind::state, std::move(message)).with_hint(std::move(hint));
    };
    const std::string force = "--force pushes it anyway";
    if (pushed.project != project)
        refuse(fmt::format("this is a state of the project {}, not of {}", pushed.project, project),
               force);
    const bool fresh = store.serial() == 0 && store.rows().empty();
    if (!fresh && pushed.lineage != store.lineage())
        refuse(fmt::format("this state is of another lineage: {}, not {}", pushed.lineage,
                           store.lineage()),
               "it was not pulled from here; " + force);
    if (pushed.serial < store.serial())
        refuse(fmt::format("this state is older than the present one: serial {}, not {}",
                           pushed.serial, store.serial()),
               "pull again and edit the new output; " + force);
    if (!store.intents().empty())
        refuse("an earlier run is unfinished, and its open changes are in the journal",
               "apply first; --force discards the journal");
}

/// @throws Error if the move is invalid
void check_move(const std::string& from, const std::string& to) {
    for (const std::string& address : {from, to})
        if (form_of_address(address) == AddressForm::none)
            throw Error(ErrorKind::usage, fmt::format("{} is not an address", address))
                .with_hint("for example web, 'web[\"a\"]', module.cluster");
    if (form_of_address(from) != form_of_address(to))
        throw Error(ErrorKind::usage, "a module can only be moved to the address of a module");
    if (from == to) throw Error(ErrorKind::usage, fmt::format("{} already has this address", from));
}

/// @throws Error if a target address is taken, or a change is unfinished
void check_free(const std::string& from, const std::string& to, const PriorState& world) {
    for (const std::string& address : recorded_within(from, world)) {
        if (address != from && within(address, to)) continue; // it already has this address
        const std::string target = to + address.substr(from.size());
        if (world.recorded.contains(target))
            throw Error(ErrorKind::usage, fmt::format("the state already contains {}", target))
                .with_hint("`hadeploy state rm` removes it from the state");
        if (world.interrupted.contains(address))
            throw Error(ErrorKind::state,
                        fmt::format("an earlier run left an unfinished change of {}", address))
                .with_hint("run apply first");
    }
}

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
                   "another machine answers at this address");
}

/// Shows both keys and asks, unless an option has already decided.
void confirm_host_key(const Context& context, const RecordedResource& host,
                      const std::string& before, const std::string& now) {
    if (context.args.fingerprint || context.args.auto_approve) return;
    const Value& connection = host.attributes["connection"];
    context.say(fmt::format("{} ({}, port {}) presents another host key:\n"
                            "  known:     {}\n"
                            "  presented: {} ({})\n"
                            "Compare the presented key with the machine's console: "
                            "`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`.\n",
                            host.address, connection.text("address"),
                            connection.integer("port", 22), shown_print(before),
                            ssh_fingerprint(now), now.substr(0, now.find(' '))));
    confirm_yes(context, "Trust the presented key from now on?",
                Error(ErrorKind::usage, "state trust-host-key needs approval of another key, and "
                                        "there is no terminal to ask on")
                    .with_hint(fmt::format("if this is the key of the machine: --fingerprint {}",
                                           ssh_fingerprint(now))));
}

} // namespace

int run_state_mv(Context& context) {
    const auto store = open_state(context, Store::Mode::read_write);
    const PriorState before = load_prior_state(*store);
    const std::string from = resolve_address(context.args.name, addresses_of(before));
    const std::string to = quoted_keys(context.args.to);
    check_move(from, to);
    check_free(from, to, before);
    const PriorState after = with_moves(before, {{from, to, {}}});
    const std::vector<RecordedResource> touched = changed_records(before, after);
    std::vector<std::string> gone;
    nlohmann::json moved = nlohmann::json::array();
    for (const auto& [was, is] : after.moved) {
        gone.push_back(was);
        moved.push_back({{"from", was}, {"to", is}});
    }
    for (const RecordedResource& r : touched) // recording it would end the open intent
        if (before.interrupted.contains(r.address))
            throw Error(ErrorKind::state, fmt::format("{} refers to a moved resource and has an "
                                                      "unfinished change from an earlier run",
                                                      r.address))
                .with_hint("run apply first");
    if (gone.empty())
        throw Error(ErrorKind::usage, fmt::format("{} already has this address", from));
    const bool dry = context.args.dry_run;
    if (!dry) store->put(touched, gone);
    std::string text;
    for (const auto& [was, is] : after.moved)
        text += fmt::format("{}{} {} {}", text.empty() ? "" : "\n", was,
                            dry ? "would move to" : "moved to", is);
    report_change(context, text, *store, {{"moved", std::move(moved)}, {"dry_run", dry}});
    return 0;
}

int run_state_rm(Context& context) {
    const auto store = open_state(context, Store::Mode::read_write);
    const PriorState world = load_prior_state(*store);
    std::set<std::string> gone;
    for (const std::string& address : context.args.addresses)
        for (std::string& found : recorded_within(address, world)) gone.insert(std::move(found));
    const bool dry = context.args.dry_run;
    if (!dry) store->put({}, {gone.begin(), gone.end()});
    report_change(context,
                  fmt::format("{}: {}. The objects stay as they are.",
                              dry ? "Would be removed from the state" : "Removed from the state",
                              fmt::join(gone, ", ")),
                  *store, {{"removed", gone}, {"dry_run", dry}});
    return 0;
}

int run_state_trust_host_key(Context& context) {
    const auto store = open_state(context, context.args.dry_run ? Store::Mode::read_only
                                                                : Store::Mode::read_write);
    const PriorState world = load_prior_state(*store);
    const std::string address = resolve_address(context.args.name, addresses_of(world));
    auto row = store->row(address);
    if (!row) throw not_recorded(address, world);
    if (row->type != "ssh.host" || !row->config["host_key"].is_null())
        throw Error(ErrorKind::usage,
                    fmt::format("{} is not an ssh.host that was trusted on first use", address))
            .with_hint("correct a key from the spec or known_hosts there");
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

int run_state_pull(Context& context) {
    const auto store = open_state(context, Store::Mode::read_only);
    std::vector<RecordedResource> rows = store->rows();
    const Form form =
        context.project.form(); // relative paths, which are valid in another directory too
    for (RecordedResource& row : rows) {
        row.config = form.kept(row.type, row.config);
        row.attributes = form.kept(row.type, row.attributes);
    }
    context.print(state::write_contents({.project = store->project(),
                                         .lineage = store->lineage(),
                                         .serial = store->serial(),
                                         .rows = std::move(rows),
                                         .outputs = store->outputs()},
                                        context.project.key_source()));
    return 0;
}

int run_state_push(Context& context) {
    context.project.load(Project::Secrets::unread);
    const std::filesystem::path& file = context.args.files.front();
    const std::string what = file == "-" ? "the input" : file.string();
    const state::Contents pushed =
        state::read_contents(read_input(file), context.project.key_source(), what);
    if (!pushed.authentic && !context.args.edited)
        throw Error(ErrorKind::state, fmt::format("{} was altered outside hadeploy", what))
            .with_hint("later runs execute its commands; if you made the changes yourself, use "
                       "`--edited`");
    if (!pushed.authentic) check_pushed(pushed, context.project.registry(), what);
    const auto store = context.project.open_store(Store::Mode::read_write);
    context.lock(*store, context.args.command);
    if (!context.args.force) check_push(pushed, *store, context.project.spec().name);
    store->restore(pushed.rows, pushed.outputs, pushed.lineage, pushed.serial);
    report_change(context,
                  fmt::format("The state now has {} resource{}, serial {}.", pushed.rows.size(),
                              pushed.rows.size() == 1 ? "" : "s", store->serial()),
                  *store, {{"resources", pushed.rows.size()}});
    return 0;
}

int run_taint(Context& context) {
    const bool taint = context.args.command == "taint";
    const auto store = open_state(context, Store::Mode::read_write);
    const PriorState world = load_prior_state(*store);
    const std::string address = resolve_address(context.args.name, addresses_of(world));
    auto row = store->row(address);
    if (!row) {
        if (world.unfinished.contains(address))
            throw Error(ErrorKind::state,
                        fmt::format("an earlier run did not finish creating {}", address))
                .with_hint("the next apply finishes it");
        throw not_recorded(address, world);
    }
    for (const Intent& intent : store->intents()) // recording it would end the open intent
        if (intent.address == address)
            throw Error(ErrorKind::state,
                        fmt::format("an earlier run left an unfinished change of {}", address))
                .with_hint("run apply first");
    if (row->tainted == taint) {
        context.say(fmt::format("{} is already {}.\n", address, taint ? "tainted" : "untainted"));
        return 0;
    }
    row->tainted = taint;
    store->put({*row}, {});
    report_change(context,
                  taint ? fmt::format("{} is tainted: the next apply replaces it.", address)
                        : fmt::format("{} is no longer tainted.", address),
                  *store, {{"address", address}, {"tainted", taint}});
    return 0;
}

} // namespace hadeploy::cli
