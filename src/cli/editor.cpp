#include "cli/editor.h"

#include "core/file.h"
#include "core/text.h"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

namespace hadeploy::cli {

namespace fs = std::filesystem;

namespace {
/// A directory that a helper process removes as soon as this process releases it or ends: no signal
/// that kills this process leaves the directory behind.
class PrivateDirectory {
  public:
    PrivateDirectory() : path_(make()) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) fail("make a pipe for");
        const Fd watched(ends[0]);
        held_.reset(ends[1]);
        remover_ = ::fork();
        if (remover_ < 0) fail("watch over");
        if (remover_ == 0) remove_at_end(watched.get());
    }
    ~PrivateDirectory() {
        held_.reset();
        while (::waitpid(remover_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
    PrivateDirectory(const PrivateDirectory&) = delete;
    PrivateDirectory& operator=(const PrivateDirectory&) = delete;

    [[nodiscard]] const fs::path& path() const { return path_; }

  private:
    static fs::path make() {
        const fs::path memory = "/dev/shm";
        const fs::path base = fs::is_directory(memory) ? memory : fs::temp_directory_path();
        std::string name = (base / "hadeploy-vault-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw system_error("make a directory in", base);
        return name;
    }
    [[noreturn]] void fail(std::string_view what) {
        const Error error = system_error(what, path_);
        fs::remove_all(path_);
        throw error;
    }
    [[noreturn]] void remove_at_end(int watched) {
        held_.reset();
        ::setsid(); // input on the terminal is for the editor
        for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::signal(signal, SIG_IGN);
        char nothing = '\0';
        while (::read(watched, &nothing, 1) < 0 && errno == EINTR) {
        }
        std::error_code ignored;
        fs::remove_all(path_, ignored);
        ::_exit(0);
    }

    fs::path path_;
    Fd held_; ///< write end of the pipe: closed when this process ends
    pid_t remover_ = -1;
};

std::string editor() {
    for (const char* name : {"VISUAL", "EDITOR"})
        if (const char* given = std::getenv(name); given != nullptr && *given != '\0') return given;
    return "vi";
}

/// Ignores a signal: Ctrl-C in an editor is meant for the editor.
class Ignored {
  public:
    explicit Ignored(int signal) : signal_(signal) {
        struct sigaction ignore {};
        ignore.sa_handler = SIG_IGN;
        ::sigaction(signal, &ignore, &before_);
    }
    ~Ignored() { ::sigaction(signal_, &before_, nullptr); }
    Ignored(const Ignored&) = delete;
    Ignored& operator=(const Ignored&) = delete;

  private:
    int signal_;
    struct sigaction before_ {};
};

/// Uses a shell, because the variable can contain arguments.
int run_editor(const std::string& command, const fs::path& file) {
    const Ignored interrupt(SIGINT), quit(SIGQUIT);
    const pid_t child = ::fork();
    if (child < 0) throw system_error("start an editor for", file);
    if (child == 0) {
        for (const int signal : {SIGINT, SIGQUIT, SIGPIPE}) ::signal(signal, SIG_DFL);
        const std::string script = command + " \"$1\"";
        ::execl("/bin/sh", "sh", "-c", script.c_str(), "sh", file.c_str(), nullptr);
        ::_exit(127);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}
} // namespace

std::string edit_privately(const std::string& text, const std::string& name) {
    const PrivateDirectory directory;
    const fs::path file = directory.path() / name;
    write_file(file, text, 0600);
    const std::string command = editor();
    const int status = run_editor(command, file);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        throw Error(ErrorKind::failed, fmt::format("the editor {} failed", in_quotes(command)))
            .with_hint("nothing was changed; set EDITOR to choose another editor");
    return read_file(file);
}

} // namespace hadeploy::cli
