#include "cli/docs/docs_markdown.h"

#include "chaos/settings.h"
#include "cli/docs/docs_functions.h"
#include "cli/docs/docs_plan.h"
#include "cli/docs/docs_rows.h"
#include "cli/docs/docs_spec.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::cli {

namespace {
std::string table(const std::vector<DocRow>& rows, bool computed) {
    std::string out;
    for (const DocRow& row : rows) {
        if (row.computed != computed) continue;
        if (out.empty())
            out = computed ? "| Attribute | Type | |\n|---|---|---|\n"
                           : "| Argument | Type | |\n|---|---|---|\n";
        std::string text = table_cell(row.doc);
        if (!row.facts.empty())
            text += fmt::format("{}*{}.*", text.empty() ? "" : " ", table_cell(row.facts));
        out += fmt::format("| `{}` | {} | {} |\n", row.name, table_cell(row.type), text);
    }
    return out.empty() ? out : out + "\n";
}

std::string tables(const Schema& schema) {
    const std::vector<DocRow> rows = doc_rows(schema);
    return table(rows, false) + table(rows, true);
}

std::string type_section(const ResourceType& type) {
    std::string out = fmt::format("### {}\n\n{}\n\n", type.name, type.summary);
    if (!type.doc.empty()) out += type.doc + "\n\n";
    if (!type.import_id.empty()) out += import_text(type) + "\n\n";
    out += tables(type.schema);
    if (!type.warnings.empty()) {
        out += "| Warning | |\n|---|---|\n";
        for (const Warning& w : type.warnings)
            out += fmt::format("| `{}` | {} |\n", w.name, table_cell(w.doc));
        out += "\n";
    }
    if (!type.example.empty())
        out += fmt::format("```yaml\n{}:\n{}```\n\n", type.data ? "data" : "resources",
                           indented(type.example));
    return out;
}

/// A list of links, followed by one section per type.
std::string type_sections(std::string_view heading, const std::vector<const ResourceType*>& types,
                          bool data) {
    std::string links, sections;
    for (const ResourceType* type : types) {
        if (type->data != data) continue;
        links += fmt::format("- [{}](#{}): {}\n", type->name, anchor(type->name), type->summary);
        sections += type_section(*type);
    }
    if (links.empty()) return {};
    return fmt::format("## {}\n\n{}\n{}", heading, links, sections);
}
} // namespace

std::string reference_markdown(const Registry& registry) {
    std::string out = spec_reference() + plan_json_reference() + functions_markdown();
    out += fmt::format("## Chaos\n\n{}\n\n{}", kChaosDoc, tables(chaos::settings_schema()));
    out += "## Providers\n\nProvider settings are written under `providers:`, by the name of the "
           "provider; all have defaults.\n\n";
    for (const auto& provider : registry.providers())
        out += fmt::format("### {}\n\n{}\n\n{}", provider->name, provider->doc,
                           tables(provider->schema));
    std::vector<const ResourceType*> types;
    for (const auto& type : registry.types()) types.push_back(type.get());
    std::sort(types.begin(), types.end(),
              [](const auto* a, const auto* b) { return a->name < b->name; });
    out += type_sections("Resource types", types, false);
    out += type_sections("Data source types", types, true);
    out.pop_back(); // end with a single newline
    return out;
}

} // namespace hadeploy::cli
