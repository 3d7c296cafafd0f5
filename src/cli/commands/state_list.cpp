#include "cli/commands.h"
#include "cli/commands/recorded_state.h"
#include "planner/spec/address.h"

#include <algorithm>

namespace hadeploy::cli {

int run_state_list(Context& context) {
    const auto store = recorded_state(context);
    const std::vector<RecordedResource> rows = store->rows();
    std::vector<std::string> only;
    for (const std::string& given : context.args.addresses)
        only.push_back(resolve_address(given, addresses_of(rows)));
    for (const std::string& address : only)
        if (std::none_of(rows.begin(), rows.end(),
                         [&](const RecordedResource& r) { return within(r.address, address); }))
            throw not_recorded(address, rows);
    for (const RecordedResource& row : rows) {
        if (!only.empty() && std::none_of(only.begin(), only.end(), [&](const std::string& a) {
                return within(row.address, a);
            }))
            continue;
        context.print(context.args.json ? row_json(row).dump() + "\n" : row.address + "\n");
    }
    return 0;
}

} // namespace hadeploy::cli
