#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

namespace hadeploy {

/// Starts the recording of spans for `--profile`. Until then, a span costs only the check of a
/// flag.
void start_trace();
/// Writes all ended spans in Chrome's Trace Event Format, for viewers such as chrome://tracing and
/// ui.perfetto.dev: one complete event for each span, in microseconds, and a counter of the
/// process's resident memory in MiB at the end of each span.
/// @throws Error(failed)
void write_trace(const std::filesystem::path& file);

/// Measures the time from construction to destruction on one thread, for an event in the trace and
/// a line in the log at level debug.
class Span {
  public:
    /// @param name    kind of work, for example "read" or "commit"; must outlive the span
    /// @param detail  object of the work, for example "ssh ops@10.77.0.11"
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
