#include "core/file.h"
#include "core/hash.h"
#include "core/uuid.h"
#include "providers/libvirt/download.h"
#include "providers/libvirt/image.h"
#include "providers/libvirt/storage.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fmt/format.h>
#include <fstream>

namespace hadeploy::libvirt {

namespace {

constexpr std::int64_t kGib = std::int64_t{1} << 30;
constexpr std::array kSources = {"url", "file", "bootstrap", "size"};

// Suffixes of own_file() for the files of a volume. The mark exists while the other files are
// written. Libvirt cannot rename a volume into place, so only the mark distinguishes an incomplete
// volume from a complete one.
constexpr const char* kMark = ".part";
constexpr const char* kKernel = ".vmlinuz";
constexpr const char* kInitrd = ".initrd";
constexpr std::array kDisks = {".qcow2", ".raw"};

class VolumeType : public LibvirtType {
  public:
    VolumeType();
    void check(const Value& config, Diagnostics& diagnostics) const override;
    void check_making(const Value& config, Diagnostics& diagnostics) const override;
    Value derive(const Value& config) const override;
    std::vector<std::string> claims(const Value& config) const override {
        if (!config["pool"].is_string() || !config["name"].is_string()) return {};
        return {fmt::format("libvirt volume {}/{}", config.text("pool"), config.text("name"))};
    }
    /// Removing an image is not a data loss, because its source can provide it again.
    std::optional<DataLoss> held_data(const Value& volume) const override {
        if (volume["size"].is_null()) return {};
        return DataLoss{
            fmt::format("the volume {} in the pool {}", volume.text("name"), volume.text("pool")),
            volume.integer("size")};
    }
    Observation observe(const ReadRequest& request, Inventory& inventory) const override;
    Value make(Session& session, const Change& change) const override;
    void remove(Session& session, const Change& change) const override;
};

VolumeType::VolumeType() {
    name = "libvirt.volume";
    summary = "A disk in a pool: a base image for domains, or an empty disk";
    doc =
        "Exactly one of `url` (with `checksum`), `file`, `bootstrap` and `size` sets the content. "
        "A domain does not write to its `base` volume, because it has its own copy-on-write "
        "overlay.\n\n"
        "`bootstrap` builds the image from the packages of this machine's distribution, with its "
        "apt sources; it needs root and takes about a minute. The image is kept in the cache, as "
        "downloads are.\n\n"
        "The name of the file in the pool contains a part of the volume's identity, "
        "`base-1a2b3c4d.qcow2`. So no other file is mistaken for it, and new content never gets "
        "the path of old content that overlays still use.\n\n"
        "Detected and repaired: a volume that was deleted, or is incomplete because an apply was "
        "interrupted, is written again. The content is not compared.\n\n"
        "Destroy deletes the volume, even if it was imported.";
    import_id = "the file's name in the pool (`virsh vol-list POOL`)";
    example = "base:\n"
              "  type: libvirt.volume\n"
              "  pool: ${pool.name}\n"
              "  bootstrap: {suite: bookworm, size: 8 GiB}\n";
    const Type recipe = object_of({
        {.name = "suite",
         .type = TypeKind::name,
         .doc = "Release of the distribution, e.g. `bookworm`. Defaults to the release of this "
                "machine."},
        {.name = "size",
         .type = TypeKind::bytes,
         .doc = "Virtual size of the disk.",
         .default_value = Value(8 * kGib),
         .min = kGib},
        {.name = "packages",
         .type = list_of(TypeKind::name),
         .doc = "Extra packages for the image; the base system already boots and accepts SSH "
                "connections. Defaults to Docker and GlusterFS."},
    });
    schema = {
        {.name = "name",
         .type = TypeKind::name,
         .doc = "Name within the pool.",
         .replaces = true,
         .default_value = Value("base")},
        {.name = "pool",
         .type = TypeKind::name,
         .doc = "Name of the storage pool.",
         .required = true,
         .replaces = true},
        {.name = "url",
         .type = TypeKind::string,
         .doc = "URL of the image to download (http, https)."},
        {.name = "checksum",
         .type = TypeKind::string,
         .doc = "Checksum of the download: `sha256:` and 64 hex digits.",
         .replaces = true},
        {.name = "file",
         .type = TypeKind::local_path,
         .doc = "An image on this machine, qcow2 or raw. The volume is replaced when its content "
                "changes."},
        {.name = "bootstrap",
         .type = recipe,
         .doc = "Builds the image from packages.",
         .replaces = true},
        {.name = "size",
         .type = TypeKind::bytes,
         .doc = "Size of an empty volume.",
         .replaces = true},
        {.name = "sha256",
         .type = TypeKind::string,
         .doc = "Hash of the content of `file`.",
         .computed = true,
         .replaces = true},
        {.name = "complete",
         .type = TypeKind::boolean,
         .doc = "Whether the volume is complete.",
         .computed = true,
         .tracked = true,
         .open = true,
         .verb = "repair"},
        {.name = "capacity",
         .type = TypeKind::bytes,
         .doc = "Virtual size of the disk; known after apply for a download.",
         .computed = true,
         .open = true},
        {.name = "path",
         .type = TypeKind::string,
         .doc = "Path of the file on the libvirt host.",
         .computed = true},
        {.name = "format",
         .type = TypeKind::string,
         .doc = "`qcow2` or `raw`.",
         .computed = true,
         .open = true},
        {.name = "kernel",
         .type = TypeKind::string,
         .doc = "Path of the kernel to boot; empty if the image boots from its disk.",
         .computed = true},
        {.name = "initrd",
         .type = TypeKind::string,
         .doc = "Path of the initial RAM disk.",
         .computed = true},
    };
}

bool is_checksum(const std::string& text) {
    constexpr std::string_view kPrefix = "sha256:";
    return text.starts_with(kPrefix) && text.size() == kPrefix.size() + 64 &&
           std::all_of(text.begin() + kPrefix.size(), text.end(), [](unsigned char c) {
               return std::isdigit(c) != 0 || (c >= 'a' && c <= 'f');
           });
}

void VolumeType::check(const Value& config, Diagnostics& diagnostics) const {
    const auto given = std::count_if(kSources.begin(), kSources.end(),
                                     [&](const char* s) { return !config[s].is_null(); });
    if (given != 1)
        diagnostics.add(given == 0
                            ? "a volume needs one of `url`, `file`, `bootstrap` and `size`"
                            : "a volume can have only one of `url`, `file`, `bootstrap` and `size`",
                        config.loc());
    const Value& url = config["url"];
    const Value& checksum = config["checksum"];
    if (url.is_null() != checksum.is_null())
        diagnostics
            .add(url.is_null() ? "`checksum` is only allowed with `url`"
                               : "a download needs a checksum",
                 (url.is_null() ? checksum : url).loc())
            .with_hint("checksum: sha256:... (`sha256sum FILE` prints it)");
    if (url.is_string() && !url.as_string().starts_with("http://") &&
        !url.as_string().starts_with("https://"))
        diagnostics.add("url has to begin with http:// or https://", url.loc())
            .with_hint("for an image on this machine, use `file`");
    if (checksum.is_string() && !is_checksum(checksum.as_string()))
        diagnostics.add("checksum has to be `sha256:` and 64 lower-case hex digits",
                        checksum.loc());
}

Value VolumeType::derive(const Value& config) const {
    Value out = Value::map({{"complete", true}});
    const Value& file = config["file"];
    if (file.is_unknown()) return out.with("sha256", Value::unknown());
    if (const Value& size = config["size"]; size.is_integer()) return out.with("capacity", size);
    if (const Value& size = config["bootstrap"]["size"]; size.is_integer())
        return out.with("capacity", size);
    // A missing file does not matter if the volume was already created from it.
    if (!file.is_string() || !std::filesystem::is_regular_file(file.as_string())) return out;
    out = out.with("sha256", sha256_file(file.as_string()));
    try {
        return out.with("capacity", inspect_disk(file.as_string()).size);
    } catch (const Error&) { // not a disk image: reported by check_making()
        return out;
    }
}

void VolumeType::check_making(const Value& config, Diagnostics& diagnostics) const {
    const Value& file = config["file"];
    if (!file.is_string()) return;
    try {
        (void)inspect_disk(file.as_string());
    } catch (Error& error) {
        error.loc = file.loc();
        diagnostics.add(std::move(error));
    }
}

/// The files of a volume that exist in a pool.
struct Files {
    std::string disk; ///< name; "" if there is none
    bool kernel = false, initrd = false, mark = false;

