#!/bin/sh
# Tries copies, checkpoints, tiles and exports in an object store on a server that is not ours: `scripts/objects.sh [FOLDER]`, with moto's S3 of PyPI.
# moto wants an older python-dateutil than pandas does, so it gets an environment of its own in FOLDER.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
folder=${1:-$(mktemp -d)}
if [ ! -x "$folder/moto/bin/python" ]; then
    "$python" -m venv "$folder/moto"
    "$folder/moto/bin/python" -m pip install -q 'moto[s3]>=5.2' 'flask-cors>=6'
fi
MOTO_PYTHON=$folder/moto/bin/python "$python" -m pytest -v -n 0 \
    tests/cli/commands/trust/test_backup_objects.py tests/cli/commands/proof/test_checkpoint_store.py \
    tests/cli/commands/prices/test_export_published.py
