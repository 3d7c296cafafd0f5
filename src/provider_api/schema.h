#pragma once

#include "core/error.h"
#include "core/value.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hadeploy {

struct Attribute;

/// The type of a variable, a module input or a resource's attribute. Kinds beyond the plain data
/// types have a unit or a syntax; normalize() converts each to the canonical form given here.
enum class TypeKind {
    any,
    string,
    integer,
    number,
    boolean,
    bytes,      ///< "512 MiB", "1 GB" or an integer -> integer, in bytes
    duration,   ///< "30s", "5m", "2h", "500ms" -> integer, in milliseconds
    port,       ///< 1..65535 -> integer
    ipv4,       ///< "10.77.0.11" -> string
    cidr,       ///< "10.77.0.0/24" -> string
    mode,       ///< file mode, a quoted octal: "0644" -> string of four digits
    name,       ///< safe as a file, host or object name: [A-Za-z0-9][A-Za-z0-9._-]{0,62}
    account,    ///< a user or group on a node: a name that may also start with _, e.g. `_apt`
    address,    ///< a host name or IP address, without user and port
    line,       ///< a string of one line; trailing newlines are removed: "key\n" -> "key"
    path,       ///< an absolute path on the node, without ".."
    local_path, ///< a local path, relative to the spec or module -> absolute
    connection, ///< login data for a machine; see connection_fields()
    list,
    set, ///< a list without order or duplicates -> sorted
    map,
    object,
};

struct Type {
    TypeKind kind = TypeKind::any;
    std::shared_ptr<const Type> element;                  ///< element type of a list, set or map
    std::shared_ptr<const std::vector<Attribute>> fields; ///< fields of an object

    Type() = default;
    Type(TypeKind k) : kind(k) {}
};

Type list_of(Type element);
Type set_of(Type element);
Type map_of(Type element);
/// An object with these fields. Other keys are dropped if they come from a reference to a whole
/// resource, and are an error if they are written in the spec.
Type object_of(std::vector<Attribute> fields);

/// One attribute of a schema. Its value in a plan is the first of these that exists: the value in
/// the spec; the default; for a computed attribute, the result of ResourceType::derive; for a
/// computed or filled attribute, the recorded value.
struct Attribute {
    std::string name = {};
    Type type = {};
    std::string doc = {}; ///< one or two sentences, shown by `hadeploy docs`

    bool required = false;
    bool computed = false; ///< not allowed in a spec: set by the provider
    /// Optional; without a value in the spec, the provider chooses a value, which is exported but
    /// not compared. Can also be set for a field of an object.
    bool filled = false;
    bool secret = false;   ///< never shown
    bool replaces = false; ///< a change replaces the object
    /// Computed, but a difference from the recorded value is drift that is repaired.
    bool tracked = false;
    /// Controls only how a change is applied, for example a timeout: a difference in this attribute
    /// alone is not a change. Can also be set for a field of an object.
    bool operational = false;
    /// Computed, and not secret even if the config contains secrets: an id, a certificate.
    bool open = false;
    /// Computed from only these attributes: inherits their secrecy, part by part if the structures
    /// are the same. If empty, the attribute is secret if anything in the config is.
    std::vector<std::string> follows = {};
    /// Computed, and may change with any update of the resource: unknown in the plan of an update.
    bool changes_on_update = false;
    std::optional<Value> default_value = {};
    std::vector<std::string> one_of = {}; ///< allowed strings; empty: all
    std::optional<std::int64_t> min = {}; ///< of normalized numbers, or lengths of lists and maps
    std::optional<std::int64_t> max = {};
    std::string verb = {}; ///< name in a plan for a change of only this attribute, e.g. "start"
};

using Schema = std::vector<Attribute>;

const Attribute* find_attribute(const Schema& schema, std::string_view name);

/// The fields of a `connection`: address, port, user, keys for the login, the host's expected key,
/// the host through which it is reached, and the address of the machine's resource.
const std::vector<Attribute>& connection_fields();

} // namespace hadeploy
