# InterLink's commands leave the tunnel in the background: this container is there as long as it is.
[ -z "${!-}" ] || wait "$!"
