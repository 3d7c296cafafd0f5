#!/bin/sh
# Variable: image.
need_docker
pull_image "$image"
