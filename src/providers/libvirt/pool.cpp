#include "providers/libvirt/libvirt_type.h"
#include "providers/libvirt/xml.h"

#include <fmt/format.h>

namespace hadeploy::libvirt {

namespace {

class PoolType : public LibvirtType {
  public:
    PoolType();
    Value derive(const Value& config) const override;
    std::vector<std::string> claims(const Value& config) const override {
        if (!config["name"].is_string()) return {};
        return {"libvirt pool " + config.text("name")};
    }
    Observation observe(const ReadRequest& request, Inventory& inventory) const override;
    Value make(Session& session, const Change& change) const override;
    void remove(Session& session, const Change& change) const override;
};

PoolType::PoolType() {
    name = "libvirt.pool";
    summary = "A directory for disks on the libvirt host";
    doc =
        "A storage pool of libvirt's type `dir`, for volumes and the disks of domains.\n\n"
        "Detected and repaired: a pool that was stopped, or whose directory was removed, is built "
        "and started again.\n\n"
        "Destroy undefines the pool and removes its directory. It fails while the directory "
        "contains other files.";
    import_id = "the pool's UUID (`virsh pool-uuid NAME`)";
    example = "pool:\n"
              "  type: libvirt.pool\n"
              "  name: ha-demo\n";
    schema = {
        {.name = "name",
         .type = TypeKind::name,
         .doc = "Name in libvirt.",
         .replaces = true,
         .default_value = Value("hadeploy")},
        {.name = "path",
         .type = TypeKind::path,
         .doc = "The directory, on the libvirt host. Default: `/var/lib/libvirt/images/NAME`.",
         .replaces = true},
        {.name = "active",
         .type = TypeKind::boolean,
         .doc = "Whether the pool is active.",
         .computed = true,
         .tracked = true,
         .open = true,
         .verb = "start"},
    };
}

std::string pool_path(const Value& config) {
    return config.text("path", "/var/lib/libvirt/images/" + config.text("name"));
}

Value PoolType::derive(const Value& config) const {
    Value out = Value::map({{"active", true}});
    if (config["path"].is_null())
        out = out.with("path",
                       config["name"].is_unknown() ? Value::unknown() : Value(pool_path(config)));
    return out;
}

Observation PoolType::observe(const ReadRequest& request, Inventory& inventory) const {
    for (const Inventory::Pool& pool : inventory.pools()) {
        if (pool.uuid != request.identity) continue;
        inventory.volumes(pool.name); // detects a missing directory
        return Observation::present(Value::map({{"name", pool.name}, {"active", pool.active}}));
    }
    const Inventory::Pool* other = inventory.pool(request.config.text("name"));
    if (other == nullptr) return Observation::absent();
    Observation out = Observation::present(Value::map({{"name", other->name}}));
    out.foreign = foreign_text(other->uuid);
    return out;
}

std::string pool_xml(const std::string& pool, const std::string& uuid, const std::string& path) {
    pugi::xml_document document;
    const pugi::xml_node root = add(document, "pool", {{"type", "dir"}});
    add(root, "name", {}, pool);
    add(root, "uuid", {}, uuid);
    const pugi::xml_node target = add(root, "target");
    add(target, "path", {}, path);
    // The emulator runs as a separate user and needs access to the disks in the directory.
    add(add(target, "permissions"), "mode", {}, "0711");
    return to_text(root);
}

PoolHandle find(const Connection& connection, const std::string& uuid) {
    return PoolHandle(call("look up the storage pool", {VIR_ERR_NO_STORAGE_POOL}, [&] {
        return virStoragePoolLookupByUUIDString(connection.get(), uuid.c_str());
    }));
}

Value PoolType::make(Session& session, const Change& change) const {
    const std::string pool_name = change.after.text("name");
    const std::string path = pool_path(change.after);
    PoolHandle pool = find(session.connection, change.identity);
    if (!pool) {
        Inventory inventory(session.connection);
        if (const Inventory::Pool* other = inventory.pool(pool_name))
            throw foreign_error("storage pool", pool_name, other->uuid);
        const std::string xml = pool_xml(pool_name, change.identity, path);
        pool.reset(call(fmt::format("define the storage pool '{}' at {}", pool_name, path), [&] {
            return virStoragePoolDefineXML(session.connection.get(), xml.c_str(), 0);
        }));
    }
    call(fmt::format("set the autostart of the storage pool '{}'", pool_name), {VIR_ERR_NO_SUPPORT},
         [&] { return virStoragePoolSetAutostart(pool.get(), 1); });
    if (virStoragePoolIsActive(pool.get()) != 1) {
        call(fmt::format("create the directory {}", path), {VIR_ERR_NO_SUPPORT},
             [&] { return virStoragePoolBuild(pool.get(), 0); });
        call(fmt::format("start the storage pool '{}'", pool_name), {VIR_ERR_OPERATION_INVALID},
             [&] { return virStoragePoolCreate(pool.get(), 0); });
    }
    return change.after.with("path", path).with("active", true);
}

void PoolType::remove(Session& session, const Change& change) const {
    const PoolHandle pool = find(session.connection, change.identity);
    if (!pool) return;
    const std::string pool_name = virStoragePoolGetName(pool.get());
    if (virStoragePoolIsActive(pool.get()) == 1 && refresh(pool.get(), pool_name)) {
        const std::vector<std::string> left = volume_names(pool.get(), pool_name);
        if (!left.empty())
            throw Error(ErrorKind::conflict,
                        fmt::format("the storage pool '{}' still holds {} file{}: {}{}", pool_name,
                                    left.size(), left.size() == 1 ? "" : "s", left.front(),
                                    left.size() > 1 ? ", ..." : ""))
                .with_hint(fmt::format("list the files with `virsh vol-list {}`, remove those "
                                       "that are not needed (`virsh vol-delete --pool {} NAME`), "
                                       "then try again",
                                       pool_name, pool_name));
        call(fmt::format("stop the storage pool '{}'", pool_name), {VIR_ERR_OPERATION_INVALID},
             [&] { return virStoragePoolDestroy(pool.get()); });
    }
    // Fails if the directory is gone, or contains a file that libvirt does not list. Then it stays.
    call(fmt::format("remove the directory of the storage pool '{}'", pool_name),
         {VIR_ERR_SYSTEM_ERROR, VIR_ERR_INTERNAL_ERROR, VIR_ERR_NO_SUPPORT},
         [&] { return virStoragePoolDelete(pool.get(), VIR_STORAGE_POOL_DELETE_NORMAL); });
    call(fmt::format("undefine the storage pool '{}'", pool_name), {VIR_ERR_NO_STORAGE_POOL},
         [&] { return virStoragePoolUndefine(pool.get()); });
}

} // namespace

std::unique_ptr<ResourceType> pool_type() {
    return std::make_unique<PoolType>();
}

} // namespace hadeploy::libvirt
