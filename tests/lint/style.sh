#!/usr/bin/env bash
# Checks the sources with clang-format and the scripts with shellcheck; and how messages quote values.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mapfile -t sources < <(find src state services tests \( -name node_modules -o -name .hadeploy \) -prune -o \
    \( -name '*.cpp' -o -name '*.h' \) -print)
mapfile -t scripts < <(grep -rlE '^#!.*\b(ba)?sh' scripts .ci .githooks tests/e2e tests/lint src/providers)
((${#sources[@]} > 200 && ${#scripts[@]} > 4)) || { echo "the sources were not found" >&2; exit 1; }
clang-format --dry-run --Werror "${sources[@]}"
shellcheck "${scripts[@]}"
if grep -rnE 'in_quotes\([^;]*(as_string\(\)|call\.text\()' src --include='*.cpp'; then
    echo "use quoted() for values in messages: it redacts secrets" >&2
    exit 1
fi
echo "${#sources[@]} sources and ${#scripts[@]} scripts"
