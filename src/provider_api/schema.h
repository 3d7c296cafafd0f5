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
/// types carry a unit or a form; normalize() brings each into one canonical form:
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
    name,       ///< what is safe as a file, host or object name: [A-Za-z0-9][A-Za-z0-9._-]{0,62}
    account,    ///< a user or group of a node: a name that may begin with _, as `_apt` does
    address,    ///< a host name or IP address, and nothing of a user or a port
    line,       ///< a text of one line; line ends behind it go: "key\n" -> "key"
    path,       ///< an absolute path on the node, without ".."
    local_path, ///< a path on this machine, relative to the file it is written in -> absolute
    connection, ///< how to log in to a machine; see connection_fields()
    list,
    set, ///< a list whose elements are in no order, each there once -> sorted
    map,
    object,
};

struct Type {
    TypeKind kind = TypeKind::any;
    std::shared_ptr<const Type> element;                  ///< of a list, set or map
    std::shared_ptr<const std::vector<Attribute>> fields; ///< of an object

    Type() = default;
    Type(TypeKind k) : kind(k) {}
};

Type list_of(Type element);
Type set_of(Type element);
Type map_of(Type element);
/// An object with these fields; further keys are dropped when they come from a resource (a
/// whole-resource reference), and an error when they were written by hand.
Type object_of(std::vector<Attribute> fields);

/// One attribute of a schema. Which of an attribute's values wins in a plan: the spec's; else the
/// default; else, for a computed one, what ResourceType::derive says; else what was recorded.
struct Attribute {
    std::string name = {};
    Type type = {};
    std::string doc = {}; ///< one or two sentences, shown by `hadeploy docs`

    bool required = false;
    bool computed = false; ///< never written in a spec: the provider fills it in
    bool secret = false;   ///< never shown
    bool replaces = false; ///< a change makes a new object
    /// Computed, but to stay as it was when last applied: a difference is a drift to repair.
    bool tracked = false;
    /// Only steers how a change is made (a timeout, say): a difference alone is no change. So it is
    /// of an object's field.
    bool operational = false;
    /// Computed, and fit to be shown even where the config holds secrets: an id, a certificate.
    bool open = false;
    /// Computed, and made of these attributes alone: as secret as they are, part by part where it
    /// has their form. Without any: secret as soon as something in the config is.
    std::vector<std::string> follows = {};
    /// Computed, and any change of the resource may give it another value: what an update will make
    /// of it is not known before.
    bool changes_on_update = false;
    std::optional<Value> default_value = {}; ///< the default
    std::vector<std::string> one_of = {};    ///< the allowed strings, when there are but a few
    std::optional<std::int64_t> min = {};    ///< of integers (after normalisation), lists: length
    std::optional<std::int64_t> max = {};
    std::string verb = {}; ///< what a plan calls a change of this attribute alone, e.g. "start"
};

using Schema = std::vector<Attribute>;

const Attribute* find_attribute(const Schema& schema, std::string_view name);

/// What a `connection` holds: address, port and user; which keys to log in with, and which the host
/// must show; the host to reach it through; machine.
/// `machine` is the address of the resource that is the machine ("" where it existed before).
const std::vector<Attribute>& connection_fields();

} // namespace hadeploy
