# The workload knows nothing of a mesh: its first command fails unless the mesh is up.
# It serves one page, and one that it fetches from a service of the local cluster.
set -e
ping -c 1 -W 30 10.7.0.1 >/dev/null
mkdir -p /www/cgi-bin
printf '#!/bin/sh\necho\nexec curl -fsS --max-time 10 $SERVICE\n' >/www/cgi-bin/ask
chmod +x /www/cgi-bin/ask
echo the remote workload >/www/index.html
grep nameserver /etc/resolv.conf
exec busybox httpd -f -p 8000 -h /www
