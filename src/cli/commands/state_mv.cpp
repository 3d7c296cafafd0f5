#include "cli/commands.h"
#include "cli/commands/edited_state.h"
#include "engine/observe.h"
#include "planner/plan/moves.h"
#include "planner/spec/address.h"

#include <fmt/format.h>

namespace hadeploy::cli {

namespace {

/// @throws Error if the move is invalid
void check_move(const std::string& from, const std::string& to) {
    for (const std::string& address : {from, to})
        if (form_of_address(address) == AddressForm::none)
            throw Error(ErrorKind::usage, fmt::format("{} is not an address", address))
                .with_hint("for example web, 'web[\"a\"]', module.cluster");
    if (form_of_address(from) != form_of_address(to))
        throw Error(ErrorKind::usage, "a module can only be moved to the address of a module")
            .with_hint("write both addresses like module.NAME, or both without `module.`");
    if (from == to) throw Error(ErrorKind::usage, fmt::format("{} already has this address", from));
}

/// @throws Error if a target address is taken, or a change is unfinished
void check_free(const std::string& from, const std::string& to, const PriorState& prior) {
    for (const std::string& address : recorded_within(from, prior)) {
        if (address != from && within(address, to)) continue; // it already has this address
        const std::string target = to + address.substr(from.size());
        if (prior.recorded.contains(target))
            throw Error(ErrorKind::usage, fmt::format("the state already contains {}", target))
                .with_hint("`hadeploy state rm` removes it from the state");
        if (prior.interrupted.contains(address))
            throw Error(ErrorKind::state,
                        fmt::format("an earlier run left an unfinished change of {}", address))
                .with_hint("run apply first");
    }
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

} // namespace hadeploy::cli
