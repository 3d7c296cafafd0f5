#include "cli/render/progress_tty.h"

#include "cli/render/plan_text.h"
#include "cli/render/progress_text.h"
#include "cli/render/text.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <fmt/format.h>
#include <mutex>
#include <thread>

namespace hadeploy::cli {

namespace {
constexpr std::chrono::milliseconds kTick{100};
constexpr std::array<std::string_view, 10> kDots{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
constexpr std::array<std::string_view, 4> kBars{"|", "/", "-", "\\"};
constexpr std::size_t kProgressAddressColumns = 48;

/// A line built from parts, which counts columns without parsing colours.
class Line {
  public:
    Line(std::size_t columns, const Style& style) : left_(columns), style_(style) {}
    Line& add(Tint tint, std::string_view text) {
        const std::string part = fit(text, left_);
        left_ -= columns_of(part);
        text_ += style_.paint(tint, part);
        return *this;
    }
    Line& space(std::size_t columns) { return add(Tint::plain, std::string(columns, ' ')); }
    [[nodiscard]] std::size_t left() const { return left_; }
    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    std::size_t left_;
    const Style& style_;
    std::string text_;
};

class TtyProgress final : public Progress {
  public:
    TtyProgress(std::size_t total, ProgressOutput output, const Style& style)
        : total_(total), output_(std::move(output)), style_(style), started_ms_(output_.now_ms()) {
        if (output_.ticking) ticker_ = std::jthread([this](std::stop_token stop) { tick(stop); });
    }
    ~TtyProgress() override { finish(); }

    void reading(std::string_view endpoint, std::size_t resources) override {
        const std::lock_guard lock(mutex_);
        std::string text = "reading " + counted(resources, "resource");
        if (total_ == 0) {
            const std::string key(endpoint);
            std::erase_if(rows_, [&](const Row& r) { return r.key == key; });
            rows_.push_back({key, "<=", Tint::blue, std::move(text), output_.now_ms()});
            return redraw();
        }
        print(Line(columns(), style_)
                  .add(Tint::dim, fmt::format("  {} at {}", text, visible(endpoint))));
    }
    void waiting(std::string_view endpoint, std::string_view what) override {
        const std::lock_guard lock(mutex_);
        if (total_ > 0)
            return print(
                Line(columns(), style_)
                    .add(Tint::dim, fmt::format("  {}: {}", visible(endpoint), visible(what))));
        for (Row& row : rows_)
            if (row.key == endpoint) row.text = what;
        redraw();
    }
    void step_started(const Step& step, std::string_view doing) override {
        const std::lock_guard lock(mutex_);
        drop(step);
        rows_.push_back({step.address, step_symbol(step), action_tint(step.action),
                         std::string(doing), output_.now_ms()});
        redraw();
    }
    void step_progress(const Step& step, std::string_view text) override {
        const std::lock_guard lock(mutex_);
        for (Row& row : rows_)
            if (row.key == step.address) row.text = text;
        redraw();
    }
    void step_done(const Step& step, StepResult result, std::int64_t ms) override {
        const std::lock_guard lock(mutex_);
        drop(step);
        if (step.first_half) return redraw(); // reported with the second half
        ++done_;
        if (result == StepResult::forgotten) return redraw(); // the report counts them
        Line line(columns(), style_);
        line.add(Tint::green, style_.unicode ? "✔ " : "ok ");
        finished(line, step, outcome(step, result), is_run(result) ? show_elapsed(ms) : "");
    }
    void step_failed(const Step& step, const Error& error, std::int64_t ms) override {
        const std::lock_guard lock(mutex_);
        drop(step);
        ++failed_;
        if (!step.first_half) ++done_;
        Line line(columns(), style_);
        line.add(Tint::red, style_.unicode ? "✘ " : "!! ");
        finished(line, step, "failed: " + visible(error.message), show_elapsed(ms));
    }
    /// Prints the whole text, wrapped to the width.
    bool note(std::string_view text) override {
        const std::lock_guard lock(mutex_);
        std::string above;
        for (const std::string& line : wrap(output_.hide(text), columns()))
            above += style_.paint(Tint::yellow, line) + "\n";
        show(above);
        return true;
    }
    void finish() override {
        ticker_.request_stop();
        if (ticker_.joinable()) ticker_.join();
        const std::lock_guard lock(mutex_);
        rows_.clear();
        over_ = true;
        const std::string gone = erase_block();
        if (!gone.empty()) output_.write(gone);
    }

  private:
    /// An activity: a step, or (while planning) the reading of an endpoint.
    struct Row {
        std::string key;
        std::string_view symbol;
        Tint tint = Tint::plain;
        std::string text;
        std::int64_t since_ms = 0;
    };

    std::string visible(std::string_view text) const { return printable(output_.hide(text)); }
    std::size_t columns() const { return std::max<std::size_t>(output_.size().columns, 20) - 1; }

    void drop(const Step& step) {
        std::erase_if(rows_, [&](const Row& r) { return r.key == step.address; });
    }

    void finished(Line& line, const Step& step, std::string_view what, std::string_view elapsed) {
        line.add(action_tint(step.action), fmt::format("{:>3} ", step_symbol(step)));
        line.add(Tint::plain, visible(step.address)).add(Tint::dim, "  ").add(Tint::plain, what);
        if (!elapsed.empty()) line.add(Tint::dim, fmt::format("  {}", elapsed));
        print(line);
    }

    /// Prints a permanent line above the block.
    void print(const Line& line) { show(line.text() + "\n"); }
    void redraw() {
        if (!over_) show("");
    }
    /// Prints `above` and redraws the block in one write, to avoid flicker.
    void show(const std::string& above) {
        std::string frame = erase_block() + above;
        frame += draw_block(); // after erase_block(), which needs the old drawn_
        output_.write(frame);
    }

    /// The escape sequence that erases the block. A terminal that was made narrower has wrapped the
    /// lines of the block.
    std::string erase_block() {
        const std::size_t wide = std::max<std::size_t>(1, output_.size().columns);
        std::size_t rows = 0;
        for (const std::size_t n : drawn_) rows += std::max<std::size_t>(1, (n + wide - 1) / wide);
        drawn_.clear();
        return rows == 0 ? std::string() : fmt::format("\x1b[{}A\r\x1b[J", rows);
    }

    std::string draw_block() {
        if (over_) return {};
        std::vector<Line> lines{totals()};
        const std::size_t room = std::max<std::size_t>(3, output_.size().rows) - 2;
        const std::size_t shown = rows_.size() <= room ? rows_.size() : room - 1;
        std::size_t address_columns = 0;
        for (std::size_t i = 0; i < shown; ++i)
            address_columns = std::max(address_columns, columns_of(visible(rows_[i].key)));
        for (std::size_t i = 0; i < shown; ++i)
            lines.push_back(line_of(rows_[i], std::min(address_columns, kProgressAddressColumns)));
        if (shown < rows_.size())
            lines.push_back(
                Line(columns(), style_)
                    .add(Tint::dim, fmt::format("   and {} more", rows_.size() - shown)));
        std::string out;
        for (const Line& line : lines) {
            out += line.text() + "\n";
            drawn_.push_back(columns() - line.left());
        }
        return out;
    }

    Line totals() const {
        Line line(columns(), style_);
        const std::string elapsed = show_elapsed(output_.now_ms() - started_ms_);
        if (total_ == 0) return line.add(Tint::bold, "[+] planning ").add(Tint::dim, elapsed);
        line.add(Tint::bold, fmt::format("[+] {}/{} ", done_, total_)).add(Tint::dim, elapsed);
        if (failed_ > 0) line.add(Tint::red, fmt::format("  {} failed", failed_));
        return line;
    }

    Line line_of(const Row& row, std::size_t address_columns) const {
        const std::int64_t elapsed = output_.now_ms() - row.since_ms;
        const auto frame =
            static_cast<std::size_t>(std::max<std::int64_t>(0, elapsed) / kTick.count());
        const std::string time = show_elapsed(elapsed);
        Line line(columns(), style_);
        line.add(Tint::cyan,
                 style_.unicode ? kDots[frame % kDots.size()] : kBars[frame % kBars.size()]);
        line.add(row.tint, fmt::format(" {:>3} ", row.symbol));
        line.add(Tint::plain, pad(fit(visible(row.key), address_columns), address_columns))
            .space(2);
        // the text is cut to leave room for the time
        const std::size_t keep = time.size() + 2;
        if (line.left() > keep)
            line.add(Tint::dim, fit(visible(row.text), line.left() - keep)).space(2);
        return line.add(Tint::plain, time);
    }

    void tick(const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        while (!stop.stop_requested()) {
            wake_.wait_for(lock, stop, kTick, [] { return false; });
            if (stop.stop_requested()) return;
            redraw();
        }
    }

    std::mutex mutex_;
    std::condition_variable_any wake_;
    const std::size_t total_;
    const ProgressOutput output_;
    const Style style_;
    const std::int64_t started_ms_;
    std::size_t done_ = 0, failed_ = 0;
    std::vector<Row> rows_;
    std::vector<std::size_t> drawn_; ///< columns of each drawn line of the block
    bool over_ = false;
    std::jthread ticker_; ///< last member, so that it ends before the others
};

} // namespace

std::unique_ptr<Progress> make_tty_progress(std::size_t total, ProgressOutput output,
                                            const Style& style) {
    return std::make_unique<TtyProgress>(total, std::move(output), style);
}

} // namespace hadeploy::cli
