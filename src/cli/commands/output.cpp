#include "cli/commands.h"
#include "cli/commands/recorded_state.h"
#include "cli/render/report.h"
#include "cli/render/text.h"
#include "core/did_you_mean.h"
#include "core/secrecy.h"
#include "core/value_json.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hadeploy::cli {

namespace {

/// The bare text of a scalar output, for scripts.
std::string raw_text(const std::string& name, const Value& value, bool show_secrets) {
    if (value.contains_secret() && !show_secrets)
        throw Error(ErrorKind::failed, fmt::format("the output \"{}\" is secret", name))
            .with_hint(
                "pass it to the resource that needs it as an attribute; --show-secrets prints it");
    if (value.is_list() || value.is_map() || value.is_null())
        throw Error(ErrorKind::usage,
                    fmt::format("the output \"{}\" is {}, which --raw cannot print", name,
                                value.kind_name()))
            .with_hint("use --json");
    return value.is_string() ? value.as_string() : display(value);
}

} // namespace

int run_output(Context& context) {
    const auto store = recorded_state(context);
    const Value outputs = store->outputs();
    const std::string& name = context.args.name;
    if (name.empty()) {
        context.print(context.args.json ? to_public_json(outputs) + "\n"
                                        : render_outputs(outputs, context.out));
        return 0;
    }
    const Value* found = outputs.find(name);
    if (found == nullptr) {
        std::vector<std::string> known;
        for (const Entry& e : outputs.is_map() ? outputs.as_map() : Value::Map{})
            known.push_back(e.key);
        Error error(ErrorKind::usage, fmt::format("there is no output \"{}\"", name));
        if (const auto close = did_you_mean(name, known))
            error.hint = fmt::format("did you mean \"{}\"?", *close);
        else if (known.empty())
            error.hint =
                store->runs().empty()
                    ? "nothing has been applied yet"
                    : "the state has no outputs; declare them under `outputs:`, then apply";
        else
            error.hint = fmt::format("there are: {}", fmt::join(known, ", "));
        throw error;
    }
    if (context.args.raw) {
        const std::string text = raw_text(name, *found, context.args.show_secrets);
        return found->contains_secret() ? context.print_secret(text) : context.print(text), 0;
    }
    context.print((context.args.json ? to_public_json(*found) : printable(display(*found), true)) +
                  "\n");
    return 0;
}

} // namespace hadeploy::cli
