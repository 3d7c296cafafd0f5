#include "chaos/report_chart.h"

#include "core/page.h"
#include "embedded/report_css.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace hadeploy::chaos {

namespace {

// In units of the SVG's view box.
constexpr double kWidth = 960, kLeft = 64, kRight = 948;
constexpr double kLatencyTop = 40, kLatencyBottom = 210;
constexpr double kFailedTop = 245, kFailedBottom = 325;
constexpr double kHeight = 360;
constexpr std::size_t kMostColumns = 240;

/// The requests of one kind in some consecutive seconds.
struct Column {
    std::size_t ok = 0, failed = 0;
    Us slowest{0};
};

class Chart {
  public:
    Chart(const std::vector<ChartLine>& lines, const std::vector<ChartBand>& bands, Us length)
        : bands_(bands), length_(length) {
        std::size_t seconds = 1;
        for (const ChartLine& l : lines) seconds = std::max(seconds, l.seconds->size());
        each_ = (seconds + kMostColumns - 1) / kMostColumns;
        columns_ = (seconds + each_ - 1) / each_;
        for (const ChartLine& l : lines) lines_.emplace_back(l.name, columns_of(*l.seconds));
        for (std::size_t i = 0; i < columns_; ++i) {
            std::size_t failed = 0;
            for (const auto& [name, columns] : lines_) {
                failed += columns[i].failed;
                most_ms_ =
                    std::max(most_ms_, static_cast<double>(columns[i].slowest.count()) / 1e3);
            }
            most_failed_ = std::max(most_failed_, failed);
        }
        decades_ = std::max(1.0, std::ceil(std::log10(most_ms_)));
    }

    std::string draw() const {
        std::string out = fmt::format(
            "<svg class=\"chart\" viewBox=\"0 0 {:g} {:g}\" role=\"img\" data-testid=\"timeline\" "
            "aria-label=\"Latency and failed requests over time; the table of the measurement has "
            "the figures\">\n",
            kWidth, kHeight);
        out += bands() + latency_axis() + failed_axis() + time_axis() + bars();
        for (const auto& [name, columns] : lines_) out += line(columns, name);
        return out + "</svg>\n";
    }

  private:
    std::vector<Column> columns_of(const std::vector<Second>& seconds) const {
        std::vector<Column> out(columns_);
        for (std::size_t i = 0; i < seconds.size() && i / each_ < columns_; ++i) {
            Column& c = out[i / each_];
            c.ok += seconds[i].ok;
            c.failed += seconds[i].failed;
            c.slowest = std::max(c.slowest, seconds[i].slowest);
        }
        return out;
    }

    double x_of(double seconds) const {
        const double whole = static_cast<double>(columns_ * each_);
        return kLeft + (kRight - kLeft) * std::clamp(seconds / whole, 0.0, 1.0);
    }
    static double seconds_of(Us time) { return static_cast<double>(time.count()) / 1e6; }
    /// Logarithmic, from 1 ms on.
    double y_of(double ms) const {
        const double share = std::log10(std::max(ms, 1.0)) / decades_;
        return kLatencyBottom - (kLatencyBottom - kLatencyTop) * share;
    }

    std::string bands() const {
        std::string out;
        double row = 0; // labels of faults at the same time do not cover each other
        for (const ChartBand& band : bands_) {
            const double from = x_of(seconds_of(band.from));
            const double to = x_of(seconds_of(band.to.value_or(length_)));
            out += fmt::format(
                "<g data-testid=\"fault\" data-state=\"{0}\"><rect class=\"band\" x=\"{1:.1f}\" "
                "y=\"{2:g}\" width=\"{3:.1f}\" height=\"{4:g}\"><title>{5}: {6} to {7}</title>"
                "</rect><text class=\"label\" x=\"{1:.1f}\" y=\"{8:g}\">{5}</text></g>\n",
                band.to ? "undone" : "open", from, kLatencyTop, std::max(to - from, 2.0),
                kFailedBottom - kLatencyTop, escape_markup(band.label), clock_time(band.from),
                band.to ? clock_time(*band.to) : "the end", kLatencyTop - 6 - row);
            row = std::fmod(row + 12, 36);
        }
        return out;
    }

    static std::string tick(double y, const std::string& text) {
        return fmt::format("<line class=\"grid\" x1=\"{0:g}\" x2=\"{1:g}\" y1=\"{2:.1f}\" "
                           "y2=\"{2:.1f}\"/><text class=\"tick\" x=\"{3:g}\" y=\"{4:.1f}\" "
                           "text-anchor=\"end\">{5}</text>\n",
                           kLeft, kRight, y, kLeft - 8, y + 4, text);
    }

