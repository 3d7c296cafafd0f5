# `cpack` in the build directory creates a Debian package.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME hadeploy)
set(CPACK_PACKAGE_VENDOR "The hadeploy authors")
set(CPACK_PACKAGE_CONTACT "The hadeploy authors <maintainers@hadeploy.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Small high-availability clusters from one spec")
set(CPACK_PACKAGE_DESCRIPTION
  "Provisions virtual machines, a Docker Swarm, a replicated Gluster volume and
the app on top from one YAML spec, in one plan and one command. Failure drills
measure the effect of a failure on the users of the app. `hadeploy init` creates
a project, `hadeploy doctor` reports what this machine lacks for it.")
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)

# dpkg-shlibdeps sees linked libraries only. Libraries that are loaded when needed (src/core/lazy_library.h) are
# recommended; their packages have different names in different releases.
file(GLOB_RECURSE sources CONFIGURE_DEPENDS src/*.h src/*.cpp state/*.h)
set(recommended "")
foreach(source ${sources})
  file(STRINGS ${source} declarations REGEX "^(inline )?constexpr LateLibrary ")
  foreach(declaration ${declarations})
    string(REGEX REPLACE "^.*{\"([^\"]+)\", \"([^\"]+)\"}.*$" "\\1;\\2" declared "${declaration}")
    list(POP_FRONT declared soname package)
    execute_process(COMMAND dpkg-query --search "*/${soname}" OUTPUT_VARIABLE owner ERROR_QUIET)
    if(owner MATCHES "^([a-z0-9+.-]+)[:,]")
      set(package ${CMAKE_MATCH_1})
    endif()
    list(APPEND recommended ${package})
  endforeach()
endforeach()
list(REMOVE_DUPLICATES recommended)
list(JOIN recommended ", " CPACK_DEBIAN_PACKAGE_RECOMMENDS)
# What specs may need in addition; `hadeploy doctor` reports it.
set(CPACK_DEBIAN_PACKAGE_SUGGESTS
  "libvirt-daemon-system, qemu-system-x86, qemu-utils, dnsmasq-base, mmdebstrap, openssh-client")
include(CPack)
