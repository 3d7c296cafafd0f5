#pragma once

#include "core/error.h"
#include "core/lazy_library.h"
#include "provider_api/provider.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy {

/// The end of a hint whose error `hadeploy doctor` explains in more detail.
inline constexpr std::string_view kSeeDoctor =
    "; `hadeploy doctor` reports everything that is missing on this machine";

/// Something that a machine needs before hadeploy can apply a spec on it, and whether it has it.
struct Prerequisite {
    enum class Status {
        met,
        limited, ///< apply works, with the disadvantage that `message` names
        missing, ///< plan or apply fails
    };
    std::string name; ///< unique within its provider: "KVM", "disk space"
    Status status = Status::met;
    std::string message;  ///< the present situation, in one line without a full stop
    std::string fix = {}; ///< the command or the step that improves it; "" if it is met

    static Prerequisite met(std::string name, std::string message);
    static Prerequisite limited(std::string name, std::string message, std::string fix);
    static Prerequisite missing(std::string name, std::string message, std::string fix);
    /// The message and the hint of an error, without kSeeDoctor.
    static Prerequisite missing(std::string name, const Error& error);
};

/// What a spec uses of one provider.
struct ProviderUse {
    struct Resource {
        const ResourceType* type = nullptr;
        Value config; ///< as far as it is known before the first apply
    };
    Value settings = Value::map({});      ///< normalized
    std::vector<Resource> resources = {}; ///< including data sources
    bool no_spec = false;                 ///< check everything that a spec could use

    /// Whether the spec has a resource of this type, or could have one.
    [[nodiscard]] bool has(std::string_view type) const;
};

/// A provider that knows what it needs of the machine that runs hadeploy, for `hadeploy doctor`.
class HasPrerequisites {
  public:
    virtual ~HasPrerequisites() = default;
    /// Checks what this use needs. Changes nothing. A stop in the context ends it early.
    /// @throws Error; Interrupted
    [[nodiscard]] virtual std::vector<Prerequisite>
    prerequisites(const ProviderUse& use, const ProviderContext& context) const = 0;
};

/// The path of a program in PATH or in a directory for administrators; "" if there is none.
std::string find_program(std::string_view name, const ProviderContext& context);

/// The command as an administrator runs it: with sudo, unless this process runs as root.
std::string as_root(const std::string& command);
/// How to install packages of Debian or Ubuntu.
std::string how_to_install(const std::vector<std::string>& packages,
                           const ProviderContext& context);

/// A measured size, rounded down to a tenth of a GiB or MiB: "67.7 GiB".
std::string rounded_bytes(std::int64_t bytes);

/// Free bytes on the file system of a path, or of its first parent that exists; nullopt if unknown.
std::optional<std::int64_t> free_space(std::filesystem::path path);

/// The error if the library, or a function in it, cannot be loaded.
std::optional<Error> loading_error(const LateLibrary& library, const char* function);

} // namespace hadeploy
