#include "cli/docs/docs_topics.h"

#include "cli/docs/docs_plan.h"
#include "cli/docs/docs_spec.h"
#include "cli/docs/docs_text.h"
#include "cli/render/text.h"

#include <fmt/format.h>
#include <re2/re2.h>

namespace hadeploy::cli {

namespace {

/// 2 for "## The spec"; 0 if the line is no heading.
std::size_t level_of(std::string_view line) {
    const std::size_t level = line.find_first_not_of('#');
    return level == line.npos || line[level] != ' ' ? 0 : level;
}

bool is_fence(std::string_view line) {
    return line.starts_with("```");
}

/// The heading of the section about the whole spec, whose subsections are topics of their own.
constexpr std::string_view kWholeSpec = "The spec";

std::string topic_name(std::string_view title) {
    return title == kWholeSpec ? "spec" : anchor(title);
}

/// The cells of a row of a table: `| a | b \| c |`.
std::vector<std::string> cells_of(std::string_view row) {
    std::vector<std::string> out;
    std::string cell;
    for (std::size_t i = 1; i < row.size(); ++i) {
        if (row.substr(i, 2) == "\\|") {
            cell += row[++i];
        } else if (row[i] == '|') {
            out.push_back(std::exchange(cell, ""));
        } else {
            cell += row[i];
        }
    }
    for (std::string& text : out) {
        text.erase(0, text.find_first_not_of(' '));
        text.erase(text.find_last_not_of(' ') + 1);
    }
    return out;
}

/// The text without the targets of its links.
std::string without_targets(std::string text) {
    static const re2::RE2 kLink(R"(\[([^\]]+)\]\([^)]*\))"), kLess("&lt;");
    re2::RE2::GlobalReplace(&text, kLink, R"(\1)");
    re2::RE2::GlobalReplace(&text, kLess, "<");
    return text;
}

/// Renders one block after the other: the lines up to an empty line, or a block of code.
class Renderer {
  public:
    explicit Renderer(const Style& style) : style_(style) {}

    std::string render(std::string_view markdown) {
        bool code = false;
        for (const std::string& line : split_lines(markdown)) {
            if (is_fence(line)) {
                end_block();
                code = !code;
                if (code) separate();
            } else if (code) {
                out_ += line.empty() ? "\n" : "    " + line + "\n";
            } else if (line.empty()) {
                end_block();
            } else if (level_of(line) > 0) {
                end_block();
                separate();
                out_ += style_.paint(Tint::bold, line.substr(level_of(line) + 1)) + "\n";
            } else {
                if (line.starts_with("- ")) end_block();
                block_.push_back(line);
            }
        }
        end_block();
        return out_;
    }

  private:
    void separate() {
        if (!out_.empty()) out_ += "\n";
    }

    void end_block() {
        if (block_.empty()) return;
        const std::vector<std::string> lines = std::exchange(block_, {});
        if (lines.front().starts_with("|")) return table(lines);
        std::string text;
        for (const std::string& line : lines)
            text += (text.empty() ? "" : " ") + line.substr(line.find_first_not_of(' '));
        const bool item = text.starts_with("- ");
        if (!item || !after_item_) separate();
        after_item_ = item;
        out_ +=
            paragraph(without_targets(item ? "* " + text.substr(2) : text), item ? 4 : 2, style_);
    }

    /// A header without a title of the second column names what the rows are.
    void table(const std::vector<std::string>& lines) {
        separate();
        const std::vector<std::string> header = cells_of(lines.front());
        if (header.size() == 2 && header[1].empty() && !header[0].empty())
            out_ += "  " + style_.paint(Tint::dim, without_targets(header[0])) + "\n";
        for (std::size_t i = 2; i < lines.size(); ++i) {
            const std::vector<std::string> cells = cells_of(lines[i]);
            out_ += "  " + style_.paint(Tint::cyan, without_targets(cells.front())) + "\n";
            for (std::size_t n = 1; n < cells.size(); ++n)
                if (!cells[n].empty()) out_ += paragraph(without_targets(cells[n]), 6, style_);
        }
    }

    const Style& style_;
    std::string out_;
    std::vector<std::string> block_; ///< lines of the current paragraph, item or table
    bool after_item_ = false;        ///< items are not separated by empty lines
};

} // namespace

std::vector<DocTopic> doc_topics() {
    struct Open {
        std::size_t level, topic;
    };
    std::vector<DocTopic> out;
    std::vector<Open> open; // the sections that contain the current line
    bool code = false;
    for (const std::string& line : split_lines(spec_reference() + plan_json_reference())) {
        if (is_fence(line)) code = !code;
        const std::size_t level = code ? 0 : level_of(line);
        if (level > 0) {
            while (!open.empty() && (open.back().level >= level ||
                                     out[open.back().topic].name == topic_name(kWholeSpec)))
                open.pop_back();
            if (level > 1) { // not the title of the page
                open.push_back({level, out.size()});
                out.push_back({topic_name(line.substr(level + 1)), {}});
            }
        }
        for (const Open& section : open) out[section.topic].markdown += line + "\n";
    }
    return out;
}

std::string render_markdown(std::string_view markdown, const Style& style) {
    return Renderer(style).render(markdown);
}

} // namespace hadeploy::cli
