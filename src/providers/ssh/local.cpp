#include "providers/ssh/local.h"

#include "core/file.h"
#include "core/ssh_key.h"
#include "providers/ssh/key_file.h"
#include "providers/ssh/ssh_type.h"

#include <fmt/format.h>

namespace hadeploy::ssh {

namespace {
namespace fs = std::filesystem;

Error cannot(std::string_view what, const fs::path& path, const std::error_code& why) {
    return Error(ErrorKind::failed,
                 fmt::format("cannot {} {}: {}", what, path.string(), why.message()));
}

class LocalEndpoint final : public OpenEndpoint {
  public:
    explicit LocalEndpoint(const ProviderContext& context)
        : directory_(context.data_dir / "keys"), project_(context.project) {}

    std::vector<Observation> read(std::span<const ReadRequest> requests,
                                  const Notice& /*notice*/) override {
        std::vector<Observation> seen;
        for (const ReadRequest& request : requests) {
            try {
                seen.push_back(look(request.config));
            } catch (const Error& error) {
                seen.push_back(Observation::failed(error));
            }
        }
        return seen;
    }

    void apply(std::span<const Change> changes, ChangeSink& sink) override {
        for (std::size_t i = 0; i < changes.size(); ++i) {
            try {
                const bool remove = changes[i].kind == Change::Kind::remove;
                remove ? erase(changes[i].before) : make(changes[i].after);
                sink.done(i, remove ? Value() : look(changes[i].after).attributes);
            } catch (const Error& error) {
                sink.failed(i, error);
            }
        }
    }

  private:
    fs::path file(const Value& config) const {
        return fs::absolute(directory_ / config.text("name", "operator")).lexically_normal();
    }

    Observation look(const Value& config) const {
        const fs::path path = file(config);
        if (!fs::exists(path)) return Observation::absent();
        check_private_key(path.string());
        return Observation::present(config.with("private_key_file", path.string())
                                        .with("public_key", ssh_public_key(read_file(path))));
    }

    /// The public key is written last and derived from the private key, so an interrupted run can
    /// be completed.
    void make(const Value& config) const {
        const fs::path path = file(config);
        std::error_code failed;
        fs::create_directories(directory_, failed);
        if (failed) throw cannot("create", directory_, failed);
        fs::permissions(directory_, fs::perms::owner_all, failed);
        if (!fs::exists(path)) {
            const SshKey key = hadeploy::make_ssh_key(fmt::format("hadeploy {}", project_));
            write_file(path, key.private_key, 0600);
        }
        write_file(path.string() + ".pub", ssh_public_key(read_file(path)) + "\n", 0644);
    }

    void erase(const Value& config) const {
        for (const fs::path& path : {fs::path(file(config).string() + ".pub"), file(config)}) {
            std::error_code failed;
            fs::remove(path, failed);
            if (failed) throw cannot("remove", path, failed);
        }
        std::error_code kept; // other keys may be in it
        fs::remove(directory_, kept);
    }

    fs::path directory_;
    std::string project_;
};
} // namespace

std::shared_ptr<OpenEndpoint> open_local(const ProviderContext& context) {
    return std::make_shared<LocalEndpoint>(context);
}

} // namespace hadeploy::ssh
