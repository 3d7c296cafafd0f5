#include "cli/confirm.h"

#include "cli/render/plan_text.h"
#include "cli/render/text.h"
#include "planner/spec/address.h"
#include "provider_api/units.h"

#include <algorithm>
#include <fmt/format.h>
#include <iostream>
#include <poll.h>
#include <span>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace hadeploy::cli {

namespace {

/// Polls, so that Ctrl-C exits immediately: nothing runs yet.
std::string read_answer() {
    const Asking nothing_runs;
    constexpr int wake_up_ms = 100;
    pollfd answer{STDIN_FILENO, POLLIN, 0};
    while (::poll(&answer, 1, wake_up_ms) <= 0)
        if (stop_requested()) throw Interrupted();
    std::string line;
    std::getline(std::cin, line);
    if (stop_requested()) throw Interrupted();
    return line;
}

void ask_for_yes(const Context& context, std::string_view question) {
    context.say(fmt::format("\n{} Type \"yes\" to continue: ", question));
    if (read_answer() != "yes") throw Cancelled();
}

bool has_terminal() {
    return ::isatty(STDIN_FILENO) == 1;
}

std::vector<std::string> lost_addresses(const std::vector<Loss>& losses) {
    std::vector<std::string> out;
    for (const Loss& loss : losses) out.push_back(loss.address);
    return out;
}

/// The losses that need confirmation and are not allowed on the command line.
std::vector<Loss> unconfirmed(const Context& context, const Plan& plan) {
    const std::vector<std::string> known = lost_addresses(plan.losses);
    std::vector<Loss> out;
    for (const Loss& loss : plan.losses) {
        const bool allowed =
            std::any_of(context.args.allow_data_loss.begin(), context.args.allow_data_loss.end(),
                        [&](const std::string& a) {
                            return a == kAllData || within(loss.address, resolve_address(a, known));
                        });
        if (loss.copied_by.empty() && !allowed) out.push_back(loss);
    }
    return out;
}

Error data_would_be_lost(const std::vector<Loss>& losses) {
    constexpr std::size_t most = 20; // the plan lists all
    Error error(ErrorKind::failed, fmt::format("data of {} would be lost, and this was not allowed",
                                               counted(losses.size(), "resource")));
    const std::size_t shown = std::min(losses.size(), most);
    std::vector<std::string> options;
    for (const Loss& loss : std::span(losses).first(shown)) {
        const std::string option = "--allow-data-loss=" + shell_word(loss.address);
        // one option allows all losses of a resource
        if (std::find(options.begin(), options.end(), option) == options.end())
            options.push_back(option);
        error.with_note(fmt::format("{}: {}{}", loss.address, loss.data.what,
                                    loss.data.bytes ? ", " + show_bytes(*loss.data.bytes) : ""));
    }
    if (shown < losses.size()) error.with_note(fmt::format("and {} more", losses.size() - shown));
    const std::string each = shown == losses.size()
                                 ? fmt::format(", or {}", fmt::join(options, " "))
                                 : ", or --allow-data-loss=ADDRESS for each";
    return std::move(error).with_hint("to allow this: --allow-data-loss" + each);
}

/// Asks for a name, because "yes" is typed by habit.
void confirm_losses(const Context& context, const std::vector<Loss>& losses) {
    const std::string name = losses.size() == 1 ? losses.front().address : context.project.owner();
    context.say(
        fmt::format("\nThe data of {} will be lost. Type {} to continue: ",
                    losses.size() == 1 ? name : counted(losses.size(), "resource"),
                    losses.size() == 1 ? "its address" : "the name of the project, " + name + ","));
    if (resolve_address(read_answer(), {name}) != name) throw Cancelled();
}

} // namespace

void check_allowed(const Context& context, const Plan& plan) {
    const std::vector<std::string> known = lost_addresses(plan.losses);
    for (const std::string& given : context.args.allow_data_loss) {
        const std::string address = resolve_address(given, known);
        const auto lost = [&](const std::string& k) { return within(k, address); };
        if (given == kAllData || std::any_of(known.begin(), known.end(), lost)) continue;
        throw unknown_address(
            fmt::format("--allow-data-loss={}: this plan does not destroy data there", given),
            address, known,
            known.empty() ? "it destroys no data" : "the plan lists the data that would be lost");
    }
}

void check_unreviewed(const Project& project, std::string_view command, bool destroy) {
    if (!project.saved_plans_only()) return;
    throw Error(ErrorKind::usage,
                fmt::format("{}: this project applies only saved plans, as `saved_plans_only` in "
                            "its spec says",
                            command))
        .with_hint(fmt::format("{}hadeploy plan{} --out FILE, and after the review hadeploy apply "
                               "FILE",
                               command.starts_with("rollback")
                                   ? "restore the earlier spec, for example by git revert, then "
                                   : "",
                               destroy ? " --destroy" : ""));
}

void confirm(const Context& context, const Plan& plan, std::string_view command,
             std::string_view question) {
    const std::vector<Loss> losses = unconfirmed(context, plan);
    if (context.args.auto_approve) {
        if (!losses.empty()) throw data_would_be_lost(losses);
        return;
    }
    if (!has_terminal())
        throw Error(ErrorKind::usage,
                    fmt::format("{} needs approval, and there is no terminal to ask on", command))
            .with_hint(fmt::format("check `hadeploy plan`, then add --auto-approve{}",
                                   losses.empty() ? "" : " and --allow-data-loss"));
    if (!losses.empty()) {
        if (context.args.json) context.say(render_losses(losses, context.err));
        return confirm_losses(context, losses);
    }
    ask_for_yes(context, question);
}

void confirm_yes(const Context& context, std::string_view question, Error without_terminal) {
    if (!has_terminal()) throw Error(std::move(without_terminal));
    ask_for_yes(context, question);
}

void confirm_saved(const Context& context, const Plan& plan) {
    const std::vector<Loss> losses = unconfirmed(context, plan);
    if (losses.empty()) return;
    if (context.args.auto_approve || !has_terminal()) throw data_would_be_lost(losses);
    context.say(render_losses(losses, context.err));
    confirm_losses(context, losses);
}

} // namespace hadeploy::cli
