#include "cli/check_pushed.h"
#include "cli/commands.h"
#include "cli/commands/edited_state.h"
#include "core/file.h"
#include "state/transfer.h"

#include <fmt/format.h>
#include <iostream>
#include <iterator>

namespace hadeploy::cli {

namespace {

std::string read_input(const std::filesystem::path& file) {
    if (file != "-") return read_file(file, std::size_t{1} << 30);
    return {std::istreambuf_iterator<char>(std::cin), {}};
}

/// Refuses to replace the state with an older state, or with the state of a different project.
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
        refuse(fmt::format("this state has a different lineage: {}, not {}", pushed.lineage,
                           store.lineage()),
               "it was not pulled from this state; " + force);
    if (pushed.serial < store.serial())
        refuse(fmt::format("this state is older than the current state: serial {}, not {}",
                           pushed.serial, store.serial()),
               "pull again and edit the new output; " + force);
    if (!store.intents().empty())
        refuse("an earlier run is unfinished, and its open changes are in the journal",
               "apply first; --force discards the journal");
}

} // namespace

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
    if (!context.args.force) check_push(pushed, *store, context.project.owner());
    store->restore(pushed.rows, pushed.outputs, pushed.lineage, pushed.serial);
    report_change(context,
                  fmt::format("The state now has {} resource{}, serial {}.", pushed.rows.size(),
                              pushed.rows.size() == 1 ? "" : "s", store->serial()),
                  *store, {{"resources", pushed.rows.size()}});
    return 0;
}

} // namespace hadeploy::cli