    [[nodiscard]] bool any() const { return !disk.empty() || kernel || initrd || mark; }
};

/// Whether the volume was imported. Its identity is then the file's own name.
bool is_imported(std::string_view identity) {
    return !is_uuid(identity);
}

std::string disk_file(std::string_view name, std::string_view identity, const char* suffix) {
    return is_imported(identity) ? std::string(identity) : own_file(name, identity, suffix);
}

/// Name of a file beside the disk.
std::string side_file(std::string_view name, std::string_view identity, const char* suffix) {
    if (!is_imported(identity)) return own_file(name, identity, suffix);
    return std::string(identity.substr(0, identity.rfind('.'))) + suffix;
}

std::string mark_file(std::string_view name, std::string_view identity) {
    if (!is_imported(identity)) return own_file(name, identity, kMark);
    return fmt::format("{}.hadeploy{}", identity,
                       kMark); // the suffix .part alone may be that of a download
}

Files files_of(const std::vector<std::string>& names, std::string_view name,
               std::string_view identity) {
    const auto has = [&](const std::string& file) {
        return std::find(names.begin(), names.end(), file) != names.end();
    };
    Files out{.kernel = has(side_file(name, identity, kKernel)),
              .initrd = has(side_file(name, identity, kInitrd)),
              .mark = has(mark_file(name, identity))};
    for (const char* suffix : kDisks)
        if (std::string file = disk_file(name, identity, suffix); has(file))
            out.disk = std::move(file);
    return out;
}

std::string path_in(virStoragePoolPtr pool, const std::string& file) {
    const VolumeHandle volume = find_volume(pool, file);
    return volume ? path_of(volume.get()) : "";
}

/// The format that libvirt detected. The name of an imported file does not show it.
std::string format_in(virStoragePoolPtr pool, const std::string& file) {
    const VolumeHandle volume = find_volume(pool, file);
    return volume ? format_of(volume.get()) : "";
}

/// The computed attributes of an existing volume.
Value places(virStoragePoolPtr pool, const Files& files, std::string_view name,
             std::string_view identity) {
    const VolumeHandle disk = find_volume(pool, files.disk);
    return Value::map({
        {"capacity", disk ? Value(capacity_of(disk.get())) : Value()},
        {"path", path_in(pool, files.disk)},
        {"format", is_imported(identity)                              ? format_in(pool, files.disk)
                   : std::string_view(files.disk).ends_with(".qcow2") ? "qcow2"
                                                                      : "raw"},
        {"kernel", files.kernel ? path_in(pool, side_file(name, identity, kKernel)) : ""},
        {"initrd", files.initrd ? path_in(pool, side_file(name, identity, kInitrd)) : ""},
    });
}

Value merged(Value under, const Value& over) {
    for (const Entry& e : over.as_map()) under = under.with(e.key, e.value);
    return under;
}

Observation VolumeType::observe(const ReadRequest& request, Inventory& inventory) const {
    const std::string pool_name = request.config.text("pool");
    const std::string volume_name = request.config.text("name");
    const std::vector<std::string>* names = inventory.volumes(pool_name);
    if (names == nullptr) {
        // An inactive pool does not list its volumes; this does not mean that they are gone.
        const bool hidden = request.recorded != nullptr && inventory.pool(pool_name) != nullptr;
        return hidden ? Observation::present(Value::map({{"name", volume_name}}))
                      : Observation::absent();
    }
    const Files files = files_of(*names, volume_name, request.identity);
    const RecordedResource* recorded = request.recorded;
    const bool to_import = recorded == nullptr && is_imported(request.identity);
    if (!files.any() || (to_import && files.disk.empty())) return Observation::absent();
    const bool lacks_kernel =
        recorded != nullptr && !files.kernel && !recorded->attributes.text("kernel").empty();
    const bool lacks_initrd =
        recorded != nullptr && !files.initrd && !recorded->attributes.text("initrd").empty();
    const bool whole = !files.mark && !files.disk.empty() && !lacks_kernel && !lacks_initrd;
    Value out = Value::map({{"name", volume_name}, {"pool", pool_name}, {"complete", whole}});
    if (recorded != nullptr && recorded->attributes.has("sha256"))
        out = out.with("sha256", recorded->attributes["sha256"]);
    if (whole && recorded == nullptr)
        out = merged(out, places(inventory.pool(pool_name)->handle.get(), files, volume_name,
                                 request.identity));
    return Observation::present(std::move(out));
}

Image prepare(Session& session, const Value& config) {
    if (config["url"].is_string())
        return download_image(session, config["url"], config.text("checksum"));
    if (config["file"].is_string()) return {config.text("file")};
    return bootstrap_image(session, config["bootstrap"]);
}

void store(Session& session, virStoragePoolPtr pool, const NewVolume& volume,
           const std::filesystem::path& path, std::string_view what) {
    std::ifstream source(path, std::ios::binary);
    if (!source) throw system_error("open", path);
    session.progress(what);
    const VolumeHandle handle = create_volume(pool, volume);
    upload(session, handle.get(), source,
           static_cast<std::int64_t>(std::filesystem::file_size(path)), what);
}

/// Deletes all files except the mark.
void delete_files(virStoragePoolPtr pool, std::string_view name, std::string_view identity) {
    for (const char* suffix : kDisks) delete_volume(pool, disk_file(name, identity, suffix));
    for (const char* suffix : {kKernel, kInitrd})
        delete_volume(pool, side_file(name, identity, suffix));
}

/// Writes the missing files.
void fill(Session& session, virStoragePoolPtr pool, const Change& change, const Files& have) {
    const std::string base = change.after.text("name");
    const auto disk = [&](const char* suffix) { return disk_file(base, change.identity, suffix); };
    if (const Value& size = change.after["size"]; size.is_integer()) {
        if (have.disk.empty())
            create_volume(
                pool, {.name = disk(".qcow2"), .format = "qcow2", .capacity = size.as_integer()});
        return;
    }
    const Image image = prepare(session, change.after);
    if (have.disk.empty()) {
        const DiskFormat is = inspect_disk(image.disk);
        store(session, pool,
              {.name = disk(is.format == "qcow2" ? ".qcow2" : ".raw"),
               .format = is.format,
               .capacity = is.size},
              image.disk, "uploading the image");
    }
    const auto blob = [&](const char* suffix, const std::filesystem::path& path,
                          std::string_view what) {
        const auto size = static_cast<std::int64_t>(std::filesystem::file_size(path));
        store(session, pool, {.name = side_file(base, change.identity, suffix), .capacity = size},
              path, what);
    };
    if (!have.kernel && !image.kernel.empty()) blob(kKernel, image.kernel, "uploading the kernel");
    if (!have.initrd && !image.initrd.empty()) blob(kInitrd, image.initrd, "uploading the initrd");
}

Value VolumeType::make(Session& session, const Change& change) const {
    const std::string volume_name = change.after.text("name");
    const std::string pool_name = change.after.text("pool");
    const std::string mark = mark_file(volume_name, change.identity);
    if (change.kind == Change::Kind::create || !change.before.flag("complete", true)) {
        const PoolHandle pool = open_pool(session.connection, pool_name);
        refresh(pool.get(), pool_name);
        Files have = files_of(volume_names(pool.get(), pool_name), volume_name, change.identity);
        if (have.mark) { // interrupted: no file can be trusted
            delete_files(pool.get(), volume_name, change.identity);
            have = {};
        } else {
            create_volume(pool.get(), {.name = mark, .capacity = 512});
        }
        fill(session, pool.get(), change, have);
        delete_volume(pool.get(), mark);
    }
    const PoolHandle pool = open_pool(session.connection, pool_name);
    refresh(pool.get(), pool_name);
    const Files files = files_of(volume_names(pool.get(), pool_name), volume_name, change.identity);
    if (files.disk.empty())
        throw Error(ErrorKind::failed,
                    fmt::format("the volume '{}' vanished from the pool '{}' while it was being "
                                "created",
                                volume_name, pool_name));
    return merged(change.after.with("complete", true),
                  places(pool.get(), files, volume_name, change.identity));
}

void VolumeType::remove(Session& session, const Change& change) const {
    const std::string volume_name = change.before.text("name");
    const std::string pool_name = change.before.text("pool");
    if (!is_imported(change.identity))
        return delete_own_files(session, pool_name, volume_name, change.identity);
    if (Inventory(session.connection).pool(pool_name) == nullptr) return;
    const PoolHandle pool = open_pool(session.connection, pool_name);
    refresh(pool.get(), pool_name);
    delete_files(pool.get(), volume_name, change.identity);
    delete_volume(pool.get(), mark_file(volume_name, change.identity));
}

} // namespace

std::unique_ptr<ResourceType> volume_type() {
    return std::make_unique<VolumeType>();
}

} // namespace hadeploy::libvirt
