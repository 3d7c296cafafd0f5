#pragma once

#include "providers/libvirt/libvirt_type.h"

#include <cstdint>
#include <istream>
#include <string>
#include <vector>

namespace hadeploy::libvirt {

/// A volume to create in a pool.
struct NewVolume {
    std::string name;
    std::string format = "raw";
    std::int64_t capacity = 0;     ///< bytes; virtual size for qcow2
    std::string backing_path = {}; ///< the base of an overlay
    std::string backing_format = {};
};

/// The `<volume>` to create, accessible only to its owner: libvirt makes the user that runs QEMU
/// the owner of a guest's disk. A pure function.
std::string volume_xml(const NewVolume& volume);

/// Opens the pool, and starts it if it is inactive.
/// @throws Error if there is none
PoolHandle open_pool(const Connection& connection, const std::string& name);

/// nullptr if there is none.
VolumeHandle find_volume(virStoragePoolPtr pool, const std::string& name);
VolumeHandle create_volume(virStoragePoolPtr pool, const NewVolume& volume);
/// Does nothing if there is none.
void delete_volume(virStoragePoolPtr pool, const std::string& name);
std::string path_of(virStorageVolPtr volume);
/// "qcow2" or "raw", as detected by libvirt.
std::string format_of(virStorageVolPtr volume);
/// Virtual size in bytes.
std::int64_t capacity_of(virStorageVolPtr volume);

/// Writes `size` bytes into the volume through libvirt, so that it also works for a remote host.
/// `what` is the displayed activity, "uploading the kernel".
void upload(Session& session, virStorageVolPtr volume, std::istream& source, std::int64_t size,
            std::string_view what);

/// The last `bytes` of a volume's file.
std::string tail(const Connection& connection, virStorageVolPtr volume, std::int64_t bytes);

/// Deletes the files with an object's own_file() names from the pool or, if `pool_name` is empty,
/// from all pools.
void delete_own_files(Session& session, const std::string& pool_name, std::string_view name,
                      std::string_view identity);

} // namespace hadeploy::libvirt
