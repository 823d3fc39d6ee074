# InterLink's commands start the tunnel in the background. This container must run as long as the tunnel does.
[ -z "${!-}" ] || wait "$!"
