#!/bin/bash
# Succeeds when Pawl says that it is alive. Bash is all that both images have for it: no curl, and a JVM for each look would take
# half a second of a processor.
exec 3<>"/dev/tcp/127.0.0.1/${QUARKUS_HTTP_PORT:-8080}" || exit 1
printf 'GET /q/health/live HTTP/1.0\r\n\r\n' >&3
read -r _ status _ <&3
[[ $status == 200 ]]
