#include "cli/commands.h"
#include "cli/render/plan_json.h"
#include "core/clock.h"
#include "core/text.h"
#include "state/key_file.h"
#include "state/relocate.h"

#include <fmt/format.h>

namespace hadeploy::cli {

namespace {

/// The location given by a path or a URL.
StateLocation place_of(const Project& project, const std::string& given) {
    if (given.find("://") != given.npos)
        return Project::in_environment(project.location_of(given), project.environment());
    if (given.empty())
        throw Error(ErrorKind::usage, "the location of a state cannot be empty")
            .with_hint("for example .hadeploy/state.db or postgresql://USER@HOST/DATABASE");
    const auto file = std::filesystem::absolute(given).lexically_normal();
    return std::filesystem::weakly_canonical(file.parent_path()) / file.filename();
}

/// Refuses a file in which hadeploy would not look for a state.
void check_target(const Project& project, const StateLocation& to) {
    if (!to.in_file() ||
        (to.file.filename() == project.state_file().filename() &&
         to.file.parent_path().filename() == project.state_file().parent_path().filename()))
        return;
    throw Error(ErrorKind::usage,
                fmt::format("hadeploy would not find a state in {}", in_quotes(to.text(), 4096)))
        .with_hint("the state of a project is .hadeploy/state.db in its directory");
}

std::string number_of(std::size_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

std::string contents_of(const state::Relocated& state) {
    std::string out = number_of(state.resources, "resource");
    if (state.open_changes > 0) out += ", " + number_of(state.open_changes, "open change");
    return fmt::format("{}, {}, serial {}", out, number_of(state.runs, "run"), state.serial);
}

/// What the user has to do so that the next commands find the state.
std::string next_step(const Project& project, const StateLocation& to, const std::string& given) {
    if (!to.in_file())
        return fmt::format("Set it in the spec for all users: `state: {}`",
                           project.has_environments() ? given : to.text());
    std::string out = to.file == project.state_file()
                          ? "Remove `state` from the spec, and unset HADEPLOY_STATE."
                          : fmt::format("It is the state of the project in {}.",
                                        to.file.parent_path().parent_path().string());
    const auto key = state::key_file(to.file);
    if (!std::filesystem::exists(key))
        out += fmt::format(" Its key was not moved: keep HADEPLOY_STATE_KEY or "
                           "HADEPLOY_STATE_KEY_FILE set, or copy the key to {}, mode 0600.",
                           key.string());
    return out;
}

} // namespace

int run_state_migrate(Context& context) {
    Project& project = context.project;
    project.load(Project::Secrets::unread);
    const StateLocation from = place_of(project, context.args.name);
    const StateLocation to = place_of(project, context.args.to);
    check_target(project, to);
    const state::Relocated moved =
        state::relocate({.from = from,
                         .to = to,
                         .project = project.owner(),
                         .key = project.key_of(from),
                         .form = project.form(),
                         .lock =
                             [&](Store& store, const StateLocation& place) {
                                 if (place.text() == from.text())
                                     project.check_serial(store, place);
                                 context.lock(store, context.args.command);
                             },
                         .tell =
                             [&](const std::string& step) {
                                 if (!context.args.json) context.say(step + "\n");
                             }});
    const std::string text =
        fmt::format("{} {}: {}.",
                    moved.before ? "Nothing is left to do: the state is in" : "The state is now in",
                    in_quotes(to.text(), 4096), contents_of(moved));
    if (context.args.json)
        context.print(json_line("info", "state_moved", text, now_ms(),
                                {{"to", to.text()},
                                 {"before", moved.before},
                                 {"resources", moved.resources},
                                 {"open_changes", moved.open_changes},
                                 {"runs", moved.runs},
                                 {"serial", moved.serial}}) +
                      "\n");
    else
        context.say(fmt::format("{}\n{}\n", text, next_step(project, to, context.args.to)));
    return 0;
}

} // namespace hadeploy::cli
