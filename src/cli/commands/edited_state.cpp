#include "cli/commands/edited_state.h"

#include "cli/render/plan_json.h"
#include "core/clock.h"
#include "planner/spec/address.h"

#include <fmt/format.h>

namespace hadeploy::cli {

std::unique_ptr<Store> open_state(const Context& context, Store::Mode mode) {
    const Project& project = context.project;
    if (!project.has_state())
        throw Error(ErrorKind::state,
                    fmt::format("there is no state {} yet", project.state_location().text()))
            .with_hint("the first apply creates it");
    auto store = project.open_store_of("", mode);
    if (mode == Store::Mode::read_write) context.lock(*store, context.args.command);
    return store;
}

std::vector<std::string> addresses_of(const PriorState& prior) {
    std::vector<std::string> out;
    for (const auto& [address, r] : prior.recorded) out.push_back(address);
    return out;
}

Error not_recorded(const std::string& address, const PriorState& prior) {
    return unknown_address(fmt::format("the state does not contain {}", address), address,
                           addresses_of(prior), "`hadeploy state list` lists all addresses");
}

std::vector<std::string> recorded_within(const std::string& given, const PriorState& prior) {
    const std::string address = resolve_address(given, addresses_of(prior));
    std::vector<std::string> out;
    for (const auto& [recorded, r] : prior.recorded)
        if (within(recorded, address)) out.push_back(recorded);
    if (out.empty()) throw not_recorded(address, prior);
    return out;
}

void report_change(const Context& context, const std::string& text, const Store& store,
                   nlohmann::json fields) {
    if (!context.args.json) return context.say(text + "\n");
    fields["serial"] = store.serial();
    context.print(json_line("info", "state_changed", text, now_ms(), std::move(fields)) + "\n");
}

} // namespace hadeploy::cli
