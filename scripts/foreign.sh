#!/bin/sh
# Installs the tools that docs/auditing.md checks a ledger with, none of them ours, and runs that page and the
# threat model with them: `sudo scripts/foreign.sh`, on Debian. Whatever is missing then is a failure, not a skip.
set -eu
cd "$(dirname "$0")/.."
if [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
        golang-go golang-golang-x-mod-dev openssl openssh-client minisign > /dev/null
fi
go version
dpkg-query -W -f '${Package} ${Version}\n' golang-golang-x-mod-dev openssl openssh-client minisign
B3_LEDGER_FOREIGN=1 exec "${PYTHON:-.venv/bin/python}" -m pytest -v tests/docs/test_auditing.py tests/docs/test_threat_model.py
