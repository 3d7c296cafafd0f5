#include "core/process.h"

#include "core/error.h"
#include "core/file.h"
#include "core/text.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <poll.h>
#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

extern char** environ;

namespace hadeploy {

namespace {
using Clock = std::chrono::steady_clock;

Error cannot_run(const ProcessSpec& spec, int number) {
    const std::string place =
        spec.directory.empty() ? "" : " in " + in_quotes(spec.directory.string(), 4096);
    return {ErrorKind::failed, fmt::format("cannot run {}{}: {}", in_quotes(spec.argv.at(0)), place,
                                           std::generic_category().message(number))};
}

struct Pipe {
    Fd read, write;
};

Pipe make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        throw Error(ErrorKind::failed,
                    "cannot create a pipe: " + std::generic_category().message(errno));
    return {Fd(ends[0]), Fd(ends[1])};
}

void set_nonblocking(const Fd& fd) {
    ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
}

/// Writing to a child that has ended raises SIGPIPE in the writing thread. This class blocks the
/// signal in the thread, and discards a pending one before unblocking it.
class NoSigpipe {
  public:
    NoSigpipe() {
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
    }
    ~NoSigpipe() {
        const timespec now{};
        while (sigtimedwait(&pipe_, nullptr, &now) < 0 && errno == EINTR) {
        }
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    NoSigpipe(const NoSigpipe&) = delete;
    NoSigpipe& operator=(const NoSigpipe&) = delete;

  private:
    sigset_t pipe_{}, before_{};
};

/// The arguments of posix_spawn for a child with three pipes, no other open descriptor, its own
/// process group, and no blocked or ignored signal.
class SpawnSettings {
  public:
    SpawnSettings(const ProcessSpec& spec, int in, int out, int err) {
        posix_spawn_file_actions_init(&actions_);
        posix_spawnattr_init(&attributes_);
        posix_spawn_file_actions_adddup2(&actions_, in, 0);
        posix_spawn_file_actions_adddup2(&actions_, out, 1);
        posix_spawn_file_actions_adddup2(&actions_, err, 2);
        if (spec.kept >= 0) posix_spawn_file_actions_adddup2(&actions_, spec.kept, 3);
        posix_spawn_file_actions_addclosefrom_np(&actions_, spec.kept >= 0 ? 4 : 3);
        if (!spec.directory.empty())
            posix_spawn_file_actions_addchdir_np(&actions_, spec.directory.c_str());
        sigset_t none, all;
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_setsigmask(&attributes_, &none);
        posix_spawnattr_setsigdefault(&attributes_, &all);
        posix_spawnattr_setpgroup(&attributes_, 0);
        posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                   POSIX_SPAWN_SETSIGDEF);
    }
    ~SpawnSettings() {
        posix_spawnattr_destroy(&attributes_);
        posix_spawn_file_actions_destroy(&actions_);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;

    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

/// The environment of this process, overridden by that of the child, as "NAME=value".
std::vector<std::string> environment_of(const ProcessSpec& spec) {
    std::map<std::string, std::string> all;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const auto equals = text.find('=');
        if (equals != std::string_view::npos)
            all[std::string(text.substr(0, equals))] = text.substr(equals + 1);
    }
    for (const auto& [name, value] : spec.environment) all[name] = value;
    std::vector<std::string> out;
    for (const auto& [name, value] : all) out.push_back(name + "=" + value);
    return out;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
    std::vector<char*> out;
    for (std::string& word : words) out.push_back(word.data());
    out.push_back(nullptr);
    return out;
}

/// A started child. The destructor kills its process group if it is still running.
class Child {
  public:
    Child(const ProcessSpec& spec, int in, int out, int err) {
        const SpawnSettings settings(spec, in, out, err);
        std::vector<std::string> words = spec.argv, environment = environment_of(spec);
        const int error =
            posix_spawnp(&pid_, words.at(0).c_str(), &settings.actions_, &settings.attributes_,
                         pointers(words).data(), pointers(environment).data());
        if (error != 0) throw cannot_run(spec, error);
        // A raw system call, because glibc 2.36 declares pidfd_open() without C linkage.
        pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
        if (!pidfd_) {
            const int number = errno;
            end();
            throw cannot_run(spec, number);
        }
    }
    ~Child() {
        if (pid_ > 0) end();
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    /// Readable once the child has ended.
    [[nodiscard]] int ended_fd() const { return pidfd_.get(); }
    void signal(int number) const { ::kill(-pid_, number); }
    int wait() {
        int status = 0;
        while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
        }
        pid_ = -1;
        return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }

  private:
    void end() {
        signal(SIGKILL);
        wait();
    }
    pid_t pid_ = -1;
    Fd pidfd_;
};

/// One output stream: keeps its contents and passes its lines to `on_line`.
class Stream {
  public:
    Stream(Fd fd, const ProcessSpec& spec, std::string& kept)
        : fd_(std::move(fd)), spec_(spec), kept_(kept) {
        set_nonblocking(fd_);
    }
    /// -1 at the end of the stream, which poll() ignores.
    [[nodiscard]] int fd() const { return fd_.get(); }

