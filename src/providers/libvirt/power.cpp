#include "providers/libvirt/power.h"

#include "core/file.h"
#include "provider_api/schema.h"
#include "provider_api/units.h"
#include "providers/libvirt/storage.h"
#include "providers/libvirt/xml.h"

#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>

namespace hadeploy::libvirt {

namespace {
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;
constexpr std::uint16_t kSshPort = 22;
constexpr std::size_t kConsoleLines = 25;
constexpr std::int64_t kConsoleBytes = 16 * 1024;
} // namespace

int state_of(virDomainPtr domain) {
    int state = VIR_DOMAIN_NOSTATE;
    call("read the state of a domain",
         [&] { return virDomainGetState(domain, &state, nullptr, 0); });
    return state;
}

bool is_active(int state) {
    return state != VIR_DOMAIN_SHUTOFF && state != VIR_DOMAIN_CRASHED &&
           state != VIR_DOMAIN_NOSTATE;
}

const char* state_name(int state) {
    switch (state) {
    case VIR_DOMAIN_RUNNING: return "running";
    case VIR_DOMAIN_BLOCKED: return "blocked";
    case VIR_DOMAIN_PAUSED: return "paused";
    case VIR_DOMAIN_SHUTDOWN: return "shutting down";
    case VIR_DOMAIN_SHUTOFF: return "switched off";
    case VIR_DOMAIN_CRASHED: return "crashed";
    case VIR_DOMAIN_PMSUSPENDED: return "suspended";
    default: return "in an unknown state";
    }
}

void power_off(virDomainPtr domain) {
    call(fmt::format("switch off '{}'", virDomainGetName(domain)),
         {VIR_ERR_OPERATION_INVALID, VIR_ERR_NO_DOMAIN}, [&] { return virDomainDestroy(domain); });
}

void shut_down(Session& session, virDomainPtr domain, std::chrono::milliseconds timeout) {
    const std::string name = virDomainGetName(domain);
    session.progress("shutting down");
    const auto end = Clock::now() + timeout;
    auto ask = Clock::now();
    while (is_active(state_of(domain))) {
        session.check_stop();
        const auto now = Clock::now();
        if (now >= end) {
            session.progress("switching off");
            power_off(domain);
            return;
        }
        if (now >= ask) { // repeated, because a guest that is still booting ignores the request
            call(fmt::format("shut down '{}'", name), {VIR_ERR_OPERATION_INVALID},
                 [&] { return virDomainShutdown(domain); });
            ask = now + 10s;
        }
        std::this_thread::sleep_for(100ms);
    }
}

namespace {
/// Tries to read an SSH banner; returns "" on success, otherwise the reason.
std::string knock(const std::string& address, int wait_ms) {
    const Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return std::strerror(errno);
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(kSshPort);
    inet_pton(AF_INET, address.c_str(), &to.sin_addr);
    if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 &&
        errno != EINPROGRESS)
        return std::strerror(errno);
    pollfd waiting = {fd.get(), POLLOUT, 0};
    if (poll(&waiting, 1, wait_ms) <= 0) return "no answer";
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return std::strerror(error);
    waiting = {fd.get(), POLLIN, 0};
    // An emulated guest may take long from accept() to the banner.
    if (poll(&waiting, 1, 10 * wait_ms) <= 0) return "port 22 is open but sends nothing";
    std::array<char, 4> banner = {};
    const ssize_t got = recv(fd.get(), banner.data(), banner.size(), 0);
    if (got < 0) return std::strerror(errno);
    return std::string_view(banner.data(), static_cast<std::size_t>(got)) == "SSH-"
               ? ""
               : "port 22 is open but is not an SSH server";
}

std::string console_text(const Session& session, const BootWatch& watch) {
    try {
        const VolumeHandle log =
            watch.pool ? find_volume(watch.pool.get(), watch.console) : nullptr;
        return log ? tail(session.connection, log.get(), kConsoleBytes) : "";
    } catch (const Error& error) { // the original failure matters more
        return error.message;
    }
}

Error boot_error(const Session& session, const BootWatch& watch, std::string message,
                 std::string hint) {
    Error error(ErrorKind::failed, std::move(message));
    error.hint = std::move(hint);
    const std::string text = last_lines(console_text(session, watch), kConsoleLines);
    error.with_note(text.empty() ? "the console is empty"
                                 : "the end of the console's log:\n" + text);
    return error;
}

/// QEMU pauses a guest whose disk cannot be written, and one for which KVM fails.
Error paused_error(const Session& session, const BootWatch& watch) {
    int state = VIR_DOMAIN_NOSTATE, reason = VIR_DOMAIN_PAUSED_UNKNOWN;
    call("read the state of a domain",
         [&] { return virDomainGetState(watch.domain, &state, &reason, 0); });
    const pugi::xml_document definition = parse_xml(
        taken(call("read a domain", [&] { return virDomainGetXMLDesc(watch.domain, 0); })));
    if (reason != VIR_DOMAIN_PAUSED_IOERROR &&
        std::string_view("kvm") == definition.child("domain").attribute("type").value())
        return boot_error(session, watch,
                          fmt::format("'{}' was paused by kvm while it booted", watch.name),
                          kBrokenKvmHint);
    return boot_error(session, watch, fmt::format("'{}' was paused while it booted", watch.name),
                      "the host's disk may be full (see `df -h`; `virsh domblkerror " + watch.name +
                          "` shows it)");
}
} // namespace

