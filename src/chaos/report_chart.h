#pragma once

#include "chaos/report.h"

#include <string>

namespace hadeploy::chaos {

/// The requests of one kind over time.
struct ChartLine {
    std::string_view name; ///< also its class in chart_style(): reads, writes or requests
    const std::vector<Second>* seconds;
};

/// A marked part of the time.
struct ChartBand {
    std::string label;
    Us from{0};
    std::optional<Us> to; ///< none: until the end
};

/// The timeline as inline SVG: latency and failed requests over time, each band over both. Its
/// colours come from chart_style().
std::string timeline_chart(const std::vector<ChartLine>& lines, const std::vector<ChartBand>& bands,
                           Us length);

/// The rules of the chart and of the other parts of a report's page.
std::string_view chart_style();

} // namespace hadeploy::chaos
