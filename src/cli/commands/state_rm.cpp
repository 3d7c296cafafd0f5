#include "cli/commands.h"
#include "cli/commands/edited_state.h"
#include "engine/observe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>

namespace hadeploy::cli {

int run_state_rm(Context& context) {
    const auto store = open_state(context, Store::Mode::read_write);
    const PriorState prior = load_prior_state(*store);
    std::set<std::string> gone;
    for (const std::string& address : context.args.addresses)
        for (std::string& found : recorded_within(address, prior)) gone.insert(std::move(found));
    const bool dry = context.args.dry_run;
    if (!dry) store->put({}, {gone.begin(), gone.end()});
    report_change(context,
                  fmt::format("{}: {}. The objects stay as they are.",
                              dry ? "Would be removed from the state" : "Removed from the state",
                              fmt::join(gone, ", ")),
                  *store, {{"removed", gone}, {"dry_run", dry}});
    return 0;
}

} // namespace hadeploy::cli
