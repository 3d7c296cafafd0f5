#include "cli/password.h"

#include "cli/context.h"
#include "cli/own_environment.h"
#include "core/file.h"
#include "core/process.h"
#include "core/text.h"

#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

namespace hadeploy::cli {

namespace fs = std::filesystem;

namespace {
constexpr std::size_t kMaxPassword = 64 << 10;
constexpr int kLookUpMs = 100;

std::string trimmed(const std::string& text, const char* blanks) {
    const auto first = text.find_first_not_of(blanks);
    return first == text.npos ? "" : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// The terminal with echo disabled during the lifetime of the object.
class QuietTerminal {
  public:
    explicit QuietTerminal(const std::string& otherwise)
        : fd_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {
        if (!fd_ || ::tcgetattr(fd_.get(), &before_) != 0)
            throw Error(ErrorKind::usage,
                        "a password is needed, and there is no terminal to ask on")
                .with_hint(otherwise);
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        ::tcsetattr(fd_.get(), TCSAFLUSH, &quiet);
    }
    ~QuietTerminal() {
        ::tcsetattr(fd_.get(), TCSAFLUSH, &before_);
        write("\n");
    }
    QuietTerminal(const QuietTerminal&) = delete;
    QuietTerminal& operator=(const QuietTerminal&) = delete;

    std::string ask(const std::string& prompt) {
        write(prompt + ": ");
        std::string line;
        for (char c = '\0'; read(c) && c != '\n';) line += c;
        return line;
    }
    void write(std::string_view text) { (void)!::write(fd_.get(), text.data(), text.size()); }

  private:
    /// Polls, so that Ctrl-C exits at any time and the echo is restored.
    bool read(char& c) {
        pollfd waiting{fd_.get(), POLLIN, 0};
        while (::poll(&waiting, 1, kLookUpMs) <= 0)
            if (stop_requested()) throw Interrupted();
        return ::read(fd_.get(), &c, 1) == 1;
    }

    const Asking nothing_runs_;
    Fd fd_;
    termios before_{};
};

std::string run_script(const fs::path& file) {
    // an absolute path, so that PATH is not searched
    return trimmed(run_checked({.argv = {fs::absolute(file).string()}}).out, "\r\n");
}

std::string read_private(const fs::path& file, mode_t mode) {
    if ((mode & 077) != 0)
        throw Error(ErrorKind::failed,
                    fmt::format("the password file {} is accessible to other users (mode {:04o})",
                                in_quotes(file.string(), 4096), mode & 07777u))
            .with_hint(fmt::format("chmod 600 {}", file.string()));
    return trimmed(read_file(file, kMaxPassword), " \t\r\n\v\f");
}
} // namespace

bool is_program(const fs::path& file) {
    struct stat info {};
    return ::stat(file.c_str(), &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & 0111) != 0;
}

std::string password_from_file(const fs::path& file) {
    struct stat info {};
    if (::stat(file.c_str(), &info) != 0) throw system_error("read the password file", file);
    const bool script = is_program(file);
    std::string password = script ? run_script(file) : read_private(file, info.st_mode);
    if (password.empty())
        throw Error(ErrorKind::failed,
                    fmt::format("the password file {} {} no password",
                                in_quotes(file.string(), 4096), script ? "printed" : "contains"));
    return password;
}

std::string ask_password(const std::string& prompt, bool twice, const std::string& otherwise) {
    QuietTerminal terminal(otherwise);
    std::string password = terminal.ask(prompt);
    if (password.empty()) throw Error(ErrorKind::usage, "no password was given");
    if (!twice) return password;
    terminal.write("\n");
    if (terminal.ask("Repeat it") != password)
        throw Error(ErrorKind::usage, "the two passwords differ");
    return password;
}

std::string vault_password(const fs::path& file, bool is_new) {
    if (!file.empty()) return password_from_file(file);
    if (const std::string given = given_to_us("HADEPLOY_VAULT_PASSWORD"); !given.empty())
        return given;
    if (const char* path = std::getenv("ANSIBLE_VAULT_PASSWORD_FILE"); path && *path)
        return password_from_file(path);
    if (is_new) return ask_password("Vault password", true);
    static std::string asked; // `watch` opens the files in each round
    if (asked.empty()) asked = ask_password("Vault password", false);
    return asked;
}

} // namespace hadeploy::cli
