#include "providers/ssh/run_script.h"

#include "embedded/scripts.h"
#include "providers/ssh/exec.h"
#include "providers/ssh/explain.h"
#include "providers/ssh/ssh_type.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
constexpr std::size_t kMostNoise = 1u << 16; ///< bytes of standard error that are kept

/// The number of bytes at the end of `text` that can be the beginning of `mark`.
std::size_t begun_mark(std::string_view text, std::string_view mark) {
    for (std::size_t size = std::min(text.size(), mark.size()); size > 0; --size)
        if (text.ends_with(mark.substr(0, size))) return size;
    return 0;
}
} // namespace

void ScriptStream::pass(std::size_t size) {
    if (started_ && size > 0) take_(std::string_view(buffer_).substr(0, size));
    buffer_.erase(0, size);
}

void ScriptStream::feed(std::string_view piece) {
    buffer_ += piece;
    while (!status_) {
        const std::size_t at = buffer_.find(boundary_);
        if (at == std::string::npos) return pass(buffer_.size() - begun_mark(buffer_, boundary_));
        pass(at);
        const std::size_t end = buffer_.find('\n');
        if (end == std::string::npos) return;
        const std::string mark = buffer_.substr(boundary_.size(), end - boundary_.size());
        buffer_.erase(0, end + 1);
        constexpr std::string_view ended = " end ";
        if (int status = 0; mark.starts_with(ended)) {
            std::from_chars(mark.data() + ended.size(), mark.data() + mark.size(), status);
            status_ = status;
        }
        started_ = true;
    }
}

int run_script(Pool& pool, const Login& login, const std::string& script,
               const RunsScripts::Take& take, const std::stop_token& stop) {
    const std::string boundary = make_boundary();
    const std::string sent = fmt::format("{{\nhadeploy_boundary={}\nscript={}\n{}exit\n}}\n",
                                         boundary, shell_quote(script), scripts::run_script);
    pool.connect(login, stop);
    ScriptStream stream(boundary, [&](std::string_view piece) { take(false, piece); });
    std::string said; // before the script begins
    const Shell root = shell(login);
    pool.run(login,
             {.command = root.command,
              .input = root.input + sent,
              .farewell = "\n",
              .receive =
                  [&](bool err, std::string_view piece) {
                      if (!err)
                          stream.feed(piece);
                      else if (stream.started())
                          take(true, piece);
                      else if (said.size() < kMostNoise)
                          said += piece;
                      return stream.status().has_value();
                  }},
             stop);
    if (!stream.status()) throw explain_no_answer(login.name(), stream.started(), said);
    return *stream.status();
}

} // namespace hadeploy::ssh
