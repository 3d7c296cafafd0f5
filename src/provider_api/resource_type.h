#pragma once

#include "provider_api/schema.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hadeploy {

/// A network that a resource makes, or an address that it takes in one.
struct NetworkUse {
    std::string network; ///< its real name, the same for the network and its addresses
    std::string range;   ///< cidr of a network that is made; "" of an address
    std::string address; ///< ipv4; of a network that is made: the host's own address in it
    Loc loc;             ///< of the range or the address in the spec
};

/// Data that exists nowhere but in an object, and is lost when that is removed.
struct DataLoss {
    std::string what;                       ///< for people: "the volume vol0 and all files in it"
    std::optional<std::int64_t> bytes = {}; ///< of the object, where its size is known
};

/// What planner and docs need to know of a kind of resource. Providers derive from it and add how
/// the type is read and changed; that part only they see.
class ResourceType {
  public:
    virtual ~ResourceType() = default;

    std::string name;     ///< "host.file"; the part before the dot groups the docs
    std::string provider; ///< name of the Provider that serves it: "ssh", "libvirt"
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
    bool removal_ends_machine = false;
    /// read() may be asked about a resource that is not recorded yet, and if it is there as wanted
    /// it is taken over ("adopt") without a change: files, packages, services. Without this a
    /// resource that is there but not recorded is a conflict unless it carries our identity.
    bool adopts = false;
    /// What the ID of an import is, for people: "the network's UUID". The provider is asked for it
    /// in the place of the identity that a new object would get. Empty: such objects can't be
    /// imported (those of a type that adopts need not be).
    std::string import_id;
    /// Making one takes long: it moves much data (an image), or starts much (a daemon). It is done
    /// apart from what else its machine has to do, so that what waits for one of them does not wait
    /// for the other.
    bool slow = false;
    /// derive() reads local files that the config does not name.
    bool derives_from_files = false;

    /// Checks that concern several attributes. Unknown values pass.
    virtual void check(const Value& /*config*/, Diagnostics& /*problems*/) const {}

    /// What a config says in vain, such as a setting that the system ignores: told by `validate`,
    /// and by a plan that makes or changes the object. It stops nothing.
    virtual void warn(const Value& /*config*/, Diagnostics& /*warnings*/) const {}

    /// What can be seen beforehand to keep a new object from being made, and is none of the
    /// business of one that is there: a local file that is missing. Asked when a plan makes or
    /// replaces one.
    virtual void check_making(const Value& /*config*/, Diagnostics& /*problems*/) const {}

    /// Computed attributes that follow from the config alone, so that a plan can show them and
    /// others can refer to them before the resource exists. May read local files named in the
    /// config. Returns a map of only those attributes; unknown inputs give unknown outputs.
    virtual Value derive(const Value& /*config*/) const { return Value::map({}); }

    /// Names of real things that only one resource may have, e.g. "libvirt domain node1" or
    /// "10.77.0.11:/etc/hosts"; none that is not known yet. A duplicate is an error of the spec.
    /// The first one is the object itself: a resource that claims it under another address is the
    /// same one, moved. The others (a port, an address) can pass from one resource to another.
    virtual std::vector<std::string> claims(const Value& /*config*/) const { return {}; }
    /// What the claims begin with of everything that goes with the object when it is removed, e.g.
    /// "/srv/data/" of a directory that is removed with its contents; "" for nothing.
    virtual std::string takes_along(const Value& /*config*/) const { return {}; }
    /// Whether removal leaves the object where it is: it is only no longer managed.
    virtual bool is_left(const Value& /*config*/) const { return false; }
    /// Names of things that several resources may want, e.g. "package jq on 10.77.0.11": when one
    /// of them no longer does, they stay for the others (see Change::left_to).
    virtual std::vector<std::string> shares(const Value& /*config*/) const { return {}; }

    /// The data that the removal of an object destroys for good; nothing where the object can be
    /// made again as it was: from the spec, the state or a download.
    /// @param attributes  all that is known of it, as recorded and as seen
    virtual std::optional<DataLoss> held_data(const Value& /*attributes*/) const { return {}; }

    /// How many copies of its data there are, each on another one of the machines in its config.
    /// While more than half of them stay, neither its data nor that of a machine with a copy counts
    /// as lost.
    virtual std::int64_t copies(const Value& /*attributes*/) const { return 1; }

    /// The group, as a message names it, in which this one has a vote: what an even number of
    /// members is worth no more than one less. "" for what has none.
    virtual std::string votes_in(const Value& /*config*/) const { return {}; }

    /// Networks that no other one may overlap with, and addresses that have to be in theirs, as far
    /// as they are known.
    virtual std::vector<NetworkUse> networks(const Value& /*config*/) const { return {}; }
};

} // namespace hadeploy
