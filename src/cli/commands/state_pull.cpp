#include "cli/commands.h"
#include "cli/commands/edited_state.h"
#include "state/transfer.h"

namespace hadeploy::cli {

int run_state_pull(Context& context) {
    const auto store = open_state(context, Store::Mode::read_only);
    std::vector<RecordedResource> rows = store->rows();
    const Form form =
        context.project.form(); // relative paths, which are valid in a different directory too
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

} // namespace hadeploy::cli