void wait_for_ssh(Session& session, const BootWatch& watch) {
    if (session.connection.mock()) return; // a mock guest never responds
    session.progress("waiting for the guest to boot");
    const auto end = Clock::now() + watch.timeout;
    for (;;) {
        session.check_stop();
        const int state = state_of(watch.domain);
        if (state == VIR_DOMAIN_PAUSED) throw paused_error(session, watch);
        if (!is_active(state))
            throw boot_error(
                session, watch,
                fmt::format("'{}' {} while it booted", watch.name,
                            state == VIR_DOMAIN_CRASHED ? "crashed" : "switched itself off"),
                "the image may not be suitable for the machine; see the console's log above");
        const auto begun = Clock::now();
        const std::string why = knock(watch.address, 1000);
        if (why.empty()) return;
        if (Clock::now() >= end)
            throw boot_error(
                session, watch,
                fmt::format("'{}' did not respond on {} port {} within {}: {}", watch.name,
                            watch.address, kSshPort, show_duration(watch.timeout.count()), why),
                "if the console shows a login prompt, the network is the cause: hadeploy has to "
                "run where it can reach the VMs (`scripts/lab exec hadeploy ...`); otherwise "
                "check where the boot hangs, or increase `boot_timeout`");
        std::this_thread::sleep_until(begun + 250ms);
    }
}

std::string last_lines(std::string_view log, std::size_t count) {
    std::string clean;
    for (std::size_t i = 0; i < log.size(); ++i) {
        const auto c = static_cast<unsigned char>(log[i]);
        if (c == 0x1b) { // terminal control sequence: "ESC [ ... letter"
            if (i + 1 < log.size() && log[i + 1] == '[')
                for (i += 2; i < log.size() && (log[i] < '@' || log[i] > '~'); ++i) {
                }
        } else if (c == '\n' ? !clean.empty() && clean.back() != '\n'
                             : c == '\t' || (c >= ' ' && c < 0x7f)) {
            clean += static_cast<char>(c);
        }
    }
    while (!clean.empty() && clean.back() == '\n') clean.pop_back();
    std::size_t start = clean.size();
    for (std::size_t lines = 0; start > 0; --start)
        if (clean[start - 1] == '\n' && ++lines == count) break;
    return clean.substr(start);
}

} // namespace hadeploy::libvirt
