#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy::cli {

/// A line of the log of a service.
struct LogLine {
    std::string label;   ///< "app_web.1@node1"
    std::string time;    ///< "2024-11-21T12:30:05.250000000Z", in UTC
    std::string message; ///< without colours and control characters
};

/// The log of one service of a stack, or of one container of a compose project.
struct LogStream {
    /// Prints the log with the time of each line, with $since and $tail as options.
    std::string command;
    std::string service; ///< as in messages and JSON
    std::string label;   ///< of all lines; "": Docker prints the label of each line
    std::map<std::string, std::string> last = {}; ///< the time of the last line of each label
    /// The same when the connection broke: lines up to it are repeated by the next manager.
    std::map<std::string, std::string> repeated = {};
    std::size_t lines = 0; ///< of the log; others are messages of Docker
    bool ended = false;
    std::string trouble = {}; ///< the last line that was not: what Docker says
};

/// Parses a line of `docker service logs --timestamps` or `docker logs --timestamps`. The label is
/// "" if the line has none, and the time is "" if this is not a line of a log.
LogLine parse_log_line(std::string_view text);

/// The script that prints the logs, for LogReader.
/// @param follow  until the connection ends, all at the same time
/// @param since, tail  options of Docker, "--since=10m"; "": from the beginning
std::string logs_script(const std::vector<LogStream*>& streams, bool follow,
                        const std::string& since, const std::string& tail);

/// Reads the output of logs_script() and passes on new lines of logs.
class LogReader {
  public:
    using Take = std::function<void(const LogStream&, const LogLine&)>;
    LogReader(std::vector<LogStream*> streams, Take take)
        : streams_(std::move(streams)), take_(std::move(take)) {}
    void feed(std::string_view piece);

  private:
    void line(std::string_view text);

    std::vector<LogStream*> streams_;
    Take take_;
    std::string buffer_;
};

} // namespace hadeploy::cli
