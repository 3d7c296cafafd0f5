#!/bin/sh
# Starts a container that was stopped.
start_container && container_runs || hadeploy_refuse "hadeploy: $why"
