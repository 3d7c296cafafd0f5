#include "providers/libvirt/storage.h"

#include "providers/libvirt/xml.h"

#include <array>
#include <fmt/format.h>

namespace hadeploy::libvirt {

std::string volume_xml(const NewVolume& volume) {
    pugi::xml_document document;
    const pugi::xml_node root = add(document, "volume");
    add(root, "name", {}, volume.name);
    add(root, "capacity", {{"unit", "bytes"}}, std::to_string(volume.capacity));
    add(root, "allocation", {{"unit", "bytes"}}, "0");
    const pugi::xml_node target = add(root, "target");
    add(target, "format", {{"type", volume.format}});
    add(add(target, "permissions"), "mode", {}, "0600");
    if (!volume.backing_path.empty()) {
        const pugi::xml_node backing = add(root, "backingStore");
        add(backing, "path", {}, volume.backing_path);
        add(backing, "format", {{"type", volume.backing_format}});
    }
    return to_text(root);
}

PoolHandle open_pool(const Connection& connection, const std::string& name) {
    PoolHandle pool(
        call(fmt::format("look up the storage pool '{}'", name), {VIR_ERR_NO_STORAGE_POOL},
             [&] { return virStoragePoolLookupByName(connection.get(), name.c_str()); }));
    if (!pool)
        throw Error(ErrorKind::failed,
                    fmt::format("there is no storage pool '{}' at {}", name, connection.uri()))
            .with_hint("create one (type: libvirt.pool) and refer to it: pool: ${NAME.name}");
    if (virStoragePoolIsActive(pool.get()) != 1)
        call(fmt::format("start the storage pool '{}'", name), {VIR_ERR_OPERATION_INVALID},
             [&] { return virStoragePoolCreate(pool.get(), 0); });
    return pool;
}

VolumeHandle find_volume(virStoragePoolPtr pool, const std::string& name) {
    return VolumeHandle(call(fmt::format("look up the volume '{}'", name), {VIR_ERR_NO_STORAGE_VOL},
                             [&] { return virStorageVolLookupByName(pool, name.c_str()); }));
}

VolumeHandle create_volume(virStoragePoolPtr pool, const NewVolume& volume) {
    const std::string xml = volume_xml(volume);
    return VolumeHandle(call(fmt::format("create the volume '{}'", volume.name),
                             [&] { return virStorageVolCreateXML(pool, xml.c_str(), 0); }));
}

void delete_volume(virStoragePoolPtr pool, const std::string& name) {
    if (const VolumeHandle volume = find_volume(pool, name))
        call(fmt::format("delete the volume '{}'", name), {VIR_ERR_NO_STORAGE_VOL},
             [&] { return virStorageVolDelete(volume.get(), 0); });
}

std::string path_of(virStorageVolPtr volume) {
    return taken(call("read the path of a volume", [&] { return virStorageVolGetPath(volume); }));
}

std::int64_t capacity_of(virStorageVolPtr volume) {
    virStorageVolInfo info = {};
    call("read the size of a volume", [&] { return virStorageVolGetInfo(volume, &info); });
    return static_cast<std::int64_t>(info.capacity);
}

std::string format_of(virStorageVolPtr volume) {
    const std::string xml = taken(
        call("read the format of a volume", [&] { return virStorageVolGetXMLDesc(volume, 0); }));
    const pugi::xml_document document = parse_xml(xml);
    return document.child("volume").child("target").child("format").attribute("type").value();
}

namespace {
/// A stream that is aborted unless finished, so that the daemon discards a partial transfer.
class Stream {
  public:
    explicit Stream(virConnectPtr connection)
        : stream_(call("open a stream", [&] { return virStreamNew(connection, 0); })) {}
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream() {
        if (open_) virStreamAbort(stream_.get());
    }
    [[nodiscard]] virStreamPtr get() const { return stream_.get(); }
    void opened() { open_ = true; }
    void finish(std::string_view doing) {
        open_ = false;
        call(doing, [&] { return virStreamFinish(stream_.get()); });
    }

  private:
    StreamHandle stream_;
    bool open_ = false;
};

void send_all(virStreamPtr stream, const char* data, std::size_t size, std::string_view doing) {
    while (size > 0) {
        const int sent = virStreamSend(stream, data, size);
        if (sent < 0) throw last_error(doing);
        data += sent;
        size -= static_cast<std::size_t>(sent);
    }
}
} // namespace

void upload(Session& session, virStorageVolPtr volume, std::istream& source, std::int64_t size,
            std::string_view what) {
    const std::string doing = fmt::format("write the volume '{}'", virStorageVolGetName(volume));
    Stream stream(session.connection.get());
    call(doing, [&] {
        return virStorageVolUpload(volume, stream.get(), 0, static_cast<unsigned long long>(size),
                                   0);
    });
    stream.opened();
    std::string buffer(256 * 1024, '\0');
    std::int64_t done = 0, percent = -1;
    while (done < size) {
        session.check_stop();
        source.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
        const std::streamsize got = source.gcount();
        if (got <= 0)
            throw Error(
                ErrorKind::failed,
                fmt::format("cannot {}: the source ended after {} of {} bytes", doing, done, size));
        send_all(stream.get(), buffer.data(), static_cast<std::size_t>(got), doing);
        done += got;
        // Only every 10 percent, because without a terminal each report is a separate line.
        if (const std::int64_t now = done * 10 / size; now != percent && size > (64 << 20)) {
            percent = now;
            session.progress(fmt::format("{} {} %", what, percent * 10));
        }
    }
    stream.finish(doing);
}

std::string tail(const Connection& connection, virStorageVolPtr volume, std::int64_t bytes) {
    virStorageVolInfo info = {};
    call("read the size of a volume", [&] { return virStorageVolGetInfo(volume, &info); });
    const auto size = static_cast<std::int64_t>(info.capacity);
    if (size == 0) return {};
    const std::int64_t offset = size > bytes ? size - bytes : 0;
    Stream stream(connection.get());
    call("read a volume", [&] {
        return virStorageVolDownload(volume, stream.get(), static_cast<unsigned long long>(offset),
                                     static_cast<unsigned long long>(size - offset), 0);
    });
    stream.opened();
    std::string out;
    std::array<char, 16384> buffer = {};
    for (;;) {
        const int got = virStreamRecv(stream.get(), buffer.data(), buffer.size());
        if (got < 0) throw last_error("read a volume");
        if (got == 0) break;
        out.append(buffer.data(), static_cast<std::size_t>(got));
    }
    stream.finish("read a volume");
    return out;
}

void delete_own_files(Session& session, const std::string& pool_name, std::string_view name,
                      std::string_view identity) {
    Inventory inventory(session.connection);
    for (const Inventory::Pool& pool : inventory.pools()) {
        if (!pool_name.empty() && pool.name != pool_name) continue;
        PoolHandle handle;
        if (!pool.active && !pool_name.empty())
            handle = open_pool(session.connection, pool_name);
        else if (!pool.active)
            continue;
        const virStoragePoolPtr open = handle ? handle.get() : pool.handle.get();
        if (!refresh(open, pool.name)) continue;
        for (const std::string& file : volume_names(open, pool.name))
            if (is_own_file(file, name, identity)) delete_volume(open, file);
    }
}

} // namespace hadeploy::libvirt