    std::string latency_axis() const {
        std::string out = "<text class=\"name\" x=\"4\" y=\"16\">slowest response</text>\n";
        for (int decade = 0; decade <= static_cast<int>(decades_); ++decade) {
            const auto ms = static_cast<std::int64_t>(std::pow(10, decade));
            out += tick(y_of(static_cast<double>(ms)),
                        ms < 1000 ? fmt::format("{} ms", ms) : fmt::format("{} s", ms / 1000));
        }
        return out;
    }

    std::string failed_axis() const {
        return fmt::format("<text class=\"name\" x=\"4\" y=\"{:g}\">failed requests{}</text>\n",
                           kFailedTop - 12,
                           each_ == 1 ? " per second" : fmt::format(" in {} s", each_)) +
               tick(kFailedBottom, "0") + tick(kFailedTop, std::to_string(most_failed_));
    }

    std::string time_axis() const {
        const double whole = static_cast<double>(columns_ * each_);
        double step = 1;
        for (const double next : {2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600})
            if (whole / step > 10) step = next;
        std::string out;
        for (double at = 0; at <= whole; at += step) {
            const auto s = static_cast<std::int64_t>(at);
            out += fmt::format("<text class=\"tick\" x=\"{:.1f}\" y=\"{:g}\" "
                               "text-anchor=\"middle\">{}:{:02}</text>\n",
                               x_of(at), kFailedBottom + 18, s / 60, s % 60);
        }
        return out;
    }

    std::string bars() const {
        std::string out;
        const double width = (kRight - kLeft) / static_cast<double>(columns_);
        const double unit = (kFailedBottom - kFailedTop) /
                            static_cast<double>(std::max<std::size_t>(1, most_failed_));
        for (std::size_t i = 0; i < columns_; ++i) {
            double y = kFailedBottom;
            for (const auto& [name, columns] : lines_) {
                const Column& column = columns[i];
                if (column.failed == 0) continue;
                const double height = unit * static_cast<double>(column.failed);
                y -= height;
                out += fmt::format("<rect class=\"{0} bar\" x=\"{1:.1f}\" y=\"{2:.1f}\" "
                                   "width=\"{3:.1f}\" height=\"{4:.1f}\"><title>{5} s: {6} {0} "
                                   "failed</title></rect>\n",
                                   name, kLeft + width * static_cast<double>(i), y,
                                   std::max(width - 0.5, 1.0), height, i * each_, column.failed);
            }
        }
        return out;
    }

    /// A line with a gap wherever no request succeeded; a success between two gaps is a dot.
    std::string line(const std::vector<Column>& columns, std::string_view name) const {
        std::string path, dots;
        for (std::size_t i = 0; i < columns.size(); ++i) {
            if (columns[i].ok == 0) continue;
            const bool joined = i > 0 && columns[i - 1].ok > 0;
            const bool joins = i + 1 < columns.size() && columns[i + 1].ok > 0;
            const double x = x_of((static_cast<double>(i) + 0.5) * static_cast<double>(each_));
            const double y = y_of(static_cast<double>(columns[i].slowest.count()) / 1e3);
            path += fmt::format("{}{:.1f} {:.1f}", joined ? "L" : "M", x, y);
            if (!joined && !joins)
                dots += fmt::format("<circle class=\"{} dot\" cx=\"{:.1f}\" cy=\"{:.1f}\" "
                                    "r=\"2.5\"/>\n",
                                    name, x, y);
        }
        return fmt::format("<path class=\"{0} line\" data-testid=\"{0}\" d=\"{1}\"/>\n{2}", name,
                           path, dots);
    }

    const std::vector<ChartBand>& bands_;
    const Us length_;
    std::size_t each_ = 1; ///< seconds of a column
    std::size_t columns_ = 1;
    std::vector<std::pair<std::string_view, std::vector<Column>>> lines_;
    std::size_t most_failed_ = 0;
    double most_ms_ = 1, decades_ = 1;
};

} // namespace

std::string timeline_chart(const std::vector<ChartLine>& lines, const std::vector<ChartBand>& bands,
                           Us length) {
    return Chart(lines, bands, length).draw();
}

std::string_view chart_style() {
    return embedded::report_css;
}

} // namespace hadeploy::chaos
