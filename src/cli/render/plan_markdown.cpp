#include "cli/render/plan_markdown.h"

#include "cli/render/plan_json.h"
#include "cli/render/plan_summary.h"
#include "cli/render/plan_text.h"
#include "cli/render/text.h"
#include "core/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::cli {

namespace {

/// The text with a space before lines that begin like a quick action of GitLab ("/merge") or a
/// fence, which GitLab looks for without parsing code blocks as CommonMark does.
std::string without_line_marks(const std::string& text) {
    std::string out;
    bool begins = true;
    for (const char c : text) {
        if (begins && (c == '/' || c == '`' || c == '~')) out += ' ';
        out += c;
        begins = c == '\n';
    }
    return out;
}

/// A text in a code block. Its fence is longer than each run of backticks in the text.
std::string code_block(const std::string& text) {
    std::size_t longest = 2, run = 0;
    for (const char c : text) {
        run = c == '`' ? run + 1 : 0;
        longest = std::max(longest, run);
    }
    const std::string fence(longest + 1, '`');
    return fmt::format("{}text\n{}{}{}\n", fence, text, text.ends_with('\n') ? "" : "\n", fence);
}

/// The part of a text that is shown.
struct Shown {
    std::string text;
    std::size_t lines = 0, of = 0;
    [[nodiscard]] bool whole() const { return lines == of; }
};

/// The first lines of a text whose code block has at most `room` bytes; if the first line is too
/// long, its beginning.
Shown first_lines(const std::string& text, std::size_t room) {
    Shown out;
    out.of = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) +
             (text.empty() || text.ends_with('\n') ? 0 : 1);
    if (code_block(text).size() <= room) return {text, out.of, out.of};
    // the fence of a part is at most that of the whole text
    const std::size_t fences = code_block(text).size() - text.size() + 1;
    std::string_view rest = text;
    const std::size_t most = room > fences ? room - fences : 0;
    for (std::size_t end; (end = rest.find('\n')) != rest.npos; rest.remove_prefix(end + 1)) {
        if (out.text.size() + end + 1 > most) break;
        out.text += rest.substr(0, end + 1);
        ++out.lines;
    }
    if (out.lines > 0) return out;
    std::string_view line = rest;
    for (constexpr std::string_view dots = "...\n"; !line.empty();) {
        const CodePoint c = first_code_point(line);
        if (out.text.size() + c.size + dots.size() > most) {
            out.text += dots;
            break;
        }
        out.text += line.substr(0, c.size);
        line.remove_prefix(c.size);
    }
    return out;
}

std::string title_of(const MarkdownPlan& saved) {
    const std::string_view what = saved.plan.destroy        ? "removal"
                                  : saved.plan.refresh_only ? "changes outside hadeploy"
                                                            : "plan";
    return fmt::format("### hadeploy: {} of {}\n\n**{}**\n", what, saved.project,
                       plan_headline(saved.plan));
}

std::string footer_of(const MarkdownPlan& saved) {
    const Value& commit = saved.origin["commit"];
    std::string from = commit.text("id");
    // an ID of git, which needs no code block; see run_origin()
    if (from.find_first_not_of("0123456789abcdef") != from.npos) from.clear();
    if (!from.empty())
        from = fmt::format(" from commit {}{}", from,
                           commit.flag("changed") ? " with uncommitted changes" : "");
    return fmt::format("\nMade at {}{}. `hadeploy apply` carries out exactly this plan, or refuses "
                       "it. SHA-256 of the saved plan: {}\n",
                       timestamp(saved.made_ms), from, saved.sha256);
}

std::string cut_notice(const Shown& shown, std::string_view what, std::size_t limit) {
    return fmt::format("\n**Cut: {} of {} lines of {} are shown, because of the limit of {} "
                       "bytes.** `hadeploy show` of the saved plan shows all.\n",
                       shown.lines, shown.of, what, limit);
}

/// Builds the Markdown within its limit. Earlier sections get their room first.
class Comment {
  public:
    explicit Comment(std::size_t limit) : limit_(limit) {}

    /// @param reserved  bytes to leave for the following sections
    void section(std::string_view heading, std::string_view what, const std::string& text,
                 std::size_t reserved) {
        if (text.empty()) return;
        const std::size_t notice = cut_notice({{}, text.size(), text.size()}, what, limit_).size();
        const std::size_t taken = out_.size() + heading.size() + notice + reserved + 2;
        const Shown shown = first_lines(text, limit_ > taken ? limit_ - taken : 0);
        if (!shown.whole()) out_ += cut_notice(shown, what, limit_);
        if (shown.text.empty()) return;
        out_ += fmt::format("\n{}{}", heading, code_block(shown.text));
    }
    void add(std::string_view text) { out_ += text; }
    [[nodiscard]] std::size_t room() const { return limit_ - std::min(limit_, out_.size()); }
    [[nodiscard]] const std::string& text() const { return out_; }

  private:
    std::size_t limit_;
    std::string out_;
};

} // namespace

std::string plan_markdown(const MarkdownPlan& saved, const Detail& detail,
                          const std::function<std::string(std::string_view)>& hidden,
                          std::size_t limit) {
    constexpr std::string_view open = "\n<details><summary>Details</summary>\n",
                               close = "\n</details>\n";
    const Plan& plan = saved.plan;
    const auto safe = [&](const std::string& text) { return without_line_marks(hidden(text)); };
    const std::string footer = footer_of(saved);
    const std::size_t end = open.size() + close.size() + footer.size();
    const std::string text = safe(render_plan(plan, Style{}, detail));
    Comment out(limit);
    out.add(title_of(saved));
    // each section leaves half of the room to those after it
    const auto half = [&] { return end + out.room() / 2; };
    out.section("**Data will be lost:**\n\n", "the data losses",
                safe(render_losses(plan.losses, {})), half());
    out.section("Warnings:\n\n", "the warnings", safe(saved.warnings), half());
    if (code_block(text).size() + end > out.room())
        out.section("", "the summary", safe(render_summary(plan, {})), half());
    out.add(open);
    out.section("", "the plan", text, close.size() + footer.size());
    out.add(close);
    out.add(footer);
    return out.text();
}

} // namespace hadeploy::cli
