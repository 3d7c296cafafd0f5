#include "core/vault.h"

#include "core/error.h"
#include "core/hash.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace hadeploy;

namespace {
constexpr std::string_view kPassword = "correct horse";
constexpr std::string_view kPlain = "db_password: hunter2\n";
// Both created by ansible-vault of ansible-core 2.14.
const std::string kVault =
    "$ANSIBLE_VAULT;1.1;AES256\n"
    "32613961663966313130643236363163303261326537333237373030313739613166313537376631\n"
    "3339336564656365636132316131623035323438643431320a383539363262643930356132306631\n"
    "63343230313238636166333832356564373331396365616431323665366332366434303531396165\n"
    "3461323464633466630a623339643133666366613164353230653034393734346163356136316336\n"
    "62353963643432313539633130623530373031363562393038646532643631373939\n";
const std::string kLabelled =
    "$ANSIBLE_VAULT;1.2;AES256;prod\n"
    "32373935313239623932656434393036663166373266313236376634653465306538633134666230\n"
    "3432336461633365323736333333353636656235326430650a663031653264366537663437326537\n"
    "62653436303264326464666238346630306464313930333836336234343432303738366262616564\n"
    "6234396435613238630a333965383836373334306564393865613131656139343362386464643631\n"
    "35666530303261336266633331363535653230636139636537393935663566323839\n";

std::string failure(std::string_view text, std::string_view password = kPassword) {
    try {
        return "(read: " + vault::decrypt(text, password) + ")";
    } catch (const Error& e) {
        return e.message;
    }
}
} // namespace

TEST_CASE("vault: files of Ansible are read, with and without a vault id") {
    CHECK(vault::decrypt(kVault, kPassword) == kPlain);
    CHECK(vault::decrypt(kLabelled, kPassword) == kPlain);
    CHECK(vault::label(kVault).empty());
    CHECK(vault::label(kLabelled) == "prod");
    std::string dos;
    for (const char c : kVault) dos += c == '\n' ? "\r\n" : std::string(1, c);
    CHECK(vault::decrypt(dos, kPassword) == kPlain);
    CHECK(vault::decrypt(kVault.substr(0, kVault.size() - 1), kPassword) == kPlain);
}

TEST_CASE("vault: texts of any length are encrypted and decrypted") {
    for (const std::size_t size : {0, 1, 15, 16, 17, 31, 32, 100'000}) {
        const std::string plain = random_bytes(size);
        const std::string text = vault::encrypt(plain, kPassword);
        CHECK(vault::decrypt(text, kPassword) == plain);
    }
    const std::string once = vault::encrypt(kPlain, kPassword);
    CHECK(once.starts_with("$ANSIBLE_VAULT;1.1;AES256\n"));
    CHECK(once.size() == kVault.size());
    CHECK(once.find('\n', 26) == 26 + 80); // lines of 80 characters, as in Ansible's files
    CHECK(once != vault::encrypt(kPlain, kPassword));
    const std::string labelled = vault::encrypt(kPlain, kPassword, "prod");
    CHECK(labelled.starts_with("$ANSIBLE_VAULT;1.2;AES256;prod\n"));
    CHECK(vault::decrypt(labelled, kPassword) == kPlain);
}

TEST_CASE("vault: a wrong or empty password") {
    CHECK(failure(kVault, "incorrect") == "the password is wrong, or the vault file was altered");
    CHECK(failure(kVault, "") == "the password is wrong, or the vault file was altered");
    CHECK_THROWS_AS(vault::encrypt("x", ""), Error);
}

TEST_CASE("vault: other headers") {
    CHECK_FALSE(vault::is_vault(kPlain));
    CHECK_FALSE(vault::is_vault(""));
    CHECK_FALSE(vault::is_vault("$ANSIBLE_VAULTS;1.1;AES256\n"));
    CHECK(vault::is_vault(kVault));
    CHECK(failure(kPlain) == "not a vault file");
    CHECK(failure("$ANSIBLE_VAULT;1.0;AES\nab") == "cannot read vault files of version \"1.0\"");
    CHECK(failure("$ANSIBLE_VAULT;1.1;\x1b[31m\nab") ==
          "cannot read vault files with the cipher \"\\x1B[31m\", only AES256");
}

TEST_CASE("vault: a file truncated at any byte is rejected") {
    for (std::size_t size = 0; size + 1 < kVault.size(); ++size) {
        CAPTURE(size);
        CHECK_THROWS_AS(vault::decrypt(kVault.substr(0, size), kPassword), Error);
    }
    CHECK(failure("$ANSIBLE_VAULT;1.1;AES256") == "the vault file is damaged: a part is missing");
    CHECK(failure(kVault.substr(0, 40)).starts_with("the vault file is damaged"));
    CHECK(failure(kVault.substr(0, kVault.size() - 5)) ==
          "the vault file is damaged: it is truncated");
}

TEST_CASE("vault: a change of any byte is rejected, except the case of hex digits") {
    for (std::size_t at = 0; at + 1 < kVault.size(); ++at) {
        if (kVault[at] == '\n') continue;
        std::string other = kVault;
        other[at] = other[at] == '4' ? '5' : '4';
        CAPTURE(at);
        const std::string found = failure(other);
        CHECK((!found.starts_with("(read: ") || found == fmt::format("(read: {})", kPlain)));
    }
}
