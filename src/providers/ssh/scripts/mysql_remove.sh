#!/bin/sh
# Variables: sql. Without a note the object was there before hadeploy, and stays.
if grep -qsx created "$memory"; then printf %s "$sql" | ask; fi
