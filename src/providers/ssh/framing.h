#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::ssh {

/// One piece of the script that travels in an exec.
struct Section {
    std::string script;
    std::string input = {}; ///< its standard input, without NUL bytes
    /// A change: runs with `set -eu`, and when it fails nothing after it is begun. A probe is
    /// neither: its status is part of its answer.
    bool strict = true;
    std::chrono::milliseconds limit{0}; ///< how long a change may say nothing; 0: as it is usual
    /// When it is ended on the host, with all that it has started; 0: it sees to that itself.
    std::chrono::milliseconds ends_after{0};
};

/// What one section did.
struct SectionResult {
    int status = 0;
    std::string out, err;
};

/// A boundary that no output contains by chance.
std::string make_boundary();

/// One script for `sh` out of many sections. Each runs in a subshell of its own; what it prints
/// goes straight to the exec's two streams, and a line with the boundary, its index and its status
/// ends it on both. So the frames cost no process and no temporary file on the host, and arrive
/// while later sections still run. `preamble` is run before all of them, for what they may need; it
/// may set $hadeploy_start, which goes into the first mark, and define anew what the prologue in
/// framing.cpp defines.
std::string compose(std::span<const Section> sections, std::string_view boundary,
                    std::string_view preamble = {});

/// The same for a single section that reads the exec's own standard input after the script.
std::string compose_streaming(const Section& section, std::string_view boundary);

/// Reads the two streams of such an exec, in pieces of any size.
class Frames {
  public:
    using OnSection = std::function<void(std::size_t index, SectionResult result)>;
    /// `on_section` is called in order, as soon as a section has ended on both streams.
    Frames(std::string_view boundary, OnSection on_section);

    void out(std::string_view piece) { feed(out_, piece); }
    void err(std::string_view piece) { feed(err_, piece); }

    /// The shell runs our script (and not a banner, or sudo's complaint).
    [[nodiscard]] bool started() const { return out_.started; }
    /// What the first mark says: the first word of $hadeploy_start.
    [[nodiscard]] const std::string& start() const { return out_.start; }
    /// What the script says in the place of running: the last mark that is none of a section's.
    [[nodiscard]] const std::string& notice() const { return out_.notice; }
    /// The trailer was seen on both streams: everything that was to run has run, or was left out
    /// because a section before it failed. Without it the outcome of what is missing is unknown.
    [[nodiscard]] bool complete() const { return out_.ended && err_.ended; }
    /// Sections reported so far.
    [[nodiscard]] std::size_t finished() const { return finished_; }
    /// What is there beside whole frames: before the first mark, and after the last one. It tells
    /// why an exec did not work.
    [[nodiscard]] std::string stray() const;

  private:
    struct Ended {
        std::size_t index;
        int status;
        std::string body;
    };
    struct Stream {
        std::string buffer;
        std::size_t searched = 0; ///< no mark begins before here
        std::string noise;        ///< what came before the first mark
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
