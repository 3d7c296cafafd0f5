#pragma once

#include "providers/libvirt/libvirt_type.h"

#include <cstdint>
#include <istream>
#include <string>
#include <vector>

namespace hadeploy::libvirt {

/// A volume to make in a pool.
struct NewVolume {
    std::string name;
    std::string format = "raw";
    std::int64_t capacity = 0;     ///< bytes; of a qcow2 the size that the guest sees
    std::string backing_path = {}; ///< of an overlay: what it stands on
    std::string backing_format = {};
};

/// The `<volume>` to make, for its owner alone: libvirt gives a guest's disk to the user that QEMU
/// runs as. Pure.
std::string volume_xml(const NewVolume& volume);

/// The pool, started if it was not active.
/// @throws Error when there is none
PoolHandle open_pool(const Connection& connection, const std::string& name);

/// nullptr when there is none.
VolumeHandle find_volume(virStoragePoolPtr pool, const std::string& name);
VolumeHandle create_volume(virStoragePoolPtr pool, const NewVolume& volume);
/// Fine when there is none.
void delete_volume(virStoragePoolPtr pool, const std::string& name);
std::string path_of(virStorageVolPtr volume);
/// "qcow2", "raw": what libvirt has found the file to be.
std::string format_of(virStorageVolPtr volume);
/// Bytes that a guest sees of it.
std::int64_t capacity_of(virStorageVolPtr volume);

/// Writes `size` bytes into the volume. Goes through libvirt, so it works for a remote host too.
/// `what` is what people see: "uploading the kernel".
void upload(Session& session, virStorageVolPtr volume, std::istream& source, std::int64_t size,
            std::string_view what);

/// The last `bytes` of a volume's file.
std::string tail(const Connection& connection, virStorageVolPtr volume, std::int64_t bytes);

/// Deletes the files that own_file() named for an object, from the pool or, when `pool_name` is
/// empty, wherever they are.
void delete_own_files(Session& session, const std::string& pool_name, std::string_view name,
                      std::string_view identity);

} // namespace hadeploy::libvirt
