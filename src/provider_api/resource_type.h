#pragma once

#include "provider_api/port_use.h"
#include "provider_api/schema.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hadeploy {

/// A network that a resource creates, or an address that a resource uses in a network.
struct NetworkUse {
    std::string network; ///< its actual name, the same for the network and its addresses
    std::string range;   ///< CIDR of a created network; "" for an address
    std::string address; ///< IPv4; for a created network: the host's own address in it
    Loc loc;             ///< place of the range or the address in the spec
    /// Only ranges in the same space must not overlap: "" for the networks of libvirt's host, or
    /// the host or swarm of a Docker network.
    std::string space = {};
};

/// Data that exists only in an object, and is lost when the object is removed.
struct DataLoss {
    std::string what;                       ///< for messages: "the volume vol0 and all files in it"
    std::optional<std::int64_t> bytes = {}; ///< size of the object, if known
};

/// A warning about parts of a config that are valid, but have no effect or are risky.
/// `lifecycle: {silence: [NAME]}` turns it off for a resource.
struct Warning {
    std::string name; ///< "open_port"
    std::string doc;  ///< for the reference: "A port for SSH ... is open to the Internet."
    /// Adds a problem for each such part of a normalized config, which can contain unknown values.
    void (*find)(const Value& config, Diagnostics& found) = nullptr;
};

/// The properties of a resource type that the planner and the docs use. Providers derive from this
/// class, and add the code that reads and changes objects of the type.
class ResourceType {
  public:
    virtual ~ResourceType() = default;

    std::string name;     ///< "host.file"; the part before the dot groups the docs
    std::string provider; ///< name of its Provider: "ssh", "libvirt"
    std::string summary;  ///< one line
    std::string doc;      ///< paragraphs: which drift is detected and repaired, effect of destroy
    std::string example;  ///< YAML of one resource, as under `resources:`
    Schema schema;

    /// A data source, under `data:`: it is only read and not recorded in the state. read() returns
    /// its computed attributes; an absent object is an error.
    bool data = false;
    /// The resource is a machine: it exports `connection`, and `running` says whether a login is
    /// possible. Resources on it are read after it, and are destroyed with it.
    bool machine = false;
    /// For a machine: removing the resource ends the machine. (Removing a pre-existing machine only
    /// ends its management, so the resources on it must be removed individually.)
    bool removal_ends_machine = false;
    /// read() also finds existing objects that are not recorded, such as files, packages and
    /// services. They are adopted, and are changed only if they differ from the config. Without
    /// this flag such an object is a conflict unless it carries the resource's identity.
    bool adopts = false;
    /// The meaning of the ID in an import, for messages: "the network's UUID". During an import,
    /// the provider looks the object up by this ID instead of by its identity. Empty: objects
    /// cannot be imported (unnecessary if the type adopts).
    std::string import_id;
    /// Creation takes long, because it transfers much data (an image) or starts a large service. It
    /// runs in a separate batch, so that other resources of the machine do not wait for it.
    bool slow = false;
    /// An object that machines share is read and changed through a machine that the run creates,
    /// if there is one, because the others may still list the predecessor of that machine.
    bool reached_through_created = false;
    /// The default of the lifecycle's create_before_destroy.
    bool create_before_destroy = false;
    /// derive() reads local files that are not named in the config.
    bool derives_from_files = false;
    /// Reported by `validate`, and by a plan that creates or changes the object.
    std::vector<Warning> warnings = {};

    /// Checks that concern several attributes. Must accept unknown values.
    virtual void check(const Value& /*config*/, Diagnostics& /*problems*/) const {}

    /// A remark for the plan that creates, adopts or replaces the object: a fact that the user
    /// should know although it is not a mistake; "" for none.
    /// @param observed  the attributes of an object that exists; null otherwise
    virtual std::string remark(const Value& /*config*/, const Value& /*observed*/) const {
        return {};
    }

    /// Problems that would prevent creation of the object but do not concern an existing one, for
    /// example a missing local file. Called when a plan creates or replaces the object.
    virtual void check_making(const Value& /*config*/, Diagnostics& /*problems*/) const {}

