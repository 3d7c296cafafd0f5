#pragma once

#include "core/error.h"

#include <string>
#include <vector>

namespace hadeploy {

/// What a text that should be an address names.
enum class AddressForm { none, resource, module };

/// A resource's: `web`, `web["a"]`, `web[0]`, `module.cluster.web["a"]`; a module's:
/// `module.cluster`.
AddressForm form_of_address(const std::string& text);

/// One part of an address.
struct AddressPart {
    std::string name;     ///< "module.NAME", or of a resource its name
    std::string key;      ///< of for_each, or the index in digits; "": none
    bool indexed = false; ///< the key is an index
};

/// The parts of an address, modules first; empty when it has not the form of one.
std::vector<AddressPart> parts_of_address(const std::string& text);

/// An error of usage about an address that names none of `known`, with the closest of them (or of
/// the resources and modules that they are within) as the hint; `otherwise` where none is close. Of
/// the address of several the first is named.
Error unknown_address(std::string message, const std::string& address,
                      const std::vector<std::string>& known, std::string otherwise);

} // namespace hadeploy
