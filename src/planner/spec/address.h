#pragma once

#include "core/error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace hadeploy {

/// What a text that should be an address names.
enum class AddressForm { none, resource, module };

/// A resource's: `web`, `web["a"]`, `web[0]`, `module.cluster.web["a"]`; a module's:
/// `module.cluster`.
AddressForm form_of_address(const std::string& text);

/// The address that a text from the command line stands for: the text itself when it names one of
/// `known`, or a block or module that they are within; else the only one of these that is the same
/// but for the quotes of keys, which a shell removes: `r[a]` is `r["a"]`, `r["0"]` may be `r[0]`.
/// A text that stands for none is returned as it is.
std::string resolve_address(const std::string& text, const std::vector<std::string>& known);

/// An address that names nothing yet, with the quotes that a shell may have removed: `r[a]` is
/// `r["a"]`; `r[0]` stays as it is.
std::string quoted_keys(const std::string& text);

/// An address as one word of a shell's command line: `'r["a"]'`.
std::string shell_word(const std::string& address);
/// One part of an address.
struct AddressPart {
    std::string name;     ///< "module.NAME", or of a resource its name
    std::string key;      ///< of for_each, or the index in digits; "": none
    bool indexed = false; ///< the key is an index
};

/// The parts of an address, modules first; empty when it has not the form of one.
std::vector<AddressPart> parts_of_address(const std::string& text);

/// An error of usage about an address that names none of `known`, with the closest of them (or of
/// the resources and modules that they are within) as the hint, written as a word of a shell's
/// command line; `otherwise` where none is close. Of the address of several the first is named.
Error unknown_address(std::string message, const std::string& address,
                      const std::vector<std::string>& known, std::string otherwise);

/// Whether an address is `name` or within it: an instance of it, a resource of that module.
bool within(const std::string& address, const std::string& name);

/// The address under which a generation of a resource is recorded while another one is in use:
/// `address#generation`.
std::string generation_address(const std::string& address, std::int64_t generation);
/// The resource that an address is a generation of; what is none gives itself.
std::string resource_address(const std::string& address);

} // namespace hadeploy
