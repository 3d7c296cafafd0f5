#!/bin/sh
# Variables: sha256, files (a function that writes the project into the current directory). The program
# first checks the files in a separate directory.
enter_project make
if [ -f ./.hadeploy ]; then grep -qx "owner $id" ./.hadeploy || hadeploy_refuse "hadeploy: the files in $directory belong to another project"
else ! hadeploy_holds . || hadeploy_refuse "hadeploy: $directory is not empty"; fi
umask 077
chmod 0700 .
printf 'owner %s\n' "$id" >./.hadeploy
rm -rf -- ./.new
mkdir ./.new
(cd ./.new && files && compose -f compose.yml config -q) || {
    rm -rf -- ./.new
    hadeploy_refuse "hadeploy: docker compose does not accept the file; nothing was changed"
}
for entry in ./* ./.[!.]*; do
    case $entry in ./.new|./.hadeploy|'./*'|'./.[!.]*') ;; *) rm -rf -- "$entry" ;; esac
done
for entry in ./.new/* ./.new/.[!.]*; do [ ! -e "$entry" ] || mv -- "$entry" .; done
rmdir ./.new
umask 022
compose -f compose.yml up -d --remove-orphans </dev/null
sum=$(sha256sum <./compose.yml)
printf 'owner %s\ndigest %s\nwritten %s\n' "$id" "$sha256" "${sum%% *}" >./.hadeploy.new
mv -f -- ./.hadeploy.new ./.hadeploy
