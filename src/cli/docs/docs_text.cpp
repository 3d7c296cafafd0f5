#include "cli/docs/docs_text.h"

#include "chaos/settings.h"
#include "cli/docs/docs_rows.h"
#include "cli/docs/docs_spec.h"
#include "cli/docs/docs_topics.h"
#include "cli/render/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::cli {

namespace {
constexpr std::size_t kReadable = 92; ///< maximum width of running text in columns

std::size_t columns(const Style& style) {
    return style.width == 0 ? kReadable : std::min(style.width, kReadable);
}

std::string heading(std::string_view text, const Style& style) {
    return "\n" + style.paint(Tint::bold, text) + "\n";
}

std::string rows_text(const std::vector<DocRow>& rows, bool computed, const Style& style) {
    std::size_t name_width = 0;
    for (const DocRow& row : rows)
        if (row.computed == computed) name_width = std::max(name_width, row.name.size());
    std::string out;
    for (const DocRow& row : rows) {
        if (row.computed != computed) continue;
        out +=
            fmt::format("  {}  {}", style.paint(Tint::cyan, pad(row.name, name_width)), row.type);
        if (!row.facts.empty()) out += style.paint(Tint::dim, "; " + row.facts);
        out += "\n" + paragraph(row.doc, 6, style);
    }
    return out;
}

std::string schema_text(const Schema& schema, const Style& style) {
    const std::vector<DocRow> rows = doc_rows(schema);
    std::string out;
    const std::string written = rows_text(rows, false, style);
    if (!written.empty()) out += heading("Arguments", style) + written;
    const std::string computed = rows_text(rows, true, style);
    if (!computed.empty()) out += heading("Attributes", style) + computed;
    return out;
}
} // namespace

std::string paragraph(std::string_view text, std::size_t indent, const Style& style) {
    const std::size_t room = columns(style) > indent + 20 ? columns(style) - indent : 20;
    std::string out;
    for (const std::string& line : wrap(text, room))
        out += line.empty() ? "\n" : std::string(indent, ' ') + line + "\n";
    return out;
}

std::string render_type(const ResourceType& type, const Style& style) {
    std::string out = style.paint(Tint::bold, type.name) + "  " +
                      style.paint(Tint::dim, (type.data ? "data source, provider " : "provider ") +
                                                 type.provider) +
                      "\n" + paragraph(type.summary, 2, style);
    if (!type.doc.empty()) out += "\n" + paragraph(type.doc, 2, style);
    if (!type.import_id.empty()) out += "\n" + paragraph(import_text(type), 2, style);
    out += schema_text(type.schema, style);
    if (!type.warnings.empty()) out += heading("Warnings", style);
    for (const Warning& w : type.warnings)
        out += paragraph(fmt::format("{}: {}", w.name, w.doc), 2, style);
    if (type.example.empty()) return out;
    out += heading(type.data ? "Example, under data" : "Example", style);
    for (const std::string& line : split_lines(type.example)) out += "  " + line + "\n";
    return out;
}

std::string render_provider(const Provider& provider, const Style& style) {
    return style.paint(Tint::bold, provider.name) + "  " + style.paint(Tint::dim, "provider") +
           "\n" + paragraph(provider.doc, 2, style) + schema_text(provider.schema, style);
}

std::string render_chaos(const Style& style) {
    return style.paint(Tint::bold, "chaos") + "  " + style.paint(Tint::dim, "section of a spec") +
           "\n" + paragraph(kChaosDoc, 2, style) + schema_text(chaos::settings_schema(), style);
}

std::string render_type_list(const Registry& registry, const Style& style) {
    std::vector<const ResourceType*> types;
    std::size_t width = 0;
    for (const auto& type : registry.types()) {
        types.push_back(type.get());
        width = std::max(width, type->name.size());
    }
    std::sort(types.begin(), types.end(),
              [](const auto* a, const auto* b) { return a->name < b->name; });
    const auto group = [](const ResourceType& t) { return t.name.substr(0, t.name.find('.')); };
    std::string out;
    for (std::size_t i = 0; i < types.size(); ++i) {
        const ResourceType& type = *types[i];
        if (i > 0 && group(*types[i - 1]) != group(type)) out += "\n";
        const std::string summary = (type.data ? "Data source. " : "") + type.summary;
        out +=
            fmt::format("{}  {}\n", style.paint(Tint::cyan, pad(type.name, width)),
                        style.width > width + 2 ? fit(summary, style.width - width - 2) : summary);
    }
    out += "\nProviders:";
    for (const auto& provider : registry.providers()) out += " " + provider->name;
    std::string topics = "Topics: chaos functions";
    for (const DocTopic& topic : doc_topics()) topics += " " + topic.name;
    return out + "\n\n" + paragraph(topics, 0, style) +
           "\nhadeploy docs TOPIC describes a type, a provider or one of these\n";
}

} // namespace hadeploy::cli
