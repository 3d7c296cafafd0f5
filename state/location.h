#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace hadeploy {

/// The location of a state: a file, or a schema of a PostgreSQL database.
struct StateLocation {
    StateLocation(std::filesystem::path path) : file(std::move(path)) {}
    /// @param url  "postgresql://USER@HOST:PORT/DATABASE?schema=NAME", with further parameters of
    ///             libpq; without `schema`, the schema is "hadeploy"
    /// @throws Error(usage) when it is not such a URL, or contains a password, which the process
    ///         list, plans and logs would show. No message contains the URL, because a secret may
    ///         be at a wrong position in it
    static StateLocation of_url(const std::string& url);

    /// Appends "_NAME" to the schema.
    /// @throws Error(usage) when the result is too long
    void extend_schema(const std::string& name);
    [[nodiscard]] bool in_file() const { return url.empty(); }
    /// The path, or the URL with its schema.
    [[nodiscard]] std::string text() const;

    std::filesystem::path file;
    std::string url; ///< for libpq, and therefore without the schema; "" for a file
    std::string schema;
    std::string password; ///< "": from libpq's own sources, such as ~/.pgpass
};

} // namespace hadeploy
