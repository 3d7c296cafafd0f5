#!/bin/sh
# Variables: there (a query that prints a row if the object exists), sql. The note says that the object
# is ours.
if [ ! -e "$memory" ]; then
    found=$(printf %s "$there" | ask)
    [ -n "$found" ] || hadeploy_note created
fi
printf %s "$sql" | ask
