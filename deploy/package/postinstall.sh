#!/bin/sh
# After an installation or an upgrade: a service that runs takes the new program, and nothing is started that did not.
set -e
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl try-restart ciobridge.service
fi
