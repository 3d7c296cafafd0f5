#include "cli/commands.h"
#include "cli/commands/recorded_state.h"
#include "planner/spec/address.h"

namespace hadeploy::cli {

int run_state_show(Context& context) {
    const auto store = recorded_state(context);
    const std::vector<RecordedResource> rows = store->rows();
    const auto row = store->row(resolve_address(context.args.name, addresses_of(rows)));
    if (!row) throw not_recorded(context.args.name, rows);
    context.print(context.args.json ? row_json(*row).dump() + "\n" : row_text(*row));
    return 0;
}

} // namespace hadeploy::cli
