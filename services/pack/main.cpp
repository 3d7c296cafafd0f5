// Builds an image for `docker load` from one static program, without Docker.
#include "pack/image.h"

#include <cstdio>
#include <fstream>
#include <map>
#include <stdexcept>

namespace {

constexpr const char* kUsage =
    "usage: services_packer --name NAME --program FILE --port PORT --user UID --arch ARCH "
    "--out FILE.tar\n";

using Options = std::map<std::string, std::string>;

Options parse(int argc, char** argv) {
    Options options = {{"--name", ""}, {"--program", ""}, {"--port", ""},
                       {"--user", ""}, {"--arch", ""},    {"--out", ""}};
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!options.contains(argv[i]))
            throw std::invalid_argument(std::string("unknown option ") + argv[i]);
        options[argv[i]] = argv[i + 1];
    }
    for (const auto& [name, value] : options)
        if (value.empty()) throw std::invalid_argument(name + " is missing");
    return options;
}

/// Writes a temporary file first, so that an interrupted build leaves no partial image.
void write_file(const std::string& path, const std::string& bytes) {
    const std::string temporary = path + ".new";
    std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    out.close();
    if (!out) throw std::runtime_error("cannot write " + temporary);
    std::filesystem::rename(temporary, path);
}

} // namespace

int main(int argc, char** argv) {
    try {
        const Options options = parse(argc, argv);
        const auto number = [&](const char* name) { return std::stoul(options.at(name)); };
        const hadeploy::pack::Image image = hadeploy::pack::build_image(
            {options.at("--name"), options.at("--program"),
             static_cast<std::uint16_t>(number("--port")),
             static_cast<std::uint32_t>(number("--user")), options.at("--arch")});
        write_file(options.at("--out"), image.archive);
        std::printf("%s %s %zu bytes\n", image.tag.c_str(), image.id.c_str(), image.archive.size());
        return 0;
    } catch (const std::invalid_argument& error) {
        std::fprintf(stderr, "services_packer: %s\n%s", error.what(), kUsage);
        return 64;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "services_packer: %s\n", error.what());
        return 1;
    }
}
