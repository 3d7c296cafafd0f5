#include "providers/libvirt/connection.h"

#include "providers/libvirt/xml.h"

#include <fmt/format.h>
#include <mutex>

namespace hadeploy::libvirt {

namespace {
/// Stops libvirt from printing every error to standard error.
void prepare_library() {
    static std::once_flag once;
    std::call_once(once, [] {
        virInitialize();
        virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});
    });
}
} // namespace

std::string host_of(const std::string& uri) {
    const std::size_t start = uri.find("://");
    if (start == std::string::npos) return {};
    const std::size_t end = uri.find('/', start + 3);
    return uri.substr(start + 3, end == std::string::npos ? end : end - start - 3);
}

std::shared_ptr<Connection> Connection::open(const std::string& uri) {
    prepare_library();
    auto connection = std::make_shared<Connection>();
    connection->uri_ = uri;
    try {
        connection->handle_.reset(call(fmt::format("connect to libvirt at {}", uri),
                                       [&] { return virConnectOpen(uri.c_str()); }));
    } catch (Error& error) {
        error.kind = ErrorKind::unreachable; // no object can be managed, whatever the reason
        throw;
    }
    connection->local_ = host_of(uri).empty();
    connection->mock_ = uri.starts_with("test:");
    return connection;
}

const Connection::Capabilities& Connection::capabilities() const {
    std::call_once(capabilities_read_, [this] {
        const std::string text = taken(call("read libvirt's capabilities", [&] {
            return virConnectGetCapabilities(handle_.get());
        }));
        const pugi::xml_document document = parse_xml(text);
        const pugi::xml_node root = document.child("capabilities");
        const std::string host = root.child("host").child("cpu").child("arch").text().get();
        if (!host.empty()) capabilities_.arch = host;
        for (const pugi::xml_node guest : root.children("guest"))
            for (const pugi::xml_node arch : guest.children("arch")) {
                if (host != arch.attribute("name").value()) continue;
                capabilities_.emulator = true;
                for (const pugi::xml_node domain : arch.children("domain"))
                    if (std::string_view("kvm") == domain.attribute("type").value())
                        capabilities_.kvm = true;
            }
    });
    return capabilities_;
}

std::string Connection::arch() const {
    return capabilities().arch;
}
std::int64_t Connection::memory() const {
    virNodeInfo info{};
    call("read the host's memory", [&] { return virNodeGetInfo(get(), &info); });
    return static_cast<std::int64_t>(info.memory) * 1024;
}
bool Connection::offers_kvm() const {
    return capabilities().kvm;
}
bool Connection::has_emulator() const {
    return capabilities().emulator;
}

} // namespace hadeploy::libvirt
