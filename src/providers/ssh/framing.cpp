#include "providers/ssh/framing.h"
#include "embedded/scripts.h"

#include "core/error.h"
#include "providers/ssh/place.h"
#include "providers/ssh/ssh_type.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <random>

namespace hadeploy::ssh {

namespace {
/// The maximum output of a section; more is an error.
constexpr std::size_t kMostSectionOutput = 8u << 20;

constexpr std::string_view kStart = "hadeploy_mark start \"$hadeploy_start\"\n";
constexpr std::string_view kEnd = "hadeploy_end\n";

std::string prologue(std::string_view boundary, std::span<const Section> sections) {
    std::string out = fmt::format("hadeploy_boundary={}\n{}", boundary, scripts::framing_prologue);
    if (std::none_of(sections.begin(), sections.end(),
                     [](const Section& section) { return section.ends_after.count() > 0; }))
        return out.append(place_functions());
    return out
        .append(fmt::format("hadeploy_functions={}\neval \"$hadeploy_functions\"\n",
                            shell_quote(place_functions())))
        .append(scripts::framing_within);
}

/// Descriptor 3 may be the connection of an operation; a daemon that the section leaves behind must
/// not inherit it.
std::string subshell(const Section& section, std::string_view boundary,
                     std::string_view input = "") {
    if (section.ends_after.count() == 0) // `eval` keeps a syntax error inside the section
        return fmt::format("( {}eval {} ) 3<&-{}\n", section.strict ? "set -eu; " : "",
                           shell_quote(section.script), input);
    (void)shell_quote(section.script); // throws on a NUL byte
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(section.ends_after).count();
    return fmt::format("hadeploy_within {} 3<&-{} 4<<'{}'\n{}\n{}\n", seconds, input, boundary,
                       section.script, boundary);
}

/// Parses a number; fails unless the whole string is one.
bool parse_number(std::string_view text, auto& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size();
}
} // namespace

std::string make_boundary() {
    std::random_device random;
    return fmt::format("hadeploy-{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

std::string compose(std::span<const Section> sections, std::string_view boundary,
                    std::string_view preamble) {
    std::string script = prologue(boundary, sections).append(preamble).append(kStart);
    for (std::size_t i = 0; i < sections.size(); ++i) {
        const Section& section = sections[i];
        if (section.input.empty())
            script += subshell(section, boundary, " </dev/null");
        else
            script += fmt::format("printf %s {} | {}", shell_quote(section.input),
                                  subshell(section, boundary));
        script += fmt::format("hadeploy_{} {} $?\n", section.strict ? "step" : "look", i);
    }
    return script.append(kEnd);
}

std::string compose_streaming(const Section& section, std::string_view boundary) {
    return prologue(boundary, {&section, 1})
        .append(kStart)
        .append(subshell(section, boundary))
        .append("hadeploy_step 0 $?\n")
        .append(kEnd);
}

Frames::Frames(std::string_view boundary, OnSection on_section)
    : mark_(fmt::format("\n{} ", boundary)), on_section_(std::move(on_section)) {}

void Frames::feed(Stream& stream, std::string_view piece) {
    stream.buffer += piece;
    std::size_t begin = 0;
    for (;;) {
        const std::size_t at = stream.buffer.find(mark_, stream.searched);
        if (at == std::string::npos) {
            const std::size_t size = stream.buffer.size();
            // The buffer may end with the beginning of a mark.
            stream.searched = std::max(begin, size - std::min(size, mark_.size() - 1));
            break;
        }
        const std::size_t label = at + mark_.size();
        const std::size_t end = stream.buffer.find('\n', label);
        if (end == std::string::npos) {
            stream.searched = at;
            break;
        }
        take_mark(stream, stream.buffer.substr(begin, at - begin),
                  std::string_view(stream.buffer).substr(label, end - label));
        begin = stream.searched = end + 1;
    }
    stream.buffer.erase(0, begin);
    stream.searched -= begin;
    if (stream.buffer.size() > kMostSectionOutput)
        throw Error(ErrorKind::failed, fmt::format("a script on the host prints more than {} MiB",
                                                   kMostSectionOutput >> 20));
    report();
}

void Frames::take_mark(Stream& stream, std::string body, std::string_view label) {
    const std::size_t space = std::min(label.find(' '), label.size());
    const std::string_view name = label.substr(0, space);
    const std::string_view rest = label.substr(std::min(space + 1, label.size()));
    Ended ended{0, 0, std::move(body)};
    if (name == "start") {
        stream.started = true;
        stream.start = rest.substr(0, rest.find(' '));
        stream.noise = std::move(ended.body);
    } else if (name == "end") {
        stream.ended = true;
    } else if (parse_number(name, ended.index) && parse_number(rest, ended.status)) {
        stream.sections.push_back(std::move(ended));
    } else {
        stream.notice = label;
    }
}

void Frames::report() {
    while (!out_.sections.empty() && !err_.sections.empty()) {
        Ended out = std::move(out_.sections.front());
        Ended err = std::move(err_.sections.front());
        out_.sections.erase(out_.sections.begin());
        err_.sections.erase(err_.sections.begin());
        if (out.index != finished_ || err.index != finished_)
            throw Error(ErrorKind::failed, "the answers from the host are out of order");
        ++finished_;
        on_section_(out.index, {out.status, std::move(out.body), std::move(err.body)});
    }
}

std::string Frames::stray() const {
    return err_.noise + (err_.ended ? "" : err_.buffer) + (out_.started ? "" : out_.buffer);
}

} // namespace hadeploy::ssh
