#include "cli/commands.h"
#include "cli/password.h"
#include "cli/render/plan_json.h"
#include "state/key_file.h"

#include <fmt/format.h>

namespace hadeploy::cli {

namespace {

/// The new key, and its description for the user.
struct NewKey {
    KeySource source;
    std::string text;
};

NewKey of_passphrase(std::string passphrase) {
    return {{.passphrase = std::move(passphrase), .key = {}, .file = {}},
            "the new passphrase: HADEPLOY_STATE_PASSPHRASE"};
}

NewKey of_file(const std::filesystem::path& file) {
    return {{.passphrase = {}, .key = {}, .file = file},
            fmt::format("the first key in {}", file.string())};
}

/// The key given by options; without options a new key of the same kind as the current key.
NewKey new_key(const Context& context, const KeySource& now) {
    const Args& args = context.args;
    if (!args.new_password_file.empty())
        return of_passphrase(password_from_file(args.new_password_file));
    if (!args.new_key_file.empty())
        return of_file(std::filesystem::absolute(args.new_key_file).lexically_normal());
    if (!now.passphrase.empty())
        return of_passphrase(
            ask_password("New passphrase", true, "give --new-passphrase-file FILE"));
    if (!now.key.empty())
        throw Error(ErrorKind::usage,
                    "the key comes from HADEPLOY_STATE_KEY or a program and has to be changed "
                    "where that variable is set")
            .with_hint("--new-key-file FILE reads a key from a file; set HADEPLOY_STATE_KEY to its "
                       "content afterwards");
    state::add_key(now.file); // the current key stays in the file until the state uses the new key
    return of_file(now.file);
}

/// A script that always gives --unsealed would accept a state whose key somebody has removed.
/// @throws Error(usage) if the state can be opened without it
void refuse_sealed(const Project& project, KeySource key) {
    key.takes_unsealed = false;
    try {
        (void)Store::open(project.state_location(), Store::Mode::read_only, project.owner(), key);
    } catch (const Error&) { // if it is not that the state is unsealed, rekey reports it
        return;
    }
    throw Error(ErrorKind::usage,
                fmt::format("the state {} is sealed", project.state_location().text()))
        .with_hint("leave out --unsealed, which is only for a state of an old version");
}

} // namespace

int run_state_rekey(Context& context) {
    const Project& project = context.project;
    if (!project.has_state())
        throw Error(ErrorKind::state,
                    fmt::format("there is no state {} yet", project.state_location().text()))
            .with_hint("the first apply creates it, with the key that is set then");
    const KeySource now = project.key_source();
    if (now.takes_unsealed) refuse_sealed(project, now);
    const auto store = project.open_store_of("", Store::Mode::read_write);
    context.lock(*store, context.args.command);
    const NewKey key = new_key(context, now);
    store->rekey(key.source);
    const std::string text =
        fmt::format("The state is now encrypted with {}.\nCopies of the state and plans that were "
                    "saved before still need their old key.",
                    key.text);
    if (context.args.json)
        context.print(json_line("info", "state_rekeyed", text, 0) + "\n");
    else
        context.say(text + "\n");
    return 0;
}

} // namespace hadeploy::cli
