#include "cli/docs/docs_functions.h"

#include "cli/docs/docs_spec.h"
#include "cli/render/text.h"
#include "core/value_json.h"
#include "planner/lang/functions.h"

#include <fmt/format.h>

namespace hadeploy::cli {

namespace {
std::string signature(const Function& f) {
    return fmt::format("{}({})", f.name, f.parameters);
}

std::string example(const Function& f) {
    const Value result = from_json(f.result);
    return fmt::format("{} = {}", f.example, result.secret() ? display(result) : f.result);
}
} // namespace

std::string functions_markdown() {
    std::string out = "## Functions\n\n`?` marks an optional parameter, `...` a parameter that can "
                      "be repeated.\n\n";
    for (const FunctionGroup& group : function_groups()) {
        out += fmt::format("### {}\n\n| Function | | Example |\n|---|---|---|\n", group.title);
        for (const Function& f : group.functions) {
            out += fmt::format("| `{}` | {} | `{}` |\n", table_cell(signature(f)),
                               table_cell(f.doc), table_cell(example(f)));
        }
        out += "\n";
    }
    return out;
}

std::string render_functions(const Style& style) {
    std::string out;
    for (const FunctionGroup& group : function_groups()) {
        out += (out.empty() ? "" : "\n") + style.paint(Tint::bold, group.title) + "\n";
        for (const Function& f : group.functions) {
            out += "  " + style.paint(Tint::cyan, signature(f)) + "\n";
            for (const std::string& line : wrap(f.doc, 80)) out += "      " + line + "\n";
            out += "      " + style.paint(Tint::dim, example(f)) + "\n";
        }
    }
    return out;
}

} // namespace hadeploy::cli
