# Lays the web tests out in the build directory (TO) with their packages, so that the source tree
# stays clean. Usage: cmake -DFROM=DIR -DTO=DIR -DNPM=npm -P setup.cmake
file(GLOB files ${FROM}/*.mjs ${FROM}/package.json ${FROM}/package-lock.json ${FROM}/.npmrc)
file(COPY ${files} DESTINATION ${TO})
file(SHA256 ${FROM}/package-lock.json wanted)
set(have "")
if(EXISTS ${TO}/node_modules/.lock.sha256)
    file(READ ${TO}/node_modules/.lock.sha256 have)
endif()
if(NOT have STREQUAL wanted)
    execute_process(COMMAND ${NPM} ci WORKING_DIRECTORY ${TO} COMMAND_ERROR_IS_FATAL ANY)
    file(WRITE ${TO}/node_modules/.lock.sha256 ${wanted})
endif()
