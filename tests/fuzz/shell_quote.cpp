// Quotes any text as one word of a shell command; the shell has to print the same bytes.
#include "fuzz.h"

#include "core/error.h"
#include "core/file.h"
#include "providers/ssh/ssh_type.h"

#include <cerrno>
#include <csignal>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace hadeploy;
using namespace hadeploy::fuzz;

namespace {

/// One shell for all inputs: it reads its commands from a socket and writes its output there.
class Shell {
  public:
    Shell() {
        std::signal(SIGPIPE, SIG_IGN);
        int ends[2];
        require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "a socket");
        ours_.reset(ends[0]);
        const Fd theirs(ends[1]);
        const pid_t pid = ::fork();
        require(pid >= 0, "a process");
        if (pid > 0) return;
        ::dup2(theirs.get(), STDIN_FILENO);
        ::dup2(theirs.get(), STDOUT_FILENO);
        ::execlp("sh", "sh", nullptr);
        ::_exit(127);
    }

    /// The output of `printf %s WORD`.
    std::string print(const std::string& word) {
        const std::string command = "printf %s " + word + "\nprintf '\\0'\n";
        for (std::size_t at = 0; at < command.size();) {
            const ssize_t n = again(
                [&] { return ::write(ours_.get(), command.data() + at, command.size() - at); });
            require(n > 0, "the shell lives");
            at += static_cast<std::size_t>(n);
        }
        std::string out;
        while (out.empty() || out.back() != '\0') {
            pollfd waiting{ours_.get(), POLLIN, 0};
            require(again([&] { return ::poll(&waiting, 1, 20'000); }) == 1,
                    "the shell answers: the quotes are closed");
            char buffer[65536];
            const ssize_t n = again([&] { return ::read(ours_.get(), buffer, sizeof buffer); });
            require(n > 0, "the shell still runs");
            out.append(buffer, static_cast<std::size_t>(n));
        }
        out.pop_back();
        return out;
    }

  private:
    /// Repeats a call that the signal of the fuzzer's clock has interrupted.
    template<typename Call>
    static ssize_t again(Call call) {
        ssize_t result = call();
        while (result < 0 && errno == EINTR) result = call();
        return result;
    }

    Fd ours_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Shell shell;
    const std::string text(Input(data, size).rest());
    std::string word;
    try {
        word = ssh::shell_quote(text);
    } catch (const Error&) {
        require(text.find('\0') != std::string::npos, "only a NUL is refused");
        return 0;
    }
    require(text.find('\0') == std::string::npos, "a NUL is refused");
    require(shell.print(word) == text, "the shell gives the text back");
    return 0;
}