    /// Reads the available data, but at most the capacity of a pipe, so that a child that never
    /// pauses cannot prevent the check of the deadline.
    void read_available() {
        char buffer[65536];
        for (int round = 0; fd_ && round < 16; ++round) {
            const ssize_t n = ::read(fd_.get(), buffer, sizeof buffer);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0 && errno == EAGAIN) return;
            if (n <= 0)
                fd_.reset();
            else
                kept_.append(buffer, static_cast<std::size_t>(n));
            pass_on_lines();
        }
    }
    void close() {
        read_available();
        fd_.reset();
        if (spec_.on_line && shown_ < kept_.size())
            spec_.on_line(std::string_view(kept_).substr(shown_));
    }

  private:
    void pass_on_lines() {
        if (!spec_.on_line) return;
        for (;;) {
            const auto end = kept_.find('\n', shown_);
            if (end == std::string::npos) return;
            const std::string_view line = std::string_view(kept_).substr(shown_, end - shown_);
            shown_ = end + 1;
            spec_.on_line(line);
        }
    }
    Fd fd_;
    const ProcessSpec& spec_;
    std::string& kept_;
    std::size_t shown_ = 0;
};

/// Runs one child: writes its input, reads its output, and terminates it when necessary.
class ChildRun {
  public:
    explicit ChildRun(const ProcessSpec& spec)
        : spec_(spec), in_(make_pipe()), out_(make_pipe()), err_(make_pipe()),
          stop_event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
          child_(spec, in_.read.get(), out_.write.get(), err_.write.get()),
          output_(std::move(out_.read), spec, result_.out),
          errors_(std::move(err_.read), spec, result_.err) {
        in_.read.reset();
        out_.write.reset();
        err_.write.reset();
        set_nonblocking(in_.write);
        if (spec.timeout.count() > 0) deadline_ = Clock::now() + spec.timeout;
    }

    ProcessResult run() {
        const NoSigpipe guard;
        const int event = stop_event_.get();
        const std::stop_callback wake(spec_.stop, [event] { ::eventfd_write(event, 1); });
        feed();
        while (!wait_once()) {
        }
        // The child's own output is in the pipes by now. Other processes may keep the pipes open.
        output_.close();
        errors_.close();
        if (ending_) child_.signal(SIGKILL); // ends processes that the child left in its group
        result_.status = child_.wait();
        if (spec_.stop.stop_requested() && ending_) throw Interrupted();
        if (timed_out_)
            throw Error(ErrorKind::failed,
                        fmt::format("{} did not end within {:g} s", in_quotes(spec_.argv[0]),
                                    std::chrono::duration<double>(spec_.timeout).count()));
        return std::move(result_);
    }

  private:
    /// Waits for one event and handles it. Returns whether the child has ended.
    bool wait_once() {
        pollfd fds[] = {{child_.ended_fd(), POLLIN, 0},
                        {output_.fd(), POLLIN, 0},
                        {errors_.fd(), POLLIN, 0},
                        {in_.write.get(), POLLOUT, 0},
                        {ending_ ? -1 : stop_event_.get(), POLLIN, 0}};
        if (::poll(fds, std::size(fds), poll_timeout()) < 0 && errno != EINTR)
            throw cannot_run(spec_, errno);
        if (fds[1].revents != 0) output_.read_available();
        if (fds[2].revents != 0) errors_.read_available();
        if (fds[3].revents != 0) feed();
        if (fds[0].revents != 0) return true;
        if (fds[4].revents != 0) terminate();
        if (deadline_ && Clock::now() >= *deadline_) pass_deadline();
        return false;
    }

    void pass_deadline() {
        if (ending_) {
            child_.signal(SIGKILL);
            deadline_.reset();
        } else {
            timed_out_ = true;
            terminate();
        }
    }

    void terminate() {
        ending_ = true;
        child_.signal(SIGTERM);
        deadline_ = Clock::now() + spec_.grace;
    }

    [[nodiscard]] int poll_timeout() const {
        if (!deadline_) return -1;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - Clock::now());
        return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
    }

    void feed() {
        const std::string_view all = spec_.input;
        while (in_.write && fed_ < all.size()) {
            const ssize_t n = ::write(in_.write.get(), all.data() + fed_, all.size() - fed_);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0 && errno == EAGAIN) return;
            if (n < 0) break; // the child does not read the rest
            fed_ += static_cast<std::size_t>(n);
        }
        in_.write.reset();
    }

    const ProcessSpec& spec_;
    ProcessResult result_;
    Pipe in_, out_, err_;
    Fd stop_event_;
    Child child_;
    Stream output_, errors_;
    std::size_t fed_ = 0;
    std::optional<Clock::time_point> deadline_;
    bool ending_ = false;
    bool timed_out_ = false;
};
} // namespace

ProcessResult run_process(const ProcessSpec& spec) {
    if (spec.stop.stop_requested()) throw Interrupted();
    return ChildRun(spec).run();
}

std::string end_of_output(std::string_view text, int count) {
    while (text.ends_with('\n')) text.remove_suffix(1);
    std::size_t begin = text.size();
    while (begin > 0 && count > 0) {
        --begin;
        if (text[begin] == '\n' && --count == 0) ++begin;
        if (count == 0) break;
    }
    return std::string(text.substr(begin));
}

ProcessResult run_checked(const ProcessSpec& spec) {
    ProcessResult result = run_process(spec);
    if (result.status == 0) return result;
    const std::string& said = result.err.empty() ? result.out : result.err;
    Error error(ErrorKind::failed,
                fmt::format("{} failed with status {}", in_quotes(spec.argv[0]), result.status));
    if (const std::string last = end_of_output(said, 10); !last.empty()) error.with_note(last);
    throw error;
}

} // namespace hadeploy