    /// Computed attributes that depend only on the config, so that a plan can show them and other
    /// resources can refer to them before the object exists. May read local files named in the
    /// config. Returns a map of only these attributes; unknown inputs give unknown outputs.
    virtual Value derive(const Value& /*config*/) const { return Value::map({}); }

    /// Names of real objects that only one resource may own, e.g. "libvirt domain node1" or
    /// "10.77.0.11:/etc/hosts", except those that are not known yet. A duplicate is an error of the
    /// spec. The first one is the object itself: a resource that claims it under another address is
    /// the same resource, moved. The others (a port, an address) can pass to a different resource.
    virtual std::vector<std::string> claims(const Value& /*config*/) const { return {}; }
    /// Claims of other resources that have to be applied before this one, for example Docker on the
    /// host. A remark is reported for a resource that does not depend on the resource with such a
    /// claim.
    virtual std::vector<std::string> needs(const Value& /*config*/) const { return {}; }
    /// The common prefix of the claims of all objects within this one, e.g. "/srv/data/" for a
    /// directory; "" if it contains none. Unless removing this object also removes the objects
    /// within it, it can be removed only after them.
    virtual std::string contains(const Value& /*config*/) const { return {}; }
    /// Whether removing the object also removes everything in it.
    virtual bool removes_contents(const Value& /*config*/) const { return false; }
    /// The common prefix of the claims of all objects that are removed together with this one; ""
    /// for none.
    std::string takes_along(const Value& config) const {
        return removes_contents(config) ? contains(config) : std::string();
    }
    /// Whether a removal leaves the object in place, which is then no longer managed.
    virtual bool is_left(const Value& /*config*/) const { return false; }
    /// Names of objects that several resources may need, e.g. "package jq on 10.77.0.11". They are
    /// kept until no resource needs them (see Change::left_to).
    virtual std::vector<std::string> shares(const Value& /*config*/) const { return {}; }

    /// Whether an update switches off the machine of the resource for a while, or stops what runs
    /// on it for a while.
    virtual bool restarts(const Value& /*before*/, const Value& /*after*/) const { return false; }
    /// Whether an update only removes parts that dependents may use until they have changed, such
    /// as a member of a pool. The step of the update then comes after the steps of the dependents
    /// instead of before them.
    virtual bool releases(const Value& /*before*/, const Value& /*after*/) const { return false; }

    /// Names of things that a change of the object needs for itself, e.g. "the swarm of
    /// 10.77.0.11": changes that have a name in common run one after another, in any order.
    virtual std::vector<std::string> exclusive(const Value& /*config*/) const { return {}; }

    /// The data that is irrecoverably destroyed by removing the object; nullopt if the object can
    /// be recreated from the spec, the state or a download.
    /// @param attributes  recorded and observed attributes
    virtual std::optional<DataLoss> held_data(const Value& /*attributes*/) const { return {}; }

    /// What the provider charges for while the object exists, in short: its size, class or count,
    /// such as "t3.micro, 8 GiB gp3"; "" if it is free. Never a price. Must accept unknown values.
    virtual std::string costs(const Value& /*config*/) const { return {}; }

    /// The number of copies of its data, each on a different machine of its config. While more than
    /// half of them remain, neither this data nor the data of a machine with a copy counts as lost.
    virtual std::int64_t copies(const Value& /*attributes*/) const { return 1; }

    /// The name for messages of the quorum group in which the object has a vote, to warn about an
    /// even number of members; "" if it has none.
    virtual std::string votes_in(const Value& /*config*/) const { return {}; }

    /// Networks that must not overlap with others, and addresses that must be within their network,
    /// as far as they are known.
    virtual std::vector<NetworkUse> networks(const Value& /*config*/) const { return {}; }

    /// Ports that it publishes, as far as they are known. A machine can publish each of them once.
    virtual std::vector<PortUse> ports(const Value& /*config*/) const { return {}; }
    /// Machines that are in one cluster, whose ports are published on any of them; no places if the
    /// object says nothing about that.
    virtual ClusterMembers members(const Value& /*config*/) const { return {}; }
};

} // namespace hadeploy
