#include "cli/render/graph_svg.h"

#include "cli/render/graph_layers.h"
#include "cli/render/plan_text.h"
#include "cli/render/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace hadeploy::cli {

namespace {

// drawing units, which are pixels until the drawing is zoomed
constexpr double kLetter = 7.25; ///< width of a monospaced letter, 12 high
constexpr double kBoxHeight = 26;
constexpr double kRow = 38;
constexpr double kGap = 70; ///< between columns
constexpr double kMargin = 20;
constexpr double kBend = 30;              ///< distance of an edge's control point from the box
constexpr std::size_t kLabelColumns = 56; ///< maximum width of a label

std::string xml(std::string_view text) {
    std::string out;
    for (const char c : printable(text)) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else if (c == '"')
            out += "&quot;";
        else
            out += c;
    }
    return out;
}

std::string svg_label(const Drawing::Box& box) {
    const std::string address = printable(box.address);
    const std::string text =
        box.action ? fmt::format("{} {}", action_symbol(*box.action), address) : address;
    return fit(text, kLabelColumns);
}

struct Point {
    double x, y;
};

class Picture {
  public:
    explicit Picture(const Drawing& drawing) : drawing_(drawing), layers_(lay_out(drawing)) {
        widths_.resize(layers_.rows.size());
        for (std::size_t i = 0; i < drawing.boxes.size(); ++i) {
            double& width = widths_[layers_.boxes[i].layer];
            width = std::max(width, box_width(drawing.boxes[i]));
        }
        double x = kMargin;
        for (const double width : widths_) {
            lefts_.push_back(x);
            x += width + kGap;
        }
        width_ = std::max(2 * kMargin, x - kGap + kMargin);
        const auto most = std::max_element(layers_.rows.begin(), layers_.rows.end());
        rows_ = most == layers_.rows.end() ? 0 : *most;
        height_ = 2 * kMargin + static_cast<double>(std::max<std::size_t>(rows_, 1)) * kRow;
    }

    std::string svg() const {
        std::string out = fmt::format(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" id=\"graph\" data-testid=\"graph\" "
            "viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
            "font-family=\"monospace\" font-size=\"12\">\n"
            "<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" "
            "markerWidth=\"8\" markerHeight=\"8\" orient=\"auto-start-reverse\">"
            "<path d=\"M0 0 L8 4 L0 8 z\" fill=\"#6b7280\"/></marker></defs>\n",
            width_, height_);
        out += "<g fill=\"none\" stroke=\"#9ca3af\">\n";
        for (std::size_t i = 0; i < drawing_.edges.size(); ++i) out += edge(i);
        out += "</g>\n<g>\n";
        for (std::size_t i = 0; i < drawing_.boxes.size(); ++i) out += box(i);
        return out + "</g>\n</svg>\n";
    }

  private:
    static double box_width(const Drawing::Box& box) {
        return 20 + kLetter * static_cast<double>(columns_of(svg_label(box)));
    }

    /// Middle of the place, at the left of its column.
    Point middle(const Layers::Place& place) const {
        const double empty = static_cast<double>(rows_ - layers_.rows[place.layer]) / 2;
        return {lefts_[place.layer],
                kMargin + kRow * (empty + static_cast<double>(place.row) + 0.5)};
    }

    /// Path from the right side of the dependency through the bends to the left side of the
    /// dependent.
    std::string edge(std::size_t index) const {
        const auto& [from, to] = drawing_.edges[index];
        Point at = middle(layers_.boxes[to]);
        at.x += box_width(drawing_.boxes[to]);
        std::string d = fmt::format("M{:.1f} {:.1f}", at.x, at.y);
        const auto curve = [&](Point next) {
            d += fmt::format(" C{:.1f} {:.1f} {:.1f} {:.1f} {:.1f} {:.1f}", at.x + kBend, at.y,
                             next.x - kBend, next.y, next.x, next.y);
            at = next;
        };
        for (const Layers::Place& bend : layers_.bends[index]) {
            curve(middle(bend));
            at.x += widths_[bend.layer];
            d += fmt::format(" L{:.1f} {:.1f}", at.x, at.y);
        }
        curve(middle(layers_.boxes[from]));
        return fmt::format("<path class=\"edge\" data-from=\"{}\" data-to=\"{}\" "
                           "marker-start=\"url(#arrow)\" d=\"{}\"/>\n",
                           from, to, d);
    }

    std::string box(std::size_t index) const {
        const Drawing::Box& b = drawing_.boxes[index];
        const Colors colors = colors_of(b.action);
        const Point at = middle(layers_.boxes[index]);
        const std::string address = xml(b.address);
        return fmt::format(
            "<g class=\"node\" data-testid=\"node-{0}\" data-state=\"{1}\" data-type=\"{2}\" "
            "data-id=\"{3}\" transform=\"translate({4:.1f} {5:.1f})\">"
            "<title>{0}\n{2}\n{1}</title>"
            "<rect width=\"{6:.1f}\" height=\"{7:.0f}\" rx=\"5\" stroke=\"{8}\" fill=\"{9}\"/>"
            "<text x=\"10\" y=\"17\" fill=\"#111827\">{10}</text></g>\n",
            address, state_of(b), xml(b.type), index, at.x, at.y - kBoxHeight / 2, box_width(b),
            kBoxHeight, colors.frame, colors.inside, xml(svg_label(b)));
    }

    const Drawing& drawing_;
    const Layers layers_;
    std::vector<double> widths_, lefts_; ///< by column
    double width_ = 0, height_ = 0;
    std::size_t rows_ = 0; ///< of the longest column
};

} // namespace

std::string to_svg(const Drawing& drawing) {
    return Picture(drawing).svg();
}

} // namespace hadeploy::cli
