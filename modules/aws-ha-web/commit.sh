# Commits the configurations and the version, and prints the commit. Safe to repeat.
export GIT_AUTHOR_NAME=hadeploy GIT_AUTHOR_EMAIL=root@localhost GIT_COMMITTER_NAME=hadeploy GIT_COMMITTER_EMAIL=root@localhost
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git init -q --bare -b main /shared/configs.git
git init -q -b main "$work"
cd "$work"
git remote add origin /shared/configs.git
if git fetch -q origin main 2>/dev/null; then git reset -q --hard FETCH_HEAD; fi
printf %s "$SITE" >nginx.conf
printf %s "$COMPOSE" >app.yml
printf '%s\n' "$VERSION" >version
git add -A
git diff --cached --quiet || git commit -q -m "Version $VERSION"
git push -q origin main
git rev-parse HEAD
