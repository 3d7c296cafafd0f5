#include "core/file.h"
#include "core/hash.h"
#include "core/own_way.h"
#include "core/text.h"
#include "providers/local/path.h"

#include <filesystem>

namespace hadeploy::local {

namespace {
constexpr std::size_t kMostContent = 16u << 20;

class FileContent final : public DataType {
  public:
    FileContent() {
        name = "local.file_content";
        summary = "The content of a file on the machine that runs hadeploy.";
        doc = "Use it for files that other programs or resources write. If a file is written "
              "during apply, list its resource in `depends_on`. The function `file()`, in "
              "contrast, reads a file before the configuration is evaluated. A symbolic link in "
              "the path is followed only if it belongs to root or to the user who runs hadeploy.";
        example = "token:\n"
                  "  type: local.file_content\n"
                  "  path: build/token\n"
                  "  secret: true\n"
                  "  depends_on: [make_token]\n";
        schema = {{.name = "path",
                   .type = TypeKind::local_path,
                   .doc = "Path of the file, relative to the directory of the spec or module. At "
                          "most 16 MiB.",
                   .required = true},
                  {.name = "secret",
                   .type = TypeKind::boolean,
                   .doc = "Whether the content is secret.",
                   .default_value = Value(false)},
                  {.name = "content",
                   .type = TypeKind::string,
                   .doc = "The content of the file as a string; null if it is not UTF-8.",
                   .computed = true},
                  {.name = "content_base64",
                   .type = TypeKind::string,
                   .doc = "The content of the file in base64.",
                   .computed = true},
                  {.name = "sha256",
                   .type = TypeKind::string,
                   .doc = "SHA-256 of the content.",
                   .computed = true}};
    }

    Observation observe(const ReadRequest& request, const ProviderContext&) const override {
        const std::string path = request.config.text("path");
        std::string bytes;
        try {
            bytes = read_own_way(path, kMostContent);
        } catch (Error& error) {
            if (!std::filesystem::exists(path) && error.hint.empty())
                error.with_hint("if the file is created during apply, list its resource in "
                                "`depends_on`");
            throw;
        }
        const bool secret = request.config.flag("secret");
        const auto mark = [&](const Value& v) { return secret ? v.as_secret() : v; };
        return Observation::present(
            Value::map({{"content_base64", mark(base64_encode(bytes))},
                        {"sha256", mark(sha256_hex(bytes))},
                        {"content", is_utf8(bytes) ? mark(Value(std::move(bytes))) : Value()}}));
    }
};
} // namespace

std::unique_ptr<ResourceType> file_content_type() {
    return std::make_unique<FileContent>();
}

} // namespace hadeploy::local
