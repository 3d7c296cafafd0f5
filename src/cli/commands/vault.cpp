#include "core/vault.h"

#include "cli/commands.h"
#include "cli/editor.h"
#include "cli/password.h"
#include "core/file.h"
#include "core/text.h"

#include <fmt/format.h>

namespace hadeploy::cli {

namespace fs = std::filesystem;

namespace {
struct File {
    fs::path path;
    std::string text;
};

/// Reads all files before the first is written, so that an invalid one leaves all unchanged.
std::vector<File> read_files(const Context& context, bool encrypted) {
    std::vector<File> out;
    for (const fs::path& path : context.args.files) {
        out.push_back({path, read_file(path)});
        if (vault::is_vault(out.back().text) != encrypted)
            throw Error(ErrorKind::failed,
                        fmt::format("{} is {}", in_quotes(path.string(), 4096),
                                    encrypted ? "not a vault file" : "already encrypted"))
                .with_hint(encrypted
                               ? "`hadeploy vault encrypt` encrypts it"
                               : "`hadeploy vault edit` changes its content, `rekey` its password");
    }
    return out;
}

std::string decrypted(const File& file, const std::string& password) {
    try {
        return vault::decrypt(file.text, password);
    } catch (Error& error) {
        error.message = fmt::format("{}: {}", in_quotes(file.path.string(), 4096), error.message);
        throw;
    }
}

void write_files(const Context& context, const std::vector<File>& files, std::string_view done) {
    for (const File& file : files) {
        rewrite_file(file.path, file.text);
        context.say(fmt::format("{}: {}\n", file.path.string(), done));
    }
}

int encrypt(Context& context, const fs::path& password_file) {
    std::vector<File> files = read_files(context, false);
    const std::string password = vault_password(password_file, true);
    for (File& file : files) file.text = vault::encrypt(file.text, password);
    write_files(context, files, "encrypted");
    return 0;
}

int decrypt(Context& context, const fs::path& password_file, bool write) {
    std::vector<File> files = read_files(context, true);
    const std::string password = vault_password(password_file);
    for (File& file : files) file.text = decrypted(file, password);
    if (write)
        write_files(context, files, "decrypted");
    else
        for (const File& file : files) context.print(file.text);
    return 0;
}

int edit(Context& context, const fs::path& password_file) {
    const std::vector<File> files = read_files(context, true);
    const std::string password = vault_password(password_file);
    for (const File& file : files) {
        const std::string before = decrypted(file, password);
        const std::string after = edit_privately(before, file.path.filename().string());
        if (after == before)
            context.say(fmt::format("{}: unchanged\n", file.path.string()));
        else
            write_files(context,
                        {{file.path, vault::encrypt(after, password, vault::label(file.text))}},
                        "encrypted again");
    }
    return 0;
}

int rekey(Context& context, const fs::path& password_file) {
    std::vector<File> files = read_files(context, true);
    const std::string password = vault_password(password_file);
    std::vector<std::string> texts;
    for (const File& file : files) texts.push_back(decrypted(file, password));
    const fs::path& new_file = context.args.new_password_file;
    const std::string next =
        new_file.empty() ? ask_password("New vault password", true) : password_from_file(new_file);
    for (std::size_t i = 0; i < files.size(); ++i)
        files[i].text = vault::encrypt(texts[i], next, vault::label(files[i].text));
    write_files(context, files, "encrypted with the new password");
    return 0;
}
} // namespace

int run_vault(Context& context) {
    const std::string& command = context.args.command;
    const fs::path& password_file = context.args.project.vault_password_file;
    if (command == "vault encrypt") return encrypt(context, password_file);
    if (command == "vault edit") return edit(context, password_file);
    if (command == "vault rekey") return rekey(context, password_file);
    return decrypt(context, password_file, command == "vault decrypt");
}

} // namespace hadeploy::cli
