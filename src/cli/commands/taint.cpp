#include "cli/commands.h"
#include "cli/commands/edited_state.h"
#include "engine/observe.h"
#include "planner/spec/address.h"

#include <fmt/format.h>

namespace hadeploy::cli {

int run_taint(Context& context) {
    const bool taint = context.args.command == "taint";
    const auto store = open_state(context, Store::Mode::read_write);
    const PriorState prior = load_prior_state(*store);
    const std::string address = resolve_address(context.args.name, addresses_of(prior));
    auto row = store->row(address);
    if (!row) {
        if (prior.unfinished.contains(address))
            throw Error(ErrorKind::state,
                        fmt::format("an earlier run did not finish creating {}", address))
                .with_hint("the next apply finishes it");
        throw not_recorded(address, prior);
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
