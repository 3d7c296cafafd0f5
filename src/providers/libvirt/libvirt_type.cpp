#include "providers/libvirt/libvirt_type.h"

#include "provider_api/schema.h"
#include "provider_api/units.h"

#include <fmt/format.h>

namespace hadeploy::libvirt {

Reservations::Hold::~Hold() {
    const std::lock_guard lock(owner_.mutex_);
    owner_.held_ -= bytes_;
}

std::unique_ptr<Reservations::Hold> Reservations::take(std::int64_t bytes, std::int64_t available) {
    const std::lock_guard lock(mutex_);
    if (bytes > available - held_) {
        Error error(ErrorKind::failed,
                    fmt::format("the host does not have enough memory: the machine needs {}, {} "
                                "is free",
                                show_bytes(bytes), show_bytes(available)));
        if (held_ > 0)
            error.with_note(
                fmt::format("machines that are starting will use {} of it", show_bytes(held_)));
        throw std::move(error).with_hint("reduce the memory of the machines, or free memory on "
                                         "the host");
    }
    held_ += bytes;
    return std::make_unique<Hold>(*this, bytes);
}

std::string foreign_text(std::string_view uuid) {
    return fmt::format("created by somebody else: its UUID {} is not the one that hadeploy set",
                       uuid);
}

Error foreign_error(std::string_view kind, std::string_view name, std::string_view uuid) {
    return Error(ErrorKind::conflict,
                 fmt::format("there is already a {} '{}', {}", kind, name, foreign_text(uuid)))
        .with_hint("choose a different name, or remove the existing object yourself: hadeploy "
                   "never touches objects that it did not create");
}

} // namespace hadeploy::libvirt
