#include "common/log.h"

#include "common/text.h"

#include <unistd.h>

namespace hadeploy::svc {
namespace {

void log_line(std::string_view level, std::string_view event,
              std::initializer_list<LogField> fields) {
    std::string line = now_iso();
    line.append(" ").append(level).append(" ").append(event);
    for (const auto& [key, value] : fields)
        line.append(" ").append(key).append("=").append(quote(value));
    line += '\n';
    // A single write keeps the lines of threads apart; a closed pipe must not stop a service.
    if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) return;
}

} // namespace

void log_info(std::string_view event, std::initializer_list<LogField> fields) {
    log_line("info", event, fields);
}

void log_error(std::string_view event, std::initializer_list<LogField> fields) {
    log_line("error", event, fields);
}

} // namespace hadeploy::svc
