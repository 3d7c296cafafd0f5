#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::ssh {

/// One part of the script of an exec.
struct Section {
    std::string script;
    std::string input = {}; ///< its standard input, without NUL bytes
    /// A change: runs with `set -eu`, and if it fails, no later section is started. A probe is not
    /// strict: its exit status is part of the result.
    bool strict = true;
    std::chrono::milliseconds limit{0}; ///< how long a change may print nothing; 0: default
    /// Time after which the section is killed on the host, with all processes that it started; 0:
    /// the script enforces the limit itself.
    std::chrono::milliseconds ends_after{0};
};

/// The result of one section.
struct SectionResult {
    int status = 0;
    std::string out, err;
};

/// A random boundary, so that no output contains it by chance.
std::string make_boundary();

/// Combines sections into one script for `sh`. Each section runs in a subshell and prints directly
/// to the two streams of the exec; a line with the boundary, the section's index and its status
/// ends the section on both streams. So framing needs no process and no temporary file on the host,
/// and results arrive while later sections run. `preamble` runs before all sections. It may set
/// $hadeploy_start, which is sent with the first mark, and redefine the functions of the prologue
/// in framing.cpp.
std::string compose(std::span<const Section> sections, std::string_view boundary,
                    std::string_view preamble = {});

/// As compose(), for a single section that reads the standard input of the exec after the script.
std::string compose_streaming(const Section& section, std::string_view boundary);

/// Parses the two streams of such an exec, in pieces of any size.
class Frames {
  public:
    using OnSection = std::function<void(std::size_t index, SectionResult result)>;
    /// `on_section` is called in order, as soon as a section has ended on both streams.
    Frames(std::string_view boundary, OnSection on_section);

    void out(std::string_view piece) { feed(out_, piece); }
    void err(std::string_view piece) { feed(err_, piece); }

    /// Whether the shell runs our script (and has not only printed a banner or a sudo error).
    [[nodiscard]] bool started() const { return out_.started; }
    /// The content of the first mark: the first word of $hadeploy_start.
    [[nodiscard]] const std::string& start() const { return out_.start; }
    /// The message that the script sends instead of running: the last mark that does not belong to
    /// a section.
    [[nodiscard]] const std::string& notice() const { return out_.notice; }
    /// Whether the trailer arrived on both streams: all sections have run, or were skipped because
    /// an earlier one failed. Without the trailer the result of missing sections is not known.
    [[nodiscard]] bool complete() const { return out_.ended && err_.ended; }
    /// The number of sections reported so far.
    [[nodiscard]] std::size_t finished() const { return finished_; }
    /// Output outside of complete frames: before the first mark, and after the last one. It shows
    /// the reason why an exec failed.
    [[nodiscard]] std::string stray() const;

  private:
    struct Ended {
        std::size_t index;
        int status;
        std::string body;
    };
    struct Stream {
        std::string buffer;
        std::size_t searched = 0; ///< no mark begins before this offset
        std::string noise;        ///< output before the first mark
        std::string start, notice;
        bool started = false, ended = false;
        std::vector<Ended> sections; ///< not yet reported
    };
    void feed(Stream& stream, std::string_view piece);
    void take_mark(Stream& stream, std::string body, std::string_view label);
    void report();

    std::string mark_;
    OnSection on_section_;
    Stream out_, err_;
    std::size_t finished_ = 0;
};

} // namespace hadeploy::ssh
