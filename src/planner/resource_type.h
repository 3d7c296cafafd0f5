#pragma once

#include "planner/schema.h"

#include <string>

namespace hadeploy {

/// What planner and docs need to know of a kind of resource. Providers derive from it and add how
/// the type is read and changed; that part only they see.
class ResourceType {
  public:
    virtual ~ResourceType() = default;

    std::string name;     ///< "host.file"; the part before the dot groups the docs
    std::string provider; ///< name of the ProviderKind that serves it: "ssh", "libvirt"
    std::string summary;  ///< one line
    std::string doc;      ///< paragraphs: what is detected, what is repaired, what destroy does
    std::string example;  ///< YAML of one resource, as it stands under `resources:`
    Schema schema;

    /// A data source, under `data:`: it is only read, and nothing of it is kept in the state. What
    /// read() sees are its computed attributes; absent is an error.
    bool data = false;
    /// The resource is a machine: it exports `connection` and tells by `running` whether it can be
    /// logged in to. What lives on it is read after it, and dies with it.
    bool machine = false;
    /// Of a machine: removing the resource ends the machine. (A machine that existed before is only
    /// let go of: what was done on it has to be undone.)
    bool hosts_die = false;
    /// read() may be asked about a resource that is not recorded yet, and if it is there as wanted
    /// it is taken over ("adopt") without a change: files, packages, services. Without this a
    /// resource that is there but not recorded is a conflict unless it carries our identity.
    bool adopts = false;
    /// Making one moves much data (an image, say). It is done apart from what else its machine has
    /// to do, so that nothing which others wait for waits for it.
    bool bulk = false;

    /// Checks that concern several attributes. Unknown values pass.
    virtual void check(const Value& /*config*/, Problems& /*problems*/) const {}

    /// Computed attributes that follow from the config alone, so that a plan can show them and
    /// others can refer to them before the resource exists. May read local files named in the
    /// config. Returns a map of only those attributes; unknown inputs give unknown outputs.
    virtual Value derive(const Value& /*config*/) const { return Value::map({}); }

    /// Names of real objects that only one resource may claim, e.g. "libvirt domain node1" or
    /// "10.77.0.11:/etc/hosts". A duplicate is an error of the spec.
    virtual std::vector<std::string> claims(const Value& /*config*/) const { return {}; }
};

} // namespace hadeploy
