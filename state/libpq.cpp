#include "state/libpq.h"

#include <algorithm>
#include <cerrno>
#include <poll.h>

namespace hadeploy::postgres {

using Clock = std::chrono::steady_clock;

bool wait_for(const pg_conn* connection, PostgresPollingStatusType what,
              Clock::time_point deadline) {
    pollfd waits{PQsocket(connection),
                 static_cast<short>(what == PGRES_POLLING_READING ? POLLIN : POLLOUT), 0};
    for (;;) {
        int left = -1;
        if (deadline != Clock::time_point::max())
            left = static_cast<int>(std::max<std::int64_t>(
                0, std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count()));
        const int ready = ::poll(&waits, 1, left);
        if (ready > 0) return true;
        if (ready == 0) return false;
        if (errno != EINTR) return true; // the next call of libpq finds the error
    }
}

std::string_view text_or_empty(const char* text) {
    return text == nullptr ? std::string_view() : std::string_view(text);
}

std::string in_one_line(std::string_view message) {
    std::string out;
    for (const char c : message)
        if (c != '\n' && c != '\t')
            out += c;
        else if (!out.empty() && out.back() != ' ')
            out += ' ';
    while (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
}

} // namespace hadeploy::postgres
