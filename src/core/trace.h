#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

namespace hadeploy {

/// Where the time goes, for `--profile`. Until start_trace() is called a span costs one look at a
/// flag.
void start_trace();
/// Writes all spans that have ended as a trace that a browser's viewer opens (chrome://tracing,
/// ui.perfetto.dev), in Chrome's Trace Event Format: complete events, in microseconds, and a
/// counter of the memory that the process has at the end of each.
/// @throws Error(failed)
void write_trace(const std::filesystem::path& file);

/// The work from here to the end of the block, on this thread: an event of the trace, and at its end
/// a line of the log at level debug with its duration.
class Span {
  public:
    /// @param name    of the kind of work: "read", "commit"
    /// @param detail  on what: "ssh ops@10.77.0.11"
    explicit Span(std::string_view name, std::string_view detail = {});
    ~Span();
    Span(const Span&) = delete;
    Span& operator=(const Span&) = delete;

  private:
    std::string_view name_;
    std::string detail_;
    std::chrono::steady_clock::time_point begin_;
    bool traced_;
    bool logged_;
};

} // namespace hadeploy
