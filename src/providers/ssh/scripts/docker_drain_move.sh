#!/bin/sh
# Moves the services whose tasks may overlap before the node is drained. Variables: node, patience.
[ "$patience" -gt 0 ] || exit 0
hand_over && exit 0
hand_back
exit 1
