#!/bin/sh
# Variables: login (options, quoted), password. `ask` runs the SQL on its standard input, and prints a
# line for each row. After an error the client prints the statement, which may contain the hash of a
# password, so only the error itself is passed on.
mysql_client=$(command -v mariadb || command -v mysql) || { echo 'sh: mariadb: not found' >&2; exit 127; }
ask() {
    eval "set -- $login"
    {
        said=$(MYSQL_PWD=$password "$mysql_client" "$@" --batch --raw --skip-column-names --connect-timeout=10 2>&1 >&4 4>&-) && return 0
        status=$?
    } 4>&1
    printf '%s\n' "$said" | grep -E '^(ERROR|mariadb|mysql)' >&2 || :
    return "$status"
}
