#include "cli/commands.h"
#include "cli/commands/console_help.h"
#include "cli/interrupt.h"
#include "cli/line_editor.h"
#include "cli/render/errors.h"
#include "cli/render/plan_json.h"
#include "cli/render/text.h"
#include "core/clock.h"
#include "core/value_json.h"
#include "planner/lang/expr_parser.h"
#include "planner/plan/decide.h"
#include "planner/plan/moves.h"
#include "planner/plan/prior_state.h"

#include <csignal>
#include <fmt/format.h>
#include <iostream>
#include <optional>
#include <unistd.h>

namespace hadeploy::cli {

namespace {

std::string shown_value(const Value& value, bool json) {
    if (json) return to_public_json(value);
    if (value.secret() || value.is_unknown()) return display(value);
    return printable(nlohmann::json::parse(to_public_json(value))
                         .dump(2, ' ', false, nlohmann::json::error_handler_t::replace),
                     true);
}

/// During an evaluation a signal cancels it; otherwise it ends the console, which has no open work.
class HeedSignals {
  public:
    HeedSignals() { install_signal_handlers(); }
    ~HeedSignals() { leave(); }
    HeedSignals(const HeedSignals&) = delete;
    HeedSignals& operator=(const HeedSignals&) = delete;
    static void leave() {
        for (const int number : {SIGINT, SIGTERM}) std::signal(number, SIG_DFL);
    }
};

/// Evaluates input lines as expressions of the spec's root module.
class Console {
  public:
    explicit Console(Context& context) : context_(context) {
        const auto store = context.project.open_store(Store::Mode::read_only);
        prior_ = with_moves(load_prior_state(*store), context.project.spec().moved);
    }

    /// Prints the value or the error.
    /// @returns the exit code
    /// @throws Interrupted
    int evaluate(const std::string& line) {
        const HeedSignals heed;
        Sources sources = context_.project.sources();
        try {
            StringPool strings;
            const Expr expr = parsed(line, sources, strings);
            const Value value = context_.project.graph().value(
                expr, [this](NodeId id) { return value_of(context_.project.graph()[id]); });
            if (stop_requested()) throw Interrupted();
            context_.print(shown_value(value, context_.args.json) + "\n");
            return 0;
        } catch (const Error& error) {
            return complain(error, sources);
        }
    }

  private:
    /// Parses an expression, or a string with ${...} as in a spec.
    static Expr parsed(const std::string& line, Sources& sources, StringPool& strings) {
        const auto parse = [&](const std::string& source) {
            const std::uint16_t file = sources.add("console", source);
            return parse_string(Value(source).at({1, 1, file}), sources, strings);
        };
        if (line.find("${") == line.npos) return parse("${" + line + "}");
        try {
            return parse("${" + line + "}");
        } catch (const Error&) {
            return parse(line);
        }
    }

    Value value_of(const Node& node) {
        if (node.type->data) return data(node);
        const auto it = prior_.recorded.find(node.address);
        return it == prior_.recorded.end() ? Value::unknown() : it->second.attributes;
    }

    /// Reads all data sources when the first of them is used.
    Value data(const Node& node) {
        if (!std::exchange(data_read_, true)) {
            const Project& project = context_.project;
            const ProviderSettings settings = provider_settings(project.graph());
            Endpoints endpoints(context_.registry, project.provider_context(prior_.lineage));
            Events silent; // --json prints one value per line
            const auto progress = context_.progress(0);
            read_data(prior_, project.graph(), settings, endpoints,
                      context_.args.json ? silent : *progress);
            progress->finish();
            if (stop_requested()) throw Interrupted();
        }
        const auto seen = prior_.observed.find(node.address);
        if (seen == prior_.observed.end()) return Value::unknown();
        if (seen->second.state == Observation::State::present) return seen->second.attributes;
        Error error = data_error(node.address, seen->second);
        error.address = node.address;
        throw error;
    }

    int complain(const Error& error, const Sources& sources) const {
        if (context_.args.json)
            context_.print(json_line("error", "diagnostic", error.message, now_ms(),
                                     {{"diagnostic", error_json(error, sources)}}) +
                           "\n");
        else
            context_.say(render_errors({error}, sources, context_.err));
        return exit_code(error.kind);
    }

    const Context& context_;
    PriorState prior_;
    bool data_read_ = false;
};

bool is_blank(const std::string& line) {
    return line.find_first_not_of(" \t\r") == line.npos;
}

/// "help regex": "regex"; "help": ""; nothing of any other line.
std::optional<std::string> asks_for_help(const std::string& line) {
    const auto begin = line.find_first_not_of(" \t");
    const std::string words = line.substr(begin, line.find_last_not_of(" \t()") + 1 - begin);
    if (words == "help" || words == "?") return "";
    if (!words.starts_with("help ")) return std::nullopt;
    return words.substr(words.find_first_not_of(" \t", 4));
}

/// Interactive mode: prints errors and continues.
int talk(Context& context, Console& console) {
    const Graph& graph = context.project.graph();
    const std::filesystem::path data = context.project.data_dir();
    LineEditor editor("> ", std::filesystem::exists(data) ? data / "console_history" : "",
                      [&](const std::string& word) { return console_words(graph, word); });
    context.say(
        "Evaluates expressions with the values of the state. Type help for help, exit to leave.\n");
    while (const auto line = editor.read()) {
        if (is_blank(*line)) continue;
        if (context.project.hidden(*line) == *line) editor.remember(*line); // no known secret
        if (*line == "exit" || *line == "quit") return 0;
        const auto help = asks_for_help(*line);
        try {
            if (help) context.say(help->empty() ? console_help(graph) : function_help(*help));
        } catch (const Error& error) {
            context.say(render_errors({error}, context.project.sources(), context.err));
        }
        if (!help) console.evaluate(*line);
    }
    context.say("\n");
    return 0;
}

} // namespace

int run_console(Context& context) {
    context.project.load(
        Project::Secrets::unread); // the console hides secrets, so no password is needed
    Console console(context);
    HeedSignals::leave();
    if (context.args.expression) return console.evaluate(*context.args.expression);
    if (::isatty(STDIN_FILENO) == 1) return talk(context, console);
    int code = 0;
    for (std::string line; std::getline(std::cin, line);) {
        if (is_blank(line)) continue;
        const int result = console.evaluate(line);
        if (code == 0) code = result;
    }
    return code;
}

} // namespace hadeploy::cli
