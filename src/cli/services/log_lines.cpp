#include "cli/services/log_lines.h"

#include "cli/services/docker_hosts.h"
#include "embedded/lines_of_commands.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace hadeploy::cli {

namespace {
/// Docker writes times with nine digits of the second, so they sort as texts.
bool is_log_time(std::string_view text) {
    constexpr std::string_view form = "0000-00-00T00:00:00.000000000";
    if (text.size() <= form.size()) return false;
    for (std::size_t i = 0; i < form.size(); ++i) {
        const bool digit = text[i] >= '0' && text[i] <= '9';
        if (form[i] == '0' ? !digit : text[i] != form[i]) return false;
    }
    return true;
}
} // namespace

LogLine parse_log_line(std::string_view text) {
    const std::size_t space = text.find(' ');
    if (!is_log_time(text.substr(0, space))) return {"", "", plain_line(text)};
    LogLine out{"", std::string(text.substr(0, space)), ""};
    text.remove_prefix(std::min(text.size(), out.time.size() + 1));
    // "app_web.1@node1    | message", with more spaces after shorter numbers of tasks
    const std::size_t bar = text.find("    | "), end = text.find(' ');
    if (bar != text.npos && end <= bar && text.find('@') < end &&
        text.substr(end, bar - end).find_first_not_of(' ') == text.npos) {
        out.label = plain_line(text.substr(0, end));
        text.remove_prefix(bar + 6);
    }
    out.message = plain_line(text);
    return out;
}

std::string logs_script(const std::vector<LogStream*>& streams, bool follow,
                        const std::string& since, const std::string& tail) {
    std::string script =
        fmt::format("exec perl -e {} {}", shell_word_of(embedded::lines_of_commands),
                    follow ? "together" : shell_word_of("in turn"));
    for (LogStream* stream : streams) {
        stream->repeated = stream->last;
        std::string from; // after a broken connection, from the last line of each task on
        for (const auto& [label, time] : stream->last)
            if (from.empty() || time < from) from = time;
        script += ' ' + shell_word_of(
                            fmt::format("since={} tail={}\n{}",
                                        shell_word_of(from.empty() ? since : "--since=" + from),
                                        shell_word_of(from.empty() ? tail : ""), stream->command));
    }
    return script;
}

void LogReader::feed(std::string_view piece) {
    buffer_ += piece;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = buffer_.find('\n', begin)) != std::string::npos;
         begin = end + 1)
        line(std::string_view(buffer_).substr(begin, end - begin));
    buffer_.erase(0, begin);
}

void LogReader::line(std::string_view text) {
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end == text.data() + text.size() || number >= streams_.size())
        return;
    LogStream& stream = *streams_[number];
    const std::string_view rest(end + 1, text.data() + text.size());
    if (*end == '=') {
        stream.ended = rest == "0";
        return;
    }
    LogLine one = parse_log_line(rest);
    if (one.time.empty()) {
        stream.trouble = one.message;
        return;
    }
    if (one.label.empty()) one.label = stream.label.empty() ? stream.service : stream.label;
    const auto repeated = stream.repeated.find(one.label);
    if (repeated != stream.repeated.end() && one.time <= repeated->second) return;
    std::string& last = stream.last[one.label];
    last = std::max(last, one.time);
    ++stream.lines;
    take_(stream, one);
}

} // namespace hadeploy::cli
